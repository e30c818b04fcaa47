"""Graph attention over the bands and the frames of a map: what AASIST and its kin share.

Jung et al., "AASIST: Audio anti-spoofing using integrated spectro-temporal graph attention
networks", ICASSP 2022 (arXiv:2110.01200). For inference only; parameters have the names of the
published weights.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d, selu


class Graphs(nn.Module):
    """Two graphs that attend to one another, and two classes from them.

    A graph goes through graph attention and keeps its best nodes; then two parallel branches join
    both graphs, with a stack node that gathers from all others, and the larger of the branches'
    values is kept.

    Parameters
    ----------
    size : int
        Of a node as it comes.
    bands : int
        Nodes of the spectral graph.
    dims : (int, int)
        Size of a node in the separate graphs, and in the joined ones.
    keep : (float, float, float)
        Share of nodes that pooling keeps: of the spectral, the temporal, and the joined graphs.
    temperatures : (float, float, float)
        What divides the attention scores in those, in the same order.
    """

    def __init__(
        self,
        size: int,
        bands: int,
        dims: tuple[int, int],
        keep: tuple[float, float, float],
        temperatures: tuple[float, float, float],
    ) -> None:
        super().__init__()
        apart, joined = dims
        self.pos_S = nn.Parameter(torch.randn(1, bands, size))
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

    def joined(self, time: Tensor, spectrum: Tensor) -> Tensor:
        """Temporal and spectral nodes ``[b, k, size]`` -> embeddings ``[b, 5 * dims[1]]``."""
        time = self.pool_T(self.GAT_layer_T(time))
        spectrum = self.pool_S(self.GAT_layer_S(spectrum))
        one = branch(
            (time, spectrum, self.master1),
            self.HtrgGAT_layer_ST11,
            (self.pool_hT1, self.pool_hS1),
            self.HtrgGAT_layer_ST12,
        )
        two = branch(
            (time, spectrum, self.master2),
            self.HtrgGAT_layer_ST21,
            (self.pool_hT2, self.pool_hS2),
            self.HtrgGAT_layer_ST22,
        )
        time, spectrum, stack = map(torch.maximum, one, two)
        return readout(time, spectrum, stack)


def branch(
    nodes: tuple[Tensor, Tensor, Tensor],
    before: nn.Module,
    pools: tuple[nn.Module, nn.Module],
    after: nn.Module,
) -> list[Tensor]:
    """Temporal, spectral and stack nodes after both layers of one branch."""
    time, spectrum, stack = before(*nodes)
    nodes = pools[0](time), pools[1](spectrum), stack
    return [x + y for x, y in zip(nodes, after(*nodes), strict=True)]


def readout(time: Tensor, spectrum: Tensor, stack: Tensor) -> Tensor:
    """Nodes ``[b, k, d]`` of three kinds -> embeddings ``[b, 5 d]``."""
    return torch.cat(
        [time.abs().amax(1), time.mean(1), spectrum.abs().amax(1), spectrum.mean(1), stack[:, 0]], 1
    )


class Block(nn.Module):
    """Residual convolutions, ``[b, before, bands, t]`` -> ``[b, after, bands, t // stride]``.

    Parameters
    ----------
    before, after : int
        Channels.
    first : bool
        Whether it is the encoder's first block, which has no norm before its convolutions.
    stride : int
        How many frames become one at its end.
    normed : bool
        Whether the other blocks use that norm. It is among the weights of AASIST, but the published
        scores come without it.
    """

    def __init__(
        self, before: int, after: int, *, first: bool, stride: int = 3, normed: bool = False
    ) -> None:
        super().__init__()
        self.stride, self.normed = stride, normed and not first
        if not first:
            self.bn1 = nn.BatchNorm2d(before)
        self.conv1 = nn.Conv2d(before, after, (2, 3), padding=(1, 1))
        self.bn2 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, (2, 3), padding=(0, 1))
        self.conv_downsample: nn.Module = nn.Identity()
        if before != after:
            self.conv_downsample = nn.Conv2d(before, after, (1, 3), padding=(0, 1))

    def forward(self, x: Tensor) -> Tensor:
        given = selu(self.bn1(x)) if self.normed else x
        y = self.conv2(selu(self.bn2(self.conv1(given)))) + self.conv_downsample(x)
        return max_pool2d(y, (1, self.stride)) if self.stride > 1 else y


class Attention(nn.Module):
    """What both kinds of graph attention share."""

    def __init__(
        self, before: int, after: int, temperature: float, *, activated: bool = True
    ) -> None:
        super().__init__()
        self.temperature, self.activated = temperature, activated
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
        y = self.bn(y.transpose(1, 2)).transpose(1, 2)
        return selu(y) if self.activated else y


class GraphAttention(Attention):
    """Among the nodes of one graph."""

    def __init__(self, before: int, after: int, temperature: float) -> None:
        super().__init__(before, after, temperature)
        self.att_weight = nn.Parameter(torch.randn(after, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.gather(x, (self.pairs(x) @ self.att_weight).squeeze(-1))


class StackingAttention(Attention):
    """Among the nodes of two graphs and, one way, from all of them to the stack node."""

    def __init__(
        self, before: int, after: int, temperature: float, *, activated: bool = True
    ) -> None:
        super().__init__(before, after, temperature, activated=activated)
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
