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


class Aasist(nn.Module):
    """A residual encoder over band-passed waves, and two graphs that attend to one another.

    Fixed band-pass filters give a map of bands by time, which residual convolutions turn into
    features. The largest magnitude over time makes the nodes of a spectral graph, that over bands
    those of a temporal graph. Each goes through graph attention and keeps its best nodes; then two
    parallel branches join both graphs, with a stack node that gathers from all others, and the
    larger of the branches' values is kept.

    Parameters
    ----------
    filters, taps : int
        Number and length (odd) of the band-pass filters, evenly spaced on the mel scale.
    channels : tuple of int
        Output channels of the residual blocks; each leaves a third of the frames.
    dims : (int, int)
        Size of a node in the separate graphs, and in the joined ones.
    keep : (float, float, float)
        Share of nodes that pooling keeps: of the spectral, the temporal, and the joined graphs.
    temperatures : (float, float, float)
        What divides the attention scores in those, in the same order.
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
        super().__init__()
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
        size, (apart, joined) = channels[-1], dims
        self.pos_S = nn.Parameter(torch.randn(1, filters // 3, size))
        self.GAT_layer_S = GraphAttention(size, apart, temperatures[0])
        self.GAT_layer_T = GraphAttention(size, apart, temperatures[1])
        self.pool_S = Pool(apart, keep[0])
        self.pool_T = Pool(apart, keep[1])
        self.master1 = nn.Parameter(torch.randn(1, 1, apart))
        self.master2 = nn.Parameter(torch.randn(1, 1, apart))
        self.HtrgGAT_layer_ST11 = StackingAttention(apart, joined, temperatures[2])
        self.HtrgGAT_layer_ST12 = StackingAttention(joined, joined, temperatures[2])
        self.HtrgGAT_layer_ST21 = StackingAttention(apart, joined, temperatures[2])
        self.HtrgGAT_layer_ST22 = StackingAttention(joined, joined, temperatures[2])
        self.pool_hS1 = Pool(joined, keep[2])
        self.pool_hT1 = Pool(joined, keep[2])
        self.pool_hS2 = Pool(joined, keep[2])
        self.pool_hT2 = Pool(joined, keep[2])
        self.out_layer = nn.Linear(5 * joined, 2)

    def graphs(self, waves: Tensor) -> tuple[Tensor, Tensor]:
        """Temporal and spectral nodes, ``[b, frames, size]`` and ``[b, bands, size]``."""
        bands = conv1d(waves.unsqueeze(1), self.filters).unsqueeze(1)
        x = selu(self.first_bn(max_pool2d(bands.abs(), 3)))
        x = self.encoder(x).abs()
        return x.amax(2).transpose(1, 2), x.amax(3).transpose(1, 2) + self.pos_S

    def branch(
        self,
        nodes: tuple[Tensor, Tensor, Tensor],
        before: nn.Module,
        pools: tuple[nn.Module, nn.Module],
        after: nn.Module,
    ) -> list[Tensor]:
        """Temporal, spectral and stack nodes after both layers of one branch."""
        time, spectrum, stack = before(*nodes)
        nodes = pools[0](time), pools[1](spectrum), stack
        return [x + y for x, y in zip(nodes, after(*nodes), strict=True)]

    def forward(self, waves: Tensor) -> tuple[Tensor, Tensor]:
        """Windows ``[b, n]`` -> ``(raw, embedding)`` of shapes ``[b]`` and ``[b, 5 * dims[1]]``.

        They are the logit of spoof minus that of bona fide, and the last hidden layer.
        """
        # One by one: each of the encoder's first maps takes 60 MB a wave.
        parts = [self.graphs(wave) for wave in waves.split(1)]
        time, spectrum = (torch.cat(part) for part in zip(*parts, strict=True))
        time = self.pool_T(self.GAT_layer_T(time))
        spectrum = self.pool_S(self.GAT_layer_S(spectrum))
        one = self.branch(
            (time, spectrum, self.master1),
            self.HtrgGAT_layer_ST11,
            (self.pool_hT1, self.pool_hS1),
            self.HtrgGAT_layer_ST12,
        )
        two = self.branch(
            (time, spectrum, self.master2),
            self.HtrgGAT_layer_ST21,
            (self.pool_hT2, self.pool_hS2),
            self.HtrgGAT_layer_ST22,
        )
        time, spectrum, stack = map(torch.maximum, one, two)
        embedding = torch.cat(
            [
                time.abs().amax(1),
                time.mean(1),
                spectrum.abs().amax(1),
                spectrum.mean(1),
                stack.squeeze(1),
            ],
            1,
        )
        spoof, bona_fide = self.out_layer(embedding).unbind(1)
        return spoof - bona_fide, embedding


class Block(nn.Module):
    """Residual convolutions, ``[b, before, bands, t]`` -> ``[b, after, bands, t // 3]``."""

    def __init__(self, before: int, after: int, *, first: bool) -> None:
        super().__init__()
        if not first:
            # Among the published weights, but the published scores come without it.
            self.bn1 = nn.BatchNorm2d(before)
        self.conv1 = nn.Conv2d(before, after, (2, 3), padding=(1, 1))
        self.bn2 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, (2, 3), padding=(0, 1))
        self.conv_downsample: nn.Module = nn.Identity()
        if before != after:
            self.conv_downsample = nn.Conv2d(before, after, (1, 3), padding=(0, 1))

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv2(selu(self.bn2(self.conv1(x))))
        return max_pool2d(y + self.conv_downsample(x), (1, 3))


class Attention(nn.Module):
    """What both kinds of graph attention share."""

    def __init__(self, before: int, after: int, temperature: float) -> None:
        super().__init__()
        self.temperature = temperature
        self.att_proj = nn.Linear(before, after)
        self.proj_with_att = nn.Linear(before, after)
        self.proj_without_att = nn.Linear(before, after)
        self.bn = nn.BatchNorm1d(after)

    def pairs(self, x: Tensor) -> Tensor:
        """What is compared between every two of ``k`` nodes, ``[b, k, k, after]``."""
        return torch.tanh(self.att_proj(x[:, :, None] * x[:, None]))

    def gather(self, x: Tensor, scores: Tensor) -> Tensor:
        """Nodes ``[b, k, after]`` from nodes ``[b, k, before]`` and scores ``[b, k, k]``."""
        weight = (scores / self.temperature).softmax(-1)
        y = self.proj_with_att(weight @ x) + self.proj_without_att(x)
        return selu(self.bn(y.transpose(1, 2)).transpose(1, 2))


class GraphAttention(Attention):
    """Among the nodes of one graph."""

    def __init__(self, before: int, after: int, temperature: float) -> None:
        super().__init__(before, after, temperature)
        self.att_weight = nn.Parameter(torch.randn(after, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.gather(x, (self.pairs(x) @ self.att_weight).squeeze(-1))


class StackingAttention(Attention):
    """Among the nodes of two graphs and, one way, from all of them to the stack node."""

    def __init__(self, before: int, after: int, temperature: float) -> None:
        super().__init__(before, after, temperature)
        self.proj_type1 = nn.Linear(before, before)
        self.proj_type2 = nn.Linear(before, before)
        self.att_projM = nn.Linear(before, after)
        self.att_weight11 = nn.Parameter(torch.randn(after, 1))
        self.att_weight22 = nn.Parameter(torch.randn(after, 1))
        self.att_weight12 = nn.Parameter(torch.randn(after, 1))
        self.att_weightM = nn.Parameter(torch.randn(after, 1))
        self.proj_with_attM = nn.Linear(before, after)
        self.proj_without_attM = nn.Linear(before, after)

    def forward(self, one: Tensor, two: Tensor, stack: Tensor) -> tuple[Tensor, ...]:
        sizes = [one.shape[1], two.shape[1]]
        x = torch.cat([self.proj_type1(one), self.proj_type2(two)], 1)
        pairs = self.pairs(x)
        (pairs11, pairs12), (pairs21, pairs22) = (
            rows.split(sizes, 2) for rows in pairs.split(sizes, 1)
        )
        within1 = torch.cat([pairs11 @ self.att_weight11, pairs12 @ self.att_weight12], 2)
        within2 = torch.cat([pairs21 @ self.att_weight12, pairs22 @ self.att_weight22], 2)
        nodes = self.gather(x, torch.cat([within1, within2], 1).squeeze(-1))

        scores = torch.tanh(self.att_projM(x * stack)) @ self.att_weightM
        weight = (scores / self.temperature).softmax(1).transpose(1, 2)
        stack = self.proj_with_attM(weight @ x) + self.proj_without_attM(stack)
        return (*nodes.split(sizes, 1), stack)


class Pool(nn.Module):
    """Keeps the share of nodes that are scored best, in that order."""

    def __init__(self, dim: int, share: float) -> None:
        super().__init__()
        self.share = share
        self.proj = nn.Linear(dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        scores = torch.sigmoid(self.proj(x))
        best = scores.topk(max(1, int(x.shape[1] * self.share)), dim=1).indices
        return (x * scores).gather(1, best.expand(-1, -1, x.shape[2]))


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
