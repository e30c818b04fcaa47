"""What is wrong with a score file, in sentences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


class TrialsError(ValueError):
    """A file that cannot be used; the message is a sentence for the person who gave it."""


@dataclass(frozen=True)
class Problem:
    """Something wrong with some rows, which were left out unless the sentence says otherwise.

    Attributes
    ----------
    sentence : str
        What is wrong, with the count and the first lines.
    count : int
        How many rows.
    lines : tuple of int
        The first few line numbers, from 1.
    """

    sentence: str
    count: int
    lines: tuple[int, ...] = ()


def line_numbers(index: pd.Index, count: int) -> tuple[tuple[int, ...], str]:
    lines = tuple(int(i) for i in index[:5])
    more = ", ..." if count > len(lines) else ""
    return lines, f"line{'s' if count > 1 else ''} {', '.join(map(str, lines))}{more}"


def in_a_sentence(name: str, count: int, what: str, lines: tuple[int, ...]) -> str:
    listed = ", ".join(str(line) for line in lines) + (", ..." if count > len(lines) else "")
    if count == 1:
        verbs = what.replace("have ", "has ", 1).replace("name no", "names no", 1)
        return f"1 row of {name} {verbs.replace('list a', 'lists a', 1)} (line {listed})."
    return f"{count:,} rows of {name} {what} (lines {listed})."
