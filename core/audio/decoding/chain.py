"""Chained Ogg: links, one file behind the other; pages out of order, or lost before the last."""

from __future__ import annotations

import struct
from itertools import pairwise

from core.audio.decoding.notes import (
    MOVED_END,
    NO_END,
    another_file,
    links_not_read,
    not_read_on,
    out_of_order,
)
from core.audio.decoding.pages import Change, Order, changes, not_last, with_changes
from core.audio.decoding.pieces import Read, another, begins, find, follows, of_pieces
from core.audio.decoding.source import Reader

MOST_LINKS = 1_000
"""Links of a chained Ogg file beyond this number are not read."""


def chain(file: Reader, size: int) -> Read:
    """Links of a chain, those in one codec together, since FFmpeg keeps to the first link's."""
    links: list[tuple[int, tuple[bytes, ...]]] = []
    at, beginning, ended, end = 0, False, False, size
    notes: list[str] = []
    orders: dict[bytes, Order] = {}  # of each stream
    lost: dict[int, tuple[int, bool]] = {}  # before a last page; whether FFmpeg can place that
    placed: set[bytes] = set()  # streams whose last page it can
    late: dict[int, list[tuple[int, int, int]]] = {}  # pages that belong before an offset
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
        length = body + sum(page[27:body])
        number, stream = struct.unpack("<I", page[18:22])[0], page[14:18]
        if page[5] & 2:
            orders.pop(stream, None)
            made_of = _codec_of(page[body:])
            if made_of[:8] == b"OpusHead" or made_of[:7] == b"\x01vorbis":
                placed.add(stream)
            if beginning:
                links[-1] = (links[-1][0], (*links[-1][1], made_of))
            else:
                links.append((at, (made_of,)))
        beginning = bool(page[5] & 2)
        order = orders.setdefault(stream, Order())
        if (belongs := order.place(file, page, at)) is not None:
            late.setdefault(belongs, []).append((number, at, at + length))
            if belongs in lost:
                lost[belongs] = lost[belongs][0] - 1, lost[belongs][1]
        else:
            if page[5] & 4 and (gone := order.lost(file)):
                several = sum(n < 255 for n in page[27:body]) > 1  # FFmpeg places no single packet
                lost[at] = gone, several and stream in placed
            ended = bool(page[5] & 4) and at + length <= size
        at += length
    notes += [MOVED_END for gone, can in lost.values() if gone and not can]
    notes += [out_of_order(sum(map(len, late.values())), "page")] if late else []
    notes = notes if ended else [NO_END, *notes]
    lasts = {at: not_last(file, at) for at, (gone, _) in lost.items() if gone}
    return _chained(file, links, end, tuple(notes), changes(late, lasts))


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
    changed: dict[int, Change],
) -> Read:
    starts = [0]
    for (_, before), (at, codecs) in pairwise(links):
        if codecs != before:
            starts.append(at)
    if len(starts) > MOST_LINKS:
        notes = (*notes, links_not_read(end - starts[MOST_LINKS]))
        end, starts = starts[MOST_LINKS], starts[:MOST_LINKS]
    if not links or (len(starts) == 1 and end == file.size() and not changed):
        return Read((file,), notes)
    edges = zip(starts, [*starts[1:], end], strict=True)
    return Read(tuple(of_pieces(file, with_changes(*edge, changed)) for edge in edges), notes)
