"""Commands of training end with a sentence, and the figures name commands that run."""

from __future__ import annotations

import argparse
import re
import shlex
import sys
from pathlib import Path

import pandas as pd
import pytest

from core.audio.codecs import CODECS
from training import commands
from training.commands import measure
from training.commands.options import RESULTS
from training.recipe import load_recipe

ROOT = Path(__file__).parents[2]


def options_of(line: str) -> argparse.Namespace:
    return commands.parser().parse_args(shlex.split(line))


@pytest.mark.parametrize(
    ("package", "line"),
    [
        ("accelerate", "train --out nowhere"),
        ("tensorboard", "train --out nowhere"),
        ("pyworld", "corpus copies --out nowhere"),
        ("onnx", "export nowhere"),
        ("sklearn", "export nowhere --weights nowhere"),
        ("sklearn", "benchmark --probes"),
    ],
)
def test_a_missing_package_is_named_before_the_work_begins(
    package: str,
    line: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    assert commands.main(shlex.split(line)) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"The package {package} is missing. Install what training needs")
    assert "requirements-train.txt" in said and said.count("\n") == 1


@pytest.mark.parametrize(
    ("line", "advice"),
    [("embedded-low", "Name them by --start."), ("embedded --start x", "Leave out --start.")],
)
def test_weights_to_mix_with_are_named_where_the_recipe_keeps_a_share_of_them(
    line: str, advice: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert commands.main(shlex.split(f"export nowhere --weights nowhere --recipe {line}")) == 2
    assert capsys.readouterr().err.endswith(f"{advice}\n")


@pytest.mark.parametrize(
    "line",
    [
        "benchmark --probes --codec gsm",
        "benchmark --stretches --windows 1",
        "benchmark --probes --trials x",
        "benchmark --probes --split dev",
        "calibrate --stretches --codec opus",
        "calibrate --stretches --engine int8",
    ],
)
def test_an_option_that_has_no_effect_is_refused(
    line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert commands.main(line.split()) == 2
    assert "has no effect here" in capsys.readouterr().err


def test_a_package_that_is_missed_later_is_named_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise ModuleNotFoundError("No module named 'a.b'", name="a.b")

    monkeypatch.setattr("training.export.add_families", fail)
    assert commands.main(["families"]) == 2
    assert capsys.readouterr().err.startswith("The package a is missing.")


def test_the_comparison_names_a_command_that_a_shell_understands(tmp_path: Path) -> None:
    for name in ("embedded", "other"):
        trials = pd.DataFrame(
            {
                "trial": [f"t{i}" for i in range(40)],
                "label": ["bonafide", "spoof"] * 20,
                "score": [float(i) for i in range(40)],
                "speaker": "",
                "source": "one",
            }
        )
        trials.to_csv(tmp_path / f"{name}-public_samples-test-none, 1 window.csv", index=False)
    other = shlex.quote(str(tmp_path / "other-public_samples-test-none, 1 window.csv"))
    table = measure._against(options_of(f"benchmark --trials {tmp_path} --against {other}"))
    (source,) = set(table["source"])
    again = options_of(source.removeprefix("python -m training "))
    assert (
        again.against == "DIR/other-public_samples-test-none, 1 window.csv"
        and again.trials == "DIR"
    )


def test_every_figure_names_a_command_that_can_be_read() -> None:
    for source in set(pd.read_csv(ROOT / RESULTS)["source"]):
        assert source.startswith("python -m training ")
        options_of(source.removeprefix("python -m training "))


def test_every_command_of_the_training_guide_can_be_read() -> None:
    text = (ROOT / "training" / "README.md").read_text("utf-8")
    lines = re.findall(r"^ *(?:torchrun .*-m|python -m) training (.+)$", text, re.MULTILINE)
    assert len(lines) > 20
    for line in lines:
        line = re.sub(r"\$\(printf [^)]*\)|#.*", "", line)
        options = options_of(line.replace("$clips", "a b").replace("$other", "aasist"))
        if hasattr(options, "recipe"):
            load_recipe(options.recipe)
        if getattr(options, "codec", None) and isinstance(options.codec, list):
            assert all(codec == "none" or codec in CODECS for codec in options.codec)
    codecs = re.search(r'^codecs="(.+)"$', text, re.MULTILINE)
    assert codecs and all(codec in CODECS for codec in codecs[1].split())
