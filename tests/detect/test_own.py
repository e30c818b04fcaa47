"""A detector of one's own, written from docs/your-detector.md alone."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.audio.decoding import decode
from core.detect.detector import DetectorError
from core.detect.own import is_code
from core.detect.registry import added, classes_of, load_detector

ROOT = Path(__file__).resolve().parents[2]
SPEECH = ROOT / "tests" / "data" / "speech.flac"
DOCUMENT = (ROOT / "docs" / "your-detector.md").read_text("utf-8")
EXAMPLES = dict(re.findall(r"<!-- example: (\S+) -->\n```\w+\n(.*?)```", DOCUMENT, re.DOTALL))


def written(folder: Path, text: str = "", name: str = "flatness.py") -> str:
    """A file with such code, by default the documented one, as ``--detector`` takes it."""
    (folder / name).write_text(text or EXAMPLES["flatness.py"], "utf-8")
    return str(folder / name) + ("" if text else ":Flatness")


def core(*arguments: str, **variables: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "core", *arguments], cwd=ROOT, env={**os.environ, **variables},
        capture_output=True, text=True,
    )  # fmt: skip


def test_the_documented_detector_judges_a_clip_with_scores_that_are_its_own(tmp_path):
    detector = load_detector(written(tmp_path), code=True)
    clip = decode(SPEECH)
    found = detector.detect(clip)
    assert (found.detector, detector.name) == ("own:flatness", "Spectral flatness")
    assert not found.calibrated and found.verdict == "inconclusive" and not found.gives_chance
    assert [r.code for r in found.reasons] == ["no_threshold"]
    wave = np.zeros(64_000, np.float32)
    wave[: len(clip.samples[:64_000])] = clip.samples[:64_000]
    power = np.abs(np.fft.rfft(wave)) ** 2 + 1e-12
    expected = np.log(power).mean() - np.log(power.mean())
    assert found.windows[0].llr == pytest.approx(max(expected, -12.0), abs=1e-4)


def test_a_package_adds_it_to_every_list_without_its_code_being_run(tmp_path):
    written(tmp_path)
    info = tmp_path / "flatness-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.4\nName: flatness\nVersion: 1.0\nSummary: How flat.\n"
        "License-Expression: MIT\n"
    )
    table = re.search(r"flatness = \"(.*)\"", EXAMPLES["pyproject.toml"])
    (info / "entry_points.txt").write_text(
        f"[spoofscope.detectors]\nflatness = {table[1]}\nNot Fit = no/module\n"
    )
    listed = core("detectors", PYTHONPATH=str(tmp_path))
    assert re.search(r"own:flatness +on this machine; MIT\n +How flat\.", listed.stdout)
    assert re.search(r"own:Not Fit +cannot be run", listed.stdout)
    judged = core("detect", "--detector", "own:flatness", str(SPEECH), PYTHONPATH=str(tmp_path))
    assert "Detector own:flatness (uncalibrated" in judged.stdout and judged.returncode == 0
    (tmp_path / "flatness.py").write_text("raise RuntimeError('no')")
    assert core("detectors", PYTHONPATH=str(tmp_path)).stdout == listed.stdout
    failed = core("detect", "--detector", "own:flatness", str(SPEECH), PYTHONPATH=str(tmp_path))
    assert failed.returncode == 2
    assert failed.stderr.startswith("The module flatness cannot be loaded: RuntimeError: no.")


def test_a_setting_adds_it_and_says_what_is_wrong_with_others(tmp_path, monkeypatch):
    file = written(tmp_path)
    monkeypatch.setenv("SPOOFSCOPE_DETECTORS", f"{file}, {tmp_path}/gone.py, no code")
    own = {entry.id: entry for entry in added.added()}
    assert own["own:flatness"].ready and own["own:flatness"].code == file
    assert own["own:gone"].obstacle == (
        "There is no file gone.py where SPOOFSCOPE_DETECTORS names it."
    )
    assert "must name it as FILE.py" in own["own:no-code"].obstacle
    assert not own["own:gone"].ready and str(tmp_path) not in str(own["own:flatness"].home)


SCORE = "def score(waves, rate):\n    return {}\n"


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("import no_such_module", "cannot be loaded: ModuleNotFoundError: No module named"),
        ("def score(:", "cannot be loaded: SyntaxError"),
        ("raise SystemExit(3)", "cannot be loaded: SystemExit: 3"),
        ("x = 1", "has no method score"),
        (SCORE.format("waves"), r"gave scores of shape \(2, 64000\) for 2 waves"),
        (SCORE.format("0.5"), r"gave scores of shape \(\) for 2 waves"),
        (SCORE.format("waves[:, 0] * float('nan')"), "gave a score that is no number"),
        (SCORE.format("['a'] * len(waves)"), "failed: ValueError"),
        (SCORE.format("1 / 0"), "failed: ZeroDivisionError: division by zero"),
        (SCORE.format("exit()"), "failed: SystemExit"),
        ("rate = 'fast'\n" + SCORE, "'rate' of the detector 'bad' is 'fast'"),
        ("window_s = 1e9\n" + SCORE, "'window_s' of the detector 'bad'"),
        ("short = 'cut'\n" + SCORE, "neither padded nor repeated"),
        ("name = ''\n" + SCORE, "is no text of 1 to 200 letters"),
        ("weights = 3\n" + SCORE, "are no paths of files"),
        ("weights = '/no/such/file'\n" + SCORE, "cannot be read: /no/such/file"),
        (
            "class detector:\n    def __init__(self, a): ...\n    score = None",
            "cannot be made: TypeError",
        ),
    ],
)
def test_what_it_does_wrong_is_a_sentence(tmp_path, code, sentence):
    with pytest.raises(DetectorError, match=sentence) as error:
        load_detector(written(tmp_path, code, "bad.py"), code=True)
    assert str(error.value).endswith(".")


def test_a_detector_that_fails_on_a_clip_ends_no_archive(tmp_path):
    bad = written(tmp_path, "def score(waves, rate):\n    assert waves.std() < 0.03\n    "
                  "return waves[:, 0]\n", "late.py")  # fmt: skip
    done = core("score", str(SPEECH.parent), "--out", str(tmp_path / "out.csv"), "--detector", bad)
    assert done.returncode == 0
    assert "The detector 'late' failed: AssertionError" in done.stderr


@pytest.mark.parametrize("rate", [8_000, 44_100])
def test_it_hears_the_rate_that_it_asks_for(tmp_path, rate):
    code = (f"rate = {rate}\nwindow_s = 2\nweights = [__file__]\nheard = []\n"
            "def score(waves, rate):\n    heard.append((waves.shape[1], rate, waves.dtype.name))\n"
            "    return waves.max(1)\n")  # fmt: skip
    detector = load_detector(written(tmp_path, code, "rate.py"), code=True)
    tone = np.sin(2 * np.pi * 440 * np.arange(48_000) / 16_000).astype(np.float32)
    raw, _ = detector.raw_scores(tone, [(0, 32_000), (16_000, 48_000)])
    assert set(detector.engine._score.__globals__["heard"]) == {(2 * rate, rate, "float32")}
    assert raw == pytest.approx([1, 1], abs=0.05)


def test_its_hash_is_of_its_code_and_of_its_weights(tmp_path):
    (tmp_path / "w.bin").write_bytes(b"1")
    code = f"weights = {str(tmp_path / 'w.bin')!r}\n" + SCORE.format("waves[:, 0]")
    hashes = [load_detector(written(tmp_path, code, "own.py"), code=True).weights_sha256]
    (tmp_path / "w.bin").write_bytes(b"2")
    hashes.append(load_detector(str(tmp_path / "own.py"), code=True).weights_sha256)
    written(tmp_path, code + "\n", "own.py")
    hashes.append(load_detector(str(tmp_path / "own.py"), code=True).weights_sha256)
    assert len(set(hashes)) == 3


def test_code_is_run_only_by_leave(tmp_path):
    file = written(tmp_path, f"open({str(tmp_path / 'ran')!r}, 'w')", "evil.py")
    for name in (file, f"{file}:x", "evil:x", "os:system"):
        for ask in (load_detector, classes_of):
            with pytest.raises(DetectorError, match="is code, which is run only where"):
                ask(name)
    assert not (tmp_path / "ran").exists()


@given(st.text(max_size=60))
def test_no_name_of_a_hub_model_or_of_the_registry_means_code(name):
    assert not is_code(f"hub:{name}") and not is_code(f"own:{name}.py")
