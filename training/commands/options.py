"""What several commands of training share: default places, options, how rows are given out."""

from __future__ import annotations

import argparse
import importlib.util
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from core.files import atomic_path, why_not_written
from core.settings import settings

if TYPE_CHECKING:
    import pandas as pd

MANIFEST = Path("data/benchmarks/public_samples.csv")
RESULTS = Path("data/results/embedded.csv")
EMBEDDED = Path("data/models/embedded")


def default_corpus() -> str:
    """The folder of the corpus that the settings name."""
    return settings().corpus


def add_output(parser: argparse.ArgumentParser) -> None:
    """Add ``--out`` and ``--update``; see `give_rows`."""
    parser.add_argument("--out", metavar="FILE", help="write rows there instead of printing")
    parser.add_argument("--update", action="store_true", help=f"put the rows into {RESULTS}")
    parser.set_defaults(written=("out",))


def whole(least: int) -> Callable[[str], int]:
    """How an option reads a whole number from ``least`` on; what is none ends the command."""

    def read(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} on")
        return int(text)

    return read


def positive(text: str) -> float:
    """A number above 0, as an option takes it.

    Raises
    ------
    argparse.ArgumentTypeError
        If it is none.
    """
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return number


def share(text: str) -> float:
    """A number above 0 and up to 1, as an option takes it.

    Raises
    ------
    argparse.ArgumentTypeError
        If it is none.
    """
    number = positive(text)
    if number > 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0 and up to 1")
    return number


def check_written(options: argparse.Namespace) -> None:
    """Find out before the work whether the tables that it gives can be written.

    Parameters
    ----------
    options : argparse.Namespace
        Its ``written`` names the options that name such files, where there are any.

    Raises
    ------
    ValueError
        If one cannot.
    """
    files = [getattr(options, name) for name in getattr(options, "written", ())]
    files += [RESULTS] if getattr(options, "update", False) else []
    for file in filter(None, files):
        if obstacle := why_not_written(file):
            raise ValueError(obstacle)


def give_rows(table: pd.DataFrame, options: argparse.Namespace) -> None:
    """Put rows of figures where ``--update`` or ``--out`` say, else print them."""
    from training.benchmark import update_results

    if options.update:
        update_results(RESULTS, table)
        print(
            f"{len(table)} rows are in {RESULTS}; python -m training card puts them into documents"
        )
    elif options.out:
        write_table(table, options.out)
    else:
        print(table.to_string(index=False))


def write_table(table: pd.DataFrame, path: str | Path) -> None:
    """Write a table as CSV, atomically."""
    with atomic_path(path) as part:
        table.to_csv(part, index=False)


def require(*packages: str) -> None:
    """Look for packages before the work begins, since some are asked for only at its end.

    Raises
    ------
    ModuleNotFoundError
        If one is missing.
    """
    for package in packages:
        try:
            found = importlib.util.find_spec(package) is not None
        except ValueError:  # imported, but by no ordinary way
            found = False
        if not found:
            raise ModuleNotFoundError(name=package)
