"""How sure a figure is: bootstrap intervals, and paired tests between two systems.

Whole speakers are drawn where the speaker of each trial is known, because the trials of one voice
stand or fall together; single trials otherwise. A replicate only changes how often each trial
counts, so scores are sorted once and every replicate is a weighted `Tally`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from core.evaluate.metrics import Affine, Floats, Higher, Ints, Tally

Metric = Callable[[Tally], Any]
"""Takes a Tally; returns a number or an array whose shape never changes."""

Unit = Literal["speaker", "trial"]

EER: Mapping[str, Metric] = {"eer": lambda tally: tally.eer().rate}


@dataclass(frozen=True)
class Interval:
    """A figure with its bootstrap interval.

    Attributes
    ----------
    value : float or numpy.ndarray
        The figure on the trials as they are.
    low, high : float or numpy.ndarray
        Percentile interval.
    level : float
        Its nominal coverage, 0-1.
    unit : {"speaker", "trial"}
        What was drawn.
    replicates : int
        How many draws.
    """

    value: Any
    low: Any
    high: Any
    level: float
    unit: Unit
    replicates: int


@dataclass(frozen=True)
class Difference(Interval):
    """First system minus second, on the same trials.

    Attributes
    ----------
    p_value : float
        Two-sided bootstrap probability that the difference is none; never below
        ``2 / (replicates + 1)``.
    """

    p_value: float


class _Ranking:
    """One system's trials in order of score, ready to be counted with any weights."""

    def __init__(self, scores: Floats, is_spoof: npt.NDArray[np.bool_], higher: Higher) -> None:
        self.order = np.argsort(scores, kind="stable")
        ranked = scores[self.order]
        self.higher = higher
        self.starts = np.flatnonzero(np.concatenate(([True], ranked[1:] != ranked[:-1])))
        self.distinct = len(self.starts) == len(ranked)
        self.values = ranked[self.starts]
        self.is_spoof = is_spoof[self.order]
        self.is_bona = ~self.is_spoof

    def tally(self, weights: Ints) -> Tally:
        """Count each trial ``weights`` times; the weights are in this ranking's order."""
        bona, spoof = weights * self.is_bona, weights * self.is_spoof
        if not self.distinct:
            bona = np.add.reduceat(bona, self.starts)
            spoof = np.add.reduceat(spoof, self.starts)
        return Tally(self.values, bona, spoof, self.higher)


def intervals(
    bonafide: npt.ArrayLike,
    spoof: npt.ArrayLike,
    metrics: Mapping[str, Metric] = EER,
    *,
    speakers: tuple[Sequence[Any], Sequence[Any]] | None = None,
    higher: Higher = "spoof",
    replicates: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> dict[str, Interval]:
    """Bootstrap several metrics of one system at once.

    Parameters
    ----------
    bonafide, spoof : array_like
        Scores ``[n]`` and ``[k]``.
    metrics : mapping of str to callable
        Name to a function of a `Tally`.
    speakers : pair of sequences, optional
        Speaker of each bona fide and of each spoofed trial; a missing one (None, NaN or "") makes
        its trial a unit of its own.
    higher : {"spoof", "bonafide"}
        Direction of the scores.
    replicates : int
        Number of draws.
    level : float
        Nominal coverage of the intervals, 0-1.
    seed : int
        Same seed, same interval.

    Raises
    ------
    ValueError
        If a class is empty, a score is not a number, or lengths differ.
    """
    Tally.of(bonafide, spoof, higher=higher)  # its checks
    b, s = np.ravel(np.asarray(bonafide, float)), np.ravel(np.asarray(spoof, float))
    scores = np.concatenate((b, s)) * (1.0 if higher == "spoof" else -1.0)
    is_spoof = np.arange(len(scores)) >= len(b)
    units = None
    if speakers is not None:
        if (len(speakers[0]), len(speakers[1])) != (len(b), len(s)):
            raise ValueError("There must be one speaker for every trial.")
        units = _codes([*speakers[0], *speakers[1]])
    # Sorted once here, so that no replicate has to gather.
    order = np.argsort(scores, kind="stable")
    ranking = _Ranking(scores[order], is_spoof[order], higher)
    units = None if units is None else units[order]

    whole = ranking.tally(np.ones(len(scores), dtype=np.int64))
    values = {name: metric(whole) for name, metric in metrics.items()}
    drawn: dict[str, list[Any]] = {name: [] for name in metrics}
    for weights in _draws(ranking.is_spoof, units, replicates, seed):
        tally = ranking.tally(weights)
        for name, metric in metrics.items():
            drawn[name].append(metric(tally))
    unit: Unit = "trial" if units is None else "speaker"
    return {
        name: Interval(values[name], *_limits(drawn[name], level), level, unit, replicates)
        for name in metrics
    }


def paired(
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    is_spoof: npt.ArrayLike,
    metrics: Mapping[str, Metric] = EER,
    *,
    speakers: Sequence[Any] | None = None,
    higher: tuple[Higher, Higher] = ("spoof", "spoof"),
    replicates: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> dict[str, Difference]:
    """Compare two systems on the same trials: both are scored on every draw.

    Parameters
    ----------
    first, second : array_like
        Scores ``[n]`` of the two systems, trial by trial.
    is_spoof : array_like
        bool ``[n]``, the truth.
    higher : pair of {"spoof", "bonafide"}
        Direction of each system's scores.

    The other parameters as in `intervals`.

    Raises
    ------
    ValueError
        If the systems do not have the same number of trials, or as in `intervals`.
    """
    truth = np.asarray(is_spoof, dtype=bool)
    rankings = []
    for given, direction in zip((first, second), higher, strict=True):
        scores = np.asarray(given, dtype=np.float64)
        if scores.shape != truth.shape:
            raise ValueError("Both systems must have one score for every trial.")
        Tally.of(scores[~truth], scores[truth], higher=direction)  # its checks
        sign = 1.0 if direction == "spoof" else -1.0
        rankings.append(_Ranking(sign * scores, truth, direction))
    if speakers is not None and len(speakers) != len(truth):
        raise ValueError("There must be one speaker for every trial.")
    units = None if speakers is None else _codes(speakers)

    def differences(weights: Ints) -> dict[str, Any]:
        one, two = (ranking.tally(weights[ranking.order]) for ranking in rankings)
        return {name: metric(one) - metric(two) for name, metric in metrics.items()}

    values = differences(np.ones(len(truth), dtype=np.int64))
    drawn: dict[str, list[Any]] = {name: [] for name in metrics}
    for weights in _draws(truth, units, replicates, seed):
        for name, value in differences(weights).items():
            drawn[name].append(value)
    unit: Unit = "trial" if units is None else "speaker"
    return {
        name: Difference(
            values[name],
            *_limits(drawn[name], level),
            level,
            unit,
            replicates,
            p_value=_two_sided(np.asarray(drawn[name])),
        )
        for name in metrics
    }


def eer_interval(eer: float, n_bonafide: int, n_spoof: int) -> tuple[float, float]:
    """Approximate 95 % interval of a published EER (0-1) from its trial counts alone.

    ``eer +- 1.96 sqrt(eer (1 - eer) (1/n_bonafide + 1/n_spoof) / 4)``: both error rates as
    independent binomials (Bengio and Mariethoz 2004, "A statistical significance test for person
    authentication"). Too narrow where few speakers made many trials.
    """
    half = 1.96 * np.sqrt(eer * (1 - eer) * (1 / n_bonafide + 1 / n_spoof) / 4)
    return max(0.0, float(eer - half)), min(1.0, float(eer + half))


def holm(p_values: npt.ArrayLike) -> Floats:
    """Holm's adjustment of ``[n]`` p-values for testing n hypotheses at once (Holm 1979)."""
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p)
    steps = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(steps, 1)
    return adjusted


def miss_at(p_fa: npt.ArrayLike) -> Metric:
    """The metric "lowest miss rate whose false-alarm rate is at most this", for ``[k]`` rates."""
    wanted = np.asarray(p_fa, dtype=np.float64)

    def miss(tally: Tally) -> Floats:
        curve = tally.det()
        cut = np.searchsorted(curve.p_fa, wanted + 1e-12, side="right") - 1
        return curve.p_miss[cut]

    return miss


def calibrated_cllr(affine: Affine) -> Metric:
    """The metric "Cllr in bits under this calibration" (of `Tally.values`), fast over replicates.

    The scores do not change from one replicate to the next, so each one's loss is kept.
    """
    kept: dict[str, Floats] = {}

    def cost(tally: Tally) -> float:
        if kept.get("values") is not tally.values:
            llr = affine.scale * tally.values + affine.offset
            kept.update(values=tally.values, bona=np.logaddexp(0, llr), spoof=np.logaddexp(0, -llr))
        # Not a matrix product: its threads cost more than they save here.
        bona = (tally.bonafide * kept["bona"]).sum() / tally.n_bonafide
        spoof = (tally.spoof * kept["spoof"]).sum() / tally.n_spoof
        return float((bona + spoof) / (2 * np.log(2)))

    return cost


def _codes(labels: Sequence[Any]) -> Ints:
    import pandas as pd

    series = pd.Series(list(labels), dtype=object)
    codes, known = pd.factorize(series.where(series != "", None))
    missing = codes < 0
    codes = codes.astype(np.int64)
    codes[missing] = len(known) + np.arange(int(missing.sum()))
    return codes


def _draws(
    is_spoof: npt.NDArray[np.bool_], units: Ints | None, replicates: int, seed: int
) -> Iterator[Ints]:
    """How often each trial counts in each replicate; both classes always occur."""
    if replicates < 1:
        raise ValueError("A bootstrap needs at least one replicate.")
    rng = np.random.default_rng(seed)
    if units is None:
        # Class sizes are part of the benchmark's design, so each class is drawn by itself.
        places = np.flatnonzero(~is_spoof), np.flatnonzero(is_spoof)
        for _ in range(replicates):
            weights = np.zeros(len(is_spoof), dtype=np.int64)
            for place in places:
                picks = rng.integers(len(place), size=len(place), dtype=np.int32)
                weights[place] = np.bincount(picks, minlength=len(place))
            yield weights
        return
    n = int(units.max()) + 1
    has_bona = np.bincount(units[~is_spoof], minlength=n) > 0
    has_spoof = np.bincount(units[is_spoof], minlength=n) > 0
    made = 0
    while made < replicates:
        drawn = np.bincount(rng.integers(n, size=n), minlength=n)
        if drawn[has_bona].any() and drawn[has_spoof].any():
            made += 1
            yield drawn[units]


def _limits(drawn: list[Any], level: float) -> tuple[Any, Any]:
    tail = (1 - level) / 2
    low, high = np.quantile(np.asarray(drawn), [tail, 1 - tail], axis=0)
    return (float(low), float(high)) if np.ndim(low) == 0 else (low, high)


def _two_sided(drawn: Floats) -> float:
    n = len(drawn)
    tail = min(int((drawn <= 0).sum()), int((drawn >= 0).sum()))
    return min(1.0, 2 * (tail + 1) / (n + 1))
