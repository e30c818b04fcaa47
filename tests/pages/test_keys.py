"""A widget's key begins with its page, so no two pages share a widget's state by accident."""

import ast
from collections import defaultdict
from dataclasses import fields
from pathlib import Path

import pytest

from core.detect.decision import Stance
from core.show import session

ROOT = Path(__file__).resolve().parents[2]
FILES = [*(ROOT / "pages").glob("*.py"), *(ROOT / "core" / "show").rglob("*.py")]
PAGES = {
    "Benchmarks": "benchmarks",
    "Detect": "detect",
    "Live": "live",
    "Overfitting": "overfitting",
    "Systems": "systems",
    "Timeline": "timeline",
    "Under_the_Hood": "hood",
    "Welcome": "welcome",
    "Your_Scores": "scores",
}
"""File of a page -> what its keys begin with, then ``-`` or ``.``; other state: ``spoofscope.``."""

ANYWHERE = {"try-again", "history", "spoofscope-history", "press", "spoofscope-press"}
"""What may stand on any page: a button that ends it, and what keeps history and presses."""


def head(value: ast.expr | None) -> str:
    """What a key begins with; empty where that is no constant."""
    if isinstance(value, ast.JoinedStr):
        value = value.values[0]
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else ""


def keys(source: str) -> set[tuple[str, bool]]:
    """The keys of a file, and whether each is a name in the page's address too."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            given = {word.arg: word.value for word in node.keywords}
            found.add((head(given.get("key")), head(given.get("bind")) == "query-params"))
        if isinstance(node, ast.Assign) and [ast.unparse(t) for t in node.targets] == ["key"]:
            found.add((head(node.value), False))
    return {(key, bound) for key, bound in found if key}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_key_begins_with_its_page(file):
    pages = [PAGES[file.stem]] if file.parent.name == "pages" else list(PAGES.values())
    heads = ("spoofscope.", *(f"{page}{mark}" for page in pages for mark in "-."))
    bare = {key for key, bound in keys(file.read_text("utf-8")) if not bound}
    assert {key for key in bare - ANYWHERE if not key.startswith(heads)} == set()


def test_keys_without_their_page_are_seen():
    source = (
        'x(key="spans")\nkey = f"rows-{x}"\ny(key=f"{x}-a")\nz(key="view", bind="query-params")'
    )
    assert keys(source) == {("spans", False), ("rows-", False), ("view", True)}


def test_no_key_stands_in_two_files():
    homes = defaultdict(list)
    for file in FILES:
        for key, _ in keys(file.read_text("utf-8")):
            homes[key].append(file.name)
    assert len(homes) > 50
    assert {k: h for k, h in homes.items() if len(h) > 1} == {}


def test_what_filters_benchmarks_in_an_address_is_no_other_pages():
    from core.show.figures.view import Filters

    taken = {field.name for field in fields(Filters)} | {field.name for field in fields(Stance)}
    for file in FILES:
        if file.name != "Benchmarks.py" and file.parent.name != "benchmarks":
            assert not {key for key, _ in keys(file.read_text("utf-8"))} & taken, file.name


def test_what_holds_a_clip_is_emptied_with_the_session():
    """Fields for files and recordings of speech have a key of each generation."""
    held = {
        key
        for file in FILES
        for key, _ in keys(file.read_text("utf-8"))
        if "upload-" in key or "recording-" in key
    }
    assert held == set(session.INPUTS)
