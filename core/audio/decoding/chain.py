"""Chained Ogg: links, one file behind the other."""

from __future__ import annotations

from itertools import pairwise

from core.audio.decoding.notes import another_file, links_not_read, not_read_on
from core.audio.decoding.pieces import Read, another, begins, find, follows, of_pieces
from core.audio.decoding.source import Reader

MOST_LINKS = 1_000
"""Links of a chained Ogg file beyond this number are not read."""


def chain(file: Reader, size: int) -> Read:
    """Links of a chain, those in one codec together, since FFmpeg keeps to the first link's."""
    links: list[tuple[int, tuple[bytes, ...]]] = []
    at, beginning, end = 0, False, size
    while at < size:
        page = file.at(at, 27 + 255 + 64)
        if page[:4] != b"OggS" or len(page) < 27:
            if kind := begins(file, at):
                return _chained(file, links, at, (another_file(kind, size - at),))
            if not follows(file, at):
                end = at
                break
            found = find(file, b"OggS", at + 1, size)
            other, kind = another(file, at, min(found, size))
            if kind and other < found:
                return _chained(file, links, other, (another_file(kind, size - other),))
            if found >= size:
                return _chained(file, links, at, (not_read_on(size - at),))
            at = found
            continue
        body = 27 + page[26]
        if page[5] & 2:
            made_of = _codec_of(page[body:])
            if beginning:
                links[-1] = (links[-1][0], (*links[-1][1], made_of))
            else:
                links.append((at, (made_of,)))
        beginning = bool(page[5] & 2)
        at += body + sum(page[27:body])
    return _chained(file, links, end, ())


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
    file: Reader, links: list[tuple[int, tuple[bytes, ...]]], end: int, notes: tuple[str, ...]
) -> Read:
    starts = [0]
    for (_, before), (at, codecs) in pairwise(links):
        if codecs != before:
            starts.append(at)
    if len(starts) > MOST_LINKS:
        notes = (*notes, links_not_read(end - starts[MOST_LINKS]))
        end, starts = starts[MOST_LINKS], starts[:MOST_LINKS]
    if not links or (len(starts) == 1 and end == file.size()):
        return Read((file,), notes)
    edges = zip(starts, [*starts[1:], end], strict=True)
    return Read(tuple(of_pieces(file, [edge]) for edge in edges), notes)
