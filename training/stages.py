"""What every stage of a recipe is run with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from training import processes
from training.augment import Strength
from training.data import Mix, Pairs
from training.losses import Loss, pair_loss
from training.precision import half_precision


def stage_loss(settings: Mapping[str, Any]) -> Loss:
    """The loss of a stage that trains on pairs.

    Parameters
    ----------
    settings : mapping
        The stage; ``ranking`` and ``smoothing`` as `training.losses.pair_loss` takes them.
    """
    return pair_loss(float(settings.get("ranking", 0.0)), float(settings.get("smoothing", 0.0)))


def stage_pairs(
    recipe: Mapping[str, Any],
    clips: pd.DataFrame,
    count: int,
    seed: int,
    codec: Callable[[np.ndarray, str], np.ndarray] | None = None,
    weight: dict[str, float] | None = None,
    **mix: float,
) -> Pairs:
    """Pairs as a recipe draws and disturbs them.

    Parameters
    ----------
    recipe : mapping
        Its ``mix``, ``strength``, ``codecs``, ``copies`` and ``narrow`` count.
    clips : pandas.DataFrame
        From `training.data.keep_for_training`.
    count, seed, codec, weight
        See `training.data.Pairs`.
    **mix : float
        Of `training.data.Mix`, in place of the recipe's.

    Returns
    -------
    Pairs
    """
    return Pairs(
        clips,
        count,
        seed,
        Mix(**{**recipe.get("mix", {}), **mix}),
        Strength(**recipe.get("strength", {})),
        codec,
        weight,
        recipe.get("codecs"),
        recipe.get("copies"),
        recipe.get("narrow"),
    )


def last_checkpoint(out: Path) -> str | None:
    """The newest checkpoint that was written to its end; its average comes last.

    Parameters
    ----------
    out : pathlib.Path
        Folder of a stage.
    """
    finished = [f.parent for f in out.glob("checkpoint-*/average.safetensors")]
    newest = max(finished, key=lambda folder: int(folder.name.split("-")[1]), default=None)
    return str(newest) if newest else None


def stage_arguments(
    out: Path, settings: Mapping[str, Any], steps: int, batch: int, seed: int, workers: int
) -> Any:
    """What `transformers`' Trainer is told of a stage.

    Parameters
    ----------
    out : pathlib.Path
        Folder for checkpoints and the log.
    settings : mapping
        The stage.
    steps, batch : int
        How many steps, and items of one.
    seed, workers : int
        Of the order of items; processes that make them.

    Returns
    -------
    transformers.TrainingArguments
    """
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
