"""What stands on the Live page: the empty page, the running take, and what to do with one."""

from __future__ import annotations

import functools
import html
import json

import streamlit as st

from core.detect import outlier
from core.detect.decision import Stance
from core.detect.detection import Detection
from core.detect.stream import Snapshot, Take, by_channel, decided
from core.show import cache, session
from core.show.clip.charts import LEGEND
from core.show.clip.words import limit, probability_bars, withheld
from core.show.documents.chart import make_spec
from core.show.live import charts, current, words
from core.show.markdown import without_folders
from core.show.theme import VERDICTS, Palette, palette
from core.show.widgets import save_button


def welcome() -> None:
    """The page before the first take."""
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
        _opus_note(st.session_state.get("detector", "embedded"))


PANEL = "live-panel"


def panel(take: Take, stance: Stance) -> None:
    """Everything that moves, drawn again and again while the microphone is open."""
    with st.container(key=PANEL):
        # Streamlit fades what a run has not drawn yet; on a busy server that is always something.
        st.html(f"<style>.st-key-{PANEL} [data-stale=true] {{ opacity: 1 !important; }}</style>")
        _panel(take, stance)


def _panel(take: Take, stance: Stance) -> None:
    take.touch()
    shot = take.snapshot()
    if current.give_up_waiting(shot) or shot.state == "released":
        st.rerun()
    detector = take.detector
    detection = shot.detection
    belt = (0.0, 0.0)
    if detector is not None:
        belt = detector.decision.inconclusive_llr
        if detection is not None:
            sides = by_channel(shot.windows, stance, belt)
            detection = decided(detector.with_stance(detection, stance), shot.spread, sides)
    if shot.state != "finished":
        st.html(words.level_meter(shot.level_dbfs, shot.state == "paused"))
    if not current.was_left() and (broken := words.broken(shot)):
        st.warning(broken, icon=":material/link_off:")
    _verdict_card(shot, detection)
    _opus_note(st.session_state.get("detector", "embedded") if detector is None else detector.id)
    _timelines(shot, stance, belt, _grey_until_judged(shot, detection, belt))
    for sentence in (*words.losses(shot), *words.channels(shot)):
        st.caption(f":material/warning: {sentence}")
    if shot.state == "paused":
        st.info(
            "Paused: the microphone is still open, but nothing of it is kept.",
            icon=":material/pause:",
        )


def _verdict_card(shot: Snapshot, detection: Detection | None) -> None:
    """The running verdict: grey and "Listening" until there is enough speech."""
    judged = None if shot.listening else detection
    with st.container(border=True, key="live-verdict"):
        if judged is None:
            word = "No verdict" if shot.error or shot.state == "finished" else "Listening"
            st.header(f":gray[:material/hearing: {word}]", anchor=False)
        else:
            style = VERDICTS[judged.verdict]
            st.header(f":{style.colour}[{style.icon} {style.word}]", anchor=False)
        said = html.escape(without_folders(words.status(shot, detection)))
        st.html(f'<div role="status">{said}</div>')
        if judged is not None and withheld(judged):
            st.markdown(
                "For sound like this the detector's score is not a chance, so none is given."
            )
        elif judged is not None:
            st.html(probability_bars(judged))
            spread = words.spread(shot, judged)
            st.markdown(spread or "An interval follows once two separate windows are scored.")
        for reason in detection.reasons if detection else ():
            st.markdown(f":material/info: {reason.text}")
        for sentence in [outlier.in_words(s, judged) for s in judged.stands_out] if judged else ():
            st.markdown(f":material/join_inner: **{sentence}**")
        st.html(words.facts(shot))
        if judged is not None:
            st.caption(f":material/shield: {limit(judged)}")


def _opus_note(detector: str) -> None:
    effect = words.opus_effect(cache.results("embedded"), detector)
    st.caption(f":material/info: {words.OPUS_NOTE} {effect}")


def _timelines(
    shot: Snapshot, stance: Stance, belt: tuple[float, float], grey: tuple[float, float]
) -> None:
    """The last seconds and the whole take, then what they show in words.

    ``belt`` is drawn over the chart; windows whose log-odds lie in ``grey`` are grey.
    """
    # Windows end with whole seconds: in between charts stay as they are, and cost nothing.
    now_s = shot.seconds if shot.state == "finished" else float(int(shot.seconds))
    for rolling, title in ((True, "The last 30 seconds"), (False, "The whole take")):
        if rolling and shot.state == "finished":
            continue
        st.markdown(f"**{title}**")
        cells = charts.cells(
            shot.windows,
            now_s,
            stance=stance,
            band=grey,
            from_s=shot.kept_from_s,
            rolling=rolling,
        )
        st.vega_lite_chart(
            charts.drawn(json.loads(_form(palette(), belt, rolling, stance)), cells),
            key=f"live-{'rolling' if rolling else 'whole'}",
            alt=f"Score over time, {title.lower()}; the sentence below says it in words.",
        )
    st.markdown(LEGEND)
    st.caption(words.in_words(shot, stance, grey))


@functools.lru_cache(maxsize=32)
def _form(palette: Palette, belt: tuple[float, float], rolling: bool, stance: Stance) -> str:
    """A chart without data as JSON: made anew twice a second, it took most of the page's time."""
    return json.dumps(make_spec(charts.timeline, palette, belt, rolling, stance=stance))


def _grey_until_judged(
    shot: Snapshot, detection: Detection | None, band: tuple[float, float]
) -> tuple[float, float]:
    """Log-odds between which windows are grey: all of them while no verdict stands."""
    codes = {reason.code for reason in detection.reasons} if detection else set()
    apart = "channels_contradict" in codes  # each window is of one of them, and has its meaning
    if shot.listening or detection is None or (withheld(detection) and not apart):
        return (-20.0, 20.0)
    return band


def buttons(take: Take, shot: Snapshot) -> None:
    """What can be done with a finished take."""
    if current.was_left():
        st.info(
            "You left the page, which closed the microphone. The take up to then is here.",
            icon=":material/info:",
        )
    sound = take.wav()
    if not sound:
        return
    st.audio(sound, alt="Sound of the take")
    with st.container(horizontal=True):
        if session.pressed(
            "Open in Detect", key="live-to-detect", icon=":material/hearing:", type="primary"
        ):
            current.bring(take, shot)
            st.switch_page("pages/Detect.py")
        if session.pressed("Open in Timeline", key="live-to-timeline", icon=":material/timeline:"):
            current.bring(take, shot)
            st.switch_page("pages/Timeline.py")
        save_button("WAV", sound, "live-take.wav", "audio/wav")
        st.button("Discard", icon=":material/delete:", on_click=current.discard, type="tertiary")
    st.caption(
        "Detect judges the take as a file: it levels all its windows together, so its score can "
        "differ a little from the one above, and it looks for synthetic parts. The WAV alone does "
        "not say that it came through Opus: judge it later with `python -m core detect --through "
        "opus`. Discarding forgets the sound and the scores; what you opened in Detect stays there "
        "until you forget it there. A new start discards this take."
    )
