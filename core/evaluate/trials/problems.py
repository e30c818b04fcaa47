"""What is wrong with a score file, in sentences."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Problem:
    """Something to know of some rows; they were left out unless the sentence says otherwise.

    Attributes
    ----------
    sentence : str
        What is wrong, with the count and the first lines.
    count : int
        How many rows.
    lines : tuple of int
        The first few line numbers, from 1.
    by_stem : bool
        Whether joining names by their stem would take these rows in.
    """

    sentence: str
    count: int
    lines: tuple[int, ...] = ()
    by_stem: bool = False


class TrialsError(ValueError):
    """A file that cannot be used; the message is a sentence for the person who gave it.

    Attributes
    ----------
    problems : tuple of Problem
        What had been left out before, and why: to be said first.
    missing : tuple of str
        Roles whose column is not known, where that is what is wrong.
    """

    def __init__(
        self, sentence: str, problems: Iterable[Problem] = (), *, missing: Iterable[str] = ()
    ) -> None:
        super().__init__(sentence)
        self.problems = tuple(problems)
        self.missing = tuple(missing)


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


def short(text: object, most: int = 60) -> str:
    """A cell or a name that may be of any length, for a sentence."""
    whole = str(text).strip()
    return whole if len(whole) <= most else f"{whole[: most - 3]}..."


def in_words(names: Iterable[str], last: str = "and", most: int = 8) -> str:
    """Names as a list in a sentence, cut short; those beyond the first ``most`` are counted."""
    given = [short(name) for name in names]
    if len(given) > most:
        given = [*given[:most], f"{len(given) - most} more"]
    return f" {last} ".join([", ".join(given[:-1]), given[-1]] if len(given) > 1 else given)
