"""Everything about one clip on Detect: the card, its evidence, the truth of an example."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from core.detect.detection import Detection
from core.settings import settings
from core.show import cache, session
from core.show.clip import cards, charts, outlier, words
from core.show.clip.waveform import wav_bytes
from core.show.detect import parts
from core.show.detect.inputs import forget, take_example
from core.show.detect.table import origins
from core.show.detect.windows import windows
from core.show.documents import exports
from core.show.documents.chart import make_spec
from core.show.markdown import plain
from core.show.navigation import address
from core.show.provenance import view as origin_view
from core.show.stress.view import stress_section
from core.show.theme import palette
from core.show.widgets import save_button

if TYPE_CHECKING:
    from core.detect.detector import Detector


def result(entry: session.Entry, detection: Detection, detector: Detector) -> None:
    """Everything about one clip."""
    band = words.undecided_band(detection, detector.decision.inconclusive_llr)
    example = next((e for e in cache.examples() if e.order == entry.example), None)
    st.markdown(f"**{plain(example.title if example else entry.label)}**")
    if detection.quality.duration_s > settings().sound_to_browser_s:
        st.caption("A long clip: hear its windows below, or open it in Timeline.")
    elif (clip := session.clip_of(entry)) is not None:
        st.audio(wav_bytes(clip), alt=f"Sound of {entry.name}")
    parts.choose_track(entry, detection.source)
    origin = session.origin_of(entry)
    cards.result_card(detection, lambda: origin_view.first_line(origin, detection.verdict))
    origin_view.details(origin, str(entry.key), partial(session.look_for_watermark, entry))
    outlier.offer(entry, detection)
    if example is not None:
        _truth(example)
    _what_if(entry, detection)
    if detection.llr is not None:
        windows(entry, detection, band)
        stress_section(entry, detector, detection)
    _onward(entry, detection)


def _what_if(entry: session.Entry, detection: Detection) -> None:
    """The chance under every prior."""
    if detection.llr is None or not detection.gives_chance:
        return
    with st.expander("What if you assumed something else?", icon=":material/function:"):
        st.vega_lite_chart(
            make_spec(charts.prior_curve, detection.llr, detection.stance, palette()),
            key=f"detect-priors-{entry.key}",
            alt="Chance of synthetic speech after listening, for every assumption before.",
        )
        st.caption(
            "The clip's evidence is fixed; what it amounts to depends on how common fakes are "
            "among such clips. The dot is your assumption, which you can move under Settings."
        )


def _onward(entry: session.Entry, detection: Detection) -> None:
    """What can be done with the result."""
    with st.container(horizontal=True):
        if session.pressed(
            "Open in Timeline",
            key="detect-to-timeline",
            icon=":material/timeline:",
            type="primary",
        ):
            st.switch_page("pages/Timeline.py", query_params=address.query_of(entry))
        stem = exports.safe_stem(entry.name, entry.part)
        save_button(
            "JSON", exports.detection_json(detection, origins()), f"{stem}.json", "application/json"
        )
        save_button("Windows as CSV", exports.windows_csv(detection), f"{stem}.csv", "text/csv")
        st.button("Forget all clips", icon=":material/delete:", on_click=forget, type="tertiary")


def _truth(example: cache.Example) -> None:
    """What an example is in fact, and what to learn from it."""
    fact = "human speech" if example.label != "spoof" else f"synthetic, made by {example.system}"
    with st.container(border=True, key="detect-truth"):
        st.markdown(f":material/school: **In truth: {fact}.** {example.lesson}")
        st.caption(f"Licence of this clip: {example.licence}")
        after = next((e.order for e in cache.examples() if e.order > example.order), None)
        if after is not None:
            st.button(
                "Next example",
                icon=":material/arrow_forward:",
                on_click=take_example,
                args=(after,),
                type="tertiary",
            )
