"""From a clip to a verdict, with a tiny network and known speech."""

import dataclasses
import hashlib
import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

import core.audio.quality as audio_quality
import core.detect.scoring
from core.audio.clip import SAMPLE_RATE, Clip, Source
from core.audio.quality import Quality
from core.detect.calibration import Calibration, logit, posterior
from core.detect.decision import EVEN, Stance
from core.detect.detection import SCHEMA, Detection, Familiarity
from core.detect.detector import Decision, Detector, DetectorError
from core.detect.model_directory import load_directory
from core.detect.networks import build
from core.detect.scoring import _common_gain

SMALL = {"channels": [4, 4, 4, 4, 8, 8], "dim": 8, "heads": 2, "layers": 1, "feedforward": 16}


class Level(torch.nn.Module):
    """Raw score = mean of the window's samples: known answers for everything after the network."""

    def forward(self, waves):
        mean = waves.mean(dim=1)
        return mean, torch.stack([mean, torch.ones_like(mean)], dim=1)


def clip_of(samples):
    samples = np.asarray(samples, np.float32)
    source = Source("a.wav", "wav", "pcm_s16le", SAMPLE_RATE, 1, len(samples) / SAMPLE_RATE,
                    "0" * 64, "samples")  # fmt: skip
    return Clip(samples, source)


def speech_everywhere(monkeypatch, spans=None):
    def measure(clip):
        found = ((0.0, clip.duration_s),) if spans is None else tuple(spans)
        return Quality(
            duration_s=clip.duration_s,
            speech_s=sum(end - start for start, end in found),
            speech=found,
            level_dbfs=-20.0,
            peak=0.5,
            clipped_share=0.0,
            zero_share=0.0,
            bandwidth_hz=8000.0,
        )

    monkeypatch.setattr(audio_quality, "measure", measure)


def detector(**options):
    defaults = {"calibration": Calibration(2.0, -0.5, 6.0, "known numbers")}
    return Detector("known", "Known", Level(), "0" * 64, **{**defaults, **options})


def test_clip_score_is_the_calibrated_mean_over_windows(monkeypatch):
    speech_everywhere(monkeypatch)
    samples = np.concatenate([np.full(64_000, 1.0), np.full(32_000, 2.0)])
    found = detector().detect(clip_of(samples))
    assert [w.llr for w in found.windows] == pytest.approx([2 * 1.0 - 0.5, 2 * 1.5 - 0.5])
    assert found.llr == pytest.approx(2 * 1.25 - 0.5)
    assert found.p_spoof == pytest.approx(1 / (1 + math.exp(-2.0)))
    assert found.verdict == "synthetic"
    assert [(w.start_s, w.end_s) for w in found.windows] == [(0.0, 4.0), (2.0, 6.0)]


def test_windows_without_speech_have_no_score_and_no_weight(monkeypatch):
    speech_everywhere(monkeypatch, [(0.0, 3.0)])
    samples = np.concatenate([np.full(64_000, 1.0), np.full(160_000, 9.0)])
    found = detector().detect(clip_of(samples))
    assert found.windows[0].llr == pytest.approx(1.5)
    assert found.windows[-1].llr is None
    assert found.windows[-1].p_spoof is None
    assert found.windows[-1].speech_s == 0.0


def test_no_speech_is_not_judged_and_the_network_never_runs(monkeypatch):
    speech_everywhere(monkeypatch, [])
    spy = detector()
    monkeypatch.setattr(spy, "raw_scores", lambda *_: pytest.fail("the network ran"))
    found = spy.detect(clip_of(np.full(80_000, 0.3)))
    assert found.verdict == "not judged"
    assert found.llr is None and found.p_spoof is None and found.familiarity is None
    assert all(w.llr is None for w in found.windows)
    assert "no_speech" in {r.code for r in found.reasons}


@pytest.mark.parametrize("level", [50.0, -50.0])
def test_probability_never_saturates(monkeypatch, level):
    speech_everywhere(monkeypatch)
    found = detector().detect(clip_of(np.full(64_000, level)))
    assert abs(found.llr) == 6.0
    assert 0.0 < found.p_spoof < 1.0
    assert round(100 * found.p_spoof, 1) not in (0.0, 100.0)


def test_band_around_the_threshold_is_inconclusive(monkeypatch):
    speech_everywhere(monkeypatch)
    banded = detector(decision=Decision((-1.0, 1.0)))
    found = banded.detect(clip_of(np.full(64_000, 0.5)))
    assert found.llr == pytest.approx(0.5)
    assert found.verdict == "inconclusive"
    assert [r.code for r in found.reasons] == ["near_threshold"]
    moved = banded.with_stance(found, Stance(0.9))
    assert moved.verdict == "synthetic"
    assert moved.reasons == ()
    assert moved.p_spoof == pytest.approx(posterior(0.5, 0.9))
    assert banded.with_stance(moved, EVEN) == found
    dear = banded.with_stance(found, Stance(cost_false_accusation=1000.0))
    assert (dear.verdict, dear.p_spoof, dear.llr) == ("authentic", found.p_spoof, found.llr)
    assert Detection.from_dict(dear.to_dict()) == dear
    first = dear.to_dict() | {"schema": "spoofscope.detection/1", "prior": 0.5}
    del first["stance"]
    assert Detection.from_dict(first | {"c_miss": 1.0, "c_fa": 1000.0}) == dear
    assert Detection.from_dict(first).stance == EVEN  # made before costs could be stated


def test_unfamiliar_clip_is_inconclusive(monkeypatch):
    speech_everywhere(monkeypatch)
    far = detector(familiarity=lambda e: Familiarity(float(e[0]), 99.9, "unfamiliar"))
    found = far.detect(clip_of(np.full(64_000, 2.0)))
    assert found.verdict == "inconclusive"
    assert found.familiarity.distance == pytest.approx(2.0)
    assert "unfamiliar" in {r.code for r in found.reasons}


@pytest.mark.parametrize("needs", [True, False])
def test_telephone_sound_is_inconclusive_where_the_detector_needs_more(monkeypatch, needs):
    speech_everywhere(monkeypatch)
    plain = audio_quality.measure
    narrow = lambda clip: dataclasses.replace(plain(clip), bandwidth_hz=3400.0)  # noqa: E731
    monkeypatch.setattr(audio_quality, "measure", narrow)
    found = detector(decision=Decision(needs_wide_band=needs)).detect(clip_of(np.full(64_000, 2.0)))
    assert "narrow_band" in {r.code for r in found.reasons}
    assert found.verdict == ("inconclusive" if needs else "synthetic")
    assert ("needs_wide_band" in {r.code for r in found.reasons}) == needs


def test_uncalibrated_scores_are_called_so(monkeypatch):
    speech_everywhere(monkeypatch)
    found = detector(calibration=None).detect(clip_of(np.full(64_000, 2.0)))
    assert not found.calibrated
    assert found.llr == pytest.approx(2.0)
    assert {r.code: r.effect for r in found.reasons} == {"uncalibrated": "caution"}
    assert found.verdict == "synthetic"


def test_finer_hop_gives_more_windows(monkeypatch):
    speech_everywhere(monkeypatch)
    clip = clip_of(np.ones(10 * SAMPLE_RATE))
    assert len(detector().detect(clip).windows) == 4
    assert len(detector().detect(clip, hop_s=0.5).windows) == 13


@pytest.mark.parametrize("hop", [0.0, -1.0, 4.1, 0.01, np.nan, np.inf])
def test_hop_out_of_range_is_refused(monkeypatch, hop):
    speech_everywhere(monkeypatch)
    with pytest.raises(ValueError, match="hop must be between"):
        detector().detect(clip_of(np.ones(64_000)), hop_s=hop)


def test_results_do_not_depend_on_batch_size_and_are_deterministic():
    torch.manual_seed(0)
    small = Detector("small", "Small", build("spectral-transformer", SMALL), "0" * 64)
    samples = np.random.default_rng(0).normal(0, 0.1, 300_000).astype(np.float32)
    ranges = [(i * 16_000, min(i * 16_000 + 64_000, 300_000)) for i in range(15)]
    one, _ = small.raw_scores(samples, ranges, batch=1)
    again, _ = small.raw_scores(samples, ranges, batch=1)
    np.testing.assert_array_equal(one, again)
    for batch in (2, 7, 15):
        np.testing.assert_allclose(
            small.raw_scores(samples, ranges, batch=batch)[0], one, atol=1e-5
        )


def test_overlapping_windows_share_features_exactly(monkeypatch):
    """Features of a window do not depend on how windows were grouped, gaps included."""
    torch.manual_seed(0)
    network = build("spectral-transformer", SMALL).eval()
    small = Detector("small", "Small", network, "0" * 64)
    samples = np.random.default_rng(0).normal(0, 0.1, 500_000).astype(np.float32)
    starts = [0, 160, 8_000, 16_000, 200_000, 232_000, 448_000]
    ranges = [(start, min(start + 64_000, 500_000)) for start in starts]
    padded = np.zeros(512_000 + 3_200, np.float32)
    padded[:500_000] = samples
    gain = np.float32(_common_gain(samples, ranges))
    seen = []
    for stretch in (64_000, 100_000):
        monkeypatch.setattr(core.detect.scoring, "STRETCH", stretch)
        for part, _, features in small._scorer._batches(samples, ranges, 2):
            for i, row in zip(part, features(), strict=True):
                phase = starts[i] % 320
                at = starts[i] // 320
                whole = small.engine.front(padded[phase:] * gain)
                np.testing.assert_allclose(row, whole[at : at + 200], rtol=1e-4, atol=1e-5)
                seen.append(i)
        assert sorted(seen) == list(range(len(ranges)))
        seen.clear()


def test_progress_reaches_the_end(monkeypatch):
    speech_everywhere(monkeypatch)
    shares = []
    detector().detect(clip_of(np.ones(60 * SAMPLE_RATE)), progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_detection_survives_json(monkeypatch):
    speech_everywhere(monkeypatch)
    found = detector(familiarity=lambda e: Familiarity(1.0, 40.0, "familiar")).detect(
        clip_of(np.full(100_000, 0.7))
    )
    data = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert data["schema"] == SCHEMA
    assert {"llr", "verdict", "reasons", "windows"} <= set(data)
    assert Detection.from_dict(data) == found


@pytest.mark.parametrize(
    "data",
    [
        {},
        [],
        {"schema": "other/1"},
        {"schema": SCHEMA},
        {"schema": SCHEMA, "detector": 1, "evil": 2},
    ],
)
def test_damaged_detections_are_refused(data):
    with pytest.raises(ValueError, match="saved detection"):
        Detection.from_dict(data)


@given(st.floats(-30, 30), st.floats(0.001, 0.999))
def test_posterior_is_bayes_rule(llr, prior):
    p = posterior(llr, prior)
    assert 0.0 < p < 1.0 or abs(llr) > 25
    if 1e-9 < p < 1 - 1e-9:
        assert logit(p) == pytest.approx(llr + logit(prior), abs=1e-5)


@pytest.fixture
def directory(tmp_path):
    torch.manual_seed(0)
    save_file(build("spectral-transformer", SMALL).state_dict(), tmp_path / "model.safetensors")
    digest = hashlib.sha256((tmp_path / "model.safetensors").read_bytes()).hexdigest()
    config = {
        "format": "spoofscope.model/1",
        "id": "small",
        "name": "Small",
        "architecture": "spectral-transformer",
        "network": SMALL,
        "window": 64_000,
        "hop": 32_000,
        "weights": {"file": "model.safetensors", "sha256": digest},
        "calibration": None,
        "decision": {"inconclusive_llr": [-0.5, 0.5]},
        "familiarity": None,
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    return tmp_path


def edit(directory, **changes):
    path = directory / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_model_directory_loads(directory):
    loaded = load_directory(directory)
    assert loaded.id == "small"
    assert loaded.decision.inconclusive_llr == (-0.5, 0.5)
    assert loaded.raw_scores(np.ones(64_000, np.float32), [(0, 64_000)])[0].shape == (1,)


def test_changed_weights_are_refused(directory):
    with (directory / "model.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x01")
    with pytest.raises(DetectorError, match="not the file this detector was published with"):
        load_directory(directory)


def test_missing_weights_are_named(directory):
    (directory / "model.safetensors").unlink()
    with pytest.raises(DetectorError, match=r"model\.safetensors is missing"):
        load_directory(directory)


def test_weights_never_come_from_outside_the_directory(directory):
    edit(directory, weights={"file": "../../etc/passwd", "sha256": "0" * 64})
    with pytest.raises(DetectorError, match="passwd is missing"):
        load_directory(directory)


@pytest.mark.parametrize(
    "changes",
    [{"architecture": "unknown"}, {"network": {**SMALL, "dim": 16}}, {"network": {"x": 1}}],
)
def test_configuration_that_does_not_fit_is_refused(directory, changes):
    edit(directory, **changes)
    with pytest.raises(DetectorError, match="does not fit"):
        load_directory(directory)


@pytest.mark.parametrize("text", ["", "[]", "{}", "{broken"])
def test_configuration_of_another_format_is_refused(directory, text):
    (directory / "config.json").write_text(text)
    with pytest.raises(DetectorError, match=r"config\.json"):
        load_directory(directory)
