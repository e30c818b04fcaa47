"""The command line, ``python -m core COMMAND``: one command per file."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from core.cli.options import EXIT_UNUSABLE, unusable
from core.detect.decision import StanceError
from core.interrupts import STATUS, raise_again
from core.plain import Inert, OutputError
from core.settings import SettingsError, settings
from core.version import in_words

FILES = (
    "files", "scores", "manifest", "clips", "protocol", "compare", "reference", "key", "asv",
    "meta", "root",
)  # fmt: skip
"""Options that name what is read."""

MOVED = ("corpus", "train", "holdout", "export", "families", "card")
"""Commands of version 0.1 that are in ``python -m training`` now."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        As after ``python -m core``; the process's own by default.

    Returns
    -------
    int
        Exit status: 0 when all went well, 2 when an input could not be used.
    """
    _prepare_streams()
    try:
        settings()
    except SettingsError as error:
        return unusable(error)
    parser = argparse.ArgumentParser(
        prog="spoofscope" if Path(sys.argv[0]).stem == "spoofscope" else "python -m core",
        description="Tells synthetic speech from human speech, and shows where the evidence lies.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    from core.cli import (
        app,
        archive,
        arena,
        calibrate,
        convert,
        detect,
        detectors,
        evaluate,
        harness,
        inspect,
        report,
        sasv,
        segments,
    )

    for command in (
        app,
        detect,
        inspect,
        detectors,
        calibrate,
        archive,
        evaluate,
        sasv,
        segments,
        convert,
        arena,
        report,
        harness,
    ):
        command.add_parser(commands)
    parser.add_argument("--version", action="store_true", help="print version and commit")
    given = list(sys.argv[1:] if arguments is None else arguments)
    out, err = Inert(sys.stdout), Inert(sys.stderr, needed=False)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                return _run(parser, given)
            finally:
                out.flush()  # what cannot be written is known only then
    except BrokenPipeError:
        return 0
    except (OutputError, StanceError) as error:
        print(error, file=err)
        return EXIT_UNUSABLE
    except KeyboardInterrupt:
        print("Stopped.", file=err)
        return STATUS
    finally:
        _give_up_unwritten()


def _run(parser: argparse.ArgumentParser, given: list[str]) -> int:
    """Read the arguments and run what they name."""
    raise_again()
    if given == ["--version"]:
        print(in_words())
        return 0
    if given and given[0] in MOVED:
        return unusable(f"This command is now: python -m training {given[0]}")
    options, rest = parser.parse_known_args(given)
    if hasattr(options, "rest"):
        options.rest = rest
    elif rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if _is_named(options, ""):
        return unusable("The name of a file to read is empty.")
    if _is_named(options, "-") and not os.path.exists("-"):
        return unusable("Standard input is not read: save it in a file, and name that.")
    return int(options.run(options) or 0)


def _prepare_streams() -> None:
    """Let both streams take any name, and be there where whoever started this closed them."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper):  # a name may hold what the terminal cannot show
            stream.reconfigure(errors="backslashreplace")


def _give_up_unwritten() -> None:
    """Let what could not be written go nowhere: Python would try once more at its end, and fail."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            with contextlib.suppress(OSError):  # a stream without a file has no such end
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, stream.fileno())
                os.close(nowhere)


def _is_named(options: argparse.Namespace, name: str) -> bool:
    """Whether an option of what is read is this. An empty name, such as of a shell's variable that
    was never set, would as a path be the working folder.
    """
    given = (getattr(options, option, None) for option in FILES)
    return any(value == name or (isinstance(value, list) and name in value) for value in given)
