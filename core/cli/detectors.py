"""``python -m core detectors``: which detectors there are."""

from __future__ import annotations

import argparse
from typing import Any


def add_parser(commands: Any) -> None:
    """Add the command to ``python -m core``."""
    parser = commands.add_parser("detectors", help="list the detectors")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print one entry a detector."""
    from core.detect.registry import list_detectors

    for entry in list_detectors():
        state = "ready" if entry.ready else f"not here; its home is {entry.home}"
        print(f"{entry.id:28} {state}\n{'':28} {entry.summary}")
    return 0
