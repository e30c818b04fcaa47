"""Text from outside, as it can be written: in tables that a spreadsheet may open, in UTF-8."""

from __future__ import annotations

import re
import unicodedata

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?")
_LETTERS_UNSEEN = "\u115f\u1160\u2800\u3164\uffa0"  # fillers and the empty Braille pattern
_DIRECTIONS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def plain_cell(cell: object) -> object:
    """Text that a spreadsheet would run as a formula gets a leading quote; numbers are none."""
    if not isinstance(cell, str) or not _may_run(cell) or _NUMBER.fullmatch(cell):
        return cell
    return f"'{cell}"


def printable(name: str) -> str:
    r"""A file's name as text: bytes that are no UTF-8 stand as ``\xff``, which opens no file."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _may_run(cell: str) -> bool:
    """Whether what is seen first begins a formula, or a break could begin another cell."""
    if cell[:1] in ("\t", "\r", "\n"):
        return True
    first = next((c for c in cell if not _unseen(c)), "")
    # Wide and small forms of these characters are taken for them.
    return unicodedata.normalize("NFKC", first)[:1] in {"=", "+", "-", "@", "|"}


def _unseen(character: str) -> bool:
    """Spaces, controls, marks without a letter: a spreadsheet may drop them before it looks."""
    return unicodedata.category(character)[0] in "CZM" or character in _LETTERS_UNSEEN


def without_directions(text: str) -> str:
    """Text whose marks of direction are seen: they could show a name's letters in another order."""
    return _DIRECTIONS.sub("\N{REPLACEMENT CHARACTER}", text)
