"""How large a table may be, and what a number is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.evaluate.trials.problems import TrialsError

if TYPE_CHECKING:
    pass


LARGEST = 1e100
"""Largest magnitude of a score."""


MOST_ROWS = 10_000_000
"""Lines of a table; the largest set of the field has about a million trials."""


MOST_COLUMNS = 1_000
"""Columns of a table; those of the field have at most thirteen."""


def check_rows(count: int, name: str) -> None:
    if count > MOST_ROWS:
        raise TrialsError(f"{name} has {count:,} lines; at most {MOST_ROWS:,} are read.")


def check_names(names: list[str], name: str) -> None:
    if len(set(names)) < len(names):
        raise TrialsError(f"{name} has two columns of the same name in its first line.")
    if len(names) > MOST_COLUMNS:
        raise TrialsError(f"{name} has {len(names):,} columns; a score file has a few.")


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
