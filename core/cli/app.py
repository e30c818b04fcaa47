"""``app``: the dashboard."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from core.files import ROOT


def add_parser(commands: Any) -> None:
    """Add the command to ``python -m core``.

    Parameters
    ----------
    commands : object
        From `argparse.ArgumentParser.add_subparsers`.
    """
    parser = commands.add_parser("app", help="serve the dashboard")
    parser.add_argument(
        "options", nargs=argparse.REMAINDER, metavar="OPTION",
        help="options of streamlit run, as --server.port 8502",
    )  # fmt: skip
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from core.show import serve

    os.chdir(ROOT)  # Streamlit looks there for its settings
    sys.argv = [sys.argv[0], *options.options]
    serve.main()
    return 0
