"""Parity with authors' code: what is compared, and that the document says what the table says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from core.detect.networks import encoder
from core.detect.networks.over_encoder import HEADS
from core.evaluate.tables.loading import load
from tests.detect.over_encoders import TINY, network, official
from tests.detect.test_aasist import noise
from training import parity
from training.commands import main

ROOT = Path(__file__).parents[2]


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What an authors' code leaves: here our own, which stands in for it."""
    monkeypatch.setitem(encoder.HEADS, TINY["width"], 2)
    made = network("xlsr-sls")
    folder = tmp_path / "left" / "xlsr-sls fairseq"
    folder.mkdir(parents=True)
    above, below = official("xlsr-sls", made, "fairseq")
    torch.save(above | below, folder / "checkpoint.pth")
    waves = noise(64_600)[None]
    with torch.inference_mode():
        logits = made.logits(torch.from_numpy(waves))[0].log_softmax(1).numpy()
    logits[0, 0] += 0.25
    np.savez(folder / "expected.npz", waves=waves, logits=logits)
    about = {"network": "xlsr-sls", "naming": "fairseq", "encoder": "tiny", "source": "here"}
    (folder / "about.json").write_text(json.dumps(about))
    return folder.parent


def test_the_largest_difference_is_found(case: Path) -> None:
    (row,) = parity.compared(case)
    assert row["largest_difference"] == pytest.approx(0.25, abs=1e-3)
    assert (row["network"], row["naming"], row["waves"]) == ("xlsr-sls", "fairseq", 1)


def test_a_folder_without_cases_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["parity", str(tmp_path)]) == 2
    assert "no folders with expected.npz" in capsys.readouterr().err


def test_what_a_folder_lacks_is_named(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (case / "xlsr-sls fairseq" / "about.json").write_text('{"network": "xlsr-sls"}')
    assert main(["parity", str(case)]) == 2
    assert "lacks 'naming'" in capsys.readouterr().err


def test_the_document_holds_the_table_and_every_network_is_in_it() -> None:
    text = (ROOT / parity.DOCUMENT).read_text("utf-8")
    rows = load("network_parity")
    assert parity.refreshed(text, rows) == text
    assert set(rows["network"]) == set(HEADS)
    assert (rows["largest_difference"] <= 1e-5).all()


def test_rows_become_a_table_in_its_place() -> None:
    row = dict.fromkeys(parity.COLUMNS, "x")
    row |= {"source": "a; authors' code: b at c", "largest_logit": 2.5, "largest_difference": 1e-7}
    frame = pd.DataFrame([row])
    text = "before\n<!-- figures: network_parity -->\nold\n<!-- end -->\nafter"
    new = parity.refreshed(text, frame)
    assert "old" not in new and "| b at c | 2.5 | 1e-07 |" in new and new.endswith("after")
