"""Shorter windows than a detector's own, cut from what its front end has made of those."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.audio.clip import SAMPLE_RATE, Source
from core.detect.calibration import Calibration
from core.detect.contrast import Contrast
from core.detect.detection import Stretch, Trace
from core.detect.engine import Engine
from core.detect.outlier import EXCESS_FIELDS, FEWEST_SHORT, MOST, Excess, exceeding

MIN_WINDOW_SPEECH_S = 0.5
"""A window with less speech than this is not scored, however long it is."""


@dataclass(frozen=True)
class Grid:
    """Where shorter windows start, from the clip's start on.

    Attributes
    ----------
    window, hop : int
        Samples of one, and between the starts of two.
    """

    window: int
    hop: int


SHORTER = Grid(SAMPLE_RATE, SAMPLE_RATE // 2)
"""The shorter windows that are trained and fitted for: 1 s long, every half second."""


@dataclass(frozen=True)
class Blend:
    """What the shorter windows within a window count for in its score.

    Attributes
    ----------
    grid : Grid
        Which shorter windows.
    share : float
        What their mean counts for, 0-1; the window's own score counts for the rest.
    """

    grid: Grid
    share: float

    @classmethod
    def from_config(cls, found: Mapping[str, Any]) -> Blend:
        """From ``shorter`` of a model directory's configuration."""
        return cls(Grid(found["window"], found["hop"]), float(found["share"]))


@dataclass(frozen=True)
class Finding:
    """How a detector finds stretches that stand out: by which windows, and when one does.

    Attributes
    ----------
    grid : Grid
    rule : Excess
        When a run of windows stands out by its scores alone.
    contrast : Contrast, optional
        By what a run stands out towards synthetic, in place of the rule.
    """

    grid: Grid
    rule: Excess
    contrast: Contrast | None = None

    @classmethod
    def from_config(cls, found: Mapping[str, Any], contrast: Contrast | None = None) -> Finding:
        """From ``stands_out`` of a model directory's configuration."""
        grid = Grid(found["window"], found["hop"])
        return cls(grid, Excess(**{key: float(found[key]) for key in EXCESS_FIELDS}), contrast)

    def finer(self, engine: Engine, ranges: list[tuple[int, int]], samples: int) -> Finer | None:
        """What scores the windows of the grid; None where the engine's windows share nothing."""
        frame = engine.samples_per_frame
        return Finer(self.grid, ranges, samples, frame, self.contrast) if frame else None

    def least(self, trace: Trace | None) -> float:
        """Score from which a stretch of a clip stands out by its scores alone."""
        return self.rule.least(sum(x is not None for x in trace.llrs)) if trace else 0.0

    def stretches(self, trace: Trace) -> tuple[Stretch, ...]:
        """The stretches that stand out in a clip's shorter windows, in order of time."""
        above = None
        if self.contrast is not None and trace.unlike:
            llrs, scores = (
                np.array([x for x in series if x is not None])
                for series in (trace.llrs, trace.unlike)
            )
            above = self.contrast.found(llrs, scores, self.rule.shift, MOST)
        return exceeding(trace.windows, trace.window_s, trace.hop_s, self.rule, above)


class Finer:
    """Scores of the windows of a grid; each lies within a longer one that is scored.

    Parameters
    ----------
    grid : Grid
        Which windows.
    ranges : list of (int, int)
        The longer ones that are scored.
    samples : int
        Length of the clip; a shorter window does not reach beyond it.
    frame : int
        Samples between the front end's frames. A window is scored from the frame that lies nearest
        to its start, in the longer one whose frames lie nearest.
    contrast : Contrast, optional
        For which the windows' embeddings are kept too.

    Attributes
    ----------
    raw : dict of int to float
        By where a window starts, in samples; filled by `hear`.
    """

    def __init__(
        self,
        grid: Grid,
        ranges: list[tuple[int, int]],
        samples: int,
        frame: int,
        contrast: Contrast | None = None,
    ) -> None:
        self.grid, self.raw = grid, dict[int, float]()
        self._contrast, self._reduced = contrast, dict[int, np.ndarray]()
        self._samples, self._frame = samples, frame
        owner: dict[int, tuple[int, int]] = {}
        for i, (first, end) in enumerate(ranges):
            last = min(end, samples) - grid.window
            for start in range(-(-first // grid.hop) * grid.hop, last + 1, grid.hop):
                off = abs(start - first - round((start - first) / frame) * frame)
                if start not in owner or off <= owner[start][0]:
                    owner[start] = off, i
        self._within: list[list[tuple[int, int]]] = [[] for _ in ranges]
        for start, (_, i) in owner.items():
            self._within[i].append((start, round((start - ranges[i][0]) / frame)))

    def hear(
        self, engine: Engine, part: list[int], features: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Scores and embeddings of longer windows; the shorter ones' scores stay here.

        Parameters
        ----------
        engine : Engine
            Whose encoder takes fewer frames too.
        part : list of int
            Which of the longer windows.
        features : numpy.ndarray
            Their frames ``[k, frames, size]``.
        """
        found = engine.encode(features)
        size = self.grid.window // self._frame
        starts, cut = [], []
        for row, i in enumerate(part):
            for start, first in self._within[i]:
                starts.append(start)
                cut.append(features[row, first : first + size])
        if starts:
            raw, embeddings = engine.encode(np.stack(cut))
            self.raw.update(zip(starts, raw.tolist(), strict=True))
            if self._contrast is not None:
                reduced = self._contrast.reduced(embeddings)
                self._reduced.update(zip(starts, reduced, strict=True))
        return found

    def blend(self, raw: np.ndarray, ranges: list[tuple[int, int]], share: float) -> np.ndarray:
        """Scores of longer windows, each with those of the shorter ones that lie within it.

        Parameters
        ----------
        raw : numpy.ndarray
            Their own scores ``[k]``.
        ranges : list of (int, int)
            Where they lie. One that holds no shorter window keeps its own score.
        share : float
            As in `Blend`.
        """
        hop, mixed = self.grid.hop, raw.copy()
        for i, (start, end) in enumerate(ranges):
            last = min(end, self._samples) - self.grid.window
            within = [
                self.raw[at]
                for at in range(-(-start // hop) * hop, last + 1, hop)
                if at in self.raw
            ]
            if within:
                mixed[i] += share * (np.mean(within) - raw[i])
        return mixed

    def trace(
        self,
        source: Source,
        speech: Sequence[tuple[float, float]],
        calibration: Calibration,
    ) -> Trace | None:
        """What `hear` found, as a Detection keeps it; None where it found nothing.

        Parameters
        ----------
        source : Source
            Which stretches the clip lacks.
        speech : sequence of (float, float)
            Spans of speech in seconds; windows with little of it get no score.
        calibration : Calibration
            As of the longer windows.
        """
        if not self.raw:
            return None
        starts = np.arange(0, self._samples - self.grid.window + 1, self.grid.hop)
        ends = starts + self.grid.window
        llrs = [
            calibration.llr(self.raw[start])
            if enough
            and start in self.raw
            and not source.lacks(start / SAMPLE_RATE, end / SAMPLE_RATE)
            else None
            for start, end, enough in zip(
                starts.tolist(), ends.tolist(), _spoken(starts, ends, speech), strict=True
            )
        ]
        window_s, hop_s = self.grid.window / SAMPLE_RATE, self.grid.hop / SAMPLE_RATE
        return Trace(window_s, hop_s, tuple(llrs), self._unlike(starts.tolist(), llrs))

    def _unlike(self, starts: list[int], llrs: list[float | None]) -> tuple[float | None, ...]:
        known = {start: llr for start, llr in zip(starts, llrs, strict=True) if llr is not None}
        if self._contrast is None or len(known) < FEWEST_SHORT:
            return ()
        reduced = np.stack([self._reduced[start] for start in known])
        scores = self._contrast.scores(np.array(list(known.values())), reduced)
        found = dict(zip(known, scores.tolist(), strict=True))
        return tuple(found.get(start) for start in starts)


def due_shorter(
    grid: Grid,
    ranges: Sequence[tuple[int, int]],
    samples: int,
    speech: Sequence[tuple[float, float]],
) -> set[int]:
    """Numbers of the shorter windows that a `Finer` scores in speech, whatever the clip lacks.

    Parameters
    ----------
    grid, ranges, samples, speech
        As `Finer` and its `Finer.trace` take them.
    """
    starts = np.arange(0, samples - grid.window + 1, grid.hop)
    within = {
        number
        for first, end in ranges
        for number in range(
            -(-first // grid.hop), (min(end, samples) - grid.window) // grid.hop + 1
        )
    }
    return within & set(np.flatnonzero(_spoken(starts, starts + grid.window, speech)).tolist())


def _spoken(
    starts: np.ndarray, ends: np.ndarray, speech: Sequence[tuple[float, float]]
) -> np.ndarray:
    """Which stretches of samples hold enough speech to be scored."""
    edges = np.array([0.0, *(edge for span in speech for edge in span)])
    spoken = np.diff(edges) * (np.arange(len(edges) - 1) % 2)  # every other one is a span
    until = np.concatenate([[0.0], np.cumsum(spoken)])
    heard = np.interp(ends / SAMPLE_RATE, edges, until)
    heard -= np.interp(starts / SAMPLE_RATE, edges, until)
    enough: np.ndarray = heard >= MIN_WINDOW_SPEECH_S
    return enough
