"""The parts of the Timeline page: choosing a clip, its picture, and the table of its spans."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.detect.decision import Stance
from core.detect.segments import Segment
from core.detect.spans import Cell, Span, band_in_probability, cell_at
from core.show import cache, session
from core.show.clip import charts
from core.show.clip.waveform import spectrogram_png, wav_bytes
from core.show.clip.words import withheld
from core.show.documents import exports
from core.show.markdown import plain
from core.show.navigation import address
from core.show.navigation.choices import say_lost
from core.show.theme import palette
from core.show.timeline.player import overview_wave, player, player_data, says
from core.show.widgets import numbers, save_button

if TYPE_CHECKING:
    from core.audio.clip import Clip
    from core.detect.detection import Detection
    from core.detect.detector import Detector

SOUND = "timeline-sound"
PATIENCE_S = 20.0
"""An analysis that will take longer than this waits for a click."""

WANTED = "spoofscope.analysis-wanted"
"""Where a session keeps which clip was to be analysed how finely: a full queue does not undo it."""


def _take_upload() -> None:
    file = st.session_state[f"timeline-upload-{session.generation()}"]
    if file is not None:
        session.choose(session.add(session.Arrival(file.getvalue, file.name, "upload")))
        address.write(session.selected())


def _take_example(order: int) -> None:
    if open_example(order):
        address.write(session.selected())


def open_example(order: int) -> bool:
    """Make an example the session's clip; whether there is such an example."""
    example = next((e for e in cache.examples() if e.order == order), None)
    if example is not None:
        path = example.path
        arrival = session.Arrival(path.read_bytes, path.name, "example", order)
        session.choose(session.add(arrival))
    return example is not None


def follow_address() -> None:
    """Open what an address such as ``?example=3&from=2&to=5`` asks for, and say what of it is
    not here.

    An address without a part, reached from one with a part by the back button, shows the beginning.
    """
    was_here = any(str(key).startswith("timeline-from-") for key in st.session_state)
    asked = address.new_request()
    if asked is None:
        return
    open_ones = {str(e.example): e for e in session.entries() if e.example}
    offered = {*open_ones, *(str(e.order) for e in cache.examples())}
    order, lost = address.asked_example(asked.get("example", ()), offered)
    if order in open_ones:
        session.select(open_ones[order].key)
    elif order:
        open_example(int(order))
    entry = session.selected()
    clip = session.clip_of(entry) if entry is not None else None
    if entry is not None and clip is not None and ("from" in asked or was_here):
        address.apply_part(asked, entry, clip.duration_s)
    meant = address.asked_part(asked, clip.duration_s) if clip is not None else None
    if clip is not None or "kept" not in asked:  # which `note_kept` tells
        lost += address.lost_edges(asked, meant)
    say_lost(lost, "Choose a clip, or a part of it, here.")
    if clip is not None and (lost or "from" in asked or "to" in asked):
        address.write(entry)  # of a part that was asked for, what of it there is
    elif lost:
        address.clear_request()


def choose_clip() -> None:
    """An upload or an example; what Detect has is here already."""
    st.file_uploader(
        "Audio or video file",
        type=session.TYPES,
        key=f"timeline-upload-{session.generation()}",
        on_change=_take_upload,
        max_upload_size=session.upload_mb(),
    )
    with st.container(horizontal=True):
        for example in cache.examples():
            st.button(
                f"{example.order}. {example.title}",
                key=f"timeline-example-{example.order}",
                on_click=_take_example,
                args=(example.order,),
            )


def _switch_clip() -> None:
    session.select(st.session_state["timeline-clip"])
    address.write(session.selected())


def clip_bar(entry: session.Entry) -> None:
    """Which clip is shown, and the way to another."""
    names = {e.key: e.label for e in session.entries() if not e.error}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if len(names) > 1:
            st.session_state["timeline-clip"] = entry.key
            st.selectbox(
                "Clip",
                names,
                format_func=names.__getitem__,
                width=320,
                key="timeline-clip",
                on_change=_switch_clip,
            )
        else:
            st.markdown(f"**{plain(entry.label)}**")
        with st.popover("Another clip", icon=":material/folder_open:"):
            choose_clip()


def analyse(
    entry: session.Entry, detector: Detector, clip: Clip, stance: Stance, hop_s: float
) -> tuple[Detection, Detection]:
    """The clip's Detection at the detector's own hop, which alone gives the verdict, and the one
    at the wanted hop; an analysis that would take long waits for a click."""
    bar = st.empty()
    doing = f"Listening to {plain(entry.label)}…"
    whole = session.judge(entry, detector, stance=stance, bar=bar, doing=doing)
    assert whole is not None  # the caller has the clip
    if session.detection_of(entry, detector, hop_s) is None:
        bar.empty()
        each_s = whole.elapsed_ms / 1000 / max(1, len(whole.windows))
        expected_s = each_s * clip.duration_s / hop_s
        wanted = (entry.key, hop_s)
        if expected_s > PATIENCE_S and st.session_state.get(WANTED) != wanted:
            st.button(
                f"Analyse every {hop_s:g} s (about {expected_s:,.0f} s)",
                type="primary",
                on_click=st.session_state.__setitem__,
                args=(WANTED, wanted),
            )
            st.caption("Until then the coarser scores are shown.")
            return whole, whole
    fine = session.judge(entry, detector, stance=stance, hop_s=hop_s, bar=bar, doing=doing)
    bar.empty()
    return whole, fine or whole


def _choose_part(entry: session.Entry, duration_s: float) -> address.Part:
    """The part that is shown, with fields to type it in; the picture's brush does the same."""
    fields = (f"timeline-from-{entry.key}", f"timeline-to-{entry.key}")
    shown = address.part_of(entry.key, duration_s)
    for field, edge in zip(fields, shown, strict=True):
        st.session_state[field] = edge

    def typed() -> None:
        start, end = (float(st.session_state[field]) for field in fields)
        address.choose(entry, address.fitted(start, end, duration_s))

    with st.container(horizontal=True, vertical_alignment="bottom"):
        for field, label in zip(fields, ("From (s)", "To (s)"), strict=True):
            st.number_input(
                label, 0.0, duration_s, step=1.0, format="%.2f", key=field, on_change=typed,
                width=130,
            )  # fmt: skip
        st.button(
            "Whole clip" if duration_s <= address.LONGEST_S else "From the beginning",
            on_click=address.choose,
            args=(entry, (0.0, min(duration_s, address.LONGEST_S))),
        )
    return shown


@st.fragment
def picture(
    entry: session.Entry,
    timeline: Sequence[Cell],
    spans: Sequence[Span],
    apart: Sequence[tuple[float, float]],
    edges: tuple[float, float, float],
    share: str,
    marks: Sequence[tuple[float, float, str]] = (),
    parts: Sequence[tuple[float, float]] = (),
    finer: Sequence[Segment] = (),
) -> None:
    """The whole clip, a part of it with its sound, and the window at the place that was clicked."""
    clip = session.clip_of(entry)  # not handed over: a fragment holds its arguments
    if clip is None:
        return
    shown = _choose_part(entry, clip.duration_s)
    colours = palette()
    first, last = (round(16_000 * edge) for edge in shown)
    drawn = session.drawing(
        (entry.key, shown, colours.background),
        lambda: spectrogram_png(clip.samples[first:last], colours),
    )
    with st.container(key=SOUND):  # heard through the player, whose clock is the file's
        st.html(f"<style>.st-key-{SOUND} {{ display: none; }}</style>")
        st.audio(wav_bytes(clip, *shown), alt=f"Sound of {entry.name}")
    key = f"timeline-player-{entry.key}"
    whole = session.drawing((entry.key, "whole"), lambda: overview_wave(clip))

    def brushed() -> None:
        start, end = st.session_state[key]["part"]
        address.choose(entry, address.fitted(start, end, clip.duration_s))

    seconds = player(
        player_data(
            clip,
            whole,
            timeline,
            spans,
            shown,
            edges,
            drawn,
            SOUND,
            apart,
            share,
            marks,
            parts,
            finer,
        ),
        key,
        brushed,
    )
    cell = None if seconds is None else cell_at(list(timeline), seconds)
    if cell is not None and seconds is not None:
        evidence = "" if cell.llr is None else f", log-likelihood ratio {cell.llr:+.2f}"
        with st.container(border=True, key="timeline-here"):
            st.markdown(
                f"**At {seconds:.2f} s**: window {cell.window + 1}, heard from "
                f"{cell.heard_from_s:.2f} to {cell.heard_to_s:.2f} s, {says(cell, share)}"
                f"{evidence}, {cell.speech_s:.1f} s of speech."
            )


def _go_to(span: Span, entry: session.Entry) -> None:
    """Show the stretch around a span, once: the visitor may move on from there."""
    here = (entry.key, span)
    if st.session_state.get("spoofscope.shown-span") != here:
        st.session_state["spoofscope.shown-span"] = here
        address.choose(entry, address.around(span.start_s, span.end_s))
        st.rerun()


def span_table(
    entry: session.Entry,
    detection: Detection,
    spans: Sequence[Span],
    band: tuple[float, float],
) -> None:
    """Stretches that are called synthetic, to look at and to take away."""
    import pandas as pd

    st.subheader("Spans towards synthetic", anchor=False)
    edge = charts.percent(band_in_probability(band, detection.stance.threshold)[2])
    if not spans:
        st.markdown(
            "No span is marked, because no verdict is given on this clip."
            if withheld(detection) or detection.verdict == "not judged"
            else f"No stretch of this clip lies above the grey band, which ends at {edge}."
        )
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
            key="timeline-spans",
            on_select="rerun",
            selection_mode="single-row",
            column_config=numbers("%.2f", "From (s)", "To (s)", "Length (s)")
            | numbers("%+.2f", "Highest LLR"),
        )
        st.caption(f"They lie above {edge}, where the grey band ends. Choose a row to see it.")
        rows = event["selection"]["rows"]
        if rows and rows[0] < len(spans):
            _go_to(spans[rows[0]], entry)
    stem = exports.safe_stem(entry.name, entry.part)
    with st.container(horizontal=True):
        for label, text, suffix, kind in (
            ("CSV", exports.spans_csv(spans, entry.label), "spans.csv", "text/csv"),
            ("Audacity labels", exports.audacity_labels(spans), "labels.txt", "text/plain"),
            ("RTTM", exports.rttm(spans, entry.name, entry.channel or 1), "rttm", "text/plain"),
        ):
            save_button(label, text, f"{stem}.{suffix}", kind, disabled=not spans)
    trace = detection.trace
    st.caption(
        f"A window is {detection.window_s:g} s long and its score is drawn at its middle: the "
        f"edges of a span are known to about ±{detection.window_s / 2:g} s, whatever the hop. "
        + (
            f"The line over the spectrogram is finer: for each {trace.hop_s:g} s, the windows of "
            f"{trace.window_s:g} s around it. "
            if trace is not None
            else ""
        )
        + "A span is a place to listen to, not proof that just these seconds were made."
    )
