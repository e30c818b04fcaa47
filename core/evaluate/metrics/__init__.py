"""Error rates and costs, by the definitions of the field."""

from core.evaluate.metrics.costs import (
    ASVSPOOF5,
    AsvRates,
    Costs,
    TandemConstants,
    TandemCosts,
    tandem_constants,
)
from core.evaluate.metrics.functions import (
    act_dcf,
    affine_calibration,
    asv_rates,
    asv_threshold,
    auc,
    cheapest_point,
    cllr,
    det_curve,
    eer,
    min_cllr,
    min_dcf,
    min_tdcf,
)
from core.evaluate.metrics.tally import Tally, equal_error
from core.evaluate.metrics.types import Affine, Cost, DetCurve, Floats, Higher, Ints, Rate

__all__ = [
    "ASVSPOOF5",
    "Affine",
    "AsvRates",
    "Cost",
    "Costs",
    "DetCurve",
    "Floats",
    "Higher",
    "Ints",
    "Rate",
    "Tally",
    "TandemConstants",
    "TandemCosts",
    "act_dcf",
    "affine_calibration",
    "asv_rates",
    "asv_threshold",
    "auc",
    "cheapest_point",
    "cllr",
    "det_curve",
    "eer",
    "equal_error",
    "min_cllr",
    "min_dcf",
    "min_tdcf",
    "tandem_constants",
]
