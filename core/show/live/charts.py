"""A live take as charts whose form stays the same while their data grows: pure builders.

A chart is made without data, and the data is handed over beside it: where only the data changes,
the browser redraws in place instead of building the chart anew, so nothing flickers.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from core.detect.decision import EVEN, Stance
from core.detect.spans import band_in_probability, kind_of
from core.detect.stream import LiveWindow
from core.show.clip.charts import KIND_WORDS, kind_colours
from core.show.theme import LIGHT, Palette, chart_config

ROLLING_S = 30.0
"""Seconds that the rolling timeline shows."""

DATA = "take"
"""Name of the data set that the charts expect."""

COLUMNS = ("drawing", "start", "end", "low", "high", "score", "says")


def timeline(
    palette: Palette = LIGHT,
    band: tuple[float, float] = (0.0, 0.0),
    rolling: bool = True,
    height: int = 170,
    stance: Stance = EVEN,
) -> alt.LayerChart | alt.FacetChart:
    """Score over time as bars that grow from the threshold; the data comes from `cells`.

    Parameters
    ----------
    band : (float, float)
        Posterior log-odds without a verdict, drawn as a grey band.
    rolling : bool
        The last seconds, counted back from now; otherwise the whole take from its start.
    height : int
        In pixels.
    stance : Stance
        Whose costs set the threshold.

    Returns
    -------
    altair.LayerChart
        Without data.
    """
    named = alt.NamedData(name=DATA)
    low, threshold, high = band_in_probability(band, stance.threshold)
    x = alt.X(
        "start:Q",
        title="Seconds ago" if rolling else "Seconds since the start",
        scale=alt.Scale(domain=[-ROLLING_S, 0], nice=False) if rolling else alt.Scale(nice=False),
        axis=alt.Axis(
            grid=False,
            tickCount=6,
            tickMinStep=1,
            labelExpr="format(abs(datum.value), 'd')",  # also where there is nothing yet
        ),
    )
    scale = alt.Scale(domain=[0, 1])
    y = alt.Y(
        "low:Q",
        title="Synthetic",
        scale=scale,
        axis=alt.Axis(format="%", values=[0, 0.5, 1]),
    )
    colour = alt.Color(
        "says:N",
        scale=alt.Scale(
            domain=[*KIND_WORDS.values()],
            range=kind_colours(palette),
        ),
        legend=None,
    )
    once = alt.Chart(named).transform_aggregate(rows="count()")  # a mark per row would pile up
    cell = alt.Chart(named).encode(x=x, x2=alt.X2("end:Q"), color=colour)
    layers = [
        cell.mark_rect(stroke=palette.background, strokeWidth=0.5).encode(
            y=y,
            y2=alt.Y2("high:Q"),
            opacity=alt.OpacityValue(0.55, condition={"test": "isValid(datum.score)", "value": 1}),
        ),
        cell.mark_rule(strokeWidth=3).encode(y=alt.Y("score:Q", scale=scale)),
        once.mark_rule(strokeDash=[5, 4], strokeWidth=1.5, color=palette.rule).encode(
            y=alt.YDatum(threshold)
        ),
    ]
    if high > low:
        belt = once.mark_rect(color=palette.neutral, opacity=0.18)
        layers.insert(0, belt.encode(y=alt.YDatum(low), y2=alt.Y2Datum(high)))
    return alt.layer(*layers, height=height, config=chart_config(palette))


def drawn(spec: dict[str, Any], frame: pd.DataFrame) -> dict[str, Any]:
    """The form of `timeline` with its data beside it, as Streamlit takes it."""
    return {**spec, "datasets": {DATA: frame}}


def cells(
    windows: Sequence[LiveWindow],
    now_s: float,
    *,
    stance: Stance = EVEN,
    band: tuple[float, float] = (0.0, 0.0),
    from_s: float = 0.0,
    rolling: bool = True,
) -> pd.DataFrame:
    """The rows that `timeline` draws: windows overlap, cells do not.

    A window's score belongs to its middle; its cell reaches half-way to its neighbours, and to
    the end of the window where a neighbour is missing.

    Parameters
    ----------
    windows : sequence of LiveWindow
        In order of time.
    now_s : float
        The present, in seconds since the start.
    stance : Stance
        Prior and costs.
    band : (float, float)
        Posterior log-odds without a verdict.
    from_s : float
        Where the kept take begins.
    rolling : bool
        As in `timeline`.

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`; one row without a score spans the whole chart, so that its axis
        reaches the present. The first column, a sum over all rows, differs wherever anything
        does: the browser appends rows to what it has where the first column looks the same, and
        would miss a change of colour. Where nothing changes it draws nothing.
    """
    origin = now_s if rolling else 0.0
    first = now_s - ROLLING_S if rolling else from_s
    rows: list[tuple[float, float, float, float, float | None, str]] = []
    middle = stance.threshold_chance
    middles = [(w.start_s + w.end_s) / 2 for w in windows]
    for i, window in enumerate(windows):
        start, end = window.start_s, window.end_s
        if i:
            start = max(start, (middles[i - 1] + middles[i]) / 2)
        if i + 1 < len(windows):
            end = min(end, (middles[i] + middles[i + 1]) / 2)
        start = max(start, first)
        if end <= start:
            continue
        kind = KIND_WORDS[kind_of(window.llr, stance, band)]
        if window.llr is None:
            rows.append((start - origin, end - origin, 0.0, 1.0, None, kind))
        else:
            p = stance.posterior(window.llr)
            rows.append((start - origin, end - origin, min(p, middle), max(p, middle), p, kind))
    edge = (first - origin, max(now_s, first) - origin, 0.5, 0.5, None, KIND_WORDS["no speech"])
    rows.insert(0, edge)
    frame = pd.DataFrame(rows, columns=list(COLUMNS[1:]))
    frame["score"] = frame["score"].astype("float64")
    frame.insert(0, "drawing", zlib.crc32(repr(rows).encode()))
    return frame
