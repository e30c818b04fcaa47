"""Shorter windows than a detector's own: the same scores as if they were scored by themselves."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.audio.clip import SAMPLE_RATE
from core.audio.windows import window_ranges
from core.detect.calibration import Calibration
from core.detect.consistency import problem_of
from core.detect.detection import SEAL, Detection, Trace, seal
from core.detect.detector import Detector
from core.detect.finer import Blend, Finding, Grid
from core.detect.model_config import DetectorError
from core.detect.model_directory import load_directory
from core.detect.networks import LEVEL, build
from core.detect.outlier import Excess
from core.detect.part_sound import sounding
from core.detect.registry import EMBEDDED
from core.detect.saved import SavedError, open_saved
from tests.detect.test_detector import SMALL, clip_of, speech_everywhere

GRID = Grid(32_000, 8_000)
CALIBRATION = Calibration(1.0, 0.0, 12.0, "by hand")


def small(finding: Finding | None = None, share: float | None = None) -> Detector:
    torch.manual_seed(0)
    network = build("spectral-transformer", SMALL)
    finding = finding or Finding(GRID, Excess(2.0, 5.0, 0.0))
    blend = None if share is None else Blend(GRID, share)
    return Detector("small", "Small", network, "0" * 64, CALIBRATION, finding=finding, blend=blend)


def sound(seconds: float) -> np.ndarray:
    n = round(seconds * SAMPLE_RATE)
    return np.random.default_rng(0).normal(0, 0.1, n).astype(np.float32)


@settings(max_examples=12, deadline=None)
@given(n=st.integers(70_000, 300_000), hop_s=st.sampled_from([None, 0.3, 0.5, 0.7, 1.0]))
def test_every_shorter_window_is_scored_as_by_itself(n, hop_s):
    made = small()
    with pytest.MonkeyPatch.context() as patch:
        speech_everywhere(patch)
        found = made.detect(clip_of(sound(n / SAMPLE_RATE)), hop_s=hop_s)
    gain = np.float32(LEVEL / np.sqrt(np.mean(np.square(sound(n / SAMPLE_RATE), dtype=float))))
    whole = sound(n / SAMPLE_RATE) * gain
    padded = np.pad(whole, (0, 400_000 - n))  # the front end sees what follows a window too
    frames = made.engine.front(padded[: n // 320 * 320 + 3_200])
    assert len(found.trace.llrs) == (n - 32_000) // 8_000 + 1
    for i, llr in enumerate(found.trace.llrs):
        own, _ = made.engine.encode(frames[None, 25 * i : 25 * i + 100])
        assert llr == pytest.approx(float(own[0]), abs=1e-4)
    assert found.windows == replace(found, trace=None).windows
    assert not problem_of(found)


@settings(max_examples=10, deadline=None)
@given(n=st.integers(20_000, 300_000), hop_s=st.sampled_from([2.0, 1.0, 0.7]), find=st.booleans())
def test_a_windows_score_counts_the_shorter_ones_within_it(n, hop_s, find):
    samples, hop = sound(n / SAMPLE_RATE), round(hop_s * SAMPLE_RATE)
    ranges = window_ranges(n, 64_000, hop)
    clip = clip_of(samples)
    own, short, both = (small(share=share) for share in (0.0, 1.0, 0.25))
    with pytest.MonkeyPatch.context() as patch:
        speech_everywhere(patch)
        whole, shorter, mixed = (d.listen(clip, hop_s=hop_s, find=find) for d in (own, short, both))
    np.testing.assert_allclose(whole.raw, small().raw_scores(samples, ranges)[0], atol=1e-4)
    np.testing.assert_allclose(mixed.raw, 0.75 * whole.raw + 0.25 * shorter.raw, atol=1e-5)
    starts = range(0, min(64_000, n) - 32_000 + 1, 8_000)  # those within the first window
    if not starts:
        assert shorter.raw[0] == whole.raw[0]
        return
    gain = LEVEL / np.sqrt(np.mean(np.square(samples[: ranges[-1][1]], dtype=float)))
    wave = np.pad(samples * np.float32(gain), (0, 400_000 - n))
    frames = both.engine.front(wave[: n // 320 * 320 + 67_200])
    cuts = np.stack([frames[start // 320 : start // 320 + 100] for start in starts])
    assert shorter.raw[0] == pytest.approx(both.engine.encode(cuts)[0].mean(), abs=1e-4)


@pytest.mark.parametrize("hop_s", [2.001, 0.333])
def test_a_hop_that_is_no_whole_number_of_frames_leaves_no_shorter_window_out(monkeypatch, hop_s):
    speech_everywhere(monkeypatch)
    clip = clip_of(sound(20.0))
    found = small(share=0.5).detect(clip, hop_s=hop_s)
    assert None not in found.trace.llrs


def test_a_window_by_itself_is_scored_as_a_clip_of_its_own():
    made, samples = small(share=0.5), sound(4.0)
    alone = made.raw_scores(samples, [(0, 64_000)])[0]
    assert alone == pytest.approx(made.raw_scores(np.pad(samples, (0, 8)), [(0, 64_000)])[0], 1e-5)
    assert alone != pytest.approx(small().raw_scores(samples, [(0, 64_000)])[0], abs=1e-6)


def test_an_engine_without_frames_judges_by_its_own_windows_alone(monkeypatch):
    speech_everywhere(monkeypatch)
    made = small()
    made.engine.samples_per_frame = 0
    found = made.detect(clip_of(sound(20.0)))
    assert found.trace is None and found.llr is not None


def test_only_a_judgement_pays_for_shorter_windows(monkeypatch):
    speech_everywhere(monkeypatch)
    made, clip = small(), clip_of(sound(20.0))
    bare, whole = made.listen(clip), made.listen(clip, find=True)
    assert bare.finer is None and whole.finer.raw
    np.testing.assert_array_equal(bare.raw, whole.raw)


def test_a_window_without_speech_or_without_sound_in_the_file_has_no_score(monkeypatch):
    speech_everywhere(monkeypatch, [(0.0, 6.0), (14.0, 20.0)])
    clip = clip_of(sound(20.0))
    clip = replace(clip, source=replace(clip.source, missing=((2.0, 4.0),)))
    found = small().detect(clip)
    there = [0.5 * i for i, llr in enumerate(found.trace.llrs) if llr is not None]
    scored = [w for w in found.windows if w.llr is not None]
    due = [
        t
        for t in np.arange(0, 18.5, 0.5)
        if any(w.start_s <= t and t + 2 <= w.end_s for w in scored)
        and (t <= 5.5 or t >= 12.5)
        and not clip.source.lacks(t, t + 2)
    ]
    assert there == due and 4.0 in due and 18.0 in due and 6.5 not in due


def test_stretches_follow_from_the_shorter_windows_and_no_file_can_say_otherwise(monkeypatch):
    speech_everywhere(monkeypatch)
    made = small()
    found = made.detect(clip_of(sound(54.0)))
    llrs = np.random.default_rng(0).normal(-2.0, 0.5, len(found.trace.llrs))
    llrs[60:66] += 6.0
    found = replace(found, trace=replace(found.trace, llrs=tuple(llrs.tolist())))
    stands_out = sounding(clip_of(sound(54.0)), made.stretches_in(found), found.quality.speech)
    found = replace(found, stands_out=stands_out)
    (stretch,) = found.stands_out
    assert (stretch.start_s, stretch.end_s) == (30.75, 33.75)
    assert Detection.from_dict(found.to_dict()) == found
    data = found.to_dict()

    def opened(changed):
        changed = {**changed, SEAL: seal(changed)}
        return open_saved(json.dumps(changed).encode(), lambda _: made)[0].detection

    assert opened(data) == found
    for wrong in (
        {"stands_out": []},
        {"trace": {**data["trace"], "llrs": data["trace"]["llrs"][:-1]}},
        {"trace": {**data["trace"], "llrs": [99.0] * len(data["trace"]["llrs"])}},
        {"trace": {**data["trace"], "hop_s": 0.0}},
        {"trace": {**data["trace"], "window_s": "2"}},
        {"trace": []},
        {"trace": {"llrs": 5}},
    ):
        with pytest.raises(SavedError, match="damaged"):
            opened({**data, **wrong})


def test_shorter_windows_that_were_left_out_are_missed(monkeypatch):
    speech_everywhere(monkeypatch, [(0.0, 20.0), (26.0, 54.0)])
    made = small()
    clip = clip_of(sound(54.0))
    for source in (clip.source, replace(clip.source, missing=((30.0, 34.5),))):
        found = made.detect(replace(clip, source=source))
        found = replace(found, stands_out=(), trace=replace(found.trace, llrs=tuple(
            None if llr is None else 0.0 for llr in found.trace.llrs
        )))  # fmt: skip
        llrs = found.trace.llrs
        cut = llrs.index(None) - 1
        for trace, doubted in [
            (found.trace, False),
            (None, True),
            (replace(found.trace, llrs=(None,) * len(llrs)), True),
            (replace(found.trace, llrs=(*llrs[:cut], None, *llrs[cut + 1 :])), True),
            (replace(found.trace, llrs=(0.0,) * len(llrs)), True),
            (Trace(1.0, 0.5, (0.0,) * 107), True),
        ]:
            data = replace(found, trace=trace).to_dict()
            (saved,) = open_saved(json.dumps(data).encode(), lambda _: made)
            assert any("shorter windows" in doubt for doubt in saved.doubts) == doubted


def test_a_clip_of_one_window_has_no_shorter_ones(monkeypatch):
    speech_everywhere(monkeypatch)
    assert small().detect(clip_of(sound(3.0))).trace is None


def test_a_trace_gives_its_windows():
    first, second = Trace(2.0, 0.5, (1.0, None)).windows
    assert (first.start_s, first.end_s, first.llr) == (0.0, 2.0, 1.0)
    assert (second.start_s, second.end_s, second.llr) == (0.5, 2.5, None)


def test_the_shipped_graphs_take_the_shorter_windows_that_its_configuration_names():
    exact, graphs, small = (load_directory(EMBEDDED, e) for e in ("torch", "onnx", "int8"))
    assert small.finding is not None and exact.finding.rule == small.finding.rule
    size = small.finding.grid.window // small.engine.samples_per_frame
    frames = small.engine.front(0.05 * np.sign(sound(2.0)))[None, :size]
    due = exact.engine.encode(frames)[0]
    assert graphs.engine.encode(frames)[0] == pytest.approx(due, abs=1e-3)
    assert small.engine.encode(frames)[0] == pytest.approx(due, abs=1.0)


@pytest.mark.parametrize(
    "wrong",
    [{"window": 0}, {"window": 64_001}, {"hop": 16_001}, {"score": "9"}, {"shift": -1.0},
     {"growth": float("nan")}, {"fitted_on": 3}, {"more": 1}],
)  # fmt: skip
def test_a_damaged_rule_of_a_model_is_refused(tmp_path, wrong):
    config = json.loads((EMBEDDED / "config.json").read_text())
    config["stands_out"] |= wrong
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(DetectorError, match="stretches that stand out is damaged"):
        load_directory(tmp_path)


@pytest.mark.parametrize(
    "wrong",
    [
        {"share": 1.5},
        {"share": "half"},
        {"window": 32_000},  # those that find stretches are others
        {"hop": 0},
        {"more": 1},
    ],
)
def test_a_damaged_blend_of_a_model_is_refused(tmp_path, wrong):
    config = json.loads((EMBEDDED / "config.json").read_text())
    config["shorter"] = {"window": 16_000, "hop": 8_000, "share": 0.5} | wrong
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(DetectorError, match="shorter windows count for is damaged"):
        load_directory(tmp_path)
