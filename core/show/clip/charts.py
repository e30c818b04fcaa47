"""Detections as Altair charts: pure builders that know no Streamlit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import altair as alt
import pandas as pd

from core.detect.calibration import posterior
from core.detect.decision import Stance
from core.detect.detection import Detection
from core.detect.spans import Cell, band_in_llr, band_in_probability, cells
from core.show.theme import LIGHT, Palette, chart_config

PICK = "pick"
"""Name of the click selection in `window_timeline`; its field is ``window``."""

Scale = Literal["probability", "llr"]

KIND_WORDS = {
    "synthetic": "Towards synthetic",
    "authentic": "Towards human",
    "inconclusive": "Inconclusive",
    "no speech": "Too little speech",
    "missing": "Missing from the file",
}


_TICKS: dict[Scale, dict[str, Any]] = {
    "probability": {"format": "%", "values": [0, 0.25, 0.5, 0.75, 1]},
    "llr": {"format": "+.1f", "tickCount": 5},
}


def window_timeline(
    detection: Detection,
    band: tuple[float, float] = (0.0, 0.0),
    scale: Scale = "probability",
    palette: Palette = LIGHT,
    height: int = 260,
) -> alt.LayerChart | alt.FacetChart:
    """Score of every window over time, as bars that grow from the threshold.

    Parameters
    ----------
    detection : Detection
        With at least one window.
    band : (float, float)
        Posterior log-odds without a verdict, from the detector's `Decision`.
    scale : str
        ``probability`` (posterior under the prior) or ``llr`` (natural log, free of the prior).
    height : int
        In pixels.

    Returns
    -------
    altair.Chart
        With a click selection named `PICK` that yields the window's index.
    """
    timeline = cells(detection, band)
    if scale == "probability":
        low, threshold, high = band_in_probability(band, detection.stance.threshold)
        domain = (0.0, 1.0)
    else:
        low, threshold, high = band_in_llr(detection.stance, band)
        reach = max(
            [1.0, abs(low), abs(high), *(abs(c.llr) for c in timeline if c.llr is not None)]
        )
        domain = (-1.1 * reach, 1.1 * reach)
    ends = {"threshold": threshold, "bottom": domain[0], "top": domain[1]}
    # Said once, above the layers, each of which would otherwise turn a frame into values anew.
    rows = alt.InlineData(values=[{**_row(cell, scale), **ends} for cell in timeline])
    end = timeline[-1].end_s
    x = alt.X(
        "start:Q",
        title="Seconds",
        scale=alt.Scale(domain=[0, end], nice=False),
        axis=alt.Axis(grid=False, tickCount=min(12, max(2, math.ceil(end)))),
    )
    share = share_name(detection)
    y_title = share if scale == "probability" else "Log-likelihood ratio"
    y = alt.Y(
        "score:Q",
        title=y_title,
        scale=alt.Scale(domain=list(domain)),
        axis=alt.Axis(**_TICKS[scale]),
    )
    colour = alt.Color(
        "says:N",
        title=None,
        scale=alt.Scale(domain=list(KIND_WORDS.values()), range=kind_colours(palette)),
        legend=None,
    )
    across = {"x": x, "x2": alt.X2("end:Q")}
    whole = {"y": alt.Y("bottom:Q", title=y_title), "y2": alt.Y2("top:Q")}
    base = alt.Chart()
    bars = base.transform_filter("isValid(datum.score)").mark_bar(
        stroke=palette.background, strokeWidth=1 if len(timeline) <= 100 else 0
    )
    silent = base.transform_filter("!isValid(datum.score)").mark_bar(opacity=0.55)
    pick = alt.selection_point(name=PICK, fields=["window"], on="click", empty=False)
    target = base.mark_rect(
        opacity=1, fillOpacity=0.001, cursor="pointer", stroke=palette.rule
    ).encode(
        **across,
        **whole,
        strokeWidth=alt.StrokeWidthValue(0, condition={"param": PICK, "value": 2, "empty": False}),
        tooltip=[
            alt.Tooltip("number:Q", title="Window"),
            alt.Tooltip("heard:N", title="Heard"),
            alt.Tooltip("says:N", title="Says"),
            alt.Tooltip("chance:N", title=share),
            alt.Tooltip("evidence:N", title="Log-likelihood ratio"),
            alt.Tooltip("speech:Q", title="Speech (s)", format=".1f"),
        ],
    )
    layers = [
        bars.encode(**across, y=y, y2=alt.Y2("threshold:Q"), color=colour),
        silent.encode(**across, **whole, color=colour),
        base.transform_filter("isValid(datum.score)")
        .mark_rule(strokeWidth=3)
        .encode(**across, y=y, color=colour),
        _threshold_rule(threshold, palette),
        *missing(detection.source.missing, 0.0, end, palette),
        target.add_params(pick),
    ]
    if high > low:
        layers.insert(0, _band(low, high, end, palette))
    return alt.layer(*layers, data=rows, height=height, config=chart_config(palette))


CHANCE = "Chance of synthetic"


def share_name(detection: Detection) -> str:
    """What a share of the scale from 0 to 100 % is."""
    return CHANCE if detection.gives_chance else "Score, not a chance"


def kind_colours(palette: Palette) -> list[str]:
    """A colour for each of `KIND_WORDS`; what is missing is also outlined by `window_timeline`."""
    grey = palette.band
    return [palette.synthetic, palette.authentic, palette.neutral, grey, grey]


def joined(stretches: Sequence[tuple[float, float]], least_s: float) -> list[tuple[float, float]]:
    """Stretches in order, those less than ``least_s`` from each other as one: too close to see."""
    made: list[tuple[float, float]] = []
    for a, b in stretches:
        if made and a - made[-1][1] < least_s:
            made[-1] = (made[-1][0], b)
        else:
            made.append((a, b))
    return made


def missing(
    stretches: Sequence[tuple[float, float]],
    start: float,
    end: float,
    palette: Palette,
    x: alt.X | str = "start:Q",
) -> list[alt.Chart]:
    """Where the file holds no sound between two seconds, as dashed boxes over what is drawn."""
    within = [(max(a, start), min(b, end)) for a, b in stretches if a < end and b > start]
    boxes = joined(within, (end - start) / 500)
    if not boxes:
        return []
    frame = pd.DataFrame(boxes, columns=["start", "end"])
    frame["middle"] = frame.mean(axis=1)
    base = alt.Chart(frame)
    dashes: dict[str, Any] = {"stroke": palette.rule, "strokeDash": [4, 3], "strokeWidth": 1}
    box = base.mark_rect(fill=palette.background, fillOpacity=0.85, **dashes)
    word = base.transform_filter(f"datum.end - datum.start >= {(end - start) / 10}").mark_text(
        text="missing", color=palette.text, baseline="top"
    )
    return [
        box.encode(x=x, x2=alt.X2("end:Q")),
        word.encode(x=alt.X("middle:Q"), y=alt.YValue(6)),
    ]


def _band(low: float, high: float, end: float, palette: Palette) -> alt.Chart:
    """The stretch of scores without a verdict."""
    row = {"start": 0.0, "end": end, "low": low, "high": high}
    return (
        alt.Chart(alt.InlineData(values=[row]))
        .mark_rect(color=palette.neutral, opacity=0.18)
        .encode(x=alt.X("start:Q"), x2=alt.X2("end:Q"), y=alt.Y("low:Q"), y2=alt.Y2("high:Q"))
    )


def _threshold_rule(threshold: float, palette: Palette) -> alt.Chart:
    row = {"score": threshold, "label": "decision threshold"}
    return (
        alt.Chart(alt.InlineData(values=[row]))
        .mark_rule(strokeDash=[5, 4], strokeWidth=1.5, color=palette.rule)
        .encode(y=alt.Y("score:Q"), tooltip=[alt.Tooltip("label:N", title="Line")])
    )


def _row(cell: Cell, scale: Scale) -> dict[str, Any]:
    return {
        "window": cell.window,
        "number": cell.window + 1,
        "start": cell.start_s,
        "end": cell.end_s,
        "heard": f"{cell.heard_from_s:.2f} to {cell.heard_to_s:.2f} s",
        "score": cell.p_spoof if scale == "probability" else cell.llr,
        "says": KIND_WORDS[cell.kind],
        "chance": percent(cell.p_spoof),
        "evidence": "not scored" if cell.llr is None else f"{cell.llr:+.2f}",
        "speech": cell.speech_s,
    }


LEGEND = (
    ":small[:orange[■] towards synthetic &emsp; :blue[■] towards human &emsp; "
    ":gray[■] inconclusive &emsp; :gray[▒] too little speech]"
)
"""What the colours of `window_timeline` mean, in Streamlit's Markdown: it wraps where a chart's
own legend would not."""


def legend(detection: Detection) -> str:
    """`LEGEND`, with what is missing where something is."""
    return LEGEND + " &emsp; :small[:gray[⬚]\u00a0missing\u00a0from\u00a0the\u00a0file]" * bool(
        detection.source.missing
    )


def prior_curve(
    llr: float, stance: Stance, palette: Palette = LIGHT, height: int = 240
) -> alt.LayerChart | alt.FacetChart:
    """Posterior of one clip under every prior, with the stated one marked.

    Parameters
    ----------
    llr : float
        The clip's log-likelihood ratio.
    stance : Stance
        The stated prior, and the costs that set the threshold.
    height : int
        In pixels.
    """
    priors = [0.001, *(i / 100 for i in range(1, 100)), 0.999]
    curve = [{"prior": p, "posterior": posterior(llr, p)} for p in priors]
    here = [{"prior": stance.prior, "posterior": stance.posterior(llr)}]
    x = alt.X(
        "prior:Q",
        title="Assumed before listening",
        axis=alt.Axis(format="%", values=[0, 0.25, 0.5, 0.75, 1]),
    )
    y = alt.Y(
        "posterior:Q",
        title="Chance afterwards",
        axis=alt.Axis(format="%", values=[0, 0.25, 0.5, 0.75, 1]),
        scale=alt.Scale(domain=[0, 1]),
    )
    tooltip = [alt.Tooltip("prior:Q", format=".1%"), alt.Tooltip("posterior:Q", format=".1%")]
    line = (
        alt.Chart(alt.InlineData(values=curve))
        .mark_line(color=palette.neutral)
        .encode(x=x, y=y, tooltip=tooltip)
    )
    point = (
        alt.Chart(alt.InlineData(values=here))
        .mark_point(size=110, filled=True, opacity=1, color=palette.rule)
        .encode(x=x, y=y, tooltip=tooltip)
    )
    return alt.layer(
        line,
        _threshold_rule_on("posterior", stance.threshold_chance, palette),
        point,
        height=height,
        config=chart_config(palette),
    )


def _threshold_rule_on(field: str, value: float, palette: Palette) -> alt.Chart:
    return (
        alt.Chart(alt.InlineData(values=[{field: value}]))
        .mark_rule(strokeDash=[5, 4], color=palette.rule)
        .encode(y=alt.Y(f"{field}:Q"))
    )


def percent(p: float | None) -> str:
    """A probability for people: whole percents, and never a certain 0 % or 100 %."""
    if p is None:
        return "not scored"
    if p < 0.01:
        return "under 1 %"
    if p > 0.99:
        return "over 99 %"
    return f"{100 * p:.0f} %"
