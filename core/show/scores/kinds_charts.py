"""Charts of score files of other kinds: tandem errors along thresholds, errors by resolution."""

from __future__ import annotations

import altair as alt
import pandas as pd

from core.show.figures.charts import AnyChart
from core.show.figures.charts.marks import by_name, titled
from core.show.theme import LIGHT, Palette

SHARES = {0.0: "other speakers", 0.5: "half of each", 1.0: "fakes"}
"""Who is to be rejected, by the share of fakes."""


def tandem_paths(
    frame: pd.DataFrame,
    point: tuple[float, float] | None,
    title: str,
    *,
    palette: Palette = LIGHT,
) -> AnyChart:
    """Tandem EER along the verification system's thresholds, a line per share of fakes.

    Parameters
    ----------
    frame : pandas.DataFrame
        From `core.evaluate.spoof_aware.paths`.
    point : pair of float, optional
        Threshold and rate (percent) at which all lines meet.
    """
    data = frame.assign(impostors=frame["prevalence"].map(SHARES))
    x = alt.X(
        "threshold:Q", title="Verification threshold", scale=alt.Scale(nice=False, zero=False)
    )
    y = alt.Y("value:Q", title="Tandem EER (%)", scale=alt.Scale(zero=True))
    colours = dict(zip(SHARES.values(), palette.series, strict=False))
    dashes = dict(zip(SHARES.values(), ([1, 0], [6, 3], [2, 3]), strict=True))
    legend = alt.Legend(orient="bottom")
    lines = (
        alt.Chart(data)
        .mark_line(strokeWidth=2)
        .encode(
            x=x,
            y=y,
            color=by_name(alt.Color, "impostors", colours, legend, "Impostors"),
            strokeDash=by_name(alt.StrokeDash, "impostors", dashes, legend, "Impostors"),
            tooltip=[
                alt.Tooltip("impostors:N", title="Impostors"),
                alt.Tooltip("threshold:Q", title="Verification threshold", format=".3f"),
                alt.Tooltip("value:Q", title="Tandem EER (%)", format=".2f"),
            ],
        )
    )
    layers: list[alt.Chart] = [lines]
    if point is not None:
        spot = pd.DataFrame({"threshold": [point[0]], "value": [point[1]]})
        layers.append(
            alt.Chart(spot)
            .mark_point(size=160, filled=True, shape="diamond", color=palette.text, opacity=1)
            .encode(
                x=x,
                y=y,
                tooltip=[alt.Tooltip("value:Q", title="Concurrent t-EER (%)", format=".2f")],
            )
        )
    return titled(alt.layer(*layers), title, 300, palette, legend_rows=1)


def by_resolution(
    rows: pd.DataFrame, range_eer: float, title: str, *, palette: Palette = LIGHT
) -> AnyChart:
    """Segment EER by the length of segments, with intervals, over the range EER.

    Parameters
    ----------
    rows : pandas.DataFrame
        Segments among the figures of `core.evaluate.segments.figures`.
    range_eer : float
        Percent.
    """
    data = rows.assign(ms=1000 * rows["resolution_s"])
    x = alt.X(
        "ms:Q",
        title="Length of a segment (ms)",
        scale=alt.Scale(type="log", base=2, padding=20),
        axis=alt.Axis(values=sorted(data["ms"]), format="g"),
    )
    y = alt.Y("value:Q", title="EER (%)", scale=alt.Scale(zero=True))
    tooltip = [
        alt.Tooltip("ms:Q", title="Segment (ms)", format="g"),
        alt.Tooltip("value:Q", title="Segment EER (%)", format=".2f"),
        alt.Tooltip("low:Q", title="From", format=".2f"),
        alt.Tooltip("high:Q", title="To", format=".2f"),
    ]
    base = alt.Chart(data)
    colour = palette.series[0]
    bars = (
        alt.Chart(data.dropna(subset=["low", "high"]))
        .mark_rule(color=colour, strokeWidth=2)
        .encode(x=x, y=alt.Y("low:Q", title="EER (%)"), y2=alt.Y2("high:Q"))
    )
    line = base.mark_line(color=colour, strokeWidth=2).encode(x=x, y=y)
    points = base.mark_point(color=colour, filled=True, size=70, opacity=1).encode(
        x=x, y=y, tooltip=tooltip
    )
    rule = (
        alt.Chart(pd.DataFrame({"value": [range_eer], "word": [f"range EER {range_eer:.2f} %"]}))
        .mark_rule(color=palette.rule, strokeDash=[5, 4], strokeWidth=2)
        .encode(y=alt.Y("value:Q"), tooltip=alt.Tooltip("word:N", title="Every instant"))
    )
    return titled(alt.layer(rule, bars, line, points), title, 300, palette)
