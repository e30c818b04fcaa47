"""Leave one family out: how a detector does on a generator it has not been trained on.

For each of the largest families of a corpus, the transformer of the embedded network is fine-tuned
without that family and judged on it, by the stored stage of a recipe or by a lighter training of
its own. Everything starts from weights that have not heard the family, with their convolutions as
they are: the published quality model, or an earlier leg. That makes the figures those of less
training than the shipped detector had: an estimate of the loss on tomorrow's generator rather than
of the shipped weights.
"""

from __future__ import annotations

import copy
import hashlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from core.audio.clip import SAMPLE_RATE
from training.augment import Strength, augment, crop, pad, trim
from training.cached import front_features
from training.precision import half_precision
from training.weights import put_into, read_tensors

if TYPE_CHECKING:
    import torch

SECONDS = 2.5


def held_out_humans(index: pd.DataFrame) -> np.ndarray:
    """Which human clips are for judging: those of every second speaker, by a hash of the name.

    Parameters
    ----------
    index : pandas.DataFrame
        Rows of the training split.

    Returns
    -------
    numpy.ndarray
        bool, shape ``[n]``; False for synthetic clips.
    """
    who = index["source"] + "/" + index["speaker"].where(index["speaker"] != "", index["clip"])
    odd = np.array([hashlib.sha256(w.encode()).digest()[0] % 2 == 1 for w in who], bool)
    return odd & (index["label"] == "bonafide").to_numpy()


Progress = Callable[[int, int, str], None]
Training = Callable[[str], Any]
"""The family to leave out, or none by "", to a trained network."""


def leave_one_family_out(
    index: pd.DataFrame,
    families: Sequence[str],
    prepare: Callable[[pd.DataFrame, np.ndarray, np.ndarray], tuple[Training, np.ndarray]],
    system: str = "embedded, light",
    benchmark: str = "public_samples",
    source: str = "",
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Train without one family after another and judge it.

    Parameters
    ----------
    index : pandas.DataFrame
        Rows of the training split, from `training.data.keep_for_training`.
    families : sequence of str
        Those to leave out, from `largest_families`.
    prepare : callable
        `lightly` or `by_recipe` with their settings: takes the index, which rows (bool ``[n]``) may
        not be trained on, and the numbers of those that are judged; gives the training, and
        features of a clean crop of the latter.
    system, benchmark, source : str
        Columns of the table.
    progress : callable, optional
        Called with (done, in all, what).

    Returns
    -------
    pandas.DataFrame
        Columns as `core.evaluate.tables.COLUMNS`: EER on every family without it
        (``leave_one_family_out``) and with it in training (``family_in_training``), and the means.

    Raises
    ------
    ValueError
        If a class is missing on either side.
    """
    from core.evaluate.influence import percent_eer
    from core.evaluate.tables import COLUMNS
    from training.figures import result_row, with_intervals

    index = index.reset_index(drop=True)
    spoof = (index["label"] == "spoof").to_numpy()
    judging = held_out_humans(index)
    if not judging.any() or not (~spoof & ~judging).any() or not spoof.any():
        raise ValueError("Leaving families out needs human clips of several speakers, and fakes.")
    if not families or any((index["family"][spoof] == name).all() for name in families):
        raise ValueError("Leaving a family out needs fakes of another, both named.")
    family = index["family"].to_numpy()
    judged = np.flatnonzero(judging | (spoof & np.isin(family, list(families))))
    training, clean = prepare(index, judging, judged)
    rows: list[dict[str, Any]] = []

    def judge(trained: Any, name: str, breakdown: str, note: str) -> float:
        picks = np.flatnonzero(judging), np.flatnonzero(spoof & (family == name))
        places = [np.searchsorted(judged, pick) for pick in picks]
        scores = np.concatenate([_scores(trained, clean, place) for place in places])
        trials = index.iloc[np.concatenate(picks)].assign(score=scores)
        value, low, high = with_intervals(trials, {"eer": percent_eer})["eer"]
        rows.append(
            result_row(
                (system, benchmark, "train", source),
                trials,
                breakdown=breakdown,
                condition=name,
                metric="eer_percent",
                value=value,
                low=low,
                high=high,
                note=note,
            )
        )
        return value

    means: dict[str, list[float]] = {"leave_one_family_out": [], "family_in_training": []}
    for number, name in enumerate([*families, ""]):
        if progress is not None:
            progress(number, len(families) + 1, f"training without {name or 'none'}")
        trained = training(name)
        if name:
            note = "Not in training; human clips of speakers not in training."
            means["leave_one_family_out"].append(judge(trained, name, "leave_one_family_out", note))
            continue
        for known in families:
            note = "In training, for comparison; human clips of speakers not in training."
            means["family_in_training"].append(judge(trained, known, "family_in_training", note))
    for breakdown, values in means.items():
        last = {**rows[0], "breakdown": breakdown, "condition": "mean", "low": np.nan}
        count = int((spoof & np.isin(family, list(families))).sum())
        rows.append(
            {**last, "value": np.mean(values), "high": np.nan, "n_spoof": count, "note": ""}
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))


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
        As `leave_one_family_out` gives them.
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
        As `leave_one_family_out` gives them.
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
    from training.recipe import stored_pairs, train_on_stored

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
    seconds, seed = float(recipe["stored"]["seconds"]), int(recipe.get("seed", 0))
    clean = _clean(index, judged, model, seconds, seed, progress)

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


def _scores(model: Any, features: np.ndarray, pick: np.ndarray) -> np.ndarray:
    import torch

    out = []
    with torch.inference_mode():
        for start in range(0, len(pick), 32):
            batch = features[pick[start : start + 32]].astype(np.float32)
            out.append(model.encode(torch.from_numpy(batch))[0].numpy())
    return np.concatenate(out)


def largest_families(index: pd.DataFrame, count: int = 10) -> list[str]:
    """The families with most synthetic clips in `index`, largest first."""
    names = index.loc[index["label"] == "spoof", "family"]
    return [str(name) for name in names[names != ""].value_counts().head(count).index]


def thinned(index: pd.DataFrame, most: int) -> pd.DataFrame:
    """At most `most` clips of a class and family, and of humans of a class and source."""
    of = index["family"].where(index["label"] == "spoof", index["source"])
    drawn = index.sample(frac=1, random_state=0)
    rank = drawn.groupby([drawn["label"], of.loc[drawn.index]]).cumcount()
    return drawn[rank < most].sort_index().reset_index(drop=True)


def run(
    corpora: Sequence[str | Path],
    start: str | Path,
    most: int = 0,
    recipe: str | Path | None = None,
    steps: int = 160,
    share: float = 1.0,
    workers: int = 1,
    progress: Progress | None = None,
    **columns: Any,
) -> pd.DataFrame:
    """`leave_one_family_out` on corpora.

    Parameters
    ----------
    corpora : sequence of path-like
        The largest families of the first are left out, from all of them.
    start : path-like
        A DistillMOS checkpoint (``.pt``), or safetensors of the embedded network.
    most : int
        See `thinned`; 0 takes all clips.
    recipe : str or path-like, optional
        Whose stored stage trains, see `by_recipe`; without one it is `lightly`.
    steps : int
        Of `lightly`.
    share, workers : float, int
        Of `by_recipe`.
    progress : callable, optional
        Called with (done, in all, what).
    **columns
        ``system``, ``benchmark`` and ``source`` of the table.

    Returns
    -------
    pandas.DataFrame
        As from `leave_one_family_out`.
    """
    from core.detect.networks import build
    from training.clips import read_index
    from training.data import keep_for_training
    from training.initial import load_distillmos
    from training.recipe import load_recipe

    settings = load_recipe(recipe) if recipe else {}
    model = build("spectral-transformer", {"dropout": 0.1})
    if Path(start).suffix == ".safetensors":
        put_into(model, read_tensors(start), start)
    else:
        load_distillmos(model, start)
    indexes = [keep_for_training(read_index(corpus)) for corpus in corpora]
    index = pd.concat(indexes, ignore_index=True)
    if most:
        index = thinned(index, most)
    prepare = partial(lightly, model=model, steps=steps, progress=progress)
    if recipe:
        prepare = partial(
            by_recipe,
            model=model,
            recipe=settings,
            share=share,
            workers=workers,
            progress=progress,
        )
    families = largest_families(indexes[0])
    return leave_one_family_out(index, families, prepare, progress=progress, **columns)
