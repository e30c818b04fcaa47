"""Charts of figures, free of Streamlit."""

from core.show.figures.charts.bars import ranked
from core.show.figures.charts.curves import det, differences
from core.show.figures.charts.maps import compared, heat
from core.show.figures.charts.marks import PICK, AnyChart, unchosen
from core.show.figures.charts.story import (
    STEP,
    legs,
    one_in,
    staircase,
    thresholds,
    training,
    two_classes,
)

__all__ = [
    "PICK",
    "STEP",
    "AnyChart",
    "compared",
    "det",
    "differences",
    "heat",
    "legs",
    "one_in",
    "ranked",
    "staircase",
    "thresholds",
    "training",
    "two_classes",
    "unchosen",
]
