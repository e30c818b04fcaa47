"""Verification systems, and curves: what is no `Tally` of two classes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from core.evaluate.metrics.costs import AsvRates, Costs
from core.evaluate.metrics.tally import Tally, checked_scores
from core.evaluate.metrics.types import Rate


def asv_rates(
    target: npt.ArrayLike, nontarget: npt.ArrayLike, spoof: npt.ArrayLike, threshold: float
) -> AsvRates:
    """Error rates of a verification system that accepts scores at or above a threshold."""
    t, n, s = (np.asarray(scores, dtype=np.float64) for scores in (target, nontarget, spoof))
    return AsvRates(
        float(np.mean(t < threshold)),
        float(np.mean(n >= threshold)),
        float(np.mean(s >= threshold)),
    )


def asv_threshold(target: npt.ArrayLike, nontarget: npt.ArrayLike) -> Rate:
    """Equal error rate of a verification system (higher = target) and its threshold.

    As in the ASVspoof packages the threshold is the highest score rejected at that point, which
    `asv_rates` then accepts; published tandem costs depend on that trial.
    """
    rate, lowest_accepted = Tally.of(target, nontarget, higher="bonafide").eer()
    scores = np.concatenate(
        (checked_scores(target, "target"), checked_scores(nontarget, "nontarget"))
    )
    rejected = scores[scores < lowest_accepted]
    return Rate(rate, float(rejected.max()) if rejected.size else lowest_accepted)


def cheapest_point(
    p_fa: npt.ArrayLike, p_miss: npt.ArrayLike, costs: Costs
) -> tuple[float, float, float]:
    """Minimum normalised cost over the points of a curve, and the point where it is reached.

    Exact on the corners of the curve's convex hull.

    Returns
    -------
    tuple of float
        Cost (1 = the better trivial system), false-alarm rate, miss rate.
    """
    fa, miss = np.asarray(p_fa, dtype=np.float64), np.asarray(p_miss, dtype=np.float64)
    cost = (costs.miss * miss + costs.fa * fa) / min(costs.miss, costs.fa)
    best = int(np.argmin(cost))
    return float(cost[best]), float(fa[best]), float(miss[best])
