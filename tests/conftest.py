"""What holds for all tests."""

import functools
import gc
import os
from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine is slow, not wrong: time limits are those of the whole run.
settings.register_profile("spoofscope", deadline=None, max_examples=30)
settings.register_profile("campaign", deadline=None, max_examples=3_000)
settings.load_profile("spoofscope")

DEAR = tuple(
    f"/test_{name}.py"
    for name in (
        *("archive", "isolated", "cli", "own", "frames", "installation"),
        *("package", "processes", "readme", "routes"),
    )
)
"""Files that take longest, for their processes or what they compute."""


def pytest_make_parametrize_id(val, argname):
    """Name bytes by their place: packed bytes hold the time, and workers must collect the same."""
    return argname if isinstance(val, bytes) else None


def pytest_collection_modifyitems(items):
    """Put first what takes longest, so that no process is left with it in the end."""

    def place(item):
        file = item.nodeid.partition("::")[0]
        return "/browser/" not in file, not file.endswith(DEAR)

    items.sort(key=place)


def pytest_collection():
    """Load modules and find tests without a collector: next to nothing of it is ever let go of."""
    gc.disable()


def pytest_collection_finish():
    """Spare the collector what is loaded: Streamlit has it look at all after each run of a page."""
    gc.freeze()
    gc.enable()


@pytest.fixture
def undrawn(monkeypatch):
    """Blank pictures in reports, for tests of what a report says."""
    blank = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'
    for name, gives in (
        ("make_spec", {}), ("image", blank), ("pictures", [("0.0 to 9.0 s", blank)]),
    ):  # fmt: skip
        monkeypatch.setattr(
            f"core.show.evidence.report.{name}", lambda *_, gives=gives, **__: gives
        )


_looked: dict[tuple[bytes, str | None], object] = {}


@pytest.fixture
def looked_once(monkeypatch):
    """Look once into the same bytes, for tests of what else is said of a file."""
    from core.api import work
    from core.provenance import isolated

    look_safely = isolated.look_safely

    def look(source, anchors=None):
        data = source if isinstance(source, bytes) else Path(source).read_bytes()
        if (data, anchors) not in _looked:
            _looked[data, anchors] = look_safely(source, anchors)
        return _looked[data, anchors]

    for module in (isolated, work):
        monkeypatch.setattr(module, "look_safely", look)


@functools.cache
def _give_way():
    os.nice(10)


def pytest_runtest_setup(item):
    """Let the browser's tests go first: a page has its time, and sound does not wait."""
    if "/browser/" not in item.nodeid:
        _give_way()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Give a worker whole files, and one of them all of the browser's, which share its servers."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid):
            file = super()._split_scope(nodeid)
            return "browser" if "/browser/" in file else file

    config.option.loadscopereorder = False
    return Scheduling(config, log)
