"""What audio is inside Spoofscope: one mono array at one rate, and where it came from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SAMPLE_RATE = 16_000
"""Sampling rate of every `Clip`, in hertz."""


class AudioError(ValueError):
    """Audio that cannot be used; the message is a sentence for the person who gave it.

    Parameters
    ----------
    message : str
        What is wrong and what to do about it, in one or two sentences.
    code : str
        A stable word for programs: ``empty``, ``not_audio``, ``no_audio_track``, ``truncated``,
        ``no_samples``, ``not_finite``, ``bad_header``, ``encrypted``, ``too_long``, ``too_large``
        or ``unreadable``.
    """

    def __init__(self, message: str, code: str = "unreadable") -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Source:
    """Facts about the file that a clip was decoded from.

    Attributes
    ----------
    name : str
        File name for people, without folders.
    container, codec : str
        As the decoder names them, for example ``wav`` and ``pcm_s16le``.
    sample_rate : int
        Original rate in hertz.
    channels : int
        Original channel count; channels were averaged.
    duration_s : float
        Duration of the decoded audio in seconds.
    sha256 : str
        Hash of the file's bytes, or of the samples where there was no file.
    decoder : str
        ``soundfile``, ``ffmpeg`` or ``samples``.
    notes : tuple of str
        Sentences for people, such as that damage was concealed while decoding.
    """

    name: str
    container: str
    codec: str
    sample_rate: int
    channels: int
    duration_s: float
    sha256: str
    decoder: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Clip:
    """Mono audio at `SAMPLE_RATE`.

    Attributes
    ----------
    samples : numpy.ndarray
        float32, shape ``[n]``, nominally within [-1, 1].
    source : Source
        Where the samples came from.
    """

    samples: np.ndarray
    source: Source

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / SAMPLE_RATE
