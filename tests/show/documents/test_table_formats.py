"""Tables for papers: what was written can be read back, whatever the cells hold."""

import re

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from core.plain import printable
from core.show.documents.table_formats import as_latex, as_markdown, latex_text, markdown_text

texts = st.text(st.characters(codec="utf-8"), max_size=30)
WORDS = {
    r"\textbackslash{}": "\\",
    r"\textasciitilde{}": "~",
    r"\textasciicircum{}": "^",
    r"\textless{}": "<",
    r"\textgreater{}": ">",
    r"\textbar{}": "|",
    "{''}": '"',
}


def read_latex(cell):
    """What LaTeX would print of a cell."""
    pattern = r"\\text\w+\{\}|\{''\}|\{[^{}]\}|\\[&%$#_{}]"
    return re.sub(pattern, lambda m: WORDS.get(m[0]) or m[0].strip("{}\\") or m[0][-1], cell)


@given(texts)
def test_latex_prints_any_text_as_it_is(text):
    written = latex_text(text)
    assert read_latex(written) == printable(text)
    # Nothing that is left alone means anything to LaTeX, nor ends a row or a cell.
    bare = re.sub(r"\\text\w+\{\}|\{''\}|\{[^{}]\}|\\[&%$#_{}]", "", written)
    assert not re.search(r"[\\&%$#_{}~^<>|\"\[\]*'`\n-]", bare)


@given(texts)
def test_markdown_shows_any_text_as_it_is(text):
    written = markdown_text(text)
    assert re.sub(r"\\(.)", r"\1", written) == printable(text)
    assert "\n" not in written and not re.search(
        r"(?<!\\)(\\\\)*[|`<]", written.replace("\\\\", "")
    )


FRAME = pd.DataFrame(
    {"attack": ["A_07", "[x] & y"], "EER (%)": [-1.5, float("nan")], "trials": [10, 2000]}
)


def test_latex_tables_have_a_row_a_line():
    lines = as_latex(FRAME, "EER of 50 % & more").decode().splitlines()
    assert r"\caption{EER of 50 \% \& more}" in lines
    assert r"\begin{tabular}{lrr}" in lines
    assert r"attack & EER (\%) & trials \\" in lines
    assert r"A\_07 & $-$1.5 & 10 \\" in lines
    assert r"{[}x{]} \& y & -- & 2000 \\" in lines


def test_markdown_tables_have_a_row_a_line():
    assert as_markdown(FRAME).decode().splitlines() == [
        r"| attack | EER \(%\) | trials |",
        "| --- | ---: | ---: |",
        r"| A\_07 | -1.5 | 10 |",
        r"| \[x\] \& y | -- | 2000 |",
    ]
