"""Everything about one score file, or about two on the same trials."""

from core.evaluate.analysis.breakdowns import (
    MOST_CONDITIONS,
    attributes,
    by_column,
)
from core.evaluate.analysis.comparison import DIFFERENCE_COLUMNS, Comparison, compare
from core.evaluate.analysis.pictures import histogram, reliability, worst
from core.evaluate.analysis.pooled import Overall, official_eer, overall
from core.evaluate.analysis.prepared import (
    FIGURE_COLUMNS,
    Part,
    Prepared,
    Settings,
    prepare,
)
from core.evaluate.analysis.suspicions import suspicions, which_benchmark

__all__ = [
    "DIFFERENCE_COLUMNS",
    "FIGURE_COLUMNS",
    "MOST_CONDITIONS",
    "Comparison",
    "Overall",
    "Part",
    "Prepared",
    "Settings",
    "attributes",
    "by_column",
    "compare",
    "histogram",
    "official_eer",
    "overall",
    "prepare",
    "reliability",
    "suspicions",
    "which_benchmark",
    "worst",
]
