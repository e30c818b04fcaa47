"""Where a file's spectrum ends: at half of a rate of its past, or where a codec cut it."""

from __future__ import annotations

import numpy as np

from core.provenance.found import Sign
from core.provenance.native import Native

NYQUISTS = {"ends-4k": 4000.0, "ends-8k": 8000.0, "ends-11k": 11025.0, "ends-12k": 12000.0}
"""Code of a sign -> half of a rate at which much sound is made or passed on, in hertz."""

APART_HZ, EDGE_DB = 300.0, 30.0
"""Over so many hertz the mean spectrum falls at least by so many dB where it ends: a voice's own
falls reach 27."""

CODEC_HZ = 12_300.0
"""Above it an end of the spectrum is none of the rates in `NYQUISTS`, but that of a codec."""

BACK_DB = 24.0
"""What lies above the end stays at least so far below it."""


def mean_spectrum(sound: Native, size: int = 4096) -> tuple[np.ndarray, np.ndarray]:
    """Mean power of the louder half of the frames, in dB; frequencies in hertz, and levels."""
    x = sound.samples
    count = max(1, len(x) // size)
    frames = np.resize(x, count * size).reshape(count, size)
    energy = np.einsum("ij,ij->i", frames, frames)
    loud = np.argsort(energy)[len(energy) // 2 :][-2000:]
    window = np.hanning(size).astype(np.float32)
    power = np.zeros(size // 2 + 1)
    for first in range(0, len(loud), 256):
        power += (np.abs(np.fft.rfft(frames[loud[first : first + 256]] * window)) ** 2).sum(axis=0)
    power /= len(loud) * float((window**2).sum()) * size / 2
    return np.fft.rfftfreq(size, 1 / sound.rate), 10 * np.log10(power + 1e-16)


def spectrum_ends(sound: Native) -> Sign | None:
    """A steep end of the spectrum well below half of the file's rate."""
    found = _edge(*mean_spectrum(sound))
    if found is None:
        return None
    edge, fall = found
    about = {"edge_hz": round(edge), "rate": sound.rate, "fall_db": round(fall, 1)}
    for code, half in NYQUISTS.items():
        if 0.87 * half <= edge <= 1.02 * half:
            return Sign(code, about)
    # A codec that loses cuts the top by itself; without one somebody else did.
    return Sign("codec-cut", about) if sound.lossless and edge > CODEC_HZ else None


def _edge(frequencies: np.ndarray, level: np.ndarray) -> tuple[float, float] | None:
    """Where, and by how much, the mean of 750 Hz falls to that of the next 750."""
    step = float(frequencies[1])
    near = max(2, round(APART_HZ / 2 / step))
    width = max(4, round(750 / step))
    total = np.concatenate([[0.0], np.cumsum(level)])
    mean = (total[width:] - total[:-width]) / width
    below, above = mean[: -width - 2 * near], mean[width + 2 * near :]
    fall = below - above
    at = np.arange(len(fall)) + width + near
    nyquist = float(frequencies[-1])
    allowed = (frequencies[at] > 3000) & (frequencies[at] < 0.85 * nyquist)
    if not allowed.any():
        return None
    best = int(np.argmax(np.where(allowed, fall, -np.inf)))
    edge = float(frequencies[at[best]])
    beyond = level[(frequencies > edge + 250 + APART_HZ / 2) & (frequencies < 0.98 * nyquist)]
    if fall[best] < EDGE_DB or not len(beyond):
        return None
    # Nothing may come back above it: a gap in a spectrum is no end.
    if np.percentile(beyond, 95) > below[best] - BACK_DB:
        return None
    return edge, float(fall[best])
