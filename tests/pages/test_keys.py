"""No two pages share a widget's state by accident."""

import ast
from collections import defaultdict
from pathlib import Path

from core.detect.decision import Stance

ROOT = Path(__file__).resolve().parents[2]
SHARED = {"empty"}
"""Heads of keys that stand in several files on purpose: frames that keep no state."""


def keys(file: Path) -> set[str]:
    """What keys of a file begin with; one without a constant head is not listed."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.keyword) and node.arg == "key":
            value = node.value
            if isinstance(value, ast.JoinedStr):
                value = value.values[0]
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                found.add(value.value)
    return found


def test_no_key_stands_in_two_files():
    homes = defaultdict(list)
    for file in [*(ROOT / "pages").glob("*.py"), *(ROOT / "core" / "show").rglob("*.py")]:
        for key in keys(file):
            homes[key].append(file.name)
    assert len(homes) > 50
    assert {k: h for k, h in homes.items() if len(h) > 1 and k not in SHARED} == {}


def test_what_filters_benchmarks_in_an_address_is_no_other_pages():
    from dataclasses import fields

    from core.show.benchmark_view import Filters

    taken = {field.name for field in fields(Filters)} | {field.name for field in fields(Stance)}
    for file in [*(ROOT / "pages").glob("*.py"), *(ROOT / "core" / "show").rglob("*.py")]:
        if file.name != "Benchmarks.py":
            assert not keys(file) & taken, file.name
