"""Networks of the vocoders that copy training clips; PyTorch is imported with this module."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from training.mel import mel_bands

SIZE, HOP = 1024, 256


class Block(nn.Module):
    """Depth-wise convolution over time, then two layers, with a way around (ConvNeXt)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.mix = nn.Conv1d(dim, dim, 7, padding=3, groups=dim)
        self.norm = nn.LayerNorm(dim)
        self.wide = nn.Linear(dim, 3 * dim)
        self.back = nn.Linear(3 * dim, dim)
        self.scale = nn.Parameter(torch.full((dim,), 0.2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.norm(self.mix(x).transpose(1, 2))
        y = self.scale * self.back(functional.gelu(self.wide(y)))
        return x + y.transpose(1, 2)


class Vocoder(nn.Module):
    """A network that copies waves ``[b, n]``, and the spectra that all of them need."""

    size, hop = SIZE, HOP

    def __init__(self) -> None:
        super().__init__()
        self.window: torch.Tensor
        self.bands: torch.Tensor
        self.register_buffer("window", torch.hann_window(self.size), persistent=False)
        bands = torch.from_numpy(mel_bands(80, self.size)).float()
        self.register_buffer("bands", bands, persistent=False)

    def stft(self, waves: torch.Tensor) -> torch.Tensor:
        return torch.stft(waves, self.size, self.hop, window=self.window, return_complex=True)

    def istft(self, magnitude: torch.Tensor, phase: torch.Tensor, n: int) -> torch.Tensor:
        spectrum = torch.polar(magnitude, phase)
        return torch.istft(spectrum, self.size, self.hop, window=self.window, length=n)

    def mel(self, waves: torch.Tensor) -> torch.Tensor:
        return (self.bands @ self.stft(waves).abs()).clamp_min(1e-5).log()


class Spectrum(Vocoder):
    """Inverse spectra, after Vocos (Siuzdak 2023)."""

    def __init__(self, dim: int = 192) -> None:
        super().__init__()
        self.first = nn.Conv1d(80, dim, 7, padding=3)
        self.blocks = nn.Sequential(*(Block(dim) for _ in range(5)))
        self.last = nn.Conv1d(dim, 2 * (self.size // 2 + 1), 1)

    def forward(self, waves: torch.Tensor) -> torch.Tensor:
        magnitude, phase = self.last(self.blocks(self.first(self.mel(waves)))).chunk(2, 1)
        return self.istft(magnitude.clamp(max=5).exp(), phase, waves.shape[1])


class Upsampling(Vocoder):
    """Transposed convolutions, after HiFi-GAN (Kong et al. 2020)."""

    def __init__(self, widths: Sequence[int] = (160, 80, 40, 20)) -> None:
        super().__init__()
        self.first = nn.Conv1d(80, widths[0], 7, padding=3)
        self.ups, self.fine = nn.ModuleList(), nn.ModuleList()
        for before, after, factor in zip(widths, widths[1:], (8, 8, 4), strict=False):
            up = nn.ConvTranspose1d(before, after, 2 * factor, factor, factor // 2)
            self.ups.append(up)
            self.fine.append(
                nn.ModuleList(
                    nn.Conv1d(after, after, k, padding=d * (k - 1) // 2, dilation=d)
                    for k, d in ((3, 1), (3, 3), (7, 1), (7, 3))
                )
            )
        self.last = nn.Conv1d(widths[3], 1, 7, padding=3)

    def forward(self, waves: torch.Tensor) -> torch.Tensor:
        x = self.first(self.mel(waves))
        for up, fine in zip(self.ups, self.fine, strict=True):
            x = up(functional.leaky_relu(x, 0.1))
            for layer in fine:  # type: ignore[attr-defined]
                x = x + layer(functional.leaky_relu(x, 0.1))
        x = torch.tanh(self.last(functional.leaky_relu(x, 0.1))).squeeze(1)
        return functional.pad(x, (0, max(0, waves.shape[1] - x.shape[1])))[:, : waves.shape[1]]


class Codec(Vocoder):
    """An autoencoder of complex spectra with a rounded bottleneck."""

    size, hop = 512, 128

    def __init__(self, dim: int = 160, code: int = 32) -> None:
        super().__init__()
        bins = self.size // 2 + 1
        self.first = nn.Conv1d(2 * bins, dim, 3, padding=1)
        self.down = nn.Sequential(Block(dim), Block(dim), nn.Conv1d(dim, code, 1))
        self.up = nn.Sequential(nn.Conv1d(code, dim, 1), Block(dim), Block(dim), Block(dim))
        self.last = nn.Conv1d(dim, 2 * bins, 1)

    def forward(self, waves: torch.Tensor) -> torch.Tensor:
        x = self.stft(waves)
        x = x * x.abs().clamp_min(1e-6).pow(-0.7)
        x = torch.cat([x.real, x.imag], 1)
        code = 4 * torch.tanh(self.down(self.first(x)) / 4)
        code = code + (torch.rand_like(code) - 0.5) if self.training else code.round()
        y = self.last(self.up(code))
        self.error = (y - x).abs().mean() / x.abs().mean().clamp_min(1e-6)
        y = torch.complex(*y.chunk(2, 1))
        y = y * y.abs().clamp_min(1e-6).pow(7 / 3)
        return torch.istft(y, self.size, self.hop, window=self.window, length=waves.shape[1])


class Discriminator(nn.Module):
    """The adversary: two small networks over spectra, after UnivNet's (Jang et al. 2021).

    Its ``forward(waves [b, n])`` returns a list of maps, higher = human.
    """

    def __init__(self) -> None:
        super().__init__()
        self.nets = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(2, 16, (7, 5), (2, 1), (3, 2)),
                nn.LeakyReLU(0.1),
                nn.Conv2d(16, 24, (5, 5), (2, 2), (2, 2)),
                nn.LeakyReLU(0.1),
                nn.Conv2d(24, 32, 3, 2, 1),
                nn.LeakyReLU(0.1),
                nn.Conv2d(32, 1, 3, 1, 1),
            )
            for _ in range(2)
        )

    def forward(self, waves: torch.Tensor) -> list[torch.Tensor]:
        out = []
        for net, size in zip(self.nets, (320, 800), strict=True):
            window = torch.hann_window(size, device=waves.device)
            x = torch.stft(waves, size, size // 4, window=window, return_complex=True)
            x = torch.view_as_real(x * x.abs().clamp_min(1e-4).pow(-0.7))
            out.append(net(x.permute(0, 3, 1, 2)))
        return out


def _conv(channels: int, size: int, dilation: int) -> nn.Module:
    pad = dilation * (size - 1) // 2
    return nn.Conv1d(channels, channels, size, 1, pad, dilation)


class HifiganBlock(nn.Module):
    """Dilated convolutions of one kernel size, each followed by a plain one."""

    def __init__(self, channels: int, size: int, dilations: Sequence[int] = (1, 3, 5)) -> None:
        super().__init__()
        self.convs1 = nn.ModuleList(_conv(channels, size, d) for d in dilations)
        self.convs2 = nn.ModuleList(_conv(channels, size, 1) for _ in dilations)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for first, second in zip(self.convs1, self.convs2, strict=True):
            y = second(functional.leaky_relu(first(functional.leaky_relu(x, 0.1)), 0.1))
            x = x + y
        return x


class HifiganGenerator(nn.Module):
    """HiFi-GAN's V1 generator (Kong et al. 2020): log mel spectra ``[b, 80, t]`` -> waves.

    Parameters
    ----------
    width : int
        Channels of the first layer, a multiple of 16; V1 has 512.
    bands : int
        Mel bands.
    """

    def __init__(self, width: int, bands: int) -> None:
        super().__init__()
        self.conv_pre = nn.Conv1d(bands, width, 7, 1, 3)
        self.ups, self.resblocks = nn.ModuleList(), nn.ModuleList()
        for factor, size in ((8, 16), (8, 16), (2, 4), (2, 4)):
            pad = (size - factor) // 2
            up = nn.ConvTranspose1d(width, width // 2, size, factor, pad)
            self.ups.append(up)
            width //= 2
            self.resblocks.extend(HifiganBlock(width, k) for k in (3, 7, 11))
        self.conv_post = nn.Conv1d(width, 1, 7, 1, 3)

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        x = self.conv_pre(mel)
        for i, up in enumerate(self.ups):
            x = up(functional.leaky_relu(x, 0.1))
            parts = [block(x) for block in self.resblocks[3 * i : 3 * i + 3]]
            x = torch.stack(parts).mean(0)
        return torch.tanh(self.conv_post(functional.leaky_relu(x))).squeeze(1)
