"""Several files in one command: data sets, systems, and their fusion."""

import json

import pytest

from core.cli import main
from core.evaluate.example_scores import example
from core.evaluate.fusion import FOLDS


@pytest.fixture
def folder(tmp_path):
    """Two systems on two data sets, labels apart."""
    for system in (0, 1):
        lines = [line.split(",") for line in example(system).decode().splitlines()[1:]]
        for codec in ("none", "alaw"):
            chosen = [cells for cells in lines if cells[3] == codec]
            path = tmp_path / f"system{system}" / f"{codec}.txt"
            path.parent.mkdir(exist_ok=True)
            path.write_text("".join(f"{c[0]} {c[5]}\n" for c in chosen), "utf-8")
            key = tmp_path / "keys" / f"{codec}.txt"
            key.parent.mkdir(exist_ok=True)
            key.write_text("".join(f"{c[1]} {c[0]} - {c[2]} {c[4]}\n" for c in chosen), "utf-8")
    return tmp_path


def evaluated(capsys, *arguments):
    assert main(["evaluate", *map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def eers(report):
    rows = [r for r in report["figures"] if r["metric"] == "eer"]
    return {r["condition"]: r["value"] for r in rows}


def test_a_folder_is_data_sets_each_with_the_key_that_holds_it(folder, capsys):
    every = ("--protocol", folder / "keys", "--higher", "bonafide")
    report = evaluated(capsys, folder / "system0", *every)
    assert [f["file"] for f in report["files"]] == ["alaw.txt", "none.txt"]
    alone = {}
    for codec in ("none", "alaw"):
        one = evaluated(
            capsys, folder / "system0" / f"{codec}.txt",
            "--protocol", folder / "keys" / f"{codec}.txt", "--higher", "bonafide",
        )  # fmt: skip
        alone[codec] = eers(one)["all"]
    found = eers(report)
    assert {c: found[c] for c in alone} == pytest.approx(alone)
    assert found["mean"] == pytest.approx(sum(alone.values()) / 2)
    assert found["pooled"] == found["all"]
    carried = {(r["taken_from"], r["applied_to"]): r["error"] for r in report["carried"]}
    assert carried["none", "none"] == pytest.approx(alone["none"])
    assert carried["alaw", "none"] >= alone["none"]


def test_a_column_names_data_sets(tmp_path, capsys):
    path = tmp_path / "scores.csv"
    path.write_bytes(example())
    report = evaluated(capsys, path, "--data-set", "codec")
    assert set(eers(report)) == {"all", "none", "alaw", "pooled", "mean"}
    named = tmp_path / "named.csv"
    named.write_bytes(example().replace(b",codec,", b",dataset,", 1))
    assert eers(evaluated(capsys, named)) == eers(report)


def test_several_systems_are_compared_and_fused(folder, tmp_path, capsys):
    every = ("--protocol", folder / "keys", "--higher", "bonafide", "--compare", folder / "system1")
    report = evaluated(capsys, folder / "system0", *every, "--fuse")
    assert [c["with"] for c in report["comparisons"]] == ["system1"]
    fusion = report["fusion"]
    assert f"{FOLDS} folds by speakers" in fusion["about"]
    gain = next(
        g for g in fusion["gains"]
        if (g["system"], g["against"], g["metric"]) == ("Logistic fusion", "system1", "eer")
    )  # fmt: skip
    assert gain["high"] < 0
    learnt = ("--fuse-learn", "data set=none", "--fuse-judge", "alaw")
    apart = evaluated(capsys, folder / "system0", *every, *learnt)["fusion"]
    assert (apart["n_bonafide"], apart["n_spoof"]) == (1000, 1500)
    assert "speakers are in both parts" in " ".join(apart["problems"])
    assert main(["evaluate", *map(str, (folder / "system0", *every)), "--fuse"]) == 0
    text = capsys.readouterr().out
    assert "Logistic fusion" in text and "data set mean" in text and "pooled" in text


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--fuse"], "--fuse takes other systems"),
        (["--compare", "{0}", "--fuse-learn", "codec"], "takes COLUMN=VALUE"),
        (["--compare", "{0}", "--fuse-learn", "codec=gsm"], "No trial has codec gsm"),
        (["--compare", "{0}"] * 6, "At most 5 files"),
        (["--data-set", "nothing"], "has no column nothing"),
        (["{1}"], "There is no file in"),
    ],
)
def test_what_is_wrong_is_said(arguments, sentence, tmp_path, capsys):
    path, empty = tmp_path / "scores.csv", tmp_path / "empty"
    path.write_bytes(example())
    empty.mkdir()
    given = [a.format(path, empty) for a in arguments]
    assert main(["evaluate", str(path), *given]) == 2
    assert sentence in capsys.readouterr().err
