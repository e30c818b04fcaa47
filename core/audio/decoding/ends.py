"""Where the first of files that are joined ends: MP4, Matroska; where a FLAC's frames begin."""

from __future__ import annotations

import re
import struct

from core.audio.decoding.pieces import LOOK, another
from core.audio.decoding.source import Reader


def mp4_end(file: Reader, size: int) -> tuple[int, bool]:
    """Where boxes end, or a second file's begin; and whether the file is whole there."""
    at, seen = 0, set[bytes]()
    for _ in range(100_000):
        head = file.at(at, 16)
        if len(head) < 8:
            break
        length, name = struct.unpack(">I4s", head[:8])
        if length == 1 and len(head) == 16:
            (length,) = struct.unpack(">Q", head[8:])
        if b"moof" in seen or length == 0:
            break  # pieces of a live stream, whose first boxes may come again
        boxes = length >= 8 and all(32 <= b < 127 or b == 0xA9 for b in name)
        if not boxes or (name == b"ftyp" and {b"moov", b"mdat"} <= seen):
            return at, {b"moov", b"mdat"} <= seen
        seen.add(name)
        at += length
    return size, True


def ts_end(file: Reader, size: int) -> tuple[int, bool]:
    """Where packets of MPEG-TS end for good."""
    at = 0
    while at < size:
        block = file.at(at, _PACKETS * 188)
        marks = block[::188]
        good = len(marks) - len(marks.lstrip(b"\x47"))
        at += good * 188
        if good < len(marks):
            resumes = re.search(rb"(?=\x47.{187}\x47.{187}\x47)", file.at(at, 1 << 16), re.DOTALL)
            if not resumes:
                return at, True
            at += resumes.start()
    return size, True


def flv_end(file: Reader, size: int) -> tuple[int, bool]:
    """Where the tags of an FLV end for good."""
    at = 13
    while at < size:
        head = file.at(at, 11)
        if len(head) < 11 or head[0] not in (8, 9, 18) or head[8:11] != bytes(3):
            block = file.at(at, 1 << 20)
            resumes = (m.start() for m in _FLV_TAG.finditer(block) if _flv_tag(block, m.start()))
            found = next(resumes, None)
            if found is None or another(file, at, min(size, at + found + LOOK))[1]:
                return at, True
            at += found
        else:
            at += 15 + int.from_bytes(head[1:4], "big")
    return size, True


_FLV_TAG = re.compile(rb"(?=[\x08\x09\x12].{7}\0{3})", re.DOTALL)


def _flv_tag(block: bytes, at: int) -> bool:
    """Whether a tag stands there: its length stands behind it too."""
    length = 11 + int.from_bytes(block[at + 1 : at + 4], "big")
    return block[at + length : at + length + 4] == length.to_bytes(4, "big")


def avi_end(file: Reader, size: int) -> tuple[int, bool]:
    """Where the lists of an AVI end; a live one may leave their lengths open."""
    at = 0
    while (head := file.at(at, 12))[:4] == b"RIFF" and head[8:11] == b"AVI":
        (length,) = struct.unpack("<I", head[4:8])
        if length < 100:
            return 12, False
        at += 8 + length + (length & 1)
    return min(at, size), True


def asf_end(file: Reader, size: int) -> tuple[int, bool]:
    """Where the objects of an ASF (WMA) end; a live one may leave their lengths open."""
    at = 0
    while len(head := file.at(at, 24)) == 24 and (at == 0 or head[10:16] in _NODES):
        (length,) = struct.unpack("<Q", head[16:])
        if length < 24:
            return 24, False
        at += length
    return min(at, size), True


_NODES = (b"\x00\xaa\x00\x62\xce\x6c", b"\x00\xa0\xc9\x03\x49\xcb", b"\x00\xc0\x4f\xb6\x11\x6a")
_PACKETS = 5_000

_TOP = (b"\x1aE\xdf\xa3", b"\x18\x53\x80\x67", b"\xec", b"\xbf")  # EBML, segment, void, checksum


def matroska_end(file: Reader, size: int) -> tuple[int, bool]:
    """Where the first segment ends; where its length is left open, where to look from, and no."""
    at = 0
    for _ in range(100):
        head = file.at(at, 12)
        if len(head) < 6:
            break
        id_bytes = 9 - head[0].bit_length()
        if head[:id_bytes] not in _TOP or not head[id_bytes]:
            return at, True
        width = 9 - head[id_bytes].bit_length()
        length = int.from_bytes(head[id_bytes : id_bytes + width], "big") & (1 << 7 * width) - 1
        start = at + id_bytes + width
        if head[:4] == _TOP[1] and length == (1 << 7 * width) - 1:
            return start, False
        if at and head[:4] == _TOP[0]:
            return at, True
        at = start + length
        if at >= size:
            break
    return size, True


def flac_frames(file: Reader, size: int) -> int:
    """Where a FLAC's frames begin: behind its blocks of metadata, which may hold headers."""
    at = 4
    for _ in range(10_000):
        head = file.at(at, 4)
        if len(head) < 4:
            return size
        at += 4 + int.from_bytes(head[1:], "big")
        if head[0] & 0x80:
            break
    return min(at, size)


def flac_behind(frame: bytes) -> int:
    """Bytes behind a FLAC's last frame, by the checksum (CRC-16) at its end; at least so many.

    Parameters
    ----------
    frame : bytes
        What FFmpeg takes for the frame: all that no other frame follows.
    """
    rest, end = 0, 0
    for at, byte in enumerate(frame[:_MOST_FRAME], 1):
        rest = (rest << 8 & 0xFF00) ^ _CRC_16[rest >> 8 ^ byte]
        if not rest:
            end = at
    return len(frame) - end if rest and end else 0


def _crc_16(byte: int) -> int:
    rest = byte << 8
    for _ in range(8):
        rest = (rest << 1) ^ (0x8005 if rest & 0x8000 else 0)
    return rest & 0xFFFF


_CRC_16 = [_crc_16(byte) for byte in range(256)]
_MOST_FRAME = 1 << 20
