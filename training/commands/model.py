"""Model directories: ``export``, ``contrast``, ``calibrate``, ``families`` and ``quantise``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.commands.options import EMBEDDED, default_corpus, require

if TYPE_CHECKING:
    import numpy as np


def add_parsers(commands: Any) -> None:
    """Add the commands.

    Parameters
    ----------
    commands : object
        From `argparse.ArgumentParser.add_subparsers`.
    """
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
    export.add_argument(
        "--weights", nargs="+", metavar="FILE",
        help="make the directory from these first, from their mean where there are several",
    )  # fmt: skip
    export.add_argument("--recipe", default="embedded", metavar="NAME")
    export.add_argument(
        "--start", metavar="FILE",
        help="weights that training started from, where the recipe keeps a share of them",
    )  # fmt: skip
    export.add_argument("--corpus", nargs="+", default=[default_corpus()], metavar="DIR")
    export.set_defaults(run=_export)

    contrast = commands.add_parser(
        "contrast", help="teach a model to hold the windows of a clip against its rest"
    )
    contrast.add_argument("--model", default=str(EMBEDDED), metavar="DIR")
    contrast.add_argument("--corpus", nargs="+", default=[default_corpus()], metavar="DIR")
    contrast.set_defaults(run=_contrast)

    calibrate = commands.add_parser(
        "calibrate", help="fit a calibration for clips in a codec, or when a stretch stands out"
    )
    calibrate.add_argument("--codec", metavar="NAME", help="which (default: opus)")
    calibrate.add_argument("--model", default=str(EMBEDDED), metavar="DIR")
    calibrate.add_argument("--corpus", nargs="+", default=[default_corpus()], metavar="DIR")
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
    families.add_argument("--corpus", nargs="+", default=[default_corpus()], metavar="DIR")
    families.set_defaults(run=_families)

    quantise = commands.add_parser(
        "quantise", help="write a registered network over an encoder in 8-bit integers"
    )
    quantise.add_argument("detector", metavar="ID", help="whose weights are on this machine")
    quantise.set_defaults(run=_quantise)


def _export(options: argparse.Namespace) -> None:
    from training.corpus import print_progress
    from training.export import export_model
    from training.onnx_export import export_engines
    from training.recipe import load_recipe

    require("onnx", *(["sklearn"] if options.weights else []))
    recipe = load_recipe(options.recipe)
    if options.weights and ("start_share" in recipe) != bool(options.start):
        keeps = "a share" if "start_share" in recipe else "nothing"
        what = "Leave out" if options.start else "Name them by"
        raise ValueError(
            f"The recipe {recipe['name']} keeps {keeps} of the weights that training started "
            f"from. {what} --start."
        )
    speech = _speech(options.clips, options.corpus[0])
    if options.weights:
        config = export_model(
            options.weights,
            recipe,
            options.corpus,
            options.directory,
            progress=print_progress(),
            int8=options.int8,
            speech=speech,
            start=options.start,
        )
        print(config["calibration"])
        found = {k: v["raw_away"] for k, v in config["engines"].items()}
    else:
        found = export_engines(options.directory, int8=options.int8, clips=speech)
    for engine, away in found.items():
        print(
            f"{engine}: raw scores of {away['windows']} windows differ from PyTorch's by "
            f"{away['mean']:.2g} on average, {away['largest']:.2g} at most"
        )


def _speech(names: list[str] | None, corpus: str, most: int = 64) -> list[np.ndarray]:
    """Samples of at most so many clips, evenly chosen: those named, of the corpus, or examples."""
    from core.audio.files import audio_files
    from training.clips import decoded, read_index
    from training.data import keep_for_training

    if names or not (Path(corpus) / "index.csv").is_file():
        files = list(audio_files(names or ["examples"]))
    else:
        files = [Path(file) for file in keep_for_training(read_index(corpus))["file"]]
    if not files:
        raise ValueError(
            f"{corpus} holds no training clip to check graphs with. --clips names some."
        )
    return [decoded(file).samples for file in files[:: -(-len(files) // most)]]


def _contrast(options: argparse.Namespace) -> None:
    from core.detect.model_directory import load_directory
    from training.clips import read_all
    from training.contrast import fit, spliced, write
    from training.corpus import print_progress

    index = read_all(options.corpus)
    train = index[index["split"] == "train"]
    clips = list(spliced(load_directory(options.model), train, print_progress()))
    if not {"", "spoof"} <= {clip.label for clip in clips}:
        raise ValueError(
            "The train splits hold no human clip of 30 s, nor a speaker with as much, into which a "
            "synthetic part can be set. Name more corpora by --corpus."
        )
    sources = len({clip.source for clip in clips})
    on = f"{len(clips)} clips of {sources} sources of the train splits, most of them spliced"
    print(write(options.model, fit(clips), on))


def _calibrate(options: argparse.Namespace) -> None:
    from training.calibrate import calibrate_codec, calibrate_engine
    from training.corpus import print_progress
    from training.finding import fit_finding

    model, corpora = options.model, options.corpus
    if options.stretches:
        idle = [name for name in ("codec", "engine") if getattr(options, name)]
        if idle:
            raise ValueError(f"--{idle[0]} has no effect here. Leave it out.")
        print(fit_finding(model, corpora, print_progress()))
        return
    if options.engine:
        print(calibrate_engine(model, corpora, options.engine, progress=print_progress()))
    print(calibrate_codec(model, corpora, options.codec or "opus", progress=print_progress()))


def _families(options: argparse.Namespace) -> None:
    from training.corpus import print_progress
    from training.export import add_families

    print(", ".join(add_families(options.model, options.corpus, progress=print_progress())))


def _quantise(options: argparse.Namespace) -> None:
    from core.detect.engine import TorchEngine
    from core.detect.registry import ENTRIES, load_detector
    from training.onnx_encoder import eight_bit

    entry = ENTRIES.get(options.detector)
    if entry is None or not entry.network:
        raise ValueError(f"'{options.detector}' is no registered network over an encoder.")
    require("onnx")
    detector = load_detector(entry.id, fetch=False, engine="torch", kept=False)
    assert isinstance(detector.engine, TorchEngine)
    out = entry.path.parent / "int8"
    eight_bit(detector.engine.network, entry.network, detector.weights_sha256, out)
    print(f"{out} holds {entry.id} in 8-bit integers: core detect --detector {entry.id}-int8")
