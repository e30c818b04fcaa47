"""What happens to a voice on its way to a recorder: noise, a room, another speed, another level.

Every function keeps its input and is a function of its arguments alone: what is random comes from
the generator it is given.
"""

from __future__ import annotations

import math

import numpy as np

from core.audio.clip import SAMPLE_RATE

_REACH = 1.25  # an impulse response is cut off where it has decayed by 75 dB


def pink_noise(n: int, rng: np.random.Generator) -> np.ndarray:
    """Gaussian noise that falls by 3 dB per octave, as the background of most rooms does.

    Parameters
    ----------
    n : int
        Samples, at least 2.
    rng : numpy.random.Generator
        Makes the noise.

    Returns
    -------
    numpy.ndarray
        float64, shape ``[n]``, mean 0 and RMS 1.
    """
    spectrum = np.fft.rfft(rng.standard_normal(n))
    spectrum[0] = 0.0
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    noise = np.fft.irfft(spectrum, n)
    return noise / math.sqrt(np.mean(noise**2))


def add_noise(
    samples: np.ndarray, snr_db: float, speech_rms: float, rng: np.random.Generator
) -> np.ndarray:
    """Pink noise under speech, at a stated ratio of the speech's power to the noise's.

    Parameters
    ----------
    samples : numpy.ndarray
        float32, shape ``[n]``.
    snr_db : float
        Signal-to-noise ratio in dB.
    speech_rms : float
        RMS of the samples where there is speech, so that pauses do not count as signal.
    rng : numpy.random.Generator
        Makes the noise.

    Returns
    -------
    numpy.ndarray
        float32, shape ``[n]``.
    """
    if len(samples) < 2:
        return samples.copy()
    noise = pink_noise(len(samples), rng) * speech_rms * 10 ** (-snr_db / 20)
    return (samples + noise).astype(np.float32)


def room_response(rt60_s: float, direct_db: float, rng: np.random.Generator) -> np.ndarray:
    """Impulse response of a made-up room: the direct sound, then Gaussian noise that dies away.

    The noise decays as ``exp(-3 ln(10) t / rt60_s)``, which is 60 dB in ``rt60_s``.
    Source: J.-D. Polack, "La transmission de l'énergie sonore dans les salles", 1988.

    Parameters
    ----------
    rt60_s : float
        Reverberation time in seconds.
    direct_db : float
        Energy of the direct sound over that of the reverberation, in dB.
    rng : numpy.random.Generator
        Makes the reverberation.

    Returns
    -------
    numpy.ndarray
        float64, shape ``[1 + int(1.25 * rt60_s * SAMPLE_RATE)]``, energy 1, direct sound first.
    """
    n = int(_REACH * rt60_s * SAMPLE_RATE)
    decay = np.exp(-3 * math.log(10) * np.arange(n) / (rt60_s * SAMPLE_RATE))
    tail = rng.standard_normal(n) * decay
    tail *= 10 ** (-direct_db / 20) / math.sqrt(np.sum(tail**2))
    response = np.concatenate([[1.0], tail])
    return response / math.sqrt(np.sum(response**2))


def in_room(samples: np.ndarray, response: np.ndarray) -> np.ndarray:
    """A recording as it sounds in a room, float32 ``[n]``; what rings on after it is cut off."""
    from scipy.signal import fftconvolve

    return fftconvolve(samples, response)[: len(samples)].astype(np.float32)


def at_speed(samples: np.ndarray, factor: float) -> np.ndarray:
    """A recording played faster (above 1) or slower, pitch and all, float32 ``[~ n / factor]``."""
    import soxr

    return soxr.resample(np.asarray(samples, np.float32), SAMPLE_RATE * factor, SAMPLE_RATE, "HQ")


def gain(samples: np.ndarray, db: float) -> tuple[np.ndarray, float]:
    """Another level, as a recorder with 16 bits stores it.

    Parameters
    ----------
    samples : numpy.ndarray
        float32, shape ``[n]``.
    db : float
        Change of level in dB.

    Returns
    -------
    (numpy.ndarray, float)
        float32, shape ``[n]``, in steps of 1/32768 and cut flat at full scale; and the share of
        samples that were cut, 0-1.
    """
    loud = np.round(samples * (10 ** (db / 20) * 32768))
    cut = loud.clip(-32768, 32767)
    share = float(np.mean(loud != cut)) if len(loud) else 0.0
    return (cut / 32768).astype(np.float32), share


def within_full_scale(samples: np.ndarray) -> np.ndarray:
    """Turned down, where need be, so that nothing exceeds full scale."""
    peak = float(np.max(np.abs(samples), initial=1.0))
    return samples if peak <= 1.0 else (samples / np.float32(peak)).astype(np.float32)
