"""An archive gives one table: the same however it was run, stopped or ordered."""

import csv
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
import types
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
import soundfile

from core.audio.isolated import decode_safely
from core.cli import main
from core.detect.detector import DetectorError
from core.detect.registry import load_detector
from core.evaluate.trials import guess_layout, read_table, tidy
from core.score import judging, on_ray
from core.score.archive import _one_file, score
from core.score.journal import Journal
from core.score.judging import judge, read
from core.score.manifest import ArchiveError, Item, read_manifest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture(scope="module", autouse=True)
def own_main():
    """Tests of pages leave a page as the main module, which a new process would then run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "__main__", types.ModuleType("__main__"))
        yield


@pytest.fixture
def at_hand(monkeypatch):
    """Scoring in this very process, for what does not depend on where it is done."""

    def run(items, detector, settings, processes, engine=None):
        loaded = load_detector(detector, engine=engine, code=True)
        for item in items:
            yield item, judge(loaded, read(item.file, settings), settings)

    monkeypatch.setattr("core.score.pool.run", run)


@pytest.fixture(scope="module")
def archive(own_main, tmp_path_factory):
    folder = tmp_path_factory.mktemp("archive")
    clips = sorted(p for p in EXAMPLES.iterdir() if p.suffix in {".mp3", ".opus", ".flac", ".wav"})
    rng = np.random.default_rng(0)
    names = [str(c) for c in clips[:2]]
    for clip in clips[2:4]:
        names.append(f"{clip.stem}.flac")
        soundfile.write(folder / names[-1], decode_safely(clip).samples[:72_000], 16_000)
    for i in range(4):
        name = f"noise{i}.wav"
        soundfile.write(folder / name, rng.normal(0, 0.05, 32_000), 16_000)
        names.append(name)
    (folder / "broken.wav").write_bytes(b"no sound")
    names += ["broken.wav", "absent.wav"]
    labels = ["spoof" if i % 2 else "bonafide" for i in range(len(names))]
    table = pd.DataFrame(
        {"id": [f"clip-{i}" for i in range(len(names))], "path": names, "label": labels}
    )
    table.to_csv(folder / "manifest.csv", index=False)
    bad = score(read_manifest(folder / "manifest.csv"), folder / "plain.parquet", processes=1)
    assert set(bad) == {"clip-8", "clip-9"}
    return folder


def test_one_row_a_file_in_order(archive):
    found = pd.read_parquet(archive / "plain.parquet")
    assert found["id"].tolist() == [f"clip-{i}" for i in range(10)]
    assert found["score"][:4].notna().all() and found["error"][8:].notna().all()
    assert not list(archive.glob("plain.parquet.*"))
    table = read_table((archive / "plain.parquet").read_bytes(), "plain.parquet")
    layout = guess_layout(table)
    assert (layout.columns["trial"], layout.columns["score"]) == ("id", "score")
    trials = tidy(table, layout)
    assert len(trials.table) == found["score"].notna().sum()


def test_order_and_processes_do_not_matter(archive, tmp_path):
    items = read_manifest(archive / "manifest.csv")
    score(items[::-1], tmp_path / "other.parquet", processes=2)
    other = pd.read_parquet(tmp_path / "other.parquet")[::-1].reset_index(drop=True)
    pd.testing.assert_frame_equal(
        other, pd.read_parquet(archive / "plain.parquet"), check_exact=True
    )


def test_a_killed_run_goes_on_to_the_same_bytes(archive, tmp_path):
    out = tmp_path / "killed.parquet"
    rows = tmp_path / "killed.parquet.part" / "rows.jsonl"
    command = [sys.executable, "-m", "core", "score", str(archive / "manifest.csv")]
    run = subprocess.Popen(
        [*command, "--out", str(out), "--processes", "1"], cwd=EXAMPLES.parent,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while run.poll() is None and (not rows.exists() or rows.read_bytes().count(b"\n") < 3):
        time.sleep(0.005)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    assert not out.exists()
    before = rows.read_bytes()
    assert 3 <= before.count(b"\n") < 11
    rows.write_bytes(before[:-7])  # a line torn by the kill
    score(read_manifest(archive / "manifest.csv"), out, processes=1)
    assert out.read_bytes() == (archive / "plain.parquet").read_bytes()


def test_a_full_disk_is_told_of_and_the_same_command_goes_on(at_hand, archive, tmp_path, capsys):
    out = tmp_path / "full.parquet"
    command = ["score", str(archive / "manifest.csv"), "--out", str(out)]
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, limits[1]))
    try:
        assert main(command) == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    said = capsys.readouterr().err
    assert "cannot be read or written: File too large. What is finished is kept" in said
    assert [p.name for p in tmp_path.iterdir()] == ["full.parquet.part"]
    assert main(command) == 0
    table, plain = (pd.read_parquet(path) for path in (out, archive / "plain.parquet"))
    pd.testing.assert_frame_equal(table, plain)
    assert [p.name for p in tmp_path.iterdir()] == ["full.parquet"]


def test_a_worker_that_dies_costs_its_file_a_second_try(archive, tmp_path, monkeypatch):
    from core.score import pool

    made = []
    start = pool._Worker._start

    def watched(self):
        start(self)
        made.append(self._process.pid)
        os.kill(made[-1], signal.SIGINT)  # as a terminal does, to all; the parent decides
        if len(made) == 1:
            os.kill(self._process.pid, signal.SIGKILL)

    monkeypatch.setattr(pool._Worker, "_start", watched)
    out = tmp_path / "died.parquet"
    score(read_manifest(archive / "manifest.csv"), out, processes=1)
    assert len(made) > 1
    assert out.read_bytes() == (archive / "plain.parquet").read_bytes()


def test_ray_gives_the_same_bytes_though_a_worker_is_killed(archive, tmp_path, monkeypatch):
    added, killed = [], []
    add = Journal.add

    def watched(self, id, stamp, rows):
        add(self, id, stamp, rows)
        added.append(id)
        if not killed:
            workers = [
                p
                for p in psutil.Process().children(recursive=True)
                if p.cmdline() and p.cmdline()[0].startswith("ray::MapWorker")
            ]
            killed.extend(workers[:1])
            workers[0].kill()

    monkeypatch.setattr(Journal, "add", watched)
    out = tmp_path / "ray.parquet"
    score(read_manifest(archive / "manifest.csv"), out, processes=1, executor="ray")
    assert killed and sorted(added) == [f"clip-{i}" for i in range(10)]
    assert out.read_bytes() == (archive / "plain.parquet").read_bytes()


def test_a_worker_loads_torch_only_for_a_detector_that_needs_it(monkeypatch):
    for name in judging.THREADS:
        monkeypatch.setenv(name, "4")
    limits = []
    monkeypatch.setitem(sys.modules, "torch", types.SimpleNamespace(set_num_threads=limits.append))
    judging.one_thread()
    assert limits == [1] and {os.environ[name] for name in judging.THREADS} == {"1"}
    monkeypatch.delitem(sys.modules, "torch")
    judging.one_thread()
    assert "torch" not in sys.modules


def test_without_ray_a_sentence_says_what_to_install(archive, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ray", None)
    command = ["score", str(archive / "manifest.csv"), "--out", str(tmp_path / "s.parquet")]
    assert main([*command, "--executor", "ray"]) == 2
    assert "pip install -r requirements-ray.txt" in capsys.readouterr().err
    assert main([*command, "--ray-address", "127.0.0.1:1"]) == 2
    assert "goes with --executor ray" in capsys.readouterr().err
    for old, new in (
        (["--engine", "ray"], "say --executor ray"),
        (["--network-engine", "onnx"], "--network-engine is called --engine now"),
    ):
        with pytest.raises(SystemExit):
            main([*command, *old])
        assert new in capsys.readouterr().err


def test_where_no_ray_answers_a_sentence_says_so(archive, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
        items = read_manifest(archive / "manifest.csv")
        with pytest.raises(ArchiveError, match="No Ray answers at 127"):
            score(items, tmp_path / "s.parquet", executor="ray", ray_address=address)


def test_the_engine_is_kept_with_the_rows(archive, tmp_path):
    items = read_manifest(archive / "manifest.csv")[-1:]
    score(items, tmp_path / "s.parquet", engine="onnx")
    assert pd.read_parquet(tmp_path / "s.parquet")["detector"].tolist() == ["embedded-fp32"]
    with pytest.raises(DetectorError, match="no engine called 'steam'"):
        score(items, tmp_path / "s.parquet", engine="steam")


def test_other_settings_are_refused(tmp_path):
    out = tmp_path / "s.parquet"
    journal = Journal(out, {"prior": 0.5})
    journal.add("a", None, [{"error": "x"}])
    with pytest.raises(ArchiveError, match="Another run"):
        Journal(out, {"prior": 0.5})
    journal.close()
    with pytest.raises(ArchiveError, match=r"prior.*--fresh"):
        Journal(out, {"prior": 0.1})
    again = Journal(out, {"prior": 0.5})
    assert again.rows("a") == [{"error": "x"}]
    again.close()
    assert not Journal(out, {"prior": 0.1}, fresh=True).places


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("name\na.wav\n", "no column of paths"),
        ("id,path\n1,a.wav\n1,b.wav\n", "for two files"),
        ("path\n", "names no audio files"),
    ],
)
def test_a_manifest_that_will_not_do(tmp_path, text, sentence):
    (tmp_path / "m.csv").write_text(text)
    with pytest.raises(ArchiveError, match=sentence):
        read_manifest(tmp_path / "m.csv")


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
@pytest.mark.parametrize("column", ["path", "file_name", "File", "filename"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_separators_and_names_of_the_column_of_paths(tmp_path, sign, column, mark):
    rows = [["label", column], ["spoof", "a, b.wav"], ["spoof", '"c"'], ["", "d.wav"]]
    with (tmp_path / "m.csv").open("w", encoding="utf-8", newline="") as file:
        file.write(mark)
        csv.writer(file, delimiter=sign).writerows(rows)
    items = read_manifest(tmp_path / "m.csv")
    assert [item.path for item in items] == ["a, b.wav", '"c"', "d.wav"]
    assert [item.further for item in items] == [
        {"label": "spoof"},
        {"label": "spoof"},
        {"label": ""},
    ]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "m.csv is empty"),
        (b"\n\n", "m.csv is empty"),
        (b"\xef\xbb\xbf", "m.csv is empty"),
        (b"path\n", "names no audio files"),
        ("path\na.wav\n".encode("utf-16"), "no text in UTF-8"),
        (b"a,b\n1,2\n", "no column of paths"),
        (b"path\na\x00.wav\n", "zero byte"),
        (b'path,x\n"a.wav,1\n', "a quote has no end"),
        (b"Path,PATH\na.wav,b.wav\n", "two columns called 'path'"),
        (b"path,x\na.wav,1,\n", "more cells than there are names"),
        (b"path,x\na.wav,1\nb.wav,1,2\n", "more cells than there are names"),
    ],
)
def test_a_manifest_that_is_none_gets_a_sentence(tmp_path, content, says):
    (tmp_path / "m.csv").write_bytes(content)
    with pytest.raises(ArchiveError, match=says) as told:
        print(read_manifest(tmp_path / "m.csv"))
    assert str(told.value).endswith(".") and "\n" not in str(told.value)
    (tmp_path / "m.parquet").write_bytes(content)
    with pytest.raises(ArchiveError, match=r"named as Parquet"):
        read_manifest(tmp_path / "m.parquet")


def test_a_file_named_twice_is_scored_once(tmp_path, capsys):
    (tmp_path / "m.csv").write_text("path\na.wav\nb.wav\na.wav\n")
    assert [item.id for item in read_manifest(tmp_path / "m.csv")] == ["a.wav", "b.wav"]
    assert "1 row names a file that was named before" in capsys.readouterr().err
    (tmp_path / "m.csv").write_text("path,id\na.wav,1\na.wav,2\n")
    assert [item.id for item in read_manifest(tmp_path / "m.csv")] == ["1", "2"]
    assert not capsys.readouterr().err


def test_apple_double_files_of_a_folder_are_passed_over(tmp_path):
    for name in ("a.mp3", "._a.mp3", "in/b.wav", "in/._b.wav", "._c.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    assert [item.id for item in read_manifest(tmp_path)] == ["a.mp3", "in/b.wav"]


@pytest.mark.parametrize(
    ("out", "windows", "sentence"),
    [
        ("t.csv", "t.csv", "are one file"),
        ("t.csv", "in/../t.csv", "are one file"),
        ("t.csv", "link.csv", "are one file"),
        ("real.csv", "linked/real.csv", "are one file"),
        ("none/t.csv", None, "no folder"),
        ("t.csv", "none/w.csv", "no folder"),
        ("t.csv", "in", "is a folder"),
        ("in", None, "is a folder"),
        ("b.csv", None, "one of the files to score"),
        ("t.csv", "b.csv", "one of the files to score"),
        ("t.xyz", None, "has to end in .parquet or .pq or .csv"),
        ("t.csv", "w", "has to end in"),
        ("m.csv", None, "the manifest itself"),
        ("t.csv", "m.csv", "the manifest itself"),
    ],
)
def test_tables_are_checked_before_anything_is_scored(
    tmp_path, monkeypatch, capsys, out, windows, sentence
):
    def never(*_, **__):
        raise AssertionError("loaded")

    monkeypatch.setattr("core.detect.registry.load_detector", never)
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    Path("link.csv").symlink_to("t.csv")
    Path("linked").symlink_to(".")
    Path("b.csv").write_bytes(b"")
    Path("m.csv").write_text("path\na.wav\nb.csv\n")
    before = sorted(tmp_path.rglob("*"))
    more = ["--windows-out", windows] if windows else []
    assert main(["score", "m.csv", "--out", out, *more]) == 2
    assert sentence in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before


def test_names_that_differ_by_case_are_one_file_where_the_file_system_says_so(
    tmp_path, monkeypatch
):
    assert not _one_file(tmp_path / "t.csv", tmp_path / "T.csv")
    assert not list(tmp_path.iterdir())
    true = Path.exists

    def ignoring_case(path):
        return true(path) or path.name.lower() in {p.name.lower() for p in path.parent.iterdir()}

    monkeypatch.setattr(Path, "exists", ignoring_case)
    assert _one_file(tmp_path / "t.csv", tmp_path / "T.csv")
    assert not _one_file(tmp_path / "t.csv", tmp_path / "u.csv")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_rows_are_told_apart_and_no_file_is_counted_twice(at_hand, tmp_path, suffix):
    clips = [p for p in sorted(EXAMPLES.iterdir()) if p.suffix in {".mp3", ".wav"}]
    one, two = (decode_safely(p).samples[:70_000] for p in clips[:2])
    soundfile.write(tmp_path / "call.wav", np.stack([one, two], axis=1), 16_000)
    soundfile.write(tmp_path / "phase.wav", np.stack([two, -two], axis=1), 16_000)
    soundfile.write(tmp_path / "one.wav", one, 16_000)
    manifest = tmp_path / "manifest.csv"
    manifest.write_text("path,label\ncall.wav,spoof\nphase.wav,bonafide\none.wav,bonafide\n")
    out, windows = tmp_path / f"scores{suffix}", tmp_path / f"windows{suffix}"
    score(read_manifest(manifest), out, windows_out=windows)
    read = pd.read_csv if suffix == ".csv" else pd.read_parquet
    rows, parts = read(out), read(windows)
    key = ["id", "track", "channel"]
    assert len(rows) == 5 and not rows.duplicated(key).any()
    assert not parts.duplicated([*key, "start_s"]).any()
    assert sorted(parts.groupby(key, dropna=False).size()) == sorted(rows["windows"])
    assert rows["notes"].str.contains("hold different sound|cancel each other").sum() == 4
    assert set(rows["tracks"]) == {1}
    trials = tidy(table := read_table(out), guess_layout(table))
    assert list(trials.table["trial"]) == ["call.wav", "phase.wav", "one.wav"]
    assert "2 rows of" in trials.problems[0].sentence
    assert "another channel of its file" in trials.problems[0].sentence


def test_a_csv_of_an_archive_runs_nothing_in_a_spreadsheet(at_hand, tmp_path):
    items = [Item("=1+1", "@x.wav", str(tmp_path / "@x.wav"), {"=attack": "+cmd|x", "key": "-"})]
    score(items, tmp_path / "t.csv", processes=1)
    with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["id"], row["path"]) == ("'=1+1", "'@x.wav")
    assert (row["'=attack"], row["key"]) == ("'+cmd|x", "-")
    score(items, tmp_path / "t.parquet", processes=1)
    assert pd.read_parquet(tmp_path / "t.parquet")["id"].tolist() == ["=1+1"]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_names_that_are_no_text_or_too_long_are_rows_like_others(at_hand, tmp_path, suffix):
    folder, out = tmp_path / "clips", tmp_path / f"out{suffix}"
    folder.mkdir()
    shutil.copy(EXAMPLES / "2-clear-robot-voice.wav", os.fsencode(folder) + b"/\xff.flac")
    (folder / os.fsdecode(b"\xfe.flac")).write_bytes(b"no sound")
    bad = score(read_manifest(folder), out, windows_out=tmp_path / f"windows{suffix}")
    assert list(bad) == ["\\xfe.flac"]
    read = pd.read_csv if suffix == ".csv" else pd.read_parquet
    found = read(out).set_index("id")
    assert found["path"].tolist() == ["\\xfe.flac", "\\xff.flac"]
    assert found["score"].notna().tolist() == [False, True]
    assert set(read(tmp_path / f"windows{suffix}")["id"]) == {"\\xff.flac"}
    manifest = tmp_path / "long.csv"
    manifest.write_text("path\n" + "a" * 5000 + "\n")
    (sentence,) = score(read_manifest(manifest), out).values()
    assert "File name too long" in sentence


def test_a_run_that_stopped_at_a_name_that_is_no_text_goes_on(tmp_path):
    shutil.copy(EXAMPLES / "2-clear-robot-voice.wav", os.fsencode(tmp_path) + b"/\xff.flac")
    (item,) = read_manifest(tmp_path)
    journal = Journal(tmp_path / "out.csv", {"made": 1})
    journal.add(item.id, None, [{"error": os.fsdecode(b"\xff")}])
    journal.close()
    again = Journal(tmp_path / "out.csv", {"made": 1})
    assert again.rows(item.id) == [{"error": os.fsdecode(b"\xff")}]
    again.close(remove=True)


def test_code_of_ones_own_is_named_as_it_is_found_in_any_folder(tmp_path, monkeypatch):

    monkeypatch.chdir(tmp_path)
    assert on_ray._lasting("own.py:Own") == f"{tmp_path}/own.py:Own"
    assert [on_ray._lasting(name) for name in ("own:own", "a.b:c")] == ["own:own", "a.b:c"]
    monkeypatch.setenv("SPOOFSCOPE_DETECTORS", "own.py:Own, a.b:c")
    monkeypatch.setenv("PYTHONPATH", f"site{os.pathsep}")
    assert on_ray._environment()["SPOOFSCOPE_DETECTORS"] == f"{tmp_path}/own.py:Own,a.b:c"
    assert on_ray._paths() == [str(on_ray.CODE), f"{tmp_path}/site"]
