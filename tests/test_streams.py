"""What is no file: standard input, pipes, devices, closed folders, outputs that take nothing."""

import errno
import io
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from core.audio.files import audio_files
from core.cli import main
from core.detect import own_calibration
from core.detect.detector import DetectorError
from core.detect.registry import load_detector
from core.files import atomic_write
from core.score.archive import ArchiveError
from core.score.manifest import read_manifest
from tests.builders import tone, wav

READING = [
    "detect {}", "inspect {}", "report {} --out r.html", "report {}.json --out r.html",
    "score {} --out s.csv", "calibrate embedded {}", "evaluate {}", "evaluate {}.csv",
    "evaluate s.csv --protocol {}", "evaluate s.csv --compare {}", "evaluate s.csv --asv {}",
    "convert {} --to arena", "arena {} --out o", "arena s.csv --out o --meta {}",
    "sasv {}", "sasv s.csv --key {}", "segments {} --reference s.csv",
    "segments t.csv --reference {} --higher spoof",
]  # fmt: skip
"""Commands that read a file, whatever it is for."""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("s.csv").write_text("file,score,label\na,1,bonafide\nb,2,spoof\n")
    Path("t.csv").write_text("file,start,end,score\na,0,1,2\na,1,2,3\n")
    return tmp_path


@pytest.mark.parametrize("line", [line for line in READING if "{}." not in line])
def test_standard_input_is_said_not_to_be_read(line, here, capsys):
    assert main(line.format("-").split()) == 2
    said = capsys.readouterr().err
    assert said == "Standard input is not read: save it in a file, and name that.\n"


@pytest.mark.parametrize("line", READING)
def test_what_is_no_ordinary_file_is_refused_before_it_is_read(line, here, capsys):
    """A pipe would hang and a device never end; a socket cannot be opened, so the test ends."""
    for suffix in ("", ".json", ".csv"):
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(f"one{suffix}")
    assert main([*line.format("one").split()]) == 2
    said = capsys.readouterr().err
    assert "not an ordinary file" in said and said.count("\n") == 1, said


class Full(io.StringIO):
    """A stream to a disk without room, which says so when it is flushed."""

    def flush(self):
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("line", ["--version", "--help", "detectors", "convert s.csv --to arena"])
def test_output_that_cannot_be_written_is_said(line, here, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", Full())
    assert main(line.split()) == 2
    said = capsys.readouterr().err
    assert said.endswith("The output cannot be written: No space left on device.\n")


@pytest.mark.parametrize(
    ("nobody_reads", "line"), [("stdout", "detectors"), ("stderr", "convert s.csv --to arena")]
)
def test_where_nobody_reads_a_command_ends_well_and_its_output_is_whole(nobody_reads, line, here):
    """In a process of its own: at its end Python tries once more what could not be written."""
    theirs, ours = os.pipe()
    os.close(theirs)
    command = [sys.executable, "-m", "core", *line.replace("s.csv", str(here / "s.csv")).split()]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, nobody_reads: ours}
    buffered = os.environ | {"PYTHONUNBUFFERED": ""}
    root = Path(__file__).parents[1]
    done = subprocess.run(command, cwd=root, env=buffered, check=False, **pipes)
    os.close(ours)
    assert (done.returncode, done.stdout or b"", done.stderr or b"") == (
        0,
        b"a -1.0\nb -2.0\n" if nobody_reads == "stderr" else b"",
        b"",
    )


def test_a_command_whose_streams_are_closed_runs(here, monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    assert main(["convert", "s.csv", "--to", "arena", "--output", "o.txt"]) == 0
    assert main(["convert", "missing.csv", "--to", "arena"]) == 2
    assert Path("o.txt").is_file()


def test_a_full_disk_names_the_file(here, monkeypatch, capsys):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space") as error:
        atomic_write("o.txt", "text")
    assert error.value.filename == "o.txt"
    assert main(["convert", "s.csv", "--to", "arena", "--output", "o.txt"]) == 2
    assert capsys.readouterr().err.endswith(
        "o.txt cannot be read or written: No space left on device.\n"
    )


@pytest.fixture
def closed(here, monkeypatch):
    """A folder that only others may search; whoever runs the tests may be let in everywhere."""
    folder = here / "closed"
    folder.mkdir()

    def guarded(name):
        plain = getattr(os, name)

        def call(path=".", *args, **kwargs):
            inside = isinstance(path, (str, os.PathLike)) and Path(path).is_relative_to(folder)
            if inside and (name == "scandir" or Path(path) != folder):
                raise PermissionError(errno.EACCES, "Permission denied", os.fspath(path))
            return plain(path, *args, **kwargs)

        monkeypatch.setattr(os, name, call)

    guarded("stat")
    guarded("scandir")
    access = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode: Path(path) != folder and access(path, mode)
    )
    return folder


def test_a_folder_that_may_not_be_searched_is_said_and_not_passed_over(closed, capsys):
    (closed.parent / "a.wav").write_bytes(wav(tone(1.0, 220.0)))
    assert list(audio_files([str(closed.parent)])) == [closed.parent / "a.wav", closed]
    assert main(["inspect", str(closed)]) == 2
    said = capsys.readouterr().err
    assert said == f"{closed}: This is a folder that you have no permission to search.\n"
    with pytest.raises(ArchiveError, match="no permission"):
        read_manifest(closed)


def test_a_detector_that_may_not_be_read_says_so(closed):
    with pytest.raises(DetectorError, match="no permission"):
        load_detector(str(closed))


def test_where_calibrations_may_not_be_read_there_are_none(closed):
    assert own_calibration.found(closed, "0" * 64) is None
    assert own_calibration.of_detector(closed, "embedded") == []
