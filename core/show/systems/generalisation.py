"""Errors on corpora that were in training against errors on others, as Altair charts."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from core.evaluate.arena import WAYS
from core.evaluate.tables import FRONT_ENDS
from core.show.figures.charts import AnyChart
from core.show.figures.charts.marks import by_name, titled, wrapped_labels
from core.show.theme import LIGHT, Palette

ALONG = {"parameters": "Parameters", "year": "Year", "inside": "Error in training"}
"""What the errors outside are drawn along -> its name."""

TICKS = (0, 0.5, 1, 2, 5, 10, 20, 30, 40, 50, 60)
SYMBOL: dict[str, Any] = {"symbolSize": 110, "symbolOpacity": 1, "symbolStrokeWidth": 0}
"""Of legends: the outline that marks have would eat their symbols."""

_SHAPES = ("circle", "diamond", "square", "triangle-up", "cross", "triangle-down", "triangle-right")
_NOT_STATED = "not stated"
_ROOT = alt.Scale(type="sqrt", nice=False, padding=14)
_PLACES = alt.Scale(domain=[0, 1])
_AXIS = alt.Axis(values=list(TICKS), format="~g")
_TOOLTIP = {
    "system": "System",
    "outside_shown": "EER outside training",
    "outside_on": "On",
    "inside_shown": "EER on what was in training",
    "inside_on": "On ",
    "front_end": "Front end",
    "parameters_shown": "Parameters",
    "year_shown": "Year",
    "trained_on": "Trained on",
}


def ways(
    points: pd.DataFrame, title: str, *, marked: str = "", palette: Palette = LIGHT
) -> AnyChart:
    """Error outside training by how systems were trained: a point per system, a line per median.

    Parameters
    ----------
    points : pandas.DataFrame
        As `core.evaluate.arena.inside_and_outside` gives them; at least one.
    marked : str
        A system that is drawn in another colour and named.
    """
    data = _described(points)
    order = [way for way in WAYS if way in set(data["way"])]
    data["place"] = _places(data, "way")
    data["is_marked"] = data["system"] == marked
    medians = data.groupby("way", as_index=False)["outside"].median()
    medians["shown"] = medians["outside"].map("median {:.1f} %".format)
    x = alt.X("outside:Q", title="EER (%) outside training, square-root scale", scale=_ROOT,
              axis=_AXIS)  # fmt: skip
    y = alt.Y(
        "way:N",
        title=None,
        sort=order,
        scale=alt.Scale(domain=order, paddingInner=0.35),
        axis=alt.Axis(labelLimit=150, labelExpr=wrapped_labels(order, 18), grid=False),
    )
    dots = (
        alt.Chart(data)
        .mark_point(filled=True, opacity=0.75, stroke=palette.background, strokeWidth=0.8)
        .encode(
            x=x,
            y=y,
            yOffset=alt.YOffset("place:Q", scale=_PLACES),
            size=alt.Size("size:Q", scale=None, legend=None),
            color=alt.ColorValue(
                palette.authentic,
                condition={"test": "datum.is_marked", "value": palette.synthetic},
            ),
            tooltip=[alt.Tooltip(f"{c}:N", title=name) for c, name in _TOOLTIP.items()],
        )
    )
    base = alt.Chart(medians).encode(x=x, y=y)
    lines = base.mark_tick(color=palette.rule, thickness=3, size=54, opacity=1)
    words = base.mark_text(baseline="bottom", dy=-29, color=palette.text, fontWeight="bold")
    own = data[data["is_marked"]].assign(named=data["system"].str.partition(" (")[0] + ", ")
    own["named"] += own["outside_shown"]
    # Where the page is narrow there is room for the figure alone; the title has the name.
    names = [
        alt.Chart(own)
        .mark_text(
            align="left",
            dx=10,
            color=palette.synthetic_text,
            fontSize=alt.ExprRef(f"width {'>=' if wide else '<'} 520 ? 12 : 0"),
        )
        .encode(
            x=x,
            y=y,
            yOffset=alt.YOffset("place:Q", scale=_PLACES),
            text=alt.Text("named:N") if wide else alt.Text("outside_shown:N"),
        )
        for wide in (True, False)
    ]
    layers = alt.layer(dots, lines, words.encode(text=alt.Text("shown:N")), *names)
    return titled(layers, title, 88 * len(order), palette)


def along(
    points: pd.DataFrame,
    title: str,
    *,
    by: str,
    outside_on: str,
    inside_on: str,
    marked: str = "",
    palette: Palette = LIGHT,
) -> AnyChart:
    """Error outside training against size, year, or the error on what was in training.

    A thin line leads from a system's error in training, where one is known, to that outside.

    Parameters
    ----------
    points : pandas.DataFrame
        As `core.evaluate.arena.inside_and_outside` gives them; at least one that has ``by``.
    by : str
        One of `ALONG`; systems of which it is not known are left out.
    outside_on, inside_on : str
        What the errors are of, for the axes.
    marked : str
        A system that is ringed and named.
    """
    data = _described(points[points[by].notna()])
    data["front_end_family"] = data["front_end_family"].where(
        data["front_end_family"] != "", _NOT_STATED
    )
    order = [*FRONT_ENDS, _NOT_STATED]
    present = [f for f in order if f in set(data["front_end_family"])]
    # One colour a front end whatever is left out; what is not stated has that of no verdict.
    colours = dict(zip(order, (*palette.systems[: len(FRONT_ENDS)], palette.neutral), strict=True))
    shapes = dict(zip(order, (*_SHAPES, "triangle-left", "wedge"), strict=True))
    legend = alt.Legend(orient="bottom", columns=1, labelLimit=260, **SYMBOL)
    quantity = f"EER (%) {outside_on}"
    y = alt.Y("outside:Q", title=quantity, scale=_ROOT, axis=_AXIS)
    x = {
        "inside": alt.X("inside:Q", title=f"EER (%) {inside_on}", scale=_ROOT, axis=_AXIS),
        "year": alt.X("year_shown:O", title="Year", axis=alt.Axis(labelAngle=0)),
        "parameters": alt.X(
            "parameters:Q",
            title="Parameters",
            scale=alt.Scale(type="log", nice=True),
            axis=alt.Axis(tickCount=6, labelExpr="replace(format(datum.value, '~s'), 'G', 'B')"),
        ),
    }[by]
    data["place"] = _places(data, "year_shown")
    spread: dict[str, Any] = (
        {"xOffset": alt.XOffset("place:Q", scale=_PLACES)} if by == "year" else {}
    )
    base = alt.Chart(data).encode(x=x, **spread)
    dots = base.mark_point(
        filled=True, opacity=0.85, stroke=palette.background, strokeWidth=0.8
    ).encode(
        y=y,
        color=by_name(alt.Color, "front_end_family", {f: colours[f] for f in present}, legend),
        shape=by_name(alt.Shape, "front_end_family", {f: shapes[f] for f in present}, legend),
        size=alt.Size("size:Q", scale=None, legend=None),
        tooltip=[alt.Tooltip(f"{c}:N", title=name) for c, name in _TOOLTIP.items()],
    )
    ring = base.transform_filter(alt.datum.system == marked).encode(y=y)
    ringed = ring.mark_point(size=420, color=palette.synthetic, strokeWidth=2)
    name = ring.mark_text(dy=-18, color=palette.synthetic_text).encode(
        text=alt.Text("outside_shown:N")
    )
    if by == "inside":
        top = float(min(data["inside"].max(), data["outside"].max()))
        steps = pd.DataFrame({"inside": [i * top / 40 for i in range(41)]})
        under = (
            alt.Chart(steps)
            .mark_line(color=palette.neutral, strokeDash=[3, 4], strokeWidth=1.5)
            .encode(x=x, y=alt.Y("inside:Q", title=quantity, scale=_ROOT, axis=_AXIS))
        )
    else:
        known = base.transform_filter("isValid(datum.inside)")
        under = known.mark_rule(color=palette.neutral, opacity=0.55).encode(
            y=alt.Y("inside:Q", title=quantity, scale=_ROOT, axis=_AXIS), y2=alt.Y2("outside:Q")
        )
    layers = alt.layer(under, dots, ringed, name)
    return titled(layers, title, 380, palette, legend_rows=len(present))


def _places(data: pd.DataFrame, column: str) -> pd.Series:
    """Where in its row a point lies, 0 to 1: spread in order, so that none hides another."""
    groups = data.groupby(column)["outside"]
    alone = groups.transform("size") == 1
    return (groups.rank(method="first") * 0.618 % 1.0).where(~alone, 0.5)


def _described(points: pd.DataFrame) -> pd.DataFrame:
    data = points.copy()
    data["size"] = data["parameters"].map(size)
    data["parameters_shown"] = data["parameters"].map(count)
    data["year_shown"] = data["year"].map(lambda y: _NOT_STATED if pd.isna(y) else f"{y:.0f}")
    for side in ("inside", "outside"):
        data[f"{side}_shown"] = data[side].map(
            lambda v: "not reported" if pd.isna(v) else f"{v:.2f} %"
        )
    return data


def size(parameters: float) -> float:
    """Area of a point: a step for every factor of ten; the smallest where it is not known."""
    if pd.isna(parameters):
        return 60.0
    digits = len(f"{parameters:.0f}")
    return 60.0 + 45.0 * max(1, digits - 4)


def count(parameters: float) -> str:
    """A number of parameters in words."""
    if pd.isna(parameters):
        return _NOT_STATED
    for unit, word in ((1e9, "billion"), (1e6, "million"), (1e3, "thousand")):
        if parameters >= unit:
            return f"{parameters / unit:.3g} {word}"
    return f"{parameters:.0f}"
