"""Bootstrap intervals that stay fast when a score file has a million trials.

`core.evaluate.intervals` counts every trial in every replicate. Here the scores are first put on at
most a few thousand levels, the finest where errors are rare, so a replicate is a row of counts and
many replicates are one matrix. With few distinct scores nothing is rounded, and the figures
themselves never come from here: only how far they spread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from core.evaluate.metrics import Costs, Floats, Ints, TandemConstants

STEPS = 3000
"""Levels for each class at most; neighbouring error rates differ by about 1 % of themselves."""

CHUNK = 50
"""Replicates that are held at once."""

PACKS = 20_000
"""Trials of a class beyond this many are drawn in random packs where two systems are compared."""


@dataclass(frozen=True, eq=False)
class Levels:
    """Scores (higher = more spoof-like) of both classes on shared levels.

    Attributes
    ----------
    values : numpy.ndarray
        float64 ``[m]``, mean score of each level, ascending.
    bonafide, spoof : numpy.ndarray
        int ``[n]`` and ``[k]``, level of each trial.
    edges : numpy.ndarray
        float64 ``[m]``, highest score of each level.
    """

    values: Floats
    bonafide: Ints
    spoof: Ints
    edges: Floats

    @classmethod
    def of(
        cls,
        bonafide: Floats,
        spoof: Floats,
        *,
        steps: int = STEPS,
        keep: Sequence[float] = (),
    ) -> Levels:
        """Choose the levels for ``[n]`` and ``[k]`` scores; ``keep`` are thresholds kept exact."""
        scores = np.concatenate((bonafide, spoof))
        edges = np.unique(scores)
        if len(edges) > 2 * steps:
            chosen = [np.concatenate([_quantiles(c, steps) for c in (bonafide, spoof)])]
            inside = [edges[np.searchsorted(edges, t, side="right") - 1] for t in keep]
            edges = np.unique(np.concatenate((*chosen, inside, edges[-1:])))
        level = np.searchsorted(edges, scores, side="left")
        counts = np.bincount(level, minlength=len(edges))
        values = np.bincount(level, weights=scores, minlength=len(edges)) / np.maximum(counts, 1)
        return cls(values, level[: len(bonafide)], level[len(bonafide) :], edges)

    def __len__(self) -> int:
        return len(self.values)


def _quantiles(scores: Floats, steps: int) -> Floats:
    """Scores at ranks that lie evenly in log-odds, so that both tails are fine."""
    ranked = np.sort(scores)
    odds = np.linspace(-np.log(len(ranked)), np.log(len(ranked)), steps)
    rank = (len(ranked) / (1 + np.exp(-odds))).astype(np.int64)
    return ranked[np.minimum(rank, len(ranked) - 1)]


@dataclass(frozen=True, eq=False)
class Batch:
    """Some replicates: how many trials of each class fall on each level.

    Attributes
    ----------
    bonafide, spoof : numpy.ndarray
        int64 ``[r, m]``.
    """

    bonafide: Ints
    spoof: Ints

    @cached_property
    def accepted(self) -> tuple[Ints, Ints]:
        """Trials of each class that pass as bona fide at each of ``m + 1`` cuts, ``[r, m + 1]``."""
        return _from_zero(self.bonafide), _from_zero(self.spoof)

    @cached_property
    def rates(self) -> tuple[Floats, Floats]:
        """Miss and false-alarm rates ``[r, m + 1]``."""
        bona, spoof = self.accepted
        return 1 - bona / bona[:, -1:], spoof / spoof[:, -1:]

    def eer(self) -> Floats:
        """Equal error rate ``[r]``, by `core.evaluate.metrics.equal_error`."""
        bona, spoof = self.accepted
        n_bona, n_spoof = bona[:, -1:], spoof[:, -1:]
        gap = spoof * n_bona + bona * n_spoof - n_bona * n_spoof
        after = np.argmax(gap >= 0, axis=1)
        rows = np.arange(len(gap))
        before = np.maximum(after - 1, 0)
        cut = np.where(np.abs(gap[rows, after]) <= np.abs(gap[rows, before]), after, before)
        miss = 1 - bona[rows, cut] / bona[:, -1]
        return np.asarray((miss + spoof[rows, cut] / spoof[:, -1]) / 2)

    def dcf(self, miss: float, fa: float) -> Floats:
        """Smallest ``miss * p_miss + fa * p_fa`` ``[r]``."""
        p_miss, p_fa = self.rates
        return np.asarray((miss * p_miss + fa * p_fa).min(axis=1))

    def auc(self) -> Floats:
        """Area under the ROC curve ``[r]``."""
        bona, _ = self.accepted
        below = bona[:, :-1] + 0.5 * self.bonafide
        return np.asarray((self.spoof * below).sum(axis=1) / (bona[:, -1] * self.spoof.sum(axis=1)))


Statistic = Callable[[Batch], Floats]
"""Takes replicates; gives one number, or one row, for each."""


def eer(batch: Batch) -> Floats:
    """Equal error rate, 0-1."""
    return batch.eer()


def auc(batch: Batch) -> Floats:
    """Area under the ROC curve."""
    return batch.auc()


def min_dcf(costs: Costs) -> Statistic:
    """Minimum normalised detection cost."""
    least = min(costs.miss, costs.fa)
    return lambda batch: batch.dcf(costs.miss, costs.fa) / least


def act_dcf(costs: Costs, levels: Levels) -> Statistic:
    """Normalised cost at the Bayes threshold; give it to `Levels.of` to keep it exact."""
    cut = int(np.searchsorted(levels.edges, costs.threshold, side="right"))
    least = min(costs.miss, costs.fa)

    def cost(batch: Batch) -> Floats:
        p_miss, p_fa = batch.rates
        return np.asarray((costs.miss * p_miss[:, cut] + costs.fa * p_fa[:, cut]) / least)

    return cost


def min_tdcf(constants: TandemConstants, form: int) -> Statistic:
    """Minimum normalised tandem cost in the form of 2019 or 2021."""
    c0 = constants.c0 if form == 2021 else 0.0
    least = c0 + min(constants.c1, constants.c2)
    return lambda batch: (c0 + batch.dcf(constants.c1, constants.c2)) / least


def cllr(levels: Levels) -> Statistic:
    """Cost of the scores as log-likelihood ratios, in bits."""
    llr = levels.values
    bona, spoof = np.logaddexp(0, llr), np.logaddexp(0, -llr)

    def cost(batch: Batch) -> Floats:
        b = (batch.bonafide * bona).sum(axis=1) / batch.bonafide.sum(axis=1)
        s = (batch.spoof * spoof).sum(axis=1) / batch.spoof.sum(axis=1)
        return np.asarray((b + s) / (2 * np.log(2)))

    return cost


def miss_at(p_fa: Floats) -> Statistic:
    """Lowest miss rate whose false-alarm rate is at most each of ``[k]`` rates: ``[r, k]``."""

    def miss(batch: Batch) -> Floats:
        p_miss, rates = batch.rates
        cuts = [np.searchsorted(row, p_fa + 1e-12, side="right") - 1 for row in rates]
        return np.stack([row[cut] for row, cut in zip(p_miss, cuts, strict=True)])

    return miss


def bootstrap(
    levels: Levels,
    statistics: dict[str, Statistic],
    *,
    units: tuple[Ints, Ints] | None = None,
    replicates: int = 1000,
    seed: int = 0,
) -> dict[str, Floats]:
    """Draw trials (each class by itself) or whole units, and compute statistics of every draw.

    Parameters
    ----------
    levels : Levels
        The trials.
    statistics : dict
        Name to statistic.
    units : pair of numpy.ndarray, optional
        int ``[n]`` and ``[k]``, from 0: which speaker each trial belongs to.
    replicates, seed : int
        How many draws; same seed, same draws.

    Returns
    -------
    dict
        Name to ``[replicates]`` or ``[replicates, k]``.
    """
    drawn: dict[str, list[Floats]] = {name: [] for name in statistics}
    for batch in _batches(levels, units, replicates, np.random.default_rng(seed)):
        for name, statistic in statistics.items():
            drawn[name].append(statistic(batch))
    return {name: np.concatenate(parts) for name, parts in drawn.items()}


def bootstrap_pair(
    levels: tuple[Levels, Levels],
    statistics: dict[str, Statistic],
    *,
    units: tuple[Ints, Ints] | None = None,
    replicates: int = 1000,
    seed: int = 0,
) -> dict[str, Floats]:
    """Differences (first minus second) of two systems on the same draws of the same trials.

    Trials are in the same order in both. Without units, trials are drawn; more than `PACKS` of a
    class are drawn in random packs of equal size, which leaves the spread as it is.
    """
    rng = np.random.default_rng(seed)
    first, second = levels
    if units is None:
        n, k = len(first.bonafide), len(first.spoof)
        units = (_packs(n, rng), _packs(k, rng))
        weights = _class_weights(units, replicates, rng)
    else:
        shared = _unit_weights(units, replicates, rng)
        weights = ((w, w) for w in shared)
    counters = [
        (_counter(one.bonafide, units[0], len(one)), _counter(one.spoof, units[1], len(one)))
        for one in (first, second)
    ]
    drawn: dict[str, list[Floats]] = {name: [] for name in statistics}
    for w_bona, w_spoof in weights:
        one, two = (
            Batch(
                np.ascontiguousarray((bona @ w_bona[: bona.shape[1]]).T),
                np.ascontiguousarray((spoof @ w_spoof[: spoof.shape[1]]).T),
            )
            for bona, spoof in counters
        )
        for name, statistic in statistics.items():
            drawn[name].append(statistic(one) - statistic(two))
    return {name: np.concatenate(parts) for name, parts in drawn.items()}


def limits(drawn: Floats, level: float = 0.95) -> tuple[Any, Any]:
    """Ends of the percentile interval."""
    tail = (1 - level) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail], axis=0)
    return (float(low), float(high)) if np.ndim(low) == 0 else (low, high)


def two_sided(drawn: Floats) -> float:
    """Bootstrap p-value of "no difference", never below ``2 / (replicates + 1)``."""
    tail = min(int((drawn <= 0).sum()), int((drawn >= 0).sum()))
    return min(1.0, 2 * (tail + 1) / (len(drawn) + 1))


def _batches(
    levels: Levels, units: tuple[Ints, Ints] | None, replicates: int, rng: np.random.Generator
) -> Iterator[Batch]:
    m = len(levels)
    if units is None:
        for size in _sizes(replicates):
            yield Batch(
                _draw(levels.bonafide, m, size, rng),
                _draw(levels.spoof, m, size, rng),
            )
        return
    bona, spoof = _counter(levels.bonafide, units[0], m), _counter(levels.spoof, units[1], m)
    for weights in _unit_weights(units, replicates, rng):
        yield Batch(
            np.ascontiguousarray((bona @ weights[: bona.shape[1]]).T),
            np.ascontiguousarray((spoof @ weights[: spoof.shape[1]]).T),
        )


def _draw(level: Ints, m: int, size: int, rng: np.random.Generator) -> Ints:
    """Counts ``[size, m]`` of as many draws with replacement as there are trials."""
    n = len(level)
    if n > 8 * m:
        share = np.bincount(level, minlength=m) / n
        return rng.multinomial(n, share, size=size)
    out = np.empty((size, m), dtype=np.int64)
    for row in out:
        row[:] = np.bincount(level[rng.integers(n, size=n, dtype=np.int32)], minlength=m)
    return out


def _counter(level: Ints, unit: Ints, m: int) -> Any:
    """Sparse ``[levels, units]`` matrix of how many trials each unit has on each level."""
    from scipy.sparse import coo_array

    shape = (m, int(unit.max()) + 1)
    return coo_array((np.ones(len(level), dtype=np.int64), (level, unit)), shape=shape).tocsr()


def _unit_weights(
    units: tuple[Ints, Ints], replicates: int, rng: np.random.Generator
) -> Iterator[Ints]:
    """How often each unit is drawn ``[u, r]``; both classes always occur."""
    count = max(int(units[0].max()), int(units[1].max())) + 1
    has = [np.bincount(u, minlength=count) > 0 for u in units]
    made = 0
    while made < replicates:
        size = min(CHUNK, replicates - made)
        drawn = np.stack(
            [np.bincount(rng.integers(count, size=count), minlength=count) for _ in range(size)]
        )
        drawn = drawn[drawn[:, has[0]].any(axis=1) & drawn[:, has[1]].any(axis=1)]
        made += len(drawn)
        if len(drawn):
            yield np.ascontiguousarray(drawn.T)


def _packs(n: int, rng: np.random.Generator) -> Ints:
    if n <= PACKS:
        return np.arange(n)
    return rng.permutation(n) % PACKS


def _class_weights(
    units: tuple[Ints, Ints], replicates: int, rng: np.random.Generator
) -> Iterator[tuple[Ints, Ints]]:
    counts = [int(u.max()) + 1 for u in units]
    for size in _sizes(replicates):
        one, two = (
            np.stack([np.bincount(rng.integers(c, size=c), minlength=c) for _ in range(size)]).T
            for c in counts
        )
        yield np.ascontiguousarray(one), np.ascontiguousarray(two)


def _sizes(replicates: int) -> Iterator[int]:
    for start in range(0, replicates, CHUNK):
        yield min(CHUNK, replicates - start)


def _from_zero(counts: Ints) -> Ints:
    total = np.zeros((counts.shape[0], counts.shape[1] + 1), dtype=np.int64)
    np.cumsum(counts, axis=1, out=total[:, 1:])
    return total
