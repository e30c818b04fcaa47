"""Live: a microphone over WebRTC, judged while it speaks."""

import streamlit as st
from streamlit_webrtc import WebRtcMode, create_audio_sink_track, webrtc_streamer

from core.detect.stream import decided
from core.show import address, candidates, live_charts, live_view, session
from core.show.charts import LEGEND
from core.show.theme import palette

REFRESH_S = 0.5
HEARTBEAT_S = 5.0  # a finished take stays as long as its page is open


def microphone():
    """Start and stop, in the browser's own component; every frame goes to this visitor's take."""
    candidates.guard()
    current = live_view.take()
    sink = create_audio_sink_track(current.push if current else ignore, key="live-sink")
    return webrtc_streamer(
        key=live_view.MICROPHONE,
        mode=WebRtcMode.SENDONLY,
        rtc_configuration=live_view.rtc_configuration(),
        media_stream_constraints=live_view.CONSTRAINTS,
        sink_audio_track=sink,
        translations=live_view.WORDS,
        media_toggle_controls=False,
        on_change=live_view.microphone_changed,
    )


def ignore(frame) -> None:
    """No take, no sound kept."""


def recorded() -> None:
    recording = st.session_state[f"live-recording-{session.generation()}"]
    if recording is not None:
        session.bring([session.Arrival(recording.getvalue, "Your recording.wav", "recording")])
        st.session_state["spoofscope.live-recorded"] = True


def recorder() -> None:
    """The way that needs no WebRTC: record first, judge afterwards."""
    st.audio_input(
        "Record first, judge afterwards",
        key=f"live-recording-{session.generation()}",
        on_change=recorded,
    )
    st.caption("This works wherever the browser has a microphone. Its result opens in Detect.")


def other_way() -> None:
    problem = live_view.problem()
    if problem:
        st.warning(
            f"{live_view.PROBLEMS[problem]} You can also record here:", icon=":material/mic_off:"
        )
        recorder()
    else:
        with st.expander("Record without a live score", icon=":material/radio_button_checked:"):
            st.caption(
                "An error in red above is your browser's own: *NotAllowedError* means that it may "
                "not use the microphone, *NotReadableError* that another program holds it."
            )
            recorder()


def welcome() -> None:
    with st.container(border=True, key="live-empty"):
        st.subheader("Nothing is being heard yet", anchor=False)
        st.markdown(
            "1. Press **Start** and allow the microphone.\n"
            "2. Speak, or hold the microphone to a loudspeaker. The first verdict takes about five "
            "seconds of speech.\n"
            "3. Press **Stop**: the take stays here to hear, to keep, to examine, or to discard."
        )
        st.caption(
            ":material/lock: The take stays in this server's memory and is written nowhere. It is "
            "gone within a minute after you leave this page or close the tab."
        )
        st.caption(f":material/info: {live_view.OPUS_NOTE} {live_view.opus_effect()}")


def panel(take, stance) -> None:
    """Everything that moves."""
    take.touch()
    shot = take.snapshot()
    if live_view.give_up_waiting(shot) or shot.state == "released":
        st.rerun()
    detector = take.detector
    detection = shot.detection
    if detection is not None and detector is not None:
        detection = decided(detector.with_stance(detection, stance), shot.spread)
    belt = detector.decision.inconclusive_llr if detector is not None else (0.0, 0.0)
    band = live_view.grey_until_judged(shot, detection, belt)
    if shot.state != "finished":
        st.html(live_view.level_meter(shot.level_dbfs, shot.state == "paused"))
    live_view.verdict_card(shot, detection)
    st.caption(f":material/info: {live_view.OPUS_NOTE} {live_view.opus_effect()}")
    drawing = st.session_state["spoofscope.drawing"] = (
        st.session_state.get("spoofscope.drawing", 0) + 1
    )
    for rolling, title in ((True, "The last 30 seconds"), (False, "The whole take")):
        if rolling and shot.state == "finished":
            continue
        st.markdown(f"**{title}**")
        cells = live_charts.cells(
            shot.windows,
            shot.seconds,
            drawing=drawing,
            stance=stance,
            band=band,
            from_s=shot.kept_from_s,
            rolling=rolling,
        )
        st.vega_lite_chart(
            live_charts.drawn(live_charts.timeline(palette(), belt, rolling, stance=stance), cells),
            key=f"live-{'rolling' if rolling else 'whole'}",
            alt=f"Score over time, {title.lower()}; the sentence below says it in words.",
        )
    st.markdown(LEGEND)
    st.caption(live_view.in_words(shot, stance, band))
    for sentence in (*live_view.losses(shot), *live_view.channels(shot)):
        st.caption(f":material/warning: {sentence}")
    if shot.state == "paused":
        st.info(
            "Paused: the microphone is still open, but nothing of it is kept.",
            icon=":material/pause:",
        )


def buttons(take, shot) -> None:
    """What can be done with a finished take."""
    if live_view.was_left():
        st.info(
            "You left the page, which closed the microphone. The take up to then is here.",
            icon=":material/info:",
        )
    sound = take.wav()
    if not sound:
        return
    st.audio(sound, alt="Sound of the take")
    with st.container(horizontal=True):
        if st.button("Open in Detect", icon=":material/hearing:", type="primary"):
            live_view.bring(take, shot)
            st.switch_page("pages/Detect.py")
        if st.button("Open in Timeline", icon=":material/timeline:"):
            live_view.bring(take, shot)
            st.switch_page("pages/Timeline.py")
        st.download_button(
            "WAV",
            sound,
            "live-take.wav",
            "audio/wav",
            icon=":material/download:",
            on_click="ignore",
        )
        st.button("Discard", icon=":material/delete:", on_click=live_view.discard, type="tertiary")
    st.caption(
        "Detect judges the take as a file: it levels all its windows together, so its score can "
        "differ a little from the one above. Discarding forgets the sound and the scores; what you "
        "opened in Detect stays there until you forget it there. A new start discards this take."
    )


st.title("Live", anchor=False)
st.markdown("Speak, or hold the microphone to a loudspeaker, and watch the evidence accumulate.")
if st.session_state.pop("spoofscope.live-recorded", False):
    st.switch_page("pages/Detect.py")

left, right = st.columns([1, 2], gap="medium")
with left:
    context = microphone()
    # A click during the first run can cost the component its state, but not its connection.
    connected = context.sink_audio_track is not None
    on_air = context.state.playing or context.state.signalling or connected
    if not on_air:
        live_view.leave()
    elif connected and live_view.take() is None and not live_view.refusal() and live_view.begin():
        st.rerun()
    if live_view.refusal():
        st.warning(live_view.refusal(), icon=":material/groups:")
    take = live_view.take()
    shot = take.snapshot() if take else None
    if on_air and shot is not None:
        if shot.state == "paused":
            st.button("Resume", icon=":material/play_arrow:", on_click=take.resume)
        else:
            st.button("Pause", icon=":material/pause:", on_click=take.pause)
    other_way()
with right:
    if shot is not None and shot.state == "released":
        live_view.discard()
        st.info(
            "The last take was let go of, because this page was not open for a while.",
            icon=":material/info:",
        )
        shot = None
    address.hold(shot is not None, "take")
    if shot is None or (not shot.frames and not on_air):
        welcome()
        st.stop()
    st.fragment(panel, run_every=REFRESH_S if on_air else HEARTBEAT_S)(take, session.stance())
    if not on_air:
        buttons(take, shot)
