"""The same report as `core.show.documents.report.as_html`, as a PDF whose text can be selected."""

from __future__ import annotations

import html
import io
from typing import TYPE_CHECKING, Any

from core.plain import printable

if TYPE_CHECKING:
    import pandas as pd

    from core.show.documents.report import Report

_INK, _QUIET, _LINE = "#1B2430", "#55606D", "#D9DFE5"


def as_pdf(report: Report) -> bytes:
    """A report on A4 pages; its data for programs stays in the HTML form.

    Parameters
    ----------
    report : Report
        As for the HTML form; the figures are the same.

    Returns
    -------
    bytes
        The file; equal for equal reports. Letters that its font lacks are named, as ``<ESC>``.
    """
    from reportlab.lib.pagesizes import A4
    from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer

    styles = _styles()

    def text(words: str, style: str = "body") -> Paragraph:
        return Paragraph(_printable(words), styles[style])

    flow: list[Any] = [text(report.first, "heading")] if report.first else []
    flow += [text(report.title, "title"), _table(report.facts, styles)]
    if report.problems:
        flow += [text(report.trouble, "heading"), *(text(f"- {p}") for p in report.problems)]
    for heading, sentence, frame, svg in report.sections:
        flow.append(text(heading, "heading"))
        if sentence:
            flow.append(text(sentence))
        if svg is not None:
            flow += [Spacer(1, 6), _picture(svg)]
        if frame is not None and len(frame):
            flow.append(_table(_rows(frame), styles, head=True))
    flow += [Spacer(1, 14), text(report.footer, "quiet")]
    if report.data is not None:
        flow.append(
            text("The detections as JSON are inside the HTML form of this report.", "quiet")
        )
    out = io.BytesIO()
    made = SimpleDocTemplate(
        out, pagesize=A4, leftMargin=45, rightMargin=45, topMargin=45, bottomMargin=45,
        title=report.title, author="Spoofscope", invariant=True,
    )  # fmt: skip
    made.build(flow)
    return out.getvalue()


def _styles() -> dict[str, Any]:
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    if "Vera" not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(TTFont("Vera", "Vera.ttf"))
        pdfmetrics.registerFont(TTFont("VeraBd", "VeraBd.ttf"))
    body = ParagraphStyle("body", fontName="Vera", fontSize=8.5, leading=12, textColor=_INK)
    sizes: dict[str, dict[str, Any]] = {
        "title": {"fontName": "VeraBd", "fontSize": 15, "leading": 20, "spaceAfter": 8},
        "heading": {"fontName": "VeraBd", "fontSize": 10.5, "leading": 14, "spaceBefore": 12,
                    "spaceAfter": 4, "keepWithNext": 1},
        "cell": {"fontSize": 7, "leading": 9, "splitLongWords": 1},
        "head": {"fontName": "VeraBd", "fontSize": 7, "leading": 9},
        "quiet": {"textColor": _QUIET, "fontSize": 7.5, "leading": 10},
    }  # fmt: skip
    return {"body": body} | {
        name: ParagraphStyle(name, parent=body, **more) for name, more in sizes.items()
    }


def _printable(words: str) -> str:
    """Text for a paragraph: no markup of its own, and every letter seen.

    The font lacks pictures of controls, which become ``<ESC>``, and many scripts, whose letters
    become ``\\u{4e2d}``, so that different names stay different.
    """
    from reportlab.pdfbase import pdfmetrics

    known = pdfmetrics.getFont("Vera").face.charToGlyph
    shown = (c if ord(c) in known or c in " \n" else _lacking(c) for c in printable(words))
    return html.escape("".join(shown))


_CONTROLS = (  # as their pictures are ordered, from U+2400
    *("NUL", "SOH", "STX", "ETX", "EOT", "ENQ", "ACK", "BEL", "BS", "HT", "LF", "VT"),
    *("FF", "CR", "SO", "SI", "DLE", "DC1", "DC2", "DC3", "DC4", "NAK", "SYN", "ETB"),
    *("CAN", "EM", "SUB", "ESC", "FS", "GS", "RS", "US", "SP", "DEL"),
)


def _lacking(letter: str) -> str:
    at = ord(letter) - 0x2400
    return f"<{_CONTROLS[at]}>" if 0 <= at < len(_CONTROLS) else f"\\u{{{ord(letter):x}}}"


def _rows(frame: pd.DataFrame) -> list[list[str]]:
    def shown(value: Any) -> str:
        if value is None or value != value:
            return ""
        return f"{value:.6g}" if isinstance(value, float) else str(value)

    head = [str(column).replace("_", " ") for column in frame.columns]
    return [head, *([shown(v) for v in row] for row in frame.itertuples(index=False))]


def _table(rows: Any, styles: dict[str, Any], head: bool = False) -> Any:
    from reportlab.platypus import LongTable, Paragraph, TableStyle

    cells = [
        [
            Paragraph(_printable(str(value)), styles["head" if head and not at else "cell"])
            for value in row
        ]
        for at, row in enumerate(rows)
    ]
    longest = [max(min(len(str(row[i])), 60) for row in rows) + 9 for i in range(len(rows[0]))]
    widths = [505 * share / sum(longest) for share in longest]
    # A text may be longer than a page.
    made = LongTable(cells, colWidths=widths, repeatRows=int(head), splitInRow=1)
    made.setStyle(
        TableStyle(
            [("LINEBELOW", (0, 0), (-1, -1), 0.4, _LINE), ("VALIGN", (0, 0), (-1, -1), "TOP")]
        )
    )
    return made


def _picture(svg: bytes) -> Any:
    import vl_convert
    from reportlab.platypus import Image

    made = Image(io.BytesIO(vl_convert.svg_to_png(svg.decode(), scale=2)))
    scale = min(505 / made.imageWidth, 300 / made.imageHeight)
    made.drawWidth, made.drawHeight = made.imageWidth * scale, made.imageHeight * scale
    return made
