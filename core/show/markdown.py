"""Text from outside in Markdown, which formats, links and loads nothing."""

from __future__ import annotations

import re

from core.detect.registry import ROOT, models_home
from core.plain import printable


def plain(text: str) -> str:
    """Text that Markdown leaves as it is: a file's name must not format, link or load anything."""
    text = printable(re.sub(r"\s+", " ", text))  # lines could begin a heading, a list or a table
    # Addresses are linked, and names of icons and arrows replaced, whatever is escaped in them;
    # what breaks them is a joiner, which takes no room.
    text = re.sub(
        r"(https?://|www|[@:]|[-<>~=!](?=[-=>]))",
        "\\1\N{WORD JOINER}",
        text,
        flags=re.IGNORECASE,
    )
    return re.sub(r"([\\`*_{}\[\]()<>#+\-.!:$|~&@/])", r"\\\1", text)


def for_visitors(error: Exception) -> str:
    """An error's sentence without the folders of the server it happened on (Markdown)."""
    return plain(without_folders(str(error)))


def without_folders(text: str) -> str:
    """Text that names none of the server's own folders."""
    for folder in (models_home(), ROOT):
        text = re.sub(re.escape(str(folder)) + r"[^\s,;]*", "the server's folder of models", text)
    return text
