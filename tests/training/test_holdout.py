"""Families left out of training: who is judged, and that nothing leaks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.detect.networks import build
from tests.training.conftest import TINY_NETWORK
from training import holdout
from training.clips import read_index
from training.data import keep_for_training


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


def test_every_large_family_is_judged_without_and_with_it(
    tiny_index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    index = clips(tiny_index)
    family = index["family"].to_numpy()
    trained_on: list[set[str]] = []
    plain = holdout._train

    def watched(start, features, humans, fakes, *rest):  # type: ignore[no-untyped-def]
        trained_on.append(set(family[fakes]))
        assert (index["label"].to_numpy()[humans] == "bonafide").all()
        assert not set(humans) & set(np.flatnonzero(holdout.held_out_humans(index)))
        return plain(start, features, humans, fakes, *rest)

    monkeypatch.setattr(holdout, "_train", watched)
    torch.manual_seed(0)
    model = build("spectral-transformer", TINY_NETWORK)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    table = holdout.leave_one_family_out(
        index, model, holdout.largest_families(index, 2), steps=5, pairs=4, source="command"
    )
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
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
    model = build("spectral-transformer", TINY_NETWORK)
    holdout._train(model, features[..., : model.project.in_features], each, each + 2, steps, 2, 0)


def test_one_class_is_refused(tiny_index: Path) -> None:
    index = clips(tiny_index)
    with pytest.raises(ValueError, match="human clips of several speakers"):
        holdout.leave_one_family_out(
            index[index["label"] == "spoof"], build("spectral-transformer", TINY_NETWORK), ["a"]
        )


def test_the_only_family_cannot_be_left_out(tiny_index: Path) -> None:
    index = clips(tiny_index)
    only = index[(index["label"] == "bonafide") | (index["family"] == "Vocoder1")]
    with pytest.raises(ValueError, match="fakes of another"):
        holdout.leave_one_family_out(
            only, build("spectral-transformer", TINY_NETWORK), ["Vocoder1"]
        )


def test_thinned_keeps_every_family_and_source(tiny_index: Path) -> None:
    index = clips(tiny_index)
    few = holdout.thinned(index, 1)
    human = few["label"] == "bonafide"
    assert few.loc[~human, "family"].is_unique and few.loc[human, "source"].is_unique
    assert set(few["family"]) == set(index["family"])
    assert set(few["source"][human]) == set(index["source"][index["label"] == "bonafide"])
