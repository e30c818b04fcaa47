"""Several detectors on one clip: their timelines above each other, and where they disagree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt
import pandas as pd

from core.detect.agreement import disagreements
from core.detect.detection import Detection
from core.detect.spans import cells
from core.show.clip.charts import KIND_WORDS, kind_colours, percent
from core.show.theme import LIGHT, Palette, chart_config

DISAGREE = "They disagree"
"""Name of the row that marks where one detector says synthetic and another human."""


def stacked(
    detections: Mapping[str, Detection],
    bands: Mapping[str, tuple[float, float]],
    palette: Palette = LIGHT,
) -> alt.LayerChart | alt.FacetChart:
    """One row per detector over the clip's seconds, coloured by what each window says.

    Parameters
    ----------
    detections : mapping of str to Detection
        By the detector's name for people, of the same clip; each with at least one window.
    bands : mapping of str to (float, float)
        Log-odds around the threshold without a verdict, by the same names.
    """
    timelines = {name: cells(d, bands[name]) for name, d in detections.items()}
    rows: list[dict[str, Any]] = [
        {
            "detector": name,
            "start": cell.start_s,
            "end": cell.end_s,
            "says": KIND_WORDS[cell.kind],
            "score": "not scored" if cell.llr is None else f"{cell.llr:+.2f}",
            "chance": _chance(detections[name], cell.p_spoof),
        }
        for name, line in timelines.items()
        for cell in line
    ]
    apart: list[dict[str, Any]] = [
        {
            "detector": DISAGREE,
            "start": start,
            "end": end,
            "says": DISAGREE,
            "score": "",
            "chance": "",
        }
        for start, end in disagreements(timelines)
    ]
    order: list[str] = [*timelines, *([DISAGREE] if apart else [])]
    end = max(cell.end_s for line in timelines.values() for cell in line)
    colour = alt.Color(
        "says:N",
        scale=alt.Scale(
            domain=[*KIND_WORDS.values(), DISAGREE],
            range=[*kind_colours(palette), palette.text],
        ),
        legend=None,
    )
    return (
        alt.Chart(
            pd.DataFrame(rows + apart),
            height=38 * len(order) + 76,
            config=chart_config(palette),
        )
        .mark_rect(stroke=palette.background, strokeWidth=1)
        .encode(
            x=alt.X(
                "start:Q",
                title="Seconds",
                scale=alt.Scale(domain=[0, end], nice=False),
                axis=alt.Axis(grid=False, tickCount=8),
            ),
            x2=alt.X2("end:Q"),
            y=alt.Y(
                "detector:N",
                title=None,
                sort=order,
                axis=alt.Axis(labelLimit=130, labelOverlap=False),
            ),
            color=colour,
            tooltip=[
                alt.Tooltip("detector:N", title="Detector"),
                alt.Tooltip("start:Q", title="From (s)", format=".2f"),
                alt.Tooltip("end:Q", title="To (s)", format=".2f"),
                alt.Tooltip("says:N", title="Says"),
                alt.Tooltip("score:N", title="Score (log-odds)"),
                alt.Tooltip("chance:N", title="Chance of synthetic"),
            ],
        )
    )


def _chance(detection: Detection, p_spoof: float | None) -> str:
    if not detection.calibrated:
        return "not calibrated"
    return "none for sound like this" if detection.withheld else percent(p_spoof)
