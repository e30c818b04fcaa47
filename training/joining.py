"""Short recordings joined to clips, with pauses made of their own background."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.audio.clip import SAMPLE_RATE


def trim_edges(samples: np.ndarray, keep_s: float = 0.15) -> np.ndarray:
    """Cut quiet edges down, but leave some of the recording's own background.

    Parameters
    ----------
    samples : numpy.ndarray
        float32, shape ``[n]`` at `SAMPLE_RATE`.
    keep_s : float
        Longest quiet edge to leave, in seconds.

    Returns
    -------
    numpy.ndarray
        A slice of ``samples``; empty if nothing rises above -60 dB full scale.
    """
    frame = SAMPLE_RATE // 100
    count = len(samples) // frame
    if count == 0:
        return samples[:0]
    level = np.sqrt((samples[: count * frame].reshape(count, frame) ** 2).mean(1))
    loud = np.flatnonzero(level > max(0.001, level.max() * 0.03))  # 30 dB below the loudest frame
    if loud.size == 0:
        return samples[:0]
    keep = int(keep_s * SAMPLE_RATE)
    return samples[max(0, loud[0] * frame - keep) : (loud[-1] + 1) * frame + keep]


def join_pieces(pieces: Sequence[np.ndarray], pauses_s: Sequence[float]) -> np.ndarray:
    """Put pieces of one speaker in a row, with pauses made of their own background.

    A pause repeats the quietest 40 ms of the two pieces beside it forwards and backwards, so it
    holds their noise and no digital silence; short cross-fades keep the joints from clicking.

    Parameters
    ----------
    pieces : sequence of numpy.ndarray
        float32, shape ``[n]`` each, at `SAMPLE_RATE`.
    pauses_s : sequence of float
        Seconds between neighbours, one fewer than there are pieces.

    Returns
    -------
    numpy.ndarray
        float32, shape ``[m]``.

    Raises
    ------
    ValueError
        If there are no pieces, or not one pause fewer.
    """
    if not pieces or len(pauses_s) != len(pieces) - 1:
        raise ValueError("join at least one piece, with one pause fewer than pieces")
    joined = pieces[0].astype(np.float32)
    for piece, pause in zip(pieces[1:], pauses_s, strict=True):
        grain = min((_quietest(joined), _quietest(piece)), key=lambda x: float((x**2).mean()))
        loop = np.concatenate([grain, grain[::-1]])
        gap = np.resize(loop, max(1, int(pause * SAMPLE_RATE)))
        joined = _crossfade(_crossfade(joined, gap), piece.astype(np.float32))
    return joined


def _quietest(samples: np.ndarray, length: int = SAMPLE_RATE // 25) -> np.ndarray:
    if len(samples) <= length:
        return samples
    power = np.convolve(samples.astype(np.float64) ** 2, np.ones(length), "valid")
    start = int(power.argmin())
    return samples[start : start + length]


def _crossfade(left: np.ndarray, right: np.ndarray, length: int = SAMPLE_RATE // 200) -> np.ndarray:
    n = min(length, len(left), len(right))
    if n == 0:
        return np.concatenate([left, right])
    ramp = np.linspace(0, 1, n, dtype=np.float32)
    middle = left[-n:] * (1 - ramp) + right[:n] * ramp
    return np.concatenate([left[:-n], middle, right[n:]])
