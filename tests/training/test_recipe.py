"""Training end to end on tiny networks."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from core.audio.codecs import CODECS
from tests.training.conftest import TINY_PAIRS, TINY_WAV2VEC2, official_folders
from training.augment import Strength
from training.clips import read_index
from training.copysynth import build_copies
from training.data import Mix, Pairs, collate, keep_for_training
from training.devset import figures
from training.losses import pair_loss, weighted_loss
from training.recipe import RECIPES, load_recipe, train
from training.stages import last_checkpoint

RECIPE: dict[str, Any] = {
    "kind": "pairs",
    **TINY_PAIRS,
    "training": {
        "steps": 40,
        "pairs": 4,
        "learning_rate": 1e-2,
        "evaluate_every": 20,
        "average": 0.5,
        "ranking": 0.5,
        "half": False,
    },
}


def test_shipped_recipes_fit_their_code() -> None:
    names = {p.stem for p in RECIPES.glob("*.toml")}
    assert {"embedded", "wav2vec2-base-asvspoof2019"} <= names
    recipe = load_recipe("embedded")
    Mix(**recipe["mix"])
    for name in names:
        recipe = load_recipe(name)
        Mix(**recipe.get("mix", {}))
        Strength(**recipe.get("strength", {}))
        assert recipe.get("codecs", {}).keys() | recipe.get("narrow", {}).keys() <= CODECS.keys()
    published = load_recipe("wav2vec2-base-asvspoof2019")
    assert [s["epochs"] for s in published["stage"]] == [5, 10]
    with pytest.raises(ValueError, match="no recipe 'none'"):
        load_recipe("none")


def test_training_learns_and_resumes_to_the_same_weights(tiny_index: Path, tmp_path: Path) -> None:
    found = train(RECIPE, [tiny_index], tmp_path / "whole", workers=0)
    assert found["eer"] <= 25  # dull against bright: easily told apart
    log = [json.loads(line) for line in (tmp_path / "whole" / "dev.jsonl").open()]
    assert [entry["step"] for entry in log] == [20, 40]
    state = json.loads((tmp_path / "whole/checkpoint-40/trainer_state.json").read_text())
    losses = [entry["loss"] for entry in state["log_history"] if "loss" in entry]
    assert losses[-1] < losses[0]

    halfway = tmp_path / "halfway"  # as if the run had been stopped after its first checkpoint
    halfway.mkdir()
    (tmp_path / "whole/checkpoint-20").rename(halfway / "checkpoint-20")
    train(RECIPE, [tiny_index], halfway, resume=True, workers=0)
    one = load_file(tmp_path / "whole/checkpoint-40/model.safetensors")
    two = load_file(halfway / "checkpoint-40/model.safetensors")
    assert all(torch.allclose(one[k], two[k], atol=1e-6) for k in one)
    one = load_file(tmp_path / "whole/checkpoint-40/average.safetensors")
    two = load_file(halfway / "checkpoint-40/average.safetensors")
    assert all(torch.allclose(one[k], two[k], atol=1e-6) for k in one)


def test_a_checkpoint_that_was_cut_short_is_not_resumed_from(tmp_path: Path) -> None:
    for step, name in ((50, "average.safetensors"), (100, "average.safetensors"), (150, "part")):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        (folder / name).touch()
    assert last_checkpoint(tmp_path) == str(tmp_path / "checkpoint-100")
    assert last_checkpoint(tmp_path / "nothing") is None


def test_the_published_recipe_runs_on_the_official_folders(tmp_path: Path) -> None:
    folder = official_folders(tmp_path / "LA")
    recipe = copy.deepcopy(load_recipe("wav2vec2-base-asvspoof2019"))
    recipe["start"] = {}
    recipe["network"] = TINY_WAV2VEC2
    for stage in recipe["stage"]:
        stage |= {"epochs": 1, "batch": 2}
    recipe["stage"][1]["trainable"] = ["backbone.encoder.layers.1.", "classifier."]
    found = train(recipe, [f"asvspoof2019-la:{folder}"], tmp_path / "out", workers=0)
    assert 0 <= found["eer"] <= 100
    first = load_file(tmp_path / "out/stage1/best.safetensors")
    second = load_file(tmp_path / "out/best.safetensors")
    changed = {k.split(".layers.")[0] for k in first if not torch.equal(first[k], second[k])}
    assert changed <= {"backbone.encoder", "classifier.weight", "classifier.bias"}
    assert torch.equal(
        first["backbone.encoder.layers.0.attention.k_proj.weight"],
        second["backbone.encoder.layers.0.attention.k_proj.weight"],
    )


@pytest.mark.parametrize(
    ("network", "training", "stored", "said"),
    [
        ({"parts": 10}, {"echo": 2}, {}, "fresh crops alone"),
        ({"parts": 10}, {}, {"stored": {}}, "fresh crops alone"),
        ({}, {"family": 0.2}, {"stored": {}}, "teach no families"),
    ],
)
def test_heads_that_nothing_would_teach_are_refused(
    tmp_path: Path, network: Any, training: Any, stored: Any, said: str
) -> None:
    recipe = {
        **RECIPE,
        "network": RECIPE["network"] | network,
        "training": RECIPE["training"] | training,
        **stored,
    }
    with pytest.raises(ValueError, match=said):
        train(recipe, [tmp_path / "none"], tmp_path)


def test_pairs_come_from_one_source_and_repeat(tiny_index: Path) -> None:
    index = keep_for_training(read_index(tiny_index))
    mix = Mix(seconds=0.5, copies=0.0, same_source=1.0)
    pairs = Pairs(index, 20, 3, mix, codec=lambda w, _: w)
    for i in range(20):
        human, spoof = pairs[i]["clips"]
        assert index["source"][human] == index["source"][spoof]
        assert (index["label"][human], index["label"][spoof]) == ("bonafide", "spoof")
    again = Pairs(index, 20, 3, mix, codec=lambda w, _: w)
    np.testing.assert_array_equal(pairs[7]["waves"], again[7]["waves"])
    batch = collate([pairs[0], pairs[1]])
    assert batch["waves"].shape == (4, 8_000)
    assert batch["labels"].tolist() == [0, 1, 0, 1]
    with pytest.raises(ValueError, match="both classes"):
        Pairs(index[index["label"] == "spoof"], 4)


def test_copies_are_paired_with_their_originals(tiny_index: Path, tmp_path: Path) -> None:
    index = keep_for_training(read_index(tiny_index))
    made = build_copies(index.head(4), tmp_path, count=2)
    table = read_index(made)
    assert sorted(table["label"]) == ["bonafide"] * 2 + ["spoof"] * 4
    assert set(table["pair"]) == set(index["clip"][:4][index["label"][:4] == "bonafide"])
    both = pd.concat([index, table], ignore_index=True)
    pairs = Pairs(both, 10, 0, Mix(seconds=0.5, copies=1.0), codec=lambda w, _: w)
    for i in range(10):
        human, spoof = pairs[i]["clips"]
        assert both["pair"][human] == both["pair"][spoof]
        assert both["family"][spoof].startswith("copy:")


def test_clips_of_unclear_rights_are_left_out(tiny_index: Path) -> None:
    index = read_index(tiny_index)
    index.loc[0, "licence"] = "repo: MIT; corpus: third-party clips, rights unclear"
    kept = keep_for_training(index)
    assert "clip0" not in set(kept["clip"]) and len(kept) == 15


def test_figures_know_pooled_from_within() -> None:
    # Each source is perfectly told apart inside, but one lies above the other.
    scores = np.array([0.0, 1.0, 2.0, 3.0])
    label = np.array([0, 1, 0, 1])
    source = np.array(["a", "a", "b", "b"])
    found = figures(scores, label, source)
    assert found["eer_within"] == 0
    assert found["eer_pooled"] == 50
    assert found["eer"] == 25


def test_losses_have_known_values() -> None:
    raw, labels = torch.tensor([0.0, 0.0]), torch.tensor([0.0, 1.0])
    log2 = float(np.log(2))
    assert float(pair_loss(0.0, 0.0)(raw, labels)) == pytest.approx(log2)
    assert float(pair_loss(1.0, 0.0)(raw, labels)) == pytest.approx(2 * log2)
    raw = torch.tensor([[2.0, -1.0], [0.5, 1.5]])
    target = torch.tensor([0, 1])
    reference = torch.nn.functional.cross_entropy(raw, target, torch.tensor([4.919, 0.557]))
    ours = weighted_loss(4.919, 0.557)(raw[:, 1] - raw[:, 0], target.float())
    assert float(ours) == pytest.approx(float(reference), rel=1e-5)
