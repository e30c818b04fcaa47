"""Pictures of a clip for a report: its spectrogram over its windows' scores, on one clock."""

from __future__ import annotations

import math
from typing import Any

from core.audio.clip import SAMPLE_RATE, Clip
from core.detect.detection import Detection
from core.detect.spans import band_in_llr, cells
from core.show.clip.charts import KIND_WORDS, missing
from core.show.clip.waveform import spectrogram_png
from core.show.documents.chart import make_spec
from core.show.theme import LIGHT

LONGEST_S = 60.0
"""Seconds in one picture, as long as a clip needs no more than `MOST` of them."""

MOST = 12
"""Pictures of one clip; those of a long one stand for more seconds each."""

WIDTH, HEIGHT = 640, 130


def stretches(duration_s: float) -> list[tuple[float, float]]:
    """How a clip is cut into pictures: equal parts in seconds, in order."""
    count = min(MOST, max(1, math.ceil(duration_s / LONGEST_S)))
    return [(i * duration_s / count, (i + 1) * duration_s / count) for i in range(count)]


def _seconds(start_s: float, end_s: float, field: str = "from") -> Any:
    import altair as alt

    return alt.X(
        f"{field}:Q",
        title="seconds",
        scale=alt.Scale(domain=[start_s, end_s], nice=False),
        axis=alt.Axis(grid=False, tickCount=10),
    )


def spectrogram(clip: Clip, start_s: float, end_s: float) -> Any:
    """The spectrogram of a stretch as an Altair chart, seconds of the file's clock below it."""
    import altair as alt
    import pandas as pd

    first, last = round(start_s * SAMPLE_RATE), round(end_s * SAMPLE_RATE)
    drawn = spectrogram_png(clip.samples[first : max(last, first + 1)])
    frame = pd.DataFrame({"from": [start_s], "low": [0.0], "url": [drawn]})
    image = (
        alt.Chart(frame)
        .mark_image(width=WIDTH, height=HEIGHT, aspect=False, align="left", baseline="bottom")
        .encode(
            x=_seconds(start_s, end_s),
            y=alt.Y("low:Q", title="kHz", scale=alt.Scale(domain=[0, SAMPLE_RATE / 2000])),
            url=alt.Url("url:N"),
        )
    )
    marks = missing(clip.source.missing, start_s, end_s, LIGHT, _seconds(start_s, end_s, "start"))
    return alt.layer(image, *marks, width=WIDTH, height=HEIGHT)


def scores(d: Detection, band: tuple[float, float], start_s: float, end_s: float) -> Any:
    """The windows' log-likelihood ratios in the stretch, coloured by what they say."""
    import altair as alt
    import pandas as pd

    timeline = cells(d, band)
    low, threshold, high = band_in_llr(d.stance, band)
    reach = 1.1 * max([1.0, abs(threshold), *(abs(c.llr) for c in timeline if c.llr is not None)])
    within = [c for c in timeline if c.llr is not None and c.start_s < end_s and c.end_s > start_s]
    frame = pd.DataFrame(
        {
            "from": [max(c.start_s, start_s) for c in within],
            "to": [min(c.end_s, end_s) for c in within],
            "score": [c.llr for c in within],
            "threshold": threshold,
            "says": [KIND_WORDS[c.kind] for c in within],
        }
    )
    belt = pd.DataFrame({"low": [max(low, -reach)], "high": [min(high, reach)], "at": [threshold]})
    colours = [LIGHT.synthetic, LIGHT.authentic, LIGHT.neutral, LIGHT.band]
    bars = (
        alt.Chart(frame)
        .mark_bar(stroke=LIGHT.background, strokeWidth=0.5)
        .encode(
            x=_seconds(start_s, end_s),
            x2=alt.X2("to:Q"),
            y=alt.Y("score:Q", title="score", scale=alt.Scale(domain=[-reach, reach])),
            y2=alt.Y2("threshold:Q"),
            color=alt.Color(
                "says:N",
                title=None,
                legend=None,
                scale=alt.Scale(domain=list(KIND_WORDS.values()), range=colours),
            ),
        )
    )
    undecided = (
        alt.Chart(belt)
        .mark_rect(color=LIGHT.neutral, opacity=0.18)
        .encode(y=alt.Y("low:Q"), y2=alt.Y2("high:Q"))
    )
    line = alt.Chart(belt).mark_rule(strokeDash=[5, 4], color=LIGHT.rule).encode(y=alt.Y("at:Q"))
    marks = missing(d.source.missing, start_s, end_s, LIGHT, _seconds(start_s, end_s, "start"))
    return alt.layer(undecided, bars, line, *marks, width=WIDTH, height=HEIGHT)


def both(clip: Clip, d: Detection, band: tuple[float, float], start_s: float, end_s: float) -> Any:
    """The spectrogram of a stretch over its scores."""
    import altair as alt

    return alt.vconcat(
        spectrogram(clip, start_s, end_s), scores(d, band, start_s, end_s),
        bounds="flush", spacing=44,
    ).configure(background=LIGHT.background, padding=16).configure_axis(
        labelColor=LIGHT.text, titleColor=LIGHT.text
    )  # fmt: skip


def pictures(clip: Clip, d: Detection, band: tuple[float, float]) -> list[tuple[str, bytes]]:
    """What each stretch shows, and its picture as SVG: the spectrogram over the scores.

    Parameters
    ----------
    clip : Clip
        The one that was judged.
    d : Detection
        Of it, with a score.
    band : (float, float)
        Log-odds around the threshold without a verdict.
    """
    import vl_convert

    made = []
    for start_s, end_s in stretches(clip.duration_s):
        spec = make_spec(both, clip, d, band, start_s, end_s)
        made.append((f"{start_s:.1f} to {end_s:.1f} s", vl_convert.vegalite_to_svg(spec).encode()))
    return made
