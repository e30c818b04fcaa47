"""What a visitor brings to Your scores, and what they assume."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from functools import partial

import streamlit as st

from core.evaluate import analysis
from core.evaluate.example_scores import NAME, OTHER_NAME, example
from core.evaluate.metrics import AsvRates, Costs, TandemConstants, tandem_constants
from core.evaluate.trials import (
    ALL,
    AsvScores,
    Trials,
    TrialsError,
    direction,
    guess_layout,
    of_subset,
    subsets,
    usual,
)
from core.plain import printable
from core.show import session
from core.show.markdown import plain
from core.show.scores.columns import confirmed
from core.show.scores.direction_view import caution, choice
from core.show.scores.files import (
    MOST_FILES,
    clear,
    field_of,
    files,
    layout_key,
    load,
    mark,
    parts,
    remembered,
    upload,
)
from core.show.scores.findings import problems, refusal
from core.show.scores.study import Study


def uploads() -> bool:
    """Fields for score files, their protocols and other systems, and an example; whether all that
    was given can be used.
    """
    with st.container(border=True):
        one, two, three = st.columns(3)
        with one:
            scores = upload(
                "scores",
                "Score file",
                "ASVspoof 2019, 2021 or 5, Speech DF Arena, or any CSV, TSV, JSON lines or "
                "Parquet; gzip or zip too. Up to 200 MB: compress larger files. Several files are "
                "data sets of one system.",
                MOST_FILES,
            )
        with two:
            protocol = upload(
                "protocol",
                "Protocol or key, if labels are apart",
                "Labels, attacks, codecs and speakers of the trials: the file that came with the "
                "benchmark. Of several, each score file takes the one that holds its trials.",
                MOST_FILES,
            )
        with three:
            second = upload(
                "second",
                "Other systems, to compare or fuse",
                "Scores of the same trials, a file per system; up to five.",
                analysis.MOST_SYSTEMS - 1,
            )
        st.button(
            "Start with an example",
            on_click=_example,
            icon=":material/science:",
            key="scores-example",
        )
    wrong = misplaced()
    for said in wrong:
        st.error(said, icon=":material/swap_horiz:")
    return scores and protocol and second and not wrong


def _example() -> None:
    for field in ("scores", "second", "protocol"):
        clear(field)
    load("scores", NAME, example(0))
    load("second", OTHER_NAME, example(1))
    # Its direction is known, as that of a visitor's file is not.
    st.session_state[f"scores-higher-{files()['scores'].sha256}"] = "bonafide"


@dataclass(frozen=True, eq=False)
class Labelled:
    """Trials with their labels.

    Attributes
    ----------
    trials : Trials
        Of the subset that counts.
    read : list of str
        Which column of which file is what.
    of : tuple
        What the trials depend on.
    subset : str or None
        The subset that was chosen.
    """

    trials: Trials
    read: list[str]
    of: tuple[Hashable, ...]
    subset: str | None


def labelled() -> Labelled | None:
    """The trials with the protocol's labels, in the subset that counts; None while in doubt."""
    scored = [(part, confirmed(part)) for part in parts("scores")]
    keys = [(part, confirmed(part)) for part in parts("protocol")]
    if any(found is None for _, found in (*scored, *keys)) or misplaced():
        return None
    every = [(files()[part].name, *found) for part, found in (*scored, *keys) if found]
    read = [f"{name}: {layout.in_words()}" for name, _, layout in every]
    named = [(name, trials) for name, trials, _ in every]
    of: tuple[Hashable, ...] = tuple(m for part, _ in (*scored, *keys) for m in mark(part))
    joined = _joined(named[: len(scored)], named[len(scored) :], of)
    if joined is None:
        return None
    trials, of = joined
    subset = _subset(trials)
    of = (*of, subset)
    chosen = remembered("subset", *of, make=lambda: of_subset(trials, subset))
    return Labelled(chosen, read, of, subset)


def _joined(
    sets: list[tuple[str, Trials]], keys: list[tuple[str, Trials]], of: tuple[Hashable, ...]
) -> tuple[Trials, tuple[Hashable, ...]] | None:
    """The trials with what protocols say, by their names, and by stem where that is wanted."""
    if len(sets) > 1:
        sets = [(name.rpartition(".")[0] or name, trials) for name, trials in sets]

    def join(by_stem: bool) -> Trials | TrialsError:
        def made() -> Trials | TrialsError:
            try:
                return analysis.labelled_sets(sets, keys, by_stem)
            except TrialsError as error:
                return error

        return remembered("attach", *of, by_stem, make=made)

    result = join(False)
    by_stem = False
    if any(p.by_stem for p in result.problems):
        by_stem = st.checkbox(
            "Join names that differ in folder or suffix",
            key="scores-by-stem",
            help="Takes a.wav and x/a.flac for the same trial, where the stem is unique.",
        )
        result = join(by_stem)
    if isinstance(result, TrialsError):
        refusal(result)
        return None
    return result, (*of, by_stem)


def _subset(trials: Trials) -> str | None:
    """The subset that the visitor chose, where there are several."""
    counts = subsets(trials)
    if not counts:
        return None
    options = [*counts, ALL]
    whole = sum(counts.values())
    return str(
        st.segmented_control(
            "Subset",
            options,
            default=usual(counts),
            required=True,
            format_func=lambda name: plain(f"{name} ({counts.get(name, whole):,})"),
            key=f"scores-subset-{files()['scores'].sha256}",
            help="ASVspoof 2021 keeps its subsets apart; eval is the one that is published.",
        )
    )


def misplaced() -> list[str]:
    """What is wrong where a score file lies in the protocol's field, or the other way round."""
    said = []
    for part in (*parts("scores"), *parts("protocol")):
        file = files()[part]
        guess = remembered("layout", file.sha256, make=partial(guess_layout, file.frame))
        layout = st.session_state.get(layout_key(part), guess)
        roles = {*layout.columns, *(d.role for d in layout.doubts)}
        name, field = plain(file.name), field_of(part)
        if field == "protocol" and "score" in roles and "label" not in roles:
            said.append(
                f"{name} holds scores and no labels, so it is a score file. Choose it in the field "
                "*Score file*, and the benchmark's key in the field *Protocol*."
            )
        if field == "scores" and "label" in roles and "score" not in roles:
            said.append(
                f"{name} holds labels and no scores, so it is a protocol. Choose it in the field "
                "*Protocol*, and the system's scores in the field *Score file*."
            )
    return said


def study() -> Study | None:
    """The score file with its direction, prior and costs; None where there are no error rates."""
    known = labelled()
    if known is None:
        return None
    try:
        found = remembered("direction", *known.of, make=lambda: direction(known.trials))
    except TrialsError as error:
        problems(error.problems)
        st.warning(
            f"{plain(str(error))} Until then there are no error rates.", icon=":material/key:"
        )
        if "score" in known.trials.table:
            count = len(known.trials.table)
            st.subheader(f"What can be said of {count:,} scores", anchor=False)
            described = known.trials.table["score"].describe().to_frame().T
            st.dataframe(described, placeholder="–", key="scores-described")
        return None
    left, right = st.columns(2)
    with left:
        key = f"scores-higher-{files()['scores'].sha256}"
        stated = choice(key, "A higher score means", found)
        if stated is not None:
            found = remembered(
                "direction", *known.of, stated, make=lambda: direction(known.trials, stated)
            )
        caution(found)
    with right.expander("Your own prior and costs; t-DCF", icon=":material/tune:"):
        costs = _costs()
        tandem, asv = _tandem(known.subset)
    settings = analysis.Settings(costs, tandem, asv)
    of = (*known.of, found.higher)
    file, count = files()["scores"], len(parts("scores"))
    if count > 1:
        file = replace(file, name=f"{count} data sets")
    return Study(file, known.trials, found, known.read, settings, of)


def _costs() -> Costs:
    prior = st.number_input("Prior: share of fakes (%)", 0.1, 99.9, 5.0, key="scores-prior")
    missed = st.number_input("Cost of a missed fake", 0.01, 1000.0, 10.0, key="scores-missed")
    accused = st.number_input("Cost of a false accusation", 0.01, 1000.0, 1.0, key="scores-accused")
    # The field counts a human who is rejected as a miss.
    return Costs(prior / 100, c_miss=accused, c_fa=missed)


def _tandem(subset: str | None) -> tuple[TandemConstants | None, AsvScores | None]:
    """What t-DCF needs to know of a verification system, if the visitor says it."""
    given = st.file_uploader(
        "Scores of a verification system, for t-DCF and t-EER",
        key="scores-asv",
        max_upload_size=session.upload_mb(),
        help="Scores of ASVspoof 2019; of 2021 the lines of its key, each with its score behind. "
        "Higher must mean target.",
    )
    rates = None
    if st.checkbox("Or give its error rates", key="scores-asv-rates"):
        rates = AsvRates(
            st.number_input("Targets rejected (%)", 0.0, 100.0, 2.46, key="scores-asv-miss") / 100,
            st.number_input("Other speakers accepted (%)", 0.0, 100.0, 2.46, key="scores-asv-fa")
            / 100,
            st.number_input("Fakes accepted (%)", 0.0, 100.0, 50.0, key="scores-asv-spoof") / 100,
        )
    try:
        if given is not None:
            name, data = printable(given.name), given.getvalue()
            scores = remembered(
                "asv", given.file_id, subset, make=lambda: AsvScores.of(data, name, subset)
            )
            return scores.constants(), scores
        if rates is None:
            return None, None
        tandem = tandem_constants(rates)
        if tandem.c2 == 0:
            raise ValueError("A verification system that accepts no fake leaves t-DCF undefined.")
        return tandem, None
    except ValueError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return None, None
