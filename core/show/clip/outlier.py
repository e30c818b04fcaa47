"""A stretch that scores unlike the rest: hear it, open it, and how often one is named."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.detect import outlier
from core.show import cache, session
from core.show.clip.waveform import wav_bytes
from core.show.navigation import address

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from core.detect.detection import Detection, Stretch

BREAKDOWN = "stands_out"
"""Rows of ``data/results/embedded.csv`` that say how often a stretch is named."""

MEANING = (
    "That part may be another voice, room or codec, or synthetic; this alone does not say which."
)


def offer(entry: session.Entry, detection: Detection) -> None:
    """For each stretch of a card: hear it, and open it in Timeline."""
    if not detection.stands_out:
        return
    with st.container(border=True, key="detect-stands-out"):
        for number, stretch in enumerate(detection.stands_out):
            _one(number, entry, stretch)
        _say(detection)


def _say(detection: Detection) -> None:
    """What a stretch may be where no verdict says it, and how often one is named."""
    meaning = "" if detection.parts else f"{MEANING} "
    st.caption(f"{meaning}{how_often(cache.results('embedded'), detection.detector)}")


def _one(number: int, entry: session.Entry, stretch: Stretch) -> None:
    where = f"{stretch.start_s:.1f} to {stretch.end_s:.1f} s"
    key = f"detect-stretch-{entry.key}-{number}"
    with st.container(horizontal=True):
        hear = session.pressed(f"Hear {where}", key=f"{key}-hear", icon=":material/hearing:")
        if session.pressed("Open it in Timeline", key=f"{key}-open", icon=":material/timeline:"):
            part = address.around(stretch.start_s, stretch.end_s)
            st.switch_page("pages/Timeline.py", query_params=address.query_of(entry, part))
    if not hear:
        return
    clip = session.clip_of(entry)
    if clip is None:
        st.caption("The sound is no longer kept in this session; open the file again.")
    else:
        st.audio(wav_bytes(clip, stretch.start_s, stretch.end_s), autoplay=True)


def how_often(figures: pd.DataFrame | None, detector: str) -> str:
    """How often a stretch was named where there was a part and where there was none.

    Parameters
    ----------
    figures : pandas.DataFrame or None
        Rows of the results schema.
    detector : str
        Its id in the tables.
    """
    found: dict[str, Any] = {}
    if figures is not None:
        rows = figures[(figures["system"] == detector) & (figures["breakdown"] == BREAKDOWN)]
        found = {row.condition: row for row in rows.itertuples()}
    if not found:
        return "How often this detector says so has not been measured."
    said: list[str] = []
    parts: dict[str, list[tuple[float, float]]] = {}
    for condition, row in found.items():
        part = re.fullmatch(r"with ([\d.]+) s of (.+) in them", condition)
        if part is None:
            clips = max(row.n_bonafide, row.n_spoof)
            said.append(f"in {row.value:.0f} % of {clips:,.0f} {condition}")
        else:
            parts.setdefault(part[2], []).append((float(part[1]), row.value))
    for what, shares in parts.items():
        seconds, values = zip(*sorted(shares), strict=True)
        said.append(
            f"with {_listed(seconds)} s of {what} in them in {_listed(map(round, values))} %"
        )
    return f"Measured with this detector, a stretch was named {'; '.join(said)}."


def _listed(numbers: Iterable[float]) -> str:
    """``1, 2 and 4``."""
    *most, last = (f"{number:g}" for number in numbers)
    return f"{', '.join(most)} and {last}" if most else last


def notice(entry: session.Entry, detection: Detection) -> None:
    """The same on Timeline: a sentence, and a button that shows the stretch."""
    for number, stretch in enumerate(detection.stands_out):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(
                f":material/join_inner: **{outlier.in_words(stretch, detection)}**", width="content"
            )
            st.button(
                "Show it",
                key=f"timeline-stretch-{number}",
                on_click=address.choose,
                args=(entry, address.around(stretch.start_s, stretch.end_s)),
            )
    if detection.stands_out:
        _say(detection)
