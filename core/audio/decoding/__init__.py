"""Any container or codec to a `Clip`: decoded in blocks, in bounded memory, or refused in words.

libsndfile decodes what it can; FFmpeg (through PyAV) takes what libsndfile refuses or breaks off.
Formats are recognised by content: file names and extensions play no part. Neither library is
imported before the first clip is decoded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np

from core.audio.clip import SAMPLE_RATE, AudioError, Clip, Source
from core.audio.decoding.ffmpeg import with_ffmpeg
from core.audio.decoding.headers import read_header
from core.audio.decoding.output import BLOCK, OVERSCALE, Output, Refusal
from core.audio.decoding.soundfile import with_soundfile
from core.audio.decoding.source import Limits, name_of, opened, sha256_of

__all__ = ["Limits", "clip_from_samples", "decode"]


def decode(
    source: str | Path | bytes | BinaryIO,
    *,
    name: str | None = None,
    limits: Limits | None = None,
    progress: Callable[[float], None] | None = None,
) -> Clip:
    """Decode the first audio track of a file to mono float32 at 16 kHz.

    Channels are averaged; the rate is converted by a band-limited resampler (soxr, HQ).

    Parameters
    ----------
    source : str, pathlib.Path, bytes or binary file object
        A path (never an address), the file's bytes, or an open file, which is read from its
        beginning where it can seek and is left open.
    name : str, optional
        Name for people; by default the path's or file object's own, without folders.
    limits : Limits, optional
        By default ``Limits()``.
    progress : callable, optional
        Called with the seconds of sound decoded so far.

    Returns
    -------
    Clip
        At least one sample; ``source.notes`` says what was missing or concealed.

    Raises
    ------
    AudioError
        If there is nothing to decode, it is damaged beyond use, or it exceeds a limit.
    """
    limits = limits or Limits()
    name = Path(name or name_of(source)).name or "audio"
    with opened(source, limits) as file:
        digest = sha256_of(file, limits)
        facts = read_header(file)
        result = with_soundfile(file, facts, limits, progress)
        if isinstance(result, Refusal):
            result = with_ffmpeg(file, facts, result, limits, progress)
        out, format_ = result
    samples = out.samples()
    if not len(samples):
        raise AudioError("This file has a sound track, but not one sample in it.", "no_samples")
    notes = [*facts.notes, *format_.notes]
    if out.peak > OVERSCALE:
        notes.append(
            f"Samples reach {out.peak:.3g} times full scale: the file was probably written "
            "without scaling."
        )
    return Clip(
        samples,
        Source(
            name=name,
            container=format_.container,
            codec=format_.codec,
            sample_rate=out.rate,
            channels=out.channels,
            duration_s=len(samples) / SAMPLE_RATE,
            sha256=digest,
            decoder=format_.decoder,
            notes=tuple(notes),
        ),
    )


def clip_from_samples(
    samples: np.ndarray, sample_rate: int, name: str, limits: Limits | None = None
) -> Clip:
    """Make a clip from an array: a live take or a synthesized signal.

    Parameters
    ----------
    samples : numpy.ndarray
        Shape ``[n]`` or ``[n, channels]``; floats nominally within [-1, 1], or signed integers,
        which are scaled by their type's range.
    sample_rate : int
        In hertz.
    name : str
        Name for people.
    limits : Limits, optional
        By default ``Limits()``; ``max_bytes`` plays no part.

    Returns
    -------
    Clip
        ``source.sha256`` hashes its own 16 kHz samples (float32, little-endian).

    Raises
    ------
    AudioError
        If the array is empty, not finite, not audio-shaped or exceeds a limit.
    """
    samples = np.asarray(samples)
    if samples.ndim == 1:
        samples = samples[:, None]
    if samples.ndim != 2:
        raise AudioError("Samples must form one line, or a column for each channel.", "bad_header")
    if not samples.size:
        raise AudioError("There are no samples in this recording.", "no_samples")
    if samples.dtype.kind not in "if":
        raise AudioError("Samples must be floating-point or signed integer numbers.", "not_audio")
    scale = 1.0 / -float(np.iinfo(samples.dtype).min) if samples.dtype.kind == "i" else 1.0
    out = Output(limits or Limits())
    step = max(1, BLOCK // samples.shape[1])
    for start in range(0, len(samples), step):
        block = samples[start : start + step].astype(np.float32)
        out.push(block * np.float32(scale) if scale != 1.0 else block, sample_rate)
    mono = out.samples()
    if not len(mono):
        raise AudioError("There are too few samples in this recording.", "no_samples")
    return Clip(
        mono,
        Source(
            name=name,
            container="none",
            codec=str(samples.dtype),
            sample_rate=int(sample_rate),
            channels=samples.shape[1],
            duration_s=len(mono) / SAMPLE_RATE,
            sha256=hashlib.sha256(mono.astype("<f4", copy=False).data).hexdigest(),
            decoder="samples",
        ),
    )
