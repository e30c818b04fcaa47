"""The metrics of two sets of scores."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from core.evaluate.metrics.costs import ASVSPOOF5, AsvRates, Costs, TandemCosts, tandem_constants
from core.evaluate.metrics.tally import Tally, checked_scores
from core.evaluate.metrics.types import Affine, Cost, DetCurve, Higher, Rate


def det_curve(
    bonafide: npt.ArrayLike, spoof: npt.ArrayLike, *, higher: Higher = "spoof"
) -> DetCurve:
    """Miss and false-alarm rates at every threshold that parts the trials differently.

    Parameters
    ----------
    bonafide, spoof : array_like
        Scores ``[n]`` and ``[k]`` of the two classes.
    higher : {"spoof", "bonafide"}
        What a higher score speaks for.

    Raises
    ------
    ValueError
        If a class is empty or a score is not a number.
    """
    return Tally.of(bonafide, spoof, higher=higher).det()


def eer(bonafide: npt.ArrayLike, spoof: npt.ArrayLike, *, higher: Higher = "spoof") -> Rate:
    """Equal error rate (0-1): both error rates where they are closest, averaged.

    The definition of the ASVspoof packages with tied scores grouped; where all scores are equal
    those packages return 0 or 1 by the order of the trials, and this 0.5.

    Parameters and errors as in `det_curve`.
    """
    return Tally.of(bonafide, spoof, higher=higher).eer()


def min_dcf(
    bonafide: npt.ArrayLike,
    spoof: npt.ArrayLike,
    costs: Costs = ASVSPOOF5,
    *,
    higher: Higher = "spoof",
) -> Cost:
    """Smallest detection cost over all thresholds, 1 being the better of two trivial systems.

    ``min(c_miss (1 - p_spoof) p_miss + c_fa p_spoof p_fa) / min(c_miss (1 - p_spoof), c_fa
    p_spoof)`` (ASVspoof 5 evaluation plan, equations 2-4).
    """
    return Tally.of(bonafide, spoof, higher=higher).min_dcf(costs)


def act_dcf(
    bonafide: npt.ArrayLike,
    spoof: npt.ArrayLike,
    costs: Costs = ASVSPOOF5,
    *,
    higher: Higher = "spoof",
) -> Cost:
    """Detection cost when the scores are taken for log-likelihood ratios and decided by Bayes.

    Natural log; the threshold is ``ln(c_miss (1 - p_spoof) / (c_fa p_spoof))`` on ratios that
    favour spoof (ASVspoof 5 evaluation plan).
    """
    return Tally.of(bonafide, spoof, higher=higher).act_dcf(costs)


def cllr(bonafide: npt.ArrayLike, spoof: npt.ArrayLike, *, higher: Higher = "spoof") -> float:
    """Cost of natural-log likelihood ratios in bits: 0 is perfect, 1 is saying nothing.

    ``(mean log2(1 + exp(llr_bonafide)) + mean log2(1 + exp(-llr_spoof))) / 2`` for ratios that
    favour spoof (Bruemmer and du Preez 2006, doi:10.1016/j.csl.2005.08.001).
    """
    return Tally.of(bonafide, spoof, higher=higher).cllr()


def min_cllr(bonafide: npt.ArrayLike, spoof: npt.ArrayLike, *, higher: Higher = "spoof") -> float:
    """Cllr in bits that the best monotone calibration would reach: what discrimination allows."""
    return Tally.of(bonafide, spoof, higher=higher).min_cllr()


def min_tdcf(
    bonafide: npt.ArrayLike,
    spoof: npt.ArrayLike,
    asv: AsvRates,
    costs: TandemCosts | None = None,
    *,
    form: Literal[2019, 2021] = 2021,
    higher: Higher = "spoof",
) -> Cost:
    """Smallest tandem detection cost over all thresholds of the countermeasure.

    ``(C0 + C1 p_miss + C2 p_fa) / (C0 + min(C1, C2))`` in the form of 2021; the form of 2019 leaves
    out C0, the cost of the verification system itself (Kinnunen et al. 2020,
    doi:10.1109/TASLP.2020.3009494).
    """
    constants = tandem_constants(asv, costs)
    return Tally.of(bonafide, spoof, higher=higher).min_tdcf(constants, form=form)


def auc(bonafide: npt.ArrayLike, spoof: npt.ArrayLike, *, higher: Higher = "spoof") -> float:
    """Probability that a spoofed trial outranks a bona fide one, ties counting half."""
    return Tally.of(bonafide, spoof, higher=higher).auc()


def affine_calibration(
    bonafide: npt.ArrayLike,
    spoof: npt.ArrayLike,
    *,
    p_spoof: float = 0.5,
    higher: Higher = "spoof",
) -> Affine:
    """Scale and offset that turn these scores into ratios ``ln p(x|spoof) / p(x|bona fide)``.

    Prior-weighted logistic regression (Bruemmer and du Preez 2006). The result applies to the
    scores as given, so its scale is negative where higher means bona fide.
    """
    scale, offset = Tally.of(bonafide, spoof, higher=higher).affine_calibration(p_spoof)
    return Affine(scale if higher == "spoof" else -scale, offset)


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
    rate, lowest_accepted = eer(target, nontarget, higher="bonafide")
    scores = np.concatenate(
        (checked_scores(target, "target"), checked_scores(nontarget, "nontarget"))
    )
    rejected = scores[scores < lowest_accepted]
    return Rate(rate, float(rejected.max()) if rejected.size else lowest_accepted)


def cheapest_point(
    p_fa: npt.ArrayLike, p_miss: npt.ArrayLike, costs: Costs
) -> tuple[float, float, float]:
    """Minimum normalised cost over the points of a curve, and the point where it is reached.

    Exact on the corners of the curve's convex hull (`core.evaluate.published.convex_hull`).

    Returns
    -------
    tuple of float
        Cost (1 = the better trivial system), false-alarm rate, miss rate.
    """
    fa, miss = np.asarray(p_fa, dtype=np.float64), np.asarray(p_miss, dtype=np.float64)
    cost = (costs.miss * miss + costs.fa * fa) / min(costs.miss, costs.fa)
    best = int(np.argmin(cost))
    return float(cost[best]), float(fa[best]), float(miss[best])
