"""The microphone in the browser: its component, what keeps it away, and the recorder instead."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit_webrtc import Translations, WebRtcMode, create_audio_sink_track, webrtc_streamer

from core.show import session
from core.show.live import candidates, current, relay

MICROPHONE = "live-microphone"
"""Key of the WebRTC component."""

CONSTRAINTS = {
    "audio": {"echoCancellation": False, "noiseSuppression": False, "autoGainControl": False},
    "video": False,
}
"""The browser's own processing would take the signal apart that is to be judged."""

PROBLEMS = {
    "none": "Your browser finds no microphone. Plug one in, or switch it on, and start again.",
    "denied": (
        "Your browser does not allow this page to use the microphone. Allow it beside the page's "
        "address, then start again."
    ),
    "insecure": (
        "Your browser gives a microphone only to pages over https or on localhost, and this page "
        "is neither."
    ),
    "silent": (
        "No sound has come from the microphone. Another program may hold it, or a firewall may "
        "stop the connection."
    ),
}
"""What keeps the microphone away, in sentences."""

WORDS: Translations = {
    "start": "Start",
    "stop": "Stop",
    "select_device": "Choose microphone",
    "device_ask_permission": "Your browser asks for the microphone: please allow it.",
    "device_not_available": PROBLEMS["none"],
    "device_access_denied": PROBLEMS["denied"],
    "media_api_not_available": PROBLEMS["insecure"],
}
"""What the WebRTC component says."""


def changed() -> None:
    """Follow the component: a start opens a take, a stop finishes it."""
    state = st.session_state[MICROPHONE].state
    if not (state.playing or state.signalling):
        # As its page goes the component may still say so, as if somebody had pressed Stop.
        (current.finish if session.shown_page() in ("", "live") else current.leave)()
    elif not current.is_open():
        current.begin()


@functools.cache
def _microphone() -> Any:
    script = Path(__file__).with_name("microphone.js").read_text("utf-8")
    return st.components.v2.component("spoofscope_microphone", html="<span></span>", js=script)


def problem() -> str:
    """What keeps the microphone away: a key of `PROBLEMS`, or nothing.

    The browser is asked at once, because the WebRTC component keeps its errors to itself; that
    no sound comes shows only later.
    """
    state = _microphone()(key="live-problem", on_problem_change=lambda: None)
    return state.problem or ("silent" if current.is_silent() else "")


def start_and_stop() -> bool:
    """Draw start and stop, and send every frame to this visitor's take.

    Returns
    -------
    bool
        Whether the microphone is open, or being opened.
    """
    candidates.restrict()
    take = current.take()
    context = webrtc_streamer(
        key=MICROPHONE,
        mode=WebRtcMode.SENDONLY,
        rtc_configuration=relay.rtc_configuration(),
        media_stream_constraints=CONSTRAINTS,
        sink_audio_track=create_audio_sink_track(take.push if take else _ignore, key="live-sink"),
        translations=WORDS,
        media_toggle_controls=False,
        on_change=changed,
    )
    # A click during the first run can cost the component its state, but not its connection.
    connected = context.sink_audio_track is not None
    if not (context.state.playing or context.state.signalling or connected):
        current.leave()
        return False
    if connected and current.take() is None and not current.refusal() and current.begin():
        st.rerun()
    return True


def _ignore(frame: Any) -> None:
    """No take, no sound kept."""


def _recorded() -> None:
    recording = st.session_state[f"live-recording-{session.generation()}"]
    if recording is not None:
        session.bring([session.Arrival(recording.getvalue, "Your recording.wav", "recording")])
        st.session_state["spoofscope.live-recorded"] = True


def _recorder() -> None:
    st.audio_input(
        "Record first, judge afterwards",
        key=f"live-recording-{session.generation()}",
        on_change=_recorded,
    )
    st.caption("This works wherever the browser has a microphone. Its result opens in Detect.")


def fallback() -> None:
    """The way that needs no WebRTC: record first, judge afterwards."""
    found = problem()
    if found:
        st.warning(f"{PROBLEMS[found]} You can also record here:", icon=":material/mic_off:")
        _recorder()
    else:
        with st.expander("Record without a live score", icon=":material/radio_button_checked:"):
            st.caption(
                "An error in red above is your browser's own: *NotAllowedError* means that it may "
                "not use the microphone, *NotReadableError* that another program holds it."
            )
            _recorder()
