"""``python -m training benchmark``, ``provenance``, ``watermark``, ``parity``,
``published`` and ``card``."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.commands.options import (
    RESULTS,
    add_output,
    default_corpus,
    give_rows,
    require,
    whole,
    write_table,
)

if TYPE_CHECKING:
    import pandas as pd

PROVENANCE = Path("data/results/provenance.csv")
WATERMARK = Path("data/results/watermark.csv")
HISTORY = ["data/benchmarks/public_samples.csv", "data/benchmarks/today_samples.csv"]
"""Manifests of the clips whose published files ``provenance`` looks into."""

DOCUMENTS = ("data/models/embedded/MODEL_CARD.md", "training/README.md")
"""Documents with tables of figures."""


def add_parsers(commands: Any) -> None:
    """Add the commands.

    Parameters
    ----------
    commands : object
        From `argparse.ArgumentParser.add_subparsers`.
    """
    benchmark = commands.add_parser("benchmark", help="run a detector over a benchmark")
    benchmark.add_argument("benchmark", nargs="?", default="public_samples", metavar="NAME")
    benchmark.add_argument("--detector", default="embedded", metavar="ID")
    benchmark.add_argument(
        "--corpus", nargs="+", default=[default_corpus()], metavar="DIR",
        help="several only with --stretches, whose clips are taken together",
    )  # fmt: skip
    benchmark.add_argument("--split", default="test", choices=("dev", "test"))
    benchmark.add_argument("--codec", action="append", metavar="NAME", help="may be repeated")
    benchmark.add_argument(
        "--windows", type=whole(1), metavar="N", help="score at most N windows a clip"
    )
    instead = benchmark.add_mutually_exclusive_group()
    instead.add_argument(
        "--probes", action="store_true", help="spliced clips, and what can be told without sound"
    )
    instead.add_argument(
        "--stretches", action="store_true", help="how often a part that differs is named"
    )
    benchmark.add_argument("--trials", metavar="DIR", help="where to write the scores of trials")
    instead.add_argument(
        "--against", metavar="FILE", help="trials of another detector, written by --trials"
    )
    add_output(benchmark)
    benchmark.set_defaults(run=_benchmark)

    provenance = commands.add_parser(
        "provenance",
        help="how often signs of a file's history are met in human and synthetic clips",
    )
    provenance.add_argument(
        "--sources", required=True, metavar="DIR", help="folder of git directories"
    )
    provenance.add_argument("--manifest", nargs="+", default=HISTORY, metavar="FILE")
    provenance.add_argument("--split", default="test", choices=("train", "dev", "test"))
    provenance.add_argument("--clips", metavar="FILE", help="write every clip's signs there")
    provenance.add_argument("--out", default=str(PROVENANCE), metavar="FILE")
    provenance.set_defaults(run=_provenance, written=("out", "clips"))

    watermark = commands.add_parser(
        "watermark", help="how surely Resemble's watermark is found, after codecs and without"
    )
    watermark.add_argument("--corpus", nargs="+", default=[default_corpus()], metavar="DIR")
    watermark.add_argument("--split", default="test", choices=("train", "dev", "test"))
    watermark.add_argument(
        "--most", type=whole(0), default=40, help="clips that go through every codec"
    )
    watermark.add_argument("--answers", metavar="FILE", help="write every clip's answer there")
    watermark.add_argument("--out", default=str(WATERMARK), metavar="FILE")
    watermark.set_defaults(run=_watermark, written=("out", "answers"))

    parity = commands.add_parser(
        "parity", help="compare networks rebuilt here with what their authors' code gave"
    )
    parity.add_argument("folder", metavar="FOLDER", help="see docs/detectors.md")
    parity.set_defaults(run=_parity)

    published = commands.add_parser(
        "published", help="measured rows from score files that other teams published"
    )
    published.add_argument(
        "--scores",
        required=True,
        metavar="DIR",
        help="the files, named as in training/published.py",
    )
    published.add_argument("--out", default=str(RESULTS.parent), metavar="DIR")
    published.set_defaults(run=_published)

    card = commands.add_parser("card", help="make the tables of the model card and of docs anew")
    card.set_defaults(run=_card)


def _benchmark(options: argparse.Namespace) -> None:
    from core.detect.registry import load_detector
    from training.benchmark import run_benchmark
    from training.clips import read_all
    from training.corpus import print_progress
    from training.data import keep_for_training
    from training.probes import probe_rows
    from training.stretches import stretch_rows

    if options.probes or options.stretches or options.against:
        idle = [name for name in ("codec", "windows") if getattr(options, name) is not None]
        idle += ["trials"] if options.trials and not options.against else []
        idle += ["split"] if options.split != "test" and options.probes else []
        if idle:
            raise ValueError(f"--{idle[0]} has no effect here. Leave it out.")
    if options.probes:
        require("sklearn")
    if len(options.corpus) > 1 and not options.stretches:
        raise ValueError("Only --stretches takes several corpora. Name one.")
    detector = load_detector(options.detector, code=True)
    if options.against:
        table = _against(options)
    elif options.probes or options.stretches:
        index = read_all(options.corpus)
        if options.probes:
            train, test = keep_for_training(index), index[index["split"] == "test"]
            table = probe_rows(detector, train, test, options.benchmark, progress=print_progress())
        else:
            clips = index[index["split"] == options.split]
            table = stretch_rows(
                detector, clips, options.benchmark, print_progress(), options.split, options.corpus
            )
    else:
        table = run_benchmark(
            detector,
            options.corpus[0],
            options.benchmark,
            options.split,
            options.codec or (None,),
            options.trials,
            print_progress(),
            windows=options.windows,
        )
    give_rows(table, options)


def _against(options: argparse.Namespace) -> pd.DataFrame:
    """Trials of --detector (in --trials) and of another detector, compared."""
    from training.benchmark import against
    from training.trials import read_trials

    if not options.trials:
        raise ValueError("Name the folder of this detector's trials by --trials.")
    theirs = Path(options.against)
    of = f"-{options.benchmark}-{options.split}-"
    other, found, condition = theirs.name.partition(of)
    if not found or not theirs.name.endswith(".csv"):
        raise ValueError(
            f"{theirs} is not called as trials of this benchmark are: DETECTOR{of}CONDITION.csv."
        )
    mine = Path(options.trials) / f"{options.detector}{of}{condition}"
    for path, name in ((mine, str(options.detector)), (theirs, other)):
        if not path.is_file():
            how = _made_by(name, path, options, condition.removesuffix(".csv"))
            raise ValueError(f"There are no trials {path}. Make them first: {how}")
    first, second = read_trials(mine), read_trials(theirs)
    command = f"python -m training benchmark {options.benchmark} --detector "
    command += f"{options.detector} --trials DIR --against {shlex.quote(f'DIR/{theirs.name}')}"
    names = (str(options.detector), other)
    return against(first, second, names, options.benchmark, options.split, command)


def _made_by(detector: str, path: Path, options: argparse.Namespace, condition: str) -> str:
    """The command that writes a file of trials; its folder says the rest."""
    codec, _, limit = condition.partition(", ")
    words = ["python", "-m", "training", "benchmark", options.benchmark, "--detector", detector]
    words += ["--split", options.split] if options.split != "test" else []
    words += ["--codec", codec] if codec != "none" else []
    words += ["--windows", limit.partition(" ")[0]] if limit else []
    return shlex.join([*words, "--trials", str(path.parent)])


def _provenance(options: argparse.Namespace) -> None:
    from training.corpus import print_progress
    from training.provenance import rates, signs_of_clips

    found = signs_of_clips(
        options.manifest, options.sources, options.split, progress=print_progress()
    )
    table = rates(found, "python -m training provenance --sources DIR")
    _give_both(table, options.out, found, options.clips, "clips")


def _watermark(options: argparse.Namespace) -> None:
    from training.corpus import print_progress
    from training.watermark import answers, shares

    found = answers(options.corpus, options.split, options.most, progress=print_progress())
    table = shares(found, "python -m training watermark --corpus DIR ...")
    _give_both(table, options.out, found, options.answers, "answers")


def _give_both(
    table: pd.DataFrame, out: str, details: pd.DataFrame, details_out: str | None, what: str
) -> None:
    """Write a table, and where it is wanted what it sums up.

    Raises
    ------
    ValueError
        If there is nothing in it; a table that is there stays.
    """
    if table.empty:
        raise ValueError(f"No clip of this split could be looked into, so {out} stays as it is.")
    if details_out:
        write_table(details, details_out)
    write_table(table, out)
    print(f"{out}: {len(table)} rows, {len(details)} {what}")


def _parity(options: argparse.Namespace) -> None:
    from training.parity import write

    write(Path(options.folder))


def _published(options: argparse.Namespace) -> None:
    from training.published import write

    for name, rows in write(Path(options.scores), Path(options.out)).items():
        print(f"{name}.csv: {rows} rows")


def _card(options: argparse.Namespace) -> None:
    from training.card import refresh_files

    for file in refresh_files([Path(p) for p in DOCUMENTS], RESULTS):
        print(f"{file} has new tables")
