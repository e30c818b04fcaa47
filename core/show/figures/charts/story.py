"""Charts that the Overfitting page is told by."""

from __future__ import annotations

from statistics import NormalDist
from typing import Literal

import altair as alt
import pandas as pd

from core.show.figures.charts.marks import AnyChart, by_name, titled, wrapped_labels
from core.show.theme import LIGHT, Palette, ink

STEP = ["label", "benchmark", "value", "low", "high", "kind", "source"]
"""Columns of a step of `staircase`."""


def staircase(frame: pd.DataFrame, title: str, *, palette: Palette = LIGHT) -> AnyChart:
    """Error on ever more foreign data, one bar per step, with intervals where they are known.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns `STEP`, in order; ``value`` is an EER in percent.
    """
    data = frame.reset_index(drop=True).copy()
    data["shown"] = [f"{v:.2f} %" + _odds(v) for v in data["value"]]
    data["interval"] = [
        "not known" if pd.isna(a) else f"{a:.2f} to {b:.2f} %"
        for a, b in zip(data["low"], data["high"], strict=True)
    ]
    data["end"] = data[["value", "high"]].max(axis=1)
    data["low_end"] = data[["value", "low"]].min(axis=1)
    order = data["label"].tolist()
    top = float(data["end"].max())
    scale = alt.Scale(domain=[0, max(52.0, top)], nice=False)
    x = alt.X("value:Q", title="EER (%)", scale=scale, axis=alt.Axis(tickCount=5))
    y = alt.Y(
        "label:N",
        title=None,
        sort=order,
        axis=alt.Axis(labelLimit=150, labelOverlap=False, labelExpr=wrapped_labels(order, 20)),
    )
    tooltip = [
        alt.Tooltip("benchmark:N", title="Benchmark"),
        alt.Tooltip("shown:N", title="EER"),
        alt.Tooltip("interval:N", title="95 % interval"),
        alt.Tooltip("kind:N", title="Kind"),
        alt.Tooltip("source:N", title="Source"),
    ]
    base = alt.Chart()
    bars = base.mark_bar(color=palette.synthetic, cornerRadiusEnd=2, size=26).encode(
        x=x, y=y, tooltip=tooltip
    )
    whiskers = (
        base.transform_filter("isValid(datum.low)")
        .mark_rule(color=palette.rule, strokeWidth=1.5)
        .encode(y=y, x=alt.X("low:Q", title="EER (%)", scale=scale), x2=alt.X2("high:Q"))
    )
    # Beside the bar where there is room, else on it.
    room = data["end"] < 0.7 * max(52.0, top)
    labels = [
        alt.Chart(data[fits])
        .mark_text(align="left" if left else "right", dx=6 if left else -6, color=ink_)
        .encode(
            x=alt.X("end:Q" if left else "low_end:Q", title="EER (%)", scale=scale),
            y=y,
            text=alt.Text("shown:N"),
        )
        for left, fits, ink_ in (
            (True, room, palette.text),
            (False, ~room, ink(palette.synthetic)),
        )
    ]
    chance = (
        alt.Chart(alt.InlineData(values=[{"value": 50.0}]))
        .mark_rule(color=palette.neutral, strokeDash=[4, 4])
        .encode(x=alt.X("value:Q"))
    )
    return titled(
        alt.layer(chance, bars, whiskers, *labels, data=data), title, 54 * len(data), palette
    )


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
        size=alt.SizeValue(30, condition={"test": "datum.best", "value": 140}),
    )
    return titled(alt.layer(line, dots), title, 220, palette, legend_rows=1)


def legs(frame: pd.DataFrame, title: str, *, palette: Palette = LIGHT) -> AnyChart:
    """Error on dev clips over all pairs of clips that a detector has seen, leg after leg.

    Parameters
    ----------
    frame : pandas.DataFrame
        As data/results/embedded_training.csv: ``leg``, ``recipe``, ``step``, ``thousand_pairs``,
        ``pooled_eer`` and ``dev``, which names the clips; only points on the same ones compare.
    """
    x = alt.X("thousand_pairs:Q", title="Pairs of clips seen (thousands)")
    y = alt.Y("pooled_eer:Q", title="Development EER (%)", scale=alt.Scale(zero=False))
    clips = list(frame["dev"].unique())
    colour = alt.Color(
        "dev:N",
        title=None,
        sort=clips,
        scale=alt.Scale(domain=clips, range=list(palette.series[: len(clips)])),
        legend=alt.Legend(orient="bottom", columns=1, labelLimit=0),
    )
    names = {
        "recipe:N": "Recipe",
        "step:Q": "Step",
        "pooled_eer:Q": "EER, pooled (%)",
        "within_eer:Q": "EER within a repository (%)",
        "dev:N": "Dev clips",
    }
    base = alt.Chart(frame)
    line = base.mark_line(strokeWidth=2).encode(x=x, y=y, color=colour, detail=alt.Detail("leg:N"))
    dots = base.mark_point(filled=True, opacity=1, size=50).encode(
        x=x,
        y=y,
        color=colour,
        shape=alt.Shape("dev:N", sort=clips, legend=None),
        tooltip=[alt.Tooltip(field, title=name) for field, name in names.items()],
    )
    return titled(alt.layer(line, dots), title, 260, palette, legend_rows=len(clips))


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
        .encode(x=alt.X("value:Q"), tooltip=alt.Tooltip("word:N"))
    )
    dots = base.mark_point(filled=True, size=120, opacity=1, color=palette.synthetic).encode(
        x=x, y=y, tooltip=[alt.Tooltip(f"{field}:N") for field in ("benchmark", "shown", "source")]
    )
    labels = base.mark_text(align="left", dx=9, color=palette.text).encode(
        x=x, y=y, text=alt.Text("shown:N")
    )
    return titled(alt.layer(fixed, dots, labels), title, 46 * len(data), palette)


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
    classes = {"human speech": palette.authentic, "synthetic speech": palette.synthetic}
    colour = by_name(alt.Color, "class", classes, alt.Legend(orient="bottom"))
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
        .encode(x=alt.X("score:Q"))
    )
    return titled(alt.layer(wrong, lines, rule), title, 200, palette, legend_rows=1)


LEAST_ODDS = 5
"""Below one in so many the percentage says it better."""


def one_in(percent: float) -> int | None:
    """The N of "about one in N" for a percentage; None where it is below `LEAST_ODDS` or 0 %."""
    if percent <= 0 or 100 / percent < LEAST_ODDS:
        return None
    return round(100 / percent)


def _odds(percent: float) -> str:
    n = one_in(percent)
    return "" if n is None else f"  (about one in {n:,})"
