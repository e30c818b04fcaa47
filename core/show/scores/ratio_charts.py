"""Charts of scores as log-likelihood ratios: the APE and Tippett plots."""

from __future__ import annotations

import altair as alt
import pandas as pd

from core.show.figures.charts import AnyChart
from core.show.figures.charts.marks import by_name, titled
from core.show.theme import LIGHT, Palette

ACTUAL, LEAST, CALIBRATED, NONE = "as given", "best possible", "calibrated", "no detector"


def applied_error(
    frame: pd.DataFrame, odds: float, title: str, *, palette: Palette = LIGHT
) -> AnyChart:
    """Probability of error of Bayes decisions over the prior log-odds of a fake.

    Parameters
    ----------
    frame : pandas.DataFrame
        ``what`` (one of this module's four names), ``log_odds``, ``prior``, ``error`` (0-1).
    odds : float
        Where the visitor's prior and costs lie.
    """
    data = frame.assign(percent=100 * frame["error"], chance=100 * frame["prior"])
    names = [n for n in (ACTUAL, CALIBRATED, LEAST, NONE) if n in set(data["what"])]
    colours = {
        ACTUAL: palette.series[1],
        CALIBRATED: palette.series[2],
        LEAST: palette.series[0],
        NONE: palette.neutral,
    }
    dashes = {ACTUAL: [1, 0], CALIBRATED: [6, 3], LEAST: [1, 0], NONE: [2, 3]}
    # What is far worse than no detector would press the rest flat.
    top = 1.6 * float(data.loc[data["what"] == NONE, "percent"].max())
    top = min(top, 1.1 * float(data["percent"].max()))
    x = alt.X(
        "log_odds:Q",
        title="Prior log-odds of a fake, costs included",
        scale=alt.Scale(domain=[data["log_odds"].min(), data["log_odds"].max()], nice=False),
    )
    legend = alt.Legend(orient="bottom", columns=2)
    lines = (
        alt.Chart(data)
        .mark_line(strokeWidth=2, clip=True)
        .encode(
            x=x,
            y=alt.Y(
                "percent:Q",
                title="Probability of error (%)",
                scale=alt.Scale(domain=[0, top], nice=False),
            ),
            color=by_name(alt.Color, "what", {n: colours[n] for n in names}, legend),
            strokeDash=by_name(alt.StrokeDash, "what", {n: dashes[n] for n in names}, legend),
            tooltip=[
                alt.Tooltip("what:N", title="Scores"),
                alt.Tooltip("chance:Q", title="Prior of a fake (%)", format=".2f"),
                alt.Tooltip("percent:Q", title="Error (%)", format=".3f"),
            ],
        )
    )
    rule = (
        alt.Chart(pd.DataFrame({"log_odds": [odds], "word": ["your prior and costs"]}))
        .mark_rule(color=palette.rule, strokeDash=[5, 4], strokeWidth=2)
        .encode(x=x, tooltip=alt.Tooltip("word:N", title="Here"))
    )
    return titled(alt.layer(lines, rule), title, 280, palette, legend_rows=2)


def tippett(frame: pd.DataFrame, title: str, *, palette: Palette = LIGHT) -> AnyChart:
    """Share of each class whose likelihood ratio is above a value.

    Parameters
    ----------
    frame : pandas.DataFrame
        From `core.evaluate.analysis.tippett`.
    """
    data = frame.assign(percent=100 * frame["above"])
    classes = {"bona fide": palette.authentic, "spoofed": palette.synthetic}
    x = alt.X("llr:Q", title="Log10 likelihood ratio, towards spoof", scale=alt.Scale(nice=False))
    lines = (
        alt.Chart(data)
        .mark_line(interpolate="step-after", strokeWidth=2)
        .encode(
            x=x,
            y=alt.Y(
                "percent:Q", title="Trials above (%)", scale=alt.Scale(domain=[0, 100], nice=False)
            ),
            color=by_name(alt.Color, "label", classes, alt.Legend(orient="bottom")),
            tooltip=[
                alt.Tooltip("label:N", title="Class"),
                alt.Tooltip("llr:Q", title="Log10 likelihood ratio", format=".3f"),
                alt.Tooltip("percent:Q", title="Trials above (%)", format=".2f"),
            ],
        )
    )
    rule = (
        alt.Chart(pd.DataFrame({"llr": [0.0], "word": ["both as likely"]}))
        .mark_rule(color=palette.rule, strokeDash=[5, 4], strokeWidth=2)
        .encode(x=x, tooltip=alt.Tooltip("word:N", title="Here"))
    )
    return titled(alt.layer(lines, rule), title, 260, palette, legend_rows=1)
