"""Text from outside, as it can be written: in a table that a spreadsheet may open, in UTF-8."""

from __future__ import annotations

import re

_FORMULA = re.compile(r"[\t\r\n]|\s*[=+\-@|＝＋－＠]")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?")


def plain_cell(cell: object) -> object:
    """Text that a spreadsheet would run as a formula gets a leading quote; numbers are none."""
    if not isinstance(cell, str) or not _FORMULA.match(cell) or _NUMBER.fullmatch(cell):
        return cell
    return f"'{cell}"


def printable(name: str) -> str:
    r"""A file's name as text: bytes that are no UTF-8 stand as ``\xff``, which opens no file."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
