"""A visitor's clips judged, under what they assume."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from core.audio.clip import SAMPLE_RATE
from core.detect.decision import EVEN, Stance
from core.detect.detection import Detection
from core.show.session.busy import refused
from core.show.session.clips import Entry, Key, clip_of, shelf
from core.show.turns import TooBusy

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from core.detect.detector import Detector
    from core.detect.stress import StressTest


def _settings(entry: Entry, shared: Detector, hop_s: float | None) -> tuple[Key, str, float]:
    own = shared.own_calibration
    by = shared.id if own is None else f"{shared.id} {own.sha256}"
    return entry.key, by, hop_s or shared.hop / SAMPLE_RATE


def detection_of(entry: Entry, shared: Detector, hop_s: float | None = None) -> Detection | None:
    """The Detection made earlier with these settings, under whatever stance it was made."""
    found = shelf("detections").get(_settings(entry, shared, hop_s))
    if found is None or found.source.name == entry.name:
        return found
    return replace(found, source=replace(found.source, name=entry.name))


def judge(
    entry: Entry,
    shared: Detector,
    *,
    stance: Stance = EVEN,
    hop_s: float | None = None,
    bar: DeltaGenerator | None = None,
    doing: str = "",
) -> Detection | None:
    """The entry's Detection under a stance, made now unless the session has it.

    Where the queue of clips is full the page ends with a sentence.

    Parameters
    ----------
    entry, shared, stance, hop_s
        As in `core.detect.detector.Detector`.
    bar : streamlit placeholder, optional
        Shows the place in the queue, then the progress.
    doing : str
        What goes on there, for people.

    Returns
    -------
    Detection or None
        None where the sound is needed but cannot be had; the page says why.
    """
    from core.show import cache

    found = detection_of(entry, shared, hop_s)
    if found is None:
        clip = clip_of(entry)
        if clip is None:
            return None
        place = st.empty() if bar is None else bar

        def listening(share: float) -> None:
            place.progress(share, text=doing)

        try:
            found = cache.detect(
                clip,
                shared,
                hop_s=hop_s,
                progress=listening,
                waiting=lambda queue: place.progress(0.0, text=queue.in_words()),
            )
        except TooBusy as error:
            place.empty()
            refused(error)
        shelf("detections")[_settings(entry, shared, hop_s)] = found
    return found if found.stance == stance else shared.with_stance(found, stance)


def stance() -> Stance:
    """What the visitor assumes, on every page."""
    return st.session_state.get("spoofscope.stance", EVEN)


def assume(**changes: float) -> None:
    """Change parts of the visitor's stance, by the names of `Stance`'s fields."""
    st.session_state["spoofscope.stance"] = replace(stance(), **changes)


def stress_of(
    entry: Entry, shared: Detector, stance: Stance, span: tuple[float, float] | None = None
) -> StressTest | None:
    """The test of this part made earlier under this stance."""
    found = shelf("stress").get((entry.key, shared.id), {}).get((stance, span))
    return None if found is None else _named(entry, found)


def was_stressed(entry: Entry, shared: Detector, span: tuple[float, float] | None) -> bool:
    """Whether this part was tested under any stance."""
    return any(of == span for _, of in shelf("stress").get((entry.key, shared.id), {}))


def stress_tests(entry: Entry, shared: Detector, stance: Stance) -> tuple[StressTest, ...]:
    """All tests of this clip under a stance: of the clip first, then of its parts."""
    made = shelf("stress").get((entry.key, shared.id), {})
    spans = sorted((span for of, span in made if of == stance), key=lambda s: s or (-1.0, 0.0))
    return tuple(_named(entry, made[stance, span]) for span in spans)


def _named(entry: Entry, test: StressTest) -> StressTest:
    """The test under the name by which the same bytes were brought last."""
    return replace(test, name=entry.label)


def keep_stress(
    entry: Entry, shared: Detector, test: StressTest, span: tuple[float, float] | None = None
) -> None:
    """Keep a stress test by its clip, detector, stance and the part that was asked for."""
    made = shelf("stress").setdefault((entry.key, shared.id), {})
    made[test.stance, span] = test
