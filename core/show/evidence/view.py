"""The evidence report and saved detections on Detect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import streamlit as st

from core.detect import outlier
from core.detect.detection import Detection
from core.detect.detector import DetectorError
from core.detect.registry import is_registered
from core.detect.saved import UNCHECKED, Saved, SavedError, comparison, not_comparable, open_saved
from core.show import cache, session
from core.show.clip import words
from core.show.clip.charts import percent
from core.show.documents import exports
from core.show.evidence.case import Case, Filing
from core.show.evidence.report import evidence_html, evidence_pdf
from core.show.figures.known_detectors import name_of
from core.show.figures.track_record import track_record
from core.show.markdown import plain, without_folders
from core.show.opinions.view import published_table
from core.show.theme import VERDICTS

if TYPE_CHECKING:
    from core.detect.detector import Detector

SHOWN = 50
"""Saved detections that are shown: a file could hold tens of thousands."""

OTHER_PART = (
    "The recording is here, and this is of another part of it: choose its track under the result, "
    "and it can be judged again."
)

OPENED = "spoofscope.saved"
"""Where a session keeps what the last saved file said, so that a rerun does not read it again."""


WANTED = "spoofscope.report-wanted"
"""Where a session keeps that a report was asked for until it is made."""

CHANGED = "What a report would say has changed since it was prepared: prepare it again."


@dataclass(frozen=True)
class _Opened:
    """What one uploaded file held: detections, or the sentence that says why there are none."""

    file_id: str
    shown: tuple[Saved, ...] = ()
    count: int = 0
    error: str = ""


def _opened(file_id: str, data: bytes) -> _Opened:
    try:
        found = open_saved(data, _installed)
    except SavedError as error:
        return _Opened(file_id, error=str(error))
    return _Opened(file_id, tuple(found[:SHOWN]), len(found))


def _installed(id: str) -> Detector | None:
    """A detector that is here and was named by this project: a file may name anything."""
    try:
        return cache.detector(id) if is_registered(id) else None
    except DetectorError:
        return None


def _filing(key: str) -> Filing:
    """Fields for what is written at the top of a report."""
    return Filing(
        st.text_input("Case number (optional)", key=f"{key}-case", max_chars=200),
        st.text_area("Notes (optional)", key=f"{key}-notes", max_chars=5_000, height=80),
    )


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
            "every stress test that you ran, limits, the command that makes it again, and the "
            "detections as JSON. It opens without a network. A PDF says the same, without the JSON."
        )
        filing = _filing(key="detect-report")
        if any((o := session.origin_of(e)) and o.personal for e in session.entries()):
            filing = replace(
                filing,
                personal=st.checkbox(
                    "With the files' other tags, which may name people and places",
                    key="detect-report-personal",
                ),
            )
        st.button(
            "Prepare report",
            icon=":material/description:",
            key="detect-prepare-report",
            on_click=_want_report,
        )
        found = [
            (
                entry,
                Case(
                    detection,
                    detectors[id].decision.inconclusive_llr,
                    tests=session.stress_tests(entry, detectors[id], detection.stance),
                    origin=session.origin_of(entry),
                ),
            )
            for entry in session.entries()
            for id, detection in done.get(entry.key, {}).items()
        ]
        files = _prepared(found, filing)
        name = found[0][1].detection.source.name if len(done) == 1 else "clips"
        with st.container(horizontal=True):
            for form, (file, kind) in files.items():
                st.download_button(
                    f"Report ({form})",
                    file,
                    f"{exports.safe_stem(name)}-report.{form.lower()}",
                    kind,
                    icon=":material/download:",
                    type="primary",
                    on_click="ignore",
                )


def _want_report() -> None:
    """Note the click: a run that ends before the report is made leaves it to the next one."""
    st.session_state[WANTED] = True


def _prepared(
    found: list[tuple[session.Entry, Case]], filing: Filing
) -> dict[str, tuple[bytes, str]]:
    """The files that were asked for, by their form, with their types.

    Where a file could be looked into only after they were made, they are made anew; where its
    visitor has changed what they would say, there is a sentence in their place.
    """
    entries = session.entries()
    unread = [(entry.name, entry.error) for entry in entries if entry.error]
    held, clips = session.session_dict("reports"), frozenset(entry.sha256 for entry in entries)
    made_of = ([case for _, case in found], unread, filing)
    if not st.session_state.get(WANTED):
        before, files = held.get(clips, (None, {}))
        if before is None:
            held.clear()
            return {}
        if before == made_of:
            return dict(files)
        if _without_origins(before) != _without_origins(made_of):
            st.caption(f":material/info: {CHANGED}")
            return {}
    figures, published = cache.results("embedded"), published_table()
    cases = [
        replace(
            case,
            record=track_record(case.detection.detector, figures, published, cache.table),
            clip=session.clip_of(entry),
        )
        for entry, case in found
    ]
    try:
        with st.spinner("Writing the report…"):
            files = {
                "HTML": (evidence_html(cases, unread, filing=filing), "text/html"),
                "PDF": (evidence_pdf(cases, unread, filing=filing), "application/pdf"),
            }
    except Exception:  # not for ever
        held.clear()
        st.session_state.pop(WANTED, None)
        raise
    held.clear()
    held[clips] = made_of, files
    st.session_state.pop(WANTED, None)
    return files


def _without_origins(made_of: tuple[list[Case], object, Filing]) -> tuple[object, ...]:
    """What a visitor chose of what a report is made of, not what was found in files meanwhile."""
    cases, *others = made_of
    return [replace(case, origin=None) for case in cases], *others


def _judged_again(saved: Detection, number: int) -> str:
    """Offer to judge the clip anew where the session has it; what that said of the file."""
    of = saved.source
    part = (of.sha256, of.track, of.channel)
    here = [e for e in session.entries() if not e.error and e.sha256 == of.sha256]
    entry = next((e for e in here if tuple(e.key) == part), None)
    if entry is None:
        return OTHER_PART if here else ""
    key = f"spoofscope.again-{of.sha256}-{number}"
    st.button(
        "This clip is here: judge it again",
        icon=":material/replay:",
        key=f"detect-again-{number}",
        on_click=st.session_state.__setitem__,
        args=(key, True),
    )
    if not st.session_state.get(key):
        return ""
    detector = _installed(saved.detector)
    if detector is None:
        return f"It cannot be judged again: the detector {saved.detector} is not installed here."
    clip = session.clip_of(entry)
    if clip is not None and (apart := not_comparable(saved, clip.source, detector)):
        return apart
    bar = st.empty()
    try:
        found = session.judge(
            entry, detector, stance=saved.stance, hop_s=saved.hop_s, bar=bar,
            doing="Listening again…",
        )  # fmt: skip
    except DetectorError as error:
        return without_folders(str(error))
    finally:
        bar.empty()
    return "" if found is None else comparison(saved, found)


def open_saved_section() -> None:
    """Open detections that were saved as JSON, and show what they say."""
    with st.expander("Open a saved detection", icon=":material/folder_open:"):
        given = st.file_uploader(
            "A JSON file that was downloaded here",
            type=["json"],
            key="detect-saved",
            max_upload_size=session.upload_mb(),
        )
        if given is None:
            st.session_state.pop(OPENED, None)
            return
        if OPENED not in st.session_state or st.session_state[OPENED].file_id != given.file_id:
            st.session_state[OPENED] = _opened(given.file_id, given.getvalue())
        opened: _Opened = st.session_state[OPENED]
        if opened.error:
            st.error(plain(opened.error), icon=":material/error:")
            return
        shown = opened.shown
        st.caption(
            "A saved file holds no sound, and anyone can edit it. To check it, open the recording "
            "itself and compare the SHA-256."
        )
        cases = []
        figures, published = cache.results("embedded"), published_table()
        for number, saved in enumerate(shown):
            d = saved.detection
            style = VERDICTS[d.verdict]
            chance = f", {words.chance(d)} synthetic" if d.gives_chance else ""
            st.markdown(
                f"{style.icon} **{plain(d.source.name)}**: {words.verdict(d)}{chance}, by "
                f"{plain(name_of(d.detector))}, assuming {percent(d.stance.prior)} "
                f"before listening. SHA-256 `{d.source.sha256[:16]}…`"
            )
            for stretch in d.stands_out:
                st.caption(f":material/join_inner: {plain(outlier.in_words(stretch, d))}")
            for doubt in saved.doubts:
                st.caption(f":material/warning: This detection is doubtful: {plain(doubt)}.")
            again = _judged_again(d, number)
            if again:
                st.markdown(f":material/compare: {plain(again)}")
            known = None if UNCHECKED & set(saved.doubts) else _installed(d.detector)
            band = known.decision.inconclusive_llr if known else (0.0, 0.0)
            record = track_record(d.detector, figures, published, cache.table)
            cases.append(Case(d, band, record, saved=True, doubts=saved.doubts, again=again))
        if opened.count > SHOWN:
            st.caption(
                f"The file holds {opened.count:,}: the first {SHOWN} are here and in the report."
            )
        filing = _filing(key="detect-saved")
        st.download_button(
            "Report (HTML)",
            lambda: evidence_html(cases, filing=filing),  # made on the click
            "saved-report.html",
            "text/html",
            icon=":material/download:",
            on_click="ignore",
        )
