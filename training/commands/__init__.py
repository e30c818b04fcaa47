"""``python -m training COMMAND``: build the corpus, train, export, run benchmarks."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from soundfile import LibsndfileError

from core.interrupts import STATUS, raise_again
from core.settings import settings
from training.commands import corpus, measure, model, train
from training.commands.options import check_written


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status is 0 when all went well, 2 for unusable input.

    Parameters
    ----------
    arguments : sequence of str, optional
        As after ``python -m training``; the process's own by default.
    """
    try:
        raise_again()
        settings()
        options = parser().parse_args(arguments)
        check_written(options)
        options.run(options)
    except (OSError, ValueError, ImportError, LibsndfileError) as error:
        print(_sentence(error), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return STATUS
    return 0


def parser() -> argparse.ArgumentParser:
    """All commands; a parsed line has the function that runs it as ``run``."""
    made = argparse.ArgumentParser(
        prog="python -m training", description="Builds corpora, trains detectors, measures them."
    )
    commands = made.add_subparsers(required=True, metavar="COMMAND")
    for module in (corpus, train, model, measure):
        module.add_parsers(commands)
    return made


def _sentence(error: Exception) -> str:
    if isinstance(error, ImportError) and error.name:
        return (
            f"The package {error.name.partition('.')[0]} is missing. Install what training needs: "
            "pip install -r requirements.txt -r requirements-train.txt"
        )
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename} cannot be used: {error.strerror}."
    return str(error)
