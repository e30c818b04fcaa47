"""Stretches of a clip that score unlike the rest: a scan over every run of windows.

By a detector's own windows (`stretches`), or where it has them by shorter ones (`exceeding`).
A mean over a clip averages a short part away. This compares each run of neighbouring windows with
all others; it says that they differ, not why: another speaker, room or codec does it too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from core.detect.decision import decide
from core.detect.detection import IN_PART, Detection, Stretch, Window
from core.detect.part_sound import unjudged

FEWEST = 6
"""Scored windows below which nothing can stand out from the rest."""

MOST = 3
"""Stretches that are named."""

LEAST_GAP_S = 0.5
"""Shorter pauses within a stretch are not told."""


@dataclass(frozen=True)
class Rule:
    """When a run of windows stands out.

    Attributes
    ----------
    score : float
        Least standardised difference.
    difference : float
        Least difference of the mean log-likelihood ratios.
    spread, spread_weight : float
        Standard deviation of windows within an ordinary clip, and how many windows it counts for
        beside the clip's own.
    """

    score: float = 4.5
    difference: float = 1.5
    spread: float = 1.0
    spread_weight: float = 10.0


RULE = Rule()
"""For calibrated scores. In 30 whole human clips of the dev split the embedded detector's windows
spread by 0.8 (root mean square); rounded up, since other speech spreads more. No run of these clips
scored above 4 then. How often a stretch is named elsewhere: `training.stretches`."""

UNCALIBRATED_RULE = Rule(score=5.5, difference=0.0, spread_weight=0.0)
"""For scores that nothing calibrates: their unit is unknown, so the clip's own spread alone."""


def stretches(
    windows: Sequence[Window], window_s: float, hop_s: float, rule: Rule = RULE
) -> tuple[Stretch, ...]:
    """The stretches that stand out, in order of time.

    For every run of up to half of the windows the difference of its mean from the others' is
    divided by its standard error under one mean for all. The variance is that within the two
    groups, shrunk towards that of an ordinary clip; neighbouring windows count for less than
    separate ones, by their overlap. The run of the largest quotient is named if it passes the
    rule, taken out, and the rest is scanned again.

    Parameters
    ----------
    windows : sequence of Window
        Of one clip, in order; those without a score are passed over.
    window_s, hop_s : float
        Length of a window and distance between two, in seconds.
    rule : Rule
        When a run stands out.

    Returns
    -------
    tuple of Stretch
        At most `MOST`; none where fewer than `FEWEST` windows were scored.

    Notes
    -----
    A scan statistic (Naus 1965, JASA 60) with a moderated variance (Smyth 2004, Statistical
    Applications in Genetics and Molecular Biology 3).
    """
    left = [i for i, w in enumerate(windows) if w.llr is not None]
    values = np.array([w.llr for w in windows if w.llr is not None], dtype=np.float64)
    found: list[Stretch] = []
    overlap = max(0.0, 1.0 - hop_s / window_s)
    while len(left) >= FEWEST and len(found) < MOST:
        first, count, score = _farthest(values, overlap, rule)
        inside = np.zeros(len(values), dtype=bool)
        inside[first : first + count] = True
        here, rest = float(values[inside].mean()), float(values[~inside].mean())
        if abs(score) < rule.score or abs(here - rest) < rule.difference:
            break
        half = (window_s - hop_s) / 2  # a score belongs to the middle of its window
        start, end = windows[left[first]], windows[left[first + count - 1]]
        found.append(
            Stretch(
                start_s=0.0 if left[first] == 0 else start.start_s + half,
                end_s=end.end_s
                if left[first + count - 1] == len(windows) - 1
                else end.end_s - half,
                llr=here,
                rest_llr=rest,
                score=score,
            )
        )
        left = [i for i, out in zip(left, inside, strict=True) if not out]
        values = values[~inside]
    around = float(values.mean()) if len(values) else 0.0
    apart = [replace(s, rest_llr=around) for s in found if (s.llr - around) * s.score > 0]
    return tuple(sorted(apart, key=lambda s: s.start_s))


@dataclass(frozen=True)
class Excess:
    """When a run of shorter windows stands out: by the sum of what goes beyond a shift.

    Attributes
    ----------
    shift : float
        Difference from the clip's median that counts for nothing, in log-likelihood ratios.
    score : float
        Least sum of what lies beyond, in a clip of at most `USUAL` scored windows.
    growth : float
        How much more it takes in a clip of e times as many, which has more runs.
    """

    shift: float
    score: float
    growth: float

    def least(self, windows: int) -> float:
        """The sum that a run must reach in a clip of so many scored windows."""
        return self.score + self.growth * math.log(max(windows, USUAL) / USUAL)


EXCESS_FIELDS = tuple(field.name for field in fields(Excess))
"""What a model directory says of its own."""

USUAL = 60
"""Windows every half second in a clip of half a minute, for which thresholds are given."""

FEWEST_SHORT = 24
"""Scored windows every half second below which nothing can stand out, as `FEWEST` of 2 s."""


def exceeding(
    windows: Sequence[Window],
    window_s: float,
    hop_s: float,
    rule: Excess,
    above: Sequence[tuple[int, int, float]] | None = None,
) -> tuple[Stretch, ...]:
    """The stretches that stand out by shorter windows, in order of time.

    The median of the clip is taken from all scores, and the shift from what is left either side.
    The run with the largest sum is named if it reaches the least of the rule; then others.

    Parameters
    ----------
    windows : sequence of Window
        Of one clip, in order; those without a score are passed over.
    window_s, hop_s : float
        Length of a window and distance between two, in seconds.
    rule : Excess
    above : sequence of (int, int, float), optional
        The runs towards synthetic, as `heaviest` gives them, where something else finds those.

    Returns
    -------
    tuple of Stretch
        At most `MOST`; none where fewer than `FEWEST_SHORT` windows were scored. The score of each
        is its sum, negative where it lies towards human.

    Notes
    -----
    A cumulative sum test for a change and back (Page 1954, Biometrika 41), with half of a smallest
    change of interest as the shift, as it is for scores of equal variance.
    """
    scored = [i for i, w in enumerate(windows) if w.llr is not None]
    if len(scored) < FEWEST_SHORT:
        return ()
    values = np.array([w.llr for w in windows if w.llr is not None], dtype=np.float64)
    taken = np.zeros(len(values), dtype=bool)
    runs = list(above or ())
    for first, end, _ in runs:
        taken[max(0, first - 1) : end + 1] = True
    sides = (1, -1) if above is None else (-1,)
    while len(runs) < MOST:
        first, end, score = heaviest(values, rule.shift, taken, sides)
        if abs(score) < rule.least(len(values)):
            break
        runs.append((first, end, score))
        taken[max(0, first - 1) : end + 1] = True
    rest = np.ones(len(values), dtype=bool)
    for first, end, _ in runs:
        rest[first:end] = False
    elsewhere = float(values[rest].mean() if rest.any() else np.median(values))
    half = (window_s - hop_s) / 2  # a score belongs to the middle of its window
    found = []
    for first, end, score in runs:
        here = float(values[first:end].mean())
        if (here - elsewhere) * score <= 0:  # the rest is far from the median
            continue
        begin, last = scored[first], scored[end - 1]
        found.append(
            Stretch(
                start_s=0.0 if begin == 0 else windows[begin].start_s + half,
                end_s=windows[last].end_s - (0.0 if last == len(windows) - 1 else half),
                llr=here,
                rest_llr=elsewhere,
                score=score,
            )
        )
    return tuple(sorted(found, key=lambda s: s.start_s))


def heaviest(
    values: np.ndarray,
    shift: float,
    taken: np.ndarray | None = None,
    sides: Sequence[int] = (1, -1),
) -> tuple[int, int, float]:
    """The run whose values go furthest beyond a shift from the median, to one side.

    Parameters
    ----------
    values : numpy.ndarray
        float64 ``[n]``, at least one.
    shift : float
    taken : numpy.ndarray, optional
        bool ``[n]``: what no run may hold.
    sides : sequence of int
        1 for values above the median, -1 for those below.

    Returns
    -------
    (int, int, float)
        First index, the index after the last, and the sum, negative for low values; ``(0, 1, 0)``
        where nothing lies beyond.
    """
    best = (0, 1, 0.0)
    away = values - np.median(values)
    for side in sides:
        beyond = side * away - shift
        if taken is not None:
            beyond = np.where(taken, -1e6, beyond)
        sums = np.concatenate([[0.0], np.cumsum(beyond)])
        low = np.minimum.accumulate(sums[:-1])
        last = int(np.argmax(sums[1:] - low))
        first = int(np.argmin(sums[: last + 1]))
        total = float(beyond[first : last + 1].sum())
        if total > abs(best[2]):
            best = (first, last + 1, side * total)
    return best


def stretches_at_hop(
    windows: Sequence[Window], window_s: float, hop_s: float, own_hop_s: float, calibrated: bool
) -> tuple[Stretch, ...]:
    """The stretches of a clip that was scored at any hop.

    Parameters
    ----------
    windows, window_s, hop_s
        As in `stretches`.
    own_hop_s : float
        The detector's own hop, for which the rules were measured: of finer windows as many are
        passed over.
    calibrated : bool
        Whether the scores are.
    """
    step = max(1, int(own_hop_s / hop_s + 1e-9))
    return stretches(
        windows[::step], window_s, step * hop_s, RULE if calibrated else UNCALIBRATED_RULE
    )


def in_part(judged: Detection, band: tuple[float, float] | None, least: float) -> Detection:
    """The same, called synthetic in part where stretches of it earn that.

    A stretch does that stands out by its scores alone, and scores as a whole clip must to be called
    synthetic: it was chosen among many, so what is inside the band for a clip accuses nobody here.

    Parameters
    ----------
    judged : Detection
        With a verdict on the clip as a whole.
    band : (float, float) or None
        Of the detector's decision; None where its rule for stretches was not fitted on whole human
        clips under the calibration that it has, so that nothing earns this verdict.
    least : float
        Score from which a stretch does: `Excess.least`.

    Returns
    -------
    Detection
        The verdict stays where the whole is called synthetic, where the sound itself forbids one,
        and where no such stretch was found by shorter windows whose own sound can be judged.
    """
    open_to_it = judged.verdict in ("authentic", "inconclusive") and not judged.withheld
    measured = judged.calibrated and judged.trace is not None
    edge = band if band is not None and open_to_it and measured else None
    stretches = tuple(
        replace(
            s,
            called_synthetic=edge is not None
            and s.score >= least
            and not unjudged(s)
            and decide(s.llr, judged.stance, edge) == "synthetic",
        )
        for s in judged.stands_out
    )
    called = any(s.called_synthetic for s in stretches)
    return replace(judged, stands_out=stretches, verdict=IN_PART if called else judged.verdict)


def _farthest(values: np.ndarray, overlap: float, rule: Rule) -> tuple[int, int, float]:
    """First index, length and score of the run that differs most from the others."""
    n = len(values)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    squares = float(np.sum(np.square(values)))
    least = float(1e-3 * np.ptp(values)) ** 2  # hard decisions spread by nothing
    best = (0, 1, 0.0)
    for count in _lengths(n // 2):
        run = (sums[count:] - sums[:-count]) / count
        rest = (sums[-1] - count * run) / (n - count)
        within = squares - count * run**2 - (n - count) * rest**2
        variance = (rule.spread_weight * rule.spread**2 + np.maximum(within, 0.0)) / (
            rule.spread_weight + n - 2
        )
        shares = _share(count, overlap) + _share(n - count, overlap)
        error = np.sqrt(np.maximum(variance, least) * shares)
        scores = np.divide(run - rest, error, out=np.zeros_like(run), where=error > 0)
        at = int(np.argmax(np.abs(scores)))
        if abs(scores[at]) > abs(best[2]):
            best = (at, count, float(scores[at]))
    return best


def _lengths(most: int) -> list[int]:
    """Lengths of runs that are tried: all short ones, then by a twentieth more, for long clips."""
    lengths, count = [], 1
    while count <= most:
        lengths.append(count)
        count = max(count + 1, round(count * 1.05))
    return lengths


def _share(count: int, overlap: float) -> float:
    """Variance of the mean of so many windows, in variances of one: neighbours share sound."""
    lags = np.arange(1, count)
    step = 1.0 - overlap
    shared = np.maximum(0.0, 1.0 - lags * step)
    return float(1.0 + 2.0 * np.sum((1.0 - lags / count) * shared)) / count


def in_words(stretch: Stretch, of: Detection) -> str:
    """``34.7 to 44.7 s scores unlike the rest``, how, what was not scored, what it sounds like."""
    towards = "synthetic" if stretch.llr > stretch.rest_llr else "human"
    rest = "elsewhere" if len(of.stands_out) == 1 else "outside the parts that stand out"
    said = [
        f"{stretch.start_s:.1f} to {stretch.end_s:.1f} s scores unlike the rest, more towards "
        f"{towards}: log-likelihood ratio {stretch.llr:+.1f} there, {stretch.rest_llr:+.1f} {rest}."
    ]
    if gaps := _unscored(stretch, of):
        where = " and ".join(f"{start:.1f} to {end:.1f} s" for start, end in gaps)
        said.append(f"Of this, {where} was not scored.")
    if stretch.score > 0 and (why := unjudged(stretch)):
        said.append(why)
    return " ".join(said)


def _unscored(stretch: Stretch, of: Detection) -> list[tuple[float, float]]:
    """Seconds of a stretch that lie in no scored window, such as a long pause."""
    windows = of.windows if of.trace is None else of.trace.windows
    spans = [(w.start_s, w.end_s) for w in windows if w.llr is not None]
    gaps, at = [], stretch.start_s
    for start, end in [*spans, (stretch.end_s, stretch.end_s)]:
        if min(start, stretch.end_s) - at >= LEAST_GAP_S:
            gaps.append((at, min(start, stretch.end_s)))
        at = max(at, end)
    return gaps


def places(found: Sequence[Stretch]) -> str:
    """``30.2 to 35.2 s and 41.0 to 43.5 s``."""
    return " and ".join(f"{s.start_s:.1f} to {s.end_s:.1f} s" for s in found)


def time_ranges(found: Sequence[Stretch]) -> str:
    """The stretches in one cell of a table: ``34.7-44.7``, separated by spaces."""
    return " ".join(f"{s.start_s:.1f}-{s.end_s:.1f}" for s in found)
