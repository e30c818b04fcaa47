"""Training without a family of generators: lightly, or as a recipe's stored stage does."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from core.audio.clip import SAMPLE_RATE
from training.augment import Strength, augment, crop, pad, trim
from training.cached import front_features
from training.precision import half_precision

if TYPE_CHECKING:
    import torch

SECONDS = 2.5

Progress = Callable[[int, int, str], None]
Training = Callable[[str], Any]
"""The family to leave out, or none by "", to a trained network."""


def lightly(
    index: pd.DataFrame,
    judging: np.ndarray,
    judged: np.ndarray,
    model: torch.nn.Module,
    steps: int = 160,
    pairs: int = 16,
    seed: int = 3,
    progress: Progress | None = None,
) -> tuple[Training, np.ndarray]:
    """A short training on one disturbed crop of every clip, pairs drawn at random.

    Parameters
    ----------
    index, judging, judged : pandas.DataFrame, numpy.ndarray, numpy.ndarray
        As `training.holdout.leave_one_family_out` gives them.
    model : torch.nn.Module
        The spectral transformer to start every training from; it stays as it is.
    steps, pairs : int
        Length of a training, and human and synthetic clips in a batch.
    seed : int
        Decides everything.
    progress : callable, optional
        Called with (done, in all, what).

    Returns
    -------
    training : callable
        Gives a trained network.
    clean : numpy.ndarray
        float16, shape ``[judged, frames, d]``.
    """
    spoof = (index["label"] == "spoof").to_numpy()
    family = index["family"].to_numpy()
    heard = _heard(index, model, seed, progress)
    clean = _clean(index, judged, model, SECONDS, seed, progress)
    humans = np.flatnonzero(~spoof & ~judging)

    def training(name: str) -> Any:
        fakes = np.flatnonzero(spoof & ((family != name) | (name == "")))
        return _train(model, heard, humans, fakes, steps, pairs, seed)

    return training, clean


def by_recipe(
    index: pd.DataFrame,
    judging: np.ndarray,
    judged: np.ndarray,
    model: torch.nn.Module,
    recipe: Mapping[str, Any],
    share: float = 1.0,
    workers: int = 1,
    progress: Progress | None = None,
) -> tuple[Training, np.ndarray]:
    """The stored stage of a recipe, by the convolutions of the network it starts from.

    Parameters
    ----------
    index, judging, judged : pandas.DataFrame, numpy.ndarray, numpy.ndarray
        As `training.holdout.leave_one_family_out` gives them.
    model : torch.nn.Module
        The spectral transformer to start every training from; it stays as it is.
    recipe : mapping
        From `training.recipe.load_recipe`.
    share : float
        Of the recipe's crops and steps.
    workers : int
        Processes that make crops.
    progress : callable, optional
        Called with (done, in all, what).

    Returns
    -------
    training : callable
        Gives a trained network, the average over its end.
    clean : numpy.ndarray
        float16, shape ``[judged, frames, d]``.

    Raises
    ------
    ValueError
        If the recipe has no stored stage.
    """
    from transformers import set_seed

    from training.cached import features_of, shortened, store_features
    from training.stored import stored_pairs, train_on_stored

    if "stored" not in recipe:
        raise ValueError("This recipe has no stored stage. Take embedded-encoder.")
    recipe = {**recipe, "stored": shortened(recipe["stored"], share)}
    recipe["stored"]["evaluate_every"] = recipe["stored"]["steps"]  # one look, which keeps the end
    pairs = stored_pairs(recipe, index[~judging])
    made_by = index["family"].where(index["label"] == "spoof", "").to_numpy()
    of_pair = made_by[~judging][[pairs.clips(i)[1] for i in range(len(pairs))]]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "features.npy"
        store = store_features(features_of(model), pairs, path, workers, progress)  # stays mapped
    seed = int(recipe.get("seed", 0))
    clean = _clean(index, judged, model, pairs.mix.seconds, seed, progress)

    def training(name: str) -> Any:
        trained = copy.deepcopy(model)
        which = np.flatnonzero((of_pair != name) | (name == ""))
        with tempfile.TemporaryDirectory() as folder:
            set_seed(seed)
            train_on_stored(trained, recipe, store, Path(folder), lambda _: {"eer": 0.0}, which)
        return trained.eval()

    return training, clean


def _heard(index: pd.DataFrame, model: Any, seed: int, progress: Progress | None) -> np.ndarray:
    """Features of a disturbed crop of every clip."""
    length = int(SECONDS * SAMPLE_RATE)

    def disturbed(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return augment(samples, rng, Strength(), length)

    return _features(index, np.arange(len(index)), model, disturbed, seed, progress)


def _clean(
    index: pd.DataFrame,
    judged: np.ndarray,
    model: Any,
    seconds: float,
    seed: int,
    progress: Progress | None,
) -> np.ndarray:
    """Features of a clean crop of those clips."""
    length = int(seconds * SAMPLE_RATE)

    def clean(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return pad(crop(trim(samples), length, rng), length)

    return _features(index, judged, model, clean, seed, progress)


def _features(
    index: pd.DataFrame,
    which: np.ndarray,
    model: Any,
    prepared: Callable[[np.ndarray, np.random.Generator], np.ndarray],
    seed: int,
    progress: Progress | None,
) -> np.ndarray:
    import soundfile
    import torch

    made = []
    for start in range(0, len(which), 8):
        crops = []
        for i in which[start : start + 8]:
            samples, _ = soundfile.read(index["file"].iloc[i], dtype="float32")
            crops.append(prepared(samples, np.random.default_rng([seed, i])))
        made.append(front_features(model, torch.from_numpy(np.stack(crops))))
        if progress is not None:
            progress(start, len(which), "features")
    return np.concatenate(made)


def _train(
    start: Any,
    features: np.ndarray,
    humans: np.ndarray,
    fakes: np.ndarray,
    steps: int,
    pairs: int,
    seed: int,
) -> Any:
    import torch

    from training.losses import pair_loss

    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    model = copy.deepcopy(start)
    model.front.requires_grad_(False)
    model.train()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            module.eval()
    trained = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(trained, 4e-4, weight_decay=0.02)
    rise = 0.1 if steps > 10 else 0.0  # a rise of one step would be one of no length
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-4, steps, pct_start=rise)
    loss = pair_loss(0.5, 0.03)
    labels = torch.tensor([0.0, 1.0]).repeat(pairs)
    frames, half = features.shape[1], half_precision("cpu")
    for _ in range(steps):
        pick = np.stack([rng.choice(humans, pairs), rng.choice(fakes, pairs)], 1).ravel()
        width = min(frames, 80)
        at = int(rng.integers(0, frames - width + 1))
        x = torch.from_numpy(features[pick, at : at + width].astype(np.float32))
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            raw, _ = model.encode(x)
        value = loss(raw.float(), labels)
        optimiser.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step()
        schedule.step()
    return model.eval()
