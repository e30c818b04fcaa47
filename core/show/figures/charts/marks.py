"""What charts of figures have in common: colours, titles, legends."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from core.show.theme import LIGHT, Palette, chart_config

PICK = "pick"
"""Name of the click selection of every chart that has one."""


AnyChart = alt.Chart | alt.LayerChart | alt.FacetChart


SHAPES = ("circle", "diamond", "square", "triangle-up", "cross", "triangle-down")


def unchosen(data: pd.DataFrame, chosen: Mapping[str, Sequence[str]] | None) -> pd.Series:
    """Which rows lack a wanted value of some column; none while nothing is wanted."""
    out = pd.Series(False, index=data.index)
    for column, wanted in (chosen or {}).items():
        if len(wanted):
            out |= ~data[column].isin(list(wanted))
    return out


def titled(
    chart: AnyChart,
    title: str,
    plot: int,
    palette: Palette,
    *,
    legend_rows: int = 0,
    subtitle: str = "",
) -> AnyChart:
    # Vega does not wrap titles, and the narrowest page is 390 pixels wide.
    lines = textwrap.wrap(title, 44)
    # The page fits title, axis and legend into the height, so the plot's own comes on top.
    height = (
        plot
        + 18 * (len(lines) + bool(subtitle))
        + 62
        + (18 + 20 * legend_rows if legend_rows else 0)
    )
    # Set one by one: `properties` takes a copy, and holds each to the schema, as the tests do.
    chart.title = alt.Title(
        lines,
        subtitle=subtitle,
        subtitleColor=palette.neutral_text,
        anchor="start",
        fontSize=14,
        color=palette.text,
        offset=10,
        frame="bounds",
    )
    chart.height, chart.width = height, "container"
    chart.description = title
    chart.usermeta = {"dark": palette is not LIGHT}
    chart.config = chart_config(palette)
    return chart


def by_name(
    channel: Callable[..., Any],
    field: str,
    looks: Mapping[str, Any],
    legend: alt.Legend | None,
    title: str | None = None,
) -> Any:
    """A channel, such as `altair.Color`, that gives each name its look."""
    scale = alt.Scale(domain=list(looks), range=list(looks.values()))
    return channel(f"{field}:N", title=title, scale=scale, legend=legend)


def system_legend(systems: Sequence[str]) -> alt.Legend:
    short = "split(datum.label, ' (')[0]"
    columns = -(-len(systems) // legend_rows(systems))
    return alt.Legend(
        orient="bottom", columns=columns, labelLimit=180, labelExpr=short, symbolOpacity=1
    )


def legend_rows(systems: Sequence[str]) -> int:
    # Two names fit side by side on 390 pixels if both are short.
    longest = max(len(s.split(" (")[0]) for s in systems)
    return len(systems) if longest > 22 else -(-len(systems) // 2)


def broken(label: str) -> str:
    """Vega expression: a label in two lines at its first bracket."""
    return f"split(replace({label}, ' (', '\\n('), '\\n')"


def wrapped_labels(labels: Sequence[str], width: int) -> str:
    parts = ", ".join(
        f"{_quoted(label)}: [{', '.join(_quoted(line) for line in textwrap.wrap(label, width))}]"
        for label in labels
    )
    return f"{{{parts}}}[datum.label]"


def _quoted(text: str) -> str:
    """Text as a string of a Vega expression, whatever it holds."""
    return json.dumps(text)
