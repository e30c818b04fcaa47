"""Clips, Detections and a detector without a network, built by hand for tests of the pages."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from core.audio.clip import SAMPLE_RATE, Clip, Source, Track
from core.audio.decoding import decode
from core.audio.quality import Quality, gate, speech_in
from core.detect.calibration import Calibration
from core.detect.decision import EVEN, Stance
from core.detect.detection import Detection, Familiarity, Trace, Window
from core.detect.detector import Decision, Detector
from core.detect.finer import Finding, Grid
from core.detect.outlier import Excess
from core.detect.own_calibration import OwnCalibration

ROOT = Path(__file__).resolve().parents[1]
BAND = (-1.0, 1.0)
FINDING = Finding(Grid(SAMPLE_RATE, SAMPLE_RATE // 2), Excess(2.0, 10.0, 0.0))
"""Finds stretches by windows of 1 s every half second; only so is a clip synthetic in part."""


def tone(seconds: float, hertz: float = 220.0, level: float = 0.4) -> np.ndarray:
    """A sine, float32 [n] at 16 kHz."""
    t = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (level * np.sin(2 * np.pi * hertz * t)).astype(np.float32)


def wav(samples: np.ndarray) -> bytes:
    """A 16-bit WAV file in memory."""
    data = io.BytesIO()
    soundfile.write(data, samples, SAMPLE_RATE, format="WAV", subtype="PCM_16")
    return data.getvalue()


def spliced() -> np.ndarray:
    """Three times a human example, 4 s of a synthetic one, and the human one again."""
    human, synthetic = (
        decode(next((ROOT / "examples").glob(name))).samples for name in ("4-*", "1-*")
    )
    human = human * (0.05 / human.std())
    part = synthetic[: 4 * SAMPLE_RATE]
    return np.concatenate([*[human] * 3, part * (0.05 / part.std()), *[human] * 3])


def clip(seconds: float = 9.0, name: str = "clip.wav", hertz: float = 220.0) -> Clip:
    samples = tone(seconds, hertz)
    sha256 = hashlib.sha256(samples.tobytes()).hexdigest()
    source = Source(name, "wav", "pcm_s16le", SAMPLE_RATE, 1, seconds, sha256, "soundfile")
    return Clip(samples, source)


def track(number: int, **fields: Any) -> Track:
    """One of a file's audio tracks, of which the file says nothing but what is given."""
    bare = Track(number, "aac", "", "", None, 48_000, 2, None, False)
    return replace(bare, **fields)


def decoder(**files: Callable[[int], Clip]) -> Callable[..., Clip]:
    """In place of `decode_safely`: by a file's stem, what makes the clip of one of its tracks."""

    def decode(data: bytes, *, name: str, track: int | None = None, **_: Any) -> Clip:
        made = files[name.split(".")[0]](track or 1)
        sha256 = hashlib.sha256(data).hexdigest()

        def own(part: Clip) -> Clip:
            return replace(part, source=replace(part.source, name=name, sha256=sha256))

        return replace(own(made), apart=tuple(map(own, made.apart)))

    return decode


def channels_apart(*hertz: float, seconds: float = 9.0) -> Clip:
    """A clip whose channels are judged apart, one tone each."""
    whole = clip(seconds)
    parts = [clip(seconds, hertz=h) for h in hertz]
    return replace(
        whole,
        apart=tuple(
            replace(p, source=replace(whole.source, channel=n, channels=len(hertz)))
            for n, p in enumerate(parts, 1)
        ),
    )


def one_of_tracks(number: int, *hertz: float) -> Clip:
    """The clip of one track of a file that has several, one tone each."""
    tracks = tuple(
        track(n, language=code, default=n == 1, duration_s=9.0)
        for n, code in zip(range(1, 1 + len(hertz)), ("eng", "deu", "fra"), strict=False)
    )
    made = clip(9.0, hertz=hertz[number - 1])
    return replace(made, source=replace(made.source, tracks=tracks, track=number))


def spoken_outside(
    silent: Sequence[tuple[float, float]], duration_s: float
) -> tuple[tuple[float, float], ...]:
    """Speech all through a clip but for its silent windows, in order of time."""
    speech, end = [], 0.0
    for a, b in [*silent, (duration_s, duration_s)]:
        if a > end:
            speech.append((end, a))
        end = max(end, b)
    return tuple(speech)


class HandDetector(Detector):
    """Everything of a Detector but its network: the scores of the windows are given.

    The pitch of the clip says which: ``scores[hertz]`` is one log-likelihood ratio a window
    (the last one repeats), None for a window without speech.
    """

    def __init__(
        self, scores: dict[float, Sequence[float | None]], calibrated: bool = True, **kwargs: Any
    ) -> None:
        silent = {"eval": lambda self: self, "parameters": lambda self: ()}
        network: Any = type("Silent", (), silent)()
        if calibrated:
            kwargs.setdefault("calibration", Calibration(1.0, 0.0, 12.0, "by hand"))
        super().__init__(
            "embedded", "Hand-made detector", network, "0" * 64, decision=Decision(BAND), **kwargs
        )
        self.scores = scores
        self.is_calibrated = calibrated
        self.calls: list[tuple[str, float | None]] = []

    def detect(
        self,
        clip: Clip,
        *,
        stance: Stance = EVEN,
        hop_s: float | None = None,
        progress: Callable[[float], None] | None = None,
        find: bool = True,
    ) -> Detection:
        from core.audio.windows import window_ranges

        self.calls.append((clip.source.name, hop_s))
        hop = self.hop if hop_s is None else round(hop_s * SAMPLE_RATE)
        ranges = window_ranges(len(clip.samples), self.window, hop)
        spectrum = np.abs(np.fft.rfft(clip.samples))
        hertz = round(float(np.argmax(spectrum) * SAMPLE_RATE / len(clip.samples)), -1)
        given = list(self.scores[hertz])
        llrs = [given[min(i * hop // self.hop, len(given) - 1)] for i in range(len(ranges))]
        heard = [x for x in llrs if x is not None]
        if progress is not None:
            progress(1.0)
        seconds = [(a / SAMPLE_RATE, b / SAMPLE_RATE) for a, b in ranges]
        silent = [span for span, x in zip(seconds, llrs, strict=True) if x is None]
        speech = spoken_outside(silent, clip.duration_s)
        quality = Quality(
            clip.duration_s,
            sum(b - a for a, b in speech),
            speech,
            -12.0,
            0.4,
            0.0,
            0.0,
            8e3,
        )
        bare = Detection(
            detector=self.id,
            weights_sha256=self.weights_sha256,
            calibrated=self.is_calibrated,
            source=clip.source,
            quality=quality,
            windows=tuple(
                Window(a, b, x, None, speech_in(speech, a, b))
                for (a, b), x in zip(seconds, llrs, strict=True)
            ),
            window_s=self.window / SAMPLE_RATE,
            hop_s=hop / SAMPLE_RATE,
            llr=float(np.mean(heard)) if heard else None,
            p_spoof=None,
            stance=stance,
            verdict="not judged",
            reasons=gate(quality, clip.source),
            familiarity=Familiarity(0.4, 61.0, "familiar") if heard else None,
            elapsed_ms=0.0,
        )
        if self.finding is not None and find:
            shorter = range(0, len(clip.samples) - self.finding.grid.window + 1, 8_000)
            heard_at = [given[min(i // self.hop, len(given) - 1)] for i in shorter]
            bare = replace(bare, trace=Trace(1.0, 0.5, tuple(heard_at)))
        found = self.stretches_in(bare)
        if bare.trace is not None:
            found = tuple(replace(s, bandwidth_hz=8e3, clipped_share=0.0) for s in found)
        bare = replace(bare, stands_out=found)
        return replace(self.with_stance(bare, stance), elapsed_ms=42.0)


def calibration(id: str = "own:x", weights_sha256: str = "a" * 64) -> OwnCalibration:
    """One that was fitted on 30 clips of each class."""
    return OwnCalibration(
        id, weights_sha256, "clips", 30, 30, 1.0, 0.0, 3.4, (-1.0, 1.0),
        {"before": {"value": 1.0, "low": 0.5, "high": 2.0}},
    )  # fmt: skip


SCORES: dict[float, Sequence[float | None]] = {
    220.0: [3.2, 4.1, None, 2.2, -0.4],
    330.0: [-3.0, -2.5, -4.0],
    440.0: [0.3, -0.2, 0.1],
    550.0: [None],
    660.0: [*[-2.0] * 16, *[4.0] * 8, *[-2.0] * 8],
    770.0: [*[-3.0] * 15, 4.0, 4.0, *[-3.0] * 15],
}
"""Synthetic with a silent window, authentic, inconclusive, no speech at all, inconclusive
because a part of 66 s scores unlike the rest, and authentic but for 30 to 34 s."""
