"""The evidence report and saved detections on Detect."""

from __future__ import annotations

from collections.abc import Mapping
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


def report_section(
    done: Mapping[str, Mapping[str, Detection]], detectors: Mapping[str, Detector]
) -> None:
    """Offer one report on every clip of the session by every chosen detector.

    Parameters
    ----------
    done : mapping of str to mapping of str to Detection
        By the clip's SHA-256, then by the detector's id.
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
            for id, detection in done.get(entry.sha256, {}).items():
                shared = detectors[id]
                cases.append(
                    Case(
                        detection,
                        shared.decision.inconclusive_llr,
                        track_record(id, figures, published),
                        session.stress_of(
                            entry, shared, detection.prior, detection.c_miss, detection.c_fa
                        ),
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
            return
        try:
            found = open_saved(given.getvalue())
        except SavedError as error:
            st.error(cards.plain(str(error)), icon=":material/error:")
            return
        st.caption(
            "A saved file holds no sound and anyone can edit it: it is what its bearer says. To "
            "check it, open the recording itself and compare the SHA-256."
        )
        for d in found[:SHOWN]:
            style = VERDICTS[d.verdict]
            chance = f", {cards.percent(d.p_spoof)} synthetic" if d.calibrated and d.llr else ""
            st.markdown(
                f"{style.icon} **{cards.plain(d.source.name)}**: {style.word}{chance}, by "
                f"{cards.plain(name_of(d.detector))}, assuming {cards.percent(d.prior)} before "
                f"listening. SHA-256 `{d.source.sha256[:16]}…`"
            )
        if len(found) > SHOWN:
            st.caption(
                f"The file holds {len(found):,}: the first {SHOWN} are here and in the report."
            )
        st.download_button(
            "Report (HTML)",
            lambda: evidence_html([Case(d) for d in found[:SHOWN]]),  # made on the click
            "saved-report.html",
            "text/html",
            icon=":material/download:",
            on_click="ignore",
        )
