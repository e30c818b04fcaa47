"""A live take: sound comes in, a score for every new second goes out, off the server's event loop.

`Take.push` only appends. One thread converts what has arrived and keeps the latest minutes;
another scores each new hop. A page reads `Take.snapshot` and says by `Take.touch` that it is still
there; a take that nobody has touched for a while lets go of everything.
"""

from __future__ import annotations

import logging
import statistics
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from core.audio.clip import SAMPLE_RATE, Clip, Source
from core.audio.incoming import Incoming, Ring, as_float, averaged, wav_of
from core.audio.quality import Quality, gate, measure, speech_in
from core.detect.calibration import UNCALIBRATED
from core.detect.detection import Detection, Reason
from core.detect.detector import MIN_WINDOW_SPEECH_S, Detector, DetectorError, Evidence
from core.settings import settings

logger = logging.getLogger(__name__)

HOP_S = 1.0
"""Seconds between the ends of windows."""

CONTEXT_S = 15.0
"""Voice activity and quality are measured on at least this much of the latest sound."""

MOST_WAITING = 3_000
"""Frames that may wait to be converted: one minute at 20 ms each."""

MOST_BEHIND = 2
"""Hops the scorer may lie behind before it jumps to the newest."""

MOST_CAUGHT_UP = 6
"""Hops that came while the detector was loaded and are scored after all."""

_SETTLED_S = 1.0  # speech older than this no longer changes with what follows
_LEVEL_S = 0.3  # stretch of the level meter
_TICK_S = 0.2

State = Literal["live", "paused", "finished", "discarded", "released"]


@dataclass(frozen=True)
class LiveWindow:
    """One scored or silent window of a take.

    Attributes
    ----------
    start_s, end_s : float
        Seconds since the take began.
    llr : float or None
        Calibrated natural-log likelihood ratio, positive towards synthetic; None where there is
        too little speech.
    speech_s : float
        Seconds of speech in the window.
    own : bool
        Whether it is one of the detector's own windows, which alone give the verdict.
    channel : int or None
        The channel that was heard, 1 or 2; None where their average was.
    """

    start_s: float
    end_s: float
    llr: float | None
    speech_s: float
    own: bool
    channel: int | None = None


@dataclass(frozen=True)
class Snapshot:
    """A take at one moment.

    Attributes
    ----------
    state : str
        ``live``, ``paused``, ``finished``, ``discarded`` (by the visitor) or ``released`` (nobody
        looked at it any more).
    waited_s : float
        Seconds since the take was opened, whether sound came or not.
    seconds : float
        Sound since the start, pauses left out.
    kept_from_s : float
        Where the kept sound begins; above 0 once the oldest has gone.
    speech_s : float
        Seconds of speech found so far in the kept sound.
    frames, lost : int
        Frames that arrived, and that never did.
    skipped : int
        Hops without a score because the scorer fell behind.
    level_dbfs : float or None
        RMS level of the last moments; None for digital silence, or where nothing comes in.
    windows : tuple of LiveWindow
        In order of time.
    detection : Detection or None
        The verdict so far at even odds, by the rules for a file; None while the take is too short
        for one whole window.
    spread : (float, float) or None
        Interval of the mean log-likelihood ratio over the take; None before two windows that do
        not overlap.
    latency_s : float or None
        Median seconds from the arrival of sound to the first snapshot with a score for it, over
        the last twenty scores.
    ready : bool
        Whether the detector is loaded.
    error : str
        A sentence where no scores can be computed; empty otherwise.
    """

    state: State
    waited_s: float
    seconds: float
    kept_from_s: float
    speech_s: float
    frames: int
    lost: int
    skipped: int
    level_dbfs: float | None
    windows: tuple[LiveWindow, ...]
    detection: Detection | None
    spread: tuple[float, float] | None
    latency_s: float | None
    ready: bool
    error: str

    @property
    def listening(self) -> bool:
        """Whether there is not enough speech yet for a verdict."""
        return self.detection is None or self.detection.llr is None


@dataclass(frozen=True, eq=False)
class _Scored:
    start: int
    end: int
    own: bool
    speech_s: float
    raw: float | None
    embedding: np.ndarray | None
    channel: int | None


class Take:
    """One live take, from its first frame until it is let go of.

    Parameters
    ----------
    load : callable
        Gives the `Detector`; called once, in the take's own thread, and may raise `DetectorError`.
    slots : context manager
        Entered around every inference, so that takes share what the process can bear.
    hop_s : float
        Seconds between the ends of windows.
    keep_s, forget_after_s : float, optional
        Seconds of sound that are kept, and without a look until all is let go of; by default
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
        self._incoming = Incoming()
        self._overflowed = 0
        self._ring = Ring(round((keep_s or settings().live_keep_s) * SAMPLE_RATE))
        self._arrivals: deque[tuple[int, float]] = deque(maxlen=MOST_WAITING)
        self._flushed = False
        self._hops = 0
        self._skipped = 0
        self._windows: deque[_Scored] = deque()
        self._heard = _Heard()
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
        if self._state != "live":
            return
        if len(self._waiting) >= MOST_WAITING:
            # A frame with a clock of its own leaves a gap that `Incoming` counts.
            self._overflowed += frame.pts is None
            return
        self._waiting.append((frame, time.monotonic()))
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
            self._state = "finished"
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
                self.detector.calibration_of(_SOURCE.codec) if self.detector else UNCALIBRATED
            )
            return Snapshot(
                state=self._state,
                waited_s=now - self._opened,
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
            self._heard = _Heard()
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
                first = max(self._ring.start, min(self._heard.wanted_from(), start, end - _CONTEXT))
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
            self._windows.append(_Scored(start, end, own, speech_s, raw, embedding, channel))
            self._heard.add(quality, first, end, self._ring.start)
            middle = end - self._hop // 2
            self._unseen += [at for done, at in self._arrivals if done >= middle][:1]
            heard = self._heard.quality(self._ring.start, end)
            self._detection, self._spread = _verdict(detector, heard, self._counted())

    def _counted(self) -> list[_Scored]:
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
        quality = measure(Clip(sound, _SOURCE))
        speech_s = speech_in(quality.speech, window / SAMPLE_RATE, len(sound) / SAMPLE_RATE)
        found.append((sound, quality, speech_s, number))
    most = max(speech_s for _, _, speech_s, _ in found)
    spoken = [heard for heard in found if heard[2] >= most / 2]
    return max(spoken, key=lambda heard: float(np.square(heard[0][window:]).sum()))


def _verdict(
    detector: Detector, quality: Quality, windows: list[_Scored]
) -> tuple[Detection | None, tuple[float, float] | None]:
    """The verdict on the take so far, by the detector's own rules, and its spread."""
    if not windows:
        return None, None
    reasons = gate(quality)
    scored = [i for i, w in enumerate(windows) if w.raw is not None]
    if any(reason.effect == "not judged" for reason in reasons):
        scored = []
    raw = np.array([windows[i].raw for i in scored], np.float64)
    embeddings = [windows[i].embedding for i in scored]
    evidence = Evidence(
        quality=quality,
        reasons=reasons,
        hop=detector.hop,
        ranges=[(w.start, w.end) for w in windows],
        speech=[w.speech_s for w in windows],
        scored=scored,
        raw=raw,
        embeddings=np.stack([e for e in embeddings if e is not None])
        if scored
        else np.zeros((0, 0), np.float32),
    )
    detection = detector.judge(Clip(np.zeros(0, np.float32), _SOURCE), evidence)
    return detection, spread([w for w in detection.windows if w.llr is not None])


def spread(windows: list[Any]) -> tuple[float, float] | None:
    """Interval of the mean log-likelihood ratio, from how much windows differ over the take.

    Overlapping windows share sound, so only as many count as fit side by side.

    Parameters
    ----------
    windows : list
        With ``start_s``, ``end_s`` and ``llr``, in order of time, all scored.

    Returns
    -------
    (float, float) or None
        Mean -/+ 1.96 standard errors; None before two windows that do not overlap.
    """
    apart, reached = 0, float("-inf")
    for window in windows:
        if window.start_s >= reached:
            apart, reached = apart + 1, window.end_s
    if apart < 2:
        return None
    llrs = [window.llr for window in windows]
    mean = statistics.fmean(llrs)
    half = 1.96 * statistics.stdev(llrs) / apart**0.5
    return mean - half, mean + half


def decided(detection: Detection, interval: tuple[float, float] | None) -> Detection:
    """The same detection, inconclusive where its interval reaches across the threshold.

    Parameters
    ----------
    detection : Detection
        Under the stance that counts.
    interval : (float, float) or None
        Of the mean log-likelihood ratio, from `spread`.
    """
    if interval is None or detection.verdict not in ("synthetic", "authentic"):
        return detection
    low, high = map(detection.stance.margin, interval)
    if not low <= 0.0 <= high:
        return detection
    why = Reason(
        "wide_interval",
        "The windows differ so much that the interval of their mean reaches across the threshold.",
        "inconclusive",
    )
    return replace(detection, verdict="inconclusive", reasons=(*detection.reasons, why))


class _Heard:
    """Speech and quality of a take that grows, from measurements of its latest stretch."""

    def __init__(self) -> None:
        self._edge = 0.0  # speech before this second is settled
        self._settled: deque[tuple[float, float]] = deque()
        self._loose: list[tuple[float, float]] = []
        self._past: deque[tuple[float, Quality]] = deque()  # by where their stretch ends
        self._now: tuple[float, Quality] | None = None

    def wanted_from(self) -> int:
        """First sample that the next measurement has to reach back to."""
        return max(0, round((self._edge - 2 * _SETTLED_S) * SAMPLE_RATE))

    def add(self, quality: Quality, first: int, end: int, kept_from: int) -> None:
        """Take in the measurement of samples ``first`` to ``end`` of the take."""
        from_s, end_s = first / SAMPLE_RATE, end / SAMPLE_RATE
        spans = [(a + from_s, b + from_s) for a, b in quality.speech if b + from_s > self._edge]
        edge = max(self._edge, end_s - _SETTLED_S)
        for a, b in spans:
            self._settle(max(a, self._edge), min(b, edge))
        self._loose = [(max(a, edge), b) for a, b in spans if b > edge]
        self._edge = edge
        self._now = (end_s, quality)
        if not self._past or end_s - self._past[-1][0] >= CONTEXT_S:
            self._past.append(self._now)
        kept_s = kept_from / SAMPLE_RATE
        while self._past and self._past[0][0] <= kept_s:
            self._past.popleft()
        while self._settled and self._settled[0][1] <= kept_s:
            self._settled.popleft()

    def _settle(self, a: float, b: float) -> None:
        if b <= a:
            return
        if self._settled and a - self._settled[-1][1] < 1e-6:
            a = self._settled.pop()[0]
        self._settled.append((a, b))

    def _spans(self, kept_from_s: float) -> list[tuple[float, float]]:
        return [(max(a, kept_from_s), b) for a, b in (*self._settled, *self._loose)]

    def speech_s(self, kept_from_s: float) -> float:
        """Seconds of speech behind a moment of the take."""
        return float(sum(b - a for a, b in self._spans(kept_from_s)))

    def quality(self, start: int, end: int) -> Quality:
        """Quality of the kept part, samples ``start`` to ``end`` of the take.

        Measurements count by the speech in them; the widest bandwidth stands for all.
        """
        assert self._now is not None
        parts = [q for _, q in self._past] + [self._now[1]]
        spoken = [q for q in parts if q.speech_s > 0] or parts
        weights = np.array([q.speech_s or 1.0 for q in spoken])
        powers = np.array(
            [0.0 if q.level_dbfs is None else 10 ** (q.level_dbfs / 10) for q in spoken]
        )
        power = float(np.average(powers, weights=weights))
        return Quality(
            duration_s=(end - start) / SAMPLE_RATE,
            speech_s=self.speech_s(start / SAMPLE_RATE),
            speech=tuple(self._spans(start / SAMPLE_RATE)),
            level_dbfs=10 * float(np.log10(power)) if power > 0 else None,
            peak=max(q.peak for q in parts),
            clipped_share=float(np.average([q.clipped_share for q in spoken], weights=weights)),
            zero_share=float(np.mean([q.zero_share for q in parts])),
            bandwidth_hz=max(q.bandwidth_hz for q in spoken),
        )


_CONTEXT = round(CONTEXT_S * SAMPLE_RATE)
_SOURCE = Source("Live take", "webrtc", "opus", 48_000, 2, 0.0, "", "samples")


def _level(samples: np.ndarray) -> float | None:
    """RMS level of the louder channel, int16 ``[n, 2]``, in dB full scale; None for silence."""
    if not len(samples) or not samples.any():
        return None
    return float(10 * np.log10(np.mean(as_float(samples) ** 2, axis=0).max()))
