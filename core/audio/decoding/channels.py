"""Whether channels may be averaged: what the average keeps, and what it would destroy.

Sound that is in the channels with opposite phase cancels in their average, and two voices, one a
channel, become one mixture. Loudness of each channel and of the average is measured in short
frames and six bands: ordinary stereo, panned, delayed or with room, leaves the average its share
in nearly all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

SILENT_DB = -50.0
"""A channel whose peak lies this far below the loudest one's is left out of the average."""

QUIET_DB = -30.0
"""What is further below the loudest is no reason to take channels apart."""

CANCELLED_DB = -5.0
"""The average has lost a band where it lies this far below what any one channel alone gives it."""

EXCLUSIVE_DB = 15.0
"""A frame belongs to one channel where the others lie this far below it."""

MOST_CHANNELS = 8
"""With more channels than this they are averaged whatever they hold."""

_EDGES = (100.0, 400.0, 800.0, 1500.0, 2500.0, 4000.0, 7000.0)  # of the bands, in hertz
_FRAME_S = 0.032  # every other frame of this length is looked at
_HOP_S = 2 * _FRAME_S
_FLOOR_DB = -120.0
_WINDOW = round(4.0 / _HOP_S)  # frames over which channels are compared
_SHARE, _SHARE_OF_ALL = 0.12, 0.05  # of a window's and of all frames that lose a band: too much
_BANDS = 0.5  # share of the bands for which that must be so: a delay cancels one or two of six
_LEAST = 8  # frames with sound in a band, fewer say nothing
_LAGS = 3  # frames by which one channel may be late, as an echo is
_ALIKE = 0.4  # two channels whose bands go up and down together more than this hold one sound
_MOVES_DB = 4.0  # standard deviation of a band's level above which it is no steady noise
_ALONE_S = 0.75  # time that each of two channels has for itself when they hold different voices


@dataclass(frozen=True)
class Layout:
    """What was found of the channels, numbered from 1.

    Attributes
    ----------
    silent : tuple of int
        Channels that hold next to nothing.
    apart : tuple of int
        Channels to be judged apart; empty where their average will do.
    why : str
        ``cancel`` or ``differ`` where there are some.
    loudest : int
        The channel with the most energy.
    """

    silent: tuple[int, ...] = ()
    apart: tuple[int, ...] = ()
    why: Literal["", "cancel", "differ"] = ""
    loudest: int = 1


class Channels:
    """Peak, energy and short-time levels of channels and of their average, block by block.

    Parameters
    ----------
    count : int
        Channels, at least 2. Blocks with another number of them are passed over.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._peak = np.zeros(count)
        self._energy = np.zeros(count)
        self._levels: list[np.ndarray] = []  # int8 [frames, channels + 1, bands]
        self._rest = np.zeros((0, count), np.float32)
        self._rate = 0

    def add(self, block: np.ndarray, rate: int) -> None:
        """Add samples, float32 ``[frames, channels]``."""
        if block.shape[1] != self.count:
            return
        self._peak = np.maximum(self._peak, np.maximum(block.max(axis=0), -block.min(axis=0)))
        self._energy += np.einsum("ij,ij->j", block, block, dtype=np.float64)
        if self.count > MOST_CHANNELS:
            return
        if rate != self._rate:
            self._rest, self._rate = self._rest[:0], rate
        held = np.concatenate([self._rest, block]) if len(self._rest) else block
        length = int(_FRAME_S * rate)
        frames = len(held) // (2 * length)
        self._rest = held[frames * 2 * length :].copy()
        if frames:
            shaped = held[: frames * 2 * length].reshape(frames, 2 * length, self.count)
            self._levels.append(_levels(shaped[:, :length], rate))

    def layout(self) -> Layout:
        """What may be averaged, after the last block."""
        peaks = 20 * np.log10(np.maximum(self._peak, 1e-12))
        heard = peaks > peaks.max() + SILENT_DB
        silent = tuple(int(c) + 1 for c in np.flatnonzero(~heard)) if heard.any() else ()
        loudest = int(np.argmax(self._energy)) + 1
        active = np.flatnonzero(heard)
        if len(active) < 2 or not self._levels or self._peak.max() == 0:
            return Layout(silent, (), "", loudest)
        levels = np.concatenate(self._levels).astype(np.float32)
        apart, mean = levels[:, active], levels[:, -1]
        mean = mean + 20 * np.log10(self.count / len(active))  # silent ones are left out of it
        why: Literal["", "cancel", "differ"] = ""
        if _cancel(apart, mean):
            why = "cancel"
        elif _differ(apart):
            why = "differ"
        return Layout(silent, tuple(int(c) + 1 for c in active) if why else (), why, loudest)


def _levels(frames: np.ndarray, rate: int) -> np.ndarray:
    """Levels in dB, int8 ``[m, channels + 1, bands]``, of frames ``[m, length, channels]``."""
    length = frames.shape[1]
    spectrum = np.fft.rfft(frames * np.hanning(length).astype(np.float32)[:, None], axis=1)
    hertz = np.fft.rfftfreq(length, 1 / rate)
    both = np.concatenate([spectrum, spectrum.mean(axis=2, keepdims=True)], axis=2)
    power = both.real**2 + both.imag**2
    bands = [
        power[:, (hertz >= low) & (hertz < high)].sum(axis=1) for low, high in pairwise(_EDGES)
    ]
    db = 10 * np.log10(np.maximum(np.stack(bands, axis=2) / length**2, 1e-12))
    return np.clip(np.rint(db), -127, 127).astype(np.int8)


def _windows(frames: int) -> list[slice]:
    """Stretches of frames that overlap by half; the last takes what is left."""
    starts = range(0, max(1, frames - _WINDOW // 2), _WINDOW // 2)
    return [slice(start, min(start + _WINDOW, frames)) for start in starts]


def _heard(loudest: np.ndarray) -> np.ndarray:
    """Where there is sound, ``[frames, bands]``: within 30 dB of what the band reaches."""
    return loudest > np.maximum(np.percentile(loudest, 99, axis=0) + QUIET_DB, _FLOOR_DB + 20)


def _cancel(apart: np.ndarray, mean: np.ndarray) -> bool:
    """Whether the average loses sound in most bands, in any window or now and then in all."""
    loudest = apart.max(axis=1)
    heard = _heard(loudest)
    alone = 20 * np.log10(apart.shape[1])  # what one channel alone is lowered by in the average
    lost = heard & (mean < loudest - alone + CANCELLED_DB)
    for frames, share in (
        (slice(None), _SHARE_OF_ALL),
        *((w, _SHARE) for w in _windows(len(mean))),
    ):
        n = heard[frames].sum(axis=0)
        bands = n >= _LEAST
        bad = bands & (lost[frames].sum(axis=0) >= share * n)
        if bands.any() and bad.sum() >= _BANDS * bands.sum():
            return True
    return False


def _differ(apart: np.ndarray) -> bool:
    """Whether channels hold different voices: apart in time, or not alike where both sound."""
    heard = _heard(apart.max(axis=1))
    order = np.sort(apart, axis=1)
    ahead = order[:, -1] - order[:, -2] >= EXCLUSIVE_DB
    owner = np.where(heard & ahead, apart.argmax(axis=1), -1)
    sounding = heard.sum(axis=1)
    alone = [
        ((owner == c).sum(axis=1) > sounding / 2)[sounding >= 2].sum() * _HOP_S
        for c in range(apart.shape[1])
    ]
    if sum(seconds >= _ALONE_S for seconds in alone) >= 2:
        return True
    return any(
        _unlike(apart[window, a], apart[window, b], heard[window])
        for window in _windows(len(apart))
        for a in range(apart.shape[1])
        for b in range(a)
    )


def _unlike(a: np.ndarray, b: np.ndarray, heard: np.ndarray) -> bool:
    """Whether two channels' levels ``[frames, bands]`` do not go up and down together."""
    found = []
    for band in np.flatnonzero(heard.sum(axis=0) >= 2 * _LEAST):
        x, y = (part[heard[:, band], band] for part in (a, b))
        if abs(x.max() - y.max()) > -QUIET_DB or min(x.std(), y.std()) < _MOVES_DB:
            continue
        found.append(_together(a[:, band], b[:, band], heard[:, band]))
    return len(found) >= 3 and float(np.median(found)) < _ALIKE


def _together(a: np.ndarray, b: np.ndarray, heard: np.ndarray) -> float:
    """Highest correlation of two levels ``[frames]`` where they are heard, over a few lags."""
    found = [0.0]
    for lag in range(-_LAGS, _LAGS + 1):
        y, at = np.roll(b, lag), heard & np.roll(heard, lag)
        if at.sum() >= _LEAST and a[at].std() and y[at].std():
            found.append(float(np.corrcoef(a[at], y[at])[0, 1]))
    return max(found)
