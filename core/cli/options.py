"""Options that several commands have in common."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from core.audio.parts import THROUGH, through
from core.detect.decision import EVEN, Stance

if TYPE_CHECKING:
    from core.audio.clip import Clip

EXIT_UNUSABLE = 2
"""Exit status where an input could not be used."""


def unusable(sentence: object) -> int:
    """Say what is wrong with an input, and give the exit status for it."""
    print(sentence, file=sys.stderr)
    return EXIT_UNUSABLE


def as_sentence(error: Exception) -> str:
    """An error as a sentence, that of the system too."""
    if not isinstance(error, OSError):
        return str(error)
    what = "A file" if error.filename is None else error.filename
    if isinstance(error, FileNotFoundError):
        return f"There is no file {what}."
    return f"{what} cannot be read or written: {error.strerror or error}."


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


def add_through(parser: Any) -> None:
    """Add ``--through``: what the sound came through before it was stored."""
    parser.add_argument(
        "--through",
        choices=THROUGH,
        help="a codec that the sound came through before it was stored: a take of Live came "
        "through opus, for which scores are calibrated otherwise",
    )


def as_came_through(clip: Clip, options: argparse.Namespace) -> Clip:
    """The clip as ``--through`` says it came."""
    codec = options.through
    if not codec:
        return clip
    return through(clip, codec, f"Judged as sound that came through {codec.capitalize()}.")


def _counted(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 on")
    return int(text)


def add_stress(parser: Any, several: bool = False) -> None:
    """Add ``--stress``, and ``--span``: which part of each file it tests, or which ``several``."""
    parser.add_argument(
        "--stress",
        action="store_true",
        help="judge again through codecs, noise, a room, other speeds and levels",
    )
    parser.add_argument(
        "--span",
        type=float,
        nargs=2,
        action="append" if several else "store",
        metavar=("FROM", "TO"),
        help="with --stress: test this part, in seconds of the file"
        + ("; may be repeated" if several else ""),
    )


def span_without_stress(options: argparse.Namespace) -> str:
    """What is wrong with these two; empty where nothing is."""
    alone = options.span and not options.stress
    return "--span names the part that --stress tests: give both." if alone else ""


def say_terms(detector: str) -> None:
    """Say where a detector's weights come from, and under which licence, before they are fetched.

    Parameters
    ----------
    detector : str
        What `core.detect.registry.load_detector` is going to be given.
    """
    from core.detect.registry import ENTRIES

    entry = ENTRIES.get(detector)
    if entry is not None and entry.fetchable and not entry.ready:
        print(entry.terms, file=sys.stderr)


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
