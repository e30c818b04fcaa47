"""One system on several data sets, on Your scores."""

from __future__ import annotations

import streamlit as st

from core.evaluate import analysis
from core.evaluate.names import OF_SCORES, bare, readable
from core.evaluate.trials import TrialsError
from core.show.figures import charts as figure_charts
from core.show.markdown import plain
from core.show.scores.files import chart, remembered
from core.show.scores.findings import problems
from core.show.scores.study import SYSTEM, Study, wide
from core.show.scores.views import download
from core.show.widgets import show_table


def data_sets(study: Study) -> None:
    """Figures by data set, pooled and on average; what a threshold does on the other sets."""
    columns = [c for c in study.columns if c != "speaker"]
    if not columns:
        st.info(
            "Add a score file for each data set, or choose more columns above.",
            icon=":material/dataset:",
        )
        return
    known = analysis.DATA_SET in columns
    left, right = st.columns(2)
    column = left.selectbox(
        "Data sets are in",
        columns,
        index=columns.index(analysis.DATA_SET) if known else None,
        placeholder="Which column?",
        key="scores-sets-column",
    )
    metric = right.selectbox("Metric", OF_SCORES, format_func=bare, key="scores-sets-metric")
    if column is None:
        st.info(
            "One file per data set above, or a column here that names them.",
            icon=":material/dataset:",
        )
        return
    try:
        with st.spinner("Computing figures by data set"):
            found = remembered(
                "sets",
                *study.of,
                study.settings.costs,
                column,
                make=lambda: analysis.by_data_set(study.data, column, study.settings),
            )
    except TrialsError as error:
        problems(error.problems)
        st.info(plain(str(error)), icon=":material/dataset:")
        return
    problems(found.problems)
    of = (*study.of, study.settings.costs, column)
    rows = found.figures[found.figures["metric"] == metric]
    value = rows.set_index("condition")["value"]
    mean, pooled = float(value[analysis.MEAN]), float(value[analysis.POOLED])
    unit = " %" if metric == "eer" else ""
    title = f"{bare(metric)}: mean {mean:.4g}{unit}, pooled {pooled:.4g}{unit}"
    chart(
        figure_charts.ranked,
        study.charted(rows),
        metric,
        title,
        {SYSTEM: study.colours.series[0]},
        palette=study.colours,
        key="scores-sets",
        of=(*of, metric),
        alt=f"{title}; {len(rows) - 2} data sets.",
    )
    st.caption(
        "The mean counts each set once. Pooled: all trials as one set under one threshold, which "
        "is worse where scores of the sets lie apart."
    )
    show_table(wide(found.figures, "condition").round(4), key="scores-sets-table")
    download("Download figures by data set", found.figures, "data-sets.csv")
    _carried(study, found, of)


def _carried(study: Study, found: analysis.DataSets, of: tuple[object, ...]) -> None:
    carried = found.carried
    away = carried[carried["taken_from"] != carried["applied_to"]]
    worst = away.loc[away["error"].idxmax()]
    names = list(dict.fromkeys(carried["applied_to"]))
    grid = carried.assign(
        attack=carried["taken_from"], codec=carried["applied_to"], value=carried["error"]
    )
    title = (
        f"The threshold of {worst['taken_from']} errs by {worst['error']:.1f} % on "
        f"{worst['applied_to']}"
    )
    chart(
        figure_charts.heat,
        grid.assign(system=SYSTEM, benchmark=study.file.name, kind="measured", source=""),
        "eer",
        title,
        columns=names,
        titles=("Threshold of the EER on", "Used on"),
        palette=study.colours,
        key="scores-carried",
        of=of,
        alt=f"Heat map of thresholds carried over; {title}.",
    )
    st.caption(
        "Mean of both error rates (%) where the threshold of one set is used on another: what a "
        "user meets who cannot choose it anew."
    )
    show_table(readable(carried, ()).round(4), key="scores-carried-table")
    download("Download carried thresholds", carried, "carried-thresholds.csv")
