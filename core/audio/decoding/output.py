"""Decoded blocks as one array: mono, 16 kHz, grown in place, checked against the limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from core.audio.clip import SAMPLE_RATE, AudioError, Track
from core.audio.decoding.channels import Channels, Layout
from core.audio.decoding.errors import check_header, in_words, no_channel, too_long
from core.audio.decoding.source import Limits

OVERSCALE = 4.0
"""A magnitude above this (12 dB over full scale) is noted in an uncompressed file, which was never
scaled, and cut off in a compressed one, where only damage makes it."""

LARGEST = 1e10
"""A larger magnitude is taken for damage: 32-bit integers that were never scaled stay below it, and
filters and squares of larger ones would overflow."""

BLOCK = 1 << 18
"""Samples over all channels in one block: 1 MB of float32."""

_SETTLED_S = 0.5  # decoders may find out within the first frames what they decode
_GROWTH = 1 << 24  # most samples (64 MB) by which the output grows at once


class Output:
    """Collects blocks as mono 16 kHz samples, checking every one against the limits.

    Parameters
    ----------
    limits : Limits
        Checked with every block.
    expected_s : float
        Seconds that the header promises.
    bound : float
        Magnitudes are cut off there, if it is not 0.
    progress : callable, optional
        Called with the seconds collected.
    channel : int, optional
        The one that is taken, from 1; by default all are averaged.

    Attributes
    ----------
    rate, channels : int
        Of the first block.
    peak : float
        Largest magnitude.
    taken : int
        Samples over all channels at the original rates.
    energy : float
        Sum of their squares.
    missing : list of (int, int)
        Where silence was put in, in samples at 16 kHz.
    changes : list of (float, int, int)
        From which second on there is another rate or number of channels, and which.
    """

    def __init__(
        self,
        limits: Limits,
        expected_s: float = 0.0,
        bound: float = 0.0,
        progress: Callable[[float], None] | None = None,
        channel: int | None = None,
    ) -> None:
        self.limits = limits
        self.rate = self.channels = self.taken = 0
        self.peak = self.energy = 0.0
        self.missing: list[tuple[int, int]] = []
        self.changes: list[tuple[float, int, int]] = []
        self._form = (0, 0)  # rate and channels of the latest block
        self._widest = 0
        self._compared: Channels | None = None
        self._progress = progress
        self._bound = bound
        self._channel = channel
        self._n = 0
        # A header's promise sizes the buffer, but cannot make it large: pages that are never
        # written cost no memory, and the limit caps the rest.
        expected = min(max(expected_s, 1.0), limits.max_duration_s)
        self._buffer = np.empty(int(expected * SAMPLE_RATE) + SAMPLE_RATE // 10, np.float32)
        self._now = 0  # rate of the resampler in use
        self._resampler: Any = None

    def push(self, block: np.ndarray, rate: int) -> None:
        """Add samples, float32 ``[frames, channels]``; rate and channels may change."""
        frames, channels = block.shape
        if not self.rate:
            check_header(rate, channels)
            self.rate, self.channels = int(rate), channels
        if not frames:
            return
        if self._form not in ((0, 0), (rate, channels)) and self.seconds > _SETTLED_S:
            self.changes.append((self.seconds, rate, channels))
        self._form, self._widest = (rate, channels), max(self._widest, channels)
        if self._channel is None and channels > 1 and not self._compared:
            self._compared = Channels(channels)
        self.taken += frames * channels
        self.energy += float(np.vdot(block, block))
        if self.taken > self.limits.max_samples:
            raise too_long(
                f"more than {self.limits.max_samples:,} samples", "trim it or use fewer channels"
            )
        mono = self._mono(block)
        if self._compared:
            self._compared.add(block, rate)
        peak = float(np.abs(mono).max())
        self.peak = max(self.peak, min(peak, self._bound) if self._bound else peak)
        if self._bound and peak > self._bound:
            mono = mono.clip(-self._bound, self._bound)
        if rate != self._now:
            self._switch(rate)
        if self._resampler is None:
            self._store(mono)
        else:
            self._store(self._resampler.resample_chunk(np.ascontiguousarray(mono)))

    def silence(self, until_s: float) -> None:
        """Fill up to a second of the clip with zeros, for sound that is missing."""
        self._flush()
        self._now = 0
        start, end = self._n, max(self._n, round(until_s * SAMPLE_RATE))
        for at in range(start, end, _GROWTH):
            self._store(np.zeros(min(_GROWTH, end - at), np.float32))
        if end > start:
            self.missing.append((start, end))

    def finished(self) -> float:
        """Seconds so far, the resampler's included: what follows begins anew."""
        self._flush()
        self._now = 0
        return self.seconds

    def samples(self) -> np.ndarray:
        """Flush the resampler and hand over the samples, float32 ``[n]``."""
        if self._channel is not None and self._widest and not 1 <= self._channel <= self._widest:
            raise no_channel(self._channel, self._widest)
        self._flush()
        self._buffer.resize(self._n, refcheck=False)  # gives the unused pages back
        return self._buffer

    @property
    def seconds(self) -> float:
        """Length so far, without what the resampler still holds."""
        return self._n / SAMPLE_RATE

    def layout(self) -> Layout:
        """What was found of the channels, where several are averaged."""
        found = self._compared.layout() if self._compared else Layout()
        return replace(found, silent=()) if self.changes else found

    def _mono(self, block: np.ndarray) -> np.ndarray:
        channels = block.shape[1]
        if not max(float(block.max()), -float(block.min())) <= LARGEST:
            raise AudioError(
                "Some samples are not numbers (NaN or infinite), or larger than in any recording. "
                "Export the recording again from where it came from.",
                "not_finite",
            )
        if channels == 1:
            return block[:, 0]
        if self._channel is None:
            return block @ np.full(channels, 1 / channels, np.float32)
        return block[:, min(self._channel, channels) - 1]  # a file may go on with fewer

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
        if self._progress:
            self._progress(end / SAMPLE_RATE)


@dataclass
class Decoded:
    """What a decoder found: the sound, and what the file says of it."""

    out: Output
    container: str
    codec: str
    decoder: str
    notes: list[str] = field(default_factory=list)
    tracks: tuple[Track, ...] = ()
    track: int = 1


@dataclass(frozen=True)
class Refusal:
    """libsndfile cannot decode this, or not all of it.

    Not an exception: one would keep the first decoder's samples alive during the second try.
    """

    known: bool = False  # whether the format was recognised
    promised_s: float = 0.0  # what the header promised
