"""Classic methods of copy-synthesis: analyse a recording and synthesise it again."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from core.audio.clip import SAMPLE_RATE
from training.mel import mel_bands

Method = Callable[[np.ndarray, np.random.Generator], np.ndarray]
"""From samples ``[n]`` and a generator that draws the settings to the copy."""


def world(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """WORLD (Morise et al. 2016): pitch, smooth envelope, aperiodicity -> pulses and noise."""
    pyworld = _pyworld()
    f0, times = pyworld.dio(samples, SAMPLE_RATE)
    f0 = pyworld.stonemask(samples, f0, times, SAMPLE_RATE)
    envelope = pyworld.cheaptrick(samples, f0, times, SAMPLE_RATE)
    aperiodicity = pyworld.d4c(samples, f0, times, SAMPLE_RATE)
    if rng.random() < 0.5:  # as a statistical model would: a smoother envelope
        order = int(rng.integers(24, 61))
        coded = pyworld.code_spectral_envelope(envelope, SAMPLE_RATE, order)
        size = 2 * (envelope.shape[1] - 1)
        envelope = pyworld.decode_spectral_envelope(coded, SAMPLE_RATE, size)
    return pyworld.synthesize(f0, envelope, aperiodicity, SAMPLE_RATE)


def griffin_lim(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Phase from magnitudes by the fast Griffin-Lim algorithm (Perraudin et al. 2013)."""
    size, hop = _frame(rng)
    magnitude = np.abs(_stft(samples, size, hop))
    return _griffin_lim(magnitude, size, hop, int(rng.integers(8, 33)), rng)


def griffin_lim_mel(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Griffin-Lim from a mel spectrogram inverted by least squares."""
    size, hop = _frame(rng)
    magnitude = _through_mel(np.abs(_stft(samples, size, hop)), size, rng)
    return _griffin_lim(magnitude, size, hop, int(rng.integers(8, 33)), rng)


def mel_natural_phase(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Magnitudes through a mel spectrogram, phase of the original with some jitter.

    Stands for vocoders whose phase is good: what is left is the smeared fine structure.
    """
    size, hop = _frame(rng)
    spectrum = _stft(samples, size, hop)
    magnitude = _through_mel(np.abs(spectrum), size, rng)
    bins = np.arange(spectrum.shape[0])[:, None] / spectrum.shape[0]
    jitter = rng.normal(0, rng.uniform(0.0, 1.2), spectrum.shape) * bins
    return _istft(magnitude * np.exp(1j * (np.angle(spectrum) + jitter)), size, hop)


def upsampled(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The artefacts of learned upsampling: images of the low band and tones at the frame rate.

    The band above a limit is replaced by an imperfectly filtered image of the band below, and
    weak tones sit at multiples of the frame rate, as transposed convolutions leave them
    (Pons et al., "Upsampling artifacts in neural audio synthesis", 2021).
    """
    from scipy import ndimage, signal

    factor = int(rng.choice([2, 2, 4]))
    low = signal.resample_poly(samples, 1, factor)
    raised = np.zeros(len(low) * factor)
    raised[::factor] = low * factor
    if rng.random() < 0.5:  # nearest neighbour
        raised = np.convolve(raised, np.ones(factor) / factor, "same")
    cut = SAMPLE_RATE / 2 / factor
    sos = signal.butter(4, cut, "high", fs=SAMPLE_RATE, output="sos")
    image = signal.sosfiltfilt(sos, raised)[: len(samples)]
    image = np.pad(image, (0, len(samples) - len(image)))
    high = signal.sosfiltfilt(sos, samples)
    keep = signal.sosfiltfilt(signal.butter(4, cut, "low", fs=SAMPLE_RATE, output="sos"), samples)
    frame = SAMPLE_RATE // 100
    envelope = np.sqrt(ndimage.uniform_filter1d(high**2, frame) + 1e-12)
    shape = np.sqrt(ndimage.uniform_filter1d(image**2, frame) + 1e-12)
    copy = keep + image * envelope / shape
    rate = SAMPLE_RATE / float(rng.choice([64, 80, 128, 160, 200, 256, 300]))
    time = np.arange(len(copy)) / SAMPLE_RATE
    loudness = np.sqrt(ndimage.uniform_filter1d(samples**2, 4 * frame))
    for k in rng.integers(1, max(2, int(7000 / rate)), 6):
        gain = 10 ** (rng.uniform(-60, -36) / 20)
        copy = copy + gain * loudness * np.sin(2 * np.pi * rate * int(k) * time)
    return copy


def linear_prediction(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """All-pole filters excited by pulses at the pitch where voiced and by noise elsewhere."""
    from scipy import linalg, signal

    pyworld = _pyworld()
    order, hop = int(rng.integers(16, 31)), 80
    size = 4 * hop
    f0, _ = pyworld.dio(samples, SAMPLE_RATE, frame_period=1000 * hop / SAMPLE_RATE)
    frames = 1 + len(samples) // hop
    f0 = np.pad(f0, (0, max(0, frames - len(f0))))[:frames]
    window = np.hanning(size)
    padded = np.pad(samples, (size // 2, size))
    noise = rng.normal(size=len(padded))
    pulses = np.zeros(len(padded))
    position = 0.0
    while position < len(samples):
        pitch = f0[int(position) // hop]
        period = SAMPLE_RATE / pitch if pitch > 0 else float(hop)
        if pitch > 0:
            pulses[int(position) + size // 2] = np.sqrt(period)
        position += period
    mix = rng.uniform(0.0, 0.3)  # some breath in voiced frames
    copy = np.zeros(len(padded))
    for i in range(frames):
        at = slice(i * hop, i * hop + size)
        frame = padded[at] * window
        if len(frame) < size:
            break
        r = np.correlate(frame, frame, "full")[size - 1 : size + order]
        if r[0] < 1e-9:
            continue
        r[0] *= 1.0001
        a = linalg.solve_toeplitz(r[:-1], r[1:])
        gain = np.sqrt(max(r[0] - a @ r[1:], 1e-12) / np.sum(window**2))
        source = noise[at] if f0[i] == 0 else (1 - mix) * pulses[at] + mix * noise[at]
        out = signal.lfilter([gain], np.concatenate([[1.0], -a]), source)
        copy[at] += out * window
    return copy[size // 2 :]


def mel_cepstrum(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A warped-cepstrum envelope excited by WORLD's own pulses and noise.

    The envelope is the exponential of a mel-generalised cepstrum of low order, the spectrum that
    an MLSA filter realises (Imai 1983), here applied in the frequency domain.
    """
    pyworld = _pyworld()
    f0, times = pyworld.dio(samples, SAMPLE_RATE)
    f0 = pyworld.stonemask(samples, f0, times, SAMPLE_RATE)
    envelope = pyworld.cheaptrick(samples, f0, times, SAMPLE_RATE)
    order, bins = int(rng.integers(20, 41)), envelope.shape[1]
    alpha = 0.42  # warping of the mel scale at 16 kHz
    omega = np.linspace(0, np.pi, bins)
    warped = omega + 2 * np.arctan(alpha * np.sin(omega) / (1 - alpha * np.cos(omega)))
    basis = np.cos(np.outer(warped, np.arange(order + 1)))
    cepstrum, *_ = np.linalg.lstsq(basis, np.log(envelope.T + 1e-16), rcond=None)
    smooth = np.ascontiguousarray(np.exp(basis @ cepstrum).T)
    voiced = (f0 > 0)[:, None]
    limit = rng.uniform(2500, 6000)  # voiced below, noise above, as mixed excitation does
    frequency = np.linspace(0, SAMPLE_RATE / 2, bins)[None]
    aperiodicity = np.where(voiced & (frequency < limit), 0.05, 0.999)
    return pyworld.synthesize(f0, smooth, np.ascontiguousarray(aperiodicity), SAMPLE_RATE)


METHODS: dict[str, Method] = {
    "world": world,
    "griffin-lim": griffin_lim,
    "griffin-lim-mel": griffin_lim_mel,
    "mel-natural-phase": mel_natural_phase,
    "upsampled": upsampled,
    "linear-prediction": linear_prediction,
    "mel-cepstrum": mel_cepstrum,
}
"""Name -> function of (samples, rng)."""


@functools.cache
def _pyworld() -> Any:
    """The compiled part of pyworld alone: its package needs pkg_resources, which is gone."""
    package = importlib.util.find_spec("pyworld")
    if package is None:
        raise ModuleNotFoundError("Copy-synthesis needs pyworld: pip install pyworld.")
    for folder in package.submodule_search_locations or []:
        for file in Path(folder).glob("pyworld.*"):
            if file.suffix in {".so", ".pyd"}:
                spec = importlib.util.spec_from_file_location("pyworld.pyworld", file)
                assert spec is not None and spec.loader is not None
                module = importlib.util.module_from_spec(spec)
                spec.loader.exec_module(module)
                return module
    raise ModuleNotFoundError("pyworld is installed without its compiled part.")


def _frame(rng: np.random.Generator) -> tuple[int, int]:
    size = int(rng.choice([512, 800, 1024]))
    return size, size // 4


def _stft(samples: np.ndarray, size: int, hop: int) -> np.ndarray:
    padded = np.pad(samples, (size // 2, size))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]
    return np.fft.rfft(frames * np.hanning(size + 1)[:-1], axis=1).T


def _istft(spectrum: np.ndarray, size: int, hop: int) -> np.ndarray:
    window = np.hanning(size + 1)[:-1]
    frames = np.fft.irfft(spectrum.T, size, axis=1) * window
    n = hop * (len(frames) - 1) + size
    out, weight = np.zeros(n), np.zeros(n)
    for i, frame in enumerate(frames):
        out[i * hop : i * hop + size] += frame
        weight[i * hop : i * hop + size] += window**2
    return (out / np.maximum(weight, 1e-3))[size // 2 :]


def _griffin_lim(
    magnitude: np.ndarray, size: int, hop: int, iterations: int, rng: np.random.Generator
) -> np.ndarray:
    phase = np.exp(2j * np.pi * rng.random(magnitude.shape))
    before = np.zeros_like(phase)
    n = hop * (magnitude.shape[1] - 1) + size // 2
    for _ in range(iterations):
        again = _stft(_istft(magnitude * phase, size, hop)[:n], size, hop)
        again = again[:, : magnitude.shape[1]]
        again = np.pad(again, ((0, 0), (0, magnitude.shape[1] - again.shape[1])))
        step = again + 0.99 * (again - before)
        before = again
        phase = step / np.maximum(np.abs(step), 1e-9)
    return _istft(magnitude * phase, size, hop)


def _through_mel(magnitude: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    bands = mel_bands(int(rng.choice([80, 80, 100, 128])), size)
    return np.maximum(np.linalg.pinv(bands) @ (bands @ magnitude), 1e-7)
