"""The stage of a recipe that trains the transformer alone, on stored features."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from training.data import Pairs, keep_for_training
from training.devset import DevSet
from training.stages import last_checkpoint, stage_arguments, stage_loss, stage_pairs

if TYPE_CHECKING:
    import torch


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
    settings, seed = recipe["stored"], int(recipe.get("seed", 0)) + 1
    seconds = float(settings.get("seconds", 2.5))
    count = int(settings["crops"])
    return stage_pairs(recipe, clips, count, seed, codec, weight, seconds=seconds)


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
        stage_loss(settings),
        partial(collate_features, frames=lengths(settings)),
        judge,
    )
    vars(model)["forward"] = model.encode  # what wraps a network of several processes calls this
    trainer.train(resume_from_checkpoint=last_checkpoint(out) if resume else None)
    vars(model).pop("forward")
    model.load_state_dict(load_file(out / "best.safetensors"))


def _stored_arguments(recipe: Mapping[str, Any], out: Path) -> Any:
    settings = recipe["stored"]
    steps, batch = int(settings["steps"]), int(settings["pairs"])
    return stage_arguments(out, settings, steps, batch, int(recipe.get("seed", 0)), 0)


def train_stored_stage(
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
    """Make the features, train on them, and give `model` the best weights.

    Parameters
    ----------
    recipe : mapping
        With a stage ``stored``.
    index : pandas.DataFrame
        All clips.
    dev : DevSet
        What chooses among the weights.
    model : torch.nn.Module
        The spectral transformer.
    out : pathlib.Path
        Folder of the stage.
    resume, workers, codec, weight, start
        See `training.recipe.train`.

    Raises
    ------
    ValueError
        If the recipe asks for 8-bit convolutions and there is no directory that has them.
    """
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
