"""A file that is written is whole, or it is the old one."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from core.files import atomic_path, atomic_write
from training.benchmark import update_results


def test_what_is_written_replaces_what_was_there(tmp_path):
    path = tmp_path / "table.csv"
    atomic_write(path, "é")
    atomic_write(path, b"new", sync=True)
    assert path.read_bytes() == b"new"
    assert [p.name for p in tmp_path.iterdir()] == ["table.csv"]


def test_a_write_that_fails_in_the_middle_leaves_the_old_file(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic_path(path) as part:
        part.write_text("hal")
        assert path.read_text() == "old"
        raise RuntimeError
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["table.csv"]


def test_a_kill_in_the_middle_leaves_the_old_file_and_the_next_write_clears_up(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")
    script = (
        "import os, signal, sys\n"
        "from core.files import atomic_path\n"
        "with atomic_path(sys.argv[1]) as part:\n"
        "    part.write_text('hal')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run([sys.executable, "-c", script, str(path)], cwd=root, check=False)
    assert done.returncode == -9
    assert path.read_text() == "old"
    atomic_write(path, "new")
    assert [p.name for p in tmp_path.iterdir()] == ["table.csv"]


def test_the_mode_is_that_of_any_new_file_whatever_the_library_likes(tmp_path):
    plain = tmp_path / "plain"
    plain.touch()
    with atomic_path(tmp_path / "weights.safetensors") as part:
        part.unlink()
        os.close(os.open(part, os.O_CREAT | os.O_WRONLY, 0o600))
    modes = {stat.S_IMODE(p.stat().st_mode) for p in tmp_path.iterdir()}
    assert len(modes) == 1


def test_a_link_stays_one_and_a_pipe_is_written_to(tmp_path):
    (tmp_path / "there").mkdir()
    target, link = tmp_path / "there" / "file", tmp_path / "link"
    target.write_text("old")
    link.symlink_to(target)
    atomic_write(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    done = subprocess.run(
        [sys.executable, "-c", "from core.files import *; atomic_write('/dev/stdout', 'said')"],
        cwd=Path(__file__).resolve().parents[1],
        capture_output=True,
        check=True,
    )
    assert done.stdout == b"said"


def test_results_that_cannot_be_written_stay_the_old_ones(tmp_path, monkeypatch):
    path = tmp_path / "results.csv"
    row = {
        **dict.fromkeys(("system", "benchmark", "subset", "breakdown", "condition"), "a"),
        **{"metric": "eer", "value": 0.1, "low": 0.1, "high": 0.1},
    }
    update_results(path, pd.DataFrame([row]))
    before = path.read_text()

    def full(table, part, **_):
        Path(part).write_text("syst")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    with pytest.raises(OSError, match="No space"):
        update_results(path, pd.DataFrame([{**row, "value": 0.2}]))
    assert path.read_text() == before
