"""Figures as ranked bars and as a heat map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import altair as alt
import pandas as pd

from core.evaluate.names import metric_name
from core.show.benchmark_charts.marks import (
    PICK,
    SHAPES,
    AnyChart,
    broken,
    distinct,
    legend_rows,
    system_legend,
    titled,
    wrapped_labels,
)
from core.show.theme import LIGHT, Palette


def ranked(
    frame: pd.DataFrame,
    metric: str,
    title: str,
    colours: Mapping[str, str],
    *,
    by: str = "condition",
    names: Mapping[str, str] | None = None,
    chosen: Sequence[str] = (),
    palette: Palette = LIGHT,
) -> AnyChart:
    """Figures of one breakdown, the worst first, systems side by side.

    Up to three systems are bars with their values; more are points. Intervals are drawn where they
    are known.

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
        Column of the rows of the chart, which a click picks.
    names : mapping, optional
        Value of ``by`` to a longer name.
    chosen : sequence of str
        Values that are picked now: the others fade.
    palette : Palette
        Colours.
    """
    data = frame.copy()
    data["name"] = data[by].map(lambda v: (names or {}).get(v, v))
    data["shown"] = data["value"].map(lambda v: f"{v:.2f}" if v >= 0.005 or v == 0 else f"{v:.4f}")
    data.loc[data["kind"] == "corrected", "shown"] += " \u2020"
    data["interval"] = [
        "not known" if pd.isna(a) else f"{a:.3g} to {b:.3g}"
        for a, b in zip(data["low"], data["high"], strict=True)
    ]
    data["faded"] = ~data[by].isin(chosen) if len(chosen) else False
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
    scale = alt.Scale(domain=[0, top * (1.16 if few else 1.04)], nice=False)
    # Never stacked: two figures of one row are two figures, not a sum.
    axis = alt.Axis(tickCount=6)
    x = alt.X("value:Q", title=metric_name(metric), scale=scale, axis=axis, stack=None)
    legend = None if single or len(systems) == 1 else system_legend(systems)
    colour = alt.Color(
        "system:N",
        title=None,
        scale=alt.Scale(domain=systems, range=distinct(systems, colours, palette)),
        legend=legend,
    )
    tooltip = [
        alt.Tooltip("system:N", title="System"),
        alt.Tooltip("benchmark:N", title="Benchmark"),
        alt.Tooltip("name:N", title="Condition"),
        alt.Tooltip("shown:N", title=metric_name(metric)),
        alt.Tooltip("interval:N", title="95 % interval"),
        alt.Tooltip("kind:N", title="Kind"),
        alt.Tooltip("source:N", title="Source"),
    ]
    opacity = alt.condition("datum.faded", alt.value(0.25), alt.value(1.0))
    pick = alt.selection_point(name=PICK, fields=[by], on="click", empty=False)
    base = alt.Chart(data)
    offset = (
        {} if single or len(systems) == 1 else {"yOffset": alt.YOffset("system:N", sort=systems)}
    )
    layers: list[alt.Chart] = []
    known = base.transform_filter("isValid(datum.low)")
    if few:
        bars = base.mark_bar(cornerRadiusEnd=2, cursor="pointer").encode(
            y=y, x=x, color=colour, opacity=opacity, tooltip=tooltip, **offset
        )
        whiskers = known.mark_rule(color=palette.rule, strokeWidth=1.5).encode(
            y=y, x=alt.X("low:Q", scale=scale), x2="high:Q", opacity=opacity, **offset
        )
        data["end"] = data[["value", "high"]].max(axis=1)
        labels = base.mark_text(align="left", dx=4, color=palette.text).encode(
            y=y,
            x=alt.X("end:Q", scale=scale, title=metric_name(metric)),
            text="shown:N",
            opacity=opacity,
            **offset,
        )
        layers = [bars.add_params(pick), whiskers, labels]
        step = 17 * len(systems) + 8 if offset else 36 if longest > 18 else 24
    else:
        whiskers = known.mark_rule(strokeWidth=1.5).encode(
            y=y, x=alt.X("low:Q", scale=scale), x2="high:Q", color=colour, opacity=opacity, **offset
        )
        shape = alt.Shape(
            "system:N",
            scale=alt.Scale(
                domain=systems, range=[SHAPES[i % len(SHAPES)] for i in range(len(systems))]
            ),
            legend=legend,
            title=None,
        )
        points = base.mark_point(filled=True, size=48, cursor="pointer").encode(
            y=y, x=x, color=colour, shape=shape, opacity=opacity, tooltip=tooltip, **offset
        )
        layers = [whiskers, points.add_params(pick)]
        step = max(26, 7 * len(systems))
    legends = 0 if legend is None else legend_rows(systems)
    plot = step * len(order) + 12
    below = systems[0] if len(systems) == 1 and not single else ""
    return titled(alt.layer(*layers), title, plot, palette, legend_rows=legends, subtitle=below)


def heat(
    frame: pd.DataFrame,
    metric: str,
    title: str,
    *,
    columns: Sequence[str],
    chosen: Sequence[tuple[str, str]] = (),
    titles: tuple[str, str] = ("Attack", "Codec"),
    palette: Palette = LIGHT,
) -> AnyChart:
    """Attack by codec: one cell a pair, darker is worse, with its value.

    Parameters
    ----------
    frame : pandas.DataFrame
        With ``attack``, ``codec`` and ``value``; a click picks both.
    columns : sequence of str
        Codecs from left to right.
    chosen : sequence of (attack, codec)
        Picked cells: the others fade.
    titles : pair of str
        What the rows and the columns are, where they are no attacks and codecs.
    """
    data = frame.copy()
    data["faded"] = (
        [pair not in set(chosen) for pair in zip(data["attack"], data["codec"], strict=True)]
        if len(chosen)
        else False
    )
    digits = 1 if metric == "eer" else 2
    data["shown"] = data["value"].map(lambda v: f"{v:.{digits}f}")
    middle = (float(data["value"].min()) + float(data["value"].max())) / 2
    # Text must stand out from light cells and dark ones alike, in either theme.
    strong = "datum.value > " + repr(middle)
    dark = palette is not LIGHT
    present = [c for c in columns if c in set(data["codec"])]
    pick = alt.selection_point(name=PICK, fields=["attack", "codec"], on="click", empty=False)
    x = alt.X("codec:N", title=titles[1], sort=present, axis=alt.Axis(orient="top", labelAngle=0))
    rows = sorted(map(str, data["attack"].unique()))
    y = alt.Y(
        "attack:N",
        title=titles[0],
        axis=alt.Axis(
            labelLimit=160,
            labelFontSize=10 if max(map(len, rows)) > 22 else 12,
            labelOverlap=False,
            labelExpr=wrapped_labels(rows, 22),
        ),
    )
    opacity = alt.condition("datum.faded", alt.value(0.3), alt.value(1.0))
    tooltip = [
        alt.Tooltip("system:N", title="System"),
        alt.Tooltip("attack:N", title=titles[0]),
        alt.Tooltip("codec:N", title=titles[1]),
        alt.Tooltip("shown:N", title=metric_name(metric)),
        alt.Tooltip("source:N", title="Source"),
    ]
    base = alt.Chart(data)
    cells = base.mark_rect(cursor="pointer").encode(
        x=x,
        y=y,
        opacity=opacity,
        tooltip=tooltip,
        color=alt.Color(
            "value:Q",
            title=metric_name(metric),
            scale=alt.Scale(range=list(palette.sequential)),
            legend=alt.Legend(orient="bottom", gradientLength=180),
        ),
    )
    light_ink, dark_ink = ("#0F141B", "#FFFFFF") if dark else ("#FFFFFF", "#1B2430")
    # Where cells are too narrow for their figures, the tooltip and the table have them.
    size = alt.ExprRef(f"width < {28 * len(present)} ? 0 : 11")
    text = base.mark_text(fontSize=size).encode(
        x=x,
        y=y,
        text="shown:N",
        opacity=opacity,
        color=alt.condition(strong, alt.value(light_ink), alt.value(dark_ink)),
    )
    height = 26 * data["attack"].nunique() + 24
    return titled(alt.layer(cells.add_params(pick), text), title, height, palette, legend_rows=2)
