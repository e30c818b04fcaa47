"""Small neural vocoders of this project's own, trained on the human training clips.

They copy recordings as the vocoders of today's synthesis do: by learned inverse spectra, by learned
upsampling, or through the bottleneck of a neural codec. A copy keeps words, voice, room and noise,
so what sets it apart from its original is what the network left (the idea of Wang and Yamagishi,
"Spoofed training data for speech spoofing countermeasure can be efficiently created using neural
vocoders", ICASSP 2023). All three are deliberately little: they train within minutes on one core.
"""

from __future__ import annotations

import concurrent.futures
import json
import math
import multiprocessing
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.audio.clip import SAMPLE_RATE
from core.files import whole, write_whole
from training.mel import mel_bands

if TYPE_CHECKING:
    import torch

KINDS = ("neural-spectrum", "neural-upsampling", "neural-codec")
"""Inverse spectra after Vocos (Siuzdak 2023); transposed convolutions after HiFi-GAN (Kong et al.
2020); an autoencoder of complex spectra with a rounded bottleneck."""

SIZE, HOP = 1024, 256


def network(kind: str) -> torch.nn.Module:
    """An untrained vocoder.

    Parameters
    ----------
    kind : str
        One of `KINDS`.

    Returns
    -------
    torch.nn.Module
        Its ``forward(waves)`` takes float32 ``[b, n]`` and returns a copy ``[b, n]``.

    Raises
    ------
    ValueError
        If the kind is unknown.
    """
    import torch
    from torch import nn
    from torch.nn import functional

    def block(dim: int) -> nn.Module:
        """Depth-wise convolution over time, then two layers, with a way around (ConvNeXt)."""

        class Block(nn.Module):
            def __init__(self) -> None:
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

        return Block()

    class Vocoder(nn.Module):
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
        def __init__(self, dim: int = 192) -> None:
            super().__init__()
            self.first = nn.Conv1d(80, dim, 7, padding=3)
            self.blocks = nn.Sequential(*(block(dim) for _ in range(5)))
            self.last = nn.Conv1d(dim, 2 * (self.size // 2 + 1), 1)

        def forward(self, waves: torch.Tensor) -> torch.Tensor:
            magnitude, phase = self.last(self.blocks(self.first(self.mel(waves)))).chunk(2, 1)
            return self.istft(magnitude.clamp(max=5).exp(), phase, waves.shape[1])

    class Upsampling(Vocoder):
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
        size, hop = 512, 128

        def __init__(self, dim: int = 160, code: int = 32) -> None:
            super().__init__()
            bins = self.size // 2 + 1
            self.first = nn.Conv1d(2 * bins, dim, 3, padding=1)
            self.down = nn.Sequential(block(dim), block(dim), nn.Conv1d(dim, code, 1))
            self.up = nn.Sequential(nn.Conv1d(code, dim, 1), block(dim), block(dim), block(dim))
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

    kinds = dict(zip(KINDS, (Spectrum, Upsampling, Codec), strict=True))
    if kind not in kinds:
        raise ValueError(f"There is no vocoder {kind!r}. Known are {', '.join(KINDS)}.")
    return kinds[kind]()


def spectral_loss(copy: torch.Tensor, waves: torch.Tensor) -> torch.Tensor:
    """Distance of magnitudes in three resolutions (after Yamamoto et al. 2020), a scalar.

    Parameters
    ----------
    copy, waves : torch.Tensor
        float32, shape ``[b, n]``.
    """
    import torch

    total = waves.new_zeros(())
    for size in (256, 512, 1024):
        window = torch.hann_window(size, device=waves.device)
        a, b = (
            torch.stft(x, size, size // 4, window=window, return_complex=True).abs()
            for x in (copy, waves)
        )
        total = total + (a - b).norm() / b.norm().clamp_min(1e-6)
        total = total + (a.clamp_min(1e-4).log() - b.clamp_min(1e-4).log()).abs().mean()
    return total / 3


def judges() -> torch.nn.Module:
    """Adversary: two small networks over spectra, after UnivNet's (Jang et al. 2021).

    Its ``forward(waves [b, n])`` returns a list of maps, higher = human.
    """
    import torch
    from torch import nn

    class Judges(nn.Module):
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

    return Judges()


def train_vocoder(
    kind: str,
    files: Sequence[str | Path],
    out: str | Path,
    minutes: float = 12.0,
    steps: int = 100_000,
    seed: int = 0,
    batch: int = 4,
    say: Callable[[str], None] = print,
) -> Path:
    """Train one vocoder on recordings and keep several of its states.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    files : sequence of path-like
        16 kHz mono recordings.
    out : path-like
        Folder; gets ``<kind>-<n>.safetensors`` for three states, the rawest first.
    minutes, steps : float, int
        Whichever ends first ends the training.
    seed : int
        Decides crops and initial weights (not the time limit).
    batch : int
        Stretches of one second in a step.
    say : callable
        Gets a line of progress now and then.

    Returns
    -------
    pathlib.Path
        The folder.
    """
    import torch
    from safetensors.torch import save_file
    from torch.nn import functional

    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    model, adversary = network(kind), judges()
    ours = torch.optim.AdamW(model.parameters(), 8e-4, (0.8, 0.95))
    theirs = torch.optim.AdamW(adversary.parameters(), 4e-4, (0.8, 0.95))
    start, done, kept = time.monotonic(), 0, 0
    model.train()
    while done < steps:
        share = max(done / steps, (time.monotonic() - start) / (60 * minutes))
        if share >= (kept + 1) / 3 or share >= 1:
            kept += 1
            weights = {k: v.contiguous() for k, v in model.state_dict().items()}
            with whole(out / f"{kind}-{kept}.safetensors") as part:
                save_file(weights, part)
            if share >= 1 or kept == 3:
                break
        for group in ours.param_groups:
            group["lr"] = 8e-4 * min(1.0, (done + 1) / 50) * (0.1 + 0.9 * (1 - min(1.0, share)))
        waves = torch.from_numpy(np.stack([_second(files, rng) for _ in range(batch)]))
        copy = model(waves)
        loss = spectral_loss(copy, waves)
        if kind == "neural-codec":  # the phase is there to be had
            loss = 0.3 * loss + 5 * model.error  # type: ignore[operator]
        versus = share > 0.2
        if versus and done % 2:  # the adversary learns in one step, teaches in the next
            real, fake = adversary(waves), adversary(copy.detach())
            against = sum(
                functional.relu(1 - r).mean() + functional.relu(1 + f).mean()
                for r, f in zip(real, fake, strict=True)
            )
            theirs.zero_grad()
            against.backward()  # type: ignore[union-attr]
            theirs.step()
        elif versus:
            loss = loss - 0.15 * sum(f.mean() for f in adversary(copy))
        ours.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 10.0)
        ours.step()
        done += 1
        if done % 100 == 0:
            heard = float(spectral_loss(copy.detach(), waves))
            say(f"{kind}: {done} steps, {time.monotonic() - start:.0f} s, distance {heard:.3f}")
    while kept < 3:
        kept += 1
        weights = {k: v.contiguous() for k, v in model.state_dict().items()}
        with whole(out / f"{kind}-{kept}.safetensors") as part:
            save_file(weights, part)
    write_whole(out / f"{kind}.json", json.dumps({"kind": kind, "steps": done, "seed": seed}))
    return out


def train_vocoders(files: Sequence[str | Path], out: str | Path, minutes: float = 11.0) -> Path:
    """Train one vocoder of every kind, as many at a time as there are cores.

    Parameters
    ----------
    files, out, minutes
        See `train_vocoder`.

    Returns
    -------
    pathlib.Path
        The folder.
    """
    context = multiprocessing.get_context("spawn")
    workers = min(len(KINDS), os.cpu_count() or 1)
    with concurrent.futures.ProcessPoolExecutor(workers, context, _one_thread) as pool:
        for done in [pool.submit(train_vocoder, kind, files, out, minutes) for kind in KINDS]:
            done.result()
    return Path(out)


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


def _second(files: Sequence[str | Path], rng: np.random.Generator) -> np.ndarray:
    """One second of a random recording, at a random level, float32 ``[16000]``."""
    import soundfile

    n = SAMPLE_RATE
    for _ in range(20):
        file = files[int(rng.integers(len(files)))]
        frames = soundfile.info(file).frames
        at = int(rng.integers(0, max(1, frames - n)))
        x, _ = soundfile.read(file, frames=n, start=at, dtype="float32")
        peak = float(np.max(np.abs(x), initial=0.0))
        if peak > 1e-3:
            x = x * (10 ** (rng.uniform(-14, -1) / 20) / peak)
            return np.pad(x, (0, n - len(x)))
    raise ValueError("The recordings are silent.")


class NeuralCopies:
    """Copies by trained vocoders.

    Parameters
    ----------
    folder : path-like
        What `train_vocoder` wrote.

    Raises
    ------
    ValueError
        If there is no vocoder.
    """

    def __init__(self, folder: str | Path) -> None:
        self.files = {p.stem: p for p in sorted(Path(folder).glob("neural-*.safetensors"))}
        if not self.files:
            raise ValueError(f"{folder} holds no trained vocoder.")
        self._models: dict[str, Any] = {}

    def methods(self) -> Mapping[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]]:
        """Functions as in `training.copysynth.METHODS`, one a kind; its states are drawn."""
        kinds = sorted({name.rsplit("-", 1)[0] for name in self.files})
        return {kind: self._method(kind) for kind in kinds}

    def _method(self, kind: str) -> Callable[[np.ndarray, np.random.Generator], np.ndarray]:
        def copy(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
            import torch

            names = [name for name in self.files if name.startswith(f"{kind}-")]
            # The later a state, the finer its traces, and the more of them are wanted.
            p = np.arange(1, len(names) + 1) / math.comb(len(names) + 1, 2)
            model = self._model(str(rng.choice(names, p=p)))
            peak = max(float(np.max(np.abs(samples))), 1e-6)
            waves = torch.from_numpy((samples * (0.6 / peak)).astype(np.float32))[None]
            with torch.inference_mode():
                made = model(waves)[0].double().numpy()
            return made * (peak / 0.6)

        return copy

    def _model(self, name: str) -> Any:
        from safetensors.torch import load_file

        if name not in self._models:
            model = network(name.rsplit("-", 1)[0])
            model.load_state_dict(load_file(self.files[name]))
            self._models[name] = model.eval()
        return self._models[name]
