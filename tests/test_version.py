"""Which Spoofscope this is can be said wherever it runs."""

import re
import subprocess

import pytest

from core import version
from core.cli import main


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A copy of the project that is no checkout."""
    monkeypatch.setattr(version, "ROOT", tmp_path)
    monkeypatch.setattr(version, "BUILT", tmp_path / "commit.txt")
    version.commit.cache_clear()
    yield tmp_path
    version.commit.cache_clear()


def test_the_command_line_says_it(capsys):
    assert main(["--version"]) == 0
    said = capsys.readouterr().out.strip()
    assert said == version.in_words()
    assert re.fullmatch(r"Spoofscope \d+\.\d+\.\d+, commit (unknown|[0-9a-f]{40}(-dirty)?)", said)


def test_a_checkout_names_its_commit_and_whether_it_was_changed(elsewhere):
    def git(*words: str) -> str:
        who = ("-c", "user.name=x", "-c", "user.email=x@example.org")
        done = subprocess.run(
            ["git", "-C", str(elsewhere), *who, *words], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    git("init")
    (elsewhere / "a").write_text("1")
    git("add", "a")
    git("commit", "-m", "x")
    git("tag", "v9")
    head = git("rev-parse", "HEAD")
    assert version.commit() == head
    (elsewhere / "a").write_text("2")
    version.commit.cache_clear()
    assert version.commit() == f"{head}-dirty"


@pytest.mark.parametrize(
    ("held", "says"),
    [("a" * 40, "a" * 40), ("unknown", "unknown"), ("$Format:%H$", "unknown"), (None, "unknown")],
)
def test_a_build_or_an_archive_names_it_in_a_file(elsewhere, held, says):
    if held is not None:
        version.BUILT.write_text(held + "\n")
    assert version.commit() == says
