"""What the README promises runs, and the files that documents name exist."""

import re
from pathlib import Path

import pytest

from core.cli import main

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def test_python_snippet_runs(monkeypatch, capsys):
    (snippet,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    monkeypatch.chdir(ROOT)
    exec(snippet, {})
    assert capsys.readouterr().out.split()[0] in {"synthetic", "authentic", "inconclusive"}


DOCUMENTS = [
    *(ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "CHANGELOG", "training/README")),
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "data" / "models" / "embedded" / "MODEL_CARD.md",
]
EXAMPLES = ("data/benchmarks/NAME.csv", "pages/Name.py", "core/show/name/")
"""What CONTRIBUTING calls files that are to be made."""


def missing_in(document: Path, text: str) -> list[str]:
    """Files that a document links to or names by their path, and that there are not."""
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", text)
    named = re.findall(r"`((?:benchmarks|core|data|docs|pages|tests|training)/[\w./-]*\w/?)`", text)
    return [
        *(link for link in links if not (document.parent / link).exists()),
        *(name for name in named if name not in EXAMPLES and not (ROOT / name).exists()),
    ]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_that_a_document_names_exists(document):
    assert missing_in(document, document.read_text("utf-8")) == []


def test_that_would_be_seen():
    text = "[a](gone.md), [b](README.md), `tests/gone.py`, `tests/test_readme.py`"
    assert missing_in(ROOT / "README.md", text) == ["gone.md", "tests/gone.py"]


def test_command_line_output_is_real(monkeypatch, capsys):
    """The table in the README is what the command prints today, but for machine-made rounding."""
    block = re.search(r"\$ (python -m core detect [^\n]+)\n(.*?)```", README, re.DOTALL)
    assert block
    *_, name, command, files = block[1].split()
    assert (name, command, files) == ("core", "detect", "examples/*")
    monkeypatch.chdir(ROOT)
    assert main([command, files]) == 0
    printed = capsys.readouterr().out
    verdicts = re.compile(r"^(\S+)\s+(synthetic|authentic|inconclusive|not judged)\s", re.MULTILINE)
    assert verdicts.findall(block[2]) == verdicts.findall(printed)
    assert verdicts.findall(block[2])
    scores, weights = re.compile(r" ([+-]\d+\.\d\d) +[\d.]+ s$", re.MULTILINE), "weights [0-9a-f]+"
    of = [[float(llr) for llr in scores.findall(text)] for text in (block[2], printed)]
    assert of[0] == pytest.approx(of[1], abs=0.05) and len(of[0]) == 5
    assert re.findall(weights, block[2]) == re.findall(weights, printed)
