"""Figures by kind of voice."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from training.corpus import MANIFEST_COLUMNS
from training.kinds import accused, kind_groups, kinds_of


def manifests(folder: Path) -> Path:
    rows = [
        {"clip": f"{label}{i}", "label": label, "family": family, "split": "test", "kind": kind}
        for label, i, family, kind in (
            ("bonafide", 0, "human", "everyday"), ("bonafide", 1, "human", "research"),
            ("spoof", 0, "Old", "cloud"), ("spoof", 1, "New", "cloud"),
            ("spoof", 2, "New", "research"),
        )
    ]  # fmt: skip
    empty = dict.fromkeys(MANIFEST_COLUMNS, "")
    pd.DataFrame([{**empty, **row} for row in rows]).to_csv(folder / "now_samples.csv", index=False)
    old = {**empty, "clip": "x", "label": "spoof", "family": "Old", "split": "train"}
    pd.DataFrame([old]).to_csv(folder / "more_samples.csv", index=False)
    return folder


def trials() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "trial": ["spoof0", "bonafide0", "bonafide1", "spoof2", "spoof1"],
            "label": ["spoof", "bonafide", "bonafide", "spoof", "spoof"],
            "source": ["a/b"] * 5,
            "verdict": ["synthetic", "synthetic", "authentic", "inconclusive", "synthetic"],
        }
    )


def test_groups_hold_one_kind_of_synthetic_speech_and_all_human_speech(tmp_path: Path) -> None:
    kinds = kinds_of("now_samples", manifests(tmp_path))
    assert kinds is not None and kinds_of("more_samples", tmp_path) is None
    found = {n: set(p["trial"]) for n, p in kind_groups(trials(), kinds).items()}
    human = {"bonafide0", "bonafide1"}
    assert found == {
        "cloud": human | {"spoof0", "spoof1"},
        "research": human | {"spoof2"},
        "known system, new source": human | {"spoof0"},
        "system not trained on": human | {"spoof1", "spoof2"},
        "cloud, known system, new source": human | {"spoof0"},
        "cloud, system not trained on": human | {"spoof1"},
        "research, system not trained on": human | {"spoof2"},
    }


def test_accusations_are_counted_by_kind_and_only_by_sources_of_some_size(tmp_path: Path) -> None:
    kinds = kinds_of("now_samples", manifests(tmp_path))
    assert kinds is not None
    assert [(n, len(p), v) for n, p, v in accused(trials(), kinds)] == [
        ("everyday", 1, 100.0), ("research", 1, 0.0),
    ]  # fmt: skip
    many = pd.concat([trials()] * 10, ignore_index=True)
    assert accused(many, kinds)[-1][0] == "a/b" and accused(many, kinds)[-1][2] == 50.0
