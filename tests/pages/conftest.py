"""What the tests of several pages need."""

import csv
import shutil
from pathlib import Path

import pytest

from core.evaluate import tables
from core.show import cache
from tests.builders import SCORES, HandDetector, tone, wav


@pytest.fixture
def results(tmp_path, monkeypatch):
    """A copy of the tables that a test may change."""
    folder = tmp_path / "results"
    shutil.copytree(tables.RESULTS, folder)
    (folder / "embedded.csv").unlink(missing_ok=True)
    monkeypatch.setattr(cache, "RESULTS", folder)
    return folder


def forget() -> None:
    """Let go of what sessions share but for tables, which are kept by folder and time of change."""
    kept = (cache._loaded_detectors, cache._paces, cache.judging_queue, cache.reading_queue)
    for shared in (*kept, cache.takes):
        shared.clear()


@pytest.fixture
def detector(monkeypatch, tmp_path):
    """A detector without a network, and no examples but those a test writes."""
    forget()
    made = HandDetector(SCORES)
    monkeypatch.setattr("core.detect.registry.load_detector", lambda *args, **kwargs: made)
    monkeypatch.setattr("core.show.cache.EXAMPLES", tmp_path)
    yield made
    forget()


@pytest.fixture
def examples(tmp_path) -> Path:
    """Two examples in the folder that `detector` names, and one whose file is gone."""
    (tmp_path / "one.wav").write_bytes(wav(tone(8.0, 330.0)))
    (tmp_path / "two.wav").write_bytes(wav(tone(7.0, 440.0)))
    with (tmp_path / "examples.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "order", "label", "title", "system", "licence", "lesson"])
        writer.writerow(["two.wav", 2, "spoof", "A hard one", "Engine X", "CC0", "Do not guess."])
        writer.writerow(["one.wav", 1, "bona fide", "An easy one", "A reader", "CC0", "Listen."])
        writer.writerow(["gone.wav", 3, "spoof", "Not here", "Engine Y", "CC0", "-"])
    return tmp_path
