"""Judge clips: upload, record or pick an example; read the verdict with its evidence."""

import streamlit as st

from core.show import cache, session
from core.show.clip import cards
from core.show.detect import inputs, judging, parts
from core.show.detect.result import result
from core.show.detect.table import several
from core.show.evidence.view import open_saved_section, report_section
from core.show.markdown import plain
from core.show.navigation import address
from core.show.opinions import view as opinions

st.title("Detect", anchor=False)
st.markdown("Is this speech human or machine-made? Bring a clip and see the evidence.")

inputs.follow_address()

left, right = st.columns([1, 2], gap="medium")
with left:
    inputs.choose_input()
    detector_id, *others = judging.choose_settings()
    open_saved_section()
with right:
    # What comes and goes in containers moves nothing below, which would close it.
    with st.container(key="detect-arriving"):
        detector = judging.take_in(detector_id)
    for entry in session.entries():
        if entry.error:
            st.error(
                f"**{plain(entry.name)}**: {plain(entry.error)}",
                icon=":material/error:",
            )
    if not any(not entry.error for entry in session.entries()):
        address.note_kept(False)
        if not session.entries():
            inputs.welcome()
        st.stop()
    if chosen := session.selected():
        address.write_if_other(chosen, with_part=False)
    with st.container(key="detect-listening"):
        detector = detector or judging.load(detector_id)
        done = judging.judge_all(detector)
    if len(session.entries()) > 1:
        parts.why_apart()
        several(done)
    chosen = session.selected()
    detection = done.get(chosen.key) if chosen else None
    if detection is None:
        st.stop()
    together = st.container()
    result(chosen, detection, detector)
    said = {key: {detector.id: found} for key, found in done.items() if found}
    detectors = {detector.id: detector}
    if others:
        said[chosen.key], detectors = judging.second_opinions(chosen, detection, detector, others)
        with together:
            opinions.at_a_glance(said[chosen.key], detectors, str(chosen.key))
    report_section(said, detectors)
    with st.expander("About this detector", icon=":material/info:"):
        cards.about_detector(
            detector.id,
            detector.name,
            detector.config,
            cache.results(detector_id),
            detector.weights_sha256,
        )
