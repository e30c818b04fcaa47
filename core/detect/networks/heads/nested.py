"""The head Nes2Net-X: residual networks nested in one another, over the encoder's full width.

Liu et al., "Nes2Net: A lightweight nested architecture for foundation model driven speech
anti-spoofing", IEEE TIFS 2025 (arXiv:2504.05657).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

DILATION = 2
"""Of the convolutions in time, as published; tensors do not say it."""


class Nested(nn.Module):
    """Groups of channels, each through a residual network and added to the next.

    Parameters
    ----------
    width : int
        Of the encoder.
    groups, inner : int
        Groups of channels, and groups in each of those.
    squeezed : int
        Channels in the gate of an inner network.
    """

    def __init__(self, width: int, groups: int, inner: int, squeezed: int) -> None:
        super().__init__()
        self.Nested_Res2Net_TDNN = Outer(width, groups, inner, squeezed)

    @classmethod
    def sized(cls, tensors: Mapping[str, Tensor]) -> Nested:
        """One that these tensors fit."""
        own = "Nested_Res2Net_TDNN."
        outer = f"{own}Build_in_Res2Nets."
        count = len({name.split(".")[2] for name in tensors if name.startswith(outer)})
        inner = sum(name.startswith(f"{outer}0.weighted_sum.") for name in tensors)
        squeezed = tensors[f"{outer}0.se.se.1.weight"].shape[0]
        return cls(len(tensors[f"{own}bn.weight"]), count + 1, inner + 1, squeezed)

    def forward(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """States ``[b, t, width]`` -> logits ``[b, 2]`` and embeddings ``[b, width]``."""
        return self.Nested_Res2Net_TDNN(states.transpose(1, 2))


class Outer(nn.Module):
    """``[b, width, t]`` -> logits and embeddings."""

    def __init__(self, width: int, groups: int, inner: int, squeezed: int) -> None:
        super().__init__()
        size = width // groups
        self.Build_in_Res2Nets = nn.ModuleList(
            Inner(size, inner, squeezed) for _ in range(groups - 1)
        )
        self.bns = nn.ModuleList(nn.BatchNorm1d(size) for _ in range(groups - 1))
        self.bn = nn.BatchNorm1d(width)
        self.fc = nn.Linear(width, 2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        *given, last = x.chunk(len(self.bns) + 1, 1)
        out: list[Tensor] = []
        for group, network, norm in zip(given, self.Build_in_Res2Nets, self.bns, strict=True):
            out.append(norm(relu(network(out[-1] + group if out else group))))
        embedding = relu(self.bn(torch.cat([*out, last], 1))).mean(-1)
        return self.fc(embedding), embedding


class Inner(nn.Module):
    """A residual network whose groups keep all that came before, weighed; gated by channel."""

    def __init__(self, size: int, groups: int, squeezed: int) -> None:
        super().__init__()
        width = size // groups
        self.conv1 = nn.Conv1d(size, width * groups, 1)
        self.bn1 = nn.BatchNorm1d(width * groups)
        self.convs = nn.ModuleList(
            nn.Conv2d(width, width, (3, 1), dilation=(DILATION, 1), padding=(DILATION, 0))
            for _ in range(groups - 1)
        )
        self.bns = nn.ModuleList(nn.BatchNorm2d(width) for _ in range(groups - 1))
        self.weighted_sum = nn.ParameterList(
            nn.Parameter(torch.full((1, 1, 1, i + 2), 1 / (i + 2))) for i in range(groups - 1)
        )
        self.conv3 = nn.Conv1d(width * groups, size, 1)
        self.bn3 = nn.BatchNorm1d(size)
        self.se = Gate(size, squeezed)

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn1(relu(self.conv1(x)))
        *given, last = y.chunk(len(self.convs) + 1, 1)
        kept, out = last[..., None], []
        for group, conv, norm, weight in zip(
            given, self.convs, self.bns, self.weighted_sum, strict=True
        ):
            kept = norm(relu(conv(torch.cat([kept, group[..., None]], -1))))
            out.append((kept * weight).sum(-1))
        return self.se(self.bn3(relu(self.conv3(torch.cat([*out, last], 1))))) + x


class Gate(nn.Module):
    """Channels weighed by their mean over time."""

    def __init__(self, size: int, squeezed: int) -> None:
        super().__init__()
        self.se = nn.Sequential(
            nn.AdaptiveAvgPool1d(1),
            nn.Conv1d(size, squeezed, 1),
            nn.ReLU(),
            nn.Conv1d(squeezed, size, 1),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x * self.se(x)
