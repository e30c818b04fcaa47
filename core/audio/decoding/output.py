"""Decoded blocks as one array: mono, 16 kHz, grown in place, checked against the limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from core.audio.clip import SAMPLE_RATE, AudioError
from core.audio.decoding.messages import check_header, in_words, too_long
from core.audio.decoding.source import Limits

OVERSCALE = 4.0
"""A magnitude above this (12 dB over full scale) is noted in an uncompressed file, which was never
scaled, and cut off in a compressed one, where only damage makes it."""

LARGEST = 1e10
"""A larger magnitude is taken for damage: 32-bit integers that were never scaled stay below it, and
filters and squares of larger ones would overflow."""

BLOCK = 1 << 18
"""Samples over all channels in one block: 1 MB of float32."""

_GROWTH = 1 << 24  # most samples (64 MB) by which the output grows at once


class Output:
    """Collects blocks as mono 16 kHz samples, checking every one against the limits."""

    def __init__(
        self,
        limits: Limits,
        expected_s: float = 0.0,
        bound: float = 0.0,
        progress: Callable[[float], None] | None = None,
    ) -> None:
        self.limits = limits
        self.progress = progress
        self.bound = bound  # magnitudes are cut off there, if it is not 0
        self.rate = self.channels = 0
        self.peak = 0.0
        self.taken = 0  # samples over all channels at the original rates
        self._n = 0
        # A header's promise sizes the buffer, but cannot make it large: pages that are never
        # written cost no memory, and the limit caps the rest.
        expected = min(max(expected_s, 1.0), limits.max_duration_s)
        self._buffer = np.empty(int(expected * SAMPLE_RATE) + SAMPLE_RATE // 10, np.float32)
        self._now = 0  # rate of the resampler in use
        self._resampler: Any = None

    def push(self, block: np.ndarray, rate: int) -> None:
        """Add samples, float32 ``[frames, channels]``; the rate may change between blocks."""
        frames, channels = block.shape
        if not self.rate:
            check_header(rate, channels)
            self.rate, self.channels = int(rate), channels
        if not frames:
            return
        self.taken += frames * channels
        if self.taken > self.limits.max_samples:
            raise too_long(
                f"more than {self.limits.max_samples:,} samples", "trim it or use fewer channels"
            )
        with np.errstate(over="ignore", invalid="ignore"):
            mono = block[:, 0] if channels == 1 else block.mean(axis=1, dtype=np.float32)
        peak = float(np.abs(mono).max())
        if not peak <= LARGEST:
            raise AudioError(
                "Some samples are not numbers (NaN or infinite), or larger than in any recording. "
                "Export the recording again from where it came from.",
                "not_finite",
            )
        if self.bound and peak > self.bound:
            mono, peak = mono.clip(-self.bound, self.bound), self.bound
        self.peak = max(self.peak, peak)
        if rate != self._now:
            self._switch(rate)
        if self._resampler is None:
            self._store(mono)
        else:
            self._store(self._resampler.resample_chunk(np.ascontiguousarray(mono)))

    def samples(self) -> np.ndarray:
        """Flush the resampler and hand over the samples, float32 ``[n]``."""
        self._flush()
        self._buffer.resize(self._n, refcheck=False)  # gives the unused pages back
        return self._buffer

    def _switch(self, rate: int) -> None:
        import soxr

        check_header(rate, 1)
        self._flush()
        self._now = rate
        if rate != SAMPLE_RATE:
            self._resampler = soxr.ResampleStream(rate, SAMPLE_RATE, 1, np.float32, "HQ")

    def _flush(self) -> None:
        if self._resampler is not None:
            self._store(self._resampler.resample_chunk(np.zeros(0, np.float32), last=True))
            self._resampler = None

    def _store(self, mono: np.ndarray) -> None:
        end = self._n + len(mono)
        if end > self.limits.max_duration_s * SAMPLE_RATE:
            raise too_long(
                f"longer than {in_words(self.limits.max_duration_s)}", "cut it into parts"
            )
        if end > len(self._buffer):
            # In place: doubling by copy would need three times the memory of a long file.
            grown = len(self._buffer) + min(len(self._buffer), _GROWTH)
            self._buffer.resize(max(end, grown), refcheck=False)
        self._buffer[self._n : end] = mono
        self._n = end
        if self.progress:
            self.progress(end / SAMPLE_RATE)


@dataclass
class Format:
    """What the decoder says of the file."""

    container: str
    codec: str
    decoder: str
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Refusal:
    """libsndfile cannot decode this, or not all of it.

    Not an exception: one would keep the first decoder's samples alive during the second try.
    """

    known: bool = False  # whether the format was recognised
    promised_s: float = 0.0  # what the header promised
