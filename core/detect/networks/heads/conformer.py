"""The head TCM: conformer blocks whose attention also sees channels, by one token per head.

Truong et al., "Temporal-channel modeling in multi-head self-attention for synthetic speech
detection", Interspeech 2024 (arXiv:2406.17376).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, glu, pad, selu, silu


@dataclass(frozen=True)
class Sizes:
    """Of the head, from its tensors.

    Attributes
    ----------
    width : int
        Of the encoder.
    size, heads, blocks : int
        Of a token, in attention, and one after the other.
    hidden, channels, kernel : int
        Of the feed-forward layers, and of the convolution.
    positions : int
        Most frames.
    """

    width: int
    size: int
    heads: int
    blocks: int
    hidden: int
    channels: int
    kernel: int
    positions: int


class Conformer(nn.Module):
    """A projection, and conformer blocks whose first token is classified."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.LL = nn.Linear(sizes.width, sizes.size)
        self.first_bn = nn.BatchNorm2d(1)
        self.conformer = Blocks(sizes)

    @classmethod
    def sized(cls, tensors: Mapping[str, Tensor]) -> Conformer:
        """One that these tensors fit."""
        size, width = tensors["LL.weight"].shape
        own = "conformer.encoder_blocks."
        channels, _, kernel = tensors[f"{own}0.conv.net.4.conv.weight"].shape
        return cls(
            Sizes(
                width=width,
                size=size,
                heads=tensors[f"{own}0.attn.fn.pos_embed"].shape[1],
                blocks=len({name.split(".")[2] for name in tensors if name.startswith(own)}),
                hidden=tensors[f"{own}0.ff1.fn.fn.net.0.weight"].shape[0],
                channels=channels,
                kernel=kernel,
                positions=tensors["conformer.positional_emb"].shape[1],
            )
        )

    def forward(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """States ``[b, t, width]`` -> logits ``[b, 2]`` and embeddings ``[b, size]``."""
        x = selu(self.first_bn(self.LL(states)[:, None]))[:, 0]
        return self.conformer(x)


class Blocks(nn.Module):
    """Tokens ``[b, t, size]`` -> logits and the class token."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.positional_emb = nn.Parameter(torch.zeros(1, sizes.positions, sizes.size))
        self.class_token = nn.Parameter(torch.rand(1, sizes.size))
        self.encoder_blocks = nn.ModuleList(Block(sizes) for _ in range(sizes.blocks))
        self.fc5 = nn.Linear(sizes.size, 2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = x + self.positional_emb[:, : x.shape[1]]
        x = torch.cat([self.class_token.expand(len(x), 1, -1), x], 1)
        for block in self.encoder_blocks:
            x = block(x)
        return self.fc5(x[:, 0]), x[:, 0]


class Block(nn.Module):
    """Half a feed-forward step, attention, convolution, the other half."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.ff1, self.ff2 = (
            nn.ModuleDict({"fn": Normed(sizes.size, FeedForward(sizes))}) for _ in range(2)
        )
        self.attn = Normed(sizes.size, Attention(sizes))
        self.conv = Convolution(sizes)
        self.post_norm = nn.LayerNorm(sizes.size)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.ff1["fn"](x) / 2
        x = x + self.attn(x)
        x = x + self.conv(x)
        x = x + self.ff2["fn"](x) / 2
        return self.post_norm(x)


class Normed(nn.Module):
    """A function of what a layer norm gives."""

    def __init__(self, size: int, fn: nn.Module) -> None:
        super().__init__()
        self.norm, self.fn = nn.LayerNorm(size), fn

    def forward(self, x: Tensor) -> Tensor:
        return self.fn(self.norm(x))


class FeedForward(nn.Module):
    """Two linear layers."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.net = nn.ModuleDict(
            {
                "0": nn.Linear(sizes.size, sizes.hidden),
                "3": nn.Linear(sizes.hidden, sizes.size),
            }
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.net["3"](silu(self.net["0"](x)))


class Convolution(nn.Module):
    """Along time, channel by channel, between two that mix channels."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        size, channels, kernel = sizes.size, sizes.channels, sizes.kernel
        self.net = nn.ModuleDict(
            {
                "0": nn.LayerNorm(size),
                "2": nn.Conv1d(size, 2 * channels, 1),
                "4": Depthwise(channels, kernel),
                "5": nn.BatchNorm1d(channels),
                "7": nn.Conv1d(channels, size, 1),
            }
        )

    def forward(self, x: Tensor) -> Tensor:
        net = self.net
        x = glu(net["2"](net["0"](x).transpose(1, 2)), 1)
        return net["7"](silu(net["5"](net["4"](x)))).transpose(1, 2)


class Depthwise(nn.Module):
    """A convolution of each channel by itself, ``[b, channels, t]`` -> the same."""

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__()
        self.padding = (kernel // 2, kernel // 2 - (kernel + 1) % 2)
        self.conv = nn.Conv1d(channels, channels, kernel, groups=channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(pad(x, self.padding))


class Attention(nn.Module):
    """Among tokens, and a token a head that sums up its channels over time."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        size, self.heads = sizes.size, sizes.heads
        self.qkv = nn.Linear(size, 3 * size, bias=False)
        self.proj = nn.Linear(size, size)
        self.ht_proj = nn.Linear(size // self.heads, size)
        self.ht_norm = nn.LayerNorm(size // self.heads)
        self.pos_embed = nn.Parameter(torch.zeros(1, self.heads, size))

    def forward(self, x: Tensor) -> Tensor:
        b, n, size = x.shape
        apart = (b, -1, self.heads, size // self.heads)
        heads = self.ht_proj(x.mean(1).view(b, self.heads, -1)).view(*apart)
        heads = gelu(self.ht_norm(heads)).flatten(2) + self.pos_embed
        q, k, v = (
            part.view(*apart).transpose(1, 2)
            for part in self.qkv(torch.cat([x, heads], 1)).chunk(3, -1)
        )
        weight = (q @ k.transpose(-2, -1) * (size // self.heads) ** -0.5).softmax(-1)
        x = self.proj((weight @ v).transpose(1, 2).reshape(b, -1, size))
        token, rest, heads = x.split([1, n - 1, self.heads], 1)
        token = token + heads.mean(1, keepdim=True) + rest.mean(1, keepdim=True)
        return torch.cat([token, rest], 1)
