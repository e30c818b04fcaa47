"""Speaker verification that must also reject fakes: one score, three kinds of trials."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.evaluate.metrics.costs import PRIORS, check_costs
from core.evaluate.metrics.tally import checked_scores
from core.evaluate.metrics.types import Cost, Floats


@dataclass(frozen=True)
class AdcfCosts:
    """Priors and costs of the a-DCF; the defaults are those by which ASVspoof 5 ranks track 2.

    Its package overrides the defaults of the a-DCF's own, 0.9, 0.05, 0.05 and 1, 10, 20.

    Attributes
    ----------
    p_target, p_nontarget, p_spoof : float
        Priors, above 0; they sum to 1.
    c_miss, c_fa, c_fa_spoof : float
        Cost of rejecting a target, accepting another speaker, accepting a fake; above 0.

    Raises
    ------
    ValueError
        If a value is out of its range.
    """

    p_target: float = 0.9405
    p_nontarget: float = 0.0095
    p_spoof: float = 0.05
    c_miss: float = 1.0
    c_fa: float = 10.0
    c_fa_spoof: float = 10.0

    def __post_init__(self) -> None:
        priors = self.p_target, self.p_nontarget, self.p_spoof
        if not all(prior >= PRIORS[0] for prior in priors) or abs(sum(priors) - 1) > 1e-10:
            raise ValueError("The three priors of the a-DCF must be above 0 and sum to 1.")
        check_costs(self.c_miss, self.c_fa, self.c_fa_spoof)

    @property
    def weights(self) -> tuple[float, float, float]:
        """What the miss rate and both false-alarm rates cost, over the better trivial system."""
        miss = self.c_miss * self.p_target
        fa, spoof = self.c_fa * self.p_nontarget, self.c_fa_spoof * self.p_spoof
        norm = min(miss, fa + spoof)
        return miss / norm, fa / norm, spoof / norm


ADCF_ASVSPOOF5 = AdcfCosts()


@dataclass(frozen=True, eq=False)
class SpoofAwareCurve:
    """Error rates at every threshold that parts the trials differently.

    Attributes
    ----------
    threshold : numpy.ndarray
        float64 ``[m + 1]``, ascending; scores at or above it are accepted. The last is infinite.
    p_miss, p_fa, p_fa_spoof : numpy.ndarray
        float64 ``[m + 1]``, 0-1: targets rejected, other speakers accepted, fakes accepted.
    """

    threshold: Floats
    p_miss: Floats
    p_fa: Floats
    p_fa_spoof: Floats


def spoof_aware_curve(
    target: npt.ArrayLike, nontarget: npt.ArrayLike, spoof: npt.ArrayLike
) -> SpoofAwareCurve:
    """Error rates of a system whose higher scores speak for the target.

    Parameters
    ----------
    target, nontarget, spoof : array_like
        Scores ``[n]``, ``[k]`` and ``[s]``.

    Raises
    ------
    ValueError
        If there is no trial of a kind, or a score is not a number.
    """
    given = [
        np.sort(checked_scores(scores, name))
        for scores, name in ((target, "target"), (nontarget, "nontarget"), (spoof, "spoofed"))
    ]
    threshold = np.append(np.unique(np.concatenate(given)), np.inf)
    # Rejected is what lies below; at the last threshold that is everything, infinite or not.
    below = [np.append(np.searchsorted(s, threshold[:-1]), len(s)) / len(s) for s in given]
    return SpoofAwareCurve(threshold, below[0], 1 - below[1], 1 - below[2])


def cheapest_adcf(curve: SpoofAwareCurve, costs: AdcfCosts = ADCF_ASVSPOOF5) -> Cost:
    """Smallest architecture-agnostic detection cost over all thresholds.

    ``c_miss p_target P_miss + c_fa p_nontarget P_fa + c_fa_spoof p_spoof P_fa_spoof``, over the
    smaller cost of accepting or rejecting everything (Shim et al. 2024, "a-DCF: an architecture
    agnostic metric with application to spoofing-robust speaker verification", equations 3-5,
    arXiv:2403.01355).

    Returns
    -------
    Cost
        With the lowest score that is accepted.
    """
    miss, fa, spoof = costs.weights
    cost = miss * curve.p_miss + fa * curve.p_fa + spoof * curve.p_fa_spoof
    best = int(np.argmin(cost))
    return Cost(float(cost[best]), float(curve.threshold[best]))
