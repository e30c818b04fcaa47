"""Networks over XLS-R and its kin: known answers, both namings, and what is said of other files.

The expected logits were computed once with the authors' own modules, over encoders of two layers,
with weights that follow from the names and shapes in the authors' checkpoints.
"""

import json
from argparse import Namespace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from core.detect.detector import DetectorError
from core.detect.feeds import FEEDS
from core.detect.networks import encoder, over_encoder
from core.detect.registry import classes_of, load_checkpoint, load_detector
from tests.detect.over_encoders import CUT, TINY, network, official
from tests.detect.test_aasist import fixed_state, noise, signals

BASE = {"width": 768, "ff": 64, "convolutions": 32, "final": 256}
KNOWN = [
    ("xlsr-aasist", "fairseq", CUT, [37.95058, 77.90278]),
    ("xlsr-sls", "fairseq", CUT, [0.0, -32.63502]),
    ("nes2net-x", "fairseq", CUT, [1.31805, -0.40281]),
    ("xlsr-conformer-tcm", "fairseq", CUT, [0.72384, -0.59167]),
    ("antideepfake", "fairseq", CUT | {"final": 768}, [-0.54468, 0.18216]),
    ("antideepfake", "fairseq", BASE, [0.46798, -1.35386]),
    ("spectra-0", "transformers", CUT, [-12.2578, -4.82142]),
    ("spectra-aasist", "transformers", CUT, [9.00395, -12.92294]),
]
SAMPLES = {"xlsr-conformer-tcm": 66_800, "antideepfake": 50_001}
"""Of the wave whose logits are known, a tone; 64,600 where nothing is said."""

KINDS = sorted(over_encoder.HEADS)


@pytest.fixture(autouse=True)
def widths(monkeypatch):
    monkeypatch.setitem(encoder.HEADS, TINY["width"], 2)


@pytest.mark.parametrize(
    ("kind", "naming", "sizes", "expected"),
    KNOWN,
    ids=[f"{k}-{s['width']}" for k, _, s, _ in KNOWN],
)
def test_known_answers_of_the_authors_modules(kind, naming, sizes, expected):
    layered = sizes is not BASE
    with torch.device("meta"):
        made = network(kind, sizes, layered=layered)
    above, below = official(kind, made, naming, sizes, layered=layered)
    state = fixed_state({name: tuple(value.shape) for name, value in (above | below).items()})
    with torch.inference_mode():
        wave = signals(SAMPLES.get(kind, 64_600))[1:2]
        found = over_encoder.with_weights(kind, state).logits(wave)[0]
    if kind == "xlsr-sls":  # the published network ends in a logarithm of softmax
        found = found.log_softmax(1)
    np.testing.assert_allclose(found[0].numpy(), expected, rtol=2e-4, atol=2e-4)


def saved(kind, made, naming, path, form):
    above, below = official(kind, made, naming)
    if form == "safetensors":
        path = path.with_suffix(".safetensors")
        save_file({k: v.contiguous() for k, v in (above | below).items()}, path)
        return path
    state = above | below
    wrapped = {
        "plain": state,
        "DataParallel": {f"module.{k}": v for k, v in state.items()},
        "trainer": {"model_state_dict": state, "epoch": 3, "args": Namespace(lr=1e-6)},
    }
    torch.save(wrapped[form], path)
    return path


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("naming", ["fairseq", "transformers"])
def test_a_checkpoint_is_known_by_its_tensors_in_either_naming(kind, naming, tmp_path):
    made = network(kind)
    n = FEEDS[kind].window
    with torch.inference_mode():
        expected = float(made(torch.from_numpy(noise(n))[None])[0])
    forms = ["plain"] if naming == "transformers" else ["DataParallel", "trainer", "safetensors"]
    for form in forms:
        path = saved(kind, made, naming, tmp_path / f"{form}.pth", form)
        detector = load_checkpoint(path, "own", "Own")
        assert detector.feed is FEEDS[kind] and detector.calibration is None
        prepared = np.append(noise(n)[:1], noise(n)[1:])
        raw, vectors = detector.engine.windows(prepared[None])
        assert raw[0] == pytest.approx(expected, abs=1e-5), form
        assert vectors.shape[0] == 1


@pytest.mark.parametrize("kind", ["xlsr-aasist", "nes2net-x"])
@pytest.mark.parametrize("naming", ["fairseq", "transformers"])
def test_a_head_and_its_encoder_apart_load_from_their_folder(kind, naming, tmp_path):
    made = network(kind)
    above, below = official(kind, made, naming)
    prefix = len("ssl_model.model.")
    alone = {name[prefix:]: value for name, value in below.items()}
    torch.save(above, tmp_path / "head.pth")
    with pytest.raises(DetectorError, match="no encoder"):
        load_detector(tmp_path / "head.pth")
    torch.save({"model": alone, "args": Namespace(arch="wav2vec2")}, tmp_path / "xlsr.pt")
    assert classes_of(str(tmp_path)) == {}  # its sides are known, so nobody is asked
    detector = load_detector(tmp_path)
    torch.save(above | below, tmp_path / "whole.pth")
    whole = load_checkpoint(tmp_path / "whole.pth", "own", "Own")
    wave = noise(64_600)[None]
    np.testing.assert_array_equal(detector.engine.windows(wave)[0], whole.engine.windows(wave)[0])
    assert detector.weights_sha256 != whole.weights_sha256


def test_a_folder_of_two_files_that_are_no_pair_says_so(tmp_path):
    above, _ = official("xlsr-aasist", network("xlsr-aasist"), "fairseq")
    for name in ("one.pth", "two.pth"):
        torch.save(above, tmp_path / name)
    with pytest.raises(DetectorError, match="a head and a file with its encoder"):
        load_detector(tmp_path)


def test_encoders_of_published_sizes_are_told_from_their_tensors():
    for width, layers, ff, heads in (
        (768, 12, 3072, 12), (1024, 24, 4096, 16), (1280, 48, 5120, 16), (1920, 48, 7680, 16)
    ):  # fmt: skip
        layered = width > 768
        made = encoder.Wav2Vec2Config(
            hidden_size=width, num_hidden_layers=layers, intermediate_size=ff,
            num_attention_heads=heads, conv_bias=layered, do_stable_layer_norm=layered,
            feat_extract_norm="layer" if layered else "group", mask_time_prob=0.0,
        )  # fmt: skip
        state = encoder.without_memory(made).model.state_dict()
        found = encoder.config_of(state)
        for field in ("hidden_size", "num_hidden_layers", "intermediate_size", "conv_dim",
                      "num_attention_heads", "conv_bias", "feat_extract_norm", "conv_stride",
                      "do_stable_layer_norm", "num_conv_pos_embedding_groups"):  # fmt: skip
            one, other = (json.dumps(getattr(config, field)) for config in (found, made))
            assert one == other, (width, field)


def changed(state, how):
    state = dict(state)
    if how == "a layer less":
        return {k: v for k, v in state.items() if ".encoder.layers.1.fc1" not in k}
    if how == "another width":
        state["ssl_model.model.encoder.layer_norm.weight"] = torch.zeros(40)
        return state
    if how == "a further tensor":
        return state | {"extra.weight": torch.zeros(2)}
    if how == "a stranger in the encoder":
        return state | {"ssl_model.model.adapter.weight": torch.zeros(2)}
    if how == "another shape":
        return state | {"LL.bias": torch.zeros(3)}
    if how == "half a head":
        return {k: v for k, v in state.items() if not k.startswith("encoder.")}
    return state | {k.replace("ssl_model.", "second."): v for k, v in state.items()}


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("a layer less", "incomplete encoder: it lacks"),
        ("another width", "width 40. A file does not hold the number of attention heads"),
        ("a further tensor", "'extra.weight' belongs to none"),
        ("a stranger in the encoder", "'adapter.weight' belongs to none"),
        ("another shape", "of another shape at 'LL.bias'"),
        ("half a head", "no whole head of xlsr-aasist"),
        ("two encoders", "two wav2vec 2.0 encoders"),
    ],
)
def test_what_fits_no_published_network_is_refused_with_its_reason(how, says, tmp_path):
    above, below = official("xlsr-aasist", network("xlsr-aasist"), "fairseq")
    torch.save(changed(above | below, how), tmp_path / "own.pth")
    with pytest.raises(DetectorError, match=says) as error:
        load_checkpoint(tmp_path / "own.pth", "own", "Own")
    assert "own.pth" in str(error.value)


def test_half_precision_is_read_as_single(tmp_path):
    made = network("antideepfake").half()
    torch.save(
        made.head.state_dict() | official("antideepfake", made, "fairseq")[1], tmp_path / "h.pt"
    )
    raw, _ = load_detector(tmp_path / "h.pt").raw_scores(noise(30_000), [(0, 30_000)])
    assert raw.dtype == np.float64 and np.isfinite(raw).all()


def test_clips_are_prepared_as_the_authors_do():
    spectra, whole = FEEDS["spectra-0"], FEEDS["antideepfake"]
    x = noise(100)
    given = spectra.prepared(x)
    np.testing.assert_allclose(given[1:], x[1:] - 0.97 * x[:-1], atol=1e-6)
    assert given[0] == x[0] and whole.prepared(x) is x
    assert "pre-emphasis of 0.97" in str(spectra) and "repeated" in str(spectra)
    assert "heard at its own length" in str(whole) and "variance 1" in str(whole)


def test_windows_come_to_the_network_as_stated(tmp_path):
    made = network("spectra-0")
    path = saved("spectra-0", made, "transformers", tmp_path / "s.pth", "plain")
    detector = load_checkpoint(path, "own", "Own")
    x = noise(90_000)
    emphasised = x.copy()
    emphasised[1:] -= np.float32(0.97) * x[:-1]
    ranges = [(0, 64_600), (32_000, 90_000)]
    second = np.resize(emphasised[32_000:], 64_600)
    with torch.inference_mode():
        expected = made(torch.from_numpy(np.stack([emphasised[:64_600], second])))[0]
    found, _ = detector.raw_scores(x, ranges)
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-5)


def test_short_windows_are_heard_at_their_own_length_and_level(tmp_path):
    made = network("antideepfake")
    path = saved("antideepfake", made, "fairseq", tmp_path / "a.pth", "plain")
    detector = load_checkpoint(path, "own", "Own")
    x = noise(60_000)
    ranges = [(0, 30_000), (15_000, 45_000), (30_000, 60_000), (45_000, 60_000), (59_900, 60_000)]
    found, _ = detector.raw_scores(x, ranges)
    with torch.inference_mode():
        for (start, end), score in zip(ranges, found, strict=True):
            assert score == pytest.approx(
                float(made(torch.from_numpy(x[start:end])[None])[0]), abs=1e-5
            )
    louder, _ = detector.raw_scores(4 * x + 0.5, ranges[:1])
    assert louder[0] == pytest.approx(found[0], abs=1e-3)


def test_every_feed_belongs_to_a_head_and_back():
    assert set(FEEDS) == set(over_encoder.HEADS) == set(over_encoder.ANCHORS)
    assert all(json.dumps(str(feed)) for feed in FEEDS.values())
