"""Tables in the forms that papers and notes take: LaTeX and Markdown, every text escaped."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from core.plain import printable

if TYPE_CHECKING:
    import pandas as pd

_LATEX: Mapping[str, str] = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "{''}",
    **{c: f"\\{c}" for c in "&%$#_{}"},
    **{c: f"{{{c}}}" for c in "[]*-'`"},  # [ and * after a row's end, and ligatures
}
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#+!|~$&-])")


def latex_text(text: str) -> str:
    """A text that LaTeX prints as it is, in any place."""
    return "".join(_LATEX.get(c, c) for c in printable(text))


def markdown_text(text: str) -> str:
    """A text that Markdown shows as it is, in a cell of a table."""
    return _MARKDOWN.sub(r"\\\1", printable(text))


def as_latex(frame: pd.DataFrame, caption: str = "") -> bytes:
    """A table for a paper, with the rules of ``booktabs``; UTF-8.

    Parameters
    ----------
    frame : pandas.DataFrame
        Numbers are given to six digits; what is not known is a dash.
    caption : str
        Over the table.
    """
    columns = "".join("l" if _is_text(frame[c]) else "r" for c in frame.columns)
    rows = [" & ".join(_cell(v, latex_text) for v in row) for row in frame.itertuples(index=False)]
    head = " & ".join(latex_text(str(c)) for c in frame.columns)
    lines = [
        "% \\usepackage{booktabs}",
        r"\begin{table}",
        r"\centering",
        *([rf"\caption{{{latex_text(caption)}}}"] if caption else []),
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        rf"{head} \\",
        r"\midrule",
        *(rf"{row} \\" for row in rows),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return ("\n".join(lines) + "\n").encode()


def as_markdown(frame: pd.DataFrame) -> bytes:
    """A table as Markdown; UTF-8. Numbers as in `as_latex`."""
    rules = ["---" if _is_text(frame[c]) else "---:" for c in frame.columns]
    rows = [
        [markdown_text(str(c)) for c in frame.columns],
        rules,
        *([_cell(v, markdown_text) for v in row] for row in frame.itertuples(index=False)),
    ]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows).encode()


def _is_text(column: pd.Series) -> bool:
    return any(isinstance(value, str) for value in column)


def _cell(value: Any, escaped: Any) -> str:
    if isinstance(value, str):
        return str(escaped(value))
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "--"
    if isinstance(value, float):
        return _number(value, escaped)
    return str(escaped(str(value)))


def _number(value: float, escaped: Any) -> str:
    digits = f"{value:.6g}"
    return digits.replace("-", "$-$") if escaped is latex_text else digits
