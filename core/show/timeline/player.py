"""The Timeline's player: a clip as a whole, a part of it in detail, its sound and its scores.

Every time is in seconds of the file, whatever part of it is shown.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.audio.clip import SAMPLE_RATE, Clip
from core.detect.segments import Segment
from core.detect.spans import Cell, Span
from core.show.clip.charts import CHANCE, joined, percent
from core.show.clip.waveform import extremes
from core.show.navigation.address import LEAST_S, LONGEST_S

OVERVIEW_COLUMNS = 600

_HTML = """
<div class="player" role="group" aria-label="Clip with its scores over time">
  <div class="overview" role="img"><canvas></canvas>
    <div class="before"></div><div class="after"></div><div class="brush"></div>
    <div class="cursor"></div></div>
  <div class="axis of-clip" aria-hidden="true"></div>
  <div class="readout"><button type="button" class="play">Play</button>
    <button type="button" class="hear">Hear this window</button>
    <span class="time"></span><span class="hover"></span></div>
  <div class="rows">
    <div class="scales" aria-hidden="true"><div class="scale score"></div>
      <div class="scale wave"></div><div class="scale spectrum"></div></div>
    <div class="stage" tabindex="0" role="slider" aria-label="Position in the clip"
         aria-orientation="horizontal" aria-describedby="keys">
      <div class="lane score"><canvas></canvas><span class="share"></span></div>
      <div class="lane wave"><canvas></canvas><span>Waveform, full scale is 1</span></div>
      <div class="lane spectrum"><img alt=""><canvas></canvas>
        <span>Spectrogram, with the score as a line</span></div>
      <div class="ghost" hidden></div>
      <div class="cursor"></div>
    </div>
  </div>
  <div class="axis of-part" aria-hidden="true"></div>
  <div class="keys" id="keys">Drag the frame above or its edges to choose a part; click here to
    seek. Keys: space plays, arrows move by a second (Shift: a tenth), Enter plays the window.</div>
</div>
"""


@functools.cache
def _player() -> Any:
    import streamlit as st

    here = Path(__file__).parent
    return st.components.v2.component(
        "spoofscope_player",
        html=_HTML,
        css=(here / "player.css").read_text("utf-8"),
        js=(here / "player.js").read_text("utf-8"),
    )


def player_data(
    clip: Clip,
    whole: tuple[np.ndarray, np.ndarray],
    timeline: Sequence[Cell],
    spans: Sequence[Span],
    part: tuple[float, float],
    edges: tuple[float, float, float],
    spectrogram: str,
    sound: str,
    apart: Sequence[tuple[float, float]] = (),
    share: str = CHANCE,
    marks: Sequence[tuple[float, float, str]] = (),
    parts: Sequence[tuple[float, float]] = (),
    finer: Sequence[Segment] = (),
) -> dict[str, Any]:
    """What the player draws, in plain JSON types.

    Parameters
    ----------
    clip : Clip
        The whole clip.
    whole : (numpy.ndarray, numpy.ndarray)
        Its `overview_wave`.
    timeline, spans : sequences
        Of the whole clip.
    part : (float, float)
        What is shown in detail, in seconds.
    edges : (float, float, float)
        Lower edge, threshold and upper edge of the decision as posterior probabilities.
    spectrogram : str
        Data address of the picture of the part.
    sound : str
        Key of the Streamlit container whose audio element holds the sound of the part.
    apart : sequence of (float, float)
        Stretches that score unlike the rest, in seconds.
    share : str
        What the scale from 0 to 100 % is, as of `core.show.clip.charts.share_name`.
    marks : sequence of (float, float, str)
        Places of the file's history: from, to, and what is there.
    parts : sequence of (float, float)
        Those for which the clip is called synthetic in part, in seconds.
    finer : sequence of Segment
        What the line over the spectrogram follows; the cells where there are none.
    """
    start, end = part
    lows, highs = extremes(clip.samples[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)])
    low, middle, high = edges
    missing = clip.source.missing
    return {
        "clip": f"{clip.source.sha256} {clip.source.part}",
        "from": start,
        "to": end,
        "least": LEAST_S,
        "longest": LONGEST_S,
        "lows": _thousandths(lows),
        "highs": _thousandths(highs),
        "low": low,
        "middle": middle,
        "high": high,
        "cells": [
            {
                "start": c.start_s,
                "end": c.end_s,
                "heardFrom": c.heard_from_s,
                "heardTo": c.heard_to_s,
                "p": c.p_spoof,
                "kind": c.kind,
                "says": says(c, share),
            }
            for c in timeline
            if c.end_s > start and c.start_s < end
        ],
        "spans": [_edges(s.start_s, s.end_s) for s in spans if s.end_s > start and s.start_s < end],
        "missing": [
            _edges(a, b) for a, b in joined(missing, (end - start) / 500) if b > start and a < end
        ],
        "whole": {
            "seconds": clip.duration_s,
            "lows": _thousandths(whole[0]),
            "highs": _thousandths(whole[1]),
            "kinds": column_kinds(timeline, clip.duration_s, len(whole[0])),
            "spans": [_edges(s.start_s, s.end_s) for s in spans],
            "apart": [_edges(a, b) for a, b in apart],
            "missing": [_edges(a, b) for a, b in joined(missing, clip.duration_s / 500)],
            "marks": [a for a, _, _ in marks],
        },
        "parts": [_edges(a, b) for a, b in parts],
        "finer": [
            {**_edges(s.start_s, s.end_s), "p": s.p_spoof, "kind": s.kind}
            for s in finer
            if s.end_s > start and s.start_s < end
        ],
        "marks": [{"at": a, "what": what} for a, b, what in marks if b > start and a < end],
        "spectrogram": spectrogram,
        "sound": sound,
        "share": share,
    }


def overview_wave(clip: Clip) -> tuple[np.ndarray, np.ndarray]:
    """`extremes` of the whole clip for the overview."""
    return extremes(clip.samples, OVERVIEW_COLUMNS)


def column_kinds(timeline: Sequence[Cell], duration_s: float, columns: int) -> list[str]:
    """What each column of an overview says: its cell of the highest posterior.

    The highest, so that a short span is seen in a long clip.

    Parameters
    ----------
    timeline : sequence of Cell
        At least one.
    duration_s : float
        Length of the clip.
    columns : int
        Equal parts of the clip.

    Returns
    -------
    list of str
        `core.detect.spans.Kind` of each.
    """
    best: list[Cell | None] = [None] * columns
    for cell in timeline:
        first = int(cell.start_s / duration_s * columns)
        last = int(np.ceil(cell.end_s / duration_s * columns))
        for column in range(first, min(columns, last)):
            held = best[column]
            if held is None or (cell.p_spoof or 0.0) > (held.p_spoof or 0.0):
                best[column] = cell
    return [(cell or timeline[-1]).kind for cell in best]


def _thousandths(values: np.ndarray) -> list[int]:
    return np.round(values * 1000).astype(int).tolist()


def _edges(start_s: float, end_s: float) -> dict[str, float]:
    return {"start": start_s, "end": end_s}


def says(cell: Cell, share: str = CHANCE) -> str:
    """A cell in a few words."""
    if cell.kind == "missing":
        return "missing from the file"
    if cell.p_spoof is None:
        return "too little speech"
    said = percent(cell.p_spoof)
    return f"{said} synthetic" if share == CHANCE else f"{share.lower()}: {said}"


def player(data: dict[str, Any], key: str, on_part: Callable[[], None]) -> float | None:
    """Show the player.

    Parameters
    ----------
    data : dict
        As from `player_data`.
    key : str
        Streamlit key; under it the session state holds ``part`` while ``on_part`` runs.
    on_part : callable
        Called when another part was chosen with the brush.

    Returns
    -------
    float or None
        The second that was last clicked, None before the first click.
    """
    state = _player()(key=key, data=data, on_seconds_change=lambda: None, on_part_change=on_part)
    seconds = state.seconds
    return None if seconds is None else float(seconds)
