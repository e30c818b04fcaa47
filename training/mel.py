"""Mel filters."""

from __future__ import annotations

import functools

import numpy as np

from core.audio.clip import SAMPLE_RATE


@functools.lru_cache(maxsize=16)
def mel_bands(count: int, size: int) -> np.ndarray:
    """Triangular mel filters over the bins of a real FFT.

    Parameters
    ----------
    count : int
        Number of bands between 0 and 8,000 Hz.
    size : int
        FFT length in samples.

    Returns
    -------
    numpy.ndarray
        Shape ``[count, size // 2 + 1]``, each filter of unit area in bins.
    """
    top = 2595 * np.log10(1 + SAMPLE_RATE / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, top, count + 2) / 2595) - 1)
    frequency = np.linspace(0, SAMPLE_RATE / 2, size // 2 + 1)
    rise = (frequency - edges[:-2, None]) / np.diff(edges)[:-1, None]
    fall = (edges[2:, None] - frequency) / np.diff(edges)[1:, None]
    bands = np.maximum(0, np.minimum(rise, fall))
    return bands / np.maximum(bands.sum(1, keepdims=True), 1e-9)
