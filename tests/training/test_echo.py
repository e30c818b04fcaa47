"""Pairs that are shown several times."""

from __future__ import annotations

import copy
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from tests.training.test_recipe import RECIPE
from training.clips import read_index
from training.data import Mix, Pairs, keep_for_training
from training.echo import LEAST, Echo, pairs_to_make, stretch_start
from training.recipe import train

SETTINGS = {"pairs": 3, "echo": 2, "held": 5, "lengths": [0.5, 1.0]}


def test_each_pair_is_shown_as_often_as_it_may_be(tiny_index: Path) -> None:
    steps = 30
    clips = keep_for_training(read_index(tiny_index))
    data = Pairs(clips, pairs_to_make(steps, SETTINGS), 1, Mix(copies=0.0, seconds=1.0))
    batches = list(Echo(data, SETTINGS, 1, workers=0))
    assert len(batches) >= steps
    assert {b["waves"].shape for b in batches} == {(6, 8000), (6, 16000)}
    numbers = np.concatenate([b["items"].numpy() for b in batches])
    assert numbers.tolist() == list(range(len(numbers)))
    whole = [b for b in batches if b["waves"].shape[1] == 16_000]
    seen = Counter(wave.numpy().tobytes() for b in whole for wave in b["waves"][::2])
    assert max(seen.values()) == 2  # whole crops are told apart by their samples
    again = next(iter(Echo(data, SETTINGS, 1, workers=0)))
    assert all((again[k] == batches[0][k]).all() for k in again)


@given(
    st.integers(0, 60_000), st.integers(1, 64_000), st.integers(8_000, 64_000), st.integers(0, 99)
)
def test_a_stretch_holds_sound(first: int, size: int, length: int, seed: int) -> None:
    whole = 64_000
    end = min(whole, first + size)
    at = stretch_start(first, end, length, whole, np.random.default_rng(seed))
    assert 0 <= at <= whole - length
    assert min(at + length, end) - max(at, first) >= min(LEAST, end - first, length)


def test_training_with_echoes_learns_and_resumes(tiny_index: Path, tmp_path: Path) -> None:
    recipe = copy.deepcopy(RECIPE)
    recipe["training"] |= {"echo": 2, "held": 6, "lengths": [0.4, 0.5]}
    found = train(recipe, [tiny_index], tmp_path / "whole", workers=0, seed=3)
    assert found["eer"] <= 25
    halfway = tmp_path / "halfway"
    halfway.mkdir()
    (tmp_path / "whole/checkpoint-20").rename(halfway / "checkpoint-20")
    train(recipe, [tiny_index], halfway, resume=True, workers=0, seed=3)
    one = load_file(tmp_path / "whole/checkpoint-40/model.safetensors")
    two = load_file(halfway / "checkpoint-40/model.safetensors")
    for key in one:
        np.testing.assert_allclose(one[key], two[key], rtol=1e-4, atol=1e-5)


def test_what_does_not_fit_is_refused(tiny_index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = Pairs(keep_for_training(read_index(tiny_index)), 4, 1, Mix(seconds=1.0))
    with pytest.raises(ValueError, match="As many pairs must be held"):
        Echo(data, SETTINGS | {"held": 2})
    with pytest.raises(ValueError, match="No length can exceed"):
        Echo(data, SETTINGS | {"lengths": [1.5]})
    spliced = Pairs(keep_for_training(read_index(tiny_index)), 4, 1, Mix(seconds=1.0, spliced=0.2))
    with pytest.raises(ValueError, match="Leave out spliced or echo"):
        Echo(spliced, SETTINGS)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ValueError, match="one process that trains"):
        Echo(data, SETTINGS)
