"""The head of Spectra-0: a small ECAPA-TDNN behind two linear layers.

Its model card (lab260/spectra_0) and Desplanques et al., "ECAPA-TDNN: Emphasized channel attention,
propagation and aggregation in TDNN based speaker verification", Interspeech 2020.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from core.detect.networks.heads.nested import Gate

SCALE = 8
"""Groups of channels in a residual block."""


class Bridge(nn.Module):
    """Two linear layers ``[.., width]`` -> ``[.., size]``."""

    def __init__(self, width: int, hidden: int, size: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(
            nn.Linear(width, hidden), nn.SELU(), nn.Dropout(0.1), nn.Linear(hidden, size)
        )

    @classmethod
    def sized(cls, tensors: Mapping[str, Tensor]) -> Bridge:
        """One that these tensors fit."""
        hidden, width = tensors["bridge.mlp.0.weight"].shape
        return cls(width, hidden, tensors["bridge.mlp.3.weight"].shape[0])

    def forward(self, x: Tensor) -> Tensor:
        return self.mlp(x)


class Ecapa(nn.Module):
    """The bridge, and the network over it.

    Parameters
    ----------
    bridge : Bridge
        From the encoder's width.
    network : Network
        From the bridge's size.
    """

    def __init__(self, bridge: Bridge, network: Network) -> None:
        super().__init__()
        self.bridge, self.ecapa_tdnn = bridge, network

    @classmethod
    def sized(cls, tensors: Mapping[str, Tensor]) -> Ecapa:
        """One that these tensors fit."""
        channels, size, _ = tensors["ecapa_tdnn.conv1.weight"].shape
        joined = tensors["ecapa_tdnn.layer5.weight"].shape[0]
        hidden = tensors["ecapa_tdnn.attention.0.weight"].shape[0]
        squeezed = tensors["ecapa_tdnn.layer1.se.se.1.weight"].shape[0]
        network = Network(size, channels, joined, hidden, squeezed)
        return cls(Bridge.sized(tensors), network)

    def forward(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """States ``[b, t, width]`` -> logits ``[b, 2]`` and embeddings ``[b, 2 * joined]``."""
        return self.ecapa_tdnn(self.bridge(states).transpose(1, 2))


class Network(nn.Module):
    """Residual blocks of growing dilation, statistics over time that attention weighs."""

    def __init__(self, size: int, channels: int, joined: int, hidden: int, squeezed: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(size, channels, 5, padding=2)
        self.bn1 = nn.BatchNorm1d(channels)
        self.layer1, self.layer2, self.layer3, self.layer4 = (
            Block(channels, dilation, squeezed) for dilation in (2, 3, 4, 5)
        )
        self.layer5 = nn.Conv1d(4 * channels, joined, 1)
        self.attention = nn.Sequential(
            nn.Conv1d(3 * joined, hidden, 1),
            nn.ReLU(),
            nn.BatchNorm1d(hidden),
            nn.Tanh(),
            nn.Conv1d(hidden, joined, 1),
            nn.Softmax(dim=2),
        )
        self.bn5 = nn.BatchNorm1d(2 * joined)
        self.fc6 = nn.Linear(2 * joined, 2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.bn1(relu(self.conv1(x)))
        one = self.layer1(x)
        two = self.layer2(x + one)
        three = self.layer3(x + one + two)
        four = self.layer4(x + one + two + three)
        x = relu(self.layer5(torch.cat([one, two, three, four], 1)))
        mean = x.mean(2, keepdim=True).expand_as(x)
        spread = x.var(2, keepdim=True).clamp(min=1e-4).sqrt().expand_as(x)
        weight = self.attention(torch.cat([x, mean, spread], 1))
        mu = (x * weight).sum(2)
        sigma = ((x.square() * weight).sum(2) - mu.square()).clamp(min=1e-4).sqrt()
        embedding = self.bn5(torch.cat([mu, sigma], 1))
        return self.fc6(embedding), embedding


class Block(nn.Module):
    """A residual block over groups of channels, each added to the next; gated by channel."""

    def __init__(self, channels: int, dilation: int, squeezed: int) -> None:
        super().__init__()
        width = channels // SCALE
        self.conv1 = nn.Conv1d(channels, width * SCALE, 1)
        self.bn1 = nn.BatchNorm1d(width * SCALE)
        self.convs = nn.ModuleList(
            nn.Conv1d(width, width, 3, dilation=dilation, padding=dilation)
            for _ in range(SCALE - 1)
        )
        self.bns = nn.ModuleList(nn.BatchNorm1d(width) for _ in range(SCALE - 1))
        self.conv3 = nn.Conv1d(width * SCALE, channels, 1)
        self.bn3 = nn.BatchNorm1d(channels)
        self.se = Gate(channels, squeezed)

    def forward(self, x: Tensor) -> Tensor:
        *given, last = self.bn1(relu(self.conv1(x))).chunk(SCALE, 1)
        out: list[Tensor] = []
        for group, conv, norm in zip(given, self.convs, self.bns, strict=True):
            out.append(norm(relu(conv(out[-1] + group if out else group))))
        return self.se(self.bn3(relu(self.conv3(torch.cat([*out, last], 1))))) + x
