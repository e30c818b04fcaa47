"""Charts of figures, free of Streamlit."""

from core.show.benchmark_charts.bars import heat, ranked
from core.show.benchmark_charts.curves import det, differences
from core.show.benchmark_charts.marks import PICK, AnyChart, system_colours
from core.show.benchmark_charts.story import one_in, staircase, thresholds, training, two_classes

__all__ = [
    "PICK",
    "AnyChart",
    "det",
    "differences",
    "heat",
    "one_in",
    "ranked",
    "staircase",
    "system_colours",
    "thresholds",
    "training",
    "two_classes",
]
