"""Crops that are synthetic in part."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.detect.networks import build
from tests.training.conftest import TINY_NETWORK, voice
from training.clips import read_index
from training.data import PART, Mix, Pairs, collate, keep_for_training
from training.devset import dev_figures, dev_set, spliced_set
from training.losses import family_loss, part_loss
from training.splices import part_shares, splice

RATE = 16_000


def nothing(samples: np.ndarray, _: str) -> np.ndarray:
    return samples


@pytest.mark.parametrize("aligned", [True, False])
def test_a_splice_says_where_the_guest_is(aligned: bool) -> None:
    host, guest = np.full(2 * RATE, 0.1, np.float32), np.full(2 * RATE, -0.1, np.float32)
    for seed in range(20):
        made, share = splice(host, guest, np.random.default_rng(seed), aligned)
        np.testing.assert_allclose(made, 0.1 - 0.2 * share, atol=1e-6)  # both at one level
        inside = np.flatnonzero(share == 1)
        assert len(inside) >= 0.2 * RATE and np.all(np.diff(inside) == 1)  # one stretch
        assert np.mean((share > 0) & (share < 1)) < 0.06  # short fades


def test_an_aligned_splice_of_one_sound_leaves_it_as_it_was() -> None:
    x = voice(2.0, 1)
    for seed in range(10):
        made, _ = splice(x, x, np.random.default_rng(seed), aligned=True)
        np.testing.assert_allclose(made, x, atol=1e-6)


def test_short_crops_are_not_spliced() -> None:
    x = voice(0.5, 1)
    made, share = splice(x, -x, np.random.default_rng(0))
    assert made is x and not share.any()


def test_silent_parts_are_not_judged() -> None:
    wave = np.concatenate([np.zeros(100), np.ones(100), np.full(100, 1e-3), np.ones(50)])
    share = np.concatenate([np.ones(150), np.zeros(200)])
    np.testing.assert_allclose(part_shares(share, wave, 100), [-1, 0.5, -1])


def pairs_of(tiny_index: Path, **mix: float) -> Pairs:
    index = keep_for_training(read_index(tiny_index))
    return Pairs(index, 40, 3, Mix(seconds=1.2, copies=0.0, **mix), codec=nothing)


def test_pairs_say_what_each_part_is(tiny_index: Path) -> None:
    whole = collate([pairs_of(tiny_index)[i] for i in range(10)])
    parts = whole["parts"]
    assert parts.shape == (20, 6) and whole["judged"].all()
    assert set(parts[0::2].unique().tolist()) <= {-1.0, 0.0}
    assert set(parts[1::2].unique().tolist()) <= {-1.0, 1.0}
    spliced = collate([pairs_of(tiny_index, spliced=1.0, same_spliced=0.0)[i] for i in range(16)])
    assert not spliced["judged"].any()
    for side in (spliced["parts"][0::2], spliced["parts"][1::2]):
        assert (side == 0).any() and (side == 1).any()
    same = collate([pairs_of(tiny_index, spliced=1.0, same_spliced=1.0)[i] for i in range(16)])
    assert not same["judged"].any() and same["parts"][0::2].max() == 0


def test_edited_clips_teach_and_judge_nothing_as_a_whole(tiny_index: Path) -> None:
    index = read_index(tiny_index)
    index.loc[index.index[[1, 17]], "material"] = "partial"
    assert len(keep_for_training(index)) == 15
    assert len(dev_set(index, length=8_000).label) == 7


def test_narrow_pairs_end_in_a_telephone_codec_on_both_sides(tiny_index: Path) -> None:
    used: list[str] = []

    def codec(samples: np.ndarray, name: str) -> np.ndarray:
        used.append(name)
        return samples

    index = keep_for_training(read_index(tiny_index))
    mix = Mix(seconds=0.5, copies=0.0, narrow=1.0)
    for phones in (None, {"gsm": 1.0, "8k": 0.0}):
        pairs = Pairs(index, 8, 1, mix, codec=codec, phones=phones)
        for i in range(8):
            used.clear()
            pairs[i]
            assert len(used) == 2 and used[0] == used[1]
            assert phones is None or used[0] == "gsm"


def test_heads_score_parts_and_name_families() -> None:
    network = build("spectral-transformer", {**TINY_NETWORK, "parts": PART, "families": 3})
    _, _, parts, named = network.eval()(torch.randn(2, 40_000))
    assert parts.shape == (2, 40_000 // 320 // PART) and named.shape == (2, 3)
    plain = build("spectral-transformer", TINY_NETWORK).eval()
    known = plain.state_dict().keys()
    plain.load_state_dict({k: v for k, v in network.state_dict().items() if k in known})
    waves = torch.randn(2, 8_000)
    assert torch.allclose(plain(waves)[0], network(waves)[0]) and len(plain(waves)) == 2


def test_losses_of_the_heads_leave_out_what_is_not_known() -> None:
    scores = torch.tensor([[0.0, 9.0], [0.0, -9.0]], requires_grad=True)
    half = part_loss(scores, torch.tensor([[1.0, -1.0], [0.0, -1.0]]))
    assert half.item() == pytest.approx(np.log(2))
    assert part_loss(scores, torch.full((2, 2), -1.0)).item() == 0
    logits = torch.zeros(3, 4)
    assert float(family_loss(logits, torch.tensor([-1, 2, -1]))) == pytest.approx(np.log(4))
    assert float(family_loss(logits, torch.tensor([-1, -1, -1]))) == 0


def test_dev_knows_how_well_parts_are_told_apart(tiny_index: Path) -> None:
    index = read_index(tiny_index)
    dev = spliced_set(dev_set(index, length=16_000), index, nothing, 8)

    class Perfect(torch.nn.Module):
        """Answers with what it is asked for, in turn."""

        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(1))

        def forward(self, waves: torch.Tensor) -> Any:
            assert dev.shares is not None
            return torch.zeros(len(waves)), None, torch.from_numpy(dev.shares)

    assert dev_figures(Perfect(), dev)["eer_parts"] == 0
