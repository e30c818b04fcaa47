"""The published network and its checkpoint format, on random weights."""

import json

import numpy as np
import pytest
import torch

from core.audio.clip import SAMPLE_RATE
from core.audio.windows import window_ranges
from core.detect.detector import DetectorError
from core.detect.networks.classes import class_indices
from core.detect.networks.wav2vec2 import ANCHOR, MeanPooledWav2Vec2, with_weights
from core.detect.registry import load_checkpoint, load_detector

TINY = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 48,
    "conv_dim": [16] * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}


@pytest.fixture
def model():
    torch.manual_seed(7)
    return MeanPooledWav2Vec2(TINY).eval()


@pytest.fixture
def checkpoint(model, tmp_path):
    """A file in the published form: weights among optimizer state and other training state."""
    path = tmp_path / "stage2_best.pt"
    optimizer = torch.optim.AdamW(model.parameters())
    torch.save(
        {
            "model_state_dict": model.state_dict(),
            "optimizer_state_dict": optimizer.state_dict(),
            "epoch": 9,
            "best_eer": 0.5,
            "config": {"lr": 1e-5},
        },
        path,
    )
    return path


def waves(count=3):
    rng = np.random.default_rng(1)
    return torch.from_numpy(rng.normal(0, 0.1, (count, 64_000)).astype(np.float32))


def test_network_is_the_mean_of_hidden_states_and_a_linear_head(model):
    x = waves()
    with torch.inference_mode():
        raw, embedding = model(x)
        hidden = model.backbone(x).last_hidden_state
        logits = model.classifier(hidden.mean(dim=1))
    torch.testing.assert_close(raw, logits[:, 1] - logits[:, 0])
    assert embedding.shape == (3, 32)


def test_published_parameter_count():
    with torch.device("meta"):
        full = MeanPooledWav2Vec2()
    assert sum(p.numel() for p in full.parameters()) == 94_373_250


def test_checkpoint_gives_the_outputs_of_a_plain_forward_pass(model, checkpoint):
    detector = load_checkpoint(checkpoint, "published", "Published", TINY)
    samples = np.random.default_rng(2).normal(0, 0.1, 150_000).astype(np.float32)
    ranges = window_ranges(len(samples))
    raw, _ = detector.raw_scores(samples, ranges)
    with torch.inference_mode():
        for (start, end), score in zip(ranges, raw, strict=True):
            window = torch.zeros(1, 64_000)
            window[0, : end - start] = torch.from_numpy(samples[start:end])
            expected, _ = model(window)
            assert score == pytest.approx(float(expected[0]), abs=1e-5)
    assert detector.calibration is None


@pytest.mark.parametrize("names", ["old", "new"])
def test_checkpoint_of_another_torch_version_loads(model, names):
    old = ("conv.weight_g", "conv.weight_v")
    new = ("conv.parametrizations.weight.original0", "conv.parametrizations.weight.original1")
    state = {}
    for key, value in model.state_dict().items():
        for before, after in zip(new, old, strict=True):
            if names == "old" and key.endswith(before):
                key = key.removesuffix(before) + after
        state[key] = value
    loaded = with_weights(state, TINY)
    x = waves(1)
    with torch.inference_mode():
        torch.testing.assert_close(loaded(x)[0], model(x)[0])


class Evil:
    def __reduce__(self):
        import os

        return os.system, ("touch pwned",)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"not a checkpoint", "cannot be read safely|not a checkpoint"),
        (Evil(), "holds more than weights|not a checkpoint"),
        ({"weights": {}}, "no named tensors"),
        ({"model_state_dict": {"backbone.x": torch.zeros(1)}}, "tensors of another kind"),
        ({ANCHOR: torch.zeros(1)}, "do not fit wav2vec2-base"),
    ],
)
def test_bad_checkpoints_are_refused_with_a_sentence(tmp_path, content, says, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "bad.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(DetectorError, match=says):
        load_checkpoint(path, "bad", "Bad", TINY)
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({0: "bonafide", 1: "spoof"}, ([0], [1])),
        ({0: "Fake", 1: "Real"}, ([1], [0])),
        ({0: "AI-voice", 1: "Human"}, ([1], [0])),
        ({0: "bona fide", 1: "deepfake", 2: "synthetic"}, ([0], [1, 2])),
    ],
)
def test_class_names_are_understood(names, expected):
    assert class_indices(names) == expected


def test_unknown_class_names_are_asked_for():
    names = {0: "LABEL_0", 1: "LABEL_1"}
    with pytest.raises(ValueError, match="LABEL_0"):
        class_indices(names)
    assert class_indices(names, {"LABEL_0": "spoof", "LABEL_1": "bonafide"}) == ([1], [0])


@pytest.fixture
def classifier_directory(tmp_path):
    from transformers import Wav2Vec2Config, Wav2Vec2ForSequenceClassification

    torch.manual_seed(3)
    config = Wav2Vec2Config(
        **TINY, id2label={0: "fake", 1: "real"}, label2id={"fake": 0, "real": 1}
    )
    model = Wav2Vec2ForSequenceClassification(config).eval()
    model.save_pretrained(tmp_path / "classifier")
    return tmp_path / "classifier", model


def test_directory_with_a_transformers_classifier(classifier_directory):
    directory, model = classifier_directory
    detector = load_detector(directory)
    samples = np.random.default_rng(2).normal(0, 0.1, 4 * SAMPLE_RATE).astype(np.float32)
    raw, _ = detector.raw_scores(samples, [(0, 64_000)])
    with torch.inference_mode():
        logits = model(torch.from_numpy(samples)[None]).logits[0]
    assert raw[0] == pytest.approx(float(logits[0] - logits[1]), abs=1e-5)


def test_feature_extractor_of_a_classifier_is_applied(classifier_directory):
    from transformers import Wav2Vec2FeatureExtractor

    directory, model = classifier_directory
    Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(directory)
    detector = load_detector(directory)
    samples = np.random.default_rng(2).normal(0.2, 0.05, 64_000).astype(np.float32)
    raw, _ = detector.raw_scores(samples, [(0, 64_000)])
    normal = (samples - samples.mean()) / np.sqrt(samples.var() + 1e-7)
    with torch.inference_mode():
        logits = model(torch.from_numpy(normal)[None]).logits[0]
    assert raw[0] == pytest.approx(float(logits[0] - logits[1]), abs=1e-4)


def test_classifier_with_unreadable_classes_asks_for_labels(classifier_directory):
    directory, _ = classifier_directory
    config = json.loads((directory / "config.json").read_text())
    config["id2label"] = {"0": "LABEL_0", "1": "LABEL_1"}
    config["label2id"] = {"LABEL_0": 0, "LABEL_1": 1}
    (directory / "config.json").write_text(json.dumps(config))
    with pytest.raises(DetectorError, match="Say which is which"):
        load_detector(directory)
    detector = load_detector(directory, labels={"LABEL_0": "fake", "LABEL_1": "real"})
    assert detector.raw_scores(np.ones(64_000, np.float32), [(0, 64_000)])[0].shape == (1,)


def test_directory_without_a_model(tmp_path):
    with pytest.raises(DetectorError, match="No audio classifier"):
        load_detector(tmp_path)


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100])
def test_a_classifier_of_another_rate_says_its_rate(classifier_directory, rate):
    directory, _ = classifier_directory
    (directory / "preprocessor_config.json").write_text(
        json.dumps({"feature_extractor_type": "Wav2Vec2FeatureExtractor", "sampling_rate": rate})
    )
    with pytest.raises(DetectorError, match=f"made for sound at {rate} Hz"):
        load_detector(directory)
