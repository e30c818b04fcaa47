"""Figures as ranked bars and points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

import altair as alt
import pandas as pd

from core.evaluate.names import metric_name
from core.show.figures.charts.marks import (
    PICK,
    SHAPES,
    AnyChart,
    broken,
    by_name,
    legend_rows,
    system_legend,
    titled,
    unchosen,
)
from core.show.theme import LIGHT, Palette

_TICKS = (0, 0.1, 0.5, 1, 2, 5, 10, 20, 30, 40, 50, 75, 100)
"""In percent, where the scale is of square roots."""


def ranked(
    frame: pd.DataFrame,
    metric: str,
    title: str,
    colours: Mapping[str, str],
    *,
    by: str = "condition",
    names: Mapping[str, str] | None = None,
    chosen: Mapping[str, Sequence[str]] | None = None,
    picked: Sequence[str] = (),
    palette: Palette = LIGHT,
) -> AnyChart:
    """Figures of one breakdown, the worst first, systems side by side.

    Up to three systems are bars with their values; more are points. Where most figures would crowd
    at the left, all are points on a square-root scale, which the axis says. Intervals are drawn
    where they are known.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row a figure; at least one.
    metric : str
        Which metric they are, for the axis.
    title : str
        Finding or quantity.
    colours : mapping
        System to colour.
    by : str
        Column of the rows of the chart.
    names : mapping, optional
        Value of ``by`` to a longer name.
    chosen : mapping, optional
        Column to the values wanted of it: what lacks one of them fades.
    picked : sequence of str
        Columns that a click picks; ``by`` where none are given.
    """
    data = _data(frame, by, names or {})
    data["faded"] = unchosen(data, chosen)
    data["end"] = data[["value", "high"]].max(axis=1)
    systems = [s for s in colours if s in set(data["system"])]
    order = data.groupby("name")["value"].max().sort_values(ascending=False).index.tolist()
    single = by == "system"
    few = single or len(systems) <= 3
    longest = max(len(str(n)) for n in order)
    y = alt.Y(
        "name:N",
        title=None,
        sort=order,
        axis=alt.Axis(
            labelLimit=190,
            labelOverlap=False,
            labelExpr=broken("datum.label") if longest > 18 else "datum.label",
        ),
    )
    top = float(data[["value", "high"]].max().max()) or 1.0
    crowded = metric == "eer" and not single and float(data["value"].median()) < top / 8
    x, scale, quantity = _values(metric, top, few, crowded)
    legend = None if single or len(systems) == 1 else system_legend(systems)
    colour = by_name(alt.Color, "system", {s: colours[s] for s in systems}, legend)
    tooltip = _tooltip(metric)
    opacity = alt.OpacityValue(1.0, condition={"test": "datum.faded", "value": 0.3})
    # What fades can still be read.
    pale = {"test": "datum.faded", "value": palette.neutral_text}
    words = alt.ColorValue(palette.text, condition=pale)
    fields = list(picked or (by,))
    pick = alt.selection_point(name=PICK, fields=fields, on="click", empty=False)
    base = alt.Chart(data)
    offset = (
        {} if single or len(systems) == 1 else {"yOffset": alt.YOffset("system:N", sort=systems)}
    )
    end = alt.X("end:Q", scale=scale, title=quantity)
    labels = base.mark_text(align="left", dx=6 if crowded else 4).encode(
        y=y, x=end, text=alt.Text("shown:N"), color=words, **offset
    )
    ends = {"x": alt.X("low:Q", scale=scale), "x2": alt.X2("high:Q")}
    span: dict[str, Any] = {"y": y, **ends, **offset}
    drawn = {"y": y, "x": x, "color": colour, "opacity": opacity, "tooltip": tooltip, **offset}
    known = base.transform_filter("isValid(datum.low)")
    if few and not crowded:
        bars = base.mark_bar(cornerRadiusEnd=2, cursor="pointer").encode(**drawn)
        layers = [bars.add_params(pick), *_whiskers(known, span, opacity, palette), labels]
        step = 17 * len(systems) + 8 if offset else 36 if longest > 18 else 24
    else:
        whiskers = known.mark_rule(strokeWidth=1.5).encode(color=colour, opacity=opacity, **span)
        shapes = dict(zip(systems, cycle(SHAPES), strict=False))
        points = base.mark_point(filled=True, size=48, cursor="pointer").encode(
            shape=by_name(alt.Shape, "system", shapes, legend), **drawn
        )
        layers = [whiskers, points.add_params(pick), *([labels] if few else [])]
        step = max(26, (14 if few else 7) * len(systems))
    legends = 0 if legend is None else legend_rows(systems)
    plot = step * len(order) + 12
    below = systems[0] if len(systems) == 1 and not single else ""
    return titled(alt.layer(*layers), title, plot, palette, legend_rows=legends, subtitle=below)


def _values(metric: str, top: float, few: bool, crowded: bool) -> tuple[alt.X, alt.Scale, str]:
    """The axis of values up to ``top``, its scale, and what it says; of roots where crowded."""
    scale = alt.Scale(
        type="sqrt" if crowded else "linear",
        domain=[0, top * (1.16 if few else 1.04)],
        nice=False,
    )
    axis = alt.Axis(tickCount=6)
    if crowded:
        axis = alt.Axis(values=[t for t in _TICKS if t <= top], format="~g")
    quantity = metric_name(metric) + (", square-root scale" if crowded else "")
    # Never stacked: two figures of one row are two figures, not a sum.
    return alt.X("value:Q", title=quantity, scale=scale, axis=axis, stack=None), scale, quantity


def _whiskers(known: Any, span: dict[str, Any], opacity: Any, palette: Palette) -> list[alt.Chart]:
    """Intervals over bars, with a light edge: half of the line lies on a bar that may be dark."""
    edges = known.mark_rule(color=palette.background, strokeWidth=4, opacity=0.6, aria=False)
    lines = known.mark_rule(color=palette.rule, strokeWidth=1.5)
    return [edges.encode(**span), lines.encode(opacity=opacity, **span)]


def _data(frame: pd.DataFrame, by: str, names: Mapping[str, str]) -> pd.DataFrame:
    """The rows with their name, their value and their interval as they are written."""
    data = frame.copy()
    data["name"] = data[by].map(lambda v: names.get(v, v))
    data["shown"] = data["value"].map(lambda v: f"{v:.2f}" if v >= 0.005 or v == 0 else f"{v:.4f}")
    data.loc[data["kind"] == "corrected", "shown"] += " \u2020"
    data["interval"] = [
        "not known" if pd.isna(a) else f"{a:.3g} to {b:.3g}"
        for a, b in zip(data["low"], data["high"], strict=True)
    ]
    return data


def _tooltip(metric: str) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("system:N", title="System"),
        alt.Tooltip("benchmark:N", title="Benchmark"),
        alt.Tooltip("name:N", title="Condition"),
        alt.Tooltip("shown:N", title=metric_name(metric)),
        alt.Tooltip("interval:N", title="95 % interval"),
        alt.Tooltip("kind:N", title="Kind"),
        alt.Tooltip("source:N", title="Source"),
    ]
