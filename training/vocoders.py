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
from core.files import atomic_path, atomic_write

if TYPE_CHECKING:
    import torch

KINDS = ("neural-spectrum", "neural-upsampling", "neural-codec")
"""In the order of `training.vocoder_networks`: spectra, upsampling, codec."""


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
    from training import vocoder_networks as networks

    kinds = dict(zip(KINDS, (networks.Spectrum, networks.Upsampling, networks.Codec), strict=True))
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


def train_vocoder(
    kind: str,
    files: Sequence[str | Path],
    out: str | Path,
    minutes: float = 12.0,
    steps: int = 100_000,
    seed: int = 0,
    batch: int = 4,
    report: Callable[[str], None] = print,
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
    report : callable
        Gets a line of progress now and then.

    Returns
    -------
    pathlib.Path
        The folder.
    """
    import torch
    from torch.nn import functional

    from training.vocoder_networks import Discriminator

    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    model, adversary = network(kind), Discriminator()
    ours = torch.optim.AdamW(model.parameters(), 8e-4, (0.8, 0.95))
    theirs = torch.optim.AdamW(adversary.parameters(), 4e-4, (0.8, 0.95))
    start, done, kept = time.monotonic(), 0, 0
    model.train()
    while done < steps:
        share = max(done / steps, (time.monotonic() - start) / (60 * minutes))
        if share >= (kept + 1) / 3 or share >= 1:
            kept += 1
            _save_state(model, out / f"{kind}-{kept}.safetensors")
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
            distance = float(spectral_loss(copy.detach(), waves))
            seconds = time.monotonic() - start
            report(f"{kind}: {done} steps, {seconds:.0f} s, distance {distance:.3f}")
    while kept < 3:
        kept += 1
        _save_state(model, out / f"{kind}-{kept}.safetensors")
    atomic_write(out / f"{kind}.json", json.dumps({"kind": kind, "steps": done, "seed": seed}))
    return out


def _save_state(model: torch.nn.Module, path: Path) -> None:
    from safetensors.torch import save_file

    with atomic_path(path) as part:
        save_file({k: v.contiguous() for k, v in model.state_dict().items()}, part)


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

    Raises
    ------
    ValueError
        If there is no recording.
    """
    if not files:
        raise ValueError("Vocoders learn from human training clips, and there is none.")
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
