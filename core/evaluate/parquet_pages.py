"""What the pages of a Parquet file unpack to, read from the pages: a footer can say anything.

Every page begins with a header in Thrift's compact protocol that holds its size, packed and
unpacked; the reader trusts it when it takes memory. Nothing is unpacked here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyarrow.parquet import FileMetaData

MOST_FIELDS = 2_000_000
"""Fields of headers that are looked at; a table of the field has some thousand."""

_SKIPPED = {1: 0, 2: 0, 3: 1, 7: 8}  # bytes of the kinds of a fixed size: truths, a byte, a double
_INTEGERS = (4, 5, 6)
_BYTES, _STRUCTURE = 8, 12


def unpacked_size(data: bytes, about: FileMetaData) -> int:
    """Bytes of all pages of all columns, unpacked.

    Parameters
    ----------
    data : bytes
        The file.
    about : pyarrow.parquet.FileMetaData
        Its footer, for where the columns lie.

    Raises
    ------
    ValueError
        Where a header is damaged or there are too many.
    """
    headers = _Headers(data)
    found = 0
    for group in range(about.num_row_groups):
        for column in range(about.num_columns):
            chunk = about.row_group(group).column(column)
            start = chunk.data_page_offset
            empty = start == 0 and about.row_group(group).num_rows == 0  # no page of data at all
            if chunk.has_dictionary_page and (empty or 0 < chunk.dictionary_page_offset < start):
                start = chunk.dictionary_page_offset
            found += headers.sizes(start, start + chunk.total_compressed_size)
    return found


class _Headers:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.fields = 0

    def sizes(self, start: int, end: int) -> int:
        """Bytes that the pages between two places unpack to."""
        if not 0 <= start <= end <= len(self.data):
            raise ValueError("a column lies outside of the file")
        self.at, found = start, 0
        while self.at < end:
            held = self._structure(0)
            unpacked, packed = held.get(2, -1), held.get(3, -1)
            if unpacked < 0 or packed < 0:
                raise ValueError("a page has no size")
            found += unpacked
            self.at += packed
        return found

    def _structure(self, depth: int) -> dict[int, int]:
        """Whole numbers of a structure by field; what else it holds is passed over."""
        if depth > 8:
            raise ValueError("a page's header is too deep")
        held: dict[int, int] = {}
        name = 0
        while head := self._byte():
            self.fields += 1
            if self.fields > MOST_FIELDS:
                raise ValueError("there are too many pages")
            kind = head & 15
            name = name + (head >> 4) if head >> 4 else self._integer()
            if kind in _INTEGERS:
                held[name] = self._integer()
            elif kind == _BYTES:
                length = self._varint()  # which moves on by itself
                self.at += length
            elif kind == _STRUCTURE:
                self._structure(depth + 1)
            elif kind in _SKIPPED:
                self.at += _SKIPPED[kind]
            else:
                raise ValueError("a page's header is damaged")
        return held

    def _byte(self) -> int:
        if self.at >= len(self.data):
            raise ValueError("a page's header breaks off")
        self.at += 1
        return self.data[self.at - 1]

    def _varint(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
        raise ValueError("a page's header is damaged")

    def _integer(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)
