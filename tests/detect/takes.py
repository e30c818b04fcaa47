"""Frames as WebRTC delivers them, and a quick detector, for tests of live takes."""

from __future__ import annotations

import io
import time
import wave
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import av
import numpy as np

from core.audio.clip import SAMPLE_RATE
from core.detect.calibration import Calibration
from core.detect.detector import Decision, Detector
from core.detect.stream import Take

RATE, FRAME = 48_000, 960


def frames(samples: np.ndarray, first: int = 0, clock: bool = True) -> Iterator[av.AudioFrame]:
    """Stereo s16 frames of 20 ms at 48 kHz from float samples ``[n]`` or ``[n, 2]``."""
    if samples.ndim == 1:
        samples = np.stack([samples, samples], axis=1)
    integers = np.rint(samples * 32768).clip(-32768, 32767).astype(np.int16)
    for start in range(0, len(integers) - FRAME + 1, FRAME):
        packed = integers[start : start + FRAME].reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, "s16", "stereo")
        frame.sample_rate = RATE
        if clock:
            frame.pts, frame.time_base = first + start, Fraction(1, RATE)
        yield frame


def sine(seconds: float, hertz: float = 1_000.0, dbfs: float = -20.0) -> np.ndarray:
    """A sine of an RMS level, at 48 kHz."""
    t = np.arange(round(seconds * RATE)) / RATE
    return np.sqrt(2) * 10 ** (dbfs / 20) * np.sin(2 * np.pi * hertz * t)


def read(data: bytes) -> np.ndarray:
    """Samples of a 16 kHz mono 16-bit WAV, float64 within [-1, 1]."""
    with wave.open(io.BytesIO(data)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768


def pitch(samples: np.ndarray, rate: int = SAMPLE_RATE) -> float:
    """Strongest frequency in hertz."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * rate / len(samples))


def level(samples: np.ndarray) -> float:
    """RMS in dB full scale."""
    return float(10 * np.log10(np.mean(samples**2)))


def until(true: Callable[[], Any], seconds: float = 20.0) -> Any:
    """What the callable gives, once that is true."""
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)
    return found


def scored_to(take: Take) -> float:
    """Where the newest window ends, in seconds."""
    windows = take.snapshot().windows
    return windows[-1].end_s if windows else 0.0


class QuickDetector(Detector):
    """Everything of a Detector but its network: a window's raw score is a function of its level."""

    def __init__(self, work_s: float = 0.0) -> None:
        network: Any = type("Silent", (), {"eval": lambda self: self})()
        super().__init__(
            "embedded",
            "Quick detector",
            network,
            "0" * 64,
            Calibration(0.5, 0.1, 6.0, "nothing"),
            Decision((-0.25, 0.25)),
        )
        self.work_s = work_s
        self.heard: list[np.ndarray] = []

    def raw_scores(self, samples, ranges, batch=8, progress=None, finer=None):
        parts = [samples[start:end] for start, end in ranges]
        self.heard += parts
        time.sleep(self.work_s)
        raw = [10 * np.sqrt(np.mean(np.square(part, dtype=np.float64))) + 2 for part in parts]
        return np.array(raw), np.zeros((len(parts), 3), np.float32)
