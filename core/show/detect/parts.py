"""The parts of a file on Detect: another of its audio tracks, and why channels stand apart."""

from __future__ import annotations

import streamlit as st

from core.audio import parts
from core.audio.clip import Source
from core.show import session
from core.show.markdown import plain

WHY_APART = (
    "The channels of {files} differ so much that an average would hide part of the sound, so each "
    "is judged by itself."
)


def choose_track(entry: session.Entry, source: Source) -> None:
    """Offer the file's other audio tracks; the chosen one takes the entry's place.

    Parameters
    ----------
    entry : Entry
        The one that is shown.
    source : Source
        Its clip's.
    """
    if len(source.tracks) < 2:
        return
    tracks = {track.number: track for track in source.tracks}
    chosen = st.selectbox(
        "Audio track",
        list(tracks),
        index=list(tracks).index(entry.track) if entry.track in tracks else None,
        format_func=lambda number: f"Track {parts.described(tracks[number])}",
        key=f"detect-track-{entry.key}",
    )
    if chosen in (None, entry.track):
        return
    waiting = st.empty()
    problem = session.change_track(entry, chosen, waiting, f"Reading track {chosen}")
    waiting.empty()
    if not problem:
        st.rerun()
    st.error(
        f"Track {chosen} cannot be read: {plain(problem)} Track {entry.track} is shown below.",
        icon=":material/error:",
    )


def why_apart() -> None:
    """Say which of the current files have their channels judged apart, and why."""
    files = dict.fromkeys(plain(e.name) for e in session.entries() if e.channel and not e.error)
    if files:
        st.caption(f":material/call_split: {WHY_APART.format(files=', '.join(files))}")
