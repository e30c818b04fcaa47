"""Chained Ogg: links, one file behind the other; last pages behind pages that are lost."""

from __future__ import annotations

import struct
import zlib
from itertools import pairwise

from core.audio.decoding.notes import MOVED_END, NO_END, another_file, links_not_read, not_read_on
from core.audio.decoding.pieces import Piece, Read, another, begins, find, follows, of_pieces
from core.audio.decoding.source import Reader

MOST_LINKS = 1_000
"""Links of a chained Ogg file beyond this number are not read."""


def chain(file: Reader, size: int) -> Read:
    """Links of a chain, those in one codec together, since FFmpeg keeps to the first link's."""
    links: list[tuple[int, tuple[bytes, ...]]] = []
    at, beginning, ended, end = 0, False, False, size
    notes: list[str] = []
    lasts: dict[int, bytes] = {}
    placed: set[bytes] = set()  # streams whose last page FFmpeg can be made to place
    before: dict[bytes, tuple[int, int]] = {}  # of each stream, its page before: number, offset
    while at < size:
        page = file.at(at, 27 + 255 + 64)
        if page[:4] != b"OggS" or len(page) < 27:
            if kind := begins(file, at):
                notes.append(another_file(kind, size - at))
                end = at
                break
            if not follows(file, at):
                end = at
                break
            found = find(file, b"OggS", at + 1, size)
            other, kind = another(file, at, min(found, size))
            if kind and other < found:
                notes.append(another_file(kind, size - other))
                end = other
                break
            if found >= size:
                notes.append(not_read_on(size - at))
                end = at
                break
            at = found
            continue
        body = 27 + page[26]
        if page[5] & 2:
            made_of = _codec_of(page[body:])
            if made_of[:8] == b"OpusHead" or made_of[:7] == b"\x01vorbis":
                placed.add(page[14:18])
            if beginning:
                links[-1] = (links[-1][0], (*links[-1][1], made_of))
            else:
                links.append((at, (made_of,)))
        beginning = bool(page[5] & 2)
        number, stream = struct.unpack("<I", page[18:22])[0], page[14:18]
        if page[5] & 4 and stream in before:
            number_before, at_before = before[stream]
            if number > number_before + 1 or not _whole(file, at_before):
                lasts[at] = _not_last(file, at)
                notes += [] if stream in placed else [MOVED_END]
        before[stream] = (number, at)
        at += body + sum(page[27:body])
        ended = bool(page[5] & 4) and at <= size
    notes = notes if ended else [NO_END, *notes]
    return _chained(file, links, end, tuple(notes), lasts)


def _codec_of(packet: bytes) -> bytes:
    """What a first packet says that a decoder cannot change midway."""
    if packet[:7] == b"\x01vorbis":
        return packet[:16] + packet[28:29]  # channels, rate, sizes of blocks
    if packet[:8] == b"OpusHead":
        return packet[:8] + packet[9:10] + packet[18:]
    if packet[:5] == b"\x7fFLAC":
        return packet[:5] + packet[27:30] + bytes([packet[30] & 0xF0]) if len(packet) > 30 else b""
    return packet[:64]


def _chained(
    file: Reader,
    links: list[tuple[int, tuple[bytes, ...]]],
    end: int,
    notes: tuple[str, ...],
    lasts: dict[int, bytes],
) -> Read:
    starts = [0]
    for (_, before), (at, codecs) in pairwise(links):
        if codecs != before:
            starts.append(at)
    if len(starts) > MOST_LINKS:
        notes = (*notes, links_not_read(end - starts[MOST_LINKS]))
        end, starts = starts[MOST_LINKS], starts[:MOST_LINKS]
    if not links or (len(starts) == 1 and end == file.size() and not lasts):
        return Read((file,), notes)
    edges = zip(starts, [*starts[1:], end], strict=True)
    return Read(tuple(of_pieces(file, _pieces(*edge, lasts)) for edge in edges), notes)


def _pieces(start: int, end: int, lasts: dict[int, bytes]) -> list[Piece]:
    """What lies between two offsets, with pages that are read in place of others."""
    pieces: list[Piece] = []
    for at, page in sorted(lasts.items()):
        if start <= at < end:
            pieces += [(start, at), page]
            start = at + len(page)
    return [*pieces, (start, end)]


def _page(file: Reader, at: int) -> bytes:
    head = file.at(at, 27 + 255)
    body = 27 + head[26]
    return file.at(at, body + sum(head[27:body]))


def _whole(file: Reader, at: int) -> bool:
    """Whether a page's checksum fits it."""
    page = _page(file, at)
    return page[22:26] == _checksum(page)


def _not_last(file: Reader, at: int) -> bytes:
    """A last page that does not say so.

    FFmpeg places a page by its time stamp, but the last one behind the page before, though pages
    are lost between them.
    """
    page = _page(file, at)
    page = page[:5] + bytes([page[5] & ~4]) + page[6:]
    return page[:22] + _checksum(page) + page[26:]


def _checksum(page: bytes) -> bytes:
    """Ogg's CRC-32: that of zlib with the bits of every byte the other way round."""
    turned = (page[:22] + bytes(4) + page[26:]).translate(_TURNED)
    found = zlib.crc32(turned, 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{found:032b}"[::-1], 2).to_bytes(4, "little")


_TURNED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
