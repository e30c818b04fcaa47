"""Analysis windows as index ranges over one array: no copies until a batch is formed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

WINDOW = 64_000
"""Window length in samples (4 s at 16 kHz)."""

HOP = 32_000
"""Distance between window starts in samples (2 s, 50 % overlap)."""


def window_ranges(n: int, length: int = WINDOW, hop: int = HOP) -> list[tuple[int, int]]:
    """Index ranges of the windows that cover ``n`` samples.

    Windows start every ``hop`` samples; the first that reaches the end is the last, so no window
    lies wholly inside its predecessor. A clip no longer than one window has exactly one.

    Parameters
    ----------
    n : int
        Number of samples, at least 1.
    length, hop : int
        Window length and hop in samples, ``0 < hop <= length``.

    Returns
    -------
    list of (int, int)
        ``(start, end)`` with ``end <= n``; a range shorter than ``length`` is padded by
        `stack_windows`.

    Raises
    ------
    ValueError
        If ``n < 1`` or the hop is not within ``1..length``.
    """
    if n < 1:
        raise ValueError("a clip needs at least one sample")
    if not 0 < hop <= length:
        raise ValueError("the hop must be between 1 sample and the window length")
    count = 1 if n <= length else 1 + -(-(n - length) // hop)
    return [(i * hop, min(i * hop + length, n)) for i in range(count)]


def stack_windows(
    samples: np.ndarray,
    ranges: Sequence[tuple[int, int]],
    length: int = WINDOW,
    *,
    repeat: bool = False,
) -> np.ndarray:
    """Copy windows into one batch, short ones padded at the end.

    Parameters
    ----------
    samples : numpy.ndarray
        float32, shape ``[n]``.
    ranges : sequence of (int, int)
        As from `window_ranges`.
    length : int
        Length of every row in samples.
    repeat : bool
        Pad a short window with itself, from its start, instead of zeros.

    Returns
    -------
    numpy.ndarray
        float32, shape ``[len(ranges), length]``.
    """
    batch = np.zeros((len(ranges), length), np.float32)
    for row, (start, end) in zip(batch, ranges, strict=True):
        part = samples[start:end]
        if repeat:
            row[:] = np.resize(part, length)
        else:
            row[: end - start] = part
    return batch
