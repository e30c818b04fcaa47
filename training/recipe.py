"""Training by recipe: `transformers`' Trainer on pairs of human and synthetic crops.

A recipe is one TOML file in ``training/recipes``. Dev figures choose the weights that are kept;
the test split is never read here.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from core.files import atomic_write
from training import processes
from training.augment import SpectrumMask
from training.data import PART, collate, keep_for_training
from training.devset import dev_figures, dev_set, spliced_set
from training.hard import hard_humans
from training.losses import weighted_loss
from training.precision import half_precision
from training.protocols import read_corpus
from training.stages import last_checkpoint, stage_arguments, stage_loss, stage_pairs
from training.stored import train_stored_stage

if TYPE_CHECKING:
    import torch

RECIPES = Path(__file__).parent / "recipes"


def load_recipe(name: str | Path) -> dict[str, Any]:
    """A recipe by its name, or by the path of a TOML file.

    Raises
    ------
    ValueError
        If there is none, or it is not TOML.
    """
    path = RECIPES / f"{name}.toml"
    if not path.is_file():
        path = Path(name)
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in RECIPES.glob("*.toml")))
        raise ValueError(f"There is no recipe {str(name)!r}. Known are {known}, or a TOML file.")
    try:
        return {"name": path.stem, **tomllib.loads(path.read_text("utf-8"))}
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path} is not TOML: {error}") from error


def train(
    recipe: str | Path | Mapping[str, Any],
    indexes: Sequence[str | Path],
    out: str | Path,
    start: str | Path | None = None,
    resume: bool = False,
    threads: int | None = None,
    workers: int = 1,
    codec: Callable[[np.ndarray, str], np.ndarray] | None = None,
    weight: dict[str, float] | None = None,
    seed: int | None = None,
) -> dict[str, float]:
    """Train by a recipe.

    Parameters
    ----------
    recipe : str, path-like or mapping
        Name of a recipe, a TOML file, or its content.
    indexes : sequence of path-like
        Indexes of corpora, or the folders that hold them. Dev clips come from these, too.
    out : path-like
        Folder for checkpoints, the log, TensorBoard events and ``best.safetensors``.
    start : path-like, optional
        Weights to start from instead of the recipe's: a ``.pt`` of DistillMOS or ``.safetensors``
        of this architecture.
    resume : bool
        Continue from the latest checkpoint in ``out``.
    threads : int, optional
        CPU threads of the network.
    workers : int
        Processes that make crops.
    codec : callable, optional
        See `training.augment.augment`.
    weight : dict of str to float, optional
        See `training.data.Pairs`.
    seed : int, optional
        Instead of the recipe's.

    Returns
    -------
    dict
        Dev figures of the weights that were kept, in percent.

    Raises
    ------
    ValueError
        If the recipe, an index or the weights to start from do not fit.
    """
    import torch
    from transformers import set_seed

    from training.echo import Echo, pairs_to_make
    from training.trainer import AveragingTrainer

    recipe = dict(recipe) if isinstance(recipe, Mapping) else load_recipe(recipe)
    if seed is not None:
        recipe["seed"] = seed
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    if processes.first():
        atomic_write(out / "recipe.json", json.dumps(recipe, indent=1))
    if threads:
        torch.set_num_threads(threads)
    set_seed(int(recipe.get("seed", 0)))
    if recipe.get("kind") == "windows":
        return _train_windows(recipe, indexes, out, start, resume, workers)
    settings = recipe["training"]
    _refuse_untaught_heads(recipe)
    index = pd.concat([read_corpus(i) for i in indexes], ignore_index=True)
    steps, pairs = int(settings["steps"]), int(settings["pairs"])
    clips = keep_for_training(index)
    if "hard" in recipe and weight is None:
        plain = _network(recipe, start)
        hard, half = recipe["hard"], bool(settings.get("half", half_precision()))
        weight = hard_humans(plain, clips, out / "hard.json", hard["share"], hard["times"], half)
    echoed = "echo" in settings
    count = pairs_to_make(steps, settings) if echoed else steps * pairs
    made = stage_pairs(recipe, clips, count, int(recipe.get("seed", 0)), codec, weight)
    dev = dev_set(index, most=int(settings.get("dev_clips", 0)))
    if recipe.get("network", {}).get("parts"):
        dev = spliced_set(dev, index, codec)
    model = _network(recipe, start, len(made.families) if settings.get("family") else 0)
    if "stored" in recipe:
        train_stored_stage(
            recipe, index, dev, model, out / "stored", resume, workers, codec, weight, start
        )
        if not steps:
            return _keep(out / "stored", out)
    arguments = stage_arguments(out, settings, steps, pairs, int(recipe.get("seed", 0)), workers)
    data = Echo(made, settings, int(recipe.get("seed", 0)), workers) if echoed else made
    judge = partial(dev_figures, dev=dev)
    trainer = AveragingTrainer(
        model, arguments, data, settings, stage_loss(settings), collate, judge
    )
    trainer.train(resume_from_checkpoint=last_checkpoint(out) if resume else None)
    return _best(out)


def _refuse_untaught_heads(recipe: Mapping[str, Any]) -> None:
    """Echoed crops have no labels of their parts, stored features none but of their class."""
    stored = "stored" in recipe
    if recipe.get("network", {}).get("parts") and (stored or "echo" in recipe["training"]):
        raise ValueError(
            "Parts are taught by fresh crops alone. Leave out parts, or echo and stored."
        )
    if recipe["training"].get("family") and stored:
        raise ValueError("Stored features teach no families. Leave out family or stored.")


def _keep(stage: Path, out: Path) -> dict[str, float]:
    """Make what a stage kept that of the whole training."""
    if processes.first():
        for name in ("best.safetensors", "best.json"):
            atomic_write(out / name, (stage / name).read_bytes())
    return _best(stage)


def _best(out: Path) -> dict[str, float]:
    best = json.loads((out / "best.json").read_text("utf-8"))
    return {k: float(v) for k, v in best.items()}


def _train_windows(
    recipe: Mapping[str, Any],
    indexes: Sequence[str | Path],
    out: Path,
    start: str | Path | None,
    resume: bool,
    workers: int,
) -> dict[str, float]:
    """Stages of training on labelled windows; each starts from the best weights of the last."""
    import torch
    from safetensors.torch import load_file

    from training.trainer import AveragingTrainer
    from training.windows import Windows, collate_windows

    index = pd.concat([read_corpus(i) for i in indexes], ignore_index=True)
    data = Windows(index[index["split"] == "train"])
    dev = dev_set(index, length=data.length)
    model = _network(recipe, start)
    weights = recipe.get("class_weights") or data.class_weights()
    loss = weighted_loss(float(weights["bonafide"]), float(weights["spoof"]))
    judge = partial(dev_figures, dev=dev)
    seed = int(recipe.get("seed", 0))
    for number, stage in enumerate(recipe["stage"], 1):
        folder = out / f"stage{number}"
        folder.mkdir(exist_ok=True)
        if resume and (folder / "done").is_file():
            model.load_state_dict(load_file(folder / "best.safetensors"))
            continue
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(any(name.startswith(p) for p in stage["trainable"]))
        batch = int(stage["batch"])
        epoch = -(-len(data) // batch)
        steps = int(stage.get("steps", epoch * int(stage.get("epochs", 1))))
        settings = {
            **stage,
            "warmup": round(steps * float(stage.get("warmup_share", 0.0))),
            "evaluate_every": stage.get("evaluate_every", min(epoch, steps)),
            "half": stage.get("half", torch.cuda.is_available()),
        }
        arguments = stage_arguments(folder, settings, steps, batch, seed, workers)
        trainer = AveragingTrainer(model, arguments, data, settings, loss, collate_windows, judge)
        trainer.train(resume_from_checkpoint=last_checkpoint(folder) if resume else None)
        model.load_state_dict(load_file(folder / "best.safetensors"))
        if processes.first():
            (folder / "done").touch()
    return _keep(out / f"stage{len(recipe['stage'])}", out)


def _network(
    recipe: Mapping[str, Any], start: str | Path | None, families: int = 0
) -> torch.nn.Module:
    from core.detect.networks import build
    from training.initial import load_distillmos
    from training.weights import put_into, read_tensors

    settings = dict(recipe.get("network", {}))
    if recipe["architecture"] == "wav2vec2-mean":
        published: Any = build(recipe["architecture"], settings)
        pretrained = recipe.get("start", {}).get("pretrained")
        if start:
            put_into(published, read_tensors(start), start)
        elif pretrained:
            from transformers import Wav2Vec2Model

            published.backbone = Wav2Vec2Model.from_pretrained(pretrained)
        return published
    if settings.get("parts", PART) != PART:
        raise ValueError(f"The parts of training crops are {PART} frames long.")
    model = build(
        recipe["architecture"], {**settings, **({"families": families} if families else {})}
    )
    start = start or recipe.get("start", {}).get("distillmos")
    if start and str(start).endswith(".safetensors"):
        given, own = read_tensors(start), model.state_dict()
        lacks, odd = sorted({*own} - {*given}), sorted({*given} - {*own})
        if odd or any(not name.startswith(("parts.", "families.")) for name in lacks):
            raise ValueError(f"{start} does not fit this network: {[*odd, *lacks][0]}")
        put_into(model, {**own, **given}, start)
    elif start:
        load_distillmos(model, start)
    front = getattr(model, "front", None)
    if front is not None:
        front.mask = SpectrumMask(recipe.get("mask", {}), int(recipe.get("seed", 0)))
        for layer in list(front.cnn)[: 2 * int(recipe["training"].get("frozen", 0))]:
            layer.requires_grad_(False)
        for layer in front.cnn:
            if hasattr(layer, "inplace"):  # one copy less of the largest arrays
                layer.inplace = True
    return model
