"""What a live take looks like at one moment, and how firm its verdict is."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from core.audio.clip import Clip, Source
from core.audio.quality import Quality, gate
from core.detect.decision import Stance, decide
from core.detect.detection import Detection, Reason, Verdict
from core.detect.detector import Detector, Evidence

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
    quiet_s : float or None
        Seconds since the last frame came, up to the end of the take, also while paused; None
        before the first.
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
    quiet_s: float | None
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
class Scored:
    start: int
    end: int
    own: bool
    speech_s: float
    raw: float | None
    embedding: np.ndarray | None
    channel: int | None


def verdict_of(
    detector: Detector, quality: Quality, windows: list[Scored]
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
    detection = detector.judge(Clip(np.zeros(0, np.float32), SOURCE), evidence)
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


FIRM = 3
"""Of its own windows, with which a channel has a word in the verdict: eight seconds."""


def by_channel(
    windows: tuple[LiveWindow, ...], stance: Stance, band: tuple[float, float]
) -> dict[int, tuple[int, Verdict]]:
    """What each channel says by itself, where the two differ.

    Parameters
    ----------
    windows : tuple of LiveWindow
        Of a take.
    stance : Stance
    band : (float, float)
        As in `core.detect.decision.decide`.

    Returns
    -------
    dict of int to (int, str)
        By channel: windows that were scored on it and count for the verdict, and the verdict on
        their mean; ``inconclusive`` with fewer than `FIRM`.
    """
    found: dict[int, tuple[int, Verdict]] = {}
    for channel in (1, 2):
        llrs = [w.llr for w in windows if w.channel == channel and w.own and w.llr is not None]
        if llrs:
            side = decide(statistics.fmean(llrs), stance, band)
            found[channel] = (len(llrs), side if len(llrs) >= FIRM else "inconclusive")
    return found


def decided(
    detection: Detection,
    interval: tuple[float, float] | None,
    channels: Mapping[int, tuple[int, Verdict]] = MappingProxyType({}),
) -> Detection:
    """The same detection, inconclusive where its windows do not agree.

    Parameters
    ----------
    detection : Detection
        Under the stance that counts.
    interval : (float, float) or None
        Of the mean log-likelihood ratio, from `spread`.
    channels : mapping
        As of `by_channel`.
    """
    if detection.verdict not in ("synthetic", "authentic"):
        return detection
    sides = {verdict: channel for channel, (_, verdict) in channels.items()}
    if {"synthetic", "authentic"} <= sides.keys():
        why = Reason(
            "channels_contradict",
            f"Channel {sides['synthetic']} by itself is likely synthetic, channel "
            f"{sides['authentic']} likely authentic.",
            "inconclusive",
        )
    elif interval is not None and _crosses(detection.stance, interval):
        why = Reason(
            "wide_interval",
            "The windows differ so much that the interval of their mean reaches across the "
            "threshold.",
            "inconclusive",
        )
    else:
        return detection
    return replace(detection, verdict="inconclusive", reasons=(*detection.reasons, why))


def _crosses(stance: Stance, interval: tuple[float, float]) -> bool:
    low, high = map(stance.margin, interval)
    return low <= 0.0 <= high


SOURCE = Source("Live take", "webrtc", "opus", 48_000, 2, 0.0, "", "samples")
