"""Detectors are loaded once a process, and only so many clips are analysed at once."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import streamlit as st

from core.detect.detector import DetectorError
from core.evaluate import tables
from core.settings import settings
from core.show import cache
from tests.builders import SCORES, HandDetector, clip


@pytest.fixture(autouse=True)
def fresh():
    st.cache_resource.clear()
    yield
    st.cache_resource.clear()


def test_six_sessions_load_once(monkeypatch):
    loads = []

    def load(id, **kwargs):
        loads.append(id)
        time.sleep(0.05)
        return HandDetector(SCORES)

    monkeypatch.setattr("core.detect.registry.load_detector", load)
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: cache.detector("embedded"), range(6)))
    assert loads == ["embedded"]
    assert len({id(d) for d in found}) == 1


def test_a_refusal_is_not_kept_and_old_detectors_make_room(monkeypatch):
    loads = []

    def load(id, **kwargs):
        loads.append(id)
        if loads.count(id) == 1 and id == "a":
            raise DetectorError("Not now.")
        return HandDetector(SCORES)

    monkeypatch.setattr("core.detect.registry.load_detector", load)
    with pytest.raises(DetectorError):
        cache.detector("a")
    for id in ("a", "b", "c", "d", "b", "a"):
        cache.detector(id)
    assert loads == ["a", "a", "b", "c", "d", "a"]


def test_only_so_many_analyses_run_at_once():
    running, most, lock = 0, 0, threading.Lock()

    class Slow(HandDetector):
        def detect(self, *args, **kwargs):
            nonlocal running, most
            with lock:
                running += 1
                most = max(most, running)
            time.sleep(0.05)
            with lock:
                running -= 1
            return super().detect(*args, **kwargs)

    shared = Slow(SCORES)
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: cache.detect(clip(5.0), shared), range(6)))
    assert {d.verdict for d in found} == {"synthetic"}
    assert most == settings().concurrent_inferences


def test_tables_that_change_are_read_again(monkeypatch, tmp_path):
    import os

    monkeypatch.setattr("core.show.cache.RESULTS", tmp_path)
    assert cache.results("embedded") is None
    table = tmp_path / "embedded.csv"
    head, row = ",".join(tables.FIGURES.columns), "x,x,x,x,x,eer,{},,,1,1,measured,x,"
    table.write_text(f"{head}\n{row.format(1)}\n")
    assert cache.results("embedded")["value"].iloc[0] == 1
    table.write_text(f"{head}\n{row.format(2)}\n")
    os.utime(table, (1, 1))
    assert cache.results("embedded")["value"].iloc[0] == 2
    assert cache.results("../../etc/passwd") is None
