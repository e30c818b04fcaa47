"""Windows -> raw scores and embeddings."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from functools import partial

import numpy as np

from core.audio.clip import SAMPLE_RATE
from core.audio.windows import stack_windows
from core.detect.engine import Engine, Stoppable
from core.detect.feeds import Feed
from core.detect.finer import Blend, Finer
from core.detect.model_config import DetectorError as DetectorError
from core.detect.networks import LEVEL

STRETCH = 3 * SAMPLE_RATE
"""Samples that go through a shared front end at once, more or less: bounds memory, and keeps what
lies between two layers small enough for the allocator to use again."""

TICK_S = 0.5
"""How often it is said how far a call is, so that whoever waits can stop."""

Scored = tuple[np.ndarray, np.ndarray]


class WindowScorer:
    """Runs an engine over windows; those that overlap share what they can.

    Parameters
    ----------
    engine : Engine
        What runs the network.
    feed : Feed
        How a clip becomes the network's input.
    blend : Blend, optional
        What shorter windows count for, of a network whose windows share a front end.
    """

    def __init__(self, engine: Engine, feed: Feed, blend: Blend | None = None) -> None:
        self.engine, self.feed, self.window = engine, feed, feed.window
        self.blend = blend if engine.samples_per_frame else None
        # Every session's work goes through these threads in the order in which it came.
        self._workers = ThreadPoolExecutor(engine.at_once, "detector")

    def scores(
        self,
        samples: np.ndarray,
        ranges: list[tuple[int, int]],
        batch: int | None = None,
        progress: Callable[[float], None] | None = None,
        finer: Finer | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """The network's scores and embeddings of windows.

        Parameters
        ----------
        samples : numpy.ndarray
            float32, shape ``[n]``, 16 kHz.
        ranges : list of (int, int)
            Index ranges, each at most the window's length; shorter ones as the feed says.
        batch : int, optional
            Windows in one forward pass; what suits the engine by default.
        progress : callable, optional
            Called with the share that is done, 0-1, twice a second; what it raises ends the work.
        finer : Finer, optional
            Takes the scores of shorter windows on the way, where these share a front end; those
            of the blend, where there is one.

        Returns
        -------
        (numpy.ndarray, numpy.ndarray)
            Raw scores float64 ``[k]``, higher = spoof, and embeddings float32 ``[k, d]``.
        """
        frame = self.engine.samples_per_frame
        if self.blend and finer is None:
            finer = Finer(self.blend.grid, ranges, len(samples), frame)
        raw = np.empty(len(ranges))
        embeddings: list[np.ndarray] = [raw] * len(ranges)
        done = 0
        running: deque[tuple[list[int], Future[Scored], np.ndarray]] = deque()

        def take() -> None:
            nonlocal done
            part, found, _ = running[0]
            while progress is not None and not wait([found], TICK_S).done:
                progress(done / len(ranges))  # which may raise, where nobody waits any more
            scores, vectors = found.result()
            running.popleft()
            raw[part] = scores
            for i, vector in zip(part, vectors, strict=True):
                embeddings[i] = vector
            done += len(part)
            if progress is not None:
                progress(done / len(ranges))

        try:
            heard = self.feed.prepared(samples)
            size = batch or self.engine.batch
            for part, run, given in self._batches(heard, ranges, size, finer):
                waves = given()
                running.append((part, self._workers.submit(run, waves), waves))
                if len(running) > 2 * self.engine.at_once:  # bounds memory
                    take()
            while running:
                take()
        finally:
            for _, found, waves in running:
                if not found.cancel() and isinstance(self.engine, Stoppable):
                    self.engine.give_up(waves)
        if self.blend and finer is not None:
            raw = finer.blend(raw, ranges, self.blend.share)
        return raw, np.stack(embeddings)

    def _batches(
        self,
        samples: np.ndarray,
        ranges: list[tuple[int, int]],
        batch: int,
        finer: Finer | None = None,
    ) -> Iterator[
        tuple[
            list[int],
            Callable[[np.ndarray], Scored],
            Callable[[], np.ndarray],
        ]
    ]:
        """Which windows go together, the half of the network they go through, and what it hears."""
        frame, short = self.engine.samples_per_frame, self.feed.short
        alone = len(ranges) == 1 and finer is None
        if not frame or short != "padded" or alone or self.window % frame:
            for part in _together(ranges, batch, short == "as it is"):
                first, last = ranges[part[0]]
                given = partial(
                    stack_windows,
                    samples,
                    [ranges[i] for i in part],
                    last - first if short == "as it is" else self.window,
                    repeat=short == "repeated",
                )
                yield part, self.engine.windows, given
            return
        gain = _common_gain(samples, ranges)
        for run in _runs(ranges, frame):
            start, end = ranges[run[0]][0], ranges[run[-1]][0] + self.window
            features = SharedFeatures(
                self.engine, samples, start, end, self.window, gain, self._workers
            )
            for first in range(0, len(run), batch):
                part = run[first : first + batch]
                starts = [ranges[i][0] for i in part]
                encode = partial(finer.hear, self.engine, part) if finer else self.engine.encode
                yield part, encode, partial(features.of, starts)


class SharedFeatures:
    """Features of windows that overlap, each frame computed once.

    The sound goes through the front end stretch by stretch, with a margin on both sides that is cut
    off again, so that no feature depends on how the sound was divided or windows were grouped.

    Parameters
    ----------
    engine : Engine
        With a front end.
    samples : numpy.ndarray
        float32 ``[n]``.
    start, end : int
        What the windows span, in samples; zeros follow the last sample. ``end - start`` is a whole
        number of frames.
    window : int
        Samples of one window.
    gain : float
        To the network's level.
    workers : concurrent.futures.Executor
        Runs the front end, on a few stretches ahead of what is asked for.
    """

    def __init__(
        self,
        engine: Engine,
        samples: np.ndarray,
        start: int,
        end: int,
        window: int,
        gain: float,
        workers: Executor,
    ) -> None:
        self._engine, self._samples, self._gain = engine, samples, np.float32(gain)
        self._window, self._start, self._end = window, start, end
        self._workers = workers
        self._kept: np.ndarray | None = None
        self._next = start
        self._ahead: deque[Future[np.ndarray]] = deque()

    def of(self, starts: list[int]) -> np.ndarray:
        """Features ``[k, frames, size]`` of windows in order; never of any before the latest."""
        frame = self._engine.samples_per_frame
        if self._kept is not None:
            self._kept = self._kept[(starts[0] - self._start) // frame :]
            self._start = starts[0]
        while self._kept is None or len(self._kept) * frame < starts[-1] + self._window - starts[0]:
            self._look_ahead()
            new = self._ahead.popleft().result()
            self._kept = new if self._kept is None else np.concatenate([self._kept, new])
        self._look_ahead()
        frames = self._window // frame
        at = [(start - self._start) // frame for start in starts]
        return np.stack([self._kept[i : i + frames] for i in at])

    def _look_ahead(self) -> None:
        """Keep the workers busy with the next stretches."""
        step = STRETCH // self._engine.samples_per_frame * self._engine.samples_per_frame
        while self._next < self._end and len(self._ahead) <= self._engine.at_once:
            end = min(self._end, self._next + step)
            self._ahead.append(self._workers.submit(self._stretch, self._next, end))
            self._next = end

    def _stretch(self, begin: int, end: int) -> np.ndarray:
        """Frames of a stretch that begins and ends a whole number of frames after the start."""
        frame, margin = self._engine.samples_per_frame, self._engine.margin
        before = min(margin, begin) // frame * frame
        wave = np.zeros(end + margin - begin + before, np.float32)
        given = self._samples[begin - before : end + margin]
        np.multiply(given, self._gain, out=wave[: len(given)])
        found = self._engine.front(wave)
        return found[before // frame : before // frame + (end - begin) // frame]


def _together(ranges: list[tuple[int, int]], most: int, alike: bool) -> Iterator[list[int]]:
    """Indices of neighbours for one call; where they must be ``alike``, of one length."""
    part: list[int] = []
    for i, (start, end) in enumerate(ranges):
        if part:
            first, last = ranges[part[0]]
            if len(part) == most or (alike and end - start != last - first):
                yield part
                part = []
        part.append(i)
    if part:
        yield part


def _runs(ranges: list[tuple[int, int]], frame: int) -> list[list[int]]:
    """Indices in groups of neighbours that overlap and start a whole number of frames apart."""
    runs: list[list[int]] = []
    latest: dict[int, list[int]] = {}
    for i, (start, _) in enumerate(ranges):
        run = latest.get(start % frame)
        if run is None or start >= ranges[run[-1]][1]:
            run = latest[start % frame] = []
            runs.append(run)
        run.append(i)
    return runs


def _common_gain(samples: np.ndarray, ranges: list[tuple[int, int]]) -> float:
    """Gain that brings the windows taken together to the network's level."""
    power, count, done = 0.0, 0, 0
    for start, end in ranges:
        part = samples[max(start, done) : end]
        power += float(np.square(part, dtype=np.float64).sum())
        count += int(np.count_nonzero(part))
        done = max(done, end)
    return LEVEL / max(math.sqrt(power / max(count, 1)), 1e-6)
