"""Families left out of training: who is judged, and that nothing leaks."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from core.detect.networks import build
from tests.training.conftest import TINY_NETWORK
from training import holdout, leaving, stored
from training.cached import shortened
from training.clips import read_index
from training.data import keep_for_training
from training.recipe import load_recipe

EMBEDDED = Path(__file__).resolve().parents[2] / "data/models/embedded/model.safetensors"


def clips(path: Path) -> pd.DataFrame:
    index = keep_for_training(read_index(path))
    return index.assign(speaker=[f"s{i // 2 % 4}" for i in range(len(index))])


def test_judged_humans_are_of_other_speakers(tiny_index: Path) -> None:
    index = clips(tiny_index)
    judged = holdout.held_out_humans(index)
    assert not judged[(index["label"] == "spoof").to_numpy()].any()
    human = (index["label"] == "bonafide").to_numpy()
    who = (index["source"] + index["speaker"]).to_numpy()
    assert not set(who[judged]) & set(who[human & ~judged])
    assert judged.any() and (human & ~judged).any()


def network() -> torch.nn.Module:
    torch.manual_seed(0)
    return build("spectral-transformer", TINY_NETWORK)


RECIPE = {
    "mix": {"copies": 0.0},
    "stored": {
        "crops": 40, "seconds": 1.0, "frames": [20, 30], "steps": 20, "pairs": 4, "warmup": 4,
        "learning_rate": 1e-3, "schedule": "warmup_stable_decay",
        "schedule_settings": {"num_decay_steps": 10}, "average": 0.9,
    },
}  # fmt: skip


@pytest.mark.parametrize("way", ["lightly", "by_recipe"])
def test_every_large_family_is_judged_without_and_with_it(
    way: str, tiny_index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index, model = clips(tiny_index), network()
    family, judging = index["family"].to_numpy(), holdout.held_out_humans(clips(tiny_index))
    trained_on: list[set[str]] = []
    humans: set[int] = set()
    plain, on_stored = leaving._train, stored.train_on_stored

    def watched(start, features, own, fakes, *rest):  # type: ignore[no-untyped-def]
        trained_on.append(set(family[fakes]))
        humans.update(own)
        return plain(start, features, own, fakes, *rest)

    def watched_stored(net, settings, features, out, judge, which):  # type: ignore[no-untyped-def]
        pairs = stored.stored_pairs(settings, index[~judging])
        rows = np.flatnonzero(~judging)[[pairs.clips(int(i)) for i in which]]
        trained_on.append(set(family[rows[:, 1]]))
        humans.update(rows[:, 0])
        return on_stored(net, settings, features, out, judge, which)

    monkeypatch.setattr(leaving, "_train", watched)
    monkeypatch.setattr(stored, "train_on_stored", watched_stored)
    options = {"steps": 5, "pairs": 4} if way == "lightly" else {"recipe": RECIPE, "workers": 0}
    before = {k: v.clone() for k, v in model.state_dict().items()}
    table = holdout.leave_one_family_out(
        index,
        holdout.largest_families(index, 2),
        partial(getattr(leaving, way), model=model, **options),
        source="command",
    )
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert humans <= set(np.flatnonzero((index["label"] == "bonafide") & ~judging))
    families = {"Vocoder1", "Vocoder3"}
    without = table[table["breakdown"] == "leave_one_family_out"]
    assert set(without["condition"]) == {*families, "mean"}
    assert [families - t for t in trained_on[:2]] == [
        {name} for name in without["condition"][without["condition"] != "mean"]
    ]
    assert trained_on[2] == families
    mean = without.set_index("condition")["value"]
    assert mean["mean"] == pytest.approx(mean.drop("mean").mean())
    assert table["value"].between(0, 100).all()


@pytest.mark.parametrize("steps", [1, 2, 9, 10, 11])
def test_a_training_of_few_steps_ends(steps: int) -> None:
    features, each = np.zeros((4, 90, 400), np.float16), np.arange(2)
    model = network()
    leaving._train(model, features[..., : model.project.in_features], each, each + 2, steps, 2, 0)


def test_a_shortened_stage_keeps_the_shape_of_its_rate() -> None:
    stage = load_recipe("embedded-encoder")["stored"]
    assert shortened(stage, 1.0) == stage
    few = shortened(stage, 0.1)
    assert (few["steps"], few["crops"], few["warmup"]) == (70, 1890, 4)
    assert few["schedule_settings"] == {"num_decay_steps": 49, "decay_type": "1-sqrt"}
    assert few["pairs"] == stage["pairs"] and few["learning_rate"] == stage["learning_rate"]


def test_a_recipe_without_stored_features_is_refused(tiny_index: Path) -> None:
    with pytest.raises(ValueError, match="no stored stage"):
        none = np.zeros(0, int)
        leaving.by_recipe(clips(tiny_index), none, none, network(), load_recipe("embedded"))


def test_one_class_is_refused(tiny_index: Path) -> None:
    index = clips(tiny_index)
    with pytest.raises(ValueError, match="human clips of several speakers"):
        holdout.leave_one_family_out(index[index["label"] == "spoof"], ["a"], leaving.lightly)


def test_the_only_family_cannot_be_left_out(tiny_index: Path) -> None:
    index = clips(tiny_index)
    only = index[(index["label"] == "bonafide") | (index["family"] == "Vocoder1")]
    with pytest.raises(ValueError, match="fakes of another"):
        holdout.leave_one_family_out(only, ["Vocoder1"], leaving.lightly)


def test_what_the_start_had_heard_is_told(tiny_index: Path) -> None:
    index = clips(tiny_index)
    human = index["label"] == "bonafide"
    said = holdout.told_of(index, known=True)
    assert said == "In training, for comparison; human clips of speakers not in training."
    assert holdout.told_of(index.assign(heard=False), known=True) == said
    said = holdout.told_of(index.assign(heard=human), known=False)
    assert said.startswith("Not in training;")
    assert said.endswith(f"on {human.sum()} of the human and 0 of the synthetic clips.")


def test_corpora_that_were_heard_are_among_those_given(tiny_index: Path) -> None:
    with pytest.raises(ValueError, match="among the corpora"):
        holdout.run([tiny_index], EMBEDDED, heard=["elsewhere"])


def test_thinned_keeps_every_family_and_source(tiny_index: Path) -> None:
    index = clips(tiny_index)
    few = holdout.thinned(index, 1)
    human = few["label"] == "bonafide"
    assert few.loc[~human, "family"].is_unique and few.loc[human, "source"].is_unique
    assert set(few["family"]) == set(index["family"])
    assert set(few["source"][human]) == set(index["source"][index["label"] == "bonafide"])
