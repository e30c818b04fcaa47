"""One clip in depth: waveform, spectrogram and score over time, and the spans towards synthetic."""

import streamlit as st

from core.audio.parts import in_words
from core.detect.detector import DetectorError
from core.detect.segments import segments
from core.detect.spans import band_in_probability, cells, synthetic_spans
from core.show import cache, session
from core.show.clip import charts, outlier
from core.show.clip.words import undecided_band, verdict
from core.show.markdown import for_visitors, plain
from core.show.navigation import address
from core.show.opinions.view import labels_of
from core.show.provenance.history import marks
from core.show.provenance.view import marks_below
from core.show.theme import VERDICTS
from core.show.timeline.view import (
    analyse,
    choose_clip,
    clip_bar,
    follow_address,
    picture,
    span_table,
)

HOPS = (2.0, 1.0, 0.5, 0.25)

st.title("Timeline", anchor=False)
st.markdown("Where in the clip does the evidence lie? Look, listen, and find the spans.")
follow_address()
for failed in session.entries():
    if failed.error:
        st.error(f"**{plain(failed.name)}**: {plain(failed.error)}", icon=":material/error:")
entry = session.selected()
clip = session.clip_of(entry) if entry else None
if entry is None or clip is None:
    address.note_kept(False)
    with st.container(border=True, key="timeline-empty"):
        st.subheader("No clip yet", anchor=False)
        st.markdown(
            "Judge a clip on **Detect** and press *Open in Timeline*, or choose one here. You will "
            "see its waveform and spectrogram with the score over them, and the stretches that "
            "lie above the band without a verdict."
        )
        choose_clip()
    st.stop()

address.write_if_other(entry)
clip_bar(entry)
hop_s = st.segmented_control(
    "A score every",
    HOPS,
    format_func=lambda hop: f"{hop:g} s",
    default=HOPS[0],
    required=True,
    key="timeline-hop",
    persist_state="session",
)
try:
    chosen = st.session_state.get("detector", "embedded")
    detector = cache.detector(chosen, labels=labels_of(chosen))
    whole, detection = analyse(entry, detector, clip, session.stance(), hop_s)
except DetectorError as error:
    st.error(for_visitors(error), icon=":material/error:")
    st.stop()
band = undecided_band(whole, detector.decision.inconclusive_llr)
timeline = cells(detection, band)
spans = synthetic_spans(timeline)

style = VERDICTS[whole.verdict]
chance = (
    f"{charts.percent(whole.p_spoof)} synthetic, assuming {charts.percent(whole.stance.prior)} "
    "before listening"
    if whole.gives_chance
    else ""
)
st.markdown(f":{style.colour}-badge[{style.icon} {verdict(whole)}] {chance}")
for reason in whole.reasons:
    st.caption(reason.text)
for note in (*in_words(clip.source), *clip.source.notes):
    st.caption(f":material/info: {plain(note)}")
if clip.source.missing:
    st.caption("Hatched: missing from the file.")
if whole.parts:
    st.caption("In brackets: called synthetic.")
outlier.notice(entry, whole)
origin = session.origin_of(entry)
apart = [(s.start_s, s.end_s) for s in whole.stands_out]
picture(
    entry,
    timeline,
    spans,
    apart,
    band_in_probability(band, detection.stance.threshold),
    charts.share_name(whole),
    marks(origin),
    [(s.start_s, s.end_s) for s in whole.parts],
    segments(whole, band),
)
span_table(entry, whole, spans, band)
marks_below(origin)
if session.pressed("Back to the result", key="timeline-back", icon=":material/hearing:"):
    st.switch_page("pages/Detect.py")
