"""The published detectors AASIST and AASIST-L: graph attention over a raw-waveform encoder.

Jung et al., "AASIST: Audio anti-spoofing using integrated spectro-temporal graph attention
networks", ICASSP 2022 (arXiv:2110.01200). For inference only; parameters have the names of the
published weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import conv1d, max_pool2d, selu

from core.audio.clip import SAMPLE_RATE
from core.detect.networks.graphs import Block, Graphs

WINDOW = 64_600
"""Samples that the published systems hear; shorter clips are repeated up to this length."""

ANCHOR = "pos_S"
"""A tensor by whose name the network is known."""

NETWORKS: Mapping[str, Mapping[str, Any]] = {
    "aasist": {},
    "aasist-l": {
        "channels": (32, 32, 24, 24, 24, 24),
        "dims": (24, 32),
        "keep": (0.4, 0.5, 0.7),
    },
}
"""Settings of `Aasist` by variant."""


class Aasist(Graphs):
    """A residual encoder over band-passed waves, and two graphs that attend to one another.

    Fixed band-pass filters give a map of bands by time, which residual convolutions turn into
    features. The largest magnitude over time makes the nodes of a spectral graph, that over bands
    those of a temporal graph.

    Parameters
    ----------
    filters, taps : int
        Number and length (odd) of the band-pass filters, evenly spaced on the mel scale.
    channels : tuple of int
        Output channels of the residual blocks; each leaves a third of the frames.
    dims, keep, temperatures
        As for `Graphs`.
    """

    def __init__(
        self,
        filters: int = 70,
        taps: int = 129,
        channels: tuple[int, ...] = (32, 32, 64, 64, 64, 64),
        dims: tuple[int, int] = (64, 32),
        keep: tuple[float, float, float] = (0.5, 0.7, 0.5),
        temperatures: tuple[float, float, float] = (2.0, 2.0, 100.0),
    ) -> None:
        super().__init__(channels[-1], filters // 3, dims, keep, temperatures)
        self.filters: Tensor
        bank = torch.from_numpy(band_pass(filters, taps)).unsqueeze(1)
        self.register_buffer("filters", bank, persistent=False)
        self.first_bn = nn.BatchNorm2d(1)
        self.encoder = nn.Sequential(
            *(
                nn.Sequential(Block(before, after, first=i == 0))
                for i, (before, after) in enumerate(zip((1, *channels[:-1]), channels, strict=True))
            )
        )

    def graphs(self, waves: Tensor) -> tuple[Tensor, Tensor]:
        """Temporal and spectral nodes, ``[b, frames, size]`` and ``[b, bands, size]``."""
        bands = conv1d(waves.unsqueeze(1), self.filters).unsqueeze(1)
        x = selu(self.first_bn(max_pool2d(bands.abs(), 3)))
        x = self.encoder(x).abs()
        return x.amax(2).transpose(1, 2), x.amax(3).transpose(1, 2) + self.pos_S

    def forward(self, waves: Tensor) -> tuple[Tensor, Tensor]:
        """Windows ``[b, n]`` -> ``(raw, embedding)`` of shapes ``[b]`` and ``[b, 5 * dims[1]]``.

        They are the logit of spoof minus that of bona fide, and the last hidden layer.
        """
        # One by one: each of the encoder's first maps takes 60 MB per wave.
        parts = [self.graphs(wave) for wave in waves.split(1)]
        time, spectrum = (torch.cat(part) for part in zip(*parts, strict=True))
        embedding = self.joined(time, spectrum)
        spoof, bona_fide = self.out_layer(embedding).unbind(1)
        return spoof - bona_fide, embedding


def band_pass(filters: int, taps: int) -> np.ndarray:
    """Windowed-sinc band-pass filters that tile 0 to 8 kHz evenly on the mel scale.

    Parameters
    ----------
    filters : int
        How many.
    taps : int
        Their length, odd.

    Returns
    -------
    numpy.ndarray
        float32, shape ``[filters, taps]``.
    """
    highest = 2595 * np.log10(1 + SAMPLE_RATE / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, highest, filters + 1) / 2595) - 1)
    time = np.arange(taps) - taps // 2
    rate = 2 * edges[:, None] / SAMPLE_RATE
    low_pass = rate * np.sinc(rate * time)
    return (np.diff(low_pass, axis=0) * np.hamming(taps)).astype(np.float32)


def with_weights(tensors: Mapping[str, Tensor]) -> nn.Module:
    """The variant that tensors fit, with these weights.

    Output 0 is spoof and output 1 bona fide, as in the published systems and in the baselines of
    ASVspoof 2021 and ASVspoof 5; a file does not say so itself.

    Parameters
    ----------
    tensors : mapping of str to torch.Tensor
        By the network's own names, published or trained again.

    Returns
    -------
    torch.nn.Module
        In evaluation mode.

    Raises
    ------
    ValueError
        If they fit none of `NETWORKS` to the last tensor; the message goes on after a file's name.
    """
    given = {name: tuple(value.shape) for name, value in tensors.items()}
    model = None
    for settings in NETWORKS.values():
        model = Aasist(**settings)
        wanted = {name: tuple(value.shape) for name, value in model.state_dict().items()}
        if given == wanted:
            model.load_state_dict(tensors)
            return model.eval()
    known = set(model.state_dict()) if model is not None else set()
    if further := sorted(set(given) - known):
        raise ValueError(
            f"has AASIST's tensor '{ANCHOR}', but also '{further[0][:60]}', which neither AASIST "
            "nor AASIST-L has: it is another network."
        )
    if missing := sorted(known - set(given)):
        raise ValueError(f"has AASIST's tensor '{ANCHOR}', but lacks '{missing[0]}'.")
    raise ValueError(
        "has the tensors of AASIST in sizes of neither AASIST nor AASIST-L. Its pooling is not in "
        "the file, so it cannot be run."
    )
