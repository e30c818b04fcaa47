"""Leave one family out: how a detector does on a generator it has not been trained on.

For each of the largest families of a corpus, the transformer of the embedded network is fine-tuned
without that family and judged on it. Everything starts from weights that have not heard the family,
with their convolutions as they are: the published quality model, or an earlier leg. That makes the
figures those of a lighter training than the shipped detector's: an estimate of the loss on
tomorrow's generator rather than of the shipped weights.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Sequence
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


def leave_one_family_out(
    index: pd.DataFrame,
    model: torch.nn.Module,
    families: Sequence[str],
    steps: int = 160,
    pairs: int = 16,
    seed: int = 3,
    system: str = "embedded, light",
    benchmark: str = "public_samples",
    source: str = "",
    progress: Callable[[int, int, str], None] | None = None,
) -> pd.DataFrame:
    """Train without one family after another and judge it.

    Parameters
    ----------
    index : pandas.DataFrame
        Rows of the training split, from `training.data.keep_for_training`.
    model : torch.nn.Module
        The spectral transformer to start every training from; it stays as it is.
    families : sequence of str
        Those to leave out, from `largest_families`.
    steps, pairs : int
        Length of a training, and human and synthetic clips in a batch.
    seed : int
        Decides everything.
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
    heard, clean = _features(index, model, seed, progress)
    humans = np.flatnonzero(~spoof & ~judging)
    rows: list[dict[str, Any]] = []

    def judge(trained: Any, name: str, breakdown: str, note: str) -> float:
        picks = np.flatnonzero(judging), np.flatnonzero(spoof & (family == name))
        scores = np.concatenate([_scores(trained, clean, pick) for pick in picks])
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
        keep = np.flatnonzero(spoof & ((family != name) | (name == "")))
        trained = _train(model, heard, humans, keep, steps, pairs, seed)
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


def _features(
    index: pd.DataFrame,
    model: torch.nn.Module,
    seed: int,
    progress: Callable[[int, int, str], None] | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Stored features of a disturbed and of a clean crop of every clip."""
    import soundfile
    import torch

    length = int(SECONDS * SAMPLE_RATE)
    made: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for start in range(0, len(index), 8):
        crops: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
        for i in range(start, min(start + 8, len(index))):
            rng = np.random.default_rng([seed, i])
            samples, _ = soundfile.read(index["file"].iloc[i], dtype="float32")
            crops[0].append(augment(samples, rng, Strength(), length))
            crops[1].append(pad(crop(trim(samples), length, rng), length))
        for store, batch in zip(made, crops, strict=True):
            store.append(front_features(model, torch.from_numpy(np.stack(batch))))
        if progress is not None:
            progress(start, len(index), "features")
    return np.concatenate(made[0]), np.concatenate(made[1])


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
    benchmark: str = "public_samples",
    **options: Any,
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
    benchmark : str
        Column of the table.
    **options
        Of `leave_one_family_out`.

    Returns
    -------
    pandas.DataFrame
        As from `leave_one_family_out`.
    """
    from core.detect.networks import build
    from training.clips import read_index
    from training.data import keep_for_training
    from training.initial import load_distillmos

    model = build("spectral-transformer", {"dropout": 0.1})
    if Path(start).suffix == ".safetensors":
        put_into(model, read_tensors(start), start)
    else:
        load_distillmos(model, start)
    indexes = [keep_for_training(read_index(corpus)) for corpus in corpora]
    index = pd.concat(indexes, ignore_index=True)
    if most:
        index = thinned(index, most)
    families = largest_families(indexes[0])
    return leave_one_family_out(index, model, families, benchmark=benchmark, **options)
