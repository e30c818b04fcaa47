"""Pages of Ogg: their order by their numbers, and what is read in place of some."""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

from core.audio.decoding.pieces import Piece
from core.audio.decoding.source import Reader

_REMEMBERED = 256  # pages of a stream among which a late one finds its place
_NO_GRANULE = 0xFFFFFFFFFFFFFFFF  # of a page in which no packet ends


class _Page(NamedTuple):
    number: int
    at: int  # of one that came late, where it belongs
    granule: int


class Order:
    """The pages of one stream as they come."""

    def __init__(self) -> None:
        self._latest: list[_Page] = []  # by their numbers

    def place(self, file: Reader, head: bytes, at: int) -> int | None:
        """Offset of the page before which a page belongs by its number, if it comes too late.

        None where it stands right, or its place is taken, forgotten or against its time stamp, or
        its checksum does not fit.

        Parameters
        ----------
        file : Reader
            The whole file.
        head : bytes
            The page's first 27 bytes or more.
        at : int
            Where it stands.
        """
        granule, number = struct.unpack("<Q4xI", head[6:22])
        if not self._latest or number > self._latest[-1].number:
            self._latest.append(_Page(number, at, granule))
            del self._latest[:-_REMEMBERED]
            return None
        behind = next(n for n, page in enumerate(self._latest) if page.number >= number)
        following = self._latest[behind]
        if behind == 0 or following.number == number:
            return None
        stamps = [self._latest[behind - 1].granule, granule, following.granule]
        stamps = [stamp for stamp in stamps if stamp != _NO_GRANULE]
        if stamps != sorted(stamps) or not _whole(file, at):
            return None
        self._latest.insert(behind, _Page(number, following.at, granule))
        return following.at

    def lost(self, file: Reader) -> int:
        """Pages that are lost, or broken, right before the latest."""
        if len(self._latest) < 2:
            return 0
        before, latest = self._latest[-2], self._latest[-1]
        return latest.number - before.number - 1 or int(not _whole(file, before.at))


Change = tuple[int, list[Piece]]
"""How many bytes are passed over at an offset, and what is read instead."""


def changes(
    late: dict[int, list[tuple[int, int, int]]], replaced: dict[int, bytes]
) -> dict[int, Change]:
    """What is read otherwise than it stands, by offset.

    Parameters
    ----------
    late : dict of int to list of (int, int, int)
        Pages that belong before an offset: number, and first and last offset of each.
    replaced : dict of int to bytes
        Pages that others of the same length take the place of.
    """
    made: dict[int, Change] = {}
    for belongs, pages in late.items():
        made[belongs] = 0, [(at, end) for _, at, end in sorted(pages)]
        made |= {at: (end - at, []) for _, at, end in pages}
    for at, page in replaced.items():
        made[at] = len(page), [*made.get(at, (0, []))[1], page]
    return made


def with_changes(start: int, end: int, changed: dict[int, Change]) -> list[Piece]:
    """What lies between two offsets, and what is read in its place."""
    pieces: list[Piece] = []
    at = start
    for place in sorted(changed):
        if start <= place < end:
            skipped, instead = changed[place]
            pieces += [(at, place), *instead]
            at = place + skipped
    return [*pieces, (at, end)]


def _page(file: Reader, at: int) -> bytes:
    head = file.at(at, 27 + 255)
    body = 27 + head[26]
    return file.at(at, body + sum(head[27:body]))


def _whole(file: Reader, at: int) -> bool:
    """Whether a page's checksum fits it."""
    page = _page(file, at)
    return page[22:26] == _checksum(page)


def not_last(file: Reader, at: int) -> bytes:
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
