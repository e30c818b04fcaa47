"""Rates of signs: counted per clip, with exact intervals, from the files as they were put up."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from core.evaluate.tables.loading import load
from training.commands import main
from training.corpus import MANIFEST_COLUMNS
from training.provenance import CODES, exact_interval, rates


@pytest.mark.parametrize(
    ("seen", "of", "low", "high"),
    [(0, 10, 0.0, 0.3085), (10, 10, 0.6915, 1.0), (1, 10, 0.0025, 0.4450), (0, 0, 0.0, 1.0)],
)
def test_intervals_are_those_of_the_tables(seen: int, of: int, low: float, high: float) -> None:
    """Known answers: 1 - 0.025 ** (1 / 10) at the ends; R's binom.test(1, 10)."""
    assert exact_interval(seen, of) == pytest.approx((low, high), abs=1e-4)


def test_rates_count_clips_and_repositories() -> None:
    found = pd.DataFrame(
        [("a", "r/1", "bonafide", "zeros hum"), ("b", "r/1", "bonafide", ""),
         ("c", "r/2", "spoof", "zeros"), ("d", "r/3", "spoof", "zeros")],
        columns=["clip", "repository", "label", "signs"],
    )  # fmt: skip
    table = rates(found, "here").set_index("sign")
    assert list(table.index) == ["any", *sorted(CODES)]
    assert table.loc["clicks", ["seen_spoof", "high_spoof"]].tolist() == [0, 0.8419]
    assert table.loc["zeros", ["seen_bonafide", "seen_spoof"]].tolist() == [1, 2]
    assert table.loc["zeros", ["sources_bonafide", "sources_spoof"]].tolist() == [1, 2]
    assert table.loc["any", ["n_bonafide", "n_spoof"]].tolist() == [2, 2]
    assert table.loc["hum", "share_spoof"] == 0.0


def test_the_command_reads_originals_from_git(tmp_path: Path) -> None:
    repository = tmp_path / "owner+repo"
    repository.mkdir()
    x = 0.1 * np.random.default_rng(0).standard_normal(16_001)
    x[5_000:6_000] = 0
    made = io.BytesIO()
    soundfile.write(made, x, 16_000, format="WAV")
    (repository / "a.wav").write_bytes(made.getvalue())

    def git(*words: str) -> str:
        command = ["git", "-c", "user.name=t", "-c", "user.email=t@t", *words]
        return subprocess.run(
            command, cwd=repository, check=True, capture_output=True, text=True
        ).stdout.strip()

    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "first")
    row = dict.fromkeys(MANIFEST_COLUMNS, "") | {
        "clip": "a", "repository": "owner/repo", "commit": git("rev-parse", "HEAD"),
        "path": "a.wav", "label": "spoof", "split": "test",
        "blob": git("rev-parse", "HEAD:a.wav"),
    }  # fmt: skip
    pd.DataFrame([row]).to_csv(tmp_path / "m.csv", index=False)
    line = ["provenance", "--manifest", str(tmp_path / "m.csv"), "--sources", str(tmp_path)]
    out = tmp_path / "provenance.csv"
    assert main([*line, "--out", str(out)]) == 0
    table = load("provenance", tmp_path).set_index("sign")
    assert table.loc["zeros", "seen_spoof"] == table.loc["any", "n_spoof"] == 1
    assert table.loc["zeros", "source"] == "python -m training provenance --sources DIR"
    # A clip that cannot be had ends the measurement: a share of the others is another figure.
    pd.DataFrame([row | {"blob": "0" * 40}]).to_csv(tmp_path / "m.csv", index=False)
    assert main([*line, "--out", str(out)]) == 2
