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
from training.augment import SpectrumMask, Strength
from training.data import PART, Mix, Pairs, collate, keep_for_training
from training.devset import DevSet, dev_figures, dev_set, spliced_set
from training.hard import hard_humans
from training.losses import Loss, pair_loss, weighted_loss
from training.precision import half_precision
from training.protocols import read_corpus

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
    made = Pairs(
        clips,
        pairs_to_make(steps, settings) if echoed else steps * pairs,
        int(recipe.get("seed", 0)),
        Mix(**recipe.get("mix", {})),
        Strength(**recipe.get("strength", {})),
        codec,
        weight,
        recipe.get("codecs"),
        recipe.get("copies"),
        recipe.get("narrow"),
    )
    dev = dev_set(index, most=int(settings.get("dev_clips", 0)))
    if recipe.get("network", {}).get("parts"):
        dev = spliced_set(dev, index, codec)
    model = _network(recipe, start, len(made.families) if settings.get("family") else 0)
    if "stored" in recipe:
        _train_stored(
            recipe, index, dev, model, out / "stored", resume, workers, codec, weight, start
        )
        if not steps:
            return _keep(out / "stored", out)
    arguments = _arguments(out, settings, steps, pairs, int(recipe.get("seed", 0)), workers)
    data = Echo(made, settings, int(recipe.get("seed", 0)), workers) if echoed else made
    judge = partial(dev_figures, dev=dev)
    trainer = AveragingTrainer(model, arguments, data, settings, _loss(settings), collate, judge)
    trainer.train(resume_from_checkpoint=_last_checkpoint(out) if resume else None)
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


def _loss(settings: Mapping[str, Any]) -> Loss:
    """The loss of a stage that trains on pairs."""
    return pair_loss(float(settings.get("ranking", 0.0)), float(settings.get("smoothing", 0.0)))


def _last_checkpoint(out: Path) -> str | None:
    """The newest checkpoint that was written to its end; its average comes last."""
    finished = [f.parent for f in out.glob("checkpoint-*/average.safetensors")]
    newest = max(finished, key=lambda folder: int(folder.name.split("-")[1]), default=None)
    return str(newest) if newest else None


def stored_pairs(
    recipe: Mapping[str, Any],
    clips: pd.DataFrame,
    codec: Callable[[np.ndarray, str], np.ndarray] | None = None,
    weight: dict[str, float] | None = None,
) -> Pairs:
    """The pairs whose features the stored stage of a recipe trains on.

    Parameters
    ----------
    recipe : mapping
        With a stage ``stored``.
    clips : pandas.DataFrame
        From `training.data.keep_for_training`.
    codec, weight
        See `training.data.Pairs`.

    Returns
    -------
    Pairs
        As many as ``crops`` says.
    """
    settings = recipe["stored"]
    return Pairs(
        clips,
        int(settings["crops"]),
        int(recipe.get("seed", 0)) + 1,
        Mix(**{**recipe.get("mix", {}), "seconds": float(settings.get("seconds", 2.5))}),
        Strength(**recipe.get("strength", {})),
        codec,
        weight,
        recipe.get("codecs"),
        recipe.get("copies"),
        recipe.get("narrow"),
    )


def train_on_stored(
    model: torch.nn.Module,
    recipe: Mapping[str, Any],
    features: np.ndarray,
    out: Path,
    judge: Callable[[torch.nn.Module], dict[str, float]],
    which: np.ndarray | None = None,
    resume: bool = False,
) -> None:
    """Train the transformer on stored features; the network gets the best averaged weights.

    Parameters
    ----------
    model : torch.nn.Module
        The spectral transformer.
    recipe : mapping
        With a stage ``stored``.
    features : numpy.ndarray
        From `training.cached.store_features`.
    out : path-like
        Folder for checkpoints, the log and what is kept.
    judge : callable
        Figures of a network; the lowest ``eer`` is the best.
    which : numpy.ndarray, optional
        See `training.cached.StoredPairs`.
    resume : bool
        Continue from the latest checkpoint in ``out``.
    """
    from safetensors.torch import load_file

    from training.cached import StoredPairs, collate_features, lengths
    from training.trainer import AveragingTrainer

    settings, seed = recipe["stored"], int(recipe.get("seed", 0))
    count = int(settings["steps"]) * int(settings["pairs"])
    trainer = AveragingTrainer(
        model,
        _stored_arguments(recipe, out),
        StoredPairs(features, count, seed, settings, which),
        settings,
        _loss(settings),
        partial(collate_features, frames=lengths(settings)),
        judge,
    )
    vars(model)["forward"] = model.encode  # what wraps a network of several processes calls this
    trainer.train(resume_from_checkpoint=_last_checkpoint(out) if resume else None)
    vars(model).pop("forward")
    model.load_state_dict(load_file(out / "best.safetensors"))


def _stored_arguments(recipe: Mapping[str, Any], out: Path) -> Any:
    settings = recipe["stored"]
    steps, batch = int(settings["steps"]), int(settings["pairs"])
    return _arguments(out, settings, steps, batch, int(recipe.get("seed", 0)), 0)


def _train_stored(
    recipe: Mapping[str, Any],
    index: pd.DataFrame,
    dev: DevSet,
    model: torch.nn.Module,
    out: Path,
    resume: bool,
    workers: int,
    codec: Callable[[np.ndarray, str], np.ndarray] | None,
    weight: dict[str, float] | None,
    start: str | Path | None,
) -> None:
    """First stage: the transformer alone, on stored features; `model` gets the best weights."""
    from training.cached import features_of, store_dev, store_features, stored_figures
    from training.corpus import print_progress

    out.mkdir(exist_ok=True)
    eight_bit = recipe["stored"].get("front") == "int8"
    if eight_bit and start is None:
        raise ValueError("This recipe starts from a model directory. Give its weights by --start.")
    front = features_of(model, Path(start).parent if eight_bit and start else None)
    pairs = stored_pairs(recipe, keep_for_training(index), codec, weight)
    with _stored_arguments(recipe, out).main_process_first(local=False):
        features = store_features(front, pairs, out / "features.npy", workers, print_progress(30))
    seen = store_dev(front, dev)
    train_on_stored(
        model, recipe, features, out, lambda net: stored_figures(net, seen, dev), resume=resume
    )


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
        arguments = _arguments(folder, settings, steps, batch, seed, workers)
        trainer = AveragingTrainer(model, arguments, data, settings, loss, collate_windows, judge)
        trainer.train(resume_from_checkpoint=_last_checkpoint(folder) if resume else None)
        model.load_state_dict(load_file(folder / "best.safetensors"))
        if processes.first():
            (folder / "done").touch()
    return _keep(out / f"stage{len(recipe['stage'])}", out)


def _arguments(
    out: Path, settings: Mapping[str, Any], steps: int, batch: int, seed: int, workers: int
) -> Any:
    import torch
    from transformers import TrainingArguments

    every = int(settings["evaluate_every"])
    save = int(settings.get("save_every", every))
    arguments = TrainingArguments(
        output_dir=str(out),
        max_steps=steps,
        per_device_train_batch_size=processes.share(batch),
        learning_rate=float(settings["learning_rate"]),
        weight_decay=float(settings.get("weight_decay", 0.01)),
        warmup_steps=int(settings.get("warmup", 0)),
        lr_scheduler_type=settings.get("schedule", "cosine"),
        lr_scheduler_kwargs=dict(settings.get("schedule_settings", {})),
        max_grad_norm=float(settings.get("clip", 1.0)),
        bf16=bool(settings.get("half", half_precision())),
        use_cpu=not torch.cuda.is_available(),
        eval_strategy="steps",
        eval_steps=every,
        save_strategy="steps",
        save_steps=save,
        save_total_limit=2,
        logging_steps=min(25, save),
        dataloader_num_workers=workers,
        remove_unused_columns=False,
        report_to=["tensorboard"],
        disable_tqdm=True,
        seed=seed,
        metric_for_best_model="eer",
        greater_is_better=False,
        label_names=["labels"],
        ddp_timeout=4 * 3600,  # the others wait while the first makes features or evaluates
    )
    arguments._n_gpu = min(arguments.n_gpu, 1)  # further GPUs take a process each
    return arguments


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
