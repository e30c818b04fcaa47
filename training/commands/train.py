"""``python -m training train`` and ``holdout``: what changes weights."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from training.commands.options import (
    add_output,
    default_corpus,
    give_rows,
    require,
    whole,
)

STEPS = 160
"""Of each training of ``holdout``, where nothing else is asked."""


def add_parsers(commands: Any) -> None:
    """Add the commands.

    Parameters
    ----------
    commands : object
        From `argparse.ArgumentParser.add_subparsers`.
    """
    train = commands.add_parser("train", help="train a detector by a recipe")
    train.add_argument("--recipe", default="embedded", metavar="NAME", help="a name or TOML file")
    train.add_argument("--corpus", nargs="+", default=[default_corpus()], metavar="DIR")
    train.add_argument("--out", required=True, metavar="DIR")
    train.add_argument("--start", metavar="FILE", help="weights to start from")
    train.add_argument("--resume", action="store_true", help="continue from the last checkpoint")
    train.add_argument("--threads", type=whole(1), metavar="N")
    train.add_argument(
        "--workers", type=whole(0), default=1, metavar="N", help="processes that make crops"
    )
    train.add_argument("--seed", type=int, metavar="N", help="instead of the recipe's")
    train.set_defaults(run=_train)

    holdout = commands.add_parser(
        "holdout", help="train without one family after another and judge it"
    )
    holdout.add_argument(
        "--corpus", nargs="+", default=[default_corpus()], metavar="DIR",
        help="families of the first are left out, from all of them",
    )  # fmt: skip
    holdout.add_argument(
        "--start", required=True, metavar="FILE",
        help="DistillMOS checkpoint, or weights that heard none of these families",
    )  # fmt: skip
    holdout.add_argument("--benchmark", default="public_samples", metavar="NAME")
    holdout.add_argument(
        "--most",
        type=whole(0),
        default=0,
        metavar="N",
        help="clips of a family, or human source",
    )
    holdout.add_argument(
        "--steps", type=whole(1), default=STEPS, metavar="N", help="of each training"
    )
    add_output(holdout)
    holdout.set_defaults(run=_holdout)


def _train(options: argparse.Namespace) -> None:
    from training import processes
    from training.recipe import train

    require("accelerate", "tensorboard")
    found = train(
        options.recipe,
        options.corpus,
        options.out,
        options.start,
        options.resume,
        options.threads,
        options.workers,
        seed=options.seed,
    )
    if processes.first():
        for name, value in found.items():
            print(f"{name:40} {value:8.2f}")


def _holdout(options: argparse.Namespace) -> None:
    from training.corpus import print_progress
    from training.holdout import run

    table = run(
        options.corpus,
        options.start,
        options.most,
        options.benchmark,
        steps=options.steps,
        source=_command(options),
        progress=print_progress(),
    )
    give_rows(table, options)


def _command(options: argparse.Namespace) -> str:
    command = f"python -m training holdout --start {Path(options.start).name}"
    given = (options.benchmark, options.corpus, options.most, options.steps)
    if given == ("public_samples", [default_corpus()], 0, STEPS):
        return command
    corpora = " ".join(f"build/{Path(c).name}" for c in options.corpus)
    return (
        f"{command} --corpus {corpora} --benchmark {options.benchmark}"
        f" --most {options.most} --steps {options.steps}"
    )
