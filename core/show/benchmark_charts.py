"""Benchmark figures as Altair charts: pure builders that know no Streamlit.

Frames have the columns of the figure tables (``system``, ``condition``, ``value``, ``low``,
``high``, ``kind``, ``source``...). Click selections are named `PICK`.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import Any, Literal

import altair as alt
import pandas as pd

from core.evaluate.names import metric_name
from core.show.theme import LIGHT, Palette, chart_config

PICK = "pick"
"""Name of the click selection of every chart that has one."""

AnyChart = alt.Chart | alt.LayerChart | alt.FacetChart

_SHAPES = ("circle", "diamond", "square", "triangle-up", "cross", "triangle-down")
_DET_TICKS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4)
_normal = NormalDist()


def system_colours(systems: Sequence[str], palette: Palette = LIGHT) -> dict[str, str]:
    """One colour a system, in order; it is the same on every chart that gets the same list."""
    return {s: palette.series[i % len(palette.series)] for i, s in enumerate(systems)}


def _distinct(present: Sequence[str], colours: Mapping[str, str], palette: Palette) -> list[str]:
    """Colours of the systems on one chart: a colour that is taken gives way to a free one."""
    taken: list[str] = []
    for system in present:
        free = [c for c in palette.series if c not in taken]
        wanted = colours[system]
        taken.append(wanted if wanted not in taken or not free else free[0])
    return taken


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
            labelExpr=_broken("datum.label") if longest > 18 else "datum.label",
        ),
    )
    top = float(data[["value", "high"]].max().max()) or 1.0
    scale = alt.Scale(domain=[0, top * (1.16 if few else 1.04)], nice=False)
    # Never stacked: two figures of one row are two figures, not a sum.
    axis = alt.Axis(tickCount=6)
    x = alt.X("value:Q", title=metric_name(metric), scale=scale, axis=axis, stack=None)
    legend = None if single or len(systems) == 1 else _system_legend(systems)
    colour = alt.Color(
        "system:N",
        title=None,
        scale=alt.Scale(domain=systems, range=_distinct(systems, colours, palette)),
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
                domain=systems, range=[_SHAPES[i % len(_SHAPES)] for i in range(len(systems))]
            ),
            legend=legend,
            title=None,
        )
        points = base.mark_point(filled=True, size=48, cursor="pointer").encode(
            y=y, x=x, color=colour, shape=shape, opacity=opacity, tooltip=tooltip, **offset
        )
        layers = [whiskers, points.add_params(pick)]
        step = max(26, 7 * len(systems))
    legends = 0 if legend is None else _legend_rows(systems)
    plot = step * len(order) + 12
    below = systems[0] if len(systems) == 1 and not single else ""
    return _titled(alt.layer(*layers), title, plot, palette, legend_rows=legends, subtitle=below)


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
            labelExpr=_wrapped_labels(rows, 22),
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
    return _titled(alt.layer(cells.add_params(pick), text), title, height, palette, legend_rows=2)


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
    lowest, highest = 0.0008, 0.42
    ticks = [round(_probit(p), 4) for p in _DET_TICKS]
    words = ", ".join(f"'{t:.2f}': '{100 * p:g}'" for t, p in zip(ticks, _DET_TICKS, strict=True))
    words = words.replace("-", "\u2212")  # Vega writes a true minus sign
    axis = alt.Axis(values=ticks, labelExpr=f"{{{words}}}[format(datum.value, '.2f')]")
    scale = alt.Scale(domain=[_probit(lowest), _probit(highest)], nice=False)
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
    colour = alt.Color(
        "system:N",
        title=None,
        scale=alt.Scale(domain=systems, range=_distinct(systems, colours, palette)),
        legend=_system_legend(systems),
    )
    tooltip = [
        alt.Tooltip("system:N", title="System"),
        alt.Tooltip("fa:Q", title="Missed fakes (%)", format=".2f"),
        alt.Tooltip("miss:Q", title="False accusations (%)", format=".2f"),
    ]
    areas = (
        alt.Chart(data)
        .mark_area(opacity=0.14, clip=True)
        .encode(x=x, y=alt.Y("y_low:Q", **shared), y2="y_high:Q", color=colour)
    )
    lines = (
        alt.Chart(data)
        .mark_line(clip=True, strokeWidth=2)
        .encode(x=x, y=y, color=colour, tooltip=tooltip, order="x:Q")
    )
    diagonal = (
        alt.Chart(pd.DataFrame({"x": [_probit(lowest), _probit(highest)]}))
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
            shape=alt.Shape(
                "point:N",
                title=None,
                scale=alt.Scale(
                    domain=["equal errors", "lowest cost"], range=["circle", "diamond"]
                ),
                legend=None,  # a second legend leaves a narrow page; the page says it in words
            ),
            tooltip=[
                alt.Tooltip("point:N", title="Point"),
                *tooltip,
                alt.Tooltip("cost:N", title="DCF"),
            ],
        )
    )
    rows = _legend_rows(systems)
    return _titled(
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
    order = data.sort_values("difference", ascending=False)["condition"].tolist()
    y = alt.Y("condition:N", title=None, sort=order)
    unit = " (points)" if metric == "eer" else ""
    axis_title = f"{metric_name(metric, unit=False)}: {first} minus {second}{unit}"
    x = alt.X("difference:Q", title=textwrap.wrap(axis_title, 46))
    colour = alt.Color(
        "verdict:N",
        title=None,
        scale=alt.Scale(
            domain=[f"{first} better", f"{second} better", "not told apart"],
            range=[palette.series[0], palette.series[1], palette.neutral],
        ),
        legend=alt.Legend(orient="bottom", columns=1, labelLimit=260),
    )
    tooltip = [
        alt.Tooltip("condition:N", title="Condition"),
        alt.Tooltip("difference:Q", title="Difference", format="+.3f"),
        alt.Tooltip("low:Q", title="From", format="+.3f"),
        alt.Tooltip("high:Q", title="To", format="+.3f"),
        alt.Tooltip("p_holm:Q", title="p, adjusted", format=".3f"),
    ]
    base = alt.Chart(data)
    zero = (
        alt.Chart(pd.DataFrame({"zero": [0.0]}))
        .mark_rule(color=palette.rule, strokeDash=[4, 4])
        .encode(x="zero:Q")
    )
    whiskers = base.mark_rule(strokeWidth=2).encode(
        y=y, x=alt.X("low:Q", title=None), x2="high:Q", color=colour
    )
    points = base.mark_point(filled=True, size=70, opacity=1).encode(
        y=y, x=x, color=colour, tooltip=tooltip
    )
    layers = alt.layer(zero, whiskers, points)
    return _titled(layers, title, 24 * len(data) + 14, palette, legend_rows=3)


def staircase(frame: pd.DataFrame, title: str, *, palette: Palette = LIGHT) -> AnyChart:
    """Error on ever more foreign data, one bar a step, with "about one in N".

    Parameters
    ----------
    frame : pandas.DataFrame
        In order: ``label``, ``value`` (EER, %), ``low``, ``high``, ``benchmark``, ``source``.
    """
    data = frame.reset_index(drop=True).copy()
    data["shown"] = [f"{v:.2f} %  (about one in {one_in(v)})" for v in data["value"]]
    order = data["label"].tolist()
    top = float(data["value"].max())
    x = alt.X(
        "value:Q",
        title="EER (%)",
        scale=alt.Scale(domain=[0, max(50.0, top)]),
        axis=alt.Axis(tickCount=5),
    )
    y = alt.Y(
        "label:N",
        title=None,
        sort=order,
        axis=alt.Axis(labelLimit=150, labelExpr=_wrapped_labels(order, 20)),
    )
    tooltip = [
        alt.Tooltip("benchmark:N", title="Benchmark"),
        alt.Tooltip("shown:N", title="EER"),
        alt.Tooltip("kind:N", title="Kind"),
        alt.Tooltip("source:N", title="Source"),
    ]
    base = alt.Chart(data)
    bars = base.mark_bar(color=palette.synthetic, cornerRadiusEnd=2, size=26).encode(
        x=x, y=y, tooltip=tooltip
    )
    labels = base.mark_text(align="left", dx=6, color=palette.text).encode(x=x, y=y, text="shown:N")
    chance = (
        alt.Chart(pd.DataFrame({"value": [50.0]}))
        .mark_rule(color=palette.neutral, strokeDash=[4, 4])
        .encode(x="value:Q")
    )
    return _titled(alt.layer(chance, bars, labels), title, 54 * len(data), palette)


def training(
    frame: pd.DataFrame,
    column: Literal["train_loss", "dev_eer", "dev_auc"],
    title: str,
    *,
    palette: Palette = LIGHT,
) -> AnyChart:
    """One curve a training stage over its epochs, the best epoch of each marked.

    Parameters
    ----------
    frame : pandas.DataFrame
        ``stage``, ``epoch`` and the column.
    """
    words = {
        "train_loss": "Training loss",
        "dev_eer": "Development EER (%)",
        "dev_auc": "Development AUC",
    }
    data = frame.copy()
    data["name"] = data["stage"].map(lambda s: f"stage {s}")
    higher = column == "dev_auc"
    best = data.groupby("stage")[column].transform("max" if higher else "min") == data[column]
    data["best"] = best
    x = alt.X("epoch:Q", title="Epoch", axis=alt.Axis(tickMinStep=1, format="d"))
    y = alt.Y(f"{column}:Q", title=words[column], scale=alt.Scale(zero=not higher))
    colour = alt.Color(
        "name:N",
        title=None,
        scale=alt.Scale(range=[palette.series[0], palette.series[1]]),
        legend=alt.Legend(orient="bottom"),
    )
    tooltip = [
        alt.Tooltip("name:N", title="Stage"),
        alt.Tooltip("epoch:Q", title="Epoch"),
        alt.Tooltip(f"{column}:Q", title=words[column]),
    ]
    base = alt.Chart(data)
    line = base.mark_line(strokeWidth=2).encode(x=x, y=y, color=colour)
    dots = base.mark_point(filled=True, opacity=1).encode(
        x=x,
        y=y,
        color=colour,
        tooltip=tooltip,
        size=alt.condition("datum.best", alt.value(140), alt.value(30)),
    )
    return _titled(alt.layer(line, dots), title, 220, palette, legend_rows=1)


def thresholds(frame: pd.DataFrame, title: str, *, palette: Palette = LIGHT) -> AnyChart:
    """Where the equal-error threshold lies on each benchmark, against a fixed one at 0.5.

    Parameters
    ----------
    frame : pandas.DataFrame
        ``benchmark`` and ``value`` (P(spoof), 0-1).
    """
    data = frame.copy()
    data["shown"] = data["value"].map(lambda v: f"{v:.4f}")
    order = data["benchmark"].tolist()
    x = alt.X(
        "value:Q",
        title="Threshold on P(spoof)",
        scale=alt.Scale(domain=[0, 1], padding=12),
        axis=alt.Axis(tickCount=5),
    )
    y = alt.Y("benchmark:N", title=None, sort=order, axis=alt.Axis(labelLimit=160))
    base = alt.Chart(data)
    fixed = (
        alt.Chart(pd.DataFrame({"value": [0.5], "word": ["decides here: 0.5"]}))
        .mark_rule(color=palette.rule, strokeDash=[5, 4], strokeWidth=1.5)
        .encode(x="value:Q", tooltip="word:N")
    )
    dots = base.mark_point(filled=True, size=120, opacity=1, color=palette.synthetic).encode(
        x=x, y=y, tooltip=["benchmark:N", "shown:N", "source:N"]
    )
    labels = base.mark_text(align="left", dx=9, color=palette.text).encode(x=x, y=y, text="shown:N")
    return _titled(alt.layer(fixed, dots, labels), title, 46 * len(data), palette)


def two_classes(
    separation: float, threshold: float, title: str, *, palette: Palette = LIGHT
) -> AnyChart:
    """A drawing to learn from: two bell curves of scores and a threshold between them.

    Parameters
    ----------
    separation : float
        Distance of the means in standard deviations.
    threshold : float
        Where the decision is made.
    """
    steps = [i / 20 for i in range(-100, 101)]
    bona, spoof = NormalDist(-separation / 2), NormalDist(separation / 2)
    rows = [
        {"score": s, "density": d.pdf(s), "class": name}
        for name, d in (("human speech", bona), ("synthetic speech", spoof))
        for s in steps
    ]
    data = pd.DataFrame(rows)
    data["wrong"] = (data["class"] == "human speech") == (data["score"] > threshold)
    colour = alt.Color(
        "class:N",
        title=None,
        scale=alt.Scale(
            domain=["human speech", "synthetic speech"],
            range=[palette.authentic, palette.synthetic],
        ),
        legend=alt.Legend(orient="bottom"),
    )
    x = alt.X("score:Q", title="Score (more spoof-like to the right)", axis=alt.Axis(tickCount=7))
    y = alt.Y("density:Q", title=None, axis=None, stack=None)
    base = alt.Chart(data)
    lines = base.mark_line(strokeWidth=2).encode(x=x, y=y, color=colour)
    wrong = (
        base.transform_filter("datum.wrong").mark_area(opacity=0.45).encode(x=x, y=y, color=colour)
    )
    rule = (
        alt.Chart(pd.DataFrame({"score": [threshold]}))
        .mark_rule(color=palette.rule, strokeWidth=2, strokeDash=[5, 4])
        .encode(x="score:Q")
    )
    return _titled(alt.layer(wrong, lines, rule), title, 200, palette, legend_rows=1)


def one_in(percent: float) -> str:
    """ "About one in N" for a percentage: whole numbers, and "0" never divides."""
    return "countless" if percent <= 0 else f"{max(1, round(100 / percent)):,}"


def _titled(
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
    return chart.properties(
        title=alt.Title(
            lines,
            subtitle=subtitle,
            subtitleColor=palette.neutral_text,
            anchor="start",
            fontSize=14,
            color=palette.text,
            offset=10,
            frame="bounds",
        ),
        height=height,
        width="container",
        description=title,
        usermeta={"dark": palette is not LIGHT},
        config=chart_config(palette),
    )


def _system_legend(systems: Sequence[str]) -> alt.Legend:
    short = "split(datum.label, ' (')[0]"
    columns = -(-len(systems) // _legend_rows(systems))
    return alt.Legend(
        orient="bottom", columns=columns, labelLimit=180, labelExpr=short, symbolOpacity=1
    )


def _legend_rows(systems: Sequence[str]) -> int:
    # Two names fit side by side on 390 pixels if both are short.
    longest = max(len(s.split(" (")[0]) for s in systems)
    return len(systems) if longest > 22 else -(-len(systems) // 2)


def _broken(label: str) -> str:
    """Vega expression: a label in two lines at its first bracket."""
    return f"split(replace({label}, ' (', '\\n('), '\\n')"


def _wrapped_labels(labels: Sequence[str], width: int) -> str:
    parts = ", ".join(
        f"{_quoted(label)}: [{', '.join(_quoted(line) for line in textwrap.wrap(label, width))}]"
        for label in labels
    )
    return f"{{{parts}}}[datum.label]"


def _quoted(text: str) -> str:
    """Text as a string of a Vega expression, whatever it holds."""
    return json.dumps(text)


def _probit(p: float) -> float:
    return _normal.inv_cdf(min(max(p, 1e-5), 1 - 1e-5))
