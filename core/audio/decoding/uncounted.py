"""Bytes behind the sound that a header counts: read where they are sound, named where not.

A header's count of bytes can be too small, 0 where it was never filled in, or all ones where the
recorder wrote to a pipe. What follows the counted bytes may be further chunks, padding, or sound.
"""

from __future__ import annotations

import struct
from typing import Any, NamedTuple, cast

import numpy as np

from core.audio.decoding.messages import LEEWAY_S, not_read_on, read_on
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
    """

    end: int | None
    whole: tuple[tuple[int, bytes], ...]


def read_uncounted(file: Reader) -> tuple[str, ...]:
    """Let a file's whole sound be read, and say so.

    Parameters
    ----------
    file : Reader
        Any file; where its header counts too little, its bytes are replaced in what is read.

    Returns
    -------
    tuple of str
        A note, or nothing.
    """
    import soundfile

    size = file.size()
    count = _count(file, size)
    if count is None or (count.end is not None and count.end >= size):
        return ()
    if count.end is not None:
        rest = file.at(count.end, 1 << 16)
        if not any(rest) or _chunks_follow(file, count.end, size):
            return ()
    try:
        counted, _, _ = _opened(file, 1 << 62)
    except (soundfile.SoundFileError, ValueError, TypeError):
        counted = 0
    try:
        file.replaced = count.whole
        whole, rate, heard = _opened(file, counted)
    except (soundfile.SoundFileError, ValueError, TypeError):
        file.replaced = ()
        return ()
    more_s = (whole - counted) / rate
    if count.end is not None and more_s >= LEEWAY_S and _resemblance(heard) > RESEMBLANCE:
        return (read_on(counted / rate, more_s),)
    if count.end is not None or more_s <= 0:
        file.replaced = ()
    return (not_read_on(size - count.end),) if count.end and more_s >= LEEWAY_S else ()


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


def _count(file: Reader, size: int) -> Count | None:
    head = file.at(0, 64)
    if head[:4] == b".snd" and len(head) >= 24:
        start, length = struct.unpack(">II", head[4:12])
        return Count(_end(start, length), ((8, b"\xff" * 4),))
    if head[:4] == b"caff":
        at, length = _chunk(file, 8, ">q", b"data")
        return (
            Count(_end(at + 12, length), ((at + 4, _packed(">q", size - at - 12)),)) if at else None
        )
    if head[:4] == b"RF64" and head[12:16] == b"ds64" and len(head) >= 36:
        at, _ = _chunk(file, 12, "<I", b"data")
        (length,) = struct.unpack("<q", head[28:36])
        return Count(_end(at + 8, length), ((28, _packed("<q", size - at - 8)),)) if at else None
    if head[:4] in (b"RIFF", b"RIFX") and head[8:12] == b"WAVE":
        order = "<I" if head[:4] == b"RIFF" else ">I"
        at, length = _chunk(file, 12, order, b"data")
        return (
            Count(_end(at + 8, length), ((at + 4, _packed(order, size - at - 8)),)) if at else None
        )
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        at, length = _chunk(file, 12, ">I", b"SSND")
        common, _ = _chunk(file, 12, ">I", b"COMM")
        both = ((at + 4, _packed(">I", size - at - 8)), (common + 10, b"\xff" * 4))
        return Count(_end(at + 8, 0 if length == 8 else length), both) if at and common else None
    return None


def _end(start: int, length: int) -> int | None:
    """First byte behind so many, padded to an even number; None where the length was left open."""
    if length <= 0 or 0x7FFFF000 <= length <= 0xFFFFFFFF:
        return None
    return start + length + (length & 1)


def _packed(format_: str, number: int) -> bytes:
    return struct.pack(format_, min(number, 0xFFFFFFFF) if format_[1] == "I" else number)


def _chunk(file: Reader, at: int, length_as: str, name: bytes) -> tuple[int, int]:
    """Offset of a chunk and its length; 0 and 0 where it is not found."""
    wide = 4 + struct.calcsize(length_as)
    for _ in range(1_000):
        head = file.at(at, wide)
        if len(head) < wide:
            break
        (length,) = struct.unpack(length_as, head[4:])
        if head[:4] == name:
            return at, length
        if length < 0:
            break
        at += wide + length + (length & 1 if wide == 8 else 0)
    return 0, 0


def _chunks_follow(file: Reader, at: int, size: int) -> bool:
    """Whether bytes are chunks up to the file's end, or tags that players put there."""
    wide, length_as = (12, ">q") if file.at(0, 4) == b"caff" else (8, "<I")
    if file.at(0, 4) in (b"FORM", b"RIFX"):
        length_as = ">I"
    if file.at(at, 3) in (b"TAG", b"ID3", b"APE"):
        return True
    for _ in range(1_000):
        head = file.at(at, wide)
        if len(head) < wide or not all(32 <= byte < 127 for byte in head[:4]):
            return size - at < wide
        (length,) = struct.unpack(length_as, head[4:])
        if length < 0 or at + wide + length > size:
            return False
        at += wide + length + (length & 1 if wide == 8 else 0)
    return False
