"""The visitor's one take: opened, finished, discarded, handed to the other pages."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import streamlit as st

from core.detect.stream import Snapshot, Take
from core.settings import settings
from core.show import cache, session
from core.show.live.words import OPUS_NOTE, lost_sound

SILENT_AFTER_S = 10.0
"""Without a frame for this long, the other way to record is offered."""

_TAKE = "spoofscope.live"

_SILENT = "spoofscope.live-silent"

_LEFT = "spoofscope.live-left"

_REFUSED = "spoofscope.live-refused"

_GONE = "spoofscope.live-gone"


def take() -> Take | None:
    """This visitor's take, None before the first and after it was discarded."""
    return st.session_state.get(_TAKE)


def begin() -> bool:
    """Open a new take, letting go of the one before; False where too many are under way."""
    discard()
    others = sum(t.open for t in cache.takes())
    st.session_state[_REFUSED] = others >= settings().live_streams
    if st.session_state[_REFUSED]:
        return False
    detector = st.session_state.get("detector", "embedded")
    labels = st.session_state.get("spoofscope.others", {}).get(detector) or None
    made = Take(lambda: cache.detector(detector, labels=labels), cache.queued_turn(patient=True))
    cache.takes().add(made)
    st.session_state[_TAKE] = made
    return True


def refusal() -> str:
    """The sentence for a visitor whose take was not opened; empty otherwise."""
    if not st.session_state.get(_REFUSED):
        return ""
    return (
        f"This server takes {settings().live_streams:,} live takes at a time, and all are in use. "
        "Press Stop, and try again in a minute, or record first."
    )


def discard() -> None:
    """Let go of the take: its sound, its scores, its verdict."""
    for key in (_SILENT, _LEFT, _REFUSED, _GONE):
        st.session_state.pop(key, None)
    old = st.session_state.pop(_TAKE, None)
    if old is not None:
        old.discard()


def let_go() -> None:
    """Let go of a take that was deleted because nobody looked at it, and note that."""
    discard()
    st.session_state[_GONE] = True


def was_let_go() -> bool:
    """Whether that became of the last take; said until another begins, since a page may be run
    again before it is read."""
    return bool(st.session_state.get(_GONE))


def is_open() -> bool:
    """Whether a take is under way."""
    current = take()
    return current is not None and current.open


def finish() -> None:
    """End the take whose microphone was stopped, and note whether any sound came."""
    current = take()
    if current is not None:
        current.finish()
        st.session_state[_SILENT] = current.snapshot().frames == 0


def leave() -> None:
    """Finish a take whose microphone went away with the page that held it."""
    st.session_state.pop(_REFUSED, None)
    current = take()
    if current is not None and current.open:
        current.finish()
        st.session_state[_LEFT] = True


def was_left() -> bool:
    """Whether the take ended because its visitor went to another page."""
    return bool(st.session_state.get(_LEFT))


def is_silent() -> bool:
    """Whether no sound came, so that the other way to record is to be shown."""
    return bool(st.session_state.get(_SILENT))


def give_up_waiting(shot: Snapshot) -> bool:
    """Note that no frame came for too long; True the first time."""
    if shot.frames or shot.waited_s < SILENT_AFTER_S or is_silent():
        return False
    st.session_state[_SILENT] = True
    return True


def bring(current: Take, shot: Snapshot) -> None:
    """Make the take the chosen clip of Detect and Timeline."""
    name = f"Live take {datetime.now():%H.%M.%S}.wav"
    made = session.add(session.Arrival(current.wav, name, "recording"))
    for entry in made:
        clip = session.clip_of(entry)
        if clip is not None:
            notes = (*clip.source.notes, OPUS_NOTE, *lost_sound(shot))
            source = replace(clip.source, notes=notes, codec="opus")  # what it came through
            session.describe(entry, source)
    session.choose(made)
