"""What happens to a training crop, to human and synthetic speech alike.

Every step hides a shortcut that tells the two classes apart in public material without saying
anything about synthesis: silence at the ends, length, level, bandwidth, codec, noise and room.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.audio.clip import SAMPLE_RATE

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Strength:
    """How likely each step is, 0-1.

    Attributes
    ----------
    codec, band, resample, room, noise, rawboost, clip, pad, smooth, suppress, compress : float
        Lossy codec; low-pass and high-pass; conversion to another rate and back; synthetic room;
        coloured noise; notch filters and impulsive noise; overdrive; silence at the ends;
        a smooth equaliser; noise suppression and automatic level, as meetings and platforms do.
    """

    codec: float = 0.2
    band: float = 0.12
    resample: float = 0.15
    room: float = 0.1
    noise: float = 0.25
    rawboost: float = 0.1
    clip: float = 0.02
    pad: float = 0.15
    smooth: float = 0.3
    suppress: float = 0.0
    compress: float = 0.0

    def scaled(self, factor: float) -> Strength:
        """All chances times a factor, at most 1."""
        return Strength(**{k: min(1.0, factor * v) for k, v in vars(self).items()})


CODECS = (
    ("mp3-128", 3),
    ("mp3-32", 3),
    ("opus-24", 2),
    ("opus-16", 2),
    ("aac-128", 1),
    ("aac-32", 1),
    ("g711-mulaw", 1),
    ("g711-alaw", 1),
    ("g722", 1),
    ("gsm", 1),
    ("amr-nb", 1),
)
"""Codec and how often it is drawn."""


def augment(
    samples: np.ndarray,
    rng: np.random.Generator,
    strength: Strength | None = None,
    length: int = 64_000,
    codec: Callable[[np.ndarray, str], np.ndarray] | None = None,
) -> np.ndarray:
    """Cut a random crop out of a clip and disturb it.

    Parameters
    ----------
    samples : numpy.ndarray
        float32, shape ``[n]``, 16 kHz.
    rng : numpy.random.Generator
        Makes every choice.
    strength : Strength, optional
        How likely each step is.
    length : int
        Samples of the crop; shorter clips are padded with zeros at the end, as windows are.
    codec : callable, optional
        ``codec(samples, name)``, by default `core.audio.codecs.encode_decode`.

    Returns
    -------
    numpy.ndarray
        float32, shape ``[length]``, finite, within [-1, 1].
    """
    strength = strength or Strength()
    x = crop(trim(samples), length, rng)
    disturbed = disturb(x, rng, strength, codec)
    return pad(disturbed, length, rng if rng.random() < strength.pad else None)


def disturb(
    x: np.ndarray,
    rng: np.random.Generator,
    strength: Strength,
    codec: Callable[[np.ndarray, str], np.ndarray] | None = None,
    codecs: Mapping[str, float] | None = None,
) -> np.ndarray:
    """Apply the steps that keep time, each by its own chance, to a crop ``[n]``.

    ``codecs`` says how often each codec is drawn, by default as in `CODECS`.
    """
    x = np.asarray(x, np.float32)
    if rng.random() < strength.smooth:
        x = equalise(x, rng)
    if rng.random() < strength.rawboost:
        x = notches(x, rng) if rng.random() < 0.5 else impulses(x, rng)
    if rng.random() < strength.room:
        x = room(x, rng)
    if rng.random() < strength.noise:
        x = noise(x, rng)
    if strength.suppress and rng.random() < strength.suppress:
        x = suppressed(x, rng)
    if strength.compress and rng.random() < strength.compress:
        x = compressed(x, rng)
    if rng.random() < strength.resample:
        x = resampled(x, rng)
    if rng.random() < strength.band:
        x = band_limit(x, rng)
    if rng.random() < strength.clip:
        drive = rng.uniform(1.0, 4.0) / max(float(np.max(np.abs(x))), 1e-6)
        x = np.tanh(x * drive) if rng.random() < 0.5 else np.clip(x * drive, -1, 1)
    x = x * (10 ** (rng.uniform(-26, -1) / 20) / max(float(np.max(np.abs(x))), 1e-6))
    if rng.random() < strength.codec:
        if codec is None:
            from core.audio.codecs import encode_decode

            codec = encode_decode
        often = dict(codecs or CODECS)
        weights = np.array(list(often.values()), float)
        name = str(rng.choice(list(often), p=weights / weights.sum()))
        x = codec(np.asarray(x, np.float32), name)
    x = np.nan_to_num(np.asarray(x, np.float32))
    return np.clip(x, -1, 1)


def trim(samples: np.ndarray, below_db: float = 40.0) -> np.ndarray:
    """Cut silence off both ends: 20 ms frames ``below_db`` under the loudest, 0.1 s kept."""
    start, end = speech_range(samples, below_db)
    return samples[start:end]


def speech_range(samples: np.ndarray, below_db: float = 40.0) -> tuple[int, int]:
    """First and last sample that `trim` keeps, as ``(start, end)``."""
    frame = SAMPLE_RATE // 50
    count = len(samples) // frame
    if count < 5:
        return 0, len(samples)
    power = np.square(samples[: count * frame].reshape(count, frame)).mean(1)
    loud = np.flatnonzero(power > power.max() * 10 ** (-below_db / 10))
    if len(loud) == 0 or power.max() <= 0:
        return 0, len(samples)
    keep = SAMPLE_RATE // 10
    return max(0, loud[0] * frame - keep), min(len(samples), (loud[-1] + 1) * frame + keep)


def crop(samples: np.ndarray, length: int, rng: np.random.Generator) -> np.ndarray:
    """At most ``length`` samples, from a random place."""
    start = int(rng.integers(0, max(1, len(samples) - length + 1)))
    return samples[start : start + length]


def pad(
    samples: np.ndarray, length: int, rng: np.random.Generator | None = None, quiet: bool = False
) -> np.ndarray:
    """Zeros up to ``length``, at the end; with ``rng``, silence of random length at both ends.

    ``quiet`` keeps that silence digital.
    """
    if rng is not None:
        lead, tail = (int(rng.exponential(0.25) * SAMPLE_RATE) for _ in range(2))
        samples = samples[: max(length // 2, length - lead - tail)]
        floor = 10 ** (rng.uniform(-90, -50) / 20) if rng.random() < 0.5 else 0.0
        floor = 0.0 if quiet else floor
        before, after = (floor * rng.normal(size=n).astype(np.float32) for n in (lead, tail))
        samples = np.concatenate([before, samples, after])[:length]
    out = np.zeros(length, np.float32)
    out[: len(samples)] = samples[:length]
    return out


def band_limit(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Low-pass between 3.2 and 7.9 kHz, or a high-pass below 300 Hz, or both."""
    from scipy import signal

    if rng.random() < 0.8:
        top = rng.uniform(3200, 7900) if rng.random() < 0.7 else rng.choice([3400.0, 4000, 5500])
        sos = signal.butter(int(rng.integers(4, 11)), top, "low", fs=SAMPLE_RATE, output="sos")
        x = signal.sosfilt(sos, x)
    if rng.random() < 0.4:
        low = rng.uniform(40, 320)
        x = signal.sosfilt(signal.butter(2, low, "high", fs=SAMPLE_RATE, output="sos"), x)
    return np.asarray(x, np.float32)


def resampled(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """To another rate and back, by converters of different quality."""
    import soxr

    rate = float(rng.choice([8000, 11025, 12000, 14000, 16001, 22050, 24000, 32000, 44100]))
    if rate < 12000 and rng.random() < 0.5:
        rate = float(rng.uniform(12000, 15900))
    quality = str(rng.choice(["QQ", "LQ", "MQ", "HQ"]))
    there = soxr.resample(x, SAMPLE_RATE, rate, quality)
    back = soxr.resample(there, rate, SAMPLE_RATE, str(rng.choice(["QQ", "LQ", "HQ"])))
    return np.pad(back, (0, max(0, len(x) - len(back))))[: len(x)].astype(np.float32)


def room(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Convolution with exponentially decaying noise after a direct path."""
    from scipy import signal

    decay = rng.uniform(0.08, 0.7)
    n = int(decay * SAMPLE_RATE)
    tail = rng.normal(size=n) * np.exp(-6.9 * np.arange(n) / n)
    sos = signal.butter(1, rng.uniform(2000, 7500), "low", fs=SAMPLE_RATE, output="sos")
    tail = signal.sosfilt(sos, tail)
    tail *= 10 ** (-rng.uniform(0, 18) / 20) / max(np.sqrt(np.sum(tail**2)), 1e-9)
    response = np.concatenate([[1.0], np.zeros(int(rng.integers(8, 160))), tail])
    return signal.fftconvolve(x, response)[: len(x)].astype(np.float32)


def coloured(n: int, rng: np.random.Generator) -> np.ndarray:
    """Noise of random spectral slope (0 to -9 dB per octave) and unit RMS, shape ``[n]``."""
    spectrum = np.fft.rfft(rng.normal(size=n))
    frequency = np.maximum(np.arange(len(spectrum)), n * 40 / SAMPLE_RATE)
    made = np.fft.irfft(spectrum * frequency ** -rng.uniform(0, 1.5), n)
    return made / max(float(np.sqrt(np.mean(made**2))), 1e-12)


def noise(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Coloured noise at 8 to 50 dB under the speech, sometimes slowly swelling."""
    level = float(np.sqrt(np.mean(x**2))) * 10 ** (-rng.uniform(8, 50) / 20)
    made = coloured(len(x), rng) * level
    if rng.random() < 0.3:
        t = np.arange(len(x)) / SAMPLE_RATE
        made *= 1 + 0.8 * np.sin(2 * np.pi * rng.uniform(0.1, 4) * t + rng.uniform(0, 6))
    return (x + made).astype(np.float32)


def equalise(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A smooth random frequency response, within 12 dB or so: microphones and mixing desks."""
    spectrum = np.fft.rfft(x)
    places = np.sort(rng.uniform(0, 1, 6))
    gains = rng.normal(0, 4.5, 6)
    curve = np.interp(np.linspace(0, 1, len(spectrum)), places, gains)
    return np.fft.irfft(spectrum * 10 ** (curve / 20), len(x)).astype(np.float32)


def notches(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Random notch filters and weak harmonics, after RawBoost's first kind (Tak et al. 2022)."""
    from scipy import signal

    out = np.asarray(x, np.float64)
    for order in range(1, int(rng.integers(2, 5))):
        part = (
            x if order == 1 else 10 ** (-rng.uniform(5, 20) / 20) * np.sign(x) * np.abs(x) ** order
        )
        for _ in range(int(rng.integers(1, 6))):
            centre, width = rng.uniform(50, 7800), rng.uniform(100, 1000)
            b, a = signal.iirnotch(centre, max(0.5, centre / width), fs=SAMPLE_RATE)
            part = signal.lfilter(b, a, part)
        out = part if order == 1 else out + part
    return np.asarray(out, np.float32)


def impulses(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Noise on a random share of samples in proportion to the signal, RawBoost's second kind."""
    hit = rng.random(len(x)) < rng.uniform(0.001, 0.1)
    return (x + hit * x * rng.uniform(-1, 1, len(x)) * rng.uniform(0.1, 2)).astype(np.float32)


def suppressed(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Noise suppression: each band is turned down where it is near its own quiet level."""
    from scipy import signal

    size = int(rng.choice([256, 320, 512]))
    if len(x) < 4 * size:
        return x
    _, _, spectrum = signal.stft(x, SAMPLE_RATE, nperseg=size)
    power = signal.lfilter([0.4], [1, -0.6], np.abs(spectrum) ** 2, axis=1)
    noise_power = np.quantile(power, rng.uniform(0.05, 0.25), axis=1, keepdims=True)
    left = np.maximum(1 - rng.uniform(1, 4) * noise_power / np.maximum(power, 1e-12), 0)
    gain = np.maximum(np.sqrt(left), 10 ** (-rng.uniform(6, 30) / 20))
    _, out = signal.istft(spectrum * gain, SAMPLE_RATE, nperseg=size)
    return np.pad(out, (0, max(0, len(x) - len(out))))[: len(x)].astype(np.float32)


def compressed(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Automatic level: loud stretches are turned down, by the level of the last while."""
    from scipy import signal

    past = rng.uniform(0.01, 0.4) * SAMPLE_RATE
    decay = float(np.exp(-1 / past))
    level = np.sqrt(np.maximum(signal.lfilter([1 - decay], [1, -decay], x**2.0), 1e-10))
    over = np.maximum(level / (np.sqrt(np.mean(x**2.0)) + 1e-9), 0.05)
    return (x * over ** -rng.uniform(0.2, 0.8)).astype(np.float32)


class SpectrumMask:
    """Hides stretches of time and bands of frequency of ``[b, 2, f, t]``.

    Parameters
    ----------
    settings : mapping
        How many stretches (``time``) and bands (``frequency``) to hide in every row.
    seed : int
        With an item's number it decides what is hidden there, whichever process shows the item.

    Attributes
    ----------
    items : list of int
        Numbers of the items that come next, all of as many rows; without any, chance decides.
    """

    def __init__(self, settings: Mapping[str, float], seed: int = 0) -> None:
        self._time = int(settings.get("time", 0))
        self._frequency = int(settings.get("frequency", 0))
        self._seed = seed
        self.items: list[int] = []

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        import torch

        b, _, f, t = x.shape
        keep = torch.ones(b, 1, f, t)
        items = self.items or torch.randint(2**31, (b,)).tolist()
        for item, rows in zip(items, keep.split(b // len(items)), strict=True):
            rng = np.random.default_rng([self._seed, item, 1])
            for row in rows:
                for _ in range(self._time):
                    width = int(rng.integers(0, min(40, t // 4) + 1))
                    start = int(rng.integers(0, t - width + 1))
                    row[:, :, start : start + width] = 0
                for _ in range(self._frequency):
                    width = int(rng.integers(0, 21))
                    start = int(rng.integers(0, f - width + 1))
                    row[:, start : start + width] = 0
        return x * keep.to(x)
