"""Figures as heat maps: attacks by codecs, and attacks by systems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from core.evaluate.names import bare, metric_name
from core.show.figures.charts.marks import (
    PICK,
    AnyChart,
    titled,
    unchosen,
    wrapped_labels,
)
from core.show.theme import INKS, LIGHT, Palette, faded, ink

_LEFT = 0.35
"""How much of its colour a cell keeps that was not chosen."""


def heat(
    frame: pd.DataFrame,
    metric: str,
    title: str,
    *,
    columns: Sequence[str],
    chosen: Mapping[str, Sequence[str]] | None = None,
    titles: tuple[str, str] = ("Attack", "Codec"),
    palette: Palette = LIGHT,
) -> AnyChart:
    """Attack by codec: one cell per pair, coloured in ten steps, with its value.

    Parameters
    ----------
    frame : pandas.DataFrame
        With ``attack``, ``codec`` and ``value``; a click picks both.
    columns : sequence of str
        Codecs from left to right.
    chosen : mapping, optional
        Column to the values wanted of it: other cells fade, and stay readable.
    titles : pair of str
        What the rows and the columns are, where they are no attacks and codecs.
    """
    data = frame.copy()
    top = float(data["value"].max()) or 1.0
    digits = 1 if metric == "eer" else 2
    data["shown"] = data["value"].map(lambda v: f"{v:.{digits}f}")
    data["faded"] = unchosen(data, chosen)
    _colour(data, data["value"] / top, palette.sequential, palette)
    present = [c for c in columns if c in set(data["codec"])]
    rows = sorted(map(str, data["attack"].unique()))
    pick = alt.selection_point(name=PICK, fields=["attack", "codec"], on="click", empty=False)
    x = alt.X("codec:N", title=titles[1], sort=present, axis=alt.Axis(orient="top", labelAngle=0))
    tooltip = {
        "system": "System",
        "attack": titles[0],
        "codec": titles[1],
        "shown": metric_name(metric),
        "source": "Source",
    }
    data["cell"] = data["codec"] + ", " + data["attack"] + ": " + data["shown"]
    layers = _cells(x, _rows(rows, titles[0]), tooltip, len(present))
    layers[0] = layers[0].add_params(pick)
    legend = _legend(0, top, palette.sequential, metric_name(metric), f".{digits}f")
    height = 26 * len(rows) + 24
    return titled(_layered(data, *layers, legend), title, height, palette, legend_rows=2)


def compared(
    frame: pd.DataFrame,
    metric: str,
    title: str,
    *,
    systems: Sequence[str],
    differences: bool,
    palette: Palette = LIGHT,
) -> AnyChart:
    """Attack by system: the figures, or how far each lies from that of the first system.

    Parameters
    ----------
    frame : pandas.DataFrame
        ``attack`` (in order), ``system``, ``value``, ``difference`` and ``source``.
    systems : sequence of str
        From left to right; the first is what the others are compared with.
    differences : bool
        Whether cells show differences: blue where a system errs less than the first.
    """
    data = frame.copy()
    values = data["difference"] if differences else data["value"]
    digits = 1 if values.abs().max() >= 10 else 2
    sign = "+" if differences else ""
    data["shown"] = values.round(digits).map(
        lambda v: f"{v:{sign if v else ''}.{digits}f}".replace("-", "\u2212" if v else "")
    )
    data["both"] = [
        f"{v:.2f} ({d:+.2f})" for v, d in zip(data["value"], data["difference"], strict=True)
    ]
    data["faded"] = False
    top = float(values.abs().max()) or 1.0
    low, colours = 0.0, palette.sequential
    if differences:  # what hardly differs has no colour
        low, colours = -top, (*palette.diverging[:5], palette.surface, *palette.diverging[5:])
    _colour(data, (values - low) / (top - low), colours, palette)
    x = alt.X(
        "system:N",
        title=None,
        sort=list(systems),
        axis=alt.Axis(orient="top", labelAngle=-35, labelLimit=190, labelOverlap=False),
    )
    y = _rows(list(data["attack"].unique()), None)
    tooltip = {
        "system": "System",
        "attack": "Attack",
        "both": f"{metric_name(metric)}, and less that of {systems[0]}",
        "source": "Source",
    }
    data["cell"] = data["system"] + ", " + data["attack"] + ": " + data["both"]
    layers = _cells(x, y, tooltip, len(systems))
    points = " (points)" if metric == "eer" else ""
    words = f"Difference of {bare(metric)}{points}" if differences else metric_name(metric)
    legend = _legend(low, top, colours, words, f"{sign}.{digits}f")
    height = 26 * data["attack"].nunique() + 110
    return titled(_layered(data, *layers, legend), title, height, palette, legend_rows=2)


def _layered(data: pd.DataFrame, *layers: alt.Chart) -> AnyChart:
    return alt.layer(*layers, data=data, resolve=alt.Resolve(scale={"color": "independent"}))


def _colour(data: pd.DataFrame, share: pd.Series, colours: Sequence[str], palette: Palette) -> None:
    """Add ``fill`` and ``ink`` by how far along the colours each figure lies, 0 to 1."""
    last = len(colours) - 1
    fill = [colours[min(last, int(len(colours) * float(s)))] for s in share]
    data["fill"] = [
        faded(colour, palette.background, _LEFT) if dim else colour
        for colour, dim in zip(fill, data["faded"], strict=True)
    ]
    data["ink"] = [ink(colour) for colour in data["fill"]]


def _rows(rows: Sequence[str], title: str | None) -> alt.Y:
    return alt.Y(
        "attack:N",
        title=title,
        sort=list(rows),
        axis=alt.Axis(
            labelLimit=160,
            labelFontSize=10 if max(map(len, rows)) > 22 else 12,
            labelOverlap=False,
            labelExpr=wrapped_labels(rows, 22),
        ),
    )


def _cells(x: alt.X, y: alt.Y, tooltip: Mapping[str, str], n_columns: int) -> list[alt.Chart]:
    """Coloured cells, and their figures in an ink that can be read on each."""
    base = alt.Chart().encode(x=x, y=y)
    cells = base.mark_rect(cursor="pointer").encode(
        color=alt.Color("fill:N", scale=None, legend=None),
        description=alt.Description("cell:N"),
        tooltip=[alt.Tooltip(f"{c}:N", title=words) for c, words in tooltip.items()],
    )
    # Where cells are too narrow for their figures, the tooltip and the table have them.
    size = alt.ExprRef(f"width < {28 * n_columns} ? 0 : 11")
    first, second = INKS
    inked = alt.ColorValue(second, condition={"test": f"datum.ink === '{first}'", "value": first})
    return [
        cells,
        base.mark_text(fontSize=size, aria=False).encode(text=alt.Text("shown:N"), color=inked),
    ]


def _legend(low: float, high: float, colours: Sequence[str], title: str, digits: str) -> alt.Chart:
    """A scale of the colours; the cells bring their own, so that those that fade are right too."""
    scale = alt.Scale(type="quantize", domain=[low, high], range=list(colours))
    legend: Any = alt.Legend(orient="bottom", gradientLength=220, titleLimit=300, format=digits)
    return (
        alt.Chart(alt.InlineData(values=[{"value": low}]))
        .mark_point(opacity=0, size=0, aria=False)
        .encode(color=alt.Color("value:Q", title=title, scale=scale, legend=legend))
    )
