"""Damaged bytes, and what a reader opens meanwhile: for tests of files from anywhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

import core

TAG = "<script>alert(1)</script>"
NAMES = [TAG, "=1+1", "@SUM(A1)", "![x](http://example.org/a.png)", "-2+3+cmd|' /C calc'!A0"]
"""Names that a page, a report or a spreadsheet must take as text."""

HOSTILE = "ev\u202eil\u2066\u200b\x1b[31m\x07\x9b\x7f\ufeff;x"
"""A name that reorders, hides and colours; no page, table, message or file may hold it raw."""

CODE = (sys.prefix, sys.base_prefix, str(Path(core.__file__).parent), "/sys/fs/cgroup/")
"""Where libraries look for their modules, and for how many cores there are."""


_WATCHING: list[list[str]] = []
"""What notes the paths that are opened; a hook cannot be taken away again, so there is one."""


@cache
def _hook() -> None:
    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if _WATCHING and event in ("open", "os.listdir", "os.scandir"):
            for seen in _WATCHING:
                seen.append(str(arguments[0]))

    sys.addaudithook(watch)


@contextmanager
def opened() -> Iterator[list[str]]:
    """Every path that is opened or listed meanwhile."""
    _hook()
    seen: list[str] = []
    _WATCHING.append(seen)
    try:
        yield seen
    finally:
        _WATCHING[:] = [other for other in _WATCHING if other is not seen]


def elsewhere(seen: list[str], folder: Path) -> list[str]:
    """What of it lies outside of a folder; modules that are imported late do not count."""
    return [name for name in seen if not name.startswith((str(folder), *CODE))]


def mutated(whole: bytes) -> st.SearchStrategy[bytes]:
    """A whole file with bytes changed, cut away, put in or repeated."""
    place = st.integers(0, len(whole))
    bit = st.tuples(st.just("flip"), place, st.integers(0, 7))
    cut = st.tuples(st.just("cut"), place, place)
    put = st.tuples(
        st.just("put"),
        place,
        st.binary(max_size=6)
        | st.sampled_from(
            [b"\0", b"\n", b" ", b",", b'"', b"\r", b"../", b"\xff", b"\xe2\x80\xa8"]
        ),
    )

    def done(changes: list[tuple[str, int, Any]]) -> bytes:
        data = bytearray(whole)
        for kind, at, what in changes:
            if kind == "flip" and at < len(data):
                data[at] ^= 1 << what
            elif kind == "cut":
                del data[min(at, what) : max(at, what)]
            elif kind == "put":
                data[at:at] = what
        return bytes(data)

    return st.lists(bit | cut | put, min_size=1, max_size=5).map(done)
