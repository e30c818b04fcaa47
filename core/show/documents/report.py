"""What a reader takes away from "Your scores": CSV that is safe to open, and one HTML report."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from core.plain import csv_of, json_text, printable

if TYPE_CHECKING:
    import pandas as pd

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;
color:#1B2430;background:#fff}
table{border-collapse:collapse;width:100%;font-size:.85rem;display:block;overflow-x:auto}
th,td{border-bottom:1px solid #D9DFE5;padding:.3rem .6rem;text-align:right;white-space:nowrap}
th:first-child,td:first-child,th.text,td.text{text-align:left}
svg{max-width:100%;height:auto}
footer{color:#55606D;font-size:.85rem;margin-top:2rem}
td.text{white-space:normal;overflow-wrap:anywhere;min-width:6rem}
@media print{h2{break-after:avoid}svg,tr{break-inside:avoid}body{max-width:none;margin:0}}
"""


@dataclass
class Report:
    """Sections of a report, in order.

    Attributes
    ----------
    title : str
        Heading.
    facts : list of (str, str)
        What was evaluated and how.
    problems : list of str
        Sentences.
    sections : list of (heading, sentence, table or None, SVG or None)
        The body.
    trouble, footer, first : str
        Heading over the problems, the last line, and the line over everything else.
    data : any
        What JSON can hold: put into the file for programs, where there is any.
    """

    title: str
    facts: list[tuple[str, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    sections: list[tuple[str, str, pd.DataFrame | None, bytes | None]] = field(default_factory=list)
    trouble: str = "What was wrong with the files"
    footer: str = "Made by Spoofscope. Error rates of one benchmark say little about other data."
    data: Any = None
    first: str = ""


def as_html(report: Report) -> bytes:
    """One self-contained file: no script, nothing fetched, every given text escaped."""
    e = _escaped
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; "
        "style-src 'unsafe-inline'; img-src data:\">",
        '<meta name=viewport content="width=device-width">',
        f"<title>{e(report.title)}</title><style>{_STYLE}</style>",
        f"<p class=first><strong>{e(report.first)}</strong></p>" if report.first else "",
        f"<h1>{e(report.title)}</h1>",
        "<table>",
        *(f"<tr><th>{e(k)}</th><td class=text>{e(v)}</td></tr>" for k, v in report.facts),
        "</table>",
    ]
    if report.problems:
        parts.append(f"<h2>{e(report.trouble)}</h2><ul>")
        parts += [f"<li>{e(p)}</li>" for p in report.problems]
        parts.append("</ul>")
    for heading, sentence, table, svg in report.sections:
        parts.append(f"<h2>{e(heading)}</h2>")
        if sentence:
            parts.append(f"<p>{e(sentence)}</p>")
        if svg is not None:
            parts.append(re.sub(r"^<\?xml[^>]*>|<!DOCTYPE[^>]*>", "", svg.decode()))
        if table is not None:
            parts.append(_table(table))
    parts.append(f"<footer>{e(report.footer)}</footer>")
    if report.data is not None:
        # "<" cannot end the block early where it is written as an escape.
        held = json_text(report.data, indent=None).replace("<", "\\u003c")
        parts.append(f'<script type="application/json" id="data">{held}</script>')
    parts.append("</html>")
    return "\n".join(parts).encode()


def as_csv(frame: pd.DataFrame) -> bytes:
    """A table as CSV for a spreadsheet; see `core.plain.csv_text`."""
    return csv_of(frame).encode()


def _escaped(text: str) -> str:
    return html.escape(printable(text))


def _table(frame: pd.DataFrame) -> str:
    texts = [len(frame) > 0 and isinstance(value, str) for value in frame.head(1).to_numpy().flat]
    head = "".join(
        f"<th{' class=text' * text}>{_escaped(str(c))}</th>"
        for c, text in zip(frame.columns, texts or [False] * frame.shape[1], strict=True)
    )
    rows = [
        "<tr>" + "".join(_cell(value) for value in row) + "</tr>"
        for row in frame.itertuples(index=False)
    ]
    return f"<table><tr>{head}</tr>{''.join(rows)}</table>"


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return f"<td class=text>{_escaped(value)}</td>"
    if isinstance(value, float):
        return f"<td>{'' if value != value else f'{value:.6g}'}</td>"
    return f"<td>{'' if value is None else _escaped(str(value))}</td>"
