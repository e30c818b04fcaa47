"""What the tests of several pages need."""

import csv
import functools
import os
import pickle
import shutil
from pathlib import Path

import pytest
from streamlit.components.v2.manifest_scanner import scan_component_manifests
from streamlit.runtime.scriptrunner.script_cache import ScriptCache
from streamlit.testing.v1 import AppTest, local_script_runner

from core.evaluate import tables
from core.provenance.found import Provenance
from core.provenance.isolated import look_safely
from core.show import cache
from core.show.documents.chart import make_spec
from tests.builders import ROOT, SCORES, HandDetector, tone, wav

_looked, _scanned = functools.cache(look_safely), functools.cache(scan_component_manifests)
_await_end = local_script_runner.require_widgets_deltas
_get_bytecode = ScriptCache.get_bytecode
_specs: dict[bytes, bytes] = {}


@functools.cache
def _compiled(path: str, changed: int):
    return _get_bytecode(ScriptCache(), path)


def _drawn(build, *arguments, **options):
    """The chart of these arguments, made once."""
    key = pickle.dumps((build, arguments, options))
    if key not in _specs:
        _specs[key] = pickle.dumps(make_spec(build, *arguments, **options))
    return pickle.loads(_specs[key])


def _await(runner, timeout: float) -> None:
    """Sleep until a page has run, and do not ask a thousand times a second."""
    runner._script_thread.join(timeout)
    _await_end(runner, timeout)


@pytest.fixture(autouse=True)
def once(monkeypatch):
    """Look into a file, compile a page, draw a chart and look for components once each."""
    monkeypatch.setattr("core.provenance.isolated.look_safely", _looked)
    scanner = "streamlit.components.v2.manifest_scanner.scan_component_manifests"
    monkeypatch.setattr(scanner, _scanned)
    monkeypatch.setattr(local_script_runner, "require_widgets_deltas", _await)
    compiled = lambda _, path: _compiled(path, os.stat(path).st_mtime_ns)  # noqa: E731
    monkeypatch.setattr(ScriptCache, "get_bytecode", compiled)
    for module in ("detect.result", "detect.windows", "overfitting.chapters", "live.view"):
        monkeypatch.setattr(f"core.show.{module}.make_spec", _drawn)


@pytest.fixture
def unseen(monkeypatch):
    """Files that show nothing of their origin, for long sound, into which looking takes long."""
    monkeypatch.setattr("core.provenance.isolated.look_safely", lambda *_: Provenance())


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
def visit(detector, monkeypatch) -> AppTest:
    """Somebody on Detect with a clip, for whom all pages are open; Live finds no browser."""
    for module in ("component", "shutdown"):
        monkeypatch.setattr(f"streamlit_webrtc.{module}.get_this_session_info", lambda: None)
    at = AppTest.from_file(str(ROOT / "Home.py"), default_timeout=120).run()
    at.switch_page("pages/Detect.py").run()
    at.file_uploader[0].upload("clip.wav", wav(tone(9.0, 220.0))).run()
    return at


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
