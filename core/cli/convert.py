"""``python -m core convert SCORES --to FORM``: a score file as a challenge wants it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from core.cli.columns import EPILOG, add_trials, read, refusing
from core.evaluate.metrics import Higher
from core.evaluate.trials import FORMS, Trials, TrialsError, attach, direction, in_form
from core.files import atomic_write, why_not_written


def add_parser(commands: Any) -> None:
    """Add the command to ``python -m core``."""
    forms = "; ".join(f"{key}: {form.name}" for key, form in FORMS.items())
    group = commands.add_parser(
        "convert",
        help="a score file in the form of a challenge",
        epilog=f"In all forms higher means bona fide. {forms}. {EPILOG}",
    )
    add_trials(group, "labels and attacks of the trials")
    group.add_argument("--to", required=True, choices=list(FORMS), help="the form")
    group.add_argument("--output", metavar="FILE", help="where it goes (default: printed)")
    group.set_defaults(run=run, compare=[])


@refusing()
def run(options: argparse.Namespace) -> int:
    """Convert ``options.scores``; 0 when all went well, 2 when it could not be used."""
    if options.output is not None:
        read_here = [name for name in (options.scores, options.protocol) if name]
        if obstacle := why_not_written(options.output, read=read_here):
            raise TrialsError(obstacle)
    trials = given_trials(options, labels="label" in FORMS[options.to].columns)
    written = in_form(trials, which_way(trials, options), options.to)
    for problem in trials.problems:
        print(problem.sentence, file=sys.stderr)
    if options.output is not None:
        atomic_write(options.output, written)
    else:
        sys.stdout.write(written.decode())
    return 0


def given_trials(options: argparse.Namespace, *, labels: bool) -> Trials:
    """The trials of SCORES, with what a protocol says of them.

    Raises
    ------
    TrialsError
        If a file cannot be read or used.
    """
    path = Path(options.scores)
    if not options.protocol and not labels:
        # Labels are of no use here, so they may be in doubt, as beside a protocol.
        options = argparse.Namespace(**(vars(options) | {"protocol": True}))
        return read(path, "scores", options, ())[0]
    trials, _ = read(path, "scores", options, ())
    if not options.protocol:
        return trials
    key, _ = read(Path(options.protocol), "protocol", options, ())
    return attach(trials, key, options.join_by_stem)


def which_way(trials: Trials, options: argparse.Namespace) -> Higher:
    """What a high score means: as stated, as its name says, or by the labels with a caution.

    Raises
    ------
    TrialsError
        If nothing says it.
    """
    stated: Higher | None = options.higher or trials.higher
    if stated:
        return stated
    if "label" not in trials.table:
        raise TrialsError("What does a high score mean? --higher spoof or --higher bonafide.")
    found = direction(trials)
    print(found.caution(), "--higher states it.", file=sys.stderr)
    return found.higher
