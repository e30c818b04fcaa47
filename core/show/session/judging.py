"""A visitor's clips judged, under what they assume."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from core.audio.clip import SAMPLE_RATE
from core.audio.windows import window_ranges
from core.detect.decision import EVEN, Stance
from core.detect.detection import Detection
from core.detect.engine import TorchEngine
from core.detect.model_config import DetectorError
from core.detect.registry import ENTRIES
from core.show.server.queue import TooBusy
from core.show.session.busy import refused
from core.show.session.clips import Entry, Key, clip_of, session_dict

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from core.detect.detector import Detector
    from core.detect.stress import StressTest


def _by(shared: Detector) -> str:
    """A detector with the calibration it has now."""
    own = shared.own_calibration
    return shared.id if own is None else f"{shared.id} {own.sha256}"


def _settings(entry: Entry, shared: Detector, hop_s: float | None) -> tuple[Key, str, float]:
    return entry.key, _by(shared), hop_s or shared.hop / SAMPLE_RATE


def detection_of(entry: Entry, shared: Detector, hop_s: float | None = None) -> Detection | None:
    """The Detection made earlier with these settings, under whatever stance it was made."""
    found = session_dict("detections").get(_settings(entry, shared, hop_s))
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

    Raises
    ------
    DetectorError
        If the detector fails; told again, without asking it, until `try_again`.
    """
    from core.show import cache

    settings = _settings(entry, shared, hop_s)
    found = detection_of(entry, shared, hop_s)
    if found is None:
        if settings in session_dict("failed"):
            raise DetectorError(session_dict("failed")[settings])
        clip = clip_of(entry)
        if clip is None:
            return None
        place = st.empty() if bar is None else bar
        stop = st.empty()

        def listening(share: float) -> None:
            place.progress(share, text=doing)

        try:
            doing += _expected(len(clip.samples), entry, shared, hop_s, stop, place)
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
        except DetectorError as error:
            place.empty()
            session_dict("failed")[settings] = str(error)
            raise
        finally:
            stop.empty()
        session_dict("detections")[settings] = found
    return found if found.stance == stance else shared.with_stance(found, stance)


def try_again() -> None:
    """Ask detectors that failed once more."""
    session_dict("failed").clear()


LARGE = 10**9
"""Bytes of weights from which it is said before how long a clip takes."""


def _may_take_long(shared: Detector) -> bool:
    """Whether its weights are large, or nobody knows what it does."""
    of = ENTRIES.get(shared.id)
    if of is not None:
        return bool(of.code) or (of.bytes or 4 * of.parameters) >= LARGE
    if not isinstance(shared.engine, TorchEngine):
        return False
    tensors = shared.engine.network.parameters()
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors) >= LARGE


def _expected(
    samples: int,
    entry: Entry,
    shared: Detector,
    hop_s: float | None,
    stop: DeltaGenerator,
    place: DeltaGenerator,
) -> str:
    """How long a clip will take a detector that may be slow, as the end of a sentence, and a way
    to stop it.

    Empty for others. The first time it is measured on noise.
    """
    if not _may_take_long(shared):
        return ""
    from core.show import cache

    hop = shared.hop if hop_s is None else round(hop_s * SAMPLE_RATE)
    windows = len(window_ranges(samples, shared.window, hop))
    stop.button(
        "Stop, and leave this detector out",
        icon=":material/stop:",
        key=f"spoofscope.judge-stop-{shared.id}-{entry.key}",
        on_click=_leave_out,
        args=(shared.id,),
    )

    def measuring(share: float) -> None:
        place.progress(share, text="Measuring how long this detector takes here")

    measuring(0.0)
    return f", about {max(1, round(windows * cache.pace(shared, measuring))):,} s"


def _leave_out(id: str) -> None:
    """Ask the other chosen detectors from now on, or the embedded one."""
    chosen = [one for one in st.session_state.get("detect-detectors", []) if one != id]
    st.session_state["detect-detectors"] = chosen or ["embedded"]
    st.session_state["detector"] = st.session_state["detect-detectors"][0]


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
    found = session_dict("stress").get((entry.key, _by(shared)), {}).get((stance, span))
    return None if found is None else _named(entry, found)


def was_stressed(entry: Entry, shared: Detector, span: tuple[float, float] | None) -> bool:
    """Whether this part was tested under any stance."""
    return any(of == span for _, of in session_dict("stress").get((entry.key, _by(shared)), {}))


def stress_tests(entry: Entry, shared: Detector, stance: Stance) -> tuple[StressTest, ...]:
    """All tests of this clip under a stance: of the clip first, then of its parts."""
    made = session_dict("stress").get((entry.key, _by(shared)), {})
    spans = sorted((span for of, span in made if of == stance), key=lambda s: s or (-1.0, 0.0))
    return tuple(_named(entry, made[stance, span]) for span in spans)


def _named(entry: Entry, test: StressTest) -> StressTest:
    """The test under the name by which the same bytes were brought last."""
    return replace(test, name=entry.label)


def keep_stress(
    entry: Entry, shared: Detector, test: StressTest, span: tuple[float, float] | None = None
) -> None:
    """Keep a stress test by its clip, detector, stance and the part that was asked for."""
    made = session_dict("stress").setdefault((entry.key, _by(shared)), {})
    made[test.stance, span] = test
