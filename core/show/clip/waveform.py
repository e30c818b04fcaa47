"""A clip as pictures and sound: waveform pairs, a spectrogram, WAV slices."""

from __future__ import annotations

import base64
import io
import wave

import numpy as np

from core.audio.clip import SAMPLE_RATE, Clip
from core.show.theme import LIGHT, Palette

MAX_PAIRS = 2_000
"""Most minimum-maximum pairs in one picture of a waveform."""

FLOOR_DB = -70.0
"""Spectrogram level, relative to its maximum, that is drawn as silence."""


def wav_bytes(clip: Clip, start_s: float = 0.0, end_s: float | None = None) -> bytes:
    """A slice of a clip as 16-bit mono WAV at 16 kHz, at its own level.

    Parameters
    ----------
    clip : Clip
        Samples beyond full scale are clipped, as a sound card would.
    start_s, end_s : float
        In seconds; to the end of the clip by default.
    """
    first = max(0, round(start_s * SAMPLE_RATE))
    last = None if end_s is None else round(end_s * SAMPLE_RATE)
    samples = np.clip(clip.samples[first:last], -1.0, 1.0)
    data = io.BytesIO()
    with wave.open(data, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(np.round(samples * 32767.0).astype("<i2").tobytes())
    return data.getvalue()


def extremes(samples: np.ndarray, pairs: int = MAX_PAIRS) -> tuple[np.ndarray, np.ndarray]:
    """Minimum and maximum of each of at most ``pairs`` equal stretches.

    Parameters
    ----------
    samples : numpy.ndarray
        Shape ``[n]``, ``n >= 1``.
    pairs : int
        Upper bound on the number of stretches; fewer where there are fewer samples.

    Returns
    -------
    (numpy.ndarray, numpy.ndarray)
        Each of shape ``[min(n, pairs)]``; every sample lies in exactly one stretch.
    """
    count = min(len(samples), pairs)
    starts = np.arange(count) * len(samples) // count
    return np.minimum.reduceat(samples, starts), np.maximum.reduceat(samples, starts)


def spectrogram_db(
    samples: np.ndarray, columns: int = 900, bands: int = 160
) -> tuple[np.ndarray, float]:
    """Power over time and frequency, in dB below the loudest point.

    Hann windows of 512 samples (32 ms); their hop is chosen so that about ``columns`` of them
    cover the clip, and frames in between are skipped in clips longer than that.

    Parameters
    ----------
    samples : numpy.ndarray
        Shape ``[n]`` at 16 kHz.
    columns, bands : int
        Size of the picture; bands are equally wide from 0 to 8 kHz.

    Returns
    -------
    (numpy.ndarray, float)
        Shape ``[bands, frames]`` from low to high frequency, within [`FLOOR_DB`, 0], and the
        highest frequency in hertz.
    """
    size = 512
    padded = np.pad(np.asarray(samples, np.float32), (size // 2, size // 2))
    hop = max(64, -(-len(samples) // columns))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]
    power = np.abs(np.fft.rfft(frames * np.hanning(size).astype(np.float32), axis=1)) ** 2
    edges = np.linspace(0, size // 2, bands + 1).astype(int)
    banded = np.add.reduceat(power[:, : size // 2], edges[:-1], axis=1).T
    peak = float(banded.max())
    if peak <= 0.0:
        return np.full(banded.shape, FLOOR_DB, np.float32), SAMPLE_RATE / 2
    level = 10.0 * np.log10(np.maximum(banded / peak, 1e-30))
    return np.clip(level, FLOOR_DB, 0.0).astype(np.float32), SAMPLE_RATE / 2


def spectrogram_png(samples: np.ndarray, palette: Palette = LIGHT) -> str:
    """The spectrogram as a PNG data address, from the page's background to its text colour."""
    from PIL import Image

    level, _ = spectrogram_db(samples)
    share = (1.0 - level[::-1] / FLOOR_DB)[..., None]
    ends = [np.array(_rgb(c), np.float32) for c in (palette.background, palette.text)]
    pixels = ends[0] + share * (ends[1] - ends[0])
    data = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8), "RGB").save(data, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(data.getvalue()).decode()


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
