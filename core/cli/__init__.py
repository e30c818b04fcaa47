"""The command line, ``python -m core COMMAND``: one command per file."""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
from collections.abc import Sequence
from pathlib import Path

from core.cli.options import EXIT_UNUSABLE
from core.detect.decision import StanceError
from core.plain import Inert
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
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name may hold what the terminal cannot show
            stream.reconfigure(errors="backslashreplace")
    try:
        settings()
    except SettingsError as error:
        print(error, file=sys.stderr)
        return EXIT_UNUSABLE
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
    if given == ["--version"]:
        print(in_words())
        return 0
    if given and given[0] in MOVED:
        print(f"This command is now: python -m training {given[0]}", file=sys.stderr)
        return EXIT_UNUSABLE
    out, err = Inert(sys.stdout), Inert(sys.stderr)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            options, rest = parser.parse_known_args(given)
            if hasattr(options, "rest"):
                options.rest = rest
            elif rest:
                parser.error(f"unrecognized arguments: {' '.join(rest)}")
            if _is_nameless(options):
                print("The name of a file to read is empty.", file=sys.stderr)
                return EXIT_UNUSABLE
            return int(options.run(options) or 0)
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except StanceError as error:
        print(error, file=sys.stderr)
        return EXIT_UNUSABLE
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130


def _is_nameless(options: argparse.Namespace) -> bool:
    """Whether a name of what is read is empty, such as of a shell's variable that was never set;
    as a path it would be the working folder."""
    given = (getattr(options, name, None) for name in FILES)
    return any(value == "" or (isinstance(value, list) and "" in value) for value in given)
