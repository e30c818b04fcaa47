"""Options that several commands have in common."""

from __future__ import annotations

import argparse
from typing import Any


def add_part(parser: Any) -> None:
    """Add ``--track`` and ``--channel``: which part of each file is judged."""
    parser.add_argument(
        "--track",
        type=_counted,
        metavar="N",
        help="audio track, from 1 (default: the one that players choose)",
    )
    parser.add_argument(
        "--channel",
        type=_counted,
        metavar="N",
        help="one channel, from 1 (default: their average, or each where they differ too much)",
    )


def _counted(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 on")
    return int(text)
