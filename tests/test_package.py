"""The project as a package that pip installs."""

import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


def pinned(name: str) -> dict[str, Requirement]:
    lines = (ROOT / name).read_text("utf-8").splitlines()
    found = [Requirement(line) for line in lines if line and not line.startswith(("#", "-"))]
    return {each.name: each for each in found}


@pytest.mark.parametrize(
    ("file", "asked"),
    [
        ("requirements.txt", PROJECT["dependencies"] + EXTRAS["live"]),
        ("requirements-train.txt", EXTRAS["train"]),
        ("requirements-ray.txt", EXTRAS["ray"]),
    ],
)
def test_the_package_asks_for_what_is_pinned(file, asked):
    pins, asks = pinned(file), {r.name: r for r in map(Requirement, asked)}
    assert pins.keys() == asks.keys()
    for name, pin in pins.items():
        (version,) = pin.specifier
        assert version.version in asks[name].specifier, name


def test_an_installed_package_judges_a_clip_far_from_the_project(tmp_path):
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    entry = (tmp_path / "site").glob("*.dist-info/entry_points.txt")
    assert "spoofscope = core.__main__:main" in next(entry).read_text()
    clip = ROOT / "examples" / "1-easy-navigation-voice.mp3"
    done = subprocess.run(
        [sys.executable, "-m", "core", "detect", str(clip)],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": str(tmp_path / "site")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "synthetic" in done.stdout


def test_uv_looks_beyond_the_index_that_has_a_package_first():
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    uv = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["uv"]
    assert any(line.startswith("--extra-index-url") for line in lines)
    assert uv == {"index-strategy": "unsafe-best-match"}


def test_the_python_that_hosts_are_told_of_is_one_that_the_package_takes():
    version = (ROOT / ".python-version").read_text("utf-8").strip()
    assert version in SpecifierSet(PROJECT["requires-python"])
