"""Texts of a column where pyarrow holds them: millions of names without a Python object each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd

Letters = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]

_BASE = 0x9E3779B97F4A7C15
_PIECE = 1 << 20


def is_packed(texts: pd.Series) -> bool:
    """Whether pyarrow holds these texts."""
    import pandas as pd

    return isinstance(texts.dtype, pd.StringDtype) and texts.dtype.storage == "pyarrow"


def pieces(texts: pd.Series) -> Iterator[tuple[Letters, Places]]:
    """Letters (UTF-8) of packed texts, and where each text begins and the last one ends."""
    import pyarrow as pa

    for chunk in texts.array.__arrow_array__().chunks:
        wide = np.int64 if pa.types.is_large_string(chunk.type) else np.int32
        _, places, letters = chunk.buffers()
        ends = np.frombuffer(places, wide)[chunk.offset : chunk.offset + len(chunk) + 1]
        yield np.frombuffer(letters or b"", np.uint8), ends.astype(np.int64, copy=False)


def begins_with(texts: pd.Series, marks: bytes) -> npt.NDArray[np.bool_]:
    """Which of these packed texts begin with one of these letters."""
    wanted = np.zeros(256, dtype=bool)
    wanted[list(marks)] = True
    found = [np.zeros(0, dtype=bool)]
    for letters, places in pieces(texts):
        some = np.flatnonzero(places[1:] > places[:-1])
        first = np.zeros(len(places) - 1, dtype=bool)
        first[some] = wanted[letters[places[:-1][some]]]
        found.append(first)
    return np.concatenate(found)


def surely_distinct(texts: pd.Series) -> bool:
    """Whether no packed text occurs twice; rarely False where none does.

    Two texts with different polynomial hashes are different.
    """
    packed = list(pieces(texts))
    most = min(_PIECE, max((int(places[-1] - places[0]) for _, places in packed), default=0))
    powers, inverse = (_powers(base, most) for base in (_BASE, pow(_BASE, -1, 1 << 64)))
    hashes = [np.zeros(0, dtype=np.uint64)]
    for letters, places in packed:
        start = 0
        while start < len(places) - 1:
            stop = int(np.searchsorted(places, places[start] + _PIECE, side="right")) - 1
            if stop <= start:  # one text of a megabyte
                return False
            inside = places[start : stop + 1] - places[start]
            part = letters[places[start] : places[stop]].astype(np.uint64) + np.uint64(1)
            sums = np.zeros(len(part) + 1, dtype=np.uint64)
            np.cumsum(part * powers[: len(part)], out=sums[1:])
            hashes.append((sums[inside[1:]] - sums[inside[:-1]]) * inverse[inside[:-1]])
            start = stop
    every = np.sort(np.concatenate(hashes))
    return not bool((every[1:] == every[:-1]).any())


def _powers(base: int, most: int) -> npt.NDArray[np.uint64]:
    """Powers of an odd base from the 0th to the one asked for, modulo 2 to the 64th."""
    factors = np.full(most + 1, base, dtype=np.uint64)
    factors[0] = 1
    return np.multiply.accumulate(factors)
