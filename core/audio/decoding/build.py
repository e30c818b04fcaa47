"""A clip from what a decoder found, or from an array of samples."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np

from core.audio.clip import SAMPLE_RATE, AudioError, Clip, Source, Track
from core.audio.decoding.channels import Layout
from core.audio.decoding.notes import channel_notes, form_notes, offset_taken_out
from core.audio.decoding.output import BLOCK, OVERSCALE, Decoded, Output
from core.audio.decoding.source import Limits

APART_S = 7_200.0
"""Channels are taken apart where they are no longer together: 460 MB of samples."""

OFFSET_SHARE = 0.05
"""A constant offset above this share of the sound's level (-26 dB) is taken out. Smaller ones move
a log-likelihood ratio by 0.1 in the median; of public clips one in fifty has a larger one."""

OFFSET_SAID = 0.005
"""Of full scale: offsets from which on that is said."""

MOST_MISSING = 1_000
"""Of more missing stretches than this the longest are listed."""


def clip_of(
    found: Decoded,
    name: str,
    sha256: str,
    notes: tuple[str, ...],
    tracks: tuple[Track, ...],
    layout: Layout,
    channel: int | None,
    *,
    kept: bool = False,
) -> Clip:
    """Put together what a decoder found.

    Parameters
    ----------
    found : Decoded
        Its output is used up.
    name, sha256 : str
        As in `Source`.
    notes : tuple of str
        What the header gave cause to say.
    tracks : tuple of Track
        Those of the file.
    layout : Layout
        What was found of the channels.
    channel : int or None
        The one that was taken.
    kept : bool
        Whether channels are kept apart beside this clip.

    Raises
    ------
    AudioError
        If there is not one sample.
    """
    out = found.out
    samples = out.samples()
    if not len(samples):
        raise AudioError("This file has a sound track, but not one sample in it.", "no_samples")
    said = [*notes, *found.notes, *form_notes(out.rate, out.channels, out.changes)]
    said += channel_notes(layout, kept)
    if out.peak > OVERSCALE:
        said.append(
            f"Samples reach {out.peak:.3g} times full scale: the file was probably written "
            "without scaling."
        )
    offset = _level_out(samples)
    if abs(offset) >= OFFSET_SAID:
        said.append(offset_taken_out(offset))
    if channel is None and layout.silent:
        samples *= np.float32(out.channels / (out.channels - len(layout.silent)))
        channel = layout.loudest if len(layout.silent) == out.channels - 1 else None
    longest = sorted(out.missing, key=lambda span: span[0] - span[1])[:MOST_MISSING]
    source = Source(
        name=name,
        container=found.container,
        codec=found.codec,
        sample_rate=out.rate,
        channels=out.channels,
        duration_s=len(samples) / SAMPLE_RATE,
        sha256=sha256,
        decoder=found.decoder,
        notes=tuple(said),
        tracks=tracks,
        track=found.track,
        channel=channel,
        missing=tuple((a / SAMPLE_RATE, b / SAMPLE_RATE) for a, b in sorted(longest)),
    )
    return Clip(samples, source)


def _level_out(samples: np.ndarray) -> float:
    """Take a constant offset out of samples, in place, and say what it was; 0 where it is small.

    Nobody hears it, but it counts as level, as bandwidth and as flat tops, and moves a network's
    scores. Samples that are exactly zero stay: there is no sound. Where most are, as between
    clicks, they count.
    """
    if len(samples) < SAMPLE_RATE:  # of less, a mean says nothing
        return 0.0
    held, total, power = 0, 0.0, 0.0
    for start in range(0, len(samples), BLOCK):
        part = samples[start : start + BLOCK].astype(np.float64)
        held += int(np.count_nonzero(part))
        total += float(part.sum())
        power += float(np.dot(part, part))
    n = held if 2 * held >= len(samples) else len(samples)
    mean = total / n
    if abs(mean) <= OFFSET_SHARE * np.sqrt(max(0.0, power / n - mean * mean)):
        return 0.0
    for start in range(0, len(samples), BLOCK):
        part = samples[start : start + BLOCK]
        part[part != 0] -= np.float32(mean)
    return mean


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
    limits = limits or Limits()
    out = _poured(samples, sample_rate, limits)
    layout = out.layout()
    found = Decoded(out, "none", str(samples.dtype), "samples")
    kept = bool(layout.apart) and len(layout.apart) * out.seconds <= APART_S
    clip = clip_of(found, name, "", (), (), layout, None, kept=kept)
    digest = hashlib.sha256(clip.samples.astype("<f4", copy=False).data).hexdigest()
    source = replace(clip.source, sha256=digest)
    apart = tuple(
        Clip(
            _poured(samples[:, number - 1 : number], sample_rate, limits).samples(),
            replace(source, channel=number, notes=()),
        )
        for number in (layout.apart if kept else ())
    )
    return Clip(clip.samples, source, apart)


def _poured(samples: np.ndarray, sample_rate: int, limits: Limits) -> Output:
    scale = 1.0 / -float(np.iinfo(samples.dtype).min) if samples.dtype.kind == "i" else 1.0
    out = Output(limits)
    step = max(1, BLOCK // samples.shape[1])
    for start in range(0, len(samples), step):
        block = samples[start : start + step].astype(np.float32)
        out.push(block * np.float32(scale) if scale != 1.0 else block, sample_rate)
    return out
