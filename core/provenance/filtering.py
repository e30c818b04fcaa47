"""Filters, by products of spectra."""

from __future__ import annotations

import numpy as np
from scipy import fft


def filtered(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """What a filter gives wherever it lies wholly within a sound.

    `scipy.signal` has this, too, but takes longer to load than many a file to be looked into.

    Parameters
    ----------
    x : numpy.ndarray
        float64 or complex128, shape ``[n]``.
    kernel : numpy.ndarray
        float64, shape ``[m]``, not longer than the sound.

    Returns
    -------
    numpy.ndarray
        Of the sound's type, shape ``[n - m + 1]``.
    """
    there, back = (fft.fft, fft.ifft) if np.iscomplexobj(x) else (fft.rfft, fft.irfft)
    size = fft.next_fast_len(len(x) + len(kernel) - 1, real=not np.iscomplexobj(x))
    return np.asarray(back(there(x, size) * there(kernel, size), size)[len(kernel) - 1 : len(x)])
