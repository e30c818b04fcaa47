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
    share,
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
        "--steps", type=whole(1), metavar="N", help=f"of each training without a recipe ({STEPS})"
    )
    holdout.add_argument(
        "--recipe", metavar="NAME", help="whose stored stage trains, such as embedded-encoder"
    )
    holdout.add_argument(
        "--share", type=share, metavar="X", help="of the recipe's crops and steps, above 0 to 1"
    )
    holdout.add_argument(
        "--heard", nargs="+", default=[], metavar="DIR",
        help="those of the corpora that the start was trained on, to be told with the figures",
    )  # fmt: skip
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

    if options.recipe and options.steps:
        raise ValueError("A recipe has steps of its own. Leave out --steps, or give --share.")
    if options.share and not options.recipe:
        raise ValueError("--share is of a recipe. Give --recipe too, or --steps instead.")
    if options.recipe:
        require("accelerate", "tensorboard")
    table = run(
        options.corpus,
        options.start,
        options.most,
        options.recipe,
        options.steps or STEPS,
        options.share or 1.0,
        heard=options.heard,
        progress=print_progress(),
        system=f"embedded, {'last leg' if options.recipe else 'light'}",
        benchmark=options.benchmark,
        source=_command(options),
    )
    give_rows(table, options)


def _command(options: argparse.Namespace) -> str:
    command = f"python -m training holdout --start {Path(options.start).name}"
    for name, corpora in (("corpus", options.corpus), ("heard", options.heard)):
        if corpora and corpora != [default_corpus()]:
            command += f" --{name} " + " ".join(f"build/{Path(c).name}" for c in corpora)
    given = {"benchmark": "public_samples", "most": 0, "steps": None, "recipe": None, "share": None}
    told = {n: v for n in given if (v := getattr(options, n)) != given[n]}
    return " ".join([command, *(f"--{name} {value}" for name, value in told.items())])
