"""``python -m core detectors``: which detectors there are, what is known of one, its weights."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from core.cli.options import unusable
from core.cli.progress import bar

if TYPE_CHECKING:
    from core.detect.registry import Entry


def add_parser(commands: Any) -> None:
    """Add the command to ``python -m core``."""
    parser = commands.add_parser("detectors", help="list the detectors, or what is known of one")
    parser.add_argument("id", nargs="?", metavar="ID", help="say what is known of this one")
    parser.add_argument("--fetch", action="store_true", help="with ID: fetch its weights")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print one entry per detector, or what is known of one; 2 where there is no such."""
    from core.detect.own import is_code
    from core.detect.registry import ENTRIES, PRECISIONS, in_8_bit, list_detectors
    from core.detect.registry.added import entry_of

    if options.id is None:
        if options.fetch:
            return unusable("Say which one's weights are to be fetched.")
        width = max(map(len, ENTRIES))
        for one in list_detectors():
            licence = f"; {one.licence}" if one.home else ""
            print(f"{one.id:{width}}  {one.state}{licence}\n{'':{width}}  {one.summary}")
        return 0
    entry = ENTRIES.get(options.id) or in_8_bit(options.id)
    if entry is None and options.id in PRECISIONS:
        entry = ENTRIES["embedded"]
    if entry is None and is_code(options.id):
        entry = entry_of(options.id, "the command", "A detector of your own.")
    if entry is None:
        return unusable(f"There is no detector '{options.id}'. Known are {', '.join(ENTRIES)}.")
    return _fetch(entry) if options.fetch else _describe(entry)


def _describe(entry: Entry) -> int:
    from core.detect.own_calibration import of_detector
    from core.detect.registry import models_home
    from core.evaluate.tables import TableError
    from core.show.figures.known_detectors import described, known

    try:
        facts = known(entry)
    except TableError as error:
        return unusable(error)
    print(f"{entry.name}\n{entry.summary}")
    for word, said in described(entry, facts):
        print(f"{word + ':':12} {said}")
    for made in of_detector(models_home(), entry.id):
        print(f"{'Calibrated:':12} on {made.fitted_on}; weights {made.weights_sha256[:12]}")
        print(f"{'':12} {made.worth}")
    if len(facts.figures):
        print("Published equal error rates:")
        for row in facts.figures.itertuples():
            print(f"  {row.value:7.3f} %  {row.benchmark} ({row.seen}), by {row.reported_by}")
    else:
        print("Published equal error rates: none in data/results/arena.csv")
    return 0


def _fetch(entry: Entry) -> int:
    from core.detect.detector import DetectorError
    from core.detect.registry.fetching import fetch_entry, weights_problem

    if entry.code:
        print(f"{entry.id} is code of your own: there is nothing to fetch.")
        return 0
    if entry.id == "embedded":
        print("The embedded detector ships with the project.")
        return 0
    if entry.obstacle:
        return unusable(f"{entry.name} cannot be run here. {entry.obstacle}")
    try:
        if weights_problem(entry):
            print(entry.terms, file=sys.stderr)
            fetch_entry(entry, bar("fetching weights"))
    except DetectorError as error:
        return unusable(error)
    print(f"{entry.id} is on this machine, at {entry.path}.")
    return 0
