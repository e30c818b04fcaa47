"""Commands of training end with a sentence, and the figures name commands that run."""

from __future__ import annotations

import argparse
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from core.audio.codecs import CODECS
from training import commands
from training.clips import INDEX_COLUMNS
from training.commands import measure
from training.commands.options import EMBEDDED, RESULTS
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


READ_A_CORPUS = {
    "corpus copies": "--out made",
    "corpus vocoders": "--out made --minutes 0.01",
    "corpus quality": "--start nowhere.pt",
    "train": "--out made",
    "holdout": f"--steps 10 --start {EMBEDDED}/model.safetensors",
    "export": f"made --weights {EMBEDDED}/model.safetensors",
    "calibrate": "",
    "contrast": "",
    "families": "",
    "benchmark": "",
    "benchmark --probes": "",
    "benchmark --stretches": "",
    "watermark": "--out kept.csv",
}
"""Commands that read a corpus, and what else they need."""


def with_corpus(parser: argparse.ArgumentParser, name: str = "") -> Iterator[str]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for word, command in action.choices.items():
                yield from with_corpus(command, f"{name} {word}".strip())
        elif "--corpus" in action.option_strings:
            yield name


def test_all_commands_that_read_a_corpus_are_tried_without_clips() -> None:
    assert {line.partition(" --")[0] for line in READ_A_CORPUS} == {*with_corpus(commands.parser())}


@pytest.mark.parametrize("line", READ_A_CORPUS)
def test_a_corpus_without_clips_ends_in_a_sentence_and_nothing_is_replaced(
    line: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").symlink_to(ROOT / "data")
    (tmp_path / "index.csv").write_text(",".join(INDEX_COLUMNS) + "\n")
    (tmp_path / "kept.csv").write_text("measured before")
    said = refused(f"{line} {READ_A_CORPUS[line]} --corpus .", capsys)
    assert "array" not in said and "sample" not in said
    assert (tmp_path / "kept.csv").read_text() == "measured before"


@pytest.mark.parametrize(
    ("family", "most"), [("few", 2), ("single {}", 99), ("copy:world", 99), ("unknown(x)", 99)]
)
def test_without_a_named_family_of_three_there_is_none_to_tell(
    family: str, most: int, tiny_index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index = pd.read_csv(tiny_index, keep_default_na=False)
    spoof = index["label"] == "spoof"
    own = [family.format(i) for i in range(len(index))]
    index = index.assign(family=index["family"].where(~spoof, own), path=index["clip"])
    for name in index["path"]:
        (tmp_path / name).touch()
    index.drop(index.index[spoof][most:]).to_csv(tmp_path / "index.csv")
    assert "No family" in refused(f"families --corpus {tmp_path}", capsys)


@pytest.mark.parametrize("name", ["missing", "table.pt", "table.safetensors", "other.safetensors"])
@pytest.mark.parametrize(
    "line",
    [
        "holdout --corpus {corpus} --start {file}",
        "export {made} --weights {file}",
        f"export {{made}} --recipe embedded-low --weights {EMBEDDED}/model.safetensors "
        "--start {file}",
        "corpus quality --corpus {corpus} --start {file}",
    ],
)
def test_weights_that_cannot_be_used_are_named(
    line: str, name: str, tiny_index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "table.pt").write_text("a,b\n")
    (tmp_path / "table.safetensors").write_text("a,b\n")
    (tmp_path / "other.safetensors").write_bytes(
        (ROOT / EMBEDDED / "familiarity.safetensors").read_bytes()
    )
    places = {"corpus": tiny_index, "file": tmp_path / name, "made": tmp_path / "made"}
    refused(line.format(**places), capsys)


def test_trials_that_are_not_there_are_named_with_the_command_that_makes_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "other-today_samples-dev-gsm, 1 window.csv"
    line = f"benchmark today_samples --split dev --trials {tmp_path} --against"
    said = refused(f"{line} '{tmp_path / name}'", capsys, end="")
    assert said.startswith(f"There are no trials {tmp_path}/embedded-today_samples-dev-gsm, 1")
    made = options_of(said.strip().rpartition("python -m training ")[2])
    assert (made.benchmark, made.split, made.codec) == ("today_samples", "dev", ["gsm"])
    assert (made.windows, made.trials, made.detector) == (1, str(tmp_path), "embedded")
    for detector in ("embedded", "other"):
        (tmp_path / name.replace("other", detector)).write_text("clip,score\na,1\n")
    assert "no table of trials" in refused(f"{line} '{tmp_path / name}'", capsys)
    assert "not called as trials" in refused(f"{line} {tmp_path}/x.csv", capsys)


@pytest.mark.parametrize(
    "line",
    [
        "holdout --start x --steps 0",
        "holdout --start x --most -1",
        "holdout --start x --recipe embedded-encoder --share 1.5",
        "benchmark --windows 0",
        "corpus copies --out x --seconds nan",
        "corpus vocoders --out x --minutes 0",
        "train --out x --threads 0",
    ],
)
def test_numbers_out_of_range_are_refused_before_the_work(
    line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        commands.main(line.split())
    assert "number" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("--recipe embedded-encoder --steps 5", "Leave out --steps"),
        ("--share 0.5", "Give --recipe too"),
        ("--recipe nowhere", "no recipe"),
    ],
)
def test_options_of_another_training_are_refused(
    options: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert says in refused(f"holdout --start {EMBEDDED}/model.safetensors {options}", capsys)


@pytest.mark.parametrize(
    "line",
    [
        "benchmark --out",
        "holdout --start x --out",
        "watermark --out",
        "watermark --answers",
        "provenance --sources x --clips",
    ],
)
def test_a_table_that_cannot_be_written_is_said_before_the_work(
    line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "There is no folder" in refused(f"{line} {tmp_path}/no/x.csv", capsys)


def test_an_update_without_the_table_of_results_is_said_before_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "There is no folder" in refused("benchmark --update", capsys)


def refused(line: str, capsys: pytest.CaptureFixture[str], end: str = ".") -> str:
    """What a command says that ends in one sentence."""
    assert commands.main(shlex.split(line)) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and said.rstrip().endswith(end), said
    assert "Errno" not in said
    return said


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
        if getattr(options, "recipe", None):
            load_recipe(options.recipe)
        if getattr(options, "codec", None) and isinstance(options.codec, list):
            assert all(codec == "none" or codec in CODECS for codec in options.codec)
    codecs = re.search(r'^codecs="(.+)"$', text, re.MULTILINE)
    assert codecs and all(codec in CODECS for codec in codecs[1].split())
