"""Every engine gives the network's scores, and the embedded detector needs no PyTorch."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from safetensors.torch import save_file

from core import decode
from core.detect.decision import Stance
from core.detect.detector import DetectorError
from core.detect.engine import levelled
from core.detect.model_directory import load_directory
from core.detect.networks import build
from core.detect.networks.spectral_transformer import level
from core.detect.networks.wav2vec2 import MeanPooledWav2Vec2
from core.detect.registry import EMBEDDED, load_detector
from core.detect.weights import sha256_of
from training import onnx_export
from training.onnx_export import ExportError, export_engines

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("[0-9]-*"))
SMALL = {"channels": [16, 16, 16, 16, 16, 16], "dim": 16, "heads": 2, "layers": 1,
         "feedforward": 16}  # fmt: skip
TINY_WAV2VEC2 = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48,
    "conv_dim": [16] * 7, "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 4,
}  # fmt: skip


def model_directory(folder, architecture="spectral-transformer", network=SMALL):
    torch.manual_seed(0)
    wav2vec2 = architecture == "wav2vec2-mean"
    made = MeanPooledWav2Vec2(network) if wav2vec2 else build(architecture, network)
    save_file(made.state_dict(), folder / "model.safetensors")
    config = {
        "format": "spoofscope.model/1", "id": "small", "architecture": architecture,
        "network": network, "window": 64_000, "hop": 32_000, "calibration": None,
        "weights": {"file": "model.safetensors", "sha256": sha256_of(folder / "model.safetensors")},
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def noise(seconds=9.0, seed=0):
    return np.random.default_rng(seed).normal(0, 0.1, int(16_000 * seconds)).astype(np.float32)


@pytest.mark.parametrize("file", EXAMPLES[2:4], ids=lambda p: p.name[0])
def test_the_embedded_detector_scores_alike_in_both_engines(file):
    clip = decode(file)
    found = load_detector(engine="onnx").detect(clip)
    expected = load_detector(engine="torch").detect(clip)
    assert found.llr == pytest.approx(expected.llr, abs=1e-3)
    assert [w.llr for w in found.windows] == pytest.approx(
        [w.llr for w in expected.windows], abs=1e-3
    )
    assert found.familiarity.distance == pytest.approx(expected.familiarity.distance, rel=1e-3)
    assert (found.verdict, found.weights_sha256) == (expected.verdict, expected.weights_sha256)


def test_the_embedded_detector_runs_in_8_bits_under_its_own_name():
    ours, single = load_detector(), load_detector("embedded-fp32")
    assert (ours.config["default_engine"], ours.id) == ("int8", "embedded")
    assert load_detector("embedded-int8").id == "embedded"
    assert single.id == "embedded-fp32" and single.weights_sha256 != ours.weights_sha256
    for file in EXAMPLES[:2]:
        clip = decode(file)
        found, other = ours.detect(clip), single.detect(clip)
        assert found.llr == pytest.approx(other.llr, abs=0.5)
        assert "other_precision" not in {reason.code for reason in found.reasons}
        told = next(reason for reason in other.reasons if reason.code == "other_precision")
        assert told.effect == "caution" and "on average" in told.text
        again = single.with_stance(other, Stance(0.2))
        assert [r.code for r in again.reasons].count("other_precision") == 1


def test_scores_do_not_depend_on_threads_or_on_how_sound_is_divided(monkeypatch):
    samples = np.concatenate([decode(file).samples[:64_000] for file in EXAMPLES])
    ranges = [(at, at + 64_000) for at in range(0, len(samples) - 64_000, 32_000)]
    detector = load_detector()
    expected, vectors = detector.raw_scores(samples, ranges)
    few, same = detector.raw_scores(samples[:160_000], ranges[:4])
    assert few.shape == (4,) and same.shape == vectors[:4].shape
    for stretch, threads in ((64_000, 2), (100_000, 1), (16_000, 3)):
        monkeypatch.setattr("core.detect.scoring.STRETCH", stretch)
        monkeypatch.setenv("SPOOFSCOPE_THREADS", str(threads))
        found, _ = load_detector().raw_scores(samples, ranges)
        np.testing.assert_allclose(found, expected, atol=0.02)


def test_work_of_many_sessions_stays_apart():
    detector = load_detector()
    clips = [decode(file).samples[:96_000] for file in EXAMPLES]
    ranges = [[(0, min(64_000, len(c))), (32_000, min(96_000, len(c)))] for c in clips]
    alone = [detector.raw_scores(c, r)[0] for c, r in zip(clips, ranges, strict=True)]
    with ThreadPoolExecutor(5) as crowd:
        found = list(crowd.map(lambda c, r: detector.raw_scores(c, r)[0], clips, ranges))
    np.testing.assert_array_equal(np.stack(found), np.stack(alone))


def test_the_embedded_detector_needs_no_torch():
    script = (
        "import sys\n"
        "from core import decode, load_detector\n"
        f"found = load_detector().detect(decode({str(EXAMPLES[0])!r}))\n"
        "assert found.llr is not None and found.familiarity is not None\n"
        "loaded = {'torch', 'transformers'} & set(sys.modules)\n"
        "assert not loaded, loaded\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize(
    ("architecture", "network"),
    [("spectral-transformer", SMALL), ("wav2vec2-mean", TINY_WAV2VEC2)],
)
def test_exported_engines_score_like_the_network(tmp_path, architecture, network):
    directory = model_directory(tmp_path, architecture, network)
    found = export_engines(directory, int8=True, clips=[noise()])
    assert found["onnx"]["largest"] < 1e-4
    assert 0 < found["int8"]["mean"] < 0.5
    samples = noise(seed=1)
    ranges = [(i * 32_000, min(i * 32_000 + 64_000, len(samples))) for i in range(4)]
    scores, vectors = load_directory(directory, "torch").raw_scores(samples, ranges)
    again, same = load_directory(directory).raw_scores(samples, ranges)
    np.testing.assert_allclose(again, scores, atol=1e-4)
    np.testing.assert_allclose(same, vectors, atol=1e-3)
    eighth = load_directory(directory, "int8")
    assert eighth.id == "small-int8" and eighth.weights_sha256 != sha256_of(
        directory / "model.safetensors"
    )
    assert eighth.caution is not None and load_directory(directory).caution is None
    np.testing.assert_allclose(eighth.raw_scores(samples, ranges)[0], scores, atol=1.0)
    config = json.loads((directory / "config.json").read_text())
    (directory / "config.json").write_text(json.dumps(config | {"default_engine": "int8"}))
    default, single = load_directory(directory), load_directory(directory, "onnx")
    assert (default.id, default.weights_sha256) == ("small", eighth.weights_sha256)
    assert default.caution is None and single.id == "small-fp32" and single.caution is not None


def test_export_refuses_a_graph_that_scores_differently(tmp_path, monkeypatch):
    directory = model_directory(tmp_path)
    plain = onnx_export._graphs

    def wrong(weights, config):
        graphs = plain(weights, config)
        nodes = graphs["encoder"].graph.node
        norm = next(n for n in nodes if n.op_type == "LayerNormalization")
        next(a for a in norm.attribute if a.name == "epsilon").f = 5.0
        return graphs

    monkeypatch.setattr(onnx_export, "_graphs", wrong)
    before = (directory / "config.json").read_text()
    with pytest.raises(ExportError, match="were not written"):
        export_engines(directory, clips=[noise()])
    assert (directory / "config.json").read_text() == before
    assert not list(directory.glob("**/*.onnx"))


class Killed(BaseException):
    pass


def test_an_export_that_is_interrupted_leaves_the_model_that_was_there(tmp_path, monkeypatch):
    directory = model_directory(tmp_path)
    export_engines(directory, clips=[noise()])
    before = load_directory(directory).raw_scores(noise(), [(0, 64_000)])[0]
    plain = onnx_export._graphs

    def others(weights, config):
        graphs = plain(weights, config)
        for graph in graphs.values():
            graph.producer_name = "a later version"
        return graphs

    def killed(*_):
        raise Killed

    monkeypatch.setattr(onnx_export, "_graphs", others)
    with monkeypatch.context() as late:
        late.setattr(onnx_export, "write_config", killed)
        with pytest.raises(Killed):
            export_engines(directory, clips=[noise()])
    after = load_directory(directory, "onnx").raw_scores(noise(), [(0, 64_000)])[0]
    np.testing.assert_array_equal(after, before)
    export_engines(directory, clips=[noise()])
    graphs = json.loads((directory / "config.json").read_text())["engines"]["onnx"]["graphs"]
    assert {g["file"] for g in graphs.values()} == {p.name for p in directory.glob("*.onnx")}
    assert "front.onnx" not in {g["file"] for g in graphs.values()}
    found = load_directory(directory, "onnx").raw_scores(noise(), [(0, 64_000)])[0]
    np.testing.assert_array_equal(found, before)


def test_changed_graphs_are_refused(tmp_path):
    directory = model_directory(tmp_path)
    export_engines(directory, clips=[noise()])
    model = onnx.load(directory / "encoder.onnx", load_external_data=False)
    model.producer_name = "someone else"
    (directory / "encoder.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(DetectorError, match=r"encoder\.onnx is not the file"):
        load_directory(directory)
    assert load_directory(directory, "torch").id == "small"


@pytest.mark.parametrize(
    ("name", "engine"),
    [
        ("embedded-int8", "torch"),
        ("embedded-fp32", "int8"),
        ("aasist", "onnx"),
        ("spectra-0-int8", "torch"),
        ("hub:a/b", "int8"),
        ("own.py:Own", "torch"),
        ("weights.pt", "onnx"),
    ],
)
def test_an_engine_that_does_not_run_a_detector_is_refused(name, engine, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "weights.pt").touch()
    with pytest.raises(DetectorError, match=f"leave out the engine '{engine}'"):
        load_detector(name, engine=engine, code=True)


def test_an_engine_does_not_hide_that_there_is_no_detector(tmp_path, monkeypatch):
    with pytest.raises(DetectorError, match="There is no detector 'nowhere'"):
        load_detector("nowhere", engine="onnx")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "aasist").mkdir()  # the name of a registered one means that
    with pytest.raises(DetectorError, match="leave out the engine 'onnx'"):
        load_detector("aasist", engine="onnx")


def test_engines_that_are_not_there_are_named(tmp_path, monkeypatch):
    directory = model_directory(tmp_path)
    assert load_directory(directory).engine.samples_per_frame == 320
    with pytest.raises(DetectorError, match="no engine called 'int8'; it has torch"):
        load_directory(directory, "int8")
    monkeypatch.setenv("SPOOFSCOPE_ENGINE", "onnx")
    with pytest.raises(DetectorError, match="no engine called 'onnx'"):
        load_directory(directory)


def test_graphs_hold_no_weights_of_their_own():
    config = json.loads((EMBEDDED / "config.json").read_text())
    for graph in config["engines"]["onnx"]["graphs"].values():
        assert (EMBEDDED / graph["file"]).stat().st_size < 300_000
    assert sum(f.stat().st_size for f in EMBEDDED.iterdir()) < 25e6


def test_levels_are_those_of_the_network():
    waves = np.stack([noise(1.0), 0.01 * noise(1.0, 1), np.zeros(16_000, np.float32)])
    waves[1, 8_000:] = 0
    np.testing.assert_allclose(levelled(waves), level(torch.from_numpy(waves)).numpy(), rtol=1e-6)


def test_damaged_graphs_say_so(tmp_path):
    directory = model_directory(tmp_path)
    export_engines(directory, clips=[noise()])
    (directory / "front.onnx").write_bytes(b"nothing")
    config = json.loads((directory / "config.json").read_text())
    config["engines"]["onnx"]["graphs"]["front"]["sha256"] = sha256_of(directory / "front.onnx")
    (directory / "config.json").write_text(json.dumps(config))
    with pytest.raises(DetectorError, match="ONNX Runtime cannot run"):
        load_directory(directory)
