"""What holds a window against the rest of its clip: the same as PyTorch's, and its runs."""

import itertools
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from core.detect.contrast import Contrast, features, load, runs_above
from core.detect.decision import EVEN, Decision
from core.detect.detection import IN_PART, SEAL, Detection, Trace, seal
from core.detect.finer import Finding
from core.detect.model_config import DetectorError
from core.detect.model_directory import load_directory
from core.detect.outlier import Excess
from core.detect.registry import EMBEDDED
from core.detect.saved import SavedError, open_saved
from core.detect.weights import sha256_of
from tests.detect.test_detector import clip_of, speech_everywhere
from tests.detect.test_finer import GRID, small, sound


def made(d: int = 16, k: int = 3, members: int = 2, seed: int = 0) -> Contrast:
    rng = np.random.default_rng(seed)
    sizes = [(5, 4 + k, 5), (6, 5, 3), (1, 6, 1)]
    layers = tuple(
        (rng.normal(size=(members, *size)).astype(np.float32),
         rng.normal(size=(members, size[0])).astype(np.float32))
        for size in sizes
    )  # fmt: skip
    arrays = (rng.normal(size=size).astype(np.float32) for size in [(d,), (d, k), (members,)])
    mean, project, own = arrays
    return Contrast(mean, project, layers, own, run=3, least=0.5, beyond=5.0)


def test_scores_are_those_of_pytorch_whatever_the_length():
    contrast, rng = made(), np.random.default_rng(1)
    for n in (1, 2, 24, 100):
        llrs, reduced = rng.normal(size=n), contrast.reduced(rng.normal(size=(n, 16)))
        given = torch.from_numpy(features(llrs, reduced))
        due = np.zeros(n)
        for m, own in enumerate(contrast.own):
            x = given[None]
            for i, (weight, bias) in enumerate(contrast.layers):
                w, b = torch.from_numpy(weight[m]), torch.from_numpy(bias[m])
                x = torch.conv1d(x, w, b, padding=w.shape[2] // 2)
                x = x.relu() if i < 2 else x
            due += (x[0, 0] + own * 3.0 * given[1]).numpy() / len(contrast.own)
        np.testing.assert_allclose(contrast.scores(llrs, reduced), due, rtol=1e-4, atol=1e-4)


def test_what_is_the_same_all_through_a_clip_is_taken_off_embeddings():
    rng = np.random.default_rng(2)
    llrs, reduced = rng.normal(size=40), rng.normal(size=(40, 3))
    away = features(llrs, reduced + np.array([5.0, -7.0, 1.0]))
    np.testing.assert_allclose(away, features(llrs, reduced), atol=1e-5)
    shifted = features(llrs + 2.0, reduced)
    np.testing.assert_allclose(shifted[1], features(llrs, reduced)[1], atol=1e-6)
    assert shifted[2] == pytest.approx(np.median(llrs + 2.0) / 3.0, abs=1e-6)


def test_a_run_goes_as_far_as_the_odds_are_above_even():
    scores = np.full(40, -4.0)
    scores[10:15] = [0.1, 2.0, 3.0, 2.0, 0.2]
    scores[30:32] = 9.0  # too short for three neighbours of that mean
    found = list(runs_above(scores, 3, 2.0))
    assert found == [(30, 32, pytest.approx(14 / 3)), (10, 15, 7 / 3)]
    assert not list(runs_above(scores, 3, 5.0)) and not list(runs_above(scores[:2], 3, 0.0))


def test_runs_without_scores_hide_none_that_has_them():
    scores, llrs = np.full(90, -4.0), np.zeros(90)
    for place in range(5, 85, 20):
        scores[place : place + 5] = 3.0
    scores[65:70], llrs[65:70] = 2.0, 4.0  # the fourth, and the only one that scores say too
    assert made().found(llrs, scores, 2.0, 3) == [(65, 70, 10.0)]


@given(st.lists(st.floats(-9, 9), max_size=60), st.integers(1, 7), st.floats(0.01, 4))
def test_runs_reach_the_least_and_do_not_touch(values, run, least):
    scores = np.array(values, float)
    found = list(runs_above(scores, run, least))
    for first, end, mean in found:
        assert (scores[first:end] > 0).all() and mean >= least
        assert first == 0 or scores[first - 1] <= 0
        assert end == len(scores) or scores[end] <= 0
    places = sorted((first, end) for first, end, _ in found)
    assert all(b < c for (_, b), (c, _) in itertools.pairwise(places))


CONFIG = json.loads((EMBEDDED / "config.json").read_text("utf-8"))
ENTRY = CONFIG["contrast"]


def test_the_shipped_one_loads_and_its_file_must_be_the_one_that_is_named(tmp_path):
    contrast = load(EMBEDDED, ENTRY)
    held = {key: getattr(contrast, key) for key in ("run", "least", "beyond")}
    assert held == {key: ENTRY[key] for key in held}
    folder = shutil.copytree(EMBEDDED, tmp_path / "model")
    (folder / ENTRY["file"]).write_bytes(b"?")
    with pytest.raises(DetectorError, match=ENTRY["file"]):
        load_directory(folder)
    config = CONFIG | {"contrast": ENTRY | {"sha256": sha256_of(folder / ENTRY["file"])}}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(DetectorError, match="cannot be read as safetensors"):
        load_directory(folder)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"own": None}, "lacks the array 'own'"),
        ({"1.w": np.zeros((3, 48, 47, 5), np.float32)}, "do not go together"),
        ({"mean": np.zeros(3, np.float32)}, "do not go together"),
        ({"0.b": np.zeros(48, np.float32)}, "do not go together"),
        ({"own": np.full(3, np.nan, np.float32)}, "do not go together"),
        ({"own": np.full(3, 1e300)}, "do not go together"),
        ({"project": np.zeros((400, 0), np.float32)}, "do not go together"),
        ({"project": np.full((400, 32), 1e37, np.float32)}, "scores are out of range"),
        ({"2.w": np.full((3, 1, 48, 1), 1e9, np.float32)}, "scores are out of range"),
    ],
)
def test_arrays_that_do_not_go_together_are_refused(tmp_path, changed, said):
    arrays = load_file(EMBEDDED / ENTRY["file"]) | changed
    save_file({k: v for k, v in arrays.items() if v is not None}, tmp_path / ENTRY["file"])
    with pytest.raises(ValueError, match=said):
        load(tmp_path, ENTRY)


@pytest.mark.parametrize(
    "wrong",
    [
        *({"run": 0}, {"run": 2.5}, {"least": -1.0}, {"least": "1"}, {"least": float("nan")}),
        *({"beyond": -1.0}, {"beyond": None}),
    ],
)
def test_a_damaged_entry_of_a_configuration_is_refused(tmp_path, wrong):
    (tmp_path / "config.json").write_text(json.dumps(CONFIG | {"contrast": ENTRY | wrong}))
    with pytest.raises(DetectorError, match="against the rest of a clip is damaged"):
        load_directory(tmp_path)


def test_what_stands_out_by_it_is_kept_in_a_file_and_no_file_can_say_otherwise(monkeypatch):
    speech_everywhere(monkeypatch)
    own = small(replace(Finding(GRID, Excess(2.0, 5.0, 0.0)), contrast=made()))
    found = own.detect(clip_of(sound(54.0)))
    n = len(found.trace.llrs)
    assert len(found.trace.unlike) == n
    unlike, llrs = np.full(n, -3.0), np.full(n, -2.0)
    unlike[60:66] = llrs[60:66] = 1.0  # six windows, three above the median: 6 beyond the shift
    unlike[80:86] = 1.0  # whose scores say nothing
    llrs[20:40] = -6.0  # lower than the rest: found by the scores alone
    trace = replace(found.trace, llrs=tuple(llrs.tolist()), unlike=tuple(unlike.tolist()))
    found = replace(found, trace=trace)
    below, above = own.stretches_in(found)
    assert (below.score, above.score) == (pytest.approx(-40.0), pytest.approx(6.0))
    assert (above.start_s, above.end_s) == (30.75, 33.75)
    own.decision = Decision((-1.0, 0.5))
    judged = own.with_stance(replace(found, stands_out=(below, above), llr=-2.5), EVEN)
    assert judged.verdict == IN_PART  # six beyond the shift are enough for the rule's five
    own.finding = replace(own.finding, rule=Excess(2.0, 6.5, 0.0))
    assert own.stretches_in(found) == (below, above)  # still named, and no verdict
    assert own.with_stance(judged, EVEN).verdict == "authentic"
    own.finding = replace(own.finding, rule=Excess(2.0, 5.0, 0.0))
    by_scores = own.stretches_in(replace(found, trace=replace(trace, unlike=())))
    assert [s.score for s in by_scores] == pytest.approx([-40.0, 6.0])
    data = replace(found, stands_out=()).to_dict()
    assert Detection.from_dict(data) == replace(found, stands_out=())
    for wrong in ([1.0] * (n - 1), [None] * n, ["1"] * n, 5, [1e308] * n):
        changed = {**data, "trace": {**data["trace"], "unlike": wrong}}
        changed[SEAL] = seal(changed)
        with pytest.raises(SavedError, match="damaged"):
            open_saved(json.dumps(changed).encode(), lambda _: None)


def test_an_older_file_without_it_opens_with_a_doubt(monkeypatch):
    speech_everywhere(monkeypatch)
    old, new = small(), small(replace(Finding(GRID, Excess(2.0, 5.0, 0.0)), contrast=made()))
    found = old.detect(clip_of(sound(54.0)))
    assert not found.trace.unlike
    (saved,) = open_saved(json.dumps(found.to_dict()).encode(), lambda _: new)
    assert any("not held against the rest" in doubt for doubt in saved.doubts)


@pytest.mark.filterwarnings("error")
def test_where_no_window_was_scored_nothing_stands_out():
    nothing = Trace(1.0, 0.5, (None,) * 30, (None,) * 30)
    assert Finding(GRID, Excess(2.0, 5.0, 0.0), made()).stretches(nothing) == ()
