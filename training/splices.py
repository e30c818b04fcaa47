"""Crops that are synthetic in part, and how much of each of their parts is."""

from __future__ import annotations

import numpy as np

from core.audio.clip import SAMPLE_RATE

QUIET_DB = 45.0
"""Parts this far under the loudest hold no speech to judge."""


def splice(
    host: np.ndarray, guest: np.ndarray, rng: np.random.Generator, aligned: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Put a stretch of one crop into another, cross-faded.

    Cuts move to a quiet place nearby, as an editor's do, most of the time. The guest is brought to
    the host's level, most of the time.

    Parameters
    ----------
    host, guest : numpy.ndarray
        float32 ``[n]``, ``[m]``, 16 kHz.
    rng : numpy.random.Generator
        Makes every choice.
    aligned : bool
        Whether both say the same at the same time, so that the stretch keeps its place.

    Returns
    -------
    numpy.ndarray, numpy.ndarray
        The crop and the guest's share of every sample, float32 ``[n]``. The stretch is 0.4 s long
        or longer; half of all stretches touch an end of the crop.
    """
    n = min(len(host), len(guest))
    least = 2 * SAMPLE_RATE // 5
    share = np.zeros(len(host), np.float32)
    if n < 2 * least:
        return host, share
    size = int(rng.integers(least, n - least + 1))
    start = int(rng.integers(0, len(host) - size + 1))
    if rng.random() < 0.5:
        start = 0 if rng.random() < 0.5 else len(host) - size
    end = start + size
    if rng.random() < 0.7:
        start, end = (_quiet(host, at) for at in (start, end))
    if end - start < least // 2:
        return host, share
    fade = int(rng.uniform(0.003, 0.05) * SAMPLE_RATE)
    first, last = max(0, start - fade), min(len(host), end + fade)
    share[first:start] = np.linspace(0, 1, start - first)
    share[start:end] = 1
    share[end:last] = np.linspace(1, 0, last - end)
    at = 0
    if not aligned:
        at = int(rng.integers(-first, max(-first, len(guest) - last) + 1))
    there = np.zeros(len(host), np.float32)
    piece = guest[max(0, at) : max(0, at + len(host))]
    there[max(0, -at) : max(0, -at) + len(piece)] = piece[: len(host) - max(0, -at)]
    if rng.random() < 0.8:
        there = there * (_level(host) / max(_level(guest), 1e-6))
    return (host * (1 - share) + there * share).astype(np.float32), share


def part_shares(share: np.ndarray, wave: np.ndarray, size: int) -> np.ndarray:
    """Mean share of each part; -1 where the part is too quiet to be judged.

    Parameters
    ----------
    share, wave : numpy.ndarray
        Shape ``[n]``.
    size : int
        Samples of a part; what is left over at the end is dropped.

    Returns
    -------
    numpy.ndarray
        float32 ``[n // size]``.
    """
    count = len(wave) // size
    power = np.square(wave[: count * size].reshape(count, size), dtype=np.float64).mean(1)
    found = share[: count * size].reshape(count, size).mean(1).astype(np.float32)
    if count:
        found[power <= max(power.max() * 10 ** (-QUIET_DB / 10), 1e-10)] = -1
    return found


def _quiet(x: np.ndarray, at: int) -> int:
    """The quietest place within 80 ms."""
    if at <= 0 or at >= len(x):
        return at
    reach, frame = SAMPLE_RATE * 2 // 25, SAMPLE_RATE // 100
    low, high = max(0, at - reach), min(len(x), at + reach)
    count = (high - low) // frame
    if count < 2:
        return at
    power = np.square(x[low : low + count * frame].reshape(count, frame)).mean(1)
    return low + int(np.argmin(power)) * frame + frame // 2


def _level(x: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(x, dtype=np.float64)))) if len(x) else 0.0
