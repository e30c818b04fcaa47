"""``python -m core harness DETECTOR``: a detector described for the Arena's harness."""

from __future__ import annotations

import argparse
from typing import Any

from core.cli.options import unusable
from core.plain import json_text


def add_parser(commands: Any) -> None:
    """Add the command to ``python -m core``."""
    parser = commands.add_parser(
        "harness",
        help="describe a detector for the Arena's harness (its meta.yaml)",
        epilog="Run it there by --model-module core.score.harness:DETECTOR.",
    )
    parser.add_argument("detector", metavar="DETECTOR", help="as for detect --detector")
    parser.add_argument("--code", required=True, metavar="URL", help="where the code is")
    parser.add_argument("--checkpoint", required=True, metavar="URL", help="where the weights are")
    parser.add_argument(
        "--paper", nargs=3, metavar=("ARXIV", "URL", "BIBTEX"), help="the paper of the system"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the description; 2 where there is no such detector."""
    from core.detect.detector import DetectorError
    from core.score.harness import description

    paper = None if options.paper is None else tuple(options.paper)
    try:
        print(json_text(description(options.detector, options.code, options.checkpoint, paper)))
    except DetectorError as error:
        return unusable(error)
    return 0
