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
    asv_rates,
    asv_threshold,
    cheapest_point,
)
from core.evaluate.metrics.spoof_aware import (
    ADCF_ASVSPOOF5,
    AdcfCosts,
    SpoofAwareCurve,
    cheapest_adcf,
    spoof_aware_curve,
)
from core.evaluate.metrics.tally import Tally, equal_error
from core.evaluate.metrics.tandem import Tandem, TandemPoint
from core.evaluate.metrics.types import Affine, Cost, DetCurve, Floats, Higher, Ints, Rate

__all__ = [
    "ADCF_ASVSPOOF5",
    "ASVSPOOF5",
    "AdcfCosts",
    "Affine",
    "AsvRates",
    "Cost",
    "Costs",
    "DetCurve",
    "Floats",
    "Higher",
    "Ints",
    "Rate",
    "SpoofAwareCurve",
    "Tally",
    "Tandem",
    "TandemConstants",
    "TandemCosts",
    "TandemPoint",
    "asv_rates",
    "asv_threshold",
    "cheapest_adcf",
    "cheapest_point",
    "equal_error",
    "spoof_aware_curve",
    "tandem_constants",
]
