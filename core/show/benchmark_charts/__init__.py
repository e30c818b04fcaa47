"""Charts of figures, free of Streamlit."""

from core.show.benchmark_charts.bars import ranked
from core.show.benchmark_charts.curves import det, differences
from core.show.benchmark_charts.maps import compared, heat
from core.show.benchmark_charts.marks import PICK, AnyChart, unchosen
from core.show.benchmark_charts.story import one_in, staircase, thresholds, training, two_classes

__all__ = [
    "PICK",
    "AnyChart",
    "compared",
    "det",
    "differences",
    "heat",
    "one_in",
    "ranked",
    "staircase",
    "thresholds",
    "training",
    "two_classes",
    "unchosen",
]
