"""What the pages of a Parquet file unpack to, read from the pages: a footer can say anything.

The footer, and a header before every page, are in Thrift's compact protocol; a page's header holds
its size, packed and unpacked, and the reader trusts it when it takes memory. Nothing is unpacked
here, and pyarrow is not asked where the columns lie: damaged figures about them end its process.
"""

from __future__ import annotations

from typing import Any

ENCRYPTED = b"PARE"
"""The first and last bytes of a file whose footer is encrypted; ``PAR1`` of others."""

MOST_FIELDS = 2_000_000
"""Fields of headers that are looked at; a table of the field has some thousand."""

_SKIPPED = {1: 0, 2: 0, 3: 1, 7: 8}  # bytes of the kinds of a fixed size: truths, a byte, a double
_INT32, _INT64 = 5, 6
_INTEGERS = (4, _INT32, _INT64)
_BYTES, _LISTS, _STRUCTURE = 8, (9, 10), 12
_LIST = 9

_HELD: dict[tuple[int, ...], tuple[int, ...]] = {
    (2,): (_STRUCTURE,),
    (4,): (_STRUCTURE,),
    (5,): (_STRUCTURE,),
    (7,): (_STRUCTURE,),
    (4, 1): (_STRUCTURE,),
    (4, 4): (_STRUCTURE,),
    (4, 1, 3, 2): _INTEGERS,
    (4, 1, 3, 3): (_BYTES,),
    (4, 1, 3, 8): (_STRUCTURE,),
    (4, 1, 3, 13): (_STRUCTURE,),
    (4, 1, 3, 16, 2): _INTEGERS,
    (4, 1, 3, 16, 3): _INTEGERS,
    (4, 1, 3, 17, 2): _INTEGERS,
    (4, 1, 8, 2, 1): (_BYTES,),
}
"""What lists of a footer hold, by the fields that lead to them; the reader takes it for granted,
and one that says something else would be read otherwise here than there."""

Fields = dict[tuple[int, int], Any]
"""What a structure holds, by a field's number and kind: whole numbers, lists and structures."""


def unpacked_size(data: bytes) -> int:
    """Bytes of all pages of all columns, unpacked.

    Parameters
    ----------
    data : bytes
        The file.

    Raises
    ------
    ValueError
        Where its footer or a header is damaged, or there are too many.
    """
    headers = _Headers(data)
    found = 0
    for group in headers.footer().get((4, _LIST), []):
        for column in group.get((1, _LIST), []):
            about = column.get((3, _STRUCTURE), {})
            found += headers.sizes(*_place(about, group.get((3, _INT64), 0)))
    return found


def is_encrypted(data: bytes) -> bool:
    """Whether a file's footer is encrypted, or says that something else is.

    Parameters
    ----------
    data : bytes
        The file; of one whose footer is damaged nothing is known.
    """
    if data[-4:] == ENCRYPTED:
        return True
    try:
        footer = _Headers(data).footer()
    except ValueError:
        return False
    columns = [c for group in footer.get((4, _LIST), []) for c in group.get((1, _LIST), [])]
    by_key = ((8, _STRUCTURE), (9, _BYTES))  # by which key; what was encrypted about a column
    return (8, _STRUCTURE) in footer or any(field in c for c in columns for field in by_key)


def _place(column: Fields, rows: int) -> tuple[int, int]:
    """Where a column's pages begin and end, by what the footer says of it."""
    if missing := {(9, _INT64), (7, _INT64)} - set(column):
        raise ValueError(f"a column does not say where it lies: {missing}")
    start, size = column[9, _INT64], column[7, _INT64]
    dictionary = column.get((11, _INT64))
    empty = start == 0 and rows == 0  # no page of data at all
    if dictionary is not None and (empty or 0 < dictionary < start):
        start = dictionary
    return start, start + size


class _Headers:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.fields = 0

    def footer(self) -> Fields:
        """The structure at the file's end."""
        self.at = len(self.data) - 8 - int.from_bytes(self.data[-8:-4], "little")
        if self.at < 0:
            raise ValueError("the footer lies outside of the file")
        return self._structure(())

    def sizes(self, start: int, end: int) -> int:
        """Bytes that the pages between two places unpack to."""
        if not 0 <= start <= end <= len(self.data):
            raise ValueError("a column lies outside of the file")
        self.at, found = start, 0
        while self.at < end:
            held = self._structure((0,))  # no place in a footer
            unpacked, packed = held.get((2, _INT32), -1), held.get((3, _INT32), -1)
            if not (0 <= unpacked < 1 << 31 and 0 <= packed < 1 << 31):  # the reader cuts off more
                raise ValueError("a page has no size")
            found += unpacked
            self.at += packed
        return found

    def _structure(self, place: tuple[int, ...]) -> Fields:
        """Fields of a structure; of two that are one, readers differ in which they believe."""
        held: Fields = {}
        names: set[int] = set()
        name = 0
        while head := self._byte():
            kind = head & 15
            name = name + (head >> 4) if head >> 4 else self._integer()
            if name in names or not 0 < name < 1 << 15:
                raise ValueError("a field stands there twice, or under no number")
            names.add(name)
            held[name, kind] = self._value(kind, (*place, name))
        return held

    def _value(self, kind: int, place: tuple[int, ...]) -> Any:
        """A field's or an element's value; None where it is passed over."""
        self.fields += 1
        if len(place) > 13 or self.fields > MOST_FIELDS:
            raise ValueError("there are too many fields")
        if kind in _INTEGERS:
            return self._integer()
        if kind == _STRUCTURE:
            return self._structure(place)
        if kind in _LISTS:
            head = self._byte()
            of = head & 15
            count = head >> 4 if head >> 4 < 15 else self._varint()
            if kind == _LIST and count and of not in _HELD.get(place, (of,)):
                raise ValueError("a list holds something else than it should")
            if of in (1, 2):
                of = 3  # a truth in a list is a byte
            within = place if of == _STRUCTURE else (*place, 0)
            return [self._value(of, within) for _ in range(count)]
        if kind == _BYTES:
            length = self._varint()  # which moves on by itself
            self.at += length
        elif kind in _SKIPPED:
            self.at += _SKIPPED[kind]
        else:
            raise ValueError("a header is damaged")
        return None

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
            if byte < 128 and value < 1 << 64:
                return value
        raise ValueError("a page's header is damaged")

    def _integer(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)
