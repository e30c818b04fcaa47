"""Features that are stored, and what is drawn from them."""

from pathlib import Path

import numpy as np
import pytest
import torch

from core.detect.engine import levelled
from core.detect.model_directory import load_directory
from training.cached import StoredPairs, collate_features, features_of
from training.recipe import train

EMBEDDED = Path(__file__).resolve().parents[2] / "data" / "models" / "embedded"


def test_a_batch_has_one_length_of_those_given() -> None:
    pairs = StoredPairs(np.ones((8, 30, 4), np.float16), 60, 1, {"frames": [10, 20]})
    items = [pairs[i] for i in (3, 1, 40)]
    made = [collate_features(items, [10, 20])["features"].shape for _ in range(30)]
    assert set(made) == {(6, 10, 4), (6, 20, 4)}
    assert collate_features(items)["features"].shape == (6, 20, 4)


def test_features_of_a_directory_are_those_that_its_detector_hears() -> None:
    waves = np.random.default_rng(0).normal(0, 0.01, (2, 8_000)).astype(np.float32)
    made = features_of(torch.nn.Identity(), EMBEDDED)(torch.from_numpy(waves))
    engine = load_directory(EMBEDDED, "int8").engine
    heard = np.stack([engine.front(wave) for wave in levelled(waves)])
    assert np.array_equal(made, heard.astype(np.float16))


def test_eight_bit_features_need_a_directory_to_start_from(
    tiny_index: Path, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="--start"):
        train("embedded-encoder", [tiny_index], tmp_path, workers=0)
