"""The project's own network, over complex spectra."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from core.detect.networks import LEVEL, SAMPLES_PER_FRAME, positions

HOP, LENGTH = 160, 320
"""Samples between two spectra, and of one."""


class SpectralTransformer(nn.Module):
    """A convolution and transformer network over complex spectra.

    The spectrum (20 ms windows every 10 ms, 161 bins, real and imaginary part, magnitudes
    compressed by the power 0.3) goes through 3 x 3 convolutions that halve the frequency axis and,
    in the last, the time axis; then through a transformer encoder and attentive pooling. It is the
    network of the speech quality model DistillMOS (Stahl and Gamper, "Distillation and Pruning
    for Scalable Self-Supervised Representation-Based Speech Quality Assessment", ICASSP 2025),
    with a head of its own: attentive mean and standard deviation over time, then one linear layer.

    Parameters
    ----------
    channels : sequence of int
        Output channels of the convolutions; all after the first halve the frequency axis.
    dim, heads, layers, feedforward : int
        Size of the transformer encoder.
    dropout : float
        Dropout inside the transformer and before the head, while training.
    max_frames : int
        Sets the wavelengths of the sinusoidal positions (``2 * max_frames``); longer inputs work.
    parts : int
        Frames of 20 ms in one part, to score a window's parts apart; 0 leaves that head out.
    families : int
        Classes of a head that names what made the speech; only training asks for it.

    Notes
    -----
    With either head ``forward`` also returns raw scores of the parts ``[b, frames // parts]``
        and logits of the families ``[b, families]``, each None without its head.
    """

    samples_per_frame = SAMPLES_PER_FRAME
    margin = 4 * SAMPLES_PER_FRAME  # no frame looks further: 6 hops and a half window

    def __init__(
        self,
        channels: Sequence[int] = (64, 64, 128, 256, 256, 256),
        dim: int = 200,
        heads: int = 8,
        layers: int = 7,
        feedforward: int = 400,
        dropout: float = 0.0,
        max_frames: int = 384,
        parts: int = 0,
        families: int = 0,
    ) -> None:
        super().__init__()
        self._shape = (dim, max_frames)
        self._parts, self._families = parts, families
        self.front = Front(channels)
        self.norm_features = nn.BatchNorm1d(self.front.size)
        self.project = nn.Linear(self.front.size, dim)
        self.encoder = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(
                dim, heads, feedforward, dropout, batch_first=True, norm_first=False
            ),
            layers,
            enable_nested_tensor=False,
        )
        self.norm_encoder = nn.BatchNorm1d(dim)
        self.pool = Pool(dim)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(2 * dim, 1)
        if parts:
            self.parts = nn.Sequential(nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, 1))
        if families:
            self.families = nn.Linear(2 * dim, families)

    def encode(self, features: torch.Tensor) -> Any:
        x = self.norm_features(features.transpose(1, 2)).transpose(1, 2)
        x = self.project(x)
        x = self.encoder(x + torch.from_numpy(positions(x.shape[1], *self._shape)).to(x))
        x = self.norm_encoder(x.transpose(1, 2)).transpose(1, 2)
        embedding = self.pool(x)
        with torch.autocast(embedding.device.type, enabled=False):
            raw = self.head(self.dropout(embedding)).squeeze(1)
            named = self.families(self.dropout(embedding)) if self._families else None
        if not self._parts and not self._families:
            return raw, embedding
        scores = None
        if self._parts:
            whole = x.shape[1] // self._parts * self._parts
            each = self.parts(x[:, :whole]).float()
            scores = each.view(len(x), -1, self._parts).mean(2)
        return raw, embedding, scores, named

    def forward(self, waves: torch.Tensor) -> Any:
        return self.encode(self.front(level(waves)))


class Front(nn.Module):
    """Waves ``[b, n]`` -> features ``[b, frames / 2, channels * bins left]``."""

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        steps: list[nn.Module] = []
        before, width = 2, LENGTH // 2 + 1
        for i, after in enumerate(channels):
            stride = (2 if i else 1, 2 if i == len(channels) - 1 else 1)
            steps += [nn.Conv2d(before, after, 3, stride, (0, 1)), nn.LeakyReLU(0.1)]
            before, width = after, (width - 3) // stride[0] + 1
        self.cnn = nn.Sequential(*steps)
        self.size = before * width
        self.window: torch.Tensor
        # With values even where the rest has none yet: PyTorch would load its compiler for that.
        window = torch.hann_window(LENGTH, dtype=torch.float64, device="cpu")
        self.register_buffer("window", window, persistent=False)
        self.mask: Any = None  # set by training: spectrum -> spectrum

    def spectrum(self, waves: torch.Tensor) -> torch.Tensor:
        pad = (LENGTH - HOP) // 2
        # Double precision: the compression lifts what rounding leaves in bands without sound.
        x = functional.pad(waves.double(), (pad, pad), mode="reflect")
        x = torch.stft(x, LENGTH, HOP, LENGTH, self.window, center=False, return_complex=True)
        x = torch.view_as_real(x).float()
        magnitude = x.square().sum(-1, keepdim=True).sqrt().clamp_min(1e-12)
        return (x * magnitude.pow(-0.7)).permute(0, 3, 1, 2)

    def forward(self, waves: torch.Tensor) -> torch.Tensor:
        with torch.autocast(waves.device.type, enabled=False):
            x = self.spectrum(waves)
        if self.training and self.mask is not None:
            x = self.mask(x)
        half = torch.is_autocast_enabled(x.device.type)
        if half or not self.training:  # in single precision half as fast backward
            x = x.contiguous(memory_format=torch.channels_last)
        x = self.cnn(x)
        return x.flatten(1, 2).transpose(1, 2)


class Pool(nn.Module):
    """Attentive mean and standard deviation over time."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.linear1 = nn.Linear(dim, 2 * dim)
        self.linear2 = nn.Linear(2 * dim, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        weight = self.linear2(torch.relu(self.linear1(x))).float().softmax(1)
        x = x.float()
        mean = (weight * x).sum(1)
        variance = (weight * (x - mean[:, None]).square()).sum(1)
        return torch.cat([mean, (variance + 1e-5).sqrt()], 1)


def level(waves: torch.Tensor, target: float = LEVEL) -> torch.Tensor:
    """Scale every wave to one RMS level, taken over the samples that are not exactly zero.

    Parameters
    ----------
    waves : torch.Tensor
        float32, shape ``[b, n]``; padding zeros do not count.
    target : float
        RMS level after scaling.

    Returns
    -------
    torch.Tensor
        Same shape; silence stays silent.
    """
    power = waves.double().square().sum(1, keepdim=True)
    count = (waves != 0).sum(1, keepdim=True).clamp_min(1)
    return waves * (target / (power / count).sqrt().clamp_min(1e-6)).to(waves)
