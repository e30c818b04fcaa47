"""Bytes behind the sound that a header counts: read where they are sound, named where not.

A header's count of bytes can be too small, 0 where it was never filled in, or all ones where the
recorder wrote to a pipe. What follows the counted bytes may be further chunks, padding, or sound.
"""

from __future__ import annotations

import struct
from typing import Any, NamedTuple, cast

import numpy as np

from core.audio.decoding.chunks import Form, chunks, counting, ends_in_chunks, form_of
from core.audio.decoding.notes import LEEWAY_S, not_read_on, read_on
from core.audio.decoding.pieces import follows, of_pieces
from core.audio.decoding.source import Reader

RESEMBLANCE = 0.3
"""Correlation of neighbouring samples above which bytes are taken for sound; noise has 0."""

_LOOK_S = 10.0  # of the bytes that follow, by which that is measured


class Count(NamedTuple):
    """Where a header counts its sound.

    Attributes
    ----------
    end : int or None
        First byte behind the counted ones; None where the header leaves it open.
    whole : tuple of (int, bytes)
        What to read at which offsets instead, so that all bytes to the end are counted.
    heeded : bool
        Whether libsndfile heeds the count; else it reads to the end.
    """

    end: int | None
    whole: tuple[tuple[int, bytes], ...]
    heeded: bool = True


def read_uncounted(file: Reader) -> tuple[Reader, tuple[str, ...]]:
    """Let a file's whole sound be read, and no more, and say so.

    Parameters
    ----------
    file : Reader
        Any file; where its header counts too little, its bytes are replaced in what is read.

    Returns
    -------
    (Reader, tuple of str)
        What to read; a note, or nothing.
    """
    import soundfile

    size = file.size()
    form = form_of(file.at(0, 64))
    count = _count(file, size, form)
    if count is None or (count.end is not None and count.end >= size):
        return file, ()
    counting = file
    if count.end is not None:
        if not count.heeded:
            counting = of_pieces(file, [(0, count.end)])
        rest = file.at(count.end, 1 << 16)
        chunked = form and ends_in_chunks(file, count.end, size, form)
        if not any(rest) or not follows(file, count.end) or chunked:
            return counting, ()
    try:
        counted, _, _ = _opened(counting, 1 << 62)
    except (soundfile.SoundFileError, ValueError, TypeError):
        counted = 0
    try:
        file.replaced = count.whole
        whole, rate, heard = _opened(file, counted)
    except (soundfile.SoundFileError, ValueError, TypeError):
        file.replaced = ()
        return counting, ()
    more_s = (whole - counted) / rate
    if count.end is not None and more_s >= LEEWAY_S and _resemblance(heard) > RESEMBLANCE:
        return file, (read_on(counted / rate, more_s),)
    if count.end is not None or more_s <= 0:
        file.replaced = ()
    notes = (not_read_on(size - count.end),) if count.end and more_s >= LEEWAY_S else ()
    return counting, notes


def _opened(file: Reader, start: int) -> tuple[int, int, np.ndarray]:
    """Frames, rate, and some of the first channel from a frame on."""
    import soundfile

    with soundfile.SoundFile(cast(Any, file.rewound())) as sound:
        frames, rate = max(0, sound.frames), max(1, sound.samplerate)
        heard = np.zeros(0, np.float32)
        if start < frames:
            sound.seek(start)
            heard = sound.read(int(_LOOK_S * rate), dtype="float32", always_2d=True)[:, 0]
        return frames, rate, heard


def _resemblance(x: np.ndarray) -> float:
    x = x[np.isfinite(x)].astype(np.float64)
    x -= x.mean() if len(x) else 0.0
    return float(np.dot(x[1:], x[:-1]) / max(float(np.dot(x, x)), 1e-12))


def _count(file: Reader, size: int, form: Form | None) -> Count | None:
    head = file.at(0, 24)
    if head[:4] == b".snd" and len(head) == 24:
        start, length = struct.unpack(">II", head[4:12])
        opened = length == 0 or length >= 0x7FFFF000
        return Count(None if opened else start + length, ((8, b"\xff" * 4),))
    sound = (
        next((c for c in chunks(file, size, form) if c.name == form.sound), None) if form else None
    )
    if form is None or sound is None:
        return None
    end = None if sound.open else sound.end + -(sound.end - sound.at) % form.align
    if form.counts_head:
        return Count(end, (), heeded=False)
    whole = counting(file, form, sound, size - sound.start - form.skip)
    return Count(end, whole) if whole else None
