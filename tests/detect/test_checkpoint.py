"""Checkpoints as people save them: the same scores from every form, and no guess said as fact."""

import os
from argparse import Namespace
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from core.detect import checkpoint
from core.detect.detector import DetectorError
from core.detect.networks import aasist
from core.detect.networks.wav2vec2 import MeanPooledWav2Vec2
from core.detect.registry import load_checkpoint
from tests.detect.test_aasist import TINY as TINY_AASIST
from tests.detect.test_wav2vec2 import TINY as TINY_WAV2VEC2

NOISE = np.random.default_rng(3).normal(0, 0.1, 16_000).astype(np.float32)


def under(prefix, state):
    return OrderedDict((prefix + key, value) for key, value in state.items())


def zeros(state):
    return {key: torch.zeros_like(value) for key, value in state.items()}


FORMS = {
    "plain": lambda s: s,
    "DataParallel": lambda s: under("module.", s),
    "compiled": lambda s: {"model": under("_orig_mod.", s)},
    "state_dict": lambda s: {"state_dict": s, "epoch": 3, "optimizer": {"state": {0: s}}},
    "model_state_dict": lambda s: {"model_state_dict": under("module.", s), "best_eer": 0.1},
    "Lightning": lambda s: {
        "state_dict": {**under("model.", s), "loss.weight": torch.ones(2)},
        "callbacks": {"ModelCheckpoint": {"best_model_score": torch.tensor(0.1)}},
    },
    "two prefixes": lambda s: {"net": {"generator": under("module.model.", s)}},
    "swa": lambda s: {**under("module.", s), "n_averaged": torch.tensor(4)},
    "ema": lambda s: {"model": zeros(s), "ema": s},
    "ema_state_dict": lambda s: {"state_dict": zeros(s), "ema_state_dict": under("module.", s)},
    "ema alone": lambda s: {"ema": {"shadow": s}},
    "with figures and options": lambda s: {
        "model": s, "eer": np.float64(3.2), "epoch": np.int64(7), "curve": np.arange(3.0),
        "args": Namespace(rate=np.float32(1e-4), out=Path("runs"), seeds=[np.int32(1)]),
    },
    "ema-pytorch": lambda s: {
        **under("online_model.", zeros(s)), **under("ema_model.", s), "step": torch.tensor(9),
    },
}  # fmt: skip


@pytest.fixture(params=["aasist", "wav2vec2"])
def state(request, monkeypatch):
    monkeypatch.setattr(
        aasist, "NETWORKS", {"wide": {**TINY_AASIST, "dims": (8, 5)}, "tiny": TINY_AASIST}
    )
    monkeypatch.setattr(aasist, "WINDOW", 16_000)
    torch.manual_seed(5)
    made = aasist.Aasist(**TINY_AASIST) if request.param == "aasist" else MeanPooledWav2Vec2(
        TINY_WAV2VEC2
    )  # fmt: skip
    return made.state_dict()


def score(path):
    detector = load_checkpoint(path, "own", "Own", TINY_WAV2VEC2)
    return float(detector.raw_scores(NOISE, [(0, len(NOISE))])[0][0]), detector.name


@pytest.mark.parametrize("old", [False, True], ids=["zip", "before torch 1.6"])
def test_every_form_gives_the_scores_of_the_plain_file(state, tmp_path, old):
    path = tmp_path / "plain.pt"
    torch.save(state, path)
    expected, _ = score(path)
    assert abs(expected) > 1e-4
    for form, wrap in FORMS.items():
        torch.save(wrap(state), path, _use_new_zipfile_serialization=not old)
        found, name = score(path)
        assert found == expected, form
        both = form in ("ema", "ema_state_dict", "ema-pytorch")
        assert name == ("Own (moving average of its weights)" if both else "Own"), form


@pytest.mark.parametrize("form", ["plain", "DataParallel", "swa", "ema-pytorch"])
def test_safetensors_too(state, tmp_path, form):
    torch.save(state, tmp_path / "plain.pt")
    wrapped = {k: v.clone().contiguous() for k, v in FORMS[form](state).items()}
    save_file(wrapped, tmp_path / "own.safetensors")
    assert score(tmp_path / "own.safetensors")[0] == score(tmp_path / "plain.pt")[0]


@pytest.mark.parametrize(
    "content",
    [
        {"conv.weight": torch.zeros(1)},
        {"state_dict": {"model.resnet.weight": torch.zeros(2)}},
        {"ssl_model.pos_S_other": torch.zeros(2)},
        torch.zeros(2),
        [1, 2],
        {},
    ],
)
def test_what_is_unknown_is_not_called_something_else(tmp_path, content):
    path = tmp_path / "other.pth"
    torch.save(content, path)
    with pytest.raises(DetectorError) as error:
        score(path)
    assert "other.pth holds" in str(error.value)
    assert "do not fit" not in str(error.value)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda s: {"student": s, "teacher": zeros(s)},
        lambda s: {**under("first.", s), **under("second.", s)},
        lambda s: {"ema_fast": s, "ema_slow": zeros(s)},
    ],
)
def test_none_of_several_networks_is_guessed(state, tmp_path, wrap):
    torch.save(wrap(state), tmp_path / "two.pt")
    with pytest.raises(DetectorError, match="several networks"):
        score(tmp_path / "two.pt")


def test_a_dict_that_holds_itself_ends(state, tmp_path):
    content = {"state_dict": state}
    content["again"] = content
    torch.save(content, tmp_path / "loop.pt")
    score(tmp_path / "loop.pt")


class Calls:
    """Pickles as a call of any function."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("old", [False, True], ids=["zip", "before torch 1.6"])
@pytest.mark.parametrize(
    "content",
    [
        Calls(Path.touch, Path("pwned")),
        Namespace(a=Calls(os.system, "touch pwned")),
        Calls(np.fromfile, "secret"),
        Calls(open, "pwned", "w"),
    ],
)
def test_nothing_in_a_checkpoint_is_called(state, tmp_path, monkeypatch, content, old):
    monkeypatch.chdir(tmp_path)
    torch.save({"model": state, "x": content}, "own.pt", _use_new_zipfile_serialization=not old)
    with pytest.raises(DetectorError, match="holds more than weights"):
        score(tmp_path / "own.pt")
    assert not (tmp_path / "pwned").exists()


def test_what_stands_beside_weights_is_not_made(state, tmp_path):
    content = {"model": state, "eer": np.float64(3.2), "args": Namespace(out=Path("runs"))}
    torch.save(content, tmp_path / "own.pt")
    held = checkpoint._content(tmp_path / "own.pt")
    assert held["model"].keys() == state.keys()
    assert type(held["eer"]) is type(held["args"]) is checkpoint._Ignored
    assert not vars(held["args"])
    allowed = torch.serialization.get_safe_globals()
    assert not [one for one in allowed if isinstance(one, tuple) and one[0] is checkpoint._Ignored]
