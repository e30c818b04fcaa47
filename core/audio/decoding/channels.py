"""Whether channels may be averaged: what the average keeps, and what it would destroy.

Sound that is in the channels with opposite phase cancels in their average, and two voices, one a
channel, become one mixture; a voice drowns beside a channel of noise. Loudness of each channel and
of the average is measured in short frames and six bands: ordinary stereo, panned, delayed or with
room, leaves the average its share in nearly all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
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
"""Of more channels than this the loudest are taken apart."""

_EDGES = (
    20.0,
    100.0,
    400.0,
    800.0,
    1500.0,
    2500.0,
    4000.0,
    7000.0,
)  # of the bands, in hertz; in the lowest is hum, and no voice
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
_STEADY_DB = 3.0  # of all bands together: below it a channel is noise, hum or a tone
_DROWNS_DB = -10.0  # against a voice's own level: from here on such a channel harms it
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
    left_out : tuple of int
        Channels with sound beyond `MOST_CHANNELS` that are not among those apart.
    """

    silent: tuple[int, ...] = ()
    apart: tuple[int, ...] = ()
    why: Literal["", "cancel", "differ"] = ""
    loudest: int = 1
    left_out: tuple[int, ...] = ()


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
        self._rest = np.zeros((count, 0), np.float32)
        self._rate = 0

    def add(self, block: np.ndarray, rate: int) -> None:
        """Add samples, float32 ``[frames, channels]``."""
        if block.shape[1] != self.count:
            return
        rows = np.ascontiguousarray(block.T)
        peaks = np.maximum(rows.max(axis=1), -rows.min(axis=1))
        self._peak = np.maximum(self._peak, peaks)
        self._energy += [float(np.dot(row, row)) for row in rows]
        if rate != self._rate:
            self._rest, self._rate = self._rest[:, :0], rate
        held = np.concatenate([self._rest, rows], axis=1) if self._rest.size else rows
        length = int(_FRAME_S * rate)
        frames = held.shape[1] // (2 * length)
        self._rest = held[:, frames * 2 * length :].copy()
        if frames:
            shaped = held[:, : frames * 2 * length].reshape(self.count, frames, 2 * length)
            self._levels.append(_levels(shaped[:, :, :length], rate))

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
        if _cancel(apart[:, :, 1:], mean[:, 1:]):
            why = "cancel"
        elif _differ(apart[:, :, 1:]) or _drowned(apart):
            why = "differ"
        if not why:
            return Layout(silent, (), why, loudest)
        kept = sorted(sorted(active, key=lambda c: -self._energy[c])[:MOST_CHANNELS])
        left_out = tuple(int(c) + 1 for c in active if c not in kept)
        return Layout(silent, tuple(int(c) + 1 for c in kept), why, loudest, left_out)


def _levels(frames: np.ndarray, rate: int) -> np.ndarray:
    """Levels in dB, int8 ``[m, channels + 1, bands]``, of frames ``[channels, m, length]``."""
    step = max(1, rate // 16_000)  # what folds over is the same in all channels
    length = frames.shape[2] // step
    x = frames[:, :, : length * step].transpose(1, 0, 2)
    x = sum((x[:, :, i::step] for i in range(1, step)), x[:, :, ::step])
    x = x - x.mean(axis=2, keepdims=True)  # else an offset counts as hum
    spectrum = np.fft.rfft(x * np.hanning(length).astype(np.float32))
    power = np.empty((*spectrum.shape[:1], spectrum.shape[1] + 1, spectrum.shape[2]), np.float32)
    np.square(np.abs(spectrum), out=power[:, :-1])
    np.square(np.abs(spectrum.sum(axis=1) / spectrum.shape[1]), out=power[:, -1])
    bins = np.minimum(np.ceil(np.array(_EDGES) * length * step / rate), power.shape[2] - 1)
    starts, empty = bins.astype(int), bins[1:] <= bins[:-1]
    bands = np.add.reduceat(power, starts, axis=2)[:, :, :-1]
    bands[:, :, empty] = 0
    db = 10 * np.log10(np.maximum(bands / (length * step) ** 2, 1e-12))
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
    first = int(np.argmax(apart.mean(axis=(0, 2))))  # what is like the loudest is like the rest
    others = [c for c in range(apart.shape[1]) if c != first]
    return any(_unlike(apart[:, first], apart[:, other], heard) for other in others)


def _drowned(apart: np.ndarray) -> bool:
    """Whether a steady sound in one channel drowns what moves in another, most of the time."""
    level = 10 * np.log10((10 ** (apart / 10)).sum(axis=2))
    heard = _heard(level.max(axis=1, keepdims=True))[:, 0]
    bad = n = 0
    for frames in _windows(len(level)):
        part = level[frames][heard[frames]]
        if len(part) >= 2 * _LEAST:
            moves, loud = part.std(axis=0), 10 * np.log10((10 ** (part / 10)).mean(axis=0))
            voices, steady = loud[moves >= _MOVES_DB], loud[moves < _STEADY_DB]
            n += bool(len(voices))
            if len(voices) and len(steady):
                bad += steady.max() >= voices.min() + _DROWNS_DB
    return 2 * bad > n


def _unlike(a: np.ndarray, b: np.ndarray, heard: np.ndarray) -> bool:
    """Whether levels ``[frames, bands]`` do not go up and down together, in any window."""
    windows = _windows(len(a))
    n, alike, moves, apart = _compared(a, b, heard, windows)
    says = (n >= 2 * _LEAST) & (moves >= _MOVES_DB) & (apart <= 10 - QUIET_DB)
    for lag in (lag for lag in range(-_LAGS, _LAGS + 1) if lag):
        late = _compared(a, np.roll(b, lag, axis=0), heard & np.roll(heard, lag, axis=0), windows)
        alike = np.maximum(alike, np.where(late[0] >= _LEAST, late[1], -1))
    median = np.nanmedian(np.where(says, alike, np.nan)[says.sum(axis=1) >= 3], axis=1)
    return bool((median < _ALIKE).any())


def _compared(
    a: np.ndarray, b: np.ndarray, heard: np.ndarray, windows: list[slice]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Of what is heard in each window and band: frames, correlation, lesser deviation, distance."""
    x, y = a * heard, b * heard
    sums = np.stack([heard, x, y, x * a, y * b, x * b]).astype(np.float64).cumsum(axis=1)
    sums = np.pad(sums, ((0, 0), (1, 0), (0, 0)))
    n, x, y, xx, yy, xy = sums[:, [w.stop for w in windows]] - sums[:, [w.start for w in windows]]
    count = np.maximum(n, 1)
    x, y = x / count, y / count
    dx = np.sqrt(np.maximum(xx / count - x * x, 0))
    dy = np.sqrt(np.maximum(yy / count - y * y, 0))
    correlation = (xy / count - x * y) / np.maximum(dx * dy, 1e-9)
    return n, correlation, np.minimum(dx, dy), np.abs(x - y)
