"""The encoders that the embedded one is compared with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from transformers import WhisperFeatureExtractor

from core.detect.model import LEVEL
from core.train.alternatives import build, dequantised, main, network
from core.train.recipe import RECIPES, load_recipe, train

TINY: dict[str, dict[str, Any]] = {
    "alternative-whisper": {"width": 16, "layers": 1, "heads": 2, "feedforward": 16},
    "alternative-cnn": {"channels": [4, 4, 8], "width": 8},
}


def test_recipes_fit_their_networks() -> None:
    names = [p.stem for p in RECIPES.glob("alternative-*.toml")]
    assert len(names) == 3
    for name in names:
        recipe = load_recipe(name)
        assert recipe["architecture"] == name
        build(name, recipe["network"])


@pytest.mark.parametrize("architecture", [*TINY, "alternative-distillmos"])
def test_networks_give_a_score_and_an_embedding_at_any_level(architecture: str) -> None:
    torch.manual_seed(0)
    model = build(architecture, TINY.get(architecture, {})).eval()
    waves = 0.1 * torch.randn(3, 16_000)
    with torch.inference_mode():
        raw, embedding = model(waves)
        louder, _ = model(4 * waves)
    assert raw.shape == (3,) and embedding.shape == (3, 2 * model.front.size)
    assert torch.allclose(raw, louder, atol=1e-4)
    with pytest.raises(ValueError, match="unexpected keyword"):
        build(architecture, {"height": 3})


def test_log_mel_is_that_of_whisper() -> None:
    rng = np.random.default_rng(0)
    wave = rng.normal(size=16_000).astype(np.float32)
    wave -= wave.mean()  # clips have none; Whisper's features take it off
    wave *= LEVEL / wave.std()
    known = WhisperFeatureExtractor(feature_size=80, chunk_length=1)(
        wave, sampling_rate=16_000, do_normalize=True, return_tensors="np"
    )["input_features"]
    front: Any = build("alternative-whisper", TINY["alternative-whisper"]).front
    ours = front.spectrum(torch.from_numpy(wave[None])).numpy()
    assert np.abs(ours - known).max() < 0.01


def test_frozen_parts_stay_and_longer_input_is_refused() -> None:
    recipe = {
        "architecture": "alternative-whisper",
        "network": {**TINY["alternative-whisper"], "layers": 2, "frames": 20},
        "training": {"frozen": 2},
    }
    encoder: Any = network(recipe).front.encoder
    moving = {n.split(".")[0] + n.split(".")[1] for n, p in encoder.named_parameters()
              if p.requires_grad}  # fmt: skip
    assert moving == {"layers1", "layer_normweight", "layer_normbias"}
    with pytest.raises(ValueError, match="25 frames are more than this encoder's 20"):
        network(recipe)(torch.randn(1, 8000))


def test_training_learns_in_both_stages(
    tiny_index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    leg = {"steps": 30, "pairs": 4, "learning_rate": 1e-2, "evaluate_every": 30, "average": 0.5,
           "ranking": 0.5, "half": False}  # fmt: skip
    for name, settings_ in TINY.items():
        recipe = {
            "kind": "pairs", "architecture": name, "seed": 1, "network": settings_,
            "mix": {"seconds": 0.5, "copies": 0.0}, "strength": {"codec": 0.0, "room": 0.0},
            "mask": {"time": 1, "frequency": 1}, "training": leg,
        }  # fmt: skip
        if name == "alternative-whisper":
            recipe["stored"] = {**leg, "crops": 16, "seconds": 0.6, "frames": 25}
        found = train(recipe, [tiny_index], tmp_path / name, workers=0)
        assert found["eer"] <= 25  # dull against bright: easily told apart
    folders = [str(tmp_path / name) for name in TINY]
    assert main([*folders, "--corpus", str(tiny_index)]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[-1].startswith("alternative-whisper + alternative-cnn")
    assert float(printed[-1].removeprefix("alternative-whisper + alternative-cnn").split()[2]) <= 25
    assert " to " in printed[-1] and " to " not in printed[1]  # the first is apart from none
    assert main([str(tmp_path), "--corpus", str(tiny_index)]) == 1
    assert "holds neither a model" in capsys.readouterr().err


def quantised(values: np.ndarray, axis: int, name: str, nodes: list[Any], held: list[Any]) -> str:
    """Add int8 weights, one scale a slice, and the node that makes floats of them."""
    others = tuple(i for i in range(values.ndim) if i != axis)
    scale = (np.abs(values).max(others) / 127 + 1e-9).astype(np.float32)
    shape = [1] * values.ndim
    shape[axis] = -1
    stored = np.round(values / scale.reshape(shape)).astype(np.int8)
    parts = {"quantized": stored, "scale": scale, "zero_point": np.zeros(len(scale), np.int8)}
    held += [numpy_helper.from_array(v, f"{name}_{k}") for k, v in parts.items()]
    nodes.append(
        helper.make_node(
            "DequantizeLinear", [f"{name}_{k}" for k in parts], [f"{name}_float"], axis=axis
        )
    )
    return f"{name}_float"


def graph(seed: int, width: int) -> tuple[onnx.ModelProto, dict[str, np.ndarray]]:
    """A convolution, a norm, keys without a bias, a layer with one: quantised as exporters do."""
    rng = np.random.default_rng(seed)
    wide = width + 1
    true = {
        "conv1.weight": rng.normal(size=(width, 3, 3)),
        "conv1.bias": rng.normal(size=width),
        "layers.0.self_attn_layer_norm.weight": rng.normal(size=width),
        "layers.0.self_attn_layer_norm.bias": rng.normal(size=width),
        "layers.0.self_attn.k_proj.weight": rng.normal(size=(width, width)),
        "layers.0.fc1.weight": rng.normal(size=(wide, width)),
        "layers.0.fc1.bias": rng.normal(size=wide),
    }
    true = {k: v.astype(np.float32) for k, v in true.items()}
    nodes: list[Any] = []
    held = [numpy_helper.from_array(v, k) for k, v in true.items() if v.ndim == 1]
    held += [
        numpy_helper.from_array(np.float32(0.05), "act_scale"),
        numpy_helper.from_array(np.uint8(128), "act_zero"),
    ]
    conv = quantised(true["conv1.weight"], 0, "conv1.weight", nodes, held)
    keys = quantised(true["layers.0.self_attn.k_proj.weight"].T, 1, "val_7", nodes, held)
    full = quantised(true["layers.0.fc1.weight"].T, 1, "val_9", nodes, held)
    norm = "layers.0.self_attn_layer_norm"
    nodes += [
        helper.make_node("Conv", ["x", conv, "conv1.bias"], ["c"], pads=[1, 1]),
        helper.make_node("Transpose", ["c"], ["t"], perm=[0, 2, 1]),
        helper.make_node("LayerNormalization", ["t", f"{norm}.weight", f"{norm}.bias"], ["n"]),
        helper.make_node("QuantizeLinear", ["n", "act_scale", "act_zero"], ["nq"]),
        helper.make_node("DequantizeLinear", ["nq", "act_scale", "act_zero"], ["nd"]),
        helper.make_node("MatMul", ["nd", keys], ["k"]),
        helper.make_node("MatMul", ["k", full], ["m"]),
        helper.make_node("QuantizeLinear", ["m", "act_scale", "act_zero"], ["mq"]),
        helper.make_node("DequantizeLinear", ["mq", "act_scale", "act_zero"], ["md"]),
        helper.make_node("Add", ["md", "layers.0.fc1.bias"], ["y"]),
    ]
    made = helper.make_graph(
        nodes, "made up",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 5])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 5, wide])],
        held,
    )  # fmt: skip
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return model, true


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**31), st.integers(2, 6))
def test_weights_come_back_under_their_names(
    tmp_path_factory: pytest.TempPathFactory, seed: int, width: int
) -> None:
    model, true = graph(seed, width)
    file = tmp_path_factory.mktemp("graph") / "made.onnx"
    onnx.save(model, file)
    onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])  # a graph that runs
    found = dequantised(file)
    assert found.keys() == true.keys()
    for name, value in true.items():
        assert found[name].dtype == np.float32 and found[name].shape == value.shape
        assert np.abs(found[name] - value).max() <= np.abs(value).max() / 127 * 0.51


def test_other_files_are_no_start(tmp_path: Path) -> None:
    model, _ = graph(0, 4)
    file = tmp_path / "made.onnx"
    onnx.save(model, file)
    recipe = {"architecture": "alternative-whisper", "network": TINY["alternative-whisper"]}
    with pytest.raises(ValueError, match=r"made\.onnx is not smart-turn"):
        network(recipe, file)
    with pytest.raises(ValueError, match=r"There is no file .*none\.onnx"):
        network(recipe, tmp_path / "none.onnx")
    with pytest.raises(ValueError, match="starts from nothing"):
        network({"architecture": "alternative-cnn", "network": TINY["alternative-cnn"]}, file)
    with pytest.raises(ValueError, match="no architecture 'alternative-none'"):
        network({"architecture": "alternative-none"})
    (tmp_path / "text.onnx").write_text("no graph")
    with pytest.raises(ValueError, match="is no ONNX graph"):
        dequantised(tmp_path / "text.onnx")
