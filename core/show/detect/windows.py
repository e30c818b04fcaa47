"""The windows of a clip on Detect: their scores over time, and the sound of one on a click."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.detect.detection import Detection
from core.show import session
from core.show.clip import charts
from core.show.clip.waveform import wav_bytes
from core.show.documents.chart import make_spec
from core.show.theme import palette
from core.show.widgets import numbers, show_table

SCALES = {"probability": "Probability", "llr": "Log-likelihood ratio"}


def windows(entry: session.Entry, detection: Detection, band: tuple[float, float]) -> None:
    """The score of every window, and its sound on a click."""
    st.subheader("Where the evidence lies", anchor=False)
    chosen = st.segmented_control(
        "Scale",
        list(SCALES),
        format_func=lambda scale: SCALES[scale],
        default="probability",
        required=True,
        key="detect-scale",
        label_visibility="collapsed",
        persist_state="session",
    )
    scale: charts.Scale = "llr" if chosen == "llr" else "probability"
    identity = f"{entry.key}-{detection.detector}-{scale}"
    event = st.vega_lite_chart(
        make_spec(charts.window_timeline, detection, band, scale, palette()),
        key=f"detect-windows-{identity}",
        on_select="rerun",
        selection_mode=[charts.PICK],
        alt=f"Score of each of {len(detection.windows)} windows over the clip's seconds.",
    )
    st.markdown(charts.legend(detection))
    st.caption(
        f"Each bar stands for the middle of a window of {detection.window_s:g} s and grows from "
        "the dashed threshold: up towards synthetic, down towards human. In the grey band "
        "there is no verdict; a grey column holds too little speech. **Click a bar to hear its "
        "window.**"
    )
    picked = [int(p["window"]) for p in event["selection"].get(charts.PICK, [])]
    picked += _details(detection, identity)
    if picked and picked[0] < len(detection.windows):
        _heard(entry, detection, picked[0])


def _details(detection: Detection, identity: str) -> list[int]:
    """A table of all windows; the rows that were picked in it."""
    with st.expander("Details of every window", icon=":material/table_rows:"):
        rows = show_table(
            pd.DataFrame(
                {
                    "Window": range(1, len(detection.windows) + 1),
                    "From (s)": [w.start_s for w in detection.windows],
                    "To (s)": [w.end_s for w in detection.windows],
                    "Speech (s)": [w.speech_s for w in detection.windows],
                    charts.share_name(detection): [
                        charts.percent(w.p_spoof) for w in detection.windows
                    ],
                    "LLR": pd.Series([w.llr for w in detection.windows], dtype="float64"),
                }
            ),
            key=f"detect-rows-{identity}",
            on_select="rerun",
            selection_mode="single-row",
            column_config=numbers("%.2f", "From (s)", "To (s)", "Speech (s)")
            | numbers("%+.2f", "LLR"),
        )
    return list(rows["selection"]["rows"])


def _heard(entry: session.Entry, detection: Detection, number: int) -> None:
    """One window's score and sound."""
    window = detection.windows[number]
    with st.container(border=True, key="detect-heard-window"):
        st.markdown(
            f"**Window {number + 1}**, {window.start_s:.2f} to {window.end_s:.2f} s, "
            f"{charts.share_name(detection).lower()}: {charts.percent(window.p_spoof)}"
        )
        clip = session.clip_of(entry)
        if clip is not None:
            st.audio(wav_bytes(clip, window.start_s, window.end_s), autoplay=True)
