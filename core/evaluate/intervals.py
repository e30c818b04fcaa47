"""How sure a figure is: intervals, and paired tests between two systems.

What each trial contributes to a figure (`core.evaluate.influence`) is summed by speaker, because
the trials of one voice stand or fall together; trials without a known speaker stand alone. The sums
give the figure's standard error, and how unequal they are gives the degrees of freedom of a t
interval on a log-odds scale. docs/evaluation.md says how often such intervals hold the truth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from core.evaluate.ends import LEVEL, ends_of, quantile, spread, spread_of, two_sided
from core.evaluate.influence import Linear, Metric, eer, miss_cut
from core.evaluate.metrics import Floats, Higher, Ints, Tally
from core.evaluate.sample import Sample, Unit, Units, codes_of

EER: Mapping[str, Metric] = {"eer": eer}


@dataclass(frozen=True)
class Interval:
    """A figure with its interval.

    Attributes
    ----------
    value : float
        The figure on the trials as they are.
    low, high : float or None
        Its interval; None where none can be given.
    unit : {"speaker", "trial"}
        Of what others would be drawn.
    why : str
        Why there is no interval; else empty.
    """

    value: float
    low: float | None
    high: float | None
    unit: Unit
    why: str = ""


@dataclass(frozen=True)
class Difference(Interval):
    """First system minus second, on the same trials.

    Attributes
    ----------
    p_value : float or None
        Two-sided, of "no difference"; None where too few speakers are known.
    """

    p_value: float | None = None


def interval(linear: Linear, sample: Sample) -> Interval:
    """The interval of one figure."""
    why = linear.why or _too_little(linear.value, sample)
    if why:
        return Interval(linear.value, None, None, sample.units.unit, why)
    found = spread_of(linear, sample.sums(linear), sample.freedom)
    ends = ends_of(linear, *found, sample.sizes, sample.units.unit == "speaker")
    why = "" if ends else "its trials all contribute alike"
    low, high = ends or (None, None)
    return Interval(linear.value, low, high, sample.units.unit, why)


def of_means(
    figures: Sequence[Linear],
    samples: Sequence[Sample],
    units: Sequence[Ints],
) -> Interval:
    """The mean of one figure over several sets of trials, for other units of the same sets.

    Parameters
    ----------
    figures : sequence of Linear
        One per set.
    samples : sequence of Sample
        Of the same sets.
    units : sequence of numpy.ndarray
        Of every unit of every sample, int ``[count]``, a number that says which unit it is: the
        same in two sets for who is in both.
    """
    share = 1 / len(figures)
    mean = {
        name: share * sum(getattr(f, name) for f in figures)
        for name in ("value", "middle", "optimism", "low", "high")
    }
    least = tuple(share * sum(f.least[i] for f in figures) for i in (0, 1))
    whys = (f.why or _too_little(f.value, s) for f, s in zip(figures, samples, strict=True))
    why = next(filter(None, whys), "")
    unit = samples[0].units.unit
    if why:
        return Interval(mean["value"], None, None, unit, why)
    variance = share**2 * sum(f.variance for f in figures)
    sums = [share * s.sums(f) for f, s in zip(figures, samples, strict=True)]
    _, codes = np.unique(np.concatenate(list(units)), return_inverse=True)
    total = np.bincount(codes, weights=np.concatenate(sums)).astype(np.float64)
    empty = np.zeros(0)
    linear = Linear(
        mean["value"], empty, empty, mean["middle"],
        mean["optimism"], variance, mean["low"], mean["high"], (least[0], least[1]),
        figures[0].symmetric, figures[0].floating,
    )  # fmt: skip
    spreads, freedom = spread_of(linear, total, sum(s.freedom for s in samples))
    for figure, sample in zip(figures, samples, strict=True):
        if figure.value <= figure.low:  # a set without errors counts half of one in either class
            counts = sample.tally.n_bonafide, sample.tally.n_spoof
            halves = sum((w / n) ** 2 for w, n in zip(figure.least, counts, strict=True))
            spreads += share**2 * 0.5 * halves
    sizes = [min(s.sizes[i] for s in samples) for i in (0, 1)]
    ends = ends_of(linear, spreads, freedom, (sizes[0], sizes[1]), unit == "speaker")
    why = "" if ends else "its trials all contribute alike"
    low, high = ends or (None, None)
    return Interval(mean["value"], low, high, unit, why)


def intervals(
    bonafide: npt.ArrayLike,
    spoof: npt.ArrayLike,
    metrics: Mapping[str, Metric] = EER,
    *,
    speakers: tuple[Sequence[Any], Sequence[Any]] | None = None,
    higher: Higher = "spoof",
) -> dict[str, Interval]:
    """Several figures of one system, each with its interval.

    Parameters
    ----------
    bonafide, spoof : array_like
        Scores ``[n]`` and ``[k]``.
    metrics : mapping of str to callable
        Name to a metric of `core.evaluate.influence`.
    speakers : pair of sequences, optional
        Speaker of each bona fide and of each spoofed trial; a missing one (None, NaN or "") makes
        its trial a unit of its own.
    higher : {"spoof", "bonafide"}
        Direction of the scores.

    Raises
    ------
    ValueError
        If a class is empty, a score is not a number, or lengths differ.
    """
    Tally.of(bonafide, spoof, higher=higher)  # its checks
    b, s = np.ravel(np.asarray(bonafide, float)), np.ravel(np.asarray(spoof, float))
    scores = np.concatenate((b, s)) * (1.0 if higher == "spoof" else -1.0)
    is_spoof = np.arange(len(scores)) >= len(b)
    codes = None
    if speakers is not None:
        if (len(speakers[0]), len(speakers[1])) != (len(b), len(s)):
            raise ValueError("There must be one speaker for every trial.")
        codes = codes_of([*speakers[0], *speakers[1]])
    sample = Sample(scores, is_spoof, Units.of(codes, is_spoof))
    return {name: interval(metric(sample.tally), sample) for name, metric in metrics.items()}


def difference(first: Linear, second: Linear, samples: tuple[Sample, Sample]) -> Difference:
    """Paired difference of two systems, whose trials and units are in the same order.

    What a threshold that was chosen on the trials makes too low, it makes so in both; a difference
    of two skewed sums is not skewed, so a t test on it needs no correction.
    """
    units = samples[0].units
    value = first.value - second.value
    why = first.why or second.why or _too_little(value, samples[0])
    if why:
        return Difference(value, None, None, units.unit, why)
    sums = [s.sums(linear) for s, linear in zip(samples, (first, second), strict=True)]
    variance, _ = spread(sums[0] - sums[1])
    if first.optimism and units.unit == "trial":
        # Half an error more or less in either class is nothing to tell systems apart by; the
        # sums of speakers vary by more than that.
        counts = samples[0].tally.n_bonafide, samples[0].tally.n_spoof
        variance += 0.25 * sum((w / n) ** 2 for w, n in zip(first.least, counts, strict=True))
    if variance <= 0:
        p = None if units.few else 1.0
        return Difference(value, value, value, units.unit, p_value=p)
    error = np.sqrt(variance)
    freedom = samples[0].freedom
    reach = quantile((1 + LEVEL) / 2, freedom) * error
    p = None if units.few else two_sided(abs(value) / error, freedom)
    return Difference(value, value - reach, value + reach, units.unit, p_value=p)


def paired(
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    is_spoof: npt.ArrayLike,
    metrics: Mapping[str, Metric] = EER,
    *,
    speakers: Sequence[Any] | None = None,
    higher: tuple[Higher, Higher] = ("spoof", "spoof"),
) -> dict[str, Difference]:
    """Compare two systems on the same trials.

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
    if speakers is not None and len(speakers) != len(truth):
        raise ValueError("There must be one speaker for every trial.")
    units = Units.of(None if speakers is None else codes_of(speakers), truth)
    samples = []
    for given, direction in zip((first, second), higher, strict=True):
        scores = np.asarray(given, dtype=np.float64)
        if scores.shape != truth.shape:
            raise ValueError("Both systems must have one score for every trial.")
        samples.append(Sample(scores if direction == "spoof" else -scores, truth, units))
    one, two = samples
    return {
        name: difference(metric(one.tally), metric(two.tally), (one, two))
        for name, metric in metrics.items()
    }


def probit_grid(low: float, high: float, points: int) -> np.ndarray:
    """Rates that lie evenly on the normal-deviate axis of a DET plot, rounded to six digits.

    Parameters
    ----------
    low, high : float
        The first and the last, within (0, 1).
    points : int
        How many.

    Returns
    -------
    numpy.ndarray
        float64 ``[points]``, rising.
    """
    normal = NormalDist()
    steps = np.linspace(normal.inv_cdf(low), normal.inv_cdf(high), points)
    return np.round([normal.cdf(float(s)) for s in steps], 6)


def band(sample: Sample, rates: Floats) -> tuple[Floats, Floats, Floats]:
    """Miss rate at each of ``[k]`` false-alarm rates, and the ends of its interval.

    Each interval is for its own rate, not for the whole curve; NaN where a false-alarm rate is too
    low for the number of fakes. More than `PACKS` units are taken in packs.
    """
    tally, is_spoof = sample.tally, sample.is_spoof
    points = [miss_cut(tally, float(rate)) for rate in rates]
    cuts = np.array([cut for cut, *_ in points])
    codes, count = sample.units.codes, sample.count
    if count > PACKS:
        codes, count = np.random.default_rng(0).permutation(count)[codes] % PACKS, PACKS
    place = np.searchsorted(cuts, np.arange(len(tally.values)), side="right")[sample.level]
    moves = np.zeros((count, len(cuts)))
    for chosen, sign, slopes in (
        (~is_spoof, -1.0, np.ones(len(cuts))),
        (is_spoof, 1.0, np.array([slope for _, _, slope, _ in points])),
    ):
        where = codes[chosen] * (len(cuts) + 1) + place[chosen]
        counted = np.bincount(where, minlength=count * (len(cuts) + 1)).reshape(count, -1)
        passed = counted.cumsum(axis=1)
        sizes, total = passed[:, -1], len(where)
        expected = sizes[:, None] * (passed[:, :-1].sum(axis=0) / total)
        others = np.where(sizes < total, total - sizes, total)
        moves += sign * slopes * (passed[:, :-1] - expected) / others[:, None]
    found = []
    for (cut, value, _, least), sums in zip(points, moves.T, strict=True):
        ends = None
        if tally.accepted[1][cut]:
            nothing = np.zeros(0)
            linear = Linear(
                value, nothing, nothing, value, variance=least, least=(1.0, 0.0), floating=True
            )
            by_speaker = sample.units.unit == "speaker"
            found_here = spread_of(linear, sums, sample.freedom)
            ends = ends_of(linear, *found_here, sample.sizes, by_speaker)
        found.append((value, *(ends or (np.nan, np.nan))))
    value, low, high = np.array(found).T
    return value, low, high


PACKS = 1000
"""Units beyond which they are taken in packs of equal number: it leaves the spread as it is."""


def holm(p_values: npt.ArrayLike) -> Floats:
    """Holm's adjustment of ``[n]`` p-values for testing n hypotheses at once (Holm 1979).

    NaN stands for no test and stays.
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p)[: int((~np.isnan(p)).sum())]
    steps = np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1))
    adjusted = np.full_like(p, np.nan)
    adjusted[order] = np.minimum(steps, 1)
    return adjusted


def _too_little(value: float, sample: Sample) -> str:
    if not np.isfinite(value):
        return "it is not finite"
    if min(sample.tally.n_bonafide, sample.tally.n_spoof) < 2:
        return "a class has one trial"
    return ""
