"""The heads AASIST (over XLS-R) and that of Spectra-AASIST: graphs over projected states.

Tak et al., "Automatic speaker verification spoofing and deepfake detection using wav2vec 2.0 and
data augmentation", Odyssey 2022 (arXiv:2202.12233); the model card of lab260/Spectra-AASIST.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d, selu

from core.detect.networks.graphs import (
    Block,
    GraphAttention,
    Graphs,
    Pool,
    StackingAttention,
    branch,
    readout,
)
from core.detect.networks.heads.ecapa import Bridge

KEEP = (0.5, 0.5, 0.5)
TEMPERATURES = (2.0, 2.0, 100.0)
"""What pooling keeps, and what divides attention scores; tensors do not say it."""


class GraphsOverStates(Graphs):
    """A projection, a residual encoder over bands and frames, and the graphs of AASIST.

    Parameters
    ----------
    width, bands : int
        Of the encoder, and of the projection.
    channels : sequence of int
        Of the residual blocks.
    hidden : int
        Channels in the attention that makes nodes.
    dims : (int, int)
        As for `Graphs`.
    """

    def __init__(
        self, width: int, bands: int, channels: list[int], hidden: int, dims: tuple[int, int]
    ) -> None:
        super().__init__(channels[-1], bands // 3, dims, KEEP, TEMPERATURES)
        self.LL = nn.Linear(width, bands)
        self.first_bn = nn.BatchNorm2d(1)
        self.first_bn1 = nn.BatchNorm2d(channels[-1])
        self.encoder = blocks(channels, normed=False)
        self.attention = attention(channels[-1], hidden)

    @classmethod
    def sized(cls, tensors: Mapping[str, Tensor]) -> GraphsOverStates:
        """One that these tensors fit."""
        bands, width = tensors["LL.weight"].shape
        return cls(width, bands, *_sizes(tensors, "encoder", "", "HtrgGAT_layer_ST11"))

    def forward(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """States ``[b, t, width]`` -> logits ``[b, 2]`` and embeddings ``[b, 5 * dims[1]]``."""
        x = max_pool2d(self.LL(states).transpose(1, 2)[:, None], 3)
        x = self.encoder(selu(self.first_bn(x)))
        time, spectrum = nodes(selu(self.first_bn1(x)), self.attention)
        embedding = self.joined(time, spectrum + self.pos_S)
        return self.out_layer(embedding), embedding


class FourBranches(nn.Module):
    """Spectra-AASIST's head: a bridge, positions in time, and four parallel branches."""

    def __init__(self, bridge: Bridge, aasist: Branches) -> None:
        super().__init__()
        self.bridge, self.aasist = bridge, aasist

    @classmethod
    def sized(cls, tensors: Mapping[str, Tensor]) -> FourBranches:
        """One that these tensors fit."""
        _, frames, bands = tensors["aasist.pos_T"].shape
        sizes = _sizes(tensors, "aasist.enc.enc", "aasist.", "branch1.HtrgGAT_layer_ST1")
        return cls(Bridge.sized(tensors), Branches(frames, bands, *sizes))

    @staticmethod
    def renamed(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Names of a residual encoder whose blocks are not wrapped, as of one whose are."""
        bare = re.compile(r"(aasist\.enc\.enc\.\d+\.)(?=\D)")
        return {bare.sub(r"\g<1>0.", name): value for name, value in tensors.items()}

    def forward(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """States ``[b, t, width]`` -> logits ``[b, 2]`` and embeddings ``[b, 5 * dims[1]]``."""
        return self.aasist(self.bridge(states))


class Branches(nn.Module):
    """Bridged states ``[b, t, bands]`` -> logits and embeddings."""

    def __init__(
        self, frames: int, bands: int, channels: list[int], hidden: int, dims: tuple[int, int]
    ) -> None:
        super().__init__()
        size, (apart, joined) = channels[-1], dims
        self.pos_S = nn.Parameter(torch.randn(1, bands // 3, size))
        self.pos_T = nn.Parameter(torch.randn(1, frames, bands))
        self.enc = Residual(channels)
        self.attention = attention(size, hidden)
        self.GAT_layer_S = GraphAttention(size, apart, TEMPERATURES[0])
        self.GAT_layer_T = GraphAttention(size, apart, TEMPERATURES[1])
        self.pool_S = Pool(apart, KEEP[0])
        self.pool_T = Pool(apart, KEEP[1])
        self.branch1, self.branch2, self.branch3, self.branch4 = (
            Branch(apart, joined) for _ in range(4)
        )
        self.out_layer = nn.Linear(5 * joined, 2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.enc(x + self.pos_T[:, : x.shape[1]])
        time, spectrum = nodes(x, self.attention)
        time = self.pool_T(self.GAT_layer_T(time))
        spectrum = self.pool_S(self.GAT_layer_S(spectrum + self.pos_S))
        found = [
            part(time, spectrum)
            for part in (self.branch1, self.branch2, self.branch3, self.branch4)
        ]
        largest = [torch.stack(kind).amax(0) for kind in zip(*found, strict=True)]
        embedding = readout(*largest)
        return self.out_layer(embedding), embedding


class Branch(nn.Module):
    """One of the four, whose joined nodes are not activated."""

    def __init__(self, apart: int, joined: int) -> None:
        super().__init__()
        self.master = nn.Parameter(torch.randn(1, 1, apart))
        self.HtrgGAT_layer_ST1, self.HtrgGAT_layer_ST2 = (
            StackingAttention(before, joined, TEMPERATURES[2], activated=False)
            for before in (apart, joined)
        )
        self.pool_hS = Pool(joined, KEEP[2])
        self.pool_hT = Pool(joined, KEEP[2])

    def forward(self, time: Tensor, spectrum: Tensor) -> list[Tensor]:
        return branch(
            (time, spectrum, self.master),
            self.HtrgGAT_layer_ST1,
            (self.pool_hT, self.pool_hS),
            self.HtrgGAT_layer_ST2,
        )


class Residual(nn.Module):
    """States ``[b, t, bands]`` -> features ``[b, channels, bands // 3, t // 3]``."""

    def __init__(self, channels: list[int]) -> None:
        super().__init__()
        self.first_bn = nn.BatchNorm2d(1)
        self.first_bn1 = nn.BatchNorm2d(channels[-1])
        self.enc = blocks(channels, normed=True)

    def forward(self, x: Tensor) -> Tensor:
        x = max_pool2d(x.transpose(1, 2)[:, None].abs(), 3)
        return selu(self.first_bn1(self.enc(selu(self.first_bn(x)))))


def blocks(channels: list[int], *, normed: bool) -> nn.Sequential:
    """Residual blocks that keep every frame."""
    pairs = zip([1, *channels[:-1]], channels, strict=True)
    return nn.Sequential(
        *(
            nn.Sequential(Block(before, after, first=i == 0, stride=1, normed=normed))
            for i, (before, after) in enumerate(pairs)
        )
    )


def attention(size: int, hidden: int) -> nn.Sequential:
    """Scores of a map's places, by which they are summed over bands or frames."""
    return nn.Sequential(
        nn.Conv2d(size, hidden, 1), nn.SELU(), nn.BatchNorm2d(hidden), nn.Conv2d(hidden, size, 1)
    )


def nodes(x: Tensor, scores: nn.Module) -> tuple[Tensor, Tensor]:
    """Temporal nodes ``[b, t, size]`` and spectral ones of a map ``[b, size, bands, t]``."""
    weight = scores(x)
    time = (x * weight.softmax(-2)).sum(-2).transpose(1, 2)
    return time, (x * weight.softmax(-1)).sum(-1).transpose(1, 2)


def _sizes(
    tensors: Mapping[str, Tensor], encoder: str, own: str, first: str
) -> tuple[list[int], int, tuple[int, int]]:
    """Channels of the blocks, of the attention, and sizes of nodes."""
    count = sum(
        re.fullmatch(rf"{re.escape(encoder)}\.\d+\.0\.conv1\.weight", name) is not None
        for name in tensors
    )
    channels = [tensors[f"{encoder}.{i}.0.conv1.weight"].shape[0] for i in range(count)]
    joined, apart = tensors[f"{own}{first}.att_proj.weight"].shape
    return channels, tensors[f"{own}attention.0.weight"].shape[0], (apart, joined)
