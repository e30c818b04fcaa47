"""``app``: the dashboard."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from core.files import ROOT
from core.interrupts import end_at_once, raise_again


def add_parser(commands: Any) -> None:
    """Add the command to ``python -m core``.

    Its options are Streamlit's own, so it lets all through that it does not know.

    Parameters
    ----------
    commands : object
        From `argparse.ArgumentParser.add_subparsers`.
    """
    parser = commands.add_parser(
        "app",
        help="serve the dashboard",
        epilog="Other options go to streamlit run, as --server.port 8502.",
    )
    parser.set_defaults(run=run, rest=())


def run(options: argparse.Namespace) -> int:
    """Serve until the process is stopped."""
    from core.show import serve

    os.chdir(ROOT)  # Streamlit looks there for its settings
    sys.argv = [sys.argv[0], *options.rest]
    end_at_once()  # click would say "Aborted!"; Streamlit takes interrupts once it serves
    try:
        serve.main()
    finally:
        raise_again()
    return 0
