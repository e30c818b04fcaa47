"""Figures with what each trial contributes to them, from which their spread follows.

A figure of many trials moves, to first order, by the mean of what its trials contribute: the
influence function (Hampel 1974). Everything here is a function of a `Tally`; who spoke a trial, and
so which contributions stand or fall together, is for `core.evaluate.intervals`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Literal

import numpy as np

from core.evaluate.metrics import (
    ASVSPOOF5,
    Affine,
    Costs,
    Floats,
    Tally,
    TandemConstants,
    equal_error,
)

_deviate = NormalDist().inv_cdf


@dataclass(frozen=True, eq=False)
class Linear:
    """A figure and how it moves with its trials.

    Attributes
    ----------
    value : float
        The figure.
    bonafide, spoof : numpy.ndarray
        float64 ``[m]``, influence of one trial at each distinct score; mean 0 over its class.
    middle : float
        What an interval is put around, where that is not the figure itself.
    optimism : float
        How far a minimum over thresholds lies below the truth, for trials that are independent.
    variance : float
        Least variance of the figure: that of error rates with half an error and half a success
        added, so that a class without errors is not taken for one that makes none.
    low, high : float
        The figure's range; ``high`` may be infinite.
    least : (float, float)
        How the figure grows with the miss and with the false-alarm rate where both are 0.
    symmetric : bool
        Whether the figure is as skewed near its upper end as near its lower.
    floating : bool
        Whether the threshold moves with the trials without being chosen for the figure; speakers
        then leave nothing of what independent trials vary by.
    why : str
        Why there is no interval; empty where there is one.
    """

    value: float
    bonafide: Floats
    spoof: Floats
    middle: float
    optimism: float = 0.0
    variance: float = 0.0
    low: float = 0.0
    high: float = 1.0
    least: tuple[float, float] = (1.0, 1.0)
    symmetric: bool = False
    floating: bool = False
    why: str = ""

    def times(self, factor: float) -> Linear:
        """The same in another unit, such as percent."""
        return replace(
            self,
            value=factor * self.value,
            bonafide=factor * self.bonafide,
            spoof=factor * self.spoof,
            middle=factor * self.middle,
            optimism=factor * self.optimism,
            variance=factor**2 * self.variance,
            low=factor * self.low,
            high=factor * self.high,
            least=(factor * self.least[0], factor * self.least[1]),
        )


Metric = Callable[[Tally], Linear]
"""A figure that can have an interval."""


def eer(tally: Tally, sizes: tuple[int, int] | None = None) -> Linear:
    """Equal error rate, 0-1.

    Where the miss rate M rises by dM and the false-alarm rate F by dF at every threshold, the rate
    at which they meet rises by ``(f_s dM + f_b dF) / (f_b + f_s)``, f being the densities of the
    classes there.

    Parameters
    ----------
    tally : Tally
        Of trials, or of whatever they are made of.
    sizes : (int, int), optional
        Trials of both classes, where the tally counts what they are made of.
    """
    rate, cut = equal_error(*tally.accepted)
    share = _slope(tally, cut, "gap", sizes)
    share = share / (1 + share)
    least = _variance(tally, cut, 1 - share, share)
    return Linear(rate, *_at(tally, cut, 1 - share, share), rate, variance=least, floating=True)


def percent_eer(tally: Tally) -> Linear:
    """Equal error rate in percent."""
    return eer(tally).times(100)


def auc(tally: Tally) -> Linear:
    """Area under the ROC curve, by the placement of each trial among the other class.

    DeLong, DeLong and Clarke-Pearson (1988); by speaker Obuchowski (1997).
    """
    bona, spoof = tally.accepted
    area = tally.auc()
    above = 1 - (spoof[:-1] + 0.5 * tally.spoof) / tally.n_spoof
    below = (bona[:-1] + 0.5 * tally.bonafide) / tally.n_bonafide
    # Where no pair is in the wrong order, "errors" are those of the lower end: 1 - area.
    return Linear(area, above - area, below - area, area, symmetric=True)


def min_dcf(costs: Costs = ASVSPOOF5) -> Metric:
    """Minimum normalised detection cost."""
    return lambda tally: _least(tally, costs.miss, costs.fa)


def min_tdcf(constants: TandemConstants, form: Literal[2019, 2021] = 2021) -> Metric:
    """Minimum normalised tandem cost."""
    c0 = constants.c0 if form == 2021 else 0.0
    return lambda tally: _least(tally, constants.c1, constants.c2, c0)


def act_dcf(costs: Costs = ASVSPOOF5) -> Metric:
    """Normalised cost at the Bayes threshold."""
    norm = min(costs.miss, costs.fa)
    return cost_at(costs.threshold, costs.miss / norm, costs.fa / norm)


def cost_at(threshold: float, miss: float, fa: float) -> Metric:
    """``miss * M + fa * F`` at a threshold that was not chosen on these trials."""

    def cost(tally: Tally) -> Linear:
        cut = int(np.searchsorted(tally.values, threshold, side="right"))
        bona, spoof = tally.accepted
        p_miss, p_fa = _smoothed(tally, cut)
        exact = (tally.n_bonafide - int(bona[cut])) / tally.n_bonafide
        return Linear(
            miss * exact + fa * int(spoof[cut]) / tally.n_spoof,
            *_at(tally, cut, miss, fa),
            miss * p_miss + fa * p_fa,
            variance=_variance(tally, cut, miss, fa),
            high=miss + fa,
            least=(miss, fa),
        )

    return cost


def cllr(affine: Affine | None = None) -> Metric:
    """Cllr in bits, of the scores or under a calibration of `Tally.values`."""

    def cost(tally: Tally) -> Linear:
        llr = tally.values if affine is None else affine.scale * tally.values + affine.offset
        bits = tally.cllr(affine)
        nothing = np.zeros(len(llr))
        if not np.isfinite(bits):
            why = "it is infinite, by an infinite score on the wrong side"
            return Linear(bits, nothing, nothing, bits, why=why)
        why = ""
        losses = []
        for counts, odds, kind in (
            (tally.bonafide, llr, "bona fide"),
            (tally.spoof, -llr, "spoofed"),
        ):
            if 0.5 / counts.sum() > bits and not counts[odds > 0].any():
                why = f"no {kind} trial is on the wrong side, and one would more than double it"
            with np.errstate(invalid="ignore"):
                loss = np.where(counts > 0, np.logaddexp(0, odds) / (2 * np.log(2)), 0.0)
            losses.append(np.where(counts > 0, loss - counts @ loss / counts.sum(), 0.0))
        return Linear(bits, losses[0], losses[1], bits, high=np.inf, why=why)

    return cost


def min_cllr(tally: Tally) -> Linear:
    """Cllr after the best monotone calibration, without an interval."""
    nothing = np.zeros(len(tally.values))
    value = tally.min_cllr()
    why = "the best monotone map fits these very trials, and how far is not known"
    return Linear(value, nothing, nothing, value, why=why)


def miss_at(rate: float) -> Metric:
    """Lowest miss rate whose false-alarm rate is at most this."""

    def miss(tally: Tally) -> Linear:
        cut, value, slope, least = miss_cut(tally, rate)
        why = "" if tally.accepted[1][cut] else "too few fakes for so low a false-alarm rate"
        return Linear(
            value, *_at(tally, cut, 1.0, slope), value, variance=least, floating=True, why=why
        )

    return miss


def miss_cut(tally: Tally, rate: float) -> tuple[int, float, float, float]:
    """Cut, miss rate there, by how much it rises with the false-alarm rate, its least variance."""
    bona, spoof = tally.accepted
    cut = int(np.searchsorted(spoof, int((rate + 1e-12) * tally.n_spoof), side="right")) - 1
    p_miss, p_fa = (_deviate(p) for p in _smoothed(tally, cut))
    slope = _slope(tally, cut, "fa") * np.exp((p_fa**2 - p_miss**2) / 2)
    value = (tally.n_bonafide - int(bona[cut])) / tally.n_bonafide
    return cut, value, float(slope), _variance(tally, cut, 1.0, float(slope))


def _at(tally: Tally, cut: int, miss: float, fa: float) -> tuple[Floats, Floats]:
    """Influence on ``miss * M + fa * F`` at a cut."""
    bona, spoof = tally.accepted
    rejected = np.arange(len(tally.values)) >= cut
    p_miss = 1 - bona[cut] / tally.n_bonafide
    p_fa = spoof[cut] / tally.n_spoof
    return miss * (rejected - p_miss), fa * (~rejected - p_fa)


def _smoothed(tally: Tally, cut: int) -> tuple[float, float]:
    """Miss and false-alarm rates with half an error and half a success added to each class."""
    bona, spoof = tally.accepted
    n, k = tally.n_bonafide, tally.n_spoof
    return (n - int(bona[cut]) + 0.5) / (n + 1), (int(spoof[cut]) + 0.5) / (k + 1)


def _variance(tally: Tally, cut: int, miss: float, fa: float) -> float:
    m, f = _smoothed(tally, cut)
    return miss**2 * m * (1 - m) / tally.n_bonafide + fa**2 * f * (1 - f) / tally.n_spoof


def ratio(tally: Tally, cut: int) -> float:
    """Density of bona fide scores over that of spoofed ones at a cut: ``-dM / dF``."""
    p_miss, p_fa = (_deviate(p) for p in _smoothed(tally, cut))
    return float(_slope(tally, cut, "gap") * np.exp((p_fa**2 - p_miss**2) / 2))


def _slope(
    tally: Tally,
    cut: int,
    axis: Literal["gap", "fa"],
    sizes: tuple[int, int] | None = None,
    window: float = 3.0,
) -> float:
    """Slope of the DET curve on normal-deviate axes around a cut, as ``-d M / d F``.

    Taken over a few standard errors to both sides, with a weak pull towards 1, the slope of two
    classes that spread alike.
    """
    bona, spoof = tally.accepted
    n, k = tally.n_bonafide, tally.n_spoof
    # In whole numbers: F - M times both class sizes but for a constant, or F times its own.
    along, scale = (spoof * n + bona * k, n * k) if axis == "gap" else (spoof, k)
    m, f = _smoothed(tally, cut)
    of_bona, of_spoof = sizes or (n, k)
    spread = f * (1 - f) / of_spoof + (m * (1 - m) / of_bona if axis == "gap" else 0.0)
    reach = max(window * np.sqrt(spread), 3 / of_spoof + (3 / of_bona if axis == "gap" else 0.0))
    whole, at = math.ceil(reach * scale - 1e-6), int(along[cut])
    before = max(int(np.searchsorted(along, at - whole, side="right")) - 1, 0)
    after = min(int(np.searchsorted(along, at + whole)), len(along) - 1)
    ends = [[_deviate(p) for p in _smoothed(tally, c)] for c in (before, after)]
    pull = 0.25
    slope = (ends[0][0] - ends[1][0] + pull) / (ends[1][1] - ends[0][1] + pull)
    return float(min(max(slope, 0.25), 4.0))


def _least(tally: Tally, miss: float, fa: float, c0: float = 0.0) -> Linear:
    """``(c0 + min(miss * M + fa * F)) / (c0 + min(miss, fa))``.

    To first order the minimum moves as the cost at its threshold. The threshold is chosen on the
    same trials, which makes the minimum too low: near it the cost is a parabola plus a Brownian
    motion, whose expected minimum is known (Groeneboom 1989; Kim and Pollard 1990). The parabola is
    that of two normal classes of equal spread with these error rates.
    """
    bona, spoof = tally.accepted
    n, k = tally.n_bonafide, tally.n_spoof
    norm = c0 + min(miss, fa)
    cut = int(np.argmin(fa / k * spoof - miss / n * bona))
    value = (c0 + miss * (n - int(bona[cut])) / n + fa * int(spoof[cut]) / k) / norm
    z_miss, z_fa = (_deviate(p) for p in _smoothed(tally, cut))
    apart = max(-z_miss - z_fa, 0.5)
    density = np.sqrt(miss * fa / (2 * np.pi)) * np.exp(-(z_miss**2 + z_fa**2) / 4)
    noise = miss / n + fa / k
    optimism = LOWEST * noise ** (2 / 3) * (2 * density / apart) ** (1 / 3) / norm
    return Linear(
        value,
        *_at(tally, cut, miss / norm, fa / norm),
        value,
        optimism=float(optimism),
        variance=_variance(tally, cut, miss / norm, fa / norm),
        low=c0 / norm,
        least=(miss / norm, fa / norm),
    )


LOWEST = 0.79067
"""Expected maximum of a two-sided Brownian motion minus a parabola (3 times the variance of its
place, 0.26356; Groeneboom and Wellner 2001)."""
