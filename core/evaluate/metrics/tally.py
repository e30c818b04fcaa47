"""Trials counted by score: every metric is computed from it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from core.evaluate.metrics.costs import ASVSPOOF5, Costs, TandemConstants
from core.evaluate.metrics.types import Affine, Cost, DetCurve, Floats, Higher, Ints, Rate


@dataclass(frozen=True, eq=False)
class Tally:
    """Scores of both classes, sorted, tied values grouped: what every metric needs.

    Attributes
    ----------
    values : numpy.ndarray
        float64 ``[m]``, the distinct scores, ascending towards spoof.
    bonafide, spoof : numpy.ndarray
        int64 ``[m]``, how many trials of each class have that score.
    higher : {"spoof", "bonafide"}
        Direction of the scores that were given; ``values`` are negated for ``"bonafide"``.
    """

    values: Floats
    bonafide: Ints
    spoof: Ints
    higher: Higher = "spoof"

    @classmethod
    def of(
        cls, bonafide: npt.ArrayLike, spoof: npt.ArrayLike, *, higher: Higher = "spoof"
    ) -> Tally:
        """Sort and group the scores of ``[n]`` bona fide and ``[k]`` spoofed trials.

        Raises
        ------
        ValueError
            If a class is empty, a score is not a number, or the direction is unknown.
        """
        b = checked_scores(bonafide, "bona fide")
        s = checked_scores(spoof, "spoofed")
        if higher not in ("spoof", "bonafide"):
            raise ValueError('The direction of the scores is "spoof" or "bonafide".')
        scores = np.concatenate((b, s))
        if higher == "bonafide":
            np.negative(scores, out=scores)
        order = np.argsort(scores)
        scores = scores[order]
        is_bona = order < len(b)
        del order  # millions of trials: each array is freed when done
        return cls._grouped(scores, is_bona, _new(scores), higher)

    @classmethod
    def ranked(cls, scores: Floats, is_spoof: npt.NDArray[np.bool_]) -> tuple[Tally, Ints]:
        """The tally of ``[n]`` checked scores towards spoof, and the place of each in its values.

        Raises
        ------
        ValueError
            If a class is empty or a score is not a number.
        """
        checked_scores(scores[~is_spoof], "bona fide")
        checked_scores(scores[is_spoof], "spoofed")
        order = np.argsort(scores)
        ascending = scores[order]
        new = _new(ascending)
        level = np.empty(len(order), dtype=np.int64)
        level[order] = np.cumsum(new) - 1
        return cls._grouped(ascending, ~is_spoof[order], new, "spoof"), level

    @classmethod
    def _grouped(
        cls,
        scores: Floats,
        is_bona: npt.NDArray[np.bool_],
        new: npt.NDArray[np.bool_],
        higher: Higher,
    ) -> Tally:
        """The tally of sorted scores, ``new`` where one differs from the one before."""
        starts = np.flatnonzero(new)
        n_bona = np.add.reduceat(is_bona, starts, dtype=np.int64)
        sizes = np.diff(starts, append=len(scores))
        return cls(scores[starts], n_bona, sizes - n_bona, higher)

    @cached_property
    def n_bonafide(self) -> int:
        """Number of bona fide trials."""
        return int(self.bonafide.sum())

    @cached_property
    def n_spoof(self) -> int:
        """Number of spoofed trials."""
        return int(self.spoof.sum())

    @cached_property
    def accepted(self) -> tuple[Ints, Ints]:
        """Trials of each class that pass as bona fide at each of ``m + 1`` thresholds."""
        return _from_zero(self.bonafide), _from_zero(self.spoof)

    def _rates(self) -> tuple[Floats, Floats]:
        bona, spoof = self.accepted
        return (self.n_bonafide - bona) / self.n_bonafide, spoof / self.n_spoof

    def _threshold(self, cut: int) -> float:
        # Cut k accepts the first k distinct values, so its threshold is the last of them.
        value = float(self.values[cut - 1]) if cut else float("-inf")
        return self._given(value)

    def _given(self, value: float) -> float:
        return value if self.higher == "spoof" else -value

    def det(self) -> DetCurve:
        """Miss and false-alarm rates at every threshold that parts the trials differently."""
        threshold = np.concatenate(([-np.inf], self.values))
        return DetCurve(*self._rates(), threshold if self.higher == "spoof" else -threshold)

    def eer(self) -> Rate:
        """Equal error rate (0-1): both error rates where they are closest, averaged.

        The definition of the ASVspoof packages with tied scores grouped; where all scores are equal
        those packages return 0 or 1 by the order of the trials, and this 0.5.
        """
        rate, cut = equal_error(*self.accepted)
        return Rate(rate, self._threshold(cut))

    def min_dcf(self, costs: Costs = ASVSPOOF5) -> Cost:
        """Smallest detection cost over all thresholds, 1 being the better of two trivial systems.

        ``min(c_miss (1 - p_spoof) p_miss + c_fa p_spoof p_fa) / min(c_miss (1 - p_spoof), c_fa
        p_spoof)`` (ASVspoof 5 evaluation plan, equations 2-4).
        """
        cost, cut = self._cheapest(costs.miss, costs.fa)
        return Cost(cost / min(costs.miss, costs.fa), self._threshold(cut))

    def _cheapest(self, miss: float, fa: float) -> tuple[float, int]:
        bona, spoof = self.accepted
        cut = int(np.argmin(fa / self.n_spoof * spoof - miss / self.n_bonafide * bona))
        p_miss = (self.n_bonafide - int(bona[cut])) / self.n_bonafide
        return miss * p_miss + fa * int(spoof[cut]) / self.n_spoof, cut

    def act_dcf(self, costs: Costs = ASVSPOOF5) -> Cost:
        """Detection cost when the scores are taken for log-likelihood ratios and decided by Bayes.

        Natural log; the threshold is ``ln(c_miss (1 - p_spoof) / (c_fa p_spoof))`` on ratios that
        favour spoof (ASVspoof 5 evaluation plan).
        """
        cut = int(np.searchsorted(self.values, costs.threshold, side="right"))
        bona, spoof = self.accepted
        p_miss = (self.n_bonafide - bona[cut]) / self.n_bonafide
        cost = costs.miss * p_miss + costs.fa * spoof[cut] / self.n_spoof
        return Cost(float(cost / min(costs.miss, costs.fa)), self._given(costs.threshold))

    def min_tdcf(self, constants: TandemConstants, *, form: Literal[2019, 2021] = 2021) -> Cost:
        """Smallest tandem detection cost over all thresholds of the countermeasure.

        ``(C0 + C1 p_miss + C2 p_fa) / (C0 + min(C1, C2))`` in the form of 2021; the form of 2019
        leaves out C0, the cost of the verification system itself (Kinnunen et al. 2020,
        doi:10.1109/TASLP.2020.3009494).
        """
        if form not in (2019, 2021):
            raise ValueError("The tandem cost has a form of 2019 and one of 2021.")
        c0 = constants.c0 if form == 2021 else 0.0
        default = c0 + min(constants.c1, constants.c2)
        if default == 0:
            raise ValueError(
                "The tandem cost is undefined: the verification system accepts no spoofed trial."
            )
        cost, cut = self._cheapest(constants.c1, constants.c2)
        return Cost((c0 + cost) / default, self._threshold(cut))

    def auc(self) -> float:
        """Probability that a spoofed trial outranks a bona fide one, ties counting half."""
        bona, _ = self.accepted
        below = bona[:-1] + 0.5 * self.bonafide
        return float((self.spoof @ below) / (self.n_bonafide * self.n_spoof))

    def cllr(self, affine: Affine | None = None) -> float:
        """Cost of natural-log likelihood ratios in bits: 0 is perfect, 1 is saying nothing.

        ``(mean log2(1 + exp(llr_bonafide)) + mean log2(1 + exp(-llr_spoof))) / 2`` for ratios that
        favour spoof (Bruemmer and du Preez 2006, doi:10.1016/j.csl.2005.08.001).
        """
        return self._bits(
            self.values if affine is None else affine.scale * self.values + affine.offset
        )

    def _bits(self, llr: Floats) -> float:
        # Only values that occur in a class, so that an infinite ratio costs nothing elsewhere.
        b, s = self.bonafide > 0, self.spoof > 0
        bona = self.bonafide[b] @ np.logaddexp(0, llr[b]) / self.n_bonafide
        spoof = self.spoof[s] @ np.logaddexp(0, -llr[s]) / self.n_spoof
        return float((bona + spoof) / (2 * np.log(2)))

    def pav_llr(self) -> Floats:
        """Log-likelihood ratio ``[m]`` of every distinct score by pool-adjacent-violators.

        The best non-decreasing map from these scores to ratios, with infinite ends where one class
        is absent (Bruemmer and du Preez 2006, doi:10.1016/j.csl.2005.08.001).
        """
        from scipy.optimize import isotonic_regression

        size = self.bonafide + self.spoof
        fit = isotonic_regression(self.spoof / size, weights=size.astype(float))
        posterior = np.clip(fit.x, 0, 1)
        with np.errstate(divide="ignore"):
            odds = np.log(posterior) - np.log1p(-posterior)
        return np.asarray(odds + np.log(self.n_bonafide) - np.log(self.n_spoof))

    def min_cllr(self) -> float:
        """Cllr in bits by the best monotone calibration: what discrimination allows."""
        return self._bits(self.pav_llr())

    def affine_calibration(self) -> Affine:
        """Scale and offset that turn ``values`` into ratios ``ln p(x|spoof) / p(x|bona fide)``.

        Logistic regression in which each class counts half (Bruemmer and du Preez 2006).
        """
        finite = np.isfinite(self.values)
        if not finite.all():
            raise ValueError("Infinite scores cannot be calibrated.")
        mean, spread = float(self.values.mean()), float(self.values.std())
        if spread == 0:
            return Affine(0.0, 0.0)
        x = (self.values - mean) / spread
        w_bona = 0.5 * self.bonafide / self.n_bonafide
        w_spoof = 0.5 * self.spoof / self.n_spoof
        # A weak pull on the slope keeps separable scores finite (Cllr changes by under 1e-6).
        pull = 1e-9

        def loss(a: float, b: float) -> float:
            odds = a * x + b
            value = w_bona @ np.logaddexp(0, odds) + w_spoof @ np.logaddexp(0, -odds)
            return float(value + 0.5 * pull * a * a)

        a, b = 0.0, 0.0
        value = loss(a, b)
        for _ in range(200):
            odds = a * x + b
            p = 0.5 * (1 + np.tanh(0.5 * odds))
            slope = w_bona * p - w_spoof * (1 - p)
            grad = np.array([slope @ x + pull * a, slope.sum()])
            curve = (w_bona + w_spoof) * p * (1 - p)
            cross = curve @ x
            hess = np.array([[curve @ (x * x) + pull, cross], [cross, curve.sum() + 1e-15]])
            step = np.linalg.solve(hess, grad)
            size = 1.0
            while size > 1e-10 and loss(a - size * step[0], b - size * step[1]) > value:
                size /= 2
            a, b = a - size * step[0], b - size * step[1]
            new = loss(a, b)
            done = abs(value - new) < 1e-15
            value = new
            if done:
                break
        # In the direction of `values`: the caller's own scores are negated for "bonafide".
        return Affine(float(a / spread), float(b - a * mean / spread))


def equal_error(bonafide: Ints, spoof: Ints) -> tuple[float, int]:
    """Equal error rate and its cut from the accepted counts ``[m + 1]`` of each class.

    The cut where miss and false-alarm rates are closest, the rate being their mean there; of two
    equally close cuts the one with fewer misses (the first in the sweep of the ASVspoof packages).
    Compared in whole numbers, so rounding decides nothing.
    """
    n_bona, n_spoof = int(bonafide[-1]), int(spoof[-1])
    # p_fa - p_miss, times both class sizes; it never falls along the cuts.
    gap = spoof * n_bona + bonafide * n_spoof - n_bona * n_spoof
    after = int(np.searchsorted(gap, 0, side="left"))
    cut = after if after == 0 or abs(gap[after]) <= abs(gap[after - 1]) else after - 1
    cut = int(np.searchsorted(gap, gap[cut], side="right")) - 1
    miss, fa = n_bona - int(bonafide[cut]), int(spoof[cut])
    return (miss * n_spoof + fa * n_bona) / (2 * n_bona * n_spoof), cut


def checked_scores(values: npt.ArrayLike, name: str) -> Floats:
    array = np.asarray(values, dtype=np.float64).ravel()
    if array.size == 0:
        raise ValueError(f"There is no {name} trial; both classes are needed.")
    if np.isnan(array).any():
        count = int(np.isnan(array).sum())
        raise ValueError(f"{count:,} scores of {name} trials are not numbers; remove those trials.")
    return array


def _new(scores: Floats) -> npt.NDArray[np.bool_]:
    return np.concatenate(([True], scores[1:] != scores[:-1]))


def _from_zero(counts: Ints) -> Ints:
    total = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(counts, out=total[1:])
    return total
