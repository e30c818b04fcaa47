"""How a line of text is cut into cells, and whether the first line names them."""

from __future__ import annotations

import csv

from core.evaluate.trials.formats import ROLE_OF
from core.evaluate.trials.labels import LABELS, pair_of, speaks_for
from core.evaluate.trials.limits import DECIMAL_COMMA, is_number

SEPARATORS = ("\t", ";", "|", ",")
"""In the order in which they are tried; spaces otherwise."""


def separator_of(lines: list[str]) -> str:
    """What stands between the cells of these lines.

    A comma that stands only within numbers of lines that spaces cut evenly is a decimal one.
    """
    for separator in SEPARATORS[:-1]:
        counts = [line.count(separator) for line in lines]
        if min(counts) > 0:
            return separator
    if min(line.count(",") for line in lines) == 0:
        return " "
    return " " if _decimal(lines) else ","


def _decimal(lines: list[str]) -> bool:
    rows = [line.split() for line in lines]
    body = rows[1:] if len(rows) > 1 and not any("," in cell for cell in rows[0]) else rows
    commas = [cell for row in body for cell in row if "," in cell]
    even = len({len(row) for row in rows}) == 1 and len(rows[0]) > 1
    return even and bool(commas) and all(DECIMAL_COMMA.fullmatch(cell) for cell in commas)


def cells(line: str, separator: str) -> list[str]:
    """The cells of a line, without spaces and quotes around them."""
    if separator == " ":
        found = line.split()
    elif '"' in line:
        try:
            found = next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])
        except csv.Error:  # a quoted cell without end
            found = line.split(separator)
    else:
        found = line.split(separator)
    return [cell.strip().strip('"') for cell in found]


def has_header(rows: list[list[str]]) -> bool:
    """Whether the first of these rows names the columns."""
    first = rows[0]
    if any(is_number(cell) for cell in first):
        return False
    if any(cell.lower() in LABELS and not _names_its_column(rows, i) for i, cell in
           enumerate(first)):  # fmt: skip
        return False
    known = sum(cell.lower() in ROLE_OF or speaks_for(cell) is not None for cell in first)
    if known >= 2 or (known and len(first) <= 2):
        return True
    # No known name, but numbers start below: still a header.
    return len(rows) > 1 and any(is_number(cell) for cell in rows[1])


def _names_its_column(rows: list[list[str]], place: int) -> bool:
    """Whether a word for a class heads flags or numbers, as ``fake`` does over 0 and 1."""
    below = [row[place] for row in rows[1:] if len(row) > place]
    return bool(below) and (pair_of(below) is not None or all(map(is_number, below)))
