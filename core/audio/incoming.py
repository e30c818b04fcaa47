"""Sound that arrives frame by frame: two channels at one rate, the latest minutes kept."""

from __future__ import annotations

import io
import wave
from collections import deque
from typing import Any

import numpy as np

from core.audio.clip import SAMPLE_RATE
from core.audio.decoding.frames import frame_samples, to_float

LONGEST_GAP_S = 2.0
"""A gap is filled with at most this much silence; a longer one is a break in the sound."""

ALIKE = 0.9
"""Channels whose average keeps this share of their energy are kept as their average. Opposite ones
leave nothing of it, one that is silent a half, and two voices as loud as each other a half."""

_FULL_SCALE = 32_768.0
_QUIET = 32.0  # RMS (-60 dB) below which two channels are noise, and alike


class Incoming:
    """Frames of a live track as two channels at 16 kHz, without an error of level or pitch.

    A single channel comes out on both. Where the frames' own clock shows that some are missing,
    silence stands in for them, so that later sound keeps its place.

    Attributes
    ----------
    frames : int
        Frames taken so far.
    lost : int
        Frames that never came, by the clock of those that did.
    """

    def __init__(self) -> None:
        self.frames = 0
        self.lost = 0
        self._rate = 0
        self._stream: Any = None
        self._due: int | None = None

    def take(self, frame: Any) -> np.ndarray:
        """Convert one frame.

        Parameters
        ----------
        frame : av.AudioFrame
            Any layout, rate and sample format.

        Returns
        -------
        numpy.ndarray
            int16 ``[m, 2]`` at 16 kHz; the resampler holds a few milliseconds back.
        """
        sound = to_float(frame_samples(frame))
        if sound.shape[1] != 2:  # WebRTC brings one channel or two
            sound = np.repeat(sound.mean(axis=1, dtype=np.float32, keepdims=True), 2, axis=1)
        gap = self._gap(frame)
        if gap:
            sound = np.concatenate([np.zeros((gap, 2), np.float32), sound])
        self.frames += 1
        return _to_int16(self._resample(sound, int(frame.sample_rate)))

    def flush(self) -> np.ndarray:
        """What the resampler still held, int16 ``[m, 2]``; more frames start afresh."""
        if self._stream is None:
            return np.zeros((0, 2), np.int16)
        rest = self._stream.resample_chunk(np.zeros((0, 2), np.float32), last=True)
        self._stream, self._rate = None, 0
        return _to_int16(rest)

    def resync(self) -> None:
        """Forget when the next frame is due: what was left out on purpose is not lost."""
        self._due = None

    def _resample(self, sound: np.ndarray, rate: int) -> np.ndarray:
        import soxr

        rest = np.zeros((0, 2), np.float32)
        if rate != self._rate:
            if self._stream is not None:
                rest = self._stream.resample_chunk(rest, last=True)
            self._stream = soxr.ResampleStream(rate, SAMPLE_RATE, 2, dtype="float32")
            self._rate = rate
        new = self._stream.resample_chunk(sound)
        return np.concatenate([rest, new]) if len(rest) else new

    def _gap(self, frame: Any) -> int:
        """Samples missing before a frame, at its own rate."""
        if frame.pts is None or frame.time_base is None:
            return 0
        at = round(frame.pts * frame.time_base * frame.sample_rate)
        missing = 0 if self._due is None else at - self._due
        self._due = at + frame.samples
        if missing < frame.samples // 2:  # rounding, or a track that began again
            return 0
        self.lost += round(missing / frame.samples)
        return min(missing, round(LONGEST_GAP_S * frame.sample_rate))


class Ring:
    """The latest samples of a take: grows with it up to a limit, then the oldest goes.

    Samples are addressed by their place in the whole take. Second by second, channels that are
    alike are kept as their average; from the first that are not, both are. Not safe to share
    between threads without a lock.

    Parameters
    ----------
    keep : int
        Samples that are kept at least; up to one block more may be there.

    Attributes
    ----------
    start, end : int
        The kept range.
    apart : bool
        Whether the channels have differed.
    """

    BLOCK = SAMPLE_RATE

    def __init__(self, keep: int) -> None:
        self.start = self.end = 0
        self.apart = False
        self._keep = keep
        self._blocks: deque[np.ndarray] = deque()

    def write(self, samples: np.ndarray) -> None:
        """Append samples, int16 ``[m, 2]``."""
        while len(samples):
            filled = self.end % self.BLOCK
            if filled == 0:
                self._blocks.append(np.empty((self.BLOCK, 2), np.int16))
            part = samples[: self.BLOCK - filled]
            self._blocks[-1][filled : filled + len(part)] = part
            self.end += len(part)
            samples = samples[len(part) :]
            if self.end % self.BLOCK == 0 and not self.apart:
                self.apart = not alike(self._blocks[-1])
                if not self.apart:
                    self._blocks[-1] = averaged(self._blocks[-1])[:, None]
            while self.end - self.start >= self._keep + self.BLOCK:
                self._blocks.popleft()
                self.start += self.BLOCK

    def read(self, start: int, end: int) -> np.ndarray:
        """Samples of a range as int16 ``[end - start, 2]``; what is not kept is left out."""
        start, end = max(start, self.start), min(end, self.end)
        if start >= end:
            return np.zeros((0, 2), np.int16)
        first = (start - self.start) // self.BLOCK
        last = (end - 1 - self.start) // self.BLOCK
        offset = self.start + first * self.BLOCK
        shape = (self.BLOCK, 2)
        blocks = [np.broadcast_to(self._blocks[i], shape) for i in range(first, last + 1)]
        return np.concatenate(blocks)[start - offset : end - offset]

    def clear(self) -> None:
        """Let go of all samples; the place in the take stays."""
        self._blocks.clear()
        self.start = self.end = self.end + -self.end % self.BLOCK


def alike(samples: np.ndarray) -> bool:
    """Whether the average of two channels, int16 ``[n, 2]``, keeps what is in them."""
    sound = samples.astype(np.float32)
    energy = float(np.square(sound).mean())
    return energy < _QUIET**2 or float(np.square(sound.mean(axis=1)).mean()) >= ALIKE * energy


def averaged(samples: np.ndarray) -> np.ndarray:
    """The average of channels, int16 ``[n]``."""
    return np.rint(samples.mean(axis=1, dtype=np.float32)).astype(np.int16)


def as_float(samples: np.ndarray) -> np.ndarray:
    """int16 samples as float32 within [-1, 1]."""
    return samples.astype(np.float32) / np.float32(_FULL_SCALE)


def wav_of(samples: np.ndarray) -> bytes:
    """int16 samples ``[n]`` or ``[n, channels]`` at 16 kHz as a WAV file with exactly these."""
    data = io.BytesIO()
    with wave.open(data, "wb") as file:
        file.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(samples.astype("<i2").tobytes())
    return data.getvalue()


def _to_int16(samples: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(samples * _FULL_SCALE), -_FULL_SCALE, _FULL_SCALE - 1).astype(np.int16)
