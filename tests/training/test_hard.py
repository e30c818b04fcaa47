"""Hard human clips are those a network finds most like synthetic ones, and they are drawn more."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import soundfile
import torch

from tests.training.conftest import TINY_PAIRS
from training.clips import read_index
from training.data import Mix, Pairs, keep_for_training
from training.hard import hard_humans
from training.recipe import train


class Loudness(torch.nn.Module):
    """Calls loud clips synthetic."""

    def __init__(self) -> None:
        super().__init__()
        self.one = torch.nn.Parameter(torch.ones(()))

    def forward(self, waves: torch.Tensor) -> tuple[torch.Tensor]:
        return (self.one * waves.square().mean(1),)


def test_the_highest_scores_are_hard_and_are_kept(tiny_index: Path, tmp_path: Path) -> None:
    clips = keep_for_training(read_index(tiny_index))
    human = clips[clips["label"] == "bonafide"]
    power = {r.clip: (soundfile.read(r.file)[0] ** 2).sum() for r in human.itertuples()}
    loudest = sorted(power, key=lambda clip: -power[clip])[:2]
    found = hard_humans(Loudness(), clips, tmp_path / "hard.json", 2 / len(human), 3.0)
    assert found == dict.fromkeys(loudest, 3.0)
    silent = torch.nn.Module()  # scores nothing, so what was found before must be read
    assert hard_humans(silent, clips, tmp_path / "hard.json", 1.0, 9.0) == found


@pytest.mark.parametrize("same_source", [0.0, 1.0])
def test_a_heavier_human_clip_is_drawn_more_often(tiny_index: Path, same_source: float) -> None:
    index = read_index(tiny_index)
    mix = Mix(seconds=0.5, copies=0.0, same_source=same_source)
    heavy = pd.Series(index["clip"])[index["label"] == "bonafide"].iloc[0]

    def share(weight: float) -> float:
        pairs = Pairs(index, 40, 1, mix, codec=lambda w, _: w, weight={heavy: weight})
        drawn = [index["clip"][pairs[i]["clips"][0]] for i in range(40)]
        return sum(clip == heavy for clip in drawn) / 40

    assert share(1e-9) == 0 < share(1.0) < share(9.0)


def test_a_recipe_asks_for_hard_clips(tiny_index: Path, tmp_path: Path) -> None:
    recipe: dict[str, Any] = copy.deepcopy({"kind": "pairs", **TINY_PAIRS})
    recipe["hard"] = {"share": 0.25, "times": 4.0}
    recipe["training"] = {"steps": 1, "pairs": 2, "learning_rate": 1e-3, "evaluate_every": 1}
    train(recipe, [tiny_index], tmp_path, workers=0)
    found = hard_humans(torch.nn.Module(), pd.DataFrame(), tmp_path / "hard.json", 1.0, 9.0)
    assert len(found) == 2 and set(found.values()) == {4.0}
