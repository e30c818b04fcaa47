"""Pieces of a file read as a file; what else stands in it: other files, tags, padding."""

from __future__ import annotations

import io
import os
import re
import struct
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from typing import BinaryIO, NamedTuple, cast

from core.audio.decoding.framing import mpeg, runs
from core.audio.decoding.notes import another_file, not_read_on
from core.audio.decoding.source import Reader

BLOCK = 1 << 20  # bytes looked at at a time
MOST_TAGS = 1_000  # tags one behind the other that are followed
LOOK = 256  # bytes that say what begins at an offset


class Read(NamedTuple):
    """What is decoded, one reader behind the other, and what there is to say of it."""

    files: tuple[Reader, ...]
    notes: tuple[str, ...] = ()


Piece = tuple[int, int] | bytes
"""Bytes of a file, from an offset to another, or bytes that stand in their place."""


class _Pieces(io.RawIOBase):
    """Pieces of a file as a file."""

    def __init__(self, file: Reader, pieces: list[Piece]) -> None:
        self._file = file
        self._pieces = [p for p in pieces if _length(p)]
        self._ends = list(accumulate(map(_length, self._pieces)))
        self._at = 0

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        size = self._ends[-1] if self._ends else 0
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: size}[whence]
        if start + offset < 0:
            raise ValueError("before the beginning")
        self._at = start + offset
        return self._at

    def read(self, size: int = -1) -> bytes:
        read = []
        left = size if size >= 0 else 1 << 62
        number = bisect_right(self._ends, self._at)
        while left and number < len(self._pieces):
            piece, end = self._pieces[number], self._ends[number]
            skip = self._at - (end - _length(piece))
            n = min(left, end - self._at)
            if isinstance(piece, bytes):
                data = piece[skip : skip + n]
            else:
                data = self._file.at(piece[0] + skip, n)
            read.append(data)
            self._at += len(data)
            left -= len(data)
            if len(data) < n:
                break
            number += 1
        return b"".join(read)


def _length(piece: Piece) -> int:
    return len(piece) if isinstance(piece, bytes) else max(0, piece[1] - piece[0])


def of_pieces(file: Reader, pieces: list[Piece]) -> Reader:
    """A reader of pieces of a file as if they were one."""
    return Reader(cast(BinaryIO, _Pieces(file, pieces)))


OTHERS = re.compile(
    rb"(?P<WAV>(?:RIFF|RIFX|RF64)....WAVE(?=[!-~]{3}))|(?P<AVI>RIFF....AVI\x20LIST)"
    rb"|(?P<AIFF>FORM....AIF[FC](?=[!-~]{4}))"
    rb"|(?P<CAF>caff\x00\x01\x00\x00desc)|(?P<FLAC>fLaC[\x00\x80]\x00\x00\x22)"
    rb"|(?P<Ogg>OggS\x00\x02\x00{8})|(?P<AMR>\#!AMR(?:-WB)?\n)|(?P<FLV>FLV\x01[\x01-\x05]\x00{3}\t)"
    rb"|(?P<AU>\.snd\x00\x00......\x00\x00\x00[\x01-\x1b]\x00[\x00-\x0b]..\x00\x00\x00.)"
    rb"|(?P<W64>riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00)"
    rb"|(?P<WMA>\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c)"
    rb"|(?P<TTA>TTA1[\x01-\x03]\x00.\x00[\x08-\x20]\x00)|(?P<WavPack>wvpk....[\x00-\x10]\x04)"
    rb"|(?P<APE>MAC [\x8c-\x96]\x0f\x00\x00)"
    rb"|(?P<PS>\x00\x00\x01\xba(?:[\x44-\x7f].{9}|[\x21-\x2f].{7})\x00\x00\x01[\xb9-\xff])"
    rb"|(?P<MP4>\x00\x00\x00.ftyp(?:M4A|M4B|isom|iso\d|mp4\d|qt  |3gp|dash))"
    rb"|(?P<Matroska>\x1aE\xdf\xa3.{0,40}?B\x82.(?:webm|matroska))",
    re.DOTALL,
)
"""How a sound file begins, as surely as in eight bytes."""

_WORDS = [
    *(
        (word, 0)
        for word in (
            b"RIFF",
            b"RIFX",
            b"RF64",
            b"FORM",
            b"caff\0\1",
            b"fLaC",
            b"OggS\0\2",
            b"#!AMR",
            b"FLV\1",
            b".snd\0\0",
            b"riff\x2e\x91",
            b"\x30\x26\xb2\x75",
            b"\x1aE\xdf\xa3",
            b"TTA1",
            b"wvpk",
            b"MAC \x96\x0f",
            b"\0\0\1\xba",
        )
    ),
    (b"ftyp", 4),
]  # by which places are found, since searching for all of it takes long
_MOST_TRIES = 100_000
_KINDS = {"Matroska": "Matroska or WebM", "APE": "Monkey's Audio", "PS": "MPEG-PS"}


def another(file: Reader, start: int, size: int) -> tuple[int, str]:
    """Where the first file of a known kind begins, from an offset on, and what it is."""
    tries = iter(range(_MOST_TRIES))
    for at, block in blocks(file, start, size, LOOK):
        places = [place for word, before in _WORDS for place in _places(block, word, before)]
        for place in sorted(places):
            if next(tries, None) is None:
                return size, ""
            if found := OTHERS.match(block, place):
                kind = str(found.lastgroup)
                return at + place, _KINDS.get(kind, kind)
    return size, ""


def _places(block: bytes, word: bytes, before: int) -> Iterator[int]:
    at = block.find(word)
    while at >= 0:
        if at >= before:
            yield at - before
        at = block.find(word, at + 1)


def blocks(file: Reader, at: int, size: int, overlap: int) -> Iterator[tuple[int, bytes]]:
    """Offsets and bytes there up to a size, small ones first; each reaches into the next."""
    n = 1 << 12
    while at < size:
        yield at, file.at(at, min(n + overlap, size - at))
        at += n
        n = min(2 * n, BLOCK)


def begins(file: Reader, at: int) -> str:
    """The kind of file that begins at an offset; empty where none does."""
    head = file.at(at, LOOK)
    found = OTHERS.match(head)
    if found:
        return _KINDS.get(str(found.lastgroup), str(found.lastgroup))
    if head[:3] == b"ID3":
        at += tag(file, at)
    return "MP3" if runs(file, at, mpeg, 4) else ""


def first(file: Reader, size: int, end: int, ended: bool = False) -> Read:
    """The first of several files, which ends at an offset, or behind it; and what follows."""
    at, kind = size, ""
    if end <= 0:
        return Read((file,))
    for begin in (end, end - 1):  # chunks of odd length are padded, or are not
        if not kind and 0 < begin < size and (kind := begins(file, begin)):
            at = begin
    if not kind:
        at, kind = another(file, end, size)
    if not kind:
        if not ended or end >= size:
            return Read((file,))
        left = follows(file, end)
        return Read((of_pieces(file, [(0, end)]),), (not_read_on(left),) if left else ())
    return Read((of_pieces(file, [(0, at)]),), (another_file(kind, size - at),))


def follows(file: Reader, at: int) -> int:
    """Bytes that follow an offset, without tags and padding."""
    size = file.size()
    for _ in range(MOST_TAGS):
        if at >= size or not (skip := tag(file, at) or padding(file, at, size)):
            break
        at += skip
    return max(0, size - at)


def without_tags(file: Reader, end: int) -> int:
    """Where what is before the tags and the padding at an end ends."""
    for _ in range(MOST_TAGS):
        behind = file.at(max(0, end - 160), min(160, end))
        if behind[-128:-125] == b"TAG":
            end -= 128
        elif behind[-32:-24] == b"APETAGEX":
            length, _, flags = struct.unpack("<III", behind[-20:-8])
            end -= min(end, length + 32 * (flags >> 31))
        elif len(behind) == 160 and not any(behind):
            end = _before_zeros(file, end) + 8  # a frame may end in some
        else:
            break
    return end


def _before_zeros(file: Reader, end: int) -> int:
    while end:
        block = file.at(max(0, end - BLOCK), min(BLOCK, end))
        held = block.rstrip(b"\0")
        end -= len(block) - len(held)
        if held:
            break
    return end


def find(file: Reader, what: bytes, at: int, size: int) -> int:
    """Offset of bytes, from one offset on and before another; that one where they are not."""
    for begin, block in blocks(file, at, size, len(what) - 1):
        if (found := block.find(what)) >= 0:
            return begin + found
    return size


def padding(file: Reader, at: int, size: int) -> int:
    """Zero bytes at an offset, at least four or up to the end."""
    n = 0
    for _, block in blocks(file, at, size, 0):
        rest = block.lstrip(b"\0")
        n += len(block) - len(rest)
        if rest:
            break
    return n if n >= 4 or at + n >= size else 0


def tag(file: Reader, at: int) -> int:
    """Bytes of the tag that begins at an offset: ID3 of either version, APE, Lyrics3."""
    head = file.at(at, 32)
    if head[:3] == b"ID3" and len(head) >= 10 and max(head[6:10]) < 0x80 and head[3] < 5:
        a, b, c, d = head[6:10]
        return 10 + (a << 21 | b << 14 | c << 7 | d) + 10 * bool(head[5] & 0x10)
    if head[:3] == b"TAG":
        return 227 if head[3:4] == b"+" else 128
    if head[:8] == b"APETAGEX" and len(head) == 32:
        length, _, flags = struct.unpack("<III", head[12:24])
        return 32 + length if flags & 1 << 29 else 32  # a footer alone counts what is before it
    if head[:11] == b"LYRICSBEGIN":
        end = file.at(at, 1 << 17).find(b"LYRICS200")
        return end + 9 if end >= 0 else 0
    return 0
