"""Labelled clips -> a calibration that is kept, found again, and named by every verdict."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from core.audio.decoding import decode
from core.cli import main
from core.detect import own_calibration
from core.detect.decision import Stance
from core.detect.detector import DetectorError
from core.detect.registry import load_detector, models_home
from core.detect.saved import OTHER_CALIBRATION, open_saved
from core.evaluate.calibrating import LEAST
from core.score.calibrate import CalibrationError, heard, labelled
from tests.builders import calibration
from tests.detect.test_own import written

SPEECH = Path(__file__).resolve().parents[1] / "data" / "speech.flac"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SPOOFSCOPE_MODELS", str(tmp_path / "models"))


@pytest.fixture
def flatness(tmp_path):
    return written(tmp_path)


def table(path, detector, n=40, **columns):
    """A table as ``python -m core score`` makes it of a labelled manifest."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"path": [f"{i}.wav" for i in range(2 * n)]})
    frame["label"] = ["human"] * n + ["fake"] * n
    frame["raw"] = rng.normal([-6.0] * n + [-5.0] * n, 0.5)
    frame["weights_sha256"] = detector.weights_sha256
    for name, value in columns.items():
        frame[name] = value
    frame.to_csv(path, index=False)
    return path


def test_a_folder_of_clips_calibrates_and_every_verdict_says_so(tmp_path, flatness, capsys):
    speech, rng = decode(SPEECH).samples[:32_000], np.random.default_rng(0)
    for side, level in (("human", -7.0), ("Synthetic", -5.0)):
        (tmp_path / "clips" / side).mkdir(parents=True)
        for i in range(LEAST):
            noise = rng.normal(0, np.exp(rng.normal(level, 0.8)), len(speech))
            soundfile.write(tmp_path / "clips" / side / f"{i}.wav", speech + noise, 16_000)
    (tmp_path / "clips" / "human" / "empty.wav").write_bytes(b"")
    assert main(["calibrate", flatness, str(tmp_path / "clips"), "--name", "hiss\u202e"]) == 0
    said = capsys.readouterr()
    assert f"{LEAST} human and {LEAST} synthetic clips." in said.out
    assert "empty.wav: " in said.err
    detector = load_detector(flatness, code=True)
    own = detector.own_calibration
    clip = decode(SPEECH)
    found, before = detector.detect(clip), load_detector(flatness, code=True, kept=False)
    raw = before.listen(clip).raw.mean()
    limit = np.log(LEAST)
    assert own.llr_limit == pytest.approx(limit)
    assert found.llr == pytest.approx(np.clip(own.scale * raw + own.offset, -limit, limit))
    assert found.calibrated and not before.detect(clip).calibrated
    reasons = [r.text for r in found.reasons if r.code == "own_calibration"]
    assert len(reasons) == 1 and "called 'hiss\\u{202e}'" in reasons[0]
    again = detector.with_stance(found, Stance(0.1))
    assert [r.text for r in again.reasons if r.code == "own_calibration"] == reasons
    assert main(["detect", str(SPEECH), "--detector", flatness]) == 0
    assert "not by its authors" in capsys.readouterr().out
    # saved by one calibration, opened where there is another one
    text = json.dumps(found.to_dict())
    assert open_saved(text.encode(), lambda _: detector)[0].doubts == ()
    assert OTHER_CALIBRATION in open_saved(text.encode(), lambda _: before)[0].doubts
    assert main(["calibrate", flatness, "--forget"]) == 0
    assert load_detector(flatness, code=True).own_calibration is None


def test_scores_made_before_serve_only_the_weights_that_made_them(tmp_path, flatness, capsys):
    detector = load_detector(flatness, code=True)
    scored = table(tmp_path / "s.csv", detector, speaker=[f"v{i % 20}" for i in range(80)])
    assert main(["calibrate", flatness, str(scored), "--dry-run", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["kept"] is None and not (tmp_path / "models").exists()
    assert made["cllr"]["after"]["value"] < made["cllr"]["before"]["value"]
    assert main(["calibrate", flatness, str(scored)]) == 0
    assert load_detector(flatness, code=True).own_calibration.scale == made["scale"]
    with Path(flatness.partition(":")[0]).open("a") as file:
        file.write("\n")
    assert load_detector(flatness, code=True).own_calibration is None
    table(scored, detector, weights_sha256="0" * 64)
    assert main(["calibrate", flatness, str(scored)]) == 2
    assert "holds scores by other weights (000000000000)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"label": "perhaps"}, "'perhaps' in the column label of s.csv means neither"),
        ({"raw": "high"}, "A raw score in s.csv is no number"),
        ({"raw": -1.0}, "Every clip has the same score (-1)"),
        ({"raw": ""}, "There are 0 human and 0 synthetic clips with a score"),
    ],
)
def test_tables_that_do_not_serve_are_refused_with_a_sentence(
    tmp_path, flatness, capsys, columns, sentence
):
    scored = table(tmp_path / "s.csv", load_detector(flatness, code=True), **columns)
    assert main(["calibrate", flatness, str(scored)]) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "models").exists()


def test_labels_and_columns_that_are_open_are_asked_for(tmp_path, flatness):
    detector = load_detector(flatness, code=True)
    scored = table(tmp_path / "s.csv", detector)
    frame = pd.read_csv(scored).rename(columns={"label": "y"}).assign(y=lambda f: f.index % 2)
    frame.to_csv(scored, index=False)
    with pytest.raises(CalibrationError, match=r"no column of labels; .* --label"):
        labelled(scored, detector)
    with pytest.raises(CalibrationError, match=r"'0' in the column y .* --spoof-label"):
        labelled(scored, detector, label="y")
    assert labelled(scored, detector, label="y", spoofed=["1"]).is_spoof == [False, True] * 40
    with pytest.raises(CalibrationError, match="no column 'who'"):
        labelled(scored, detector, label="y", spoofed=["1"], speaker="who")
    (tmp_path / "all").mkdir()
    soundfile.write(tmp_path / "all" / "a.wav", np.zeros(10), 16_000)
    with pytest.raises(CalibrationError, match="folders called human and synthetic"):
        labelled(tmp_path / "all", detector)


def kept(**changes):
    made = calibration()
    path = own_calibration.keep(made, models_home())
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return made


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "other"}, {"scale": -1}, {"scale": "1"}, {"offset": None}, {"band": [1, -1]},
        {"band": [0]}, {"llr_limit": 0}, {"clips": "a\u202eb"}, {"n_spoof": 0}, {"further": 1},
        {"weights_sha256": "b" * 64}, {"scale": float("inf")}, {"cllr": []},
        {"cllr": {"before": [1]}}, {"cllr": {"after": {"low": "1"}}},
    ],
)  # fmt: skip
def test_a_calibration_that_is_damaged_is_refused(changes):
    kept(**changes)
    with pytest.raises(DetectorError, match=r"Remove it, or fit it again"):
        own_calibration.found(models_home(), "a" * 64)
    assert own_calibration.of_detector(models_home(), "own:x") == []


@given(st.floats(1e-6, 1e6), st.floats(-1e6, 1e6), st.text(max_size=20))
def test_what_is_kept_is_what_is_found(scale, offset, name):
    from dataclasses import replace

    from core.plain import printable

    made = replace(kept(), scale=scale, offset=offset, clips=printable(name))
    own_calibration.keep(made, models_home())
    assert own_calibration.found(models_home(), made.weights_sha256) == made


@pytest.mark.parametrize("before", [False, True])
def test_copies_of_a_clip_count_once_and_never_as_both(tmp_path, flatness, capsys, before):
    detector = load_detector(flatness, code=True)
    if before:
        clips = table(tmp_path / "t.csv", detector, 40, sha256=["a"] * 20 + list(range(20)) * 3)
    else:
        clips = tmp_path / "clips"
        for side in ("human", "fake"):
            (clips / side).mkdir(parents=True)
            for i in range(40):
                (clips / side / f"{i}.wav").write_bytes(SPEECH.read_bytes())
    with pytest.raises(CalibrationError, match="are the same file, once called human and once"):
        heard(labelled(clips, detector), detector)
    if before:
        clips = table(clips, detector, 40, sha256=["a"] * 40 + list(range(40)))
        assert main(["calibrate", flatness, str(clips)]) == 2
        said = capsys.readouterr().err
        assert "1.wav: It is the same file as 0.wav, so it is counted once." in said
        assert "There are 1 human and 40 synthetic clips with a score" in said
