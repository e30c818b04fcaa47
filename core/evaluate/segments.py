"""Fakes within recordings: error rates over stretches of time instead of files.

Times are counted in whole ticks, so a rate of durations is a rate of counts and every metric of a
`Tally` holds for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.evaluate import influence
from core.evaluate.grouped import Share, grouped_interval
from core.evaluate.intervals import Interval, interval
from core.evaluate.metrics import Floats, Higher, Ints, Tally
from core.evaluate.sample import Sample, Units
from core.evaluate.trials import Problem, TrialsError
from core.evaluate.trials.problems import in_words
from core.evaluate.trials.spans import LONGEST_S, Spans

if TYPE_CHECKING:
    import pandas as pd

RESOLUTIONS = (0.02, 0.04, 0.08, 0.16, 0.32, 0.64)
"""Lengths of segments in seconds, those of PartialSpoof."""

TICK = 1e-4
"""Seconds a tick: times are taken to a tenth of a millisecond."""

LONGEST_H = 100
"""Hours of all files beyond which whole-number products would overflow."""

MOST_SEGMENTS = 20_000_000

FIGURES = (
    *("measure", "resolution_s", "value", "low", "high", "threshold"),
    *("bonafide", "spoof", "unit", "note"),
)


@dataclass(frozen=True, eq=False)
class Pieces:
    """Stretches in which neither score nor truth changes.

    Attributes
    ----------
    file : numpy.ndarray
        int ``[n]``, code of the file.
    start, end : numpy.ndarray
        int ``[n]``, ticks.
    score : numpy.ndarray
        float64 ``[n]``, higher = more spoof-like.
    is_spoof : numpy.ndarray
        bool ``[n]``.
    higher : {"spoof", "bonafide"}
        Direction of the scores that were given.
    problems : tuple of Problem
        What was left out, and what was assumed.
    """

    file: Ints
    start: Ints
    end: Ints
    score: Floats
    is_spoof: npt.NDArray[np.bool_]
    higher: Higher
    problems: tuple[Problem, ...] = ()

    @property
    def ticks(self) -> Floats:
        """Length ``[n]`` of each."""
        return (self.end - self.start).astype(np.float64)

    @cached_property
    def _ranked(self) -> tuple[Floats, Ints]:
        values, level = np.unique(self.score, return_inverse=True)
        return values, level

    @cached_property
    def time(self) -> Tally:
        """Ticks of both classes by score."""
        values, level = self._ranked
        counts = [
            np.bincount(level[chosen], weights=self.ticks[chosen], minlength=len(values))
            for chosen in (~self.is_spoof, self.is_spoof)
        ]
        return Tally(values, counts[0].astype(np.int64), counts[1].astype(np.int64))

    def range_eer(self) -> Interval:
        """Range EER in percent; its interval is for other files."""
        units = Units.among(self.file, (~self.is_spoof, self.is_spoof))
        sizes = int((~self.is_spoof).sum()), int(self.is_spoof.sum())
        linear = influence.eer(self.time, sizes).times(100)
        if units.unit == "trial":
            why = "instants of a file are not independent, and a class is in fewer than five files"
            return Interval(linear.value, None, None, "speaker", why)
        _, level = self._ranked
        shares = [
            Share(moves[level[chosen]], self.file[chosen], self.ticks[chosen])
            for chosen, moves in (
                (~self.is_spoof, linear.bonafide),
                (self.is_spoof, linear.spoof),
            )
        ]
        return grouped_interval(linear, shares, "speaker")

    def segments(self, resolution: float) -> tuple[Ints, Floats, npt.NDArray[np.bool_]]:
        """File, score and truth of the segments of this length (seconds), from each file's start.

        A segment is a fake if any of it is; its score is the most spoof-like in it. What is not
        scored is in no segment, and the last one of a file may be shorter.

        Raises
        ------
        TrialsError
            If the resolution is out of range, or there would be too many segments.
        """
        length = round(resolution / TICK)
        if length < 1:
            raise TrialsError("A segment must be at least a tenth of a millisecond long.")
        first, last = self.start // length, (self.end - 1) // length
        counts = last - first + 1
        if counts.sum() > MOST_SEGMENTS:
            raise TrialsError(f"Segments of {resolution:g} s are too many: {counts.sum():,}.")
        piece = np.repeat(np.arange(len(counts)), counts)
        within = np.arange(len(piece)) - np.repeat(np.cumsum(counts) - counts, counts)
        place = first[piece] + within
        key = self.file[piece] * (int(last.max()) + 1) + place
        found, inverse = np.unique(key, return_inverse=True)
        score = np.full(len(found), -np.inf)
        np.maximum.at(score, inverse, self.score[piece])
        fake = np.bincount(inverse, weights=self.is_spoof[piece], minlength=len(found)) > 0
        return found // (int(last.max()) + 1), score, fake

    def files(self) -> tuple[Ints, Floats, npt.NDArray[np.bool_]]:
        """File, highest score, and whether any of it is a fake."""
        found, inverse = np.unique(self.file, return_inverse=True)
        score = np.full(len(found), -np.inf)
        np.maximum.at(score, inverse, self.score)
        return found, score, np.bincount(inverse, weights=self.is_spoof) > 0


def pieces(scores: Spans, reference: Spans, higher: Higher) -> Pieces:
    """Cut time wherever a score or the truth changes.

    Where scored stretches overlap, the score is their mean. If the reference names fakes alone, all
    other time is human, also in files that it does not name; if it names both classes, time that it
    does not name counts for nothing.

    Raises
    ------
    TrialsError
        If the two have no file in common, or one class has no time.
    """
    sides = scores.table, reference.table
    covers = bool((~reference.table["is_spoof"]).any())
    known = set(reference.table["file"])
    unnamed = sorted(set(scores.table["file"]) - known)
    problems = [*scores.problems, *reference.problems]
    if unnamed:
        problems.append(_unnamed(unnamed, covers))
    unscored = known - set(scores.table["file"])
    if unscored:
        what = f"{len(unscored):,} files of the reference have no score and do not count"
        problems.append(Problem(f"{what}: {in_words(sorted(unscored)[:3])}.", len(unscored)))
    taken = scores.table if not covers else scores.table[scores.table["file"].isin(known)]
    if taken.empty or len(unscored) == len(known):
        raise TrialsError("Scores and reference have no file in common; are names alike?", problems)
    names = sorted(taken["file"].unique())
    code = {name: i for i, name in enumerate(names)}
    wide = round(LONGEST_S / TICK) + 2
    scored, named = (_keys(table, code, wide) for table in sides)
    edges = np.unique(np.concatenate([*scored[:2], *named[:2]]))
    value = sides[0]["score"].to_numpy()[scored[2]] * (1.0 if higher == "spoof" else -1.0)
    total, count = _laid(edges, *scored[:2], value)
    fakes, said = _laid(edges, *named[:2], sides[1]["is_spoof"].to_numpy(float)[named[2]])
    place = np.flatnonzero((count > 0) & ((said > 0) | (not covers)))
    score, fake = total[place] / count[place], fakes[place] > 0
    if not fake.any() or fake.all():
        missing = "fake" if not fake.any() else "human"
        raise TrialsError(f"No scored time is {missing}; both classes are needed.", problems)
    start, end = edges[place] % wide, edges[place + 1] % wide
    found = Pieces(edges[place] // wide, start, end, score, fake, higher, tuple(problems))
    if (found.end - found.start).sum() * TICK > LONGEST_H * 3600:
        raise TrialsError(f"More than {LONGEST_H} hours are scored; evaluate a part.")
    if found.time.eer().rate > 0.5:
        what = "In this direction the scores rank fake and human time worse than chance: the "
        what += "system is fooled, or the direction is wrong. The EERs are shown as they are."
        return replace(found, problems=(*problems, Problem(what, 0)))
    return found


def _keys(table: pd.DataFrame, code: dict[str, int], wide: int) -> tuple[Ints, Ints, Ints]:
    """Start and end of each stretch in a file of `code` as one number, and which rows they are."""
    file = table["file"].map(code)
    rows = np.flatnonzero(file.notna().to_numpy())
    base = file.to_numpy(dtype=np.float64)[rows].astype(np.int64) * wide
    start, end = (
        base + np.rint(table[c].to_numpy()[rows] / TICK).astype(np.int64) for c in ("start", "end")
    )
    long = end > start  # some may be shorter than a tick
    return start[long], end[long], rows[long]


def _laid(edges: Ints, start: Ints, end: Ints, value: Floats) -> tuple[Floats, Ints]:
    """Sum and number of values that lie over each stretch between neighbouring edges."""
    first, last = np.searchsorted(edges, start), np.searchsorted(edges, end)
    counts = last - first
    if counts.sum() > MOST_SEGMENTS:
        raise TrialsError("Too many stretches lie over each other.")
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    place = np.repeat(first, counts) + within
    sums = np.bincount(place, weights=np.repeat(value, counts), minlength=len(edges))
    return sums.astype(np.float64, copy=False), np.bincount(place, minlength=len(edges))


def _unnamed(files: Sequence[str], covers: bool) -> Problem:
    what = "do not count" if covers else "count as human throughout"
    return Problem(
        f"{len(files):,} scored files are not in the reference and {what}: {in_words(files[:3])}.",
        len(files),
    )


def figures(found: Pieces, resolutions: Sequence[float] = RESOLUTIONS) -> pd.DataFrame:
    """Range EER, segment EER at each resolution (seconds), and the EER of whole files.

    The range EER weighs every instant alike: false alarms are the share of fake time that passes,
    misses the share of human time that does not (Zhang et al. 2023, "Range-Based Equal Error Rate
    for Spoof Localization", arXiv:2305.17739). The segment EER counts segments (Zhang et al. 2023,
    "The PartialSpoof Database and Countermeasures", doi:10.1109/TASLP.2022.3233236).

    Returns
    -------
    pandas.DataFrame
        Columns `FIGURES`; ``value`` in percent, ``bonafide`` and ``spoof`` in ``unit``.
    """
    import pandas as pd

    sign = 1.0 if found.higher == "spoof" else -1.0
    whole, threshold = found.range_eer(), found.time.eer().threshold
    seconds = [TICK * n for n in (found.time.n_bonafide, found.time.n_spoof)]
    why = f"No interval: {whole.why}." if whole.why else ""
    ends = whole.low, whole.high
    rows = [("range", None, whole.value, *ends, sign * threshold, *seconds, "s", why)]
    for resolution in resolutions:
        row = _counted(*found.segments(resolution), sign)
        rows.append(("segment", resolution, *row[:-1], "segments", row[-1]))
    _, _, truth = found.files()
    if truth.any() and not truth.all():
        row = _counted(*found.files(), sign)
        rows.append(("file", None, *row[:-1], "files", row[-1]))
    frame = pd.DataFrame(rows, columns=list(FIGURES))
    return frame.astype(dict.fromkeys(FIGURES[1:8], float))


def _counted(
    file: Ints, score: Floats, truth: npt.NDArray[np.bool_], sign: float
) -> tuple[float | None, float | None, float | None, float | None, int, int, str]:
    """EER of segments in percent with its interval; those of one file count together."""
    counts = int((~truth).sum()), int(truth.sum())
    if min(counts) == 0:
        what = "fake" if not counts[1] else "wholly human"
        return None, None, None, None, *counts, f"No segment is {what}."
    units = Units.of(file if len(np.unique(file)) < len(file) else None, truth)
    sample = Sample(score, truth, units)
    tally = sample.tally
    value = interval(influence.percent_eer(tally), sample)
    note = f"No interval: {value.why}." if value.why else ""
    if units.few:
        note = f"Few files ({units.few}) of a class: the interval is for more segments of these."
    return value.value, value.low, value.high, sign * tally.eer().threshold, *counts, note
