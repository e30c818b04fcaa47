"""One clip in depth: waveform, spectrogram and score over time, spans above a threshold."""

import pandas as pd
import streamlit as st

from core.detect.detector import DetectorError
from core.detect.spans import cell_at, cells, spans_above
from core.show import cache, charts, exports, session
from core.show.cards import for_visitors, plain, undecided_band
from core.show.opinions_view import labels_of
from core.show.theme import VERDICTS, palette
from core.show.waveform import player, player_data, says, spectrogram_png, wav_bytes

HOPS = (2.0, 1.0, 0.5, 0.25)
SOUND = "timeline-sound"
LONGEST_VIEW_S = 300.0
FIRST_VIEW_S = 60.0
WHOLE_VIEW_S = 20.0  # clips up to here are always shown whole
MARGIN_S = 5.0  # shown on either side of a span that was chosen
PATIENCE_S = 20.0  # an analysis that will take longer than this waits for a click


def take_upload() -> None:
    file = st.session_state[f"upload-timeline-{session.generation()}"]
    if file is not None:
        session.choose(session.add(session.Arrival(file.getvalue, file.name, "upload")))


def take_example(order: int) -> None:
    example = next(e for e in cache.examples() if e.order == order)
    path = example.path
    arrival = session.Arrival(path.read_bytes, path.name, "example", example.order)
    session.choose(session.add(arrival))


def choose_clip() -> None:
    """An upload or an example; what Detect has is here already."""
    st.file_uploader(
        "Audio or video file",
        type=session.TYPES,
        key=f"upload-timeline-{session.generation()}",
        on_change=take_upload,
        max_upload_size=session.upload_mb(),
    )
    with st.container(horizontal=True):
        for example in cache.examples():
            st.button(
                f"{example.order}. {example.title}",
                key=f"timeline-example-{example.order}",
                on_click=take_example,
                args=(example.order,),
            )


def empty() -> None:
    with st.container(border=True, key="empty"):
        st.subheader("No clip yet", anchor=False)
        st.markdown(
            "Judge a clip on **Detect** and press *Open in Timeline*, or choose one here. You will "
            "see its waveform and spectrogram with the score over them, and the stretches that "
            "lie above the threshold."
        )
        choose_clip()


def analyse(entry, detector, clip, stance: dict[str, float], hop_s: float):
    """The clip's Detection at the detector's own hop, which alone gives the verdict, and the one
    at the wanted hop; an analysis that would take long waits for a click."""
    bar = st.empty()
    doing = f"Listening to {plain(entry.label)}…"
    whole = session.judge(entry, detector, **stance, bar=bar, doing=doing)
    if session.detection_of(entry, detector, hop_s) is None:
        bar.empty()
        each_s = whole.elapsed_ms / 1000 / max(1, len(whole.windows))
        expected_s = each_s * clip.duration_s / hop_s
        if expected_s > PATIENCE_S and not st.button(
            f"Analyse every {hop_s:g} s (about {expected_s:,.0f} s)", type="primary"
        ):
            st.caption("Until then the coarser scores are shown.")
            return whole, whole
    fine = session.judge(entry, detector, **stance, hop_s=hop_s, bar=bar, doing=doing)
    bar.empty()
    return whole, fine


def choose_view(entry, duration_s: float) -> tuple[float, float]:
    """The stretch of the clip that is drawn and played."""
    if duration_s <= WHOLE_VIEW_S:
        return 0.0, duration_s
    key = f"view-{entry.key}"
    first = st.session_state.get(key, (0.0, min(duration_s, FIRST_VIEW_S)))
    st.session_state[key] = st.session_state.pop("spoofscope.next-view", first)
    start, end = st.slider(
        "Stretch shown, in seconds", 0.0, duration_s, step=0.5, format="%.1f", key=key
    )
    if end - start < 0.5:
        start = max(0.0, end - 0.5)
    if end - start > LONGEST_VIEW_S:
        end = start + LONGEST_VIEW_S
        st.caption(f"Showing {start:.1f} to {end:.1f} s: at most {LONGEST_VIEW_S:g} s at a time.")
    return start, min(duration_s, end)


@st.fragment
def picture(entry, clip, detection, timeline, spans, view, band, threshold) -> None:
    """Sound, player, and the window at the place that was clicked."""
    colours = palette()
    first, last = (round(16_000 * edge) for edge in view)
    drawn = session.drawing(
        (entry.key, view, colours.background),
        lambda: spectrogram_png(clip.samples[first:last], colours),
    )
    with st.container(key=SOUND):
        st.audio(wav_bytes(clip, *view), alt=f"Sound of {entry.name}")
    seconds = player(
        player_data(clip, timeline, spans, view, band, threshold, drawn, SOUND),
        key=f"player-{entry.key}",
    )
    cell = None if seconds is None else cell_at(timeline, seconds)
    if cell is not None:
        evidence = "" if cell.llr is None else f", log-likelihood ratio {cell.llr:+.2f}"
        with st.container(border=True, key="here"):
            st.markdown(
                f"**At {seconds:.2f} s**: window {cell.window + 1}, heard from "
                f"{cell.heard_from_s:.2f} to {cell.heard_to_s:.2f} s, {says(cell)}{evidence}, "
                f"{cell.speech_s:.1f} s of speech."
            )
            st.audio(wav_bytes(clip, cell.heard_from_s, cell.heard_to_s))


def go_to(span, entry, duration_s: float) -> None:
    """Show the stretch around a span, once: the visitor may move on from there."""
    here = (entry.key, span)
    if duration_s > WHOLE_VIEW_S and st.session_state.get("spoofscope.shown-span") != here:
        st.session_state["spoofscope.shown-span"] = here
        st.session_state["spoofscope.next-view"] = (
            max(0.0, span.start_s - MARGIN_S),
            min(duration_s, span.end_s + MARGIN_S, span.start_s + LONGEST_VIEW_S),
        )
        st.rerun()


def span_table(entry, detection, spans, threshold: float, duration_s: float) -> None:
    st.subheader("Spans above the threshold", anchor=False)
    if not spans:
        st.markdown(f"No stretch of this clip lies above {threshold:.0%}.")
    else:
        event = st.dataframe(
            pd.DataFrame(
                {
                    "From (s)": [s.start_s for s in spans],
                    "To (s)": [s.end_s for s in spans],
                    "Length (s)": [s.duration_s for s in spans],
                    "Highest": [charts.percent(s.peak_p) for s in spans],
                    "Mean": [charts.percent(s.mean_p) for s in spans],
                    "Highest LLR": [s.peak_llr for s in spans],
                }
            ),
            hide_index=True,
            key="spans",
            on_select="rerun",
            selection_mode="single-row",
            column_config={
                name: st.column_config.NumberColumn(format="%.2f")
                for name in ("From (s)", "To (s)", "Length (s)")
            }
            | {"Highest LLR": st.column_config.NumberColumn(format="%+.2f")},
        )
        if duration_s > WHOLE_VIEW_S:
            st.caption("Choose a row to see that span above.")
        rows = event["selection"]["rows"]
        if rows and rows[0] < len(spans):
            go_to(spans[rows[0]], entry, duration_s)
    stem = exports.safe_stem(entry.name)
    with st.container(horizontal=True):
        for label, text, suffix, kind in (
            ("CSV", exports.spans_csv(spans, entry.name), "spans.csv", "text/csv"),
            ("Audacity labels", exports.audacity_labels(spans), "labels.txt", "text/plain"),
            ("RTTM", exports.rttm(spans, entry.name), "rttm", "text/plain"),
        ):
            st.download_button(
                label,
                text,
                f"{stem}.{suffix}",
                kind,
                icon=":material/download:",
                on_click="ignore",
                disabled=not spans,
            )
    st.caption(
        f"A window is {detection.window_s:g} s long and its score is drawn at its middle: the "
        f"edges of a span are known to about ±{detection.window_s / 2:g} s, whatever the hop. "
        "A span is a place to listen to, not proof that just these seconds were made."
    )


st.set_page_config(page_title="Timeline · Spoofscope", layout="wide")
st.title("Timeline", anchor=False)
st.markdown("Where in the clip does the evidence lie? Look, listen, and mark the spans.")
for failed in session.entries():
    if failed.error:
        st.error(f"**{plain(failed.name)}**: {plain(failed.error)}", icon=":material/error:")
entry = session.selected()
clip = session.clip_of(entry) if entry else None
if clip is None:
    empty()
    st.stop()

judged = [e for e in session.entries() if not e.error]
with st.container(horizontal=True, vertical_alignment="bottom"):
    if len(judged) > 1:
        names = {e.key: e.label for e in judged}
        key = st.selectbox(
            "Clip",
            names,
            index=list(names).index(entry.key),
            format_func=names.get,
            width=320,
        )
        if key != entry.key:
            session.select(key)
            st.rerun()
    else:
        st.markdown(f"**{plain(entry.label)}**")
    with st.popover("Another clip", icon=":material/folder_open:"):
        choose_clip()

hop_column, threshold_column = st.columns(2)
hop_s = hop_column.segmented_control(
    "A score every",
    HOPS,
    format_func=lambda hop: f"{hop:g} s",
    default=HOPS[0],
    required=True,
    key="hop",
    persist_state="session",
)
threshold = (
    threshold_column.slider(
        "Mark spans where the chance of synthetic is above",
        5, 95, 50, step=5,
        format="%d %%",
        key="threshold",
        persist_state="session",
    )
    / 100
)  # fmt: skip
try:
    chosen = st.session_state.get("detector", "embedded")
    detector = cache.detector(chosen, labels=labels_of(chosen))
except DetectorError as error:
    st.error(for_visitors(error), icon=":material/error:")
    st.stop()
whole, detection = analyse(entry, detector, clip, session.stance(), hop_s)
band = undecided_band(detection, detector.decision.inconclusive_llr)
timeline = cells(detection, band)
spans = spans_above(timeline, threshold)

style = VERDICTS[whole.verdict]
st.markdown(
    f":{style.colour}-badge[{style.icon} {style.word}] "
    + (
        f"{charts.percent(whole.p_spoof)} synthetic, assuming "
        f"{charts.percent(whole.prior)} before listening"
        if whole.p_spoof is not None
        else ""
    )
)
for reason in whole.reasons:
    st.caption(reason.text)
view = choose_view(entry, clip.duration_s)
belt = (band[0] + detection.threshold, band[1] + detection.threshold)
picture(entry, clip, detection, timeline, spans, view, belt, threshold)
span_table(entry, detection, spans, threshold, clip.duration_s)
if st.button("Back to the result", icon=":material/hearing:"):
    st.switch_page("pages/Detect.py")
