"""``python -m core arena SCORES``: what the Speech Anti-Spoofing Arena takes of a system."""

from __future__ import annotations

import argparse
import datetime
import os
from pathlib import Path
from typing import Any

from core.cli.columns import EPILOG, add_trials, refusing
from core.cli.convert import given_trials, which_way
from core.evaluate.metrics import Tally
from core.evaluate.submission import Details, as_yaml, read_system, submission, unfilled
from core.evaluate.trials import TrialsError, in_form
from core.files import atomic_write, check_ordinary, why_not_written

DETAILS = {
    "benchmark": ("ORG/NAME", "the Arena's data set"),
    "revision": ("COMMIT", "the data set's commit"),
    "split": ("NAME", "its part (default: test)"),
    "scores-url": (
        "URL",
        "where scores.txt lies, at a commit: upload it first, then run this again",
    ),
    "user": ("NAME", "your name at the hub"),
    "contact": ("TEXT", "how you can be reached"),
}


def add_parser(commands: Any) -> None:
    """Add the command to ``python -m core``."""
    group = commands.add_parser(
        "arena",
        help="scores.txt and YAML for the Speech Anti-Spoofing Arena",
        epilog=f"What is not given stays empty in the YAML, and is named. {EPILOG}",
    )
    add_trials(group, "labels of all trials of the data set")
    group.add_argument("--out", metavar="FOLDER", required=True, help="where both files go")
    group.add_argument(
        "--meta", metavar="FILE", help="the system: the toolkit's meta.yaml, or core harness"
    )
    for name, (metavar, what) in DETAILS.items():
        group.add_argument(f"--{name}", metavar=metavar, default="", help=what)
    group.set_defaults(run=run, compare=[])


@refusing()
def run(options: argparse.Namespace) -> int:
    """Write both files; 0 when all went well, 2 when something could not be used."""
    system: dict[str, Any] = {}
    notes = ""
    folder = Path(options.out)
    listed = folder / "scores.txt"
    read_here = [name for name in (options.scores, options.protocol, options.meta) if name]
    if not options.out:
        raise TrialsError("--out names a folder for the two files, and is empty.")
    if os.path.lexists(folder) and not os.path.isdir(folder):
        raise TrialsError(f"{folder} is a file. --out names a folder for the two files.")
    if options.meta:
        meta = Path(options.meta)
        check_ordinary(meta)
        system, notes = read_system(meta.read_text("utf-8", "replace"), meta.name)
    trials = given_trials(options, labels=True)
    higher = which_way(trials, options)
    scores = in_form(trials, higher, "arena")
    details = Details(
        system, options.benchmark, options.revision, options.split or "test",
        options.scores_url, options.user, options.contact,
        datetime.date.today().isoformat(), notes,
    )  # fmt: skip
    tally = Tally.of(*trials.split(), higher=higher)
    folder.mkdir(parents=True, exist_ok=True)
    made = submission(scores, tally, trials.unscored, details)
    target = folder / f"{made['system']['slug'] or 'submission'}.yaml"
    for path in (listed, target):
        if obstacle := why_not_written(path, read=read_here):
            raise TrialsError(obstacle)
    atomic_write(listed, scores)
    atomic_write(target, as_yaml(made))
    for problem in trials.problems:
        print(problem.sentence)
    figures = made["scores"]
    print(f"{listed}: {figures['n_trials'] - figures['n_skipped']:,} scores.")
    print(f"{target}: EER {figures['eer_percent']:.4f} %, as the Arena computes it.")
    left = unfilled(made)
    if left:
        print(f"Still empty, so the Arena would refuse it: {', '.join(left)}.")
    return 0
