"""Text from outside in a table that a spreadsheet may open."""

from __future__ import annotations

import re

_FORMULA = re.compile(r"[\t\r\n]|\s*[=+\-@|＝＋－＠]")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?")


def plain_cell(cell: object) -> object:
    """Text that a spreadsheet would run as a formula gets a leading quote; numbers are none."""
    if not isinstance(cell, str) or not _FORMULA.match(cell) or _NUMBER.fullmatch(cell):
        return cell
    return f"'{cell}"
