"""``./run bench``: what it runs by name, and what it says of how that went."""

import importlib
import os
import sys
from types import SimpleNamespace

import pytest

from benchmarks import __main__ as bench
from benchmarks import live, load
from benchmarks.memory import Memory


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["benchmarks", *arguments])
    return bench.main()


@pytest.mark.parametrize("name", bench.NAMES)
def test_every_name_is_a_benchmark(name):
    assert callable(importlib.import_module(f"benchmarks.{name}").main)


@pytest.mark.parametrize(("said", "status"), [((0, 1), 1), ((1, None), 1), ((None, []), 0)])
def test_a_benchmark_that_fails_ends_with_its_status(monkeypatch, said, status):
    given = iter(said)
    monkeypatch.setattr(
        bench.importlib, "import_module", lambda _: SimpleNamespace(main=lambda: next(given))
    )
    assert run(monkeypatch, "live", "load") == status


def test_what_would_have_no_effect_is_refused(monkeypatch, capsys):
    assert run(monkeypatch, "metrics", "--json", "x.json") == 2
    assert run(monkeypatch, "metric") == 2
    assert "leave the names out" in capsys.readouterr().out


def test_memory_is_measured_of_the_shortest_run_too():
    with Memory(os.getpid(), 100.0) as memory:
        pass
    assert memory.peak_bytes() > 1e6


def test_few_answers_have_their_figures_and_none_has_none():
    assert [load.vigintiles(s)[9:10] for s in ([], [7.0], [1.0, 3.0])] == [[], [7.0], [2.0]]
    none = {"frames lost": [0], "windows left out": [0], "median latency (s)": live._median([])}
    assert not live.passed({"together": none})
    assert live.passed({"together": none | {"median latency (s)": live._median([1.0])}})
