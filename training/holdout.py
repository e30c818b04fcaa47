"""Leave one family out: how a detector does on a generator it has not been trained on.

For each of the largest families of a corpus, the transformer of the embedded network is fine-tuned
without that family and judged on it, by the stored stage of a recipe or by a lighter training of
its own. Everything starts from weights that have not heard the family, with their convolutions as
they are: the published quality model, or an earlier leg. That makes the figures those of less
training than the shipped detector had: an estimate of the loss on tomorrow's generator rather than
of the shipped weights.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from training.leaving import Progress, Training, by_recipe, lightly
from training.weights import put_into, read_tensors


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
        Rows of the training split, from `training.data.keep_for_training`; where it has a column
        ``heard`` (bool), that says which clips the weights to start from were trained on.
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

    def judge(trained: Any, name: str, breakdown: str) -> float:
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
                note=told_of(trials, breakdown == "family_in_training"),
            )
        )
        return value

    means: dict[str, list[float]] = {"leave_one_family_out": [], "family_in_training": []}
    for number, name in enumerate([*families, ""]):
        if progress is not None:
            progress(number, len(families) + 1, f"training without {name or 'none'}")
        trained = training(name)
        if name:
            means["leave_one_family_out"].append(judge(trained, name, "leave_one_family_out"))
            continue
        for known in families:
            means["family_in_training"].append(judge(trained, known, "family_in_training"))
    for breakdown, values in means.items():
        last = {**rows[0], "breakdown": breakdown, "condition": "mean", "low": np.nan}
        count = int((spoof & np.isin(family, list(families))).sum())
        rows.append(
            {**last, "value": np.mean(values), "high": np.nan, "n_spoof": count, "note": ""}
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def told_of(trials: pd.DataFrame, known: bool) -> str:
    """What is to be known of a figure: what was in training, and what the start had heard.

    Parameters
    ----------
    trials : pandas.DataFrame
        What was judged, with a column ``heard`` where the start had heard any clips.
    known : bool
        Whether the family was in training.
    """
    family = "In training, for comparison" if known else "Not in training"
    note = f"{family}; human clips of speakers not in training."
    heard = trials[trials["heard"]] if "heard" in trials else trials[:0]
    human = int((heard["label"] == "bonafide").sum())
    if human or len(heard) > human:
        note += (
            f" The weights it starts from were trained on {human} of the human and "
            f"{len(heard) - human} of the synthetic clips."
        )
    return note


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
    heard: Sequence[str | Path] = (),
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
    heard : sequence of path-like
        Those of the corpora that the weights to start from were trained on.
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
    known = {str(corpus) for corpus in heard}
    if known - {str(corpus) for corpus in corpora}:
        raise ValueError("What the weights have heard is to be among the corpora.")
    indexes = [
        keep_for_training(read_index(corpus)).assign(heard=str(corpus) in known)
        for corpus in corpora
    ]
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
