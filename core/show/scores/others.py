"""Other systems on the trials of a score file: their columns, and which way their scores run."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import streamlit as st

from core.evaluate import analysis
from core.evaluate.metrics import Higher
from core.evaluate.trials import Trials, TrialsError, attach, direction
from core.show.markdown import plain
from core.show.scores.columns import confirmed
from core.show.scores.direction_view import caution, choice
from core.show.scores.files import files, mark, parts, remembered
from core.show.scores.findings import refusal
from core.show.scores.study import Study

STATED = "scores-higher-second-"


@dataclass(frozen=True, eq=False)
class Other:
    """Another system.

    Attributes
    ----------
    name : str
        Its file.
    trials : Trials
        Its scores.
    higher : {"spoof", "bonafide"}
        Which way they run.
    of : tuple
        What that depends on.
    """

    name: str
    trials: Trials
    higher: Higher
    of: tuple[Hashable, ...]


def other_files(icon: str) -> bool:
    """Whether there are files of other systems; where there are none, say how to add them."""
    if parts("second"):
        return True
    st.info(
        "Add another system's scores above: up to five files of the same trials.",
        icon=f":material/{icon}:",
    )
    return False


def keep() -> None:
    """Keep what was stated of other systems while their fields are not shown."""
    for key in list(st.session_state):
        if str(key).startswith(STATED):
            st.session_state[key] = st.session_state[key]


def others(study: Study) -> list[Other]:
    """The other systems that can be used, with a field for what is to be said of each."""
    there = parts("second")
    if not there:
        return []
    names = [plain(files()[part].name) for part in there]
    places = st.tabs(names) if len(there) > 1 else [st.container()]
    found = []
    for place, part in zip(places, there, strict=True):
        with place:
            found.append(_one(study, part))
    missing = [plain(files()[p].name) for p, o in zip(there, found, strict=True) if o is None]
    if missing:
        st.warning(
            f"Not used yet: {', '.join(missing)}. What is missing is asked here.",
            icon=":material/help:",
        )
    return [other for other in found if other is not None]


def _one(study: Study, part: str) -> Other | None:
    known = confirmed(part)
    if known is None:
        return None
    trials, _ = known
    file, by_stem = files()[part], bool(st.session_state.get("scores-by-stem"))
    of = (*study.of, *mark(part), by_stem)
    try:
        labelled = remembered(
            "labelled", *of, make=lambda: _labelled(trials, study.trials, by_stem)
        )
        # What was stated of the first file holds for the others, unless the visitor says otherwise.
        same = study.found.higher if study.found.how == "stated" else None
        seen = remembered("way", *of, same, make=lambda: direction(labelled, same))
        key = f"{STATED}{file.sha256}"
        stated = choice(key, f"In {plain(file.name)} a higher score means", seen)
        if stated is not None:
            seen = remembered("way", *of, stated, make=lambda: direction(labelled, stated))
    except TrialsError as error:
        refusal(error)
        return None
    caution(seen)
    return Other(file.name, trials, seen.higher, (*of, seen.higher))


def _labelled(other: Trials, known: Trials, by_stem: bool) -> Trials:
    return other if "label" in other.table else attach(other, known, by_stem)


def side_by_side(study: Study, others: list[Other]) -> analysis.Systems | None:
    """All systems on the trials they share; None where they share none."""
    of = _of(study, others)
    by_stem = bool(st.session_state.get("scores-by-stem"))
    scored = [(o.name, o.trials, o.higher) for o in others]
    try:
        return remembered(
            "together",
            *of,
            make=lambda: analysis.together(study.data, study.file.name, scored, by_stem=by_stem),
        )
    except TrialsError as error:
        refusal(error)
        return None


def _of(study: Study, others: list[Other]) -> tuple[Hashable, ...]:
    return (*study.of, *(m for other in others for m in other.of))


def marked(study: Study, others: list[Other]) -> tuple[Hashable, ...]:
    """What figures of several systems depend on."""
    return (*_of(study, others), study.settings.costs)
