"""Score files of other kinds: spoof-aware verification, and fakes within recordings."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from core.evaluate.metrics import ADCF_ASVSPOOF5, AdcfCosts, Higher
from core.evaluate.names import bare
from core.evaluate.segments import Pieces, pieces
from core.evaluate.segments import figures as figures_of
from core.evaluate.spoof_aware import NO_INTERVAL, SpoofAware, paths
from core.evaluate.trials import (
    WAYS,
    Spans,
    TrialsError,
    has_three_kinds,
    has_times,
    read_reference,
    read_scored_spans,
    read_spoof_aware,
)
from core.plain import printable
from core.show import session
from core.show.figures.cards import figure_card
from core.show.markdown import plain
from core.show.scores import kinds_charts
from core.show.scores.files import ScoreFile, chart, files, mark, remembered
from core.show.scores.findings import problems, refusal
from core.show.scores.kinds_report import (
    NOTE,
    PATHS,
    RANGES,
    by_length,
    concurrent,
    named_figures,
    scored_segments,
    segments_report,
    spoof_aware_report,
    trials_of,
)
from core.show.scores.tables import report_download, spoof_aware_as, table_downloads
from core.show.theme import palette
from core.show.widgets import numbers, show_table

if TYPE_CHECKING:
    import pandas as pd


def shown() -> bool:
    """Show the score file if it is of another kind than a countermeasure's scores of clips."""
    file = files()["scores"]
    key = files().get("protocol")
    kinds = [f for f in (file, key) if f is not None]
    if any(remembered("kinds", f.sha256, make=partial(has_three_kinds, f.frame)) for f in kinds):
        _spoof_aware(file, key)
        return True
    if remembered("times", file.sha256, make=lambda: has_times(file.frame)):
        _within(file)
        return True
    return False


def _spoof_aware(file: ScoreFile, key: ScoreFile | None) -> None:
    """a-DCF and t-EER."""
    of = (*mark("scores"), *(mark("protocol") if key else ()))
    try:
        trials = remembered(
            "spoof-aware", *of,
            make=lambda: read_spoof_aware(file.frame, file.name, key.frame if key else None),
        )  # fmt: skip
        with st.expander("Your own priors and costs", icon=":material/tune:"):
            costs = _costs()
        found = SpoofAware(trials, costs)
        with st.spinner("Computing figures and their intervals"):
            table = remembered("spoof-aware figures", *of, costs, make=lambda: found.figures)
    except (TrialsError, ValueError) as error:
        refusal(error)
        return
    problems((*trials.problems, *found.suspicions()))
    st.subheader(f"{plain(file.name)}: speaker verification and fakes", anchor=False)
    st.caption(plain(f"{trials.in_words}. Higher must speak for the target, or for bona fide."))
    whole = table[table["breakdown"] == "overall"]
    _cards(whole.set_index("metric"))
    if found.paired:
        _paths(found, whole, of)
    show_table(
        named_figures(table),
        key="scores-sasv-table",
        column_config=numbers("%.5g", "value", "low", "high", "threshold", "cm threshold"),
    )
    st.caption(f"{trials_of(whole.iloc[0])}. {NOTE}")
    table_downloads(table, "spoof-aware-verification", "Figures")
    one, two = st.columns(2)
    with one:
        report_download(lambda: spoof_aware_report(file, found, table))
    with two:
        spoof_aware_as(trials, file.name, of)
    st.caption("In a terminal: `python -m core sasv SCORES --key KEY`")


def _costs() -> AdcfCosts:
    left, middle, right = st.columns(3)
    usual = ADCF_ASVSPOOF5
    priors = [
        left.number_input(f"Prior of {name} (%)", 0.01, 98.0, round(100 * prior, 2), key=key)
        for name, prior, key in (
            ("other speakers", usual.p_nontarget, "scores-p-other"),
            ("fakes", usual.p_spoof, "scores-p-fakes"),
        )
    ]
    costs = [
        place.number_input(f"Cost of {name}", 0.01, 1e3, cost, key=key)
        for place, name, cost, key in (
            (middle, "a rejected target", usual.c_miss, "scores-c-miss"),
            (middle, "another speaker", usual.c_fa, "scores-c-other"),
            (right, "an accepted fake", usual.c_fa_spoof, "scores-c-fake"),
        )
    ]
    right.caption("Those of ASVspoof 5, track 2, unless you change them.")
    other, fakes = (prior / 100 for prior in priors)
    return AdcfCosts(1 - (other + fakes), other, fakes, *costs)


def _cards(whole: pd.DataFrame) -> None:
    cards = [m for m in ("min_adcf", "sasv_eer", "teer", "min_adcf_tandem") if m in whole.index]
    for column, metric in zip(st.columns(len(cards)), cards, strict=True):
        row = whole.loc[metric]
        note = row["note"].replace(NO_INTERVAL, "") or "Both systems." * (row["low"] != row["low"])
        with column:
            figure_card(bare(metric), row, metric=metric, after=note)


def _paths(found: SpoofAware, whole: pd.DataFrame, of: tuple[object, ...]) -> None:
    point, title = concurrent(whole)
    chart(
        kinds_charts.tandem_paths,
        remembered("paths", *of, make=lambda: paths(found.tandem)),
        point,
        title,
        palette=palette(),
        key="scores-teer",
        of=of,
        alt=f"{title}. Tandem EER along the verification threshold, for three shares of fakes.",
    )
    st.caption(PATHS)


def _within(file: ScoreFile) -> None:
    """Segment EER and range EER."""
    given = st.file_uploader(
        "Which stretches are fakes",
        key="scores-spans",
        max_upload_size=session.upload_mb(),
        help="RTTM; a table of file, start, end and label (without labels every row is a fake); or "
        "a line per file with spans as start-end-label.",
    )
    try:
        scores = remembered(
            "scored spans", file.sha256, make=lambda: read_scored_spans(file.frame, file.name)
        )
        higher = _direction(scores, file)
        if given is None or higher is None:
            st.info(
                f"{plain(file.name)} scores stretches of recordings. Add which of them are fakes"
                + ("." if higher else ", and say what a high score means."),
                icon=":material/segment:",
            )
            return
        name, data = printable(given.name), given.getvalue()
        reference = remembered("spans", given.file_id, make=lambda: read_reference(data, name))
        of = (file.sha256, given.file_id, higher)
        found = remembered("pieces", *of, make=lambda: pieces(scores, reference, higher))
        with st.spinner("Computing figures and their intervals"):
            table = remembered("segments", *of, make=lambda: figures_of(found))
    except TrialsError as error:
        refusal(error)
        return
    columns = scores.in_words, f"{name}: {reference.in_words}"
    _within_figures(file, columns, found, table, of)


def _direction(scores: Spans, file: ScoreFile) -> Higher | None:
    ways: list[Higher] = ["spoof", "bonafide"]
    return st.segmented_control(
        "A higher score means",
        ways,
        default=scores.higher,
        required=scores.higher is not None,
        format_func=lambda way: WAYS[way],
        key=f"scores-spans-higher-{file.sha256}",
    )


def _within_figures(
    file: ScoreFile,
    columns: tuple[str, str],
    found: Pieces,
    table: pd.DataFrame,
    of: tuple[object, ...],
) -> None:
    problems(found.problems)
    whole = table.iloc[0]
    st.subheader(f"{plain(file.name)}: range EER {whole['value']:.2f} %", anchor=False)
    segments = scored_segments(table)
    if not segments.empty:
        worst, title = segments.loc[segments["value"].idxmax()], by_length(segments)
        chart(
            kinds_charts.by_resolution,
            segments,
            float(whole["value"]),
            title,
            palette=palette(),
            key="scores-resolution",
            of=of,
            alt=f"{title}; worst at {1000 * worst['resolution_s']:g} ms. "
            f"Range EER {whole['value']:.2f} %.",
        )
    show_table(
        table,
        key="scores-segments-table",
        column_config={
            "resolution_s": st.column_config.NumberColumn("segment (s)", format="%g"),
            **numbers("%.4g", "value", "low", "high", "threshold"),
            **numbers("localized", "bonafide", "spoof"),
        },
    )
    st.caption(RANGES)
    table_downloads(table, "segments", "Figures")
    report_download(lambda: segments_report(file, *columns, found, table))
    st.caption("In a terminal: `python -m core segments SCORES --reference SPANS`")
