"""Second opinions on Detect: which detectors are asked, and what they say side by side."""

from __future__ import annotations

import html
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from core.detect.agreement import Agreement, agreement
from core.detect.detection import Detection
from core.detect.detector import DetectorError
from core.detect.registry import ENTRIES, classes_of, is_registered
from core.plain import printable
from core.settings import settings
from core.show import cache
from core.show.clip import words
from core.show.clip.charts import LEGEND
from core.show.documents import exports
from core.show.documents.chart import make_spec
from core.show.figures.known_detectors import name_of
from core.show.figures.track_record import in_brief, track_record
from core.show.markdown import plain
from core.show.opinions.charts import stacked
from core.show.theme import DARK, LIGHT, VERDICTS, palette
from core.show.widgets import numbers, save_button, show_table

if TYPE_CHECKING:
    from core.detect.detector import Detector

SIDES = {"spoof": "synthetic speech", "bonafide": "human speech"}


def own_machine() -> bool:
    """Whether the server belongs to its visitor, who may then name hub models and folders."""
    return settings().own_machine


MOST_FETCHED = 500_000_000
"""Bytes of weights that a visitor of somebody else's server may have it fetch."""


def offered() -> list[str]:
    """Registered detectors that can be chosen: those that are here, and those that may be fetched.

    Large weights, and those whose licence forbids commercial use, are fetched only by a server that
    belongs to its visitor.
    """
    mine = own_machine()
    return [
        entry.id
        for entry in ENTRIES.values()
        if entry.ready
        or entry.id == "embedded"
        or (mine and not entry.obstacle)
        or (entry.fetchable and entry.commercial and 0 < entry.bytes <= MOST_FETCHED)
    ]


def choose() -> list[str]:
    """Widgets that pick one detector or several; the first is the one whose card is shown.

    Returns
    -------
    list of str
        Ids for `core.detect.registry.load_detector`; at least one.
    """
    known = [*offered(), *st.session_state.get("spoofscope.others", {})]
    # No default of the widget's own: Streamlit warns where a callback sets the value beside one.
    # Said in every run, since the browser may not have got what an interrupted one said.
    st.session_state["detect-detectors"] = st.session_state.get("detect-detectors", ["embedded"])
    chosen = st.multiselect(
        "Detectors",
        known,
        format_func=name_of,
        max_selections=settings().detectors_at_once,
        key="detect-detectors",
        persist_state="session",
        help="The first one gives the verdict; others are set beside it as second opinions.",
    ) or ["embedded"]
    for id in chosen:
        if id in ENTRIES:
            st.caption(f"**{name_of(id)}**: {ENTRIES[id].summary}")
    if own_machine():
        _another()
    st.session_state["detector"] = chosen[0]
    return chosen


def _another() -> None:
    """A detector that is not in the registry, once the visitor has said what its classes mean."""
    with st.popover("Another detector", icon=":material/add:"):
        where = st.text_input(
            "Hub id (OWNER/NAME) of a transformers audio classifier, a folder on this machine, or "
            "a detector in another precision (embedded-fp32)",
            key="detect-another",
        ).strip()
        if not where:
            return
        id = where if is_registered(where) or os.path.exists(where) else f"hub:{where}"
        try:
            classes = {} if is_registered(id) else classes_of(id)
        except DetectorError as error:
            st.error(plain(str(error)), icon=":material/error:")
            return
        labels: dict[str, str] = {}
        for name, guess in classes.items():
            side = st.selectbox(
                f"Its class “{plain(name)}” means",
                list(SIDES),
                index=None if guess is None else list(SIDES).index(guess),
                format_func=SIDES.__getitem__,
                key=f"detect-class-{id}-{name}",
                placeholder="Say which",
            )
            if side is not None:
                labels[name] = side
        ready = len(labels) == len(classes) and (not classes or len(set(labels.values())) == 2)
        if not is_registered(id):
            st.caption(
                "Nothing is judged before its classes are clear. Weights load from safetensors "
                "only, and no code that comes with a model is run. Nobody here has measured it."
            )
        st.button(
            "Ask this one too",
            disabled=not ready,
            on_click=_add,
            args=(id, labels),
            key="detect-add",
        )


def _add(id: str, labels: dict[str, str]) -> None:
    st.session_state.setdefault("spoofscope.others", {})[id] = labels
    asked = [*st.session_state.get("detect-detectors", ["embedded"]), id]
    st.session_state["detect-detectors"] = list(dict.fromkeys(asked))[
        -settings().detectors_at_once :
    ]


def labels_of(id: str) -> dict[str, str] | None:
    """What the visitor said about the classes of a detector that is not in the registry."""
    return st.session_state.get("spoofscope.others", {}).get(id) or None


def agreed(detections: Mapping[str, Detection], detectors: Mapping[str, Detector]) -> Agreement:
    """What detectors say of one clip together, each by its name for people."""
    return agreement(
        {name_of(id): d for id, d in detections.items()},
        {name_of(id): one.decision.inconclusive_llr for id, one in detectors.items()},
    )


def at_a_glance(
    detections: Mapping[str, Detection], detectors: Mapping[str, Detector], key: str
) -> None:
    """How many detectors say what, and each with its mark; nothing where there is one alone."""
    if len(detections) < 2:
        return
    together = agreed(detections, detectors)
    figures = cache.results("embedded")
    chips = "".join(
        _chip(name_of(id), d, in_brief(id, figures, cache.table)) for id, d in detections.items()
    )
    with st.container(border=True, key=f"detect-glance-{key}"):
        st.markdown(f"**{together.headline}**")
        st.html(
            '<div role="list" style="display:grid;gap:.8rem;'
            f'grid-template-columns:repeat(auto-fit,minmax(8.5rem,1fr))">{chips}</div>'
        )
        st.caption(f"{together.meaning} {together.places}")
        save_button(
            "All opinions as JSON",
            exports.opinions_json(detections.values(), together),
            "opinions.json",
            "application/json",
            type="tertiary",
            key=f"detect-opinions-json-{key}",
        )


def _chip(name: str, d: Detection, record: str) -> str:
    style = VERDICTS[d.verdict]
    light, dark = (getattr(p, _COLOURS[style.colour]) for p in (LIGHT, DARK))
    chance = words.chance(d)
    said = (
        f"{chance} synthetic"
        if chance
        else ("" if d.llr is None else f"score {d.llr:+.2f}, no chance")
    )
    return (
        f'<div role="listitem" style="border-left:.3rem solid light-dark({light},{dark});'
        'padding-left:.6rem;overflow-wrap:anywhere">'
        f'<div style="font-size:.85rem;opacity:.8">{html.escape(printable(name))}</div>'
        f'<div style="font-weight:600;color:light-dark({light},{dark})">'
        f'<span aria-hidden="true">{style.mark}</span> {words.verdict(d)}</div>'
        f'<div style="font-size:.85rem">{html.escape(said)}</div>'
        f'<div style="font-size:.8rem;opacity:.8">{html.escape(record)}</div></div>'
    )


_COLOURS = {"orange": "synthetic_text", "blue": "authentic_text", "gray": "neutral_text"}


def comparison(
    detections: Mapping[str, Detection], detectors: Mapping[str, Detector], key: str
) -> None:
    """Verdicts, scores, track records and timelines of several detectors, and where they differ.

    Parameters
    ----------
    detections, detectors : mapping of str
        By id, in the order of choice; of one clip.
    key : str
        Sets the widgets of one clip apart from another's.
    """
    st.subheader("Second opinions", anchor=False)
    named = {name_of(id): d for id, d in detections.items()}
    show_table(
        pd.DataFrame([_row(id, d) for id, d in detections.items()]),
        key=f"detect-opinions-{key}",
        column_config=numbers("%+.2f", "Score"),
    )
    figures, published = cache.results("embedded"), published_table()
    for id in detections:
        st.caption(
            f"**{plain(name_of(id))}**, equal error rates known: "
            f"{plain(track_record(id, figures, published, cache.table))}"
        )
    scored = {name: d for name, d in named.items() if d.llr is not None}
    if len(scored) > 1:
        bands = {
            name_of(id): words.undecided_band(detections[id], shared.decision.inconclusive_llr)
            for id, shared in detectors.items()
        }
        st.vega_lite_chart(
            make_spec(stacked, scored, bands, palette()),
            key=f"detect-opinions-chart-{key}",
            alt=f"What each of {len(scored)} detectors says over the clip's seconds, row by row.",
        )
        st.markdown(LEGEND)
        st.caption(
            "Each row is coloured by that detector's own score and threshold; windows and hops "
            "differ. Scores are never averaged: those of uncalibrated detectors have no common "
            "unit."
        )


def published_table() -> pd.DataFrame | None:
    """Published figures, None where their table cannot be read."""
    try:
        return cache.table("published_eer")
    except ValueError:
        return None


def _row(id: str, detection: Detection) -> dict[str, Any]:
    style = VERDICTS[detection.verdict]
    familiar = detection.familiarity
    return {
        "Detector": name_of(id),
        "Verdict": f"{style.mark} {words.verdict(detection)}",
        "Score": detection.llr,
        "What the score is": (
            "calibrated log-likelihood ratio"
            if detection.calibrated
            else "uncalibrated score"
            if any(reason.code == "no_threshold" for reason in detection.reasons)
            else "uncalibrated log-odds"
        ),
        "To its training data": familiar.level if familiar else "not measured",
        "Why": words.why(detection),
    }
