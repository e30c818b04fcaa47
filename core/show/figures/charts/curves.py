"""What a moving threshold trades, and differences of two systems."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from statistics import NormalDist
from typing import Any

import altair as alt
import pandas as pd

from core.evaluate.names import metric_name
from core.show.figures.charts.marks import (
    AnyChart,
    by_name,
    legend_rows,
    system_legend,
    titled,
)
from core.show.theme import LIGHT, Palette

_DET_TICKS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4)


_normal = NormalDist()


_OPERATING_POINT = by_name(
    alt.Shape,
    "point",
    {"equal errors": "circle", "lowest cost": "diamond", "Bayes threshold": "square"},
    None,  # a second legend leaves a narrow page; the page says it in words
)


def _probit_axis() -> alt.Axis:
    """Ticks at even rates, where normal deviates put them, in percent."""
    ticks = [round(_probit(p), 4) for p in _DET_TICKS]
    words = ", ".join(f"'{t:.2f}': '{100 * p:g}'" for t, p in zip(ticks, _DET_TICKS, strict=True))
    words = words.replace("-", "\u2212")  # Vega writes a true minus sign
    return alt.Axis(values=ticks, labelExpr=f"{{{words}}}[format(datum.value, '.2f')]")


def det(
    band: pd.DataFrame,
    points: pd.DataFrame,
    title: str,
    colours: Mapping[str, str],
    *,
    palette: Palette = LIGHT,
    height: int = 420,
) -> AnyChart:
    """Detection error trade-off on normal-deviate axes, with bands and operating points.

    Parameters
    ----------
    band : pandas.DataFrame
        ``system``, ``p_fa``, ``p_miss``, ``low``, ``high`` (0-1).
    points : pandas.DataFrame
        ``system``, ``p_fa``, ``p_miss``, ``point`` (what it is) and ``cost`` (text).
    """
    systems = [s for s in colours if s in set(band["system"])]
    axis = _probit_axis()
    ends = [_probit(0.0008), _probit(0.42)]
    scale = alt.Scale(domain=ends, nice=False)
    data = pd.DataFrame({"system": band["system"], "x": band["p_fa"].map(_probit)})
    for column, name in (("p_miss", "y"), ("low", "y_low"), ("high", "y_high")):
        data[name] = band[column].map(_probit)
    data["fa"], data["miss"] = 100 * band["p_fa"], 100 * band["p_miss"]
    marks = points.assign(x=points["p_fa"].map(_probit), y=points["p_miss"].map(_probit))
    marks["fa"], marks["miss"] = 100 * points["p_fa"], 100 * points["p_miss"]
    x = alt.X("x:Q", title="Missed fakes: spoofed speech passed (%)", scale=scale, axis=axis)
    shared: dict[str, Any] = {
        "title": "False accusations: human speech rejected (%)",
        "scale": scale,
        "axis": axis,
    }
    y = alt.Y("y:Q", **shared)
    looks = {s: colours[s] for s in systems}
    colour = by_name(alt.Color, "system", looks, system_legend(systems))
    tooltip = [
        alt.Tooltip("system:N", title="System"),
        alt.Tooltip("fa:Q", title="Missed fakes (%)", format=".2f"),
        alt.Tooltip("miss:Q", title="False accusations (%)", format=".2f"),
    ]
    areas = (
        alt.Chart(data.dropna(subset=["y_low", "y_high"]))
        .mark_area(opacity=0.14, clip=True)
        .encode(x=x, y=alt.Y("y_low:Q", **shared), y2=alt.Y2("y_high:Q"), color=colour)
    )
    lines = (
        alt.Chart(data)
        .mark_line(clip=True, strokeWidth=2)
        .encode(x=x, y=y, color=colour, tooltip=tooltip, order=alt.Order("x:Q"))
    )
    diagonal = (
        alt.Chart(pd.DataFrame({"x": ends}))
        .mark_line(color=palette.neutral, strokeDash=[2, 4], strokeWidth=1)
        .encode(x=x, y=alt.Y("x:Q", **shared))
    )
    spots = (
        alt.Chart(marks)
        .mark_point(size=150, filled=True, opacity=1, stroke=palette.background, clip=True)
        .encode(
            x=x,
            y=y,
            color=colour,
            shape=_OPERATING_POINT,
            tooltip=[
                alt.Tooltip("point:N", title="Point"),
                *tooltip,
                alt.Tooltip("cost:N", title="DCF"),
            ],
        )
    )
    rows = legend_rows(systems)
    return titled(
        alt.layer(areas, diagonal, lines, spots), title, height, palette, legend_rows=rows
    )


def differences(
    frame: pd.DataFrame, metric: str, title: str, *, palette: Palette = LIGHT
) -> AnyChart:
    """Differences of two systems by condition with intervals; grey where none is shown.

    Parameters
    ----------
    frame : pandas.DataFrame
        ``condition``, ``difference``, ``low``, ``high``, ``p_holm``, ``first``, ``second``.
    """
    data = frame.copy()
    first, second = data["first"].iloc[0], data["second"].iloc[0]
    data["verdict"] = "not told apart"
    sure = data["p_holm"] < 0.05
    data.loc[sure & (data["difference"] > 0), "verdict"] = f"{second} better"
    data.loc[sure & (data["difference"] < 0), "verdict"] = f"{first} better"
    # All trials together come first; whatever is narrower follows by its difference.
    pooled = data["breakdown"] == "overall" if "breakdown" in data else False
    ranks = data.assign(pooled=pooled).sort_values(["pooled", "difference"], ascending=False)
    order = ranks["condition"].tolist()
    axis = alt.Axis(labelLimit=160, labelOverlap=False)
    y = alt.Y("condition:N", title=None, sort=order, axis=axis)
    unit = " (points)" if metric == "eer" else ""
    axis_title = f"{metric_name(metric, unit=False)}: {first} minus {second}{unit}"
    titles = textwrap.wrap(axis_title, 46)
    x = alt.X("difference:Q", title=titles)
    verdicts = (f"{first} better", f"{second} better", "not told apart")
    colours = dict(zip(verdicts, (*palette.series[:2], palette.neutral), strict=True))
    legend = alt.Legend(orient="bottom", columns=1, labelLimit=260)
    colour = by_name(alt.Color, "verdict", colours, legend)
    tooltip = [
        alt.Tooltip("condition:N", title="Condition"),
        alt.Tooltip("difference:Q", title="Difference", format="+.3f"),
        alt.Tooltip("low:Q", title="From", format="+.3f"),
        alt.Tooltip("high:Q", title="To", format="+.3f"),
        alt.Tooltip("p_holm:Q", title="p, adjusted", format=".3f"),
    ]
    base = alt.Chart()
    zero = (
        alt.Chart(alt.InlineData(values=[{"zero": 0.0}]))
        .mark_rule(color=palette.rule, strokeDash=[4, 4])
        .encode(x=alt.X("zero:Q", title=titles))
    )
    whiskers = base.mark_rule(strokeWidth=2).encode(
        y=y, x=alt.X("low:Q", title=titles), x2=alt.X2("high:Q"), color=colour
    )
    points = base.mark_point(filled=True, size=70, opacity=1).encode(
        y=y, x=x, color=colour, tooltip=tooltip
    )
    layers = alt.layer(zero, whiskers, points, data=data)
    return titled(layers, title, 24 * len(data) + 44 + 14 * len(titles), palette, legend_rows=3)


def _probit(p: float) -> float:
    if p != p:  # no interval there
        return p
    return _normal.inv_cdf(min(max(p, 1e-5), 1 - 1e-5))
