"""Live: a microphone over WebRTC, judged while it speaks."""

import streamlit as st

from core.show import session
from core.show.live import current, microphone, view
from core.show.navigation import address

REFRESH_S = 0.5
HEARTBEAT_S = 5.0  # a finished take stays as long as its page is open

st.title("Live", anchor=False)
st.markdown("Speak, or hold the microphone to a loudspeaker, and watch the evidence accumulate.")
if st.session_state.pop("spoofscope.live-recorded", False):
    st.switch_page("pages/Detect.py")

left, right = st.columns([1, 2], gap="medium")
with left:
    is_open = microphone.start_and_stop()
    if current.refusal():
        st.warning(current.refusal(), icon=":material/groups:")
    take = current.take()
    shot = take.snapshot() if take else None
    if is_open and shot is not None:
        if shot.state == "paused":
            st.button("Resume", icon=":material/play_arrow:", on_click=take.resume)
        else:
            st.button("Pause", icon=":material/pause:", on_click=take.pause)
    microphone.fallback()
with right:
    if shot is not None and shot.state == "released":
        current.let_go()
        shot = None
    if current.was_let_go():
        st.info(
            "The last take was deleted, because this page was not open for a while. Press "
            "**Start** for another.",
            icon=":material/info:",
        )
    address.note_kept(shot is not None, "take")
    if shot is None or (not shot.frames and not is_open):
        view.welcome()
        st.stop()
    st.fragment(view.panel, run_every=REFRESH_S if is_open else HEARTBEAT_S)(take, session.stance())
    if not is_open:
        view.buttons(take, shot)
