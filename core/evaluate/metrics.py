"""Error rates and costs of a countermeasure from the scores of bona fide and spoofed trials.

Every function takes the two classes apart and says which way the scores run: ``higher="spoof"``
(the convention inside Spoofscope) or ``higher="bonafide"`` (the convention of the ASVspoof
packages). Thresholds come back in the direction that was given. A trial is called spoof when its
score lies strictly on the spoof side of the threshold.

Names follow ASVspoof: a *miss* is bona fide speech called spoof, a *false alarm* is spoofed speech
that passes as bona fide. Tied scores are grouped, because no threshold can part them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

Higher = Literal["spoof", "bonafide"]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Rate(NamedTuple):
    """An error rate (0-1) and the threshold at which it holds."""

    rate: float
    threshold: float


class Cost(NamedTuple):
    """A normalised detection cost and the threshold at which it holds."""

    cost: float
    threshold: float


class Affine(NamedTuple):
    """``llr = scale * score + offset`` (natural log)."""

    scale: float
    offset: float


class DetCurve(NamedTuple):
    """Both error rates at every threshold that parts the trials differently.

    Attributes
    ----------
    p_miss, p_fa : numpy.ndarray
        Shape ``[k]``, 0-1; along the curve ``p_miss`` falls and ``p_fa`` rises.
    threshold : numpy.ndarray
        Shape ``[k]``, in the direction of the scores given; the first is infinite.
    """

    p_miss: Floats
    p_fa: Floats
    threshold: Floats


@dataclass(frozen=True)
class Costs:
    """Prior and costs as ASVspoof counts them; the defaults are those of ASVspoof 5, track 1.

    A countermeasure there accepts human speech: a miss is a human who is rejected, which
    `core.detect.decision.Stance` calls a false accusation, and a false alarm is a missed fake.

    Attributes
    ----------
    p_spoof : float
        Prior probability of a spoofed trial, strictly between 0 and 1.
    c_miss, c_fa : float
        Cost of a false accusation and of a missed fake, above 0.

    Raises
    ------
    ValueError
        If a value is out of its range.
    """

    p_spoof: float = 0.05
    c_miss: float = 1.0
    c_fa: float = 10.0

    def __post_init__(self) -> None:
        if not 0 < self.p_spoof < 1:
            raise ValueError("The prior probability of spoofing must lie between 0 and 1.")
        if not (self.c_miss > 0 and self.c_fa > 0):
            raise ValueError("Costs must be above 0.")

    @property
    def miss(self) -> float:
        """Expected cost of rejecting everything."""
        return self.c_miss * (1 - self.p_spoof)

    @property
    def fa(self) -> float:
        """Expected cost of accepting everything."""
        return self.c_fa * self.p_spoof

    @property
    def threshold(self) -> float:
        """Bayes threshold on ln p(x|spoof)/p(x|bona fide): spoof where the ratio exceeds it."""
        return float(np.log(self.miss) - np.log(self.fa))


ASVSPOOF5 = Costs()


@dataclass(frozen=True)
class AsvRates:
    """Error rates (0-1) of the speaker verification system that a countermeasure protects.

    Attributes
    ----------
    p_miss : float
        Target speakers rejected.
    p_fa : float
        Other speakers accepted.
    p_fa_spoof : float
        Spoofed trials accepted.
    """

    p_miss: float
    p_fa: float
    p_fa_spoof: float

    def __post_init__(self) -> None:
        if not all(0 <= p <= 1 for p in (self.p_miss, self.p_fa, self.p_fa_spoof)):
            raise ValueError("Error rates of the verification system must lie between 0 and 1.")


@dataclass(frozen=True)
class TandemCosts:
    """Priors and costs of the tandem detection cost function; defaults of ASVspoof 2019 and 2021.

    Attributes
    ----------
    p_spoof, p_target, p_nontarget : float
        Priors; they sum to 1.
    c_miss, c_fa, c_fa_spoof : float
        Cost of rejecting a target, accepting another speaker, accepting a spoof.
    """

    p_spoof: float = 0.05
    p_target: float = 0.9405
    p_nontarget: float = 0.0095
    c_miss: float = 1.0
    c_fa: float = 10.0
    c_fa_spoof: float = 10.0

    def __post_init__(self) -> None:
        if abs(self.p_spoof + self.p_target + self.p_nontarget - 1) > 1e-10:
            raise ValueError("The three priors of the tandem cost must sum to 1.")


class TandemConstants(NamedTuple):
    """Constants of ``C0 + C1 * p_miss + C2 * p_fa``."""

    c0: float
    c1: float
    c2: float


def tandem_constants(asv: AsvRates, costs: TandemCosts | None = None) -> TandemConstants:
    """C0, C1 and C2 of the tandem cost (ASVspoof 2021 evaluation plan, section 5.1).

    Raises
    ------
    ValueError
        If the verification system alone costs more than rejecting everybody (C1 below 0).
    """
    costs = costs or TandemCosts()
    c0 = costs.p_target * costs.c_miss * asv.p_miss + costs.p_nontarget * costs.c_fa * asv.p_fa
    c1 = costs.p_target * costs.c_miss - c0
    c2 = costs.p_spoof * costs.c_fa_spoof * asv.p_fa_spoof
    if c1 < 0:
        raise ValueError(
            "The speaker verification system costs more than rejecting everybody; "
            "check its error rates."
        )
    return TandemConstants(c0, c1, c2)


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
        b = _scores(bonafide, "bona fide")
        s = _scores(spoof, "spoofed")
        if higher not in ("spoof", "bonafide"):
            raise ValueError('The direction of the scores is "spoof" or "bonafide".')
        scores = np.concatenate((b, s))
        if higher == "bonafide":
            scores = -scores
        order = np.argsort(scores)
        ranked = scores[order]
        starts = np.flatnonzero(np.concatenate(([True], ranked[1:] != ranked[:-1])))
        sizes = np.diff(np.append(starts, len(ranked)))
        n_bona = np.add.reduceat((order < len(b)).astype(np.int64), starts)
        return cls(ranked[starts], n_bona, sizes - n_bona, higher)

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
        """Both error rates at every threshold; see `det_curve`."""
        threshold = np.concatenate(([-np.inf], self.values))
        return DetCurve(*self._rates(), threshold if self.higher == "spoof" else -threshold)

    def eer(self) -> Rate:
        """Equal error rate; see `eer`."""
        rate, cut = equal_error(*self.accepted)
        return Rate(rate, self._threshold(cut))

    def min_dcf(self, costs: Costs = ASVSPOOF5) -> Cost:
        """Minimum normalised detection cost; see `min_dcf`."""
        cost, cut = self._cheapest(costs.miss, costs.fa)
        return Cost(cost / min(costs.miss, costs.fa), self._threshold(cut))

    def _cheapest(self, miss: float, fa: float) -> tuple[float, int]:
        bona, spoof = self.accepted
        cut = int(np.argmin(fa / self.n_spoof * spoof - miss / self.n_bonafide * bona))
        p_miss = (self.n_bonafide - int(bona[cut])) / self.n_bonafide
        return miss * p_miss + fa * int(spoof[cut]) / self.n_spoof, cut

    def act_dcf(self, costs: Costs = ASVSPOOF5) -> Cost:
        """Normalised detection cost at the Bayes threshold; see `act_dcf`."""
        cut = int(np.searchsorted(self.values, costs.threshold, side="right"))
        bona, spoof = self.accepted
        p_miss = (self.n_bonafide - bona[cut]) / self.n_bonafide
        cost = costs.miss * p_miss + costs.fa * spoof[cut] / self.n_spoof
        return Cost(float(cost / min(costs.miss, costs.fa)), self._given(costs.threshold))

    def min_tdcf(self, constants: TandemConstants, *, form: Literal[2019, 2021] = 2021) -> Cost:
        """Minimum normalised tandem cost; see `min_tdcf`."""
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
        """Area under the ROC curve; see `auc`."""
        bona, _ = self.accepted
        below = bona[:-1] + 0.5 * self.bonafide
        return float((self.spoof @ below) / (self.n_bonafide * self.n_spoof))

    def cllr(self, affine: Affine | None = None) -> float:
        """Cost of the log-likelihood ratios in bits; see `cllr`."""
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
        seen = size > 0  # a bootstrap replicate leaves some scores out
        posterior = np.full(len(size), np.nan)
        fit = isotonic_regression(self.spoof[seen] / size[seen], weights=size[seen].astype(float))
        posterior[seen] = np.clip(fit.x, 0, 1)
        with np.errstate(divide="ignore"):
            odds = np.log(posterior) - np.log1p(-posterior)
        return np.asarray(odds + np.log(self.n_bonafide) - np.log(self.n_spoof))

    def min_cllr(self) -> float:
        """Cllr after the best monotone calibration; see `min_cllr`."""
        return self._bits(self.pav_llr())

    def affine_calibration(self, p_spoof: float = 0.5) -> Affine:
        """Scale and offset that minimise the prior-weighted logistic loss; see the function."""
        finite = np.isfinite(self.values)
        if not finite.all():
            raise ValueError("Infinite scores cannot be calibrated.")
        mean, spread = float(self.values.mean()), float(self.values.std())
        if spread == 0:
            return Affine(0.0, 0.0)
        x = (self.values - mean) / spread
        w_bona = (1 - p_spoof) * self.bonafide / self.n_bonafide
        w_spoof = p_spoof * self.spoof / self.n_spoof
        prior = np.log(p_spoof) - np.log1p(-p_spoof)
        # A weak pull on the slope keeps separable scores finite (Cllr changes by under 1e-6).
        pull = 1e-9

        def loss(a: float, b: float) -> float:
            odds = a * x + b + prior
            value = w_bona @ np.logaddexp(0, odds) + w_spoof @ np.logaddexp(0, -odds)
            return float(value + 0.5 * pull * a * a)

        a, b = 0.0, 0.0
        value = loss(a, b)
        for _ in range(200):
            odds = a * x + b + prior
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
    scores = np.concatenate((_scores(target, "target"), _scores(nontarget, "nontarget")))
    rejected = scores[scores < lowest_accepted]
    return Rate(rate, float(rejected.max()) if rejected.size else lowest_accepted)


def _scores(values: npt.ArrayLike, name: str) -> Floats:
    array = np.asarray(values, dtype=np.float64).ravel()
    if array.size == 0:
        raise ValueError(f"There is no {name} trial; both classes are needed.")
    if np.isnan(array).any():
        count = int(np.isnan(array).sum())
        raise ValueError(f"{count:,} scores of {name} trials are not numbers; remove those trials.")
    return array


def _from_zero(counts: Ints) -> Ints:
    total = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(counts, out=total[1:])
    return total


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
