"""Options that several commands have in common."""

from __future__ import annotations

import argparse
from typing import Any

from core.detect.decision import EVEN, Stance

EXIT_UNUSABLE = 2
"""Exit status where an input could not be used."""


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


def add_stance(parser: Any, default: Stance = EVEN) -> None:
    """Add ``--prior``, ``--cost-missed-fake`` and ``--cost-false-accusation``."""
    for name, mark, meaning in (
        ("prior", "P", "chance of a fake before listening"),
        ("cost_missed_fake", "C", "what it costs to take a fake for human speech"),
        ("cost_false_accusation", "C", "what it costs to call human speech synthetic"),
    ):
        value = getattr(default, name)
        parser.add_argument(
            f"--{name.replace('_', '-')}",
            type=float, default=value, metavar=mark, help=f"{meaning} (default: {value:g})",
        )  # fmt: skip


def stance_of(options: argparse.Namespace) -> Stance:
    """What the options say.

    Raises
    ------
    StanceError
        If the prior or a cost is out of range; `core.cli.main` prints the sentence.
    """
    return Stance(options.prior, options.cost_missed_fake, options.cost_false_accusation)


def add_renamed(parser: Any, old: str, new: str) -> None:
    """Let an option that was renamed answer with its new name."""

    class Renamed(argparse.Action):
        def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
            parser.error(f"{old} is called {new} now.")

    parser.add_argument(old, action=Renamed, help=argparse.SUPPRESS)
