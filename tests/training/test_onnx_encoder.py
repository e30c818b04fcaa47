"""Networks over an encoder in 8-bit integers, with small random weights."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from core.detect import registry
from core.detect.detector import DetectorError
from core.detect.eight_bit import GRAPH, SAYS, load_int8
from core.detect.networks import encoder
from core.detect.networks.over_encoder import HEADS
from core.detect.registry import ENTRIES, is_registered, load_detector
from core.evaluate.tables import load as load_table
from tests.detect.over_encoders import TINY, network, official
from tests.detect.test_aasist import noise
from training.commands import main
from training.onnx_encoder import eight_bit


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SPOOFSCOPE_MODELS", str(tmp_path / "models"))
    monkeypatch.setitem(encoder.HEADS, TINY["width"], 2)


@pytest.mark.parametrize("layered", [True, False])
@pytest.mark.parametrize("kind", HEADS)
def test_scores_are_those_of_the_network_in_single_precision_but_for_rounding(
    tmp_path, kind, layered
):
    made = network(kind, layered=layered)
    detector = load_int8(eight_bit(made, kind, "a" * 64, tmp_path / "int8"), "x", "X")
    waves = np.stack([noise(64_600), noise(64_600) * 0.3])
    with torch.inference_mode():
        expected = made(torch.from_numpy(waves))[0].numpy()
    found, embeddings = detector.engine.windows(waves)
    chances = [1 / (1 + np.exp(-raw)) for raw in (expected, found)]
    assert np.abs(chances[0] - chances[1]).max() < 0.02
    assert len(embeddings) == 2 and (found != expected).any()
    alone = [detector.engine.windows(wave[None])[0][0] for wave in waves]
    assert alone == pytest.approx(found, abs=1e-6)  # no window depends on its neighbour


def test_a_registered_detector_runs_in_8_bit_under_a_name_and_a_hash_of_its_own(
    tmp_path, monkeypatch, capsys
):
    above, below = official("spectra-0", network("spectra-0"), "transformers")
    file = tmp_path / "models" / "spectra-0" / "model.safetensors"
    file.parent.mkdir(parents=True)
    save_file({k: v.contiguous() for k, v in (above | below).items()}, file)
    entry = dataclasses.replace(ENTRIES["spectra-0"], bytes=file.stat().st_size)
    monkeypatch.setitem(registry.ENTRIES, entry.id, entry)
    with pytest.raises(DetectorError, match="python -m training quantise spectra-0"):
        load_detector("spectra-0", engine="int8")
    assert main(["quantise", "spectra-0"]) == 0
    assert "spectra-0-int8" in capsys.readouterr().out
    single, small = load_detector("spectra-0"), load_detector("spectra-0", engine="int8")
    assert (small.id, small.name) == ("spectra-0-int8", "Spectra-0, 8-bit")
    assert load_detector("spectra-0-int8").weights_sha256 == small.weights_sha256
    assert is_registered("spectra-0-int8") and not is_registered("aasist-int8")
    assert single.weights_sha256 != small.weights_sha256 and small.feed == single.feed
    folder = file.parent / "int8"
    (folder / GRAPH).write_bytes(b"other")
    with pytest.raises(DetectorError, match="not the file this detector was published with"):
        load_detector("spectra-0-int8")
    (folder / SAYS).write_text(json.dumps({"format": "x"}))
    with pytest.raises(DetectorError, match="is damaged"):
        load_detector("spectra-0-int8")
    assert main(["quantise", "embedded"]) == 2


def test_the_document_says_what_was_measured():
    rows = load_table("encoder_speed")
    document = (Path(__file__).resolve().parents[2] / "docs" / "detectors.md").read_text("utf-8")
    for row in rows.itertuples():
        first = f"| {row.encoder} | {row.parameters:,} | {row.ratio:.2f} |"
        rest = f" {row.largest_difference:g} | {row.peak_mb} MB | {row.file_mb} MB |"
        assert first + rest in document
        assert f"{row.plain_s:.2f} and {row.int8_s:.2f} s" in document
    large = rows.set_index("encoder").loc["XLS-R 300M"]
    assert large["ratio"] >= 2.5 and large["largest_difference"] <= 0.02
    assert large["peak_mb"] < 1_200 and large["weights"] == "random"
