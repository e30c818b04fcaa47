"""A live take: what arrives is scored hop by hop, off the server's event loop."""

from __future__ import annotations

import logging
import statistics
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from core.audio.clip import SAMPLE_RATE, Clip
from core.audio.incoming import Incoming, Ring, as_float, averaged, wav_of
from core.audio.quality import Quality, measure, speech_in
from core.detect.calibration import UNCALIBRATED
from core.detect.detection import Detection
from core.detect.detector import Detector, DetectorError
from core.detect.finer import MIN_WINDOW_SPEECH_S
from core.detect.stream.heard import CONTEXT, Heard
from core.detect.stream.snapshot import SOURCE, LiveWindow, Scored, Snapshot, State, verdict_of
from core.settings import settings

logger = logging.getLogger(__name__)


HOP_S = 1.0
"""Seconds between the ends of windows."""


MOST_WAITING = 3_000
"""Frames that may wait to be converted: one minute at 20 ms each."""


MOST_BEHIND = 2
"""Hops the scorer may lie behind before it jumps to the newest."""


MOST_CAUGHT_UP = 6
"""Hops that came while the detector was loaded and are scored after all."""


_LEVEL_S = 0.3  # stretch of the level meter


_TICK_S = 0.2


class Take:
    """One live take, from its first frame until it is deleted.

    Parameters
    ----------
    load : callable
        Gives the `Detector`; called once, in the take's own thread, and may raise `DetectorError`.
    slots : context manager
        Entered around every inference, so that takes share what the process can bear.
    hop_s : float
        Seconds between the ends of windows.
    keep_s, forget_after_s : float, optional
        Seconds of sound that are kept, and without a look until all is deleted; by default
        ``live_keep_s`` and ``live_forget_after_s`` of `core.settings`.
    """

    def __init__(
        self,
        load: Callable[[], Detector],
        slots: AbstractContextManager[Any] | None = None,
        hop_s: float = HOP_S,
        keep_s: float | None = None,
        forget_after_s: float | None = None,
    ) -> None:
        self.detector: Detector | None = None
        self._load = load
        self._slots = slots or nullcontext()
        self._hop = round(hop_s * SAMPLE_RATE)
        self._forget_after_s = forget_after_s or settings().live_forget_after_s
        self._lock = threading.Lock()
        self._grown = threading.Condition(self._lock)
        self._draining = threading.Lock()
        self._arrived = threading.Event()
        self._waiting: deque[tuple[Any, float]] = deque()
        self._state: State = "live"
        self._opened = self._touched = time.monotonic()
        self._came: float | None = None
        self._ended: float | None = None
        self._incoming = Incoming()
        self._overflowed = 0
        self._ring = Ring(round((keep_s or settings().live_keep_s) * SAMPLE_RATE))
        self._arrivals: deque[tuple[int, float]] = deque(maxlen=MOST_WAITING)
        self._flushed = False
        self._hops = 0
        self._skipped = 0
        self._windows: deque[Scored] = deque()
        self._heard = Heard()
        self._detection: Detection | None = None
        self._spread: tuple[float, float] | None = None
        self._unseen: list[float] = []
        self._latencies: deque[float] = deque(maxlen=20)
        self._error = ""
        for work, name in ((self._listen, "live-listen"), (self._judge, "live-judge")):
            threading.Thread(target=work, name=name, daemon=True).start()

    # --- what the track, the page and its buttons call ---------------------------------------

    def push(self, frame: Any) -> None:
        """Accept a frame (``av.AudioFrame``); made for an event loop, so it only appends."""
        if not self.open:
            return
        self._came = time.monotonic()
        if self._state == "paused":
            return
        if len(self._waiting) >= MOST_WAITING:
            # A frame with a clock of its own leaves a gap that `Incoming` counts.
            self._overflowed += frame.pts is None
            return
        self._waiting.append((frame, self._came))
        self._arrived.set()

    @property
    def open(self) -> bool:
        """Whether sound may still come in."""
        return self._state in ("live", "paused")

    def touch(self) -> None:
        """Say that somebody still looks at this take."""
        self._touched = time.monotonic()

    def pause(self) -> None:
        """Leave out what arrives from now on."""
        with self._lock:
            if self._state == "live":
                self._state = "paused"

    def resume(self) -> None:
        """Go on after `pause`; what was left out does not count as lost."""
        with self._lock:
            if self._state == "paused":
                self._waiting.append((None, 0.0))
                self._state = "live"

    def finish(self) -> None:
        """Accept no more frames; the take stays."""
        with self._lock:
            if self._state not in ("live", "paused"):
                return
            self._state, self._ended = "finished", time.monotonic()
        self._drain()

    def discard(self) -> None:
        """Let go of the sound, the scores and the verdict, for good."""
        self._free("discarded")

    def wav(self) -> bytes:
        """The kept sound as a 16-bit WAV at 16 kHz; empty where there is none.

        It has both channels where they differ.
        """
        with self._lock:
            samples, apart = self._ring.read(self._ring.start, self._ring.end), self._ring.apart
        return wav_of(samples if apart else averaged(samples)) if len(samples) else b""

    def snapshot(self) -> Snapshot:
        """The take as it stands, and note when its newest scores were first shown."""
        now = time.monotonic()
        with self._lock:
            self._latencies.extend(now - arrival for arrival in self._unseen)
            self._unseen.clear()
            ring = self._ring
            latest = np.zeros((0, 2), np.int16)
            if self._state == "live":
                latest = ring.read(ring.end - round(_LEVEL_S * SAMPLE_RATE), ring.end)
            calibration = (
                self.detector.calibration_of(SOURCE.codec) if self.detector else UNCALIBRATED
            )
            return Snapshot(
                state=self._state,
                waited_s=now - self._opened,
                quiet_s=None if self._came is None else (self._ended or now) - self._came,
                seconds=ring.end / SAMPLE_RATE,
                kept_from_s=ring.start / SAMPLE_RATE,
                speech_s=self._heard.speech_s(ring.start / SAMPLE_RATE),
                frames=self._incoming.frames,
                lost=self._incoming.lost + self._overflowed,
                skipped=self._skipped,
                level_dbfs=_level(latest),
                windows=tuple(
                    LiveWindow(
                        w.start / SAMPLE_RATE,
                        w.end / SAMPLE_RATE,
                        None if w.raw is None else calibration.llr(w.raw),
                        w.speech_s,
                        w.own,
                        w.channel,
                    )
                    for w in self._windows
                ),
                detection=self._detection,
                spread=self._spread,
                latency_s=statistics.median(self._latencies) if self._latencies else None,
                ready=self.detector is not None,
                error=self._error,
            )

    # --- the thread that converts ------------------------------------------------------------

    def _listen(self) -> None:
        while self._state not in ("discarded", "released"):
            self._arrived.wait(_TICK_S)
            self._arrived.clear()
            self._drain()
            if time.monotonic() - self._touched > self._forget_after_s:
                self._free("released")

    def _drain(self) -> None:
        """Convert what waits; after the last frame also what the resampler held back."""
        with self._draining:
            while self._waiting:
                frame, arrival = self._waiting.popleft()
                if frame is None:
                    self._incoming.resync()
                    continue
                self._keep(self._incoming.take(frame), arrival)
            if self._state == "finished" and not self._flushed:
                self._keep(self._incoming.flush(), time.monotonic())
                with self._grown:
                    self._flushed = True
                    self._grown.notify_all()

    def _keep(self, samples: np.ndarray, arrival: float) -> None:
        with self._grown:
            if self._state in ("discarded", "released"):
                return
            self._ring.write(samples)
            self._arrivals.append((self._ring.end, arrival))
            while self._windows and self._windows[0].end <= self._ring.start:
                self._windows.popleft()
            if self._ring.end >= (self._hops + 1) * self._hop:
                self._grown.notify_all()

    def _free(self, state: State) -> None:
        with self._grown:
            if self._state in ("discarded", "released"):
                return
            self._state = state
            self._waiting.clear()
            self._ring = Ring(0)
            self._windows.clear()
            self._arrivals.clear()
            self._unseen.clear()
            self._heard = Heard()
            self._detection = self._spread = None
            self._grown.notify_all()

    # --- the thread that scores --------------------------------------------------------------

    def _judge(self) -> None:
        try:
            self.detector = self._load()
            most = MOST_CAUGHT_UP
            while (hops := self._next_hops(most)) is not None:
                for hop in hops:
                    self._score(hop * self._hop)
                most = MOST_BEHIND
        except DetectorError as error:
            self._error = str(error)
        except Exception:  # a thread that died in silence would look like endless listening
            logger.exception("A live take cannot be scored.")
            self._error = "The detector failed, so this take gets no scores. It is still recorded."

    def _next_hops(self, most: int) -> list[int] | None:
        """Wait for hops to score; None when there will be no more."""
        with self._grown:
            while self._state not in ("discarded", "released"):
                newest = self._ring.end // self._hop
                if newest > self._hops:
                    break
                if self._flushed:
                    return None
                self._grown.wait(_TICK_S)
            else:
                return None
            due = list(range(self._hops + 1, newest + 1))
            if len(due) > most:
                # The newest, or the one just before it where only that one counts for the verdict.
                chosen = due[-most:] if most > MOST_BEHIND else [self._newest_own(due)]
                self._skipped += len(due) - len(chosen)
                due = chosen
            self._hops = newest
            return due

    def _newest_own(self, due: list[int]) -> int:
        assert self.detector is not None
        recent = due[-max(1, self.detector.hop // self._hop) :]
        return next((hop for hop in reversed(recent) if self._is_own(hop * self._hop)), due[-1])

    def _is_own(self, end: int) -> bool:
        """Whether the window that ends here is one that the detector would cut from a file."""
        assert self.detector is not None
        start = end - self.detector.window
        return start >= 0 and start % self.detector.hop == 0

    def _score(self, end: int) -> None:
        """Measure the latest sound, score the window that ends here once, and judge anew."""
        detector = self.detector
        assert detector is not None
        start = max(0, end - detector.window)
        with self._slots:
            with self._lock:
                if self._state in ("discarded", "released"):
                    return
                first = max(self._ring.start, min(self._heard.wanted_from(), start, end - CONTEXT))
                both, apart = as_float(self._ring.read(first, end)), self._ring.apart
            if len(both) < end - first:  # it went while this waited
                return
            samples, quality, speech_s, channel = _clearest(both, start - first, apart)
            raw, embedding = None, None
            if speech_s >= MIN_WINDOW_SPEECH_S:
                window = samples[start - first :]
                scores, embeddings = detector.raw_scores(window, [(0, len(window))])
                raw, embedding = float(scores[0]), embeddings[0]
        with self._lock:
            if self._state in ("discarded", "released"):
                return
            own = self._is_own(end)
            self._windows.append(Scored(start, end, own, speech_s, raw, embedding, channel))
            self._heard.add(quality, first, end, self._ring.start)
            middle = end - self._hop // 2
            self._unseen += [at for done, at in self._arrivals if done >= middle][:1]
            heard = self._heard.quality(self._ring.start, end)
            self._detection, self._spread = verdict_of(detector, heard, self._counted())

    def _counted(self) -> list[Scored]:
        """The windows that the verdict is made of; of a very short take, its longest."""
        own = [w for w in self._windows if w.own and w.start >= self._ring.start]
        if own or self._state != "finished":
            return own
        return list(self._windows)[-1:]


def _clearest(
    both: np.ndarray, window: int, apart: bool
) -> tuple[np.ndarray, Quality, float, int | None]:
    """What is heard of two channels ``[n, 2]``, and its quality, speech and number.

    Where they differ, an average could hide a voice, and each has only the sound of its own: of
    those that speak in the window (from sample ``window`` on) the loudest is heard. Both could be
    scored, but for twice the work of every take; and the take keeps both, for Detect to judge.
    """
    if not apart:
        channels: dict[int | None, np.ndarray] = {None: both.mean(axis=1)}
    else:
        channels = {n: np.ascontiguousarray(both[:, n - 1]) for n in (1, 2)}
    found = []
    for number, sound in channels.items():
        quality = measure(Clip(sound, SOURCE))
        speech_s = speech_in(quality.speech, window / SAMPLE_RATE, len(sound) / SAMPLE_RATE)
        found.append((sound, quality, speech_s, number))
    most = max(speech_s for _, _, speech_s, _ in found)
    spoken = [heard for heard in found if heard[2] >= most / 2]
    return max(spoken, key=lambda heard: float(np.square(heard[0][window:]).sum()))


def _level(samples: np.ndarray) -> float | None:
    """RMS level of the louder channel, int16 ``[n, 2]``, in dB full scale; None for silence."""
    if not len(samples) or not samples.any():
        return None
    return float(10 * np.log10(np.mean(as_float(samples) ** 2, axis=0).max()))
