"""A clip with a synthetic part, judged by the embedded detector behind the API and the command."""

import io
import json

import pandas as pd
import pytest
import requests

from core.cli import main
from core.detect.detection import IN_PART
from core.detect.detector import Detector
from tests.builders import spliced, wav


@pytest.fixture(autouse=True)
def judged_once(looked_once, monkeypatch):
    """The same samples with the same settings score the same, so they are scored once."""
    detect, made = Detector.detect, {}

    def again(self, clip, *, progress=None, **settings):
        key = (self.id, clip.samples.tobytes(), clip.source, repr(settings))
        if key not in made:
            made[key] = detect(self, clip, progress=progress, **settings)
        return made[key]

    monkeypatch.setattr(Detector, "detect", again)
    yield
    assert len(made) < 4


def test_the_part_is_the_verdict_of_both_and_in_the_report(undrawn, address, tmp_path, capsys):
    file = tmp_path / "spliced.wav"
    file.write_bytes(wav(spliced()))
    (item,) = requests.post(f"{address}/detect", data=file.read_bytes(), timeout=120).json()
    (stretch,) = [s for s in item["stands_out"] if s["called_synthetic"]]
    assert item["verdict"] == IN_PART and item["llr"] < 0
    assert 16.6 < stretch["start_s"] < 18.6 and 20.6 < stretch["end_s"] < 22.6
    assert main(["detect", "--csv", str(file)]) == 0
    row = pd.read_csv(io.StringIO(capsys.readouterr().out)).iloc[0]
    assert row["verdict"] == IN_PART
    assert row["parts"] == f"{stretch['start_s']:.1f}-{stretch['end_s']:.1f}"
    said = f"Likely synthetic in part: {stretch['start_s']:.1f} to {stretch['end_s']:.1f} s"
    assert main(["detect", str(file)]) == 0
    assert f"  {said}.\n" in capsys.readouterr().out
    report = tmp_path / "report.html"
    assert main(["report", str(file), "--out", str(report)]) == 0
    assert said in report.read_text("utf-8")
    saved = tmp_path / "saved.json"
    saved.write_text(json.dumps(item))
    assert main(["report", str(saved), "--out", str(report)]) == 0
    assert said in report.read_text("utf-8")
