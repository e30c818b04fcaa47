"""Trained weights -> a model directory: calibrated, hashed, with a measure of familiarity."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.audio.windows import HOP, WINDOW
from core.detect.detector import Detector
from core.detect.familiarity import FamiliarityMeasure
from core.detect.finer import SHORTER, Blend
from core.detect.model_directory import load_directory
from core.detect.weights import sha256_of
from training.calibrate import fit_calibration
from training.clips import read_all, read_index
from training.data import keep_for_training
from training.model_files import put, write_config
from training.weights import put_into, read_tensors

HEADS = ("parts.", "families.")
"""Weights that teach the others and are not shipped."""


def export_model(
    weights: str | Path | Sequence[str | Path],
    recipe: Mapping[str, Any],
    indexes: Sequence[str | Path],
    out: str | Path,
    name: str = "Embedded detector",
    known: int = 600,
    progress: Callable[[int, int, str], None] | None = None,
    *,
    int8: bool = False,
    speech: Sequence[np.ndarray] = (),
    start: str | Path | None = None,
) -> dict[str, Any]:
    """Write a model directory.

    Where speech is given, ONNX graphs are written before anything is scored, so that calibration
    and familiarity belong to the engine that runs by default.

    The calibration is the affine map that minimises Cllr on the dev split under a prior of 0.5;
    its limit is what the smaller class can support: with ``n`` clips no likelihood ratio beyond
    ``n`` can be told from luck. The inconclusive band is that of `fit_band`.

    Parameters
    ----------
    weights : path-like, or a sequence of them
        ``best.safetensors`` of a training run, or of several from one start, whose mean counts.
    recipe : mapping
        The recipe that made it, from `training.recipe.load_recipe`.
    indexes : sequence of path-like
        The corpora it was trained on; dev splits are those of all.
    out : path-like
        The directory.
    name : str
        For people.
    known : int
        Training clips from which familiarity is measured.
    progress : callable, optional
        Called with (clips done, clips in all, clip).
    int8 : bool
        Write 8-bit graphs too, and make them the default.
    speech : sequence of numpy.ndarray
        For `training.onnx_export.export_engines`.
    start : path-like, optional
        Weights that the run started from, of which the recipe's ``start_share`` is kept.

    Returns
    -------
    dict
        The configuration that was written.
    """
    from training import familiarity
    from training.trials import score_trials

    out = Path(out)
    config, draft = _drafted(weights, recipe, out, name, int8, speech, start)
    corpora = [read_index(i) for i in indexes]

    def score(clips: pd.DataFrame, split: str) -> tuple[pd.DataFrame, np.ndarray]:
        vectors: list[np.ndarray] = []
        table = score_trials(draft, clips, split, None, progress, vectors)
        if table.loc[table["raw"].notna(), "label"].nunique() < 2:
            part = "training" if split == "known" else split
            raise ValueError(f"No {part} clips of both classes can be judged; a fit needs them.")
        return table, np.stack(vectors)

    dev, dev_vectors = score(pd.concat(corpora, ignore_index=True), "dev")
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
    config |= {
        "calibration": calibration,
        "decision": {
            "inconclusive_llr": list(band),
            "min_speech_s": 1.0,
            "needs_wide_band": bool(recipe.get("needs_wide_band", False)),
        },
        "familiarity": _write_familiarity(measure, out),
        "licence": "Apache-2.0",
        "training_families": sorted(set(train["family"][train["label"] == "spoof"])),
    }
    write_config(out, config)
    return config


def _drafted(
    weights: str | Path | Sequence[str | Path],
    recipe: Mapping[str, Any],
    out: Path,
    name: str,
    int8: bool,
    speech: Sequence[np.ndarray],
    start: str | Path | None,
) -> tuple[dict[str, Any], Detector]:
    """Weights, and graphs if asked for, in a directory; its configuration, its detector, both raw.

    Raw: without a calibration, a band and a measure of familiarity.
    """
    from safetensors.torch import save_file

    from core.detect.model_config import FORMAT, read_config
    from core.detect.networks import build
    from training.onnx_export import export_engines

    out.mkdir(parents=True, exist_ok=True)
    settings = {k: v for k, v in recipe.get("network", {}).items() if k != "parts"}
    network = build(recipe["architecture"], settings)
    half = _half_precision(weights, recipe, start)
    put_into(network, half, " and ".join(map(str, _named(weights))))
    part = out / "weights.part"
    save_file(half, part)
    file = put(part, out, "model.safetensors")
    digest = sha256_of(out / file)
    config: dict[str, Any] = {
        "format": FORMAT,
        "id": "embedded",
        "name": name,
        "architecture": recipe["architecture"],
        "network": settings,
        "window": WINDOW,
        "hop": HOP,
        "weights": {"file": file, "sha256": digest},
    }
    blend = None
    if "shorter_share" in recipe:
        blend = Blend(SHORTER, float(recipe["shorter_share"]))
        config["shorter"] = {**asdict(SHORTER), "share": blend.share}
    if not speech:
        return config, Detector("embedded", name, network, digest, blend=blend)
    write_config(out, config)
    export_engines(out, int8=int8, clips=speech)
    config = read_config(out) | {"default_engine": "int8" if int8 else "onnx"}
    write_config(out, config)
    return config, load_directory(out, config["default_engine"])


def _named(weights: str | Path | Sequence[str | Path]) -> Sequence[str | Path]:
    return [weights] if isinstance(weights, str | Path) else weights


def _half_precision(
    weights: str | Path | Sequence[str | Path],
    recipe: Mapping[str, Any],
    start: str | Path | None,
) -> dict[str, Any]:
    """The tensors that ship, in half precision: of runs, or on the way from where they started."""
    state = _mean([read_tensors(file) for file in _named(weights)])
    state = {k: v for k, v in state.items() if not k.startswith(HEADS)}
    if start is not None:
        state = _between(state, read_tensors(start), float(recipe["start_share"]))
    return {k: (v.half() if v.is_floating_point() else v).contiguous() for k, v in state.items()}


def _write_familiarity(measure: FamiliarityMeasure, out: Path) -> dict[str, Any]:
    """Write a measure's arrays into a model; what the configuration says of them."""
    from safetensors.numpy import save_file

    part = out / "familiarity.part"
    arrays = {
        "mean": measure.mean,
        "whiten": np.ascontiguousarray(measure.whiten),
        "centres": measure.centres,
        "usual": measure.usual,
    }
    save_file(arrays, part)
    file = put(part, out, "familiarity.safetensors")
    return {
        "file": file,
        "sha256": sha256_of(out / file),
        "edge": measure.edge,
        "unfamiliar": measure.unfamiliar,
    }


def _mean(states: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Mean of the weights of several runs.

    Wortsman et al. 2022, "Model soups" (arXiv:2203.05482).
    """
    first = states[0]
    if any(_shapes(s) != _shapes(first) for s in states):
        raise ValueError("These files hold weights of different networks, which have no mean.")
    return {
        k: sum(s[k].float() for s in states) / len(states) if v.is_floating_point() else v
        for k, v in first.items()
    }


def _shapes(state: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v.shape for k, v in state.items()}


def _between(state: dict[str, Any], start: Mapping[str, Any], share: float) -> dict[str, Any]:
    """Weights on the line between two, which keep more of what the first could do.

    Wortsman et al. 2022, "Robust fine-tuning of zero-shot models" (arXiv:2109.01903).
    """
    if not _shapes(state).items() <= _shapes(start).items():
        raise ValueError("The weights that training started from are those of another network.")
    return {
        k: v.lerp(start[k].to(v), share) if v.is_floating_point() else v for k, v in state.items()
    }


def add_families(
    directory: str | Path,
    indexes: Sequence[str | Path],
    each: int = 8,
    progress: Callable[[int, int, str], None] | None = None,
) -> list[str]:
    """Tell a model where the generator families of its training data lie.

    The mean of the embeddings of at most ``each`` training clips per family, one window per clip.

    Parameters
    ----------
    directory : path-like
        The model, with a measure of familiarity.
    indexes : sequence of path-like
        Corpora; their training splits count.
    each : int
        Clips of a family; families with fewer than three are left out.
    progress : callable, optional
        Called with (clips done, clips in all, clip).

    Returns
    -------
    list of str
        The families.

    Raises
    ------
    ValueError
        If the model has no measure of familiarity, or no family has clips enough.
    """
    from safetensors.numpy import load_file, save_file

    from core.detect.model_config import read_config
    from training.trials import score_trials

    directory = Path(directory)
    config = read_config(directory)
    if "familiarity" not in config:
        raise ValueError(f"{directory} has no measure of familiarity, which families belong to.")
    clips = keep_for_training(read_all(indexes))
    nameless = clips["family"].str.startswith(("copy:", "unknown"))
    fakes = clips[(clips["label"] == "spoof") & ~nameless]
    sample = fakes.sample(frac=1.0, random_state=0).groupby("family").head(each)
    sample = sample.groupby("family").filter(lambda rows: len(rows) >= 3).assign(split="known")
    if sample.empty:
        raise ValueError("No family of generators has three training clips: there is none to tell.")
    vectors: list[np.ndarray] = []
    seen = score_trials(
        load_directory(directory), sample, "known", None, progress, vectors, windows=1
    )
    usable = seen["raw"].notna().to_numpy()
    if not usable.any():
        raise ValueError("No training clip of these families has speech enough to be judged.")
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
