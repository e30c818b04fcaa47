"""How large a table may be, and what a number is."""

from __future__ import annotations

import re

import numpy as np

from core.evaluate.metrics import Ints
from core.evaluate.trials.problems import TrialsError
from core.settings import settings

LARGEST = 1e100
"""Largest magnitude of a score."""


MOST_ROWS = 10_000_000
"""Lines of a table; the largest set of the field has about a million trials."""


SAMPLE = 2_000
"""Rows that are looked at where what a column holds must be guessed."""


MOST_COLUMNS = 1_000
"""Columns of a table; those of the field have at most thirteen."""


DECIMAL_COMMA = re.compile(r"\s*[+-]?\d*,\d+([eE][+-]?\d+)?\s*")
"""A number as half of the world writes it."""


def check_rows(count: int, name: str) -> None:
    if count > MOST_ROWS:
        raise TrialsError(f"{name} has {count:,} lines; at most {MOST_ROWS:,} are read.")


def check_names(names: list[str], name: str) -> None:
    if len(set(names)) < len(names):
        raise TrialsError(f"{name} has two columns of the same name in its first line.")
    if len(names) > MOST_COLUMNS:
        raise TrialsError(f"{name} has {len(names):,} columns; a score file has a few.")


def check_size(rows: int, columns: int, name: str) -> None:
    """Refuse a table that would need more memory than its text, because most of it is empty."""
    most = settings().max_table_mb
    if rows * columns * 8 > most << 20:
        raise TrialsError(
            f"{name} has {rows:,} lines of {columns:,} columns, more than {most:,} MB of cells."
        )


def some_rows(rows: int) -> Ints:
    """Places of at most `SAMPLE` rows: one of each stretch, so that no period hides any."""
    if rows <= SAMPLE:
        return np.arange(rows)
    edges = np.linspace(0, rows, SAMPLE + 1).astype(np.int64)
    return np.random.default_rng(0).integers(edges[:-1], edges[1:])


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return DECIMAL_COMMA.fullmatch(text) is not None
    return True
