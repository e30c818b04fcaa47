"""The command line, run as a user runs it."""

import contextlib
import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from core.audio.files import audio_files
from core.audio.processes import NOT_STARTED
from core.cli import MOVED, main
from core.cli.detect import _is_shell_noise, row, write_table
from core.detect.detector import DetectorError
from core.evaluate.example_scores import example
from tests.damage import HOSTILE
from tests.provenance.signing import chain, signed
from tests.provenance.signing import wav as noise

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"

pytestmark = pytest.mark.usefixtures("looked_once")


@pytest.fixture(scope="module")
def examples():
    found = [path for path in audio_files([str(EXAMPLES)])]
    assert len(found) == 5
    return found


def test_an_example_through_the_shell_is_judged_without_a_home():
    """The shell sweeps in tables and licences beside it; the README's line judges all five."""
    done = subprocess.run(
        f"{sys.executable} -m core detect examples/[!2-5]* --json",
        shell=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "HF_HUB_OFFLINE": "1", "HOME": "/nonexistent"},
    )
    assert done.returncode == 0, done.stderr
    (item,) = json.loads(done.stdout)
    assert item["schema"] == "spoofscope.detection/3"
    assert item["verdict"] in {"synthetic", "authentic", "inconclusive"}
    assert item["windows"]
    assert item["provenance"]["schema"] == "spoofscope.provenance/1"


def test_directory_glob_and_name_find_the_same_files(examples):
    by_glob = list(audio_files([str(EXAMPLES / "*")]))
    by_name = list(audio_files([str(path) for path in examples]))
    assert by_glob == by_name == examples
    twice = [str(EXAMPLES), str(examples[0])]
    assert list(audio_files(twice)) == examples


def test_apple_double_files_are_passed_over_unless_named(tmp_path):
    for name in ("a.mp3", "._a.mp3"):
        (tmp_path / name).write_bytes(b"")
    for given in (str(tmp_path), str(tmp_path / "*"), str(tmp_path / "*.mp3")):
        assert [path.name for path in audio_files([given])] == ["a.mp3"]
    assert list(audio_files([str(tmp_path / "._a.mp3")])) == [tmp_path / "._a.mp3"]
    assert _is_shell_noise(tmp_path / "._a.mp3", [str(p) for p in tmp_path.iterdir()])


@pytest.mark.parametrize(
    ("command", "miss", "fa"),
    [
        ("report x.wav --out r.html", "--cost-missed-fake", "--cost-false-accusation"),
        ("evaluate scores.csv", "--cost-false-accusation", "--cost-missed-fake"),
    ],
)
def test_names_of_options_before_answer_with_those_of_now(capsys, command, miss, fa):
    for old, new in (("--c-miss", miss), ("--c-fa", fa)):
        with pytest.raises(SystemExit) as end:
            main([*command.split(), old, "2"])
        assert end.value.code == 2
        assert f"{old} is called {new} now." in capsys.readouterr().err


def test_the_last_line_names_costs_that_differ(examples, capsys):
    assert main(["detect", str(examples[0])]) == 0
    assert "costs" not in capsys.readouterr().out.splitlines()[-1]
    assert main(["detect", str(examples[0]), "--cost-false-accusation", "20"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert "prior 0.5, a missed fake costs 1 and a false accusation 20." in last


def test_unreadable_files_are_reported_and_the_others_judged(examples, tmp_path, capsys):
    shutil.copy(examples[0], tmp_path / "good.bin")
    (tmp_path / "broken.wav").write_bytes(b"RIFF nothing of the sort")
    names = ["broken.wav", "good.bin", "absent.wav"]
    status = main(["detect", *(str(tmp_path / name) for name in names), "--json"])
    out, err = capsys.readouterr()
    assert status == 2
    assert [Path(item["file"]).name for item in json.loads(out)] == ["good.bin"]
    assert "broken.wav" in err and "absent.wav" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("command", ["detect", "report", "inspect"])
def test_a_machine_too_busy_to_start_a_process_gets_a_sentence(
    command, tmp_path, monkeypatch, capsys
):
    def busy(*args, **kwargs):
        raise RuntimeError(NOT_STARTED)

    monkeypatch.setattr("core.audio.isolated.decode_safely", busy)
    monkeypatch.setattr("core.provenance.isolated.look_safely", busy)
    soundfile.write(file := tmp_path / "a.wav", np.zeros(48_000), 16_000)
    out = ["--out", str(tmp_path / "r.html")] if command == "report" else []
    assert main([command, str(file), *out]) == 2
    assert "Try again when it has less to do" in capsys.readouterr().err


def test_silence_is_read_but_not_judged(tmp_path, capsys):
    import numpy as np
    import soundfile

    soundfile.write(tmp_path / "silence.wav", np.zeros(48_000, np.float32), 16_000)
    assert main(["detect", str(tmp_path / "silence.wav"), "--json"]) == 0
    (item,) = json.loads(capsys.readouterr().out)
    assert item["verdict"] == "not judged"
    assert item["p_spoof"] is None
    assert item["reasons"]


def test_csv_has_a_row_a_file_and_no_formulas(examples, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shutil.copy(examples[0], tmp_path / " =cmd.wav")
    assert main(["detect", " =cmd.wav", "--csv"]) == 0
    (line,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert line["file"] == "' =cmd.wav"
    assert line["detector"] == "embedded"
    assert float(line["duration_s"]) > 1


def test_another_hop_adds_windows_and_changes_nothing_else(examples, capsys):
    def found(*options: str) -> dict:
        assert main(["detect", str(examples[0]), "--json", *options]) == 0
        (item,) = json.loads(capsys.readouterr().out)
        return {k: v for k, v in item.items() if k not in ("elapsed_ms", "check")}

    bare, closer, same = found(), found("--hop", "0.25"), found("--hop", "2")
    at_hop = closer.pop("at_hop")
    assert closer == bare and at_hop["hop_s"] == 0.25
    starts = [window["start_s"] for window in at_hop["windows"]]
    assert starts[:3] == [0.0, 0.25, 0.5] and len(starts) > len(bare["windows"])
    assert same == {**bare, "at_hop": {"hop_s": bare["hop_s"], "windows": bare["windows"]}}


def test_a_stress_test_that_fails_leaves_the_next_one_with_its_own_clip(
    examples, monkeypatch, capsys
):
    first, second = (str(file) for file in examples[:2])

    def tested(detector, clip, *_):
        if clip.source.name == examples[0].name:
            raise DetectorError("It stopped.")
        return SimpleNamespace(to_dict=lambda: {"of": clip.source.name})

    monkeypatch.setattr("core.cli.detect._stress", tested)
    assert main(["detect", first, second, "--stress", "--json"]) == 2
    found = json.loads(capsys.readouterr().out)
    assert [item.get("stress") for item in found] == [None, {"of": examples[1].name}]


@pytest.mark.parametrize("hop", ["0", "100", "nan", "inf", "-inf"])
def test_a_hop_that_is_none_is_said(examples, capsys, hop):
    assert main(["detect", str(examples[0]), "--json", f"--hop={hop}"]) == 2
    assert "The hop must be between 0.05 and 4 seconds." in capsys.readouterr().err


def test_table_names_the_detector_and_its_limits(examples, capsys):
    assert main(["detect", str(examples[0]), "--prior", "0.2"]) == 0
    out = capsys.readouterr().out
    assert examples[0].name[-20:] in out
    assert "prior 0.2" in out
    assert "not proof" in out


def test_a_stress_test_is_printed_and_part_of_the_json(examples, monkeypatch, capsys):
    from core.detect import stress

    few = {name: stress.CONDITIONS[name] for name in ("g722", "room")}
    monkeypatch.setattr("core.detect.stress.run.CONDITIONS", few)
    assert main(["detect", str(examples[0]), "--stress", "--json"]) == 0
    (item,) = json.loads(capsys.readouterr().out)
    test = stress.StressTest.from_dict(item["stress"])
    assert test.llr == item["llr"]
    assert [row.condition for row in test.rows] == list(few)
    assert main(["detect", str(examples[0]), "--stress"]) == 0
    out = capsys.readouterr().out
    assert test.summary() in out
    for line in test.rows:
        assert f"{line.label:15}" in out and f"{line.llr:+.2f}  {line.verdict}" in out
    assert main(["detect", str(examples[0]), "--stress", "--csv"]) == 2
    assert "not with --csv" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--detector", "nothing-like-it"], "There is no detector"),
        (["--json", "--hop", "99"], "hop must be between"),
        (["--hop", "1"], "--hop goes with --json"),
        (["--prior", "1"], "prior"),
    ],
)
def test_bad_options_get_a_sentence(examples, capsys, arguments, says):
    assert main(["detect", str(examples[0]), *arguments]) == 2
    assert says in capsys.readouterr().err


def test_empty_directory_says_so(tmp_path, capsys):
    assert main(["detect", str(tmp_path)]) == 2
    assert "No audio files" in capsys.readouterr().err


def test_detectors_are_listed(capsys):
    assert main(["detectors"]) == 0
    out = capsys.readouterr().out
    assert "embedded" in out and "wav2vec2-base-asvspoof2019" in out


@pytest.fixture
def no_models(tmp_path, monkeypatch):
    monkeypatch.setenv("SPOOFSCOPE_MODELS", str(tmp_path / "models"))


def test_listed_detectors_say_what_they_need_and_their_licence(no_models, capsys):
    assert main(["detectors"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any("spectra-aasist" in x and "needs about 1.3 GB; Apache-2.0" in x for x in lines)
    assert any("df-arena-1b" in x and "cannot be run" in x for x in lines)
    assert any(x.startswith("embedded ") and x.endswith("on this machine") for x in lines)


def test_all_that_is_known_of_one_comes_from_the_tables(no_models, capsys):
    from core.evaluate.tables.loading import load

    assert main(["detectors", "antideepfake-mms-300m"]) == 0
    out = capsys.readouterr().out
    assert "CC BY-NC-SA 4.0; no commercial use" in out and "never ran here" in out
    assert "7928e119e09f616b2ce698892e00ca22dbaa40bf" in out and "variance 1" in out
    rows = load("arena")
    rows = rows[(rows["system"] == "AntiDeepfake MMS-300M") & (rows["metric"] == "eer")]
    for benchmark in rows["benchmark"]:
        assert f"{benchmark} (" in out
    assert main(["detectors", "spectra-0"]) == 0
    out = capsys.readouterr().out
    assert "unknown" in out and "(training not stated)" in out and "pre-emphasis" in out
    assert main(["detectors", "gustking-xlsr"]) == 0
    assert "none in data/results/arena.csv" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["no-such"], "There is no detector 'no-such'"),
        (["--fetch"], "Say which one"),
        (["df-arena-1b", "--fetch"], "cannot be run here"),
        (["xlsr-conformer-tcm", "--fetch"], "cannot fetch them"),
    ],
)
def test_what_cannot_be_listed_or_fetched_says_why(no_models, capsys, arguments, says):
    assert main(["detectors", *arguments]) == 2
    assert says in capsys.readouterr().err


def test_the_licence_is_said_before_weights_are_fetched(no_models, monkeypatch, capsys):
    def offline(entry, progress):
        said.append(capsys.readouterr().err)
        raise DetectorError("no network")

    said = []
    monkeypatch.setattr("core.detect.registry.fetching.fetch_entry", offline)
    assert main(["detectors", "antideepfake-w2v-small", "--fetch"]) == 2
    assert "forbids commercial use" in said[0] and "380 MB" in said[0]
    monkeypatch.setattr("core.detect.registry.loading.fetch_entry", offline)
    assert main(["detect", str(ROOT / "examples"), "--detector", "antideepfake-w2v-small"]) == 2
    assert "forbids commercial use" in said[1]


def test_no_chance_is_printed_as_certain(examples, capsys):
    for prior, said in (("0.999999", "> 99.9 %"), ("0.000001", "< 0.1 %")):
        assert main(["detect", str(examples[0]), "--prior", prior]) == 0
        assert said in capsys.readouterr().out


def test_a_take_of_live_is_judged_as_what_it_came_through(undrawn, examples, tmp_path, capsys):
    """Its WAV is plain samples, and its scores are calibrated for Opus all the same."""
    from core import decode

    take, saved, out = (tmp_path / name for name in ("take.wav", "saved.json", "r.html"))
    soundfile.write(take, decode(examples[0]).samples, 16_000)
    assert main(["detect", str(take), "--through", "opus", "--json"]) == 0
    saved.write_text(capsys.readouterr().out, "utf-8")
    (item,) = json.loads(saved.read_text("utf-8"))
    assert item["source"]["codec"] == "opus"
    assert "codec_calibration" in [reason["code"] for reason in item["reasons"]]
    assert main(["report", str(take), "--through=opus", f"--out={out}"]) == 0
    assert "--through opus --prior 0.5" in out.read_text("utf-8")
    assert f"{item['llr']:+.4f}" in out.read_text("utf-8")
    capsys.readouterr()
    assert main(["report", str(saved), str(take), f"--out={out}"]) == 0
    assert "hold it against its WAV with: python -m core report --through opus" in (
        capsys.readouterr().out
    )
    assert main(["report", str(saved), str(take), "--through=opus", f"--out={out}"]) == 0
    assert "and the result agrees" in capsys.readouterr().out


def test_row_agrees_with_the_detection(examples):
    from core import decode, load_detector

    detection = load_detector().detect(decode(examples[0]))
    cells = row(examples[0], detection)
    assert cells["verdict"] == detection.verdict
    assert cells["llr"] == pytest.approx(detection.llr, abs=1e-6)
    assert cells["weights_sha256"] == detection.weights_sha256


@pytest.fixture
def odd_name(tmp_path, examples):
    """A clip whose name is no UTF-8."""
    odd = os.fsencode(tmp_path) + b"/\xff.flac"
    shutil.copy(examples[0], odd)
    return odd


def strictly(*arguments):
    """The command line where only what is UTF-8 may be printed."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", errors="strict") for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main([os.fsdecode(argument) for argument in arguments])
    for stream in (out, err):
        stream.seek(0)
    return status, out.read(), err.read()


@pytest.mark.parametrize("form", ["table", "--csv", "--json"])
def test_a_name_that_is_no_text_is_judged_and_printed(odd_name, form):
    status, out, err = strictly("detect", odd_name, *([] if form == "table" else [form]))
    assert (status, err) == (0, "")
    if form == "--json":
        (found,) = json.loads(out)
        assert found["file"].endswith("/\\xff.flac")
        assert found["source"]["name"] == "\\xff.flac"
    elif form == "--csv":
        (found,) = csv.DictReader(io.StringIO(out))
        assert found["file"].endswith("/\\xff.flac")
    else:
        assert "\\xff.flac  " in out


def test_a_name_that_is_no_text_is_reported_and_written_into_a_report(undrawn, odd_name, tmp_path):
    broken = os.fsencode(tmp_path) + b"/\xfe.wav"
    Path(os.fsdecode(broken)).write_bytes(b"no sound")
    report = tmp_path / "report.html"
    status, _, err = strictly("report", odd_name, broken, "--out", str(report))
    assert status == 2
    assert "/\\xfe.wav: " in err
    html = report.read_text("utf-8")
    assert "\\xff.flac" in html
    assert "\\xfe.wav" in html
    assert strictly("detect", broken)[:2] == (2, "")


@pytest.mark.parametrize("command", ["detect", "report", "score"])
def test_a_path_of_5000_characters_is_a_sentence(tmp_path, command):
    out = {
        "report": ["--out", str(tmp_path / "r.html")],
        "score": ["--out", str(tmp_path / "s.csv")],
    }
    status, _, err = strictly(command, "/" + "a" * 5000, *out.get(command, []))
    assert status == 2
    assert "File name too long" in err
    status, _, err = strictly("detect", str(EXAMPLES), "--detector", "/" + "a" * 5000)
    assert status == 2
    assert "There is no detector" in err


@pytest.mark.parametrize("command", MOVED)
def test_a_command_that_moved_answers_with_its_new_name(command, capsys):
    assert main([command, "--anything"]) == 2
    assert capsys.readouterr().err == f"This command is now: python -m training {command}\n"


OUTS = {
    "report": (["report", "in.wav"], "--out", "r.html"),
    "score": (["score", "in.csv"], "--out", "s.csv"),
    "windows": (["score", "in.csv", "--out", "t.csv"], "--windows-out", "s.csv"),
    "convert": (["convert", "in.csv", "--to", "asvspoof5", "--protocol", "key"], "--output", "s"),
}


@pytest.mark.parametrize("command", OUTS)
def test_what_cannot_be_written_is_said_before_any_work(command, tmp_path, monkeypatch, capsys):
    given, option, name = OUTS[command]
    monkeypatch.chdir(tmp_path)
    Path("folder.html").mkdir()
    Path("in.csv").touch()
    Path("loop.csv").symlink_to("no/loop.csv")
    ends = [("", "empty"), (f"no/{name}", "no folder no"), ("folder.html", "is a folder")]
    ends += [("a" * 300 + name, "too long"), ("in.csv", "in.csv"), ("loop.csv", "loop.csv")]
    ends += [("s.xyz", "has to end in")] if command != "convert" else []
    for out, says in ends:
        assert main([*given, option, out]) == 2
        said = capsys.readouterr().err
        assert says in said and "Errno" not in said and said.count("\n") == 1, said
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder.html", "in.csv", "loop.csv"]


@pytest.mark.parametrize(
    "given",
    [
        "detect _", "detect a.wav _", "report _ --out r.html", "score _ --out s.csv", "inspect _",
        "calibrate embedded _", "evaluate _", "evaluate s.csv --protocol _", "arena _ --out o",
        "evaluate s.csv --compare _", "sasv _", "segments s.csv --reference _",
        "convert _ --to arena",
    ],
)  # fmt: skip
def test_an_empty_name_is_not_the_working_folder(given, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.wav").touch()
    assert main(["" if word == "_" else word for word in given.split()]) == 2
    assert capsys.readouterr().err == "The name of a file to read is empty.\n"


@pytest.mark.parametrize("name", ["", " ", "\t"])
def test_no_name_is_no_detector(name):
    from core.detect.registry import load_detector

    with pytest.raises(DetectorError, match="There is no detector"):
        load_detector(name)


@pytest.mark.parametrize("command", ["detect", "report", "evaluate"])
def test_no_command_prints_what_is_not_seen(tmp_path, capsys, command):
    """A name, a trial, an attack that would colour, hide or reorder what stands around it."""
    broken = tmp_path / f"{HOSTILE}.wav"
    broken.write_bytes(b"no sound")
    out = tmp_path / "out.html"
    rows = example().decode().replace("X02", HOSTILE).replace("codec", HOSTILE)
    scores = tmp_path / f"{HOSTILE}.csv"
    scores.write_text(rows, "utf-8")
    given = {
        "detect": [str(broken)],
        "report": [str(broken), "--out", str(out)],
        "evaluate": [str(scores), "--by", "attack"],
    }[command]
    main([command, *given])
    said = "".join(capsys.readouterr())
    said += out.read_text("utf-8") if command == "report" else ""
    assert r"ev\u{202e}il" in said
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202e\u2066\ufeff]", said)


@pytest.mark.parametrize("part", ["another file", "another channel"])
def test_files_with_the_same_notes_each_say_them(examples, part):
    from core import decode, load_detector

    detection = load_detector().detect(decode(examples[1]))
    noted = replace(detection, source=replace(detection.source, notes=("Sound is missing.",)))
    paths = [Path("a.wav"), Path("b.wav" if part == "another file" else "a.wav")]
    out = io.StringIO()
    write_table([(path, noted) for path in paths], out)
    assert out.getvalue().count("Sound is missing.") == len(set(paths))


def test_inspect_says_what_a_file_proves_and_keeps_names_back(tmp_path, capsys):
    signed_file, tagged_file = tmp_path / "signed.wav", tmp_path / "tagged.wav"
    signed_file.write_bytes(signed(noise(), chain()))
    with soundfile.SoundFile(tagged_file, "w", 16_000, 1) as file:
        file.artist = "Ada Example"
        file.write(0.1 * np.random.default_rng(0).standard_normal(16_001))
    assert main(["inspect", str(signed_file), str(tagged_file)]) == 0
    said = capsys.readouterr().out
    assert "Signed as made by a trained algorithm by an unknown signer" in said
    assert "Other tags: 1; --personal shows them." in said and "Ada" not in said
    assert main(["inspect", "--json", str(tagged_file)]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["credentials"] is None and "personal" not in found
    assert main(["inspect", "--json", "--personal", str(tagged_file)]) == 0
    assert "Ada Example" in capsys.readouterr().out
    empty = tmp_path / "empty.wav"
    empty.touch()
    assert main(["inspect", str(empty)]) == 2
    assert "no bytes at all" in capsys.readouterr().err


def test_the_dashboard_is_served_with_streamlits_own_options(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["spoofscope"])
    seen = []
    monkeypatch.setattr("core.show.serve.main", lambda *_: seen.append(sys.argv[1:]))
    assert main(["app", "--server.port", "8502", "--server.headless=true"]) == 0
    assert seen == [["--server.port", "8502", "--server.headless=true"]]
    with pytest.raises(SystemExit):
        main(["detectors", "--nonsense"])
