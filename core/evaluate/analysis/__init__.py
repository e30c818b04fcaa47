"""Everything about one score file, or about two on the same trials."""

from core.evaluate.analysis.applied import applied_error, error_at, misleading, tippett
from core.evaluate.analysis.breakdowns import (
    attributes,
    by_column,
)
from core.evaluate.analysis.comparison import Comparison, compare
from core.evaluate.analysis.datasets import (
    DATA_SET,
    MEAN,
    POOLED,
    DataSets,
    by_data_set,
    labelled_sets,
    stacked,
)
from core.evaluate.analysis.fused import (
    EQUAL,
    LOGISTIC,
    Fused,
    best_alone,
    calibrated,
    fuse,
    split,
)
from core.evaluate.analysis.pictures import histogram, reliability, worst
from core.evaluate.analysis.pooled import Overall, official_eer, overall
from core.evaluate.analysis.prepared import (
    Prepared,
    Settings,
    prepare,
)
from core.evaluate.analysis.suspicions import suspicions, which_benchmark
from core.evaluate.analysis.systems import (
    MOST_SYSTEMS,
    Systems,
    operating_points,
    side_by_side,
    together,
)

__all__ = [
    "DATA_SET",
    "EQUAL",
    "LOGISTIC",
    "MEAN",
    "MOST_SYSTEMS",
    "POOLED",
    "Comparison",
    "DataSets",
    "Fused",
    "Overall",
    "Prepared",
    "Settings",
    "Systems",
    "applied_error",
    "attributes",
    "best_alone",
    "by_column",
    "by_data_set",
    "calibrated",
    "compare",
    "error_at",
    "fuse",
    "histogram",
    "labelled_sets",
    "misleading",
    "official_eer",
    "operating_points",
    "overall",
    "prepare",
    "reliability",
    "side_by_side",
    "split",
    "stacked",
    "suspicions",
    "tippett",
    "together",
    "which_benchmark",
    "worst",
]
