"""Precision: bfloat16 only where a machine computes faster in it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.detect.networks import build
from tests.training.conftest import TINY_NETWORK
from training import cached, leaving, quality
from training.precision import half_precision


def test_a_gpu_says_nothing_of_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    for able in (False, True):
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda able=able: able)
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
        assert half_precision("cpu") == able and half_precision()


@pytest.mark.parametrize("half", [False, True])
def test_features_ratings_and_holdouts_take_bfloat16_only_where_it_is_faster(
    half: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (cached, leaving, quality):
        monkeypatch.setattr(module, "half_precision", lambda device: half)
    model = build("spectral-transformer", TINY_NETWORK)
    seen: list[bool] = []
    for part in (model.front, model.project):
        part.register_forward_hook(lambda *_: seen.append(torch.is_autocast_enabled("cpu")))
    waves = torch.randn(2, 16_000)
    features = cached.front_features(model, waves)
    quality.mean_opinion(model.eval(), waves)
    leaving._train(model, features, np.array([0]), np.array([1]), steps=4, pairs=1, seed=0)
    assert seen == [half] * (1 + 2 + 4)
