"""Tracks and channels through the command line: detect, report and score."""

import csv
import io
import json
from pathlib import Path

import pandas as pd
import pytest

from core.audio import isolated
from core.audio.clip import AudioError
from core.cli import main
from core.detect.detection import Detection
from core.score import archive, pool
from core.score.archive import score
from core.score.journal import Journal
from core.score.judging import ROW, failed, judge, read
from core.score.manifest import ArchiveError, read_manifest
from tests.builders import SCORES, HandDetector, channels_apart, clip, one_of_tracks


class Heard(HandDetector):
    """Scores known by pitch, also where a caller listens first and judges after."""

    def listen(self, clip, **_):
        from types import SimpleNamespace

        import numpy as np

        self.heard = self.detect(clip)
        llrs = [w.llr for w in self.heard.windows if w.llr is not None]
        return SimpleNamespace(raw=np.array(llrs), scored=list(range(len(llrs))))

    def judge(self, clip, evidence, *_):
        return self.heard


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A film of two tracks, a call of two parties, a plain clip; what was asked of the decoder."""
    for name in ("film.mp4", "call.wav", "plain.wav"):
        (tmp_path / name).write_bytes(name.encode())
    asked = []

    def decode(source, *, name=None, track=None, channel=None, **_):
        stem = Path(source).stem
        asked.append((stem, track, channel))
        if stem == "film":
            if track not in (None, 1, 2):
                raise AudioError(f"There is no audio track {track}: this file has tracks 1 to 2.")
            return one_of_tracks(track or 1, 220.0, 330.0)
        if stem == "call":
            made = channels_apart(330.0, 220.0)
            return made.apart[channel - 1] if channel else made
        return clip(9.0)

    monkeypatch.setattr(isolated, "decode_safely", decode)
    monkeypatch.setattr("core.detect.registry.load_detector", lambda *_, **__: Heard(SCORES))
    return tmp_path, asked


def detected(capsys, *arguments):
    assert main(["detect", *map(str, arguments)]) == 0
    return capsys.readouterr().out


def test_json_and_csv_have_an_item_a_channel(files, capsys):
    folder, _ = files
    items = json.loads(detected(capsys, folder / "call.wav", "--json"))
    assert [(i["source"]["channel"], i["verdict"]) for i in items] == [
        (1, "authentic"), (2, "synthetic"),
    ]  # fmt: skip
    for item in items:
        made = Detection.from_dict({k: v for k, v in item.items() if k != "file"})
        assert made.source.label == f"clip.wav, channel {item['source']['channel']}"
    rows = list(csv.DictReader(io.StringIO(detected(capsys, folder, "--csv"))))
    assert [(Path(r["file"]).name, r["track"], r["channel"]) for r in rows] == [
        ("call.wav", "1", "1"), ("call.wav", "1", "2"), ("film.mp4", "1", ""),
        ("plain.wav", "1", ""),
    ]  # fmt: skip


def test_the_table_names_the_part_and_what_else_there_is(files, capsys):
    folder, _ = files
    out = detected(capsys, folder / "call.wav", folder / "film.mp4", folder / "plain.wav")
    lines = [line.split("  ")[0] for line in out.splitlines()]
    parts = ["call.wav, channel 1", "call.wav, channel 2", "film.mp4, track 1", "plain.wav"]
    assert [part for part in parts if any(line.endswith(part) for line in lines)] == parts
    assert out.count("Track 1 of 2 (English) was judged.") == 1
    assert "The other is track 2 (German, 9.0 s). Choose with --track N." in out


@pytest.mark.parametrize(
    ("options", "verdict"),
    [([], "synthetic"), (["--track", "1"], "synthetic"), (["--track", "2"], "authentic")],
)
def test_a_track_can_be_chosen(files, capsys, options, verdict):
    folder, _ = files
    (item,) = json.loads(detected(capsys, folder / "film.mp4", "--json", *options))
    assert item["verdict"] == verdict
    assert item["source"]["track"] == int((options or [0, 1])[1])


def test_a_channel_can_be_chosen(files, capsys):
    folder, asked = files
    (item,) = json.loads(detected(capsys, folder / "call.wav", "--json", "--channel", "2"))
    assert (item["source"]["channel"], item["verdict"]) == (2, "synthetic")
    assert asked == [("call", None, 2)]


@pytest.mark.parametrize("option", ["--track", "--channel"])
@pytest.mark.parametrize("given", ["0", "-1", "one", "1.5"])
@pytest.mark.parametrize(
    "command", [["detect"], ["report", "--out=r.html"], ["score", "--out=s.csv"]]
)
def test_parts_are_counted_from_one(files, capsys, command, option, given):
    with pytest.raises(SystemExit):
        main([command[0], "call.wav", *command[1:], f"{option}={given}"])
    assert "is not a number from 1 on" in capsys.readouterr().err


def test_a_track_that_is_not_there_is_said(files, capsys):
    folder, _ = files
    assert main(["detect", str(folder / "film.mp4"), "--track", "3"]) == 2
    assert "film.mp4: There is no audio track 3" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "options", "sections", "again"),
    [
        ("film.mp4", [], ["clip.wav, track 1"], None),
        ("film.mp4", ["--track", "2"], ["clip.wav, track 2"], "--track 2"),
        ("call.wav", [], ["clip.wav, channel 1", "clip.wav, channel 2"], None),
        ("call.wav", ["--channel", "2"], ["clip.wav, channel 2"], "--channel 2"),
    ],
)
def test_a_report_says_which_part_it_is_about(files, name, options, sections, again):
    folder, _ = files
    out = folder / "report.html"
    assert main(["report", str(folder / name), "--out", str(out), *options]) == 0
    page = out.read_text("utf-8")
    for section in sections:
        assert f"{section}: Likely" in page
    assert ("--track" in page or "--channel" in page) == bool(again)
    assert not again or again in page
    assert ("was judged." in page) == (name == "film.mp4")


# --- archives --------------------------------------------------------------------------------


@pytest.fixture
def here(files, monkeypatch):
    """An archive that is scored in this process, so that its decoder can be a test's own."""
    folder, _ = files
    done = []

    def run(items, detector, settings, *_):
        for item in items:
            done.append(item.id)
            yield item, judge(Heard(SCORES), read(item.file, settings), settings)

    monkeypatch.setattr(pool, "run", run)
    monkeypatch.setattr(archive, "identity", lambda loaded: {
        "detector": loaded.id, "weights_sha256": loaded.weights_sha256})  # fmt: skip
    return folder, done


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_an_archive_has_a_row_a_channel(here, suffix):
    folder, _ = here
    items = read_manifest(folder)
    out, windows = folder / f"out.{suffix}", folder / f"windows.{suffix}"
    assert score(items, out, windows_out=windows) == {}
    load = pd.read_csv if suffix == "csv" else pd.read_parquet
    found = load(out)
    assert found["id"].tolist() == ["call.wav", "call.wav", "film.mp4", "plain.wav"]
    assert found["channel"].fillna(0).tolist() == [1, 2, 0, 0]
    assert found["verdict"].tolist() == ["authentic", *["synthetic"] * 3]
    assert found["track"].tolist() == [1, 1, 1, 1]
    counted = load(windows).fillna({"channel": 0}).groupby(["id", "channel"]).size()
    assert counted.to_dict() == {
        ("call.wav", 1): 4, ("call.wav", 2): 4, ("film.mp4", 0): 4, ("plain.wav", 0): 4,
    }  # fmt: skip


def test_a_run_that_stopped_goes_on_with_all_channels(here, monkeypatch):
    folder, done = here
    items, out = read_manifest(folder), folder / "out.csv"
    score(items, folder / "whole.csv")
    add = Journal.add

    def until_the_second(self, id, *rest):
        if id == "film.mp4":
            raise KeyboardInterrupt
        add(self, id, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "add", until_the_second)
        with pytest.raises(KeyboardInterrupt):
            score(items, out)
    done.clear()
    score(items, out)
    assert done == ["film.mp4", "plain.wav"]
    assert out.read_bytes() == (folder / "whole.csv").read_bytes()


@pytest.mark.parametrize("other", [{"track": 2}, {"channel": 1}])
def test_rows_of_other_parts_are_not_gone_on_with(here, other, monkeypatch):
    folder, _ = here
    items, out = read_manifest(folder), folder / "out.csv"
    with monkeypatch.context() as patch:
        patch.setattr(archive, "_write", lambda *_: pytest.fail("stop here"))
        with pytest.raises(pytest.fail.Exception):
            score(items, out)
    with pytest.raises(ArchiveError, match=next(iter(other))):
        score(items, out, **other)
    bad = score(items, out, fresh=True, **other)
    assert not bad


def test_a_file_whose_worker_died_has_one_row():
    settings = dict.fromkeys(ROW, "x")
    (row,) = failed(settings, "It died.")
    assert row["error"] == "It died." and row["channel"] is None
