"""The evidence report and saved detections on Detect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from core.detect.detection import Detection
from core.detect.saved import SavedError, open_saved
from core.show import cache, cards, exports, session
from core.show.evidence_report import Case, evidence_html, evidence_pdf
from core.show.opinions_view import name_of, published_table, track_record
from core.show.theme import VERDICTS

if TYPE_CHECKING:
    from core.detect.detector import Detector

SHOWN = 50
"""Saved detections that are shown: a file could hold tens of thousands."""

OPENED = "spoofscope.saved"
"""Where a session keeps what the last saved file said, so that a rerun does not read it again."""


@dataclass(frozen=True)
class _Opened:
    """What one uploaded file held: detections, or the sentence that says why there are none."""

    file_id: str
    shown: tuple[Detection, ...] = ()
    count: int = 0
    error: str = ""


def _opened(file_id: str, data: bytes) -> _Opened:
    try:
        found = open_saved(data)
    except SavedError as error:
        return _Opened(file_id, error=str(error))
    return _Opened(file_id, tuple(found[:SHOWN]), len(found))


def report_section(
    done: Mapping[session.Key, Mapping[str, Detection]], detectors: Mapping[str, Detector]
) -> None:
    """Offer one report on every clip of the session by every chosen detector.

    Parameters
    ----------
    done : mapping of Key to mapping of str to Detection
        By the entries' keys, then by the detector's id.
    detectors : mapping of str to Detector
        By id.
    """
    with st.expander("Evidence report", icon=":material/description:"):
        st.caption(
            "One HTML file with everything found: hashes, versions, verdict, timeline, spans, "
            "stress test if you ran it, limits, the command that makes it again, and the "
            "detections as JSON. It opens without a network. A PDF says the same, without the JSON."
        )
        if not st.button("Prepare report", icon=":material/description:", key="prepare-report"):
            return
        figures, published = cache.results("embedded"), published_table()
        cases = []
        for entry in session.entries():
            for id, detection in done.get(entry.key, {}).items():
                shared = detectors[id]
                cases.append(
                    Case(
                        detection,
                        shared.decision.inconclusive_llr,
                        track_record(id, figures, published),
                        session.stress_of(entry, shared, detection.stance),
                    )
                )
        unread = [(e.name, e.error) for e in session.entries() if e.error]
        name = cases[0].detection.source.name if len(done) == 1 else "clips"
        with st.container(horizontal=True):
            for form, make, kind in (
                ("HTML", evidence_html, "text/html"),
                ("PDF", evidence_pdf, "application/pdf"),
            ):
                st.download_button(
                    f"Report ({form})",
                    make(cases, unread),
                    f"{exports.safe_stem(name)}-report.{form.lower()}",
                    kind,
                    icon=":material/download:",
                    type="primary",
                    on_click="ignore",
                )


def open_saved_section() -> None:
    """Open detections that were saved as JSON, and show what they say."""
    with st.expander("Open a saved detection", icon=":material/folder_open:"):
        given = st.file_uploader(
            "A JSON file that was downloaded here",
            type=["json"],
            key="saved",
            max_upload_size=session.upload_mb(),
        )
        if given is None:
            st.session_state.pop(OPENED, None)
            return
        if OPENED not in st.session_state or st.session_state[OPENED].file_id != given.file_id:
            st.session_state[OPENED] = _opened(given.file_id, given.getvalue())
        opened: _Opened = st.session_state[OPENED]
        if opened.error:
            st.error(cards.plain(opened.error), icon=":material/error:")
            return
        shown = opened.shown
        st.caption(
            "A saved file holds no sound and anyone can edit it: it is what its bearer says. To "
            "check it, open the recording itself and compare the SHA-256."
        )
        for d in shown:
            style = VERDICTS[d.verdict]
            chance = f", {cards.percent(d.p_spoof)} synthetic" if d.calibrated and d.llr else ""
            st.markdown(
                f"{style.icon} **{cards.plain(d.source.name)}**: {style.word}{chance}, by "
                f"{cards.plain(name_of(d.detector))}, assuming {cards.percent(d.stance.prior)} "
                f"before listening. SHA-256 `{d.source.sha256[:16]}…`"
            )
        if opened.count > SHOWN:
            st.caption(
                f"The file holds {opened.count:,}: the first {SHOWN} are here and in the report."
            )
        st.download_button(
            "Report (HTML)",
            lambda: evidence_html([Case(d) for d in shown]),  # made on the click
            "saved-report.html",
            "text/html",
            icon=":material/download:",
            on_click="ignore",
        )
