"""The networks, one module each; PyTorch is loaded with the first that is built.

Every network maps a batch of windows to one raw score and one embedding per window. A raw score is
log-odds-like and grows with evidence for synthetic speech; calibration makes it a likelihood ratio.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch


LEVEL = 0.1
"""RMS level at which networks hear every wave."""

SAMPLES_PER_FRAME = 320
"""Samples between the features of a `SpectralTransformer`'s convolutions."""


def build(architecture: str, network: dict[str, Any]) -> torch.nn.Module:
    """Make an untrained network.

    Parameters
    ----------
    architecture : str
        ``spectral-transformer`` or ``wav2vec2-mean``.
    network : dict
        The settings of its class.

    Returns
    -------
    torch.nn.Module
        Its ``forward(waves)`` takes float32 ``[b, n]`` at 16 kHz and returns ``(raw, embedding)``
        of shapes ``[b]`` and ``[b, d]``. Levels are normalised inside.

    Raises
    ------
    ValueError
        If no such architecture is known or a setting is unknown to it.
    """
    if architecture == "spectral-transformer":
        from core.detect.networks.spectral_transformer import SpectralTransformer

        try:
            return SpectralTransformer(**network)
        except TypeError as error:
            raise ValueError(f"{architecture}: {error}") from error
    if architecture == "wav2vec2-mean":
        from core.detect.networks.wav2vec2 import MeanPooledWav2Vec2

        return MeanPooledWav2Vec2(network)
    raise ValueError(f"There is no architecture called {architecture!r}.")


def positions(frames: int, dim: int, max_frames: int) -> np.ndarray:
    """Sinusoidal positions, float32 ``[1, frames, dim]`` (Vaswani et al. 2017, section 3.5)."""
    position = np.arange(frames, dtype=np.float32)[:, None]
    rate = np.exp(np.arange(0, dim, 2, dtype=np.float32) * (-math.log(2 * max_frames) / dim))
    table = np.zeros((1, frames, dim), np.float32)
    table[0, :, 0::2] = np.sin(position * rate)
    table[0, :, 1::2] = np.cos(position * rate)
    return table
