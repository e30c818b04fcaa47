"""What a visitor brings to Your scores, and what they assume."""

from __future__ import annotations

from collections.abc import Hashable

import streamlit as st

from core.evaluate import analysis
from core.evaluate.example_scores import NAME, OTHER_NAME, example
from core.evaluate.metrics import AsvRates, Costs, Higher, TandemConstants, tandem_constants
from core.evaluate.trials import (
    Direction,
    Trials,
    TrialsError,
    attach,
    direction,
    guess_layout,
)
from core.show import session
from core.show.cards import plain
from core.show.scores.comparisons import problems
from core.show.scores.files import confirmed, files, forget, load, mark, remembered, upload
from core.show.scores.study import WAYS, Study


def uploads() -> None:
    """Fields for the score file, its protocol and a second file; and an example."""
    with st.container(border=True):
        one, two, three = st.columns(3)
        with one:
            upload(
                "scores",
                "Score file",
                "ASVspoof 2019, 2021 or 5, Speech DF Arena, or any CSV, TSV or Parquet; gzip or "
                "zip too. Up to 200 MB: compress larger files.",
            )
        with two:
            upload(
                "protocol",
                "Protocol or key, if labels are apart",
                "Labels, attacks, codecs and speakers of the trials: the file that came with the "
                "benchmark.",
            )
        with three:
            upload("second", "Second score file, to compare", "Another system, the same trials.")
        st.button(
            "Start with an example",
            on_click=_example,
            icon=":material/science:",
            key="scores-example",
        )
        for said in misplaced():
            st.error(said, icon=":material/swap_horiz:")


def _example() -> None:
    for part in ("scores", "second", "protocol"):
        forget(part)
    load("scores", NAME, example(0))
    load("second", OTHER_NAME, example(1))


def labelled() -> tuple[Trials, tuple[Hashable, ...]] | None:
    """The trials with the protocol's labels, and what they depend on; None while in doubt."""
    trials = confirmed("scores")
    wanted = "protocol" in files()
    protocol = confirmed("protocol") if wanted else None
    if misplaced():
        return None
    if trials is None or (wanted and protocol is None):
        return None
    of: tuple[Hashable, ...] = mark("scores")
    if protocol is None:
        return trials, of
    of += mark("protocol")
    try:
        return remembered("attach", *of, make=lambda: attach(trials, protocol)), of
    except TrialsError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return None


def misplaced() -> list[str]:
    """What is wrong where a score file lies in the protocol's field, or the other way round."""
    roles = {}
    for part in ("scores", "protocol"):
        if part in files():
            file = files()[part]
            guess = remembered("layout", file.sha256, make=lambda f=file: guess_layout(f.frame))
            layout = st.session_state.get(f"scores.layout.{part}.{file.sha256}", guess)
            roles[part] = set(layout.columns)
    said = []
    if "score" in roles.get("protocol", ()) and "label" not in roles["protocol"]:
        name = plain(files()["protocol"].name)
        said.append(
            f"{name} holds scores and no labels, so it is a score file. Choose it in the field "
            "*Score file*, and the benchmark's key in the field *Protocol*."
        )
    if "label" in roles.get("scores", ()) and "score" not in roles["scores"]:
        name = plain(files()["scores"].name)
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
    trials, of = known
    try:
        found = remembered("direction", *of, make=lambda: direction(trials))
    except TrialsError as error:
        problems([p.sentence for p in trials.problems])
        st.warning(
            f"{plain(str(error))} Until then there are no error rates.", icon=":material/key:"
        )
        if "score" in trials.table:
            st.subheader(f"What can be said of {len(trials.table):,} scores", anchor=False)
            described = trials.table["score"].describe().to_frame().T
            st.dataframe(described, placeholder="–", key="scores-described")
        return None
    left, right = st.columns(2)
    with left:
        higher = _direction(found)
    with right.expander("Your own prior and costs; t-DCF", icon=":material/tune:"):
        costs = _costs()
        tandem = _tandem()
    settings = analysis.Settings(costs, tandem)
    return Study(files()["scores"], trials, higher, settings, (*of, higher))


def _direction(found: Direction) -> Higher:
    higher = st.radio(
        "A higher score means",
        list(WAYS),
        index=list(WAYS).index(found.higher),
        format_func=WAYS.__getitem__,
        horizontal=True,
        key=f"scores-higher-{files()['scores'].sha256}",
        help="Detected from the ranking of the classes. Scores are never changed: thresholds below "
        "are in the direction of your file.",
    )
    agree = found.auc if found.higher == "spoof" else 1 - found.auc
    sure = f"Detected: higher means {WAYS[found.higher]} (AUC {agree:.4f})."
    if not found.sure:
        st.warning(f"{sure} That is close to chance, so look twice.", icon=":material/swap_vert:")
    elif higher != found.higher:
        st.warning(f"{sure} You chose the opposite.", icon=":material/swap_vert:")
    else:
        st.caption(f"{sure} Nothing was flipped.")
    return higher


def _costs() -> Costs:
    prior = st.number_input("Prior: share of fakes (%)", 0.1, 99.9, 5.0, key="scores-prior")
    missed = st.number_input("Cost of a missed fake", 0.01, 1000.0, 10.0, key="scores-missed")
    accused = st.number_input("Cost of a false accusation", 0.01, 1000.0, 1.0, key="scores-accused")
    # The field counts a human who is rejected as a miss.
    return Costs(prior / 100, c_miss=accused, c_fa=missed)


def _tandem() -> TandemConstants | None:
    """What t-DCF needs to know of a verification system, if the visitor says it."""
    given = st.file_uploader(
        "Scores of a verification system, for t-DCF",
        key="scores-asv",
        max_upload_size=session.upload_mb(),
        help="Lines of speaker or attack, then target, nontarget or spoof, then the score.",
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
            from core.evaluate.published import AsvScores

            return remembered(
                "asv",
                given.file_id,
                make=lambda: AsvScores.of(given.getvalue(), given.name).constants(),
            )
        if rates is None:
            return None
        tandem = tandem_constants(rates)
        if tandem.c2 == 0:
            raise ValueError("A verification system that accepts no fake leaves t-DCF undefined.")
        return tandem
    except ValueError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return None
