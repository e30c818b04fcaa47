"""Charts of one score file: its two classes, and how far its scores can be believed.

The other charts of "Your scores" are those of `core.show.figures.charts`.
"""

from __future__ import annotations

import altair as alt
import pandas as pd

from core.show.figures.charts import AnyChart
from core.show.figures.charts.marks import by_name, titled
from core.show.theme import LIGHT, Palette

SATURATED = 0.5
"""Share of a class in one bar from which scores count as nearly all alike."""


def scores(
    frame: pd.DataFrame,
    threshold: float,
    title: str,
    *,
    palette: Palette = LIGHT,
) -> AnyChart:
    """Histogram of both classes, each as shares of its own, with the EER threshold.

    Parameters
    ----------
    frame : pandas.DataFrame
        From `core.evaluate.analysis.histogram`.
    threshold : float
        In the direction of the scores shown.
    """
    x = alt.X("low:Q", title="Score, as given", scale=alt.Scale(nice=False, zero=False))
    base = alt.Chart(frame.assign(percent=100 * frame["share"]))
    # Where nearly all scores are alike, the others would be flat on a linear axis.
    saturated = float(frame["share"].max()) > SATURATED
    y = alt.Y(
        "percent:Q",
        title="Share of its class (%)" + (", logarithmic" if saturated else ""),
        stack=None,
        scale=alt.Scale(type="symlog", constant=0.1, domain=[0, 100]) if saturated else alt.Scale(),
        axis=alt.Axis(values=[0, 0.1, 1, 10, 100], labelExpr="datum.value")
        if saturated
        else alt.Axis(),
    )
    bars = base.mark_bar(opacity=0.55).encode(
        x=x,
        x2=alt.X2("high:Q"),
        y=y,
        y2=alt.Y2Datum(0),  # else a scale that is not linear has no foot for them
        color=by_name(
            alt.Color,
            "label",
            {"bona fide": palette.authentic, "spoofed": palette.synthetic},
            alt.Legend(orient="bottom", symbolOpacity=1),
        ),
        tooltip=[
            alt.Tooltip("label:N", title="Class"),
            alt.Tooltip("low:Q", title="From", format=".3f"),
            alt.Tooltip("high:Q", title="To", format=".3f"),
            alt.Tooltip("count:Q", title="Trials", format=","),
            alt.Tooltip("percent:Q", title="Share of its class (%)", format=".2f"),
        ],
    )
    rule = (
        alt.Chart(pd.DataFrame({"low": [threshold], "word": [f"EER threshold {threshold:.4g}"]}))
        .mark_rule(color=palette.rule, strokeDash=[5, 4], strokeWidth=2)
        .encode(x=x, tooltip=alt.Tooltip("word:N", title="Threshold"))
    )
    return titled(alt.layer(bars, rule), title, 240, palette, legend_rows=1)


def reliability(frame: pd.DataFrame, title: str, *, palette: Palette = LIGHT) -> AnyChart:
    """Stated probability of a fake against how often it is one; the diagonal is perfect.

    Parameters
    ----------
    frame : pandas.DataFrame
        From `core.evaluate.analysis.reliability`, or `stated_and_observed`.
    """
    x = alt.X(
        "stated:Q", title="Stated probability of a fake", scale=alt.Scale(domain=[0, 1], nice=False)
    )
    y = alt.Y(
        "observed:Q", title="Share that are fakes", scale=alt.Scale(domain=[0, 1], nice=False)
    )
    names = [n for n in ("as given", "calibrated") if n in set(frame["scores"])]
    colours = dict(zip(names, (palette.series[1], palette.series[0]), strict=False))
    shapes = dict(zip(names, ("circle", "diamond"), strict=False))
    legend = alt.Legend(orient="bottom")
    colour = by_name(alt.Color, "scores", colours, legend)
    shape = by_name(alt.Shape, "scores", shapes, legend)
    base = alt.Chart(frame)
    diagonal = (
        alt.Chart(pd.DataFrame({"stated": [0.0, 1.0], "observed": [0.0, 1.0]}))
        .mark_line(color=palette.neutral, strokeDash=[4, 4])
        .encode(x=x, y=y)
    )
    lines = base.mark_line(strokeWidth=2).encode(x=x, y=y, color=colour)
    points = base.mark_point(filled=True, size=70, opacity=1).encode(
        x=x,
        y=y,
        color=colour,
        shape=shape,
        tooltip=[
            alt.Tooltip("scores:N", title="Scores"),
            alt.Tooltip("stated:Q", title="Stated", format=".3f"),
            alt.Tooltip("observed:Q", title="Observed", format=".3f"),
            alt.Tooltip("trials:Q", title="Trials", format=","),
        ],
    )
    return titled(alt.layer(diagonal, lines, points), title, 300, palette, legend_rows=1)


def stated_and_observed(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of the breakdown ``reliability`` in ``data/results`` as `reliability` takes them."""
    stated = rows["condition"].str.extract(r"([\d.]+)")[0].astype(float) / 100
    return pd.DataFrame(
        {
            "scores": "as given",
            "stated": stated,
            "observed": rows["value"] / 100,
            "trials": rows["n_bonafide"] + rows["n_spoof"],
        }
    )


def risk(rows: pd.DataFrame, title: str, *, palette: Palette = LIGHT) -> AnyChart:
    """Error among the clips that get a verdict against how many get one.

    Parameters
    ----------
    rows : pandas.DataFrame
        Rows of the breakdown ``risk_coverage`` in ``data/results``.
    """
    frame = rows.assign(judged=rows["condition"].str.extract(r"([\d.]+)")[0].astype(float))
    line = (
        alt.Chart(frame)
        .mark_line(color=palette.series[0], strokeWidth=2, point={"filled": True, "size": 70})
        .encode(
            x=alt.X("judged:Q", title="Clips judged (%), surest first"),
            y=alt.Y("value:Q", title="Wrong among them (%)", scale=alt.Scale(zero=True)),
            tooltip=[
                alt.Tooltip("judged:Q", title="Clips judged (%)"),
                alt.Tooltip("value:Q", title="Wrong among them (%)", format=".1f"),
                alt.Tooltip("n_bonafide:Q", title="Human", format=","),
                alt.Tooltip("n_spoof:Q", title="Synthetic", format=","),
            ],
        )
    )
    return titled(line, title, 300, palette)
