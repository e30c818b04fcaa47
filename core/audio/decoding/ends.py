"""Where the first of files that are joined ends."""

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


def mp4_cut(file: Reader, size: int) -> bool:
    """Whether a box of an MP4 reaches beyond the file."""
    at = 0
    if file.at(4, 4) != b"ftyp":
        return False
    for _ in range(100_000):
        head = file.at(at, 16)
        if len(head) < 8:
            break
        length = int.from_bytes(head[:4], "big")
        length = int.from_bytes(head[8:], "big") if length == 1 else length
        if length < 8:
            break
        at += length
    return at > size


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


def ps_end(file: Reader, size: int) -> tuple[int, bool]:
    """Where packets of MPEG-PS end for good."""
    at = 0
    while at < size:
        length = _ps_packet(file, at)
        if not length:
            block = file.at(at, 1 << 20)
            resumes = (at + m.start() for m in re.finditer(b"\0\0\1\xba", block))
            found = next((begin for begin in resumes if _ps_packet(file, begin)), None)
            if found is None or another(file, at, min(size, found + LOOK))[0] < found:
                return at, True
            at = found
        else:
            at += length
    return size, True


def _ps_packet(file: Reader, at: int) -> int:
    """Bytes of the packet that begins there, 0 where none does."""
    head = file.at(at, 14)
    if len(head) < 4 or head[:3] != b"\0\0\1" or head[3] < 0xB9:
        return 0
    if head[3] == 0xB9:  # the end, behind which another may begin
        return 4
    if head[3] != 0xBA:
        return 6 + int.from_bytes(head[4:6], "big")
    if len(head) > 4 and head[4] >> 4 == 2:  # MPEG-1
        return 12
    return 14 + (head[13] & 7) if len(head) == 14 and head[4] >> 6 == 1 else 0


def tta_end(file: Reader, size: int) -> tuple[int, bool]:
    """Where the frames of a TTA end, by the table of their lengths."""
    head = file.at(0, 22)
    if len(head) < 22:
        return size, True
    rate, samples = struct.unpack("<II", head[10:18])
    frame = max(1, rate * 256 // 245)
    table = file.at(22, min(-(-samples // frame), _MOST_FRAMES) * 4)
    lengths = struct.unpack(f"<{len(table) // 4}I", table[: len(table) // 4 * 4])
    end = 22 + len(table) + 4 + sum(lengths)
    return min(end, size), end <= size


def ape_end(file: Reader, size: int) -> tuple[int, bool]:
    """Where the frames of a Monkey's Audio end, by its descriptor."""
    head = file.at(0, 36)
    if len(head) < 36 or int.from_bytes(head[4:6], "little") < 3_980:
        return LOOK, False  # before it had one
    end = sum(struct.unpack("<7I", head[8:36])[n] << 32 * (n == 5) for n in range(7))
    return min(end, size), end <= size


_MOST_FRAMES = 1_000_000

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
        if at and head[:8] == b"\x30\x26\xb2\x75\x8e\x66\xcf\x11":  # another file
            break
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
