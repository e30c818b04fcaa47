"""The embedded network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from core.detect.networks import build
from core.detect.networks.spectral_transformer import level
from training.initial import load_distillmos

TINY = {"channels": [4, 4, 8], "dim": 16, "heads": 2, "layers": 1, "feedforward": 16}


def test_scores_do_not_depend_on_the_batch_or_the_level() -> None:
    torch.manual_seed(0)
    model = build("spectral-transformer", TINY).eval()
    waves = torch.randn(5, 16_000) * 0.1
    with torch.inference_mode():
        raw, embedding = model(waves)
        assert raw.shape == (5,) and embedding.shape == (5, 32)
        alone = torch.cat([model(w[None])[0] for w in waves])
        louder = model(waves * 7.5)[0]
    assert torch.allclose(raw, alone, atol=1e-5)
    assert torch.allclose(raw, louder, atol=1e-4)
    assert torch.isfinite(model(torch.zeros(1, 16_000))[0]).all()


def test_level_counts_no_padding() -> None:
    waves = torch.zeros(2, 1000)
    waves[0, :500] = 0.5
    scaled = level(waves, 0.1)
    assert scaled[0, :500].pow(2).mean().sqrt().item() == pytest.approx(0.1)
    assert (scaled[1] == 0).all()


def test_longer_inputs_than_the_positions_work() -> None:
    model = build("spectral-transformer", {**TINY, "max_frames": 8}).eval()
    assert model(torch.randn(1, 64_000))[0].shape == (1,)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match="no architecture"):
        build("nothing", {})
    with pytest.raises(ValueError, match="spectral-transformer"):
        build("spectral-transformer", {"width": 3})


def test_two_normalisations_become_one(tmp_path: Path) -> None:
    """A checkpoint in DistillMOS's form gives what its own layers would give."""
    torch.manual_seed(1)
    model = build("spectral-transformer", TINY).eval()
    own = model.state_dict()
    old = "transformer_pool_attn."
    state = {}
    for ours, theirs in (
        ("front.cnn.", "cnn.cnn."),
        ("project.", old + "transformer.linear_proj."),
        ("encoder.layers.", old + "transformer.transformer_encoder.layers."),
        ("norm_encoder.", old + "norm_trans."),
        ("pool.linear1.", old + "pool.linear1."),
        ("pool.linear2.", old + "pool.linear2."),
    ):
        for key, value in own.items():
            if key.startswith(ours):
                state[theirs + key.removeprefix(ours)] = torch.rand_like(value.float())
    norms = [torch.nn.BatchNorm1d(own["norm_features.weight"].numel()).eval() for _ in range(2)]
    for name, norm in zip((old + "norm_input.", old + "transformer.norm."), norms, strict=True):
        for value in (norm.weight.data, norm.bias.data, norm.running_mean, norm.running_var):
            value.uniform_(0.5, 2.0)
        state |= {name + k: v for k, v in norm.state_dict().items()}
    torch.save({"model": state, "step": 1}, tmp_path / "c.pt")
    assert set(load_distillmos(model, tmp_path / "c.pt")) == {"head.weight", "head.bias"}
    x = torch.randn(3, norms[0].num_features, 7)
    assert torch.allclose(model.norm_features(x), norms[1](norms[0](x)), atol=1e-4)
    with pytest.raises(ValueError, match="no DistillMOS"):
        torch.save([1], tmp_path / "d.pt")
        load_distillmos(model, tmp_path / "d.pt")
    assert np.isfinite(model(torch.randn(1, 8000))[0].detach().numpy()).all()
