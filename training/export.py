"""Trained weights -> a model directory: calibrated, hashed, with a measure of familiarity."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.detect.calibration import Calibration
from training.clips import read_index
from training.data import keep_for_training
from training.model_files import put, write_config

COVERAGE = 0.8
"""Share of development clips that get a verdict; the rest lies in the inconclusive band."""


def export_model(
    weights: str | Path,
    recipe: Mapping[str, Any],
    indexes: Sequence[str | Path],
    out: str | Path,
    name: str = "Embedded detector",
    known: int = 600,
    progress: Callable[[int, int, str], None] | None = None,
    scored: Mapping[str, tuple[pd.DataFrame, np.ndarray]] | None = None,
    *,
    int8: bool = False,
    speech: Sequence[np.ndarray] = (),
) -> dict[str, Any]:
    """Write a model directory.

    Where speech is given, ONNX graphs are written before anything is scored, so that calibration
    and familiarity belong to the engine that runs by default.

    The calibration is the affine map that minimises Cllr on the dev split under a prior of 0.5;
    its limit is what the smaller class can support: with ``n`` clips no likelihood ratio beyond
    ``n`` can be told from luck. The inconclusive band leaves `COVERAGE` of the dev clips outside.

    Parameters
    ----------
    weights : path-like
        ``best.safetensors`` of a training run.
    recipe : mapping
        The recipe that made it, from `training.recipe.load_recipe`.
    indexes : sequence of path-like
        The corpora it was trained on; the first holds the dev split.
    out : path-like
        The directory.
    name : str
        For people.
    known : int
        Training clips from which familiarity is measured.
    progress : callable, optional
        Called with (clips done, clips in all, clip).
    scored : mapping, optional
        Trials and embeddings of ``dev`` and ``known`` clips by these very weights, if
        `training.benchmark.score_trials` has made them already.
    int8 : bool
        Write 8-bit graphs too, and make them the default.
    speech : sequence of numpy.ndarray
        For `training.onnx_export.export_engines`.

    Returns
    -------
    dict
        The configuration that was written.
    """
    from safetensors.numpy import save_file as save_arrays
    from safetensors.torch import load_file, save_file

    from core.detect import familiarity
    from core.detect.detector import Detector, sha256_of
    from core.detect.model import build
    from core.detect.model_config import FORMAT, read_config
    from training.benchmark import score_trials
    from training.onnx_export import export_engines

    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    state = load_file(weights)
    settings = dict(recipe.get("network", {}))
    network = build(recipe["architecture"], settings)
    network.load_state_dict(state)
    part = out / "weights.part"
    save_file({k: v.contiguous() for k, v in state.items()}, part)
    file = put(part, out, "model.safetensors")
    digest = sha256_of(out / file)
    config: dict[str, Any] = {
        "format": FORMAT,
        "id": "embedded",
        "name": name,
        "architecture": recipe["architecture"],
        "network": settings,
        "window": 64_000,
        "hop": 32_000,
        "weights": {"file": file, "sha256": digest},
    }
    if speech:
        write_config(out, config)
        export_engines(out, int8=int8, clips=speech)
        config = read_config(out) | {"default_engine": "int8" if int8 else "onnx"}
        write_config(out, config)
        draft = Detector.load(out, config["default_engine"])
    else:
        draft = Detector("embedded", name, network, digest)

    corpora = [read_index(i) for i in indexes]

    def score(clips: pd.DataFrame, split: str) -> tuple[pd.DataFrame, np.ndarray]:
        if scored is not None and split in scored:
            return scored[split]
        vectors: list[np.ndarray] = []
        table = score_trials(draft, clips, split, None, progress, vectors)
        return table, np.stack(vectors)

    dev, dev_vectors = score(corpora[0], "dev")
    judged = dev["raw"].notna().to_numpy()
    calibration, band = fit_calibration(dev)

    train = pd.concat([keep_for_training(c) for c in corpora], ignore_index=True)
    train = train[~train["family"].str.startswith("copy:")]
    sample = train.sample(min(known, len(train)), random_state=0).assign(split="known")
    seen, vectors = score(sample, "known")
    usable = seen["raw"].notna().to_numpy()
    measure = familiarity.fit(
        vectors[usable],
        (seen["label"] == "spoof").to_numpy()[usable].astype(int),
        dev_vectors[judged],
    )
    save_arrays(
        {
            "mean": measure.mean,
            "whiten": np.ascontiguousarray(measure.whiten),
            "centres": measure.centres,
            "usual": measure.usual,
        },
        part,
    )
    file = put(part, out, "familiarity.safetensors")
    config |= {
        "calibration": calibration,
        "decision": {
            "inconclusive_llr": [-band, band],
            "min_speech_s": 1.0,
            "needs_wide_band": bool(recipe.get("needs_wide_band", False)),
        },
        "familiarity": {
            "file": file,
            "sha256": sha256_of(out / file),
            "edge": measure.edge,
            "unfamiliar": measure.unfamiliar,
        },
        "licence": "Apache-2.0",
        "training_families": sorted(set(train["family"][train["label"] == "spoof"])),
    }
    write_config(out, config)
    return config


def fit_calibration(dev: pd.DataFrame) -> tuple[dict[str, Any], float]:
    """The calibration of a detector, and the half-width of its inconclusive band.

    Parameters
    ----------
    dev : pandas.DataFrame
        Trials of the dev split, from `training.benchmark.score_trials`.

    Returns
    -------
    (dict, float)
        Fields of `core.detect.calibration.Calibration`, and log-odds.
    """
    calibration, n_human, n_synthetic = _affine(dev)
    calibration["fitted_on"] = (
        f"dev split of public_samples: {n_human} human and {n_synthetic} synthetic clips of "
        "systems and speakers not trained on"
    )
    llr = Calibration(**calibration).llr(dev["raw"].dropna().to_numpy(float))
    return calibration, float(np.quantile(np.abs(llr), 1 - COVERAGE))


def _affine(trials: pd.DataFrame) -> tuple[dict[str, Any], int, int]:
    """The affine map that minimises Cllr under a prior of 0.5, and human and synthetic clips."""
    from core.evaluate.metrics import Tally

    scored = trials.dropna(subset="raw")
    spoof = (scored["label"] == "spoof").to_numpy()
    raw = scored["raw"].to_numpy(float)
    affine = Tally.of(raw[~spoof], raw[spoof], higher="spoof").affine_calibration(0.5)
    n_human, n_synthetic = (scored.loc[m, "trial"].nunique() for m in (~spoof, spoof))
    limit = math.log(min(n_human, n_synthetic))
    found = {"scale": affine.scale, "offset": affine.offset, "llr_limit": limit}
    return found, n_human, n_synthetic


def calibrate_engine(
    directory: str | Path,
    index: str | Path,
    engine: str,
    progress: Callable[[int, int, str], None] | None = None,
) -> dict[str, Any]:
    """Fit a model's calibration on the scores of one engine, and make that its default.

    Parameters
    ----------
    directory : path-like
        The model.
    index : path-like
        Corpus with a dev split.
    engine : str
        One that the model has.
    progress : callable, optional
        Called with (clips done, clips in all, clip).

    Returns
    -------
    dict
        The calibration that was written.
    """
    from core.detect.detector import Detector
    from core.detect.model_config import read_config
    from training.benchmark import score_trials

    directory = Path(directory)
    detector = Detector.load(directory, engine)
    calibration, band = fit_calibration(
        score_trials(detector, read_index(index), "dev", None, progress)
    )
    config = read_config(directory)
    config["calibration"] = calibration
    config.setdefault("decision", {})["inconclusive_llr"] = [-band, band]
    config["default_engine"] = engine
    write_config(directory, config)
    return calibration


def add_families(
    directory: str | Path,
    index: str | Path,
    each: int = 8,
    progress: Callable[[int, int, str], None] | None = None,
) -> list[str]:
    """Tell a model where the generator families of its training data lie.

    The mean of the embeddings of at most ``each`` training clips a family, one window a clip.

    Parameters
    ----------
    directory : path-like
        The model, with a measure of familiarity.
    index : path-like
        Corpus with the training split.
    each : int
        Clips of a family; families with fewer than three are left out.
    progress : callable, optional
        Called with (clips done, clips in all, clip).

    Returns
    -------
    list of str
        The families.
    """
    from safetensors.numpy import load_file, save_file

    from core.detect.detector import Detector, sha256_of
    from core.detect.model_config import read_config
    from training.benchmark import score_trials

    directory = Path(directory)
    clips = keep_for_training(read_index(index))
    fakes = clips[(clips["label"] == "spoof") & ~clips["family"].str.startswith("copy:")]
    sample = fakes.sample(frac=1.0, random_state=0).groupby("family").head(each)
    sample = sample.groupby("family").filter(lambda rows: len(rows) >= 3).assign(split="known")
    vectors: list[np.ndarray] = []
    seen = score_trials(
        Detector.load(directory), sample, "known", None, progress, vectors, windows=1
    )
    usable = seen["raw"].notna().to_numpy()
    config = read_config(directory)
    path = directory / Path(str(config["familiarity"]["file"])).name
    arrays = load_file(path)
    found = (np.stack(vectors)[usable] - arrays["mean"]) @ arrays["whiten"]
    family = seen["family"].to_numpy()[usable]
    names = sorted(set(family))
    arrays["families"] = np.stack([found[family == name].mean(axis=0) for name in names])
    part = directory / "familiarity.part"
    save_file({k: np.ascontiguousarray(v, np.float32) for k, v in arrays.items()}, part)
    digest, file = sha256_of(part), put(part, directory, "familiarity.safetensors")
    config["familiarity"] |= {"families": names, "file": file, "sha256": digest}
    write_config(directory, config)
    return names


CODEC_RATES = {"opus": ("opus-16", "opus-24", "opus-64")}
"""Codecs that get a calibration of their own, and the settings it is fitted on."""


def calibrate_codec(
    directory: str | Path,
    index: str | Path,
    codec: str,
    progress: Callable[[int, int, str], None] | None = None,
    scored: Sequence[pd.DataFrame] | None = None,
) -> dict[str, Any]:
    """Fit a calibration for clips that arrive in a codec, and write it into a configuration.

    The affine map that minimises Cllr under a prior of 0.5 on the dev split, one window a clip,
    sent through each setting of `CODEC_RATES`.

    Parameters
    ----------
    directory : path-like
        The model.
    index : path-like
        Corpus with a dev split.
    codec : str
        Key of `CODEC_RATES`.
    progress : callable, optional
        Called with (clips done, clips in all, clip).
    scored : sequence of pandas.DataFrame, optional
        Trials of each setting by this very model, if they are there already.

    Returns
    -------
    dict
        The calibration that was written.

    Raises
    ------
    ValueError
        If there are no settings for the codec, or a setting cannot be encoded here.
    """
    from core.detect.detector import Detector
    from core.detect.model_config import read_config
    from training.benchmark import score_trials

    if codec not in CODEC_RATES:
        raise ValueError(f"There are no settings for {codec!r}, only for {', '.join(CODEC_RATES)}.")
    if scored is None:
        detector, clips = Detector.load(directory), read_index(index)
        scored = [
            score_trials(detector, clips, "dev", rate, progress, windows=1)
            for rate in CODEC_RATES[codec]
        ]
    found, n_human, n_synthetic = _affine(pd.concat(scored, ignore_index=True))
    rates = ", ".join(rate.removeprefix(f"{codec}-") for rate in CODEC_RATES[codec])
    found["fitted_on"] = (
        f"{n_human} human and {n_synthetic} synthetic clips of the dev split of public_samples "
        f"through {codec.capitalize()} at {rates} kbit/s"
    )
    config = read_config(Path(directory))
    config.setdefault("calibration_by_codec", {})[codec] = found
    write_config(Path(directory), config)
    return found
