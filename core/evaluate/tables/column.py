"""What may be said of a table and of a column of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Column:
    """What one column of a table holds.

    Attributes
    ----------
    type : {"text", "number", "count"}
        Counts are whole and not negative.
    required : bool
        Whether every row has a value.
    low, high : float or None
        Range of numbers.
    choices : tuple of str
        The only values allowed, if any are given.
    """

    type: Literal["text", "number", "count"] = "text"
    required: bool = True
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """Columns of a table and the ones that tell its rows apart."""

    columns: dict[str, Column]
    key: tuple[str, ...]
