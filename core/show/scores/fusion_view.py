"""Several systems' scores as one, on Your scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.evaluate import analysis
from core.evaluate.names import OF_SCORES, bare
from core.evaluate.names import readable as named
from core.evaluate.trials import TrialsError
from core.show.figures import charts as figure_charts
from core.show.markdown import plain
from core.show.scores.files import chart, remembered
from core.show.scores.findings import problems, refusal
from core.show.scores.others import marked, other_files, others, side_by_side
from core.show.scores.study import Study
from core.show.scores.views import download
from core.show.theme import system_colours
from core.show.widgets import numbers, show_table

if TYPE_CHECKING:
    import pandas as pd
    from streamlit.delta_generator import DeltaGenerator

FOLDS = "Other speakers, in folds"


def fusion(study: Study) -> None:
    """What fusing gains, on trials that nothing was learnt from."""
    if not other_files("merge"):
        return
    picture = st.container()
    found = others(study)
    systems = side_by_side(study, found) if found else None
    if systems is None:
        return
    with picture:
        _fused(study, systems, marked(study, found))


def _fused(study: Study, systems: analysis.Systems, of: tuple[object, ...]) -> None:
    first, *rest = st.columns(4)
    metric = first.selectbox("Metric", OF_SCORES, format_func=bare, key="scores-fusion-metric")
    how = _plan(systems.first, study.columns, rest)
    if how is None:
        return
    try:
        with st.spinner("Learning weights and judging by them"):
            result = remembered(
                "fused",
                *of,
                how,
                make=lambda: analysis.fuse(
                    systems,
                    analysis.split(systems.first, *how) if how else None,
                    study.settings,
                ),
            )
    except TrialsError as error:
        refusal(error)
        return
    problems(result.problems)
    rows = result.figures[result.figures["metric"] == metric]
    title = finding(result, metric)
    charted = rows.assign(
        breakdown="overall", condition="all", benchmark=study.file.name, kind="measured",
        source="fused here", note="", n_bonafide=result.n_bonafide, n_spoof=result.n_spoof,
    )  # fmt: skip
    chart(
        figure_charts.ranked,
        charted,
        metric,
        title,
        system_colours(list(rows["system"]), study.colours),
        by="system",
        palette=study.colours,
        key="scores-fusion",
        of=(*of, how, metric),
        alt=f"{title}.",
    )
    st.caption(
        f"{plain(result.about)} {result.n_bonafide:,} bona fide and {result.n_spoof:,} spoofed "
        "trials were judged. Actual DCF and Cllr of a system alone are those after calibration in "
        "the same way."
    )
    show_table(
        named(result.gains[result.gains["metric"] == metric].drop(columns="metric")),
        key="scores-gains",
        column_config=numbers("%.2g", "p"),
    )
    st.dataframe(named(result.weights), hide_index=True, key="scores-weights")
    st.caption(
        "Weights of scores towards spoof, in units of their spread; low and high are those of the "
        "folds."
    )
    download("Download figures of the fusion", result.figures, "fusion.csv")
    download("Download fused scores", _scores(systems, result), "fused-scores.csv")


def finding(result: analysis.Fused, metric: str) -> str:
    """What the fusion gains over the best system alone, in words."""
    row = analysis.best_alone(result, metric)
    gain = row["difference"] if metric == "auc" else -row["difference"]
    size = (
        f"{abs(gain):.2f} points of EER" if metric == "eer" else f"{abs(gain):.4f} {bare(metric)}"
    )
    if row["p_value"] != row["p_value"]:
        return f"Fused: {size} {'better' if gain > 0 else 'worse'}; too few speakers to test"
    if row["p_value"] >= 0.05:
        return f"Fusion does not clearly differ from {row['against']}"
    return f"Fusion {'gains' if gain > 0 else 'loses'} {size} against {row['against']}"


def _plan(
    data: analysis.Prepared, columns: list[str], places: list[DeltaGenerator]
) -> tuple[str, ...] | None:
    """What is learnt from what: () for folds, else column, value and what is judged."""
    splits = [c for c in columns if c != "speaker" and _two_classes(data, c)]
    left, middle, right = places
    folds = FOLDS if data.speakers is not None else "Other trials, in folds"
    by = left.selectbox("Learn from", [folds, *splits], key="scores-fusion-by")
    if by == folds:
        return ()
    names = data.codes(by)[1]
    learnt = middle.selectbox("Learn where it is", names, key="scores-fusion-learn")
    rest = [n for n in names if n != learnt]
    judged = right.selectbox("Judge where it is", rest, key="scores-fusion-judge")
    return None if judged is None else (by, str(learnt), str(judged))


def _two_classes(data: analysis.Prepared, column: str) -> bool:
    codes, names = data.codes(column)
    both = [set(codes[data.is_spoof == c].tolist()) - {-1} for c in (False, True)]
    return len(names) > 1 and len(both[0] & both[1]) > 1


def _scores(systems: analysis.Systems, result: analysis.Fused) -> pd.DataFrame:
    table = systems.first.table[["trial", "label"]].assign(llr=result.llr)
    return table[table["llr"].notna()]
