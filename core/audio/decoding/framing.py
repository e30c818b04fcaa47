"""Headers of frames that stand one behind the other, and how long a frame is by its header."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from core.audio.decoding.source import Reader


def mpeg(head: bytes) -> int:
    """Bytes of the MPEG audio frame that a header begins; 0 where it begins none."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return 0
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    rate, hertz = head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or layer == 4 or rate in (0, 15) or hertz == 3:
        return 0
    rates = _MPEG_RATES[0 if version == 3 else 1][layer - 1]
    per_s = (44_100, 48_000, 32_000)[hertz] >> {3: 0, 2: 1, 0: 2}[version]
    bits = rates[rate - 1] * 1000
    padding = head[2] >> 1 & 1
    if layer == 1:
        return (12 * bits // per_s + padding) * 4
    return (72 if layer == 3 and version != 3 else 144) * bits // per_s + padding


_MPEG_RATES = (
    (
        (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
        (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
        (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    ),
    (
        (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
        (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
        (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    ),
)


def _adts(head: bytes) -> int:
    """The same for AAC in ADTS."""
    if len(head) < 7 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0 or head[2] >> 2 & 15 > 12:
        return 0
    length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    return length if length > 7 else 0


def _ac3(head: bytes) -> int:
    """The same for AC-3 and E-AC-3."""
    if len(head) < 6 or head[:2] != b"\x0b\x77":
        return 0
    if 10 < head[5] >> 3 <= 16:
        return 2 * ((head[2] & 7) << 8 | head[3]) + 2
    hertz, size = head[4] >> 6, head[4] & 0x3F
    if hertz == 3 or size >= 38 or head[5] >> 3 > 10:
        return 0
    rate = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640)
    bits = rate[size >> 1] * 1000
    return 2 * (bits * 96 // (48_000, 44_100, 32_000)[hertz] + (hertz == 1 and size & 1))


def wavpack(head: bytes) -> int:
    """The same for a block of WavPack."""
    return 8 + int.from_bytes(head[4:8], "little") if head[:4] == b"wvpk" else 0


def wavpack_begins(head: bytes) -> bool:
    """Whether that block is the first of a file: it begins at no sample, and holds some."""
    if head[:4] != b"wvpk" or len(head) < 28:
        return False
    (index, samples, flags), high = struct.unpack("<III", head[16:28]), head[10]
    return not (index or high) and samples > 0 and bool(flags & 0x800)


def _amr(head: bytes) -> int:
    """The same for AMR; what is all zero is padding, though it could pass for a frame."""
    sizes = (13, 14, 16, 18, 20, 21, 27, 32, 6, 0, 0, 0, 0, 0, 0, 1)
    return _amr_frame(head, sizes)


def _amr_wide(head: bytes) -> int:
    """The same for AMR-WB."""
    return _amr_frame(head, (18, 24, 33, 37, 41, 47, 51, 59, 61, 6, 0, 0, 0, 0, 1, 1))


def _amr_frame(head: bytes, sizes: tuple[int, ...]) -> int:
    if not head or head[0] & 0x83 or not any(head[:16]):
        return 0
    return sizes[head[0] >> 3 & 15]


STREAMS: tuple[tuple[Callable[[bytes], Any], Callable[[bytes], int], bytes], ...] = (
    (mpeg, mpeg, b""),
    (_adts, _adts, b""),
    (_ac3, _ac3, b""),
    (wavpack, wavpack, b""),
    (lambda head: head.startswith(b"#!AMR\n"), _amr, b"#!AMR\n"),
    (lambda head: head.startswith(b"#!AMR-WB\n"), _amr_wide, b"#!AMR-WB\n"),
)
"""How a stream of frames begins, how long a frame is, and what stands before the frames."""


def runs(file: Reader, at: int, length_of: Callable[[bytes], int], least: int) -> bool:
    """Whether so many frames stand one behind the other at an offset."""
    for _ in range(least):
        n = length_of(file.at(at, 16))
        if not n:
            return False
        at += n
    return True
