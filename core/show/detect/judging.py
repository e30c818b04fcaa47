"""The clips of a session, read and judged by the chosen detectors, with progress on the page."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import streamlit as st

from core.detect.detection import Detection
from core.detect.detector import DetectorError
from core.detect.registry import ENTRIES
from core.show import cache, session
from core.show.detect import stance
from core.show.figures.known_detectors import name_of
from core.show.markdown import for_visitors, plain
from core.show.opinions import view as opinions

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from core.detect.detector import Detector


def choose_settings() -> list[str]:
    """The detectors' ids; the stance is read by `session.stance`."""
    with st.expander("Settings", icon=":material/tune:"):
        chosen = opinions.choose()
        stance.choose()
    return chosen


def load(detector_id: str) -> Detector:
    """The shared detector; weights that are not here are fetched only when the visitor says so."""
    entry = ENTRIES.get(detector_id)
    waiting = st.empty()

    def fetching(share: float) -> None:
        waiting.progress(share, text="Fetching…")

    try:
        if entry is None or not entry.file:
            return _loaded(detector_id, waiting, fetch=entry is None)
        if entry.ready:
            try:
                return _loaded(detector_id, waiting, fetch=False)
            except DetectorError as error:
                st.error(for_visitors(error), icon=":material/error:")
        else:
            st.warning(f"The weights of **{entry.name}** are not installed here.")
        st.caption(plain(entry.terms))
        if not entry.fetchable:
            return cache.detector(detector_id, fetch=False)
        if not session.pressed(
            f"Fetch {entry.size}", key=f"detect-fetch-{detector_id}", type="primary"
        ):
            st.stop()
        return cache.detector(detector_id, fetching, fetch=True)
    except DetectorError as error:
        st.error(for_visitors(error), icon=":material/error:")
        st.stop()
    finally:
        waiting.empty()


def _loaded(detector_id: str, waiting: DeltaGenerator, fetch: bool) -> Detector:
    with st.spinner("Loading the detector…"):
        return cache.detector(
            detector_id,
            fetch=fetch,
            labels=opinions.labels_of(detector_id),
            waiting=waiting.empty,  # which any click ends
        )


def take_in(detector_id: str) -> Detector | None:
    """Read and judge what has arrived, one by one: a long file must not hold up memory for all.

    The detector is loaded only if a file could be read.
    """
    detector = None
    waiting = st.empty()
    while session.arrivals():
        name = plain(session.arrivals()[0].name)
        left_over = f" ({len(session.arrivals())} to go)" if len(session.arrivals()) > 1 else ""
        waiting.progress(0.0, text=f"Reading {name}{left_over}")
        new = session.next_entries(waiting, f"Reading {name}{left_over}")
        for entry in new:
            if entry.error:
                continue
            waiting.empty()
            detector = detector or load(detector_id)
            doing = f"Listening to {plain(entry.label)}{left_over}"
            waiting.progress(0.0, text=doing)
            with contextlib.suppress(DetectorError):  # told beside the others
                session.judge(entry, detector, bar=waiting, doing=doing)
        session.admit(new)
    waiting.empty()
    return detector


def judge_all(detector: Detector) -> dict[session.Key, Detection | None]:
    """Detections by the entries' keys; another detector than before listens again."""
    waiting, failed = st.empty(), st.container()
    done: dict[session.Key, Detection | None] = {}
    for entry in session.entries():
        if entry.error:
            continue
        doing = f"Listening to {plain(entry.label)}"
        try:
            done[entry.key] = session.judge(
                entry, detector, stance=session.stance(), bar=waiting, doing=doing
            )
        except DetectorError as error:
            done[entry.key] = None
            with failed:
                _say(entry, detector.id, error)
    waiting.empty()
    return done


def _say(entry: session.Entry, detector_id: str, error: DetectorError) -> None:
    """That a detector failed on a clip, with a way to ask it again."""
    st.error(f"**{plain(entry.label)}**: {for_visitors(error)}", icon=":material/error:")
    st.button(
        "Try again",
        icon=":material/replay:",
        key=f"detect-try-{detector_id}-{entry.key}",
        on_click=session.try_again,
    )


def second_opinions(
    entry: session.Entry, detection: Detection, detector: Detector, others: list[str]
) -> tuple[dict[str, Detection], dict[str, Detector]]:
    """The other chosen detectors on the same clip: all Detections, and all detectors, by id."""
    detectors = {detector.id: detector} | {id: load(id) for id in others}
    waiting = st.empty()
    found: dict[str, Detection | None] = {detector.id: detection}
    for id in others:
        try:
            found[id] = session.judge(
                entry,
                detectors[id],
                stance=session.stance(),
                bar=waiting,
                doing=f"{plain(name_of(id))} listens",
            )
        except DetectorError as error:
            _say(entry, id, error)
    waiting.empty()
    heard = {id: d for id, d in found.items() if d is not None}
    opinions.comparison(heard, detectors, str(entry.key))
    return heard, detectors
