"""A detector of one's own, written from docs/your-detector.md alone."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.audio.decoding import decode
from core.cli import main
from core.detect.detector import DetectorError
from core.detect.own import engine, is_code
from core.detect.own.finding import run_code
from core.detect.own.scorer import asked
from core.detect.registry import added, classes_of, load_detector

WORKER = engine._Worker
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
    broken = "raise RuntimeError('no')"
    written(tmp_path, broken, "flatness.py")
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
    failed = core("detect", "--detector", "own:flatness", str(SPEECH), PYTHONPATH=str(tmp_path))
    assert failed.returncode == 2
    assert failed.stderr.startswith("The module flatness cannot be loaded: RuntimeError: no.")
    written(tmp_path)
    judged = core("detect", "--detector", "own:flatness", str(SPEECH), PYTHONPATH=str(tmp_path))
    assert "Detector own:flatness (uncalibrated" in judged.stdout and judged.returncode == 0


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
SLOW = ("import time\ndef score(waves, rate):\n    time.sleep(600 * (waves.min() > 0.5))\n"
        "    return waves.max(1)\n")  # fmt: skip
QUIET, LOUD = np.full(64_000, 0.1, np.float32), np.ones(64_000, np.float32)


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("import no_such_module", "cannot be loaded: ModuleNotFoundError: No module named"),
        ("def score(:", "cannot be loaded: SyntaxError"),
        ("raise SystemExit(3)", "cannot be loaded: SystemExit: 3"),
        ("raise KeyboardInterrupt", "cannot be loaded: KeyboardInterrupt"),
        ("x = 1", "has no method score"),
        (SCORE.format("waves"), r"gave scores of shape \(2, 64000\) for 2 waves"),
        (SCORE.format("0.5"), r"gave scores of shape \(\) for 2 waves"),
        (SCORE.format("waves[:, 0] * float('nan')"), "gave a score that is no finite number"),
        (SCORE.format("waves[:, 0] + 1j"), "gave scores of type complex64; they must be real"),
        (SCORE.format("['a'] * len(waves)"), "gave scores of type str32; they must be real"),
        (SCORE.format("[{}] * len(waves)"), "failed: TypeError"),
        (SCORE.format("[10**400] * len(waves)"), "failed: OverflowError"),
        (SCORE.format("1 / 0"), "failed: ZeroDivisionError: division by zero"),
        (SCORE.format("exit()"), "failed: SystemExit"),
        (SCORE.format("score(waves, rate)"), "failed: RecursionError"),
        (
            "class Mute(Exception):\n    def __str__(self): 1 / 0\n"
            "def score(waves, rate):\n    raise Mute",
            "failed: Mute",
        ),
        ("rate = 'fast'\n" + SCORE, "'rate' of the detector 'bad' is 'fast'"),
        ("window_s = 1e9\n" + SCORE, "'window_s' of the detector 'bad'"),
        ("short = 'cut'\n" + SCORE, "neither padded nor repeated"),
        ("name = ''\n" + SCORE, "is no text of 1 to 200 letters"),
        ("log_odds = 'no'\n" + SCORE, "is neither True nor False"),
        ("weights = 3\n" + SCORE, "are no paths of files"),
        ("weights = '/no/such/file'\n" + SCORE, "cannot be read: /no/such/file"),
        (
            "class detector:\n    def __init__(self, a): ...\n    score = None",
            "cannot be made: TypeError",
        ),
        (
            "class detector:\n    name = property(lambda self: 1 / 0)\n    score = print",
            "does not say what it is: ZeroDivisionError",
        ),
    ],
)
def test_what_it_does_wrong_is_a_sentence(tmp_path, code, sentence):
    with pytest.raises(DetectorError, match=sentence) as error:
        said, score = run_code(written(tmp_path, code, "bad.py"))
        asked(said.name, score, np.zeros((2, said.window), np.float32), said.rate)
    assert str(error.value).endswith(".")


@pytest.mark.parametrize(
    ("seconds", "code", "sentence"),
    [
        (60, "import os\nos._exit(7)", r"ended its process \(status 7\)\."),
        (60, "import os\n" + SCORE.format("os.abort()"), r"ended its process \(SIGABRT\)\."),
        (1, "import time\ntime.sleep(600)", "was not loaded within 1 s, so it was stopped"),
    ],
)
def test_what_ends_or_hangs_is_a_sentence_and_leaves_no_process(
    tmp_path, monkeypatch, seconds, code, sentence
):
    monkeypatch.setenv("SPOOFSCOPE_OWN_DETECTOR_S", str(seconds))
    started = []
    monkeypatch.setattr(engine, "_Worker", lambda: started.append(WORKER()) or started[-1])
    with pytest.raises(DetectorError, match=sentence):
        load_detector(written(tmp_path, code, "bad.py"), code=True)
    assert [worker.alive() for worker in started] == [False]


def test_a_call_that_hangs_is_ended_and_the_next_is_heard(tmp_path, monkeypatch):
    detector = load_detector(written(tmp_path, SLOW, "slow.py"), code=True)
    with monkeypatch.context() as patch, pytest.raises(DetectorError, match="gave no scores"):
        patch.setenv("SPOOFSCOPE_OWN_DETECTOR_S", "1")
        detector.raw_scores(LOUD, [(0, 64_000)])
    assert detector.raw_scores(QUIET, [(0, 64_000)])[0] == pytest.approx([0.1])


def test_it_is_started_again_after_it_ended_and_what_it_prints_is_no_answer(tmp_path, capfd):
    code = ("import os\ndef score(waves, rate):\n    print('scores')\n    os.write(1, b'x' * 99)\n"
            "    os.abort() if waves.min() > 0.5 else None\n    return waves.max(1)\n")  # fmt: skip
    detector = load_detector(written(tmp_path, code, "ends.py"), code=True)
    for _ in range(2):
        with pytest.raises(DetectorError, match="ended its process"):
            detector.raw_scores(LOUD, [(0, 64_000)])
        assert detector.raw_scores(QUIET, [(0, 64_000)])[0] == pytest.approx([0.1])
    assert main(["detect", "--json", "--detector", str(tmp_path / "ends.py"), str(SPEECH)]) == 0
    assert json.loads(capfd.readouterr().out)[0]["detector"] == "own:ends"


@pytest.mark.parametrize("ends", ["import time\n    time.sleep(600)", "os._exit(7)"])
def test_what_it_started_ends_with_it(tmp_path, monkeypatch, ends):
    told = str(tmp_path / "child")
    code = (
        "import os, subprocess\ndef score(waves, rate):\n"
        "    child = subprocess.Popen(['sleep', '600'], stdout=subprocess.DEVNULL)\n"
        f"    open({told!r}, 'w').write(str(child.pid))\n    {ends}\n"
    )
    monkeypatch.setenv("SPOOFSCOPE_OWN_DETECTOR_S", "3")
    with pytest.raises(DetectorError):
        load_detector(written(tmp_path, code, "own.py"), code=True)
    child = int(Path(told).read_text())
    deadline = time.monotonic() + 10
    while state_of(child) not in ("", "Z") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert state_of(child) in ("", "Z")


def state_of(pid: int) -> str:
    """What the system says of a process: Z where it ended and nobody asked, empty where none is."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


@pytest.mark.parametrize("changed", ["own.py", "w.bin"])
def test_code_or_weights_that_changed_are_not_heard_under_the_hash_of_before(tmp_path, changed):
    (tmp_path / "w.bin").write_bytes(b"1")
    code = f"weights = {str(tmp_path / 'w.bin')!r}\n" + SCORE.format("waves.max(1)")
    detector = load_detector(written(tmp_path, code, "own.py"), code=True)
    assert detector.raw_scores(QUIET, [(0, 64_000)])[0] == pytest.approx([0.1])
    detector.engine._process.stop()
    assert detector.raw_scores(QUIET, [(0, 64_000)])[0] == pytest.approx([0.1])
    with (tmp_path / changed).open("a") as file:
        file.write("\n")
    detector.engine._process.stop()
    with pytest.raises(DetectorError, match="has changed since it was loaded"):
        detector.raw_scores(QUIET, [(0, 64_000)])


def test_who_waits_no_more_ends_the_call_and_the_next_is_heard(tmp_path):
    detector = load_detector(written(tmp_path, SLOW, "slow.py"), code=True)

    def leave(share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        detector.raw_scores(LOUD, [(0, 64_000)], progress=leave)
    assert detector.raw_scores(QUIET, [(0, 64_000)])[0] == pytest.approx([0.1])


def test_a_tensor_with_a_gradient_is_a_score(tmp_path):
    code = "import torch\n" + SCORE.format("torch.ones(len(waves)).bfloat16().requires_grad_()")
    said, score = run_code(written(tmp_path, code, "tensor.py"))
    assert asked(said.name, score, np.zeros((2, 9), np.float32), 16_000).tolist() == [1, 1]


def test_a_detector_that_fails_on_a_clip_ends_no_archive(tmp_path):
    bad = written(tmp_path, "def score(waves, rate):\n    assert waves.std() < 0.03\n    "
                  "return waves[:, 0]\n", "late.py")  # fmt: skip
    done = core("score", str(SPEECH.parent), "--out", str(tmp_path / "out.csv"), "--detector", bad)
    assert done.returncode == 0
    assert "The detector 'late' failed: AssertionError" in done.stderr


@pytest.mark.parametrize("rate", [8_000, 44_100])
def test_it_hears_the_rate_that_it_asks_for(tmp_path, rate):
    code = (f"rate = {rate}\nwindow_s = 2\nweights = [__file__]\ndef score(waves, heard):\n"
            f"    assert (waves.shape[1], heard, waves.dtype) == ({2 * rate}, {rate}, 'float32')\n"
            "    return waves.max(1)\n")  # fmt: skip
    detector = load_detector(written(tmp_path, code, "rate.py"), code=True)
    tone = np.sin(2 * np.pi * 440 * np.arange(48_000) / 16_000).astype(np.float32)
    raw, _ = detector.raw_scores(tone, [(0, 32_000), (16_000, 48_000)])
    assert raw == pytest.approx([1, 1], abs=0.05)


def hashed(name: object) -> str:
    return run_code(str(name))[0].sha256


def test_its_hash_is_of_its_code_of_its_weights_and_of_which_object_it_is(tmp_path):
    (tmp_path / "w.bin").write_bytes(b"1")
    code = f"weights = {str(tmp_path / 'w.bin')!r}\n" + SCORE.format("waves[:, 0]")
    hashes = [hashed(written(tmp_path, code, "own.py"))]
    (tmp_path / "w.bin").write_bytes(b"2")
    hashes.append(hashed(tmp_path / "own.py"))
    written(tmp_path, code + "detector = other = score\n", "own.py")
    hashes += [hashed(f"{tmp_path / 'own.py'}{which}") for which in ("", ":other")]
    assert len(set(hashes)) == 4
    assert hashed(f"{tmp_path / 'own.py'}:detector") == hashes[2]


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
