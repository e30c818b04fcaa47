"""What is seen of one score file."""

from __future__ import annotations

import streamlit as st

from core.evaluate import analysis
from core.evaluate.example_scores import NAME, known_eer
from core.evaluate.names import bare, metric_name
from core.show.documents.report import as_csv
from core.show.figures import charts as figure_charts
from core.show.figures.cards import figure_card
from core.show.markdown import plain
from core.show.scores import charts
from core.show.scores.files import chart, remembered
from core.show.scores.findings import problems
from core.show.scores.others import marked, others, side_by_side
from core.show.scores.ratios_view import ratios
from core.show.scores.study import SYSTEM, Study, readable, wide
from core.show.theme import system_colours
from core.show.widgets import numbers, save_button, show_table

RANKED = 40
"""Bars of a breakdown; the rest is in its table."""


def figures(study: Study) -> None:
    """Error rates and costs of all trials."""
    found = study.figures
    cards = [m for m in ("eer", "min_dcf", "act_dcf", "cllr", "min_tdcf") if m in found.index]
    for column, metric in zip(st.columns(len(cards)), cards, strict=True):
        row = found.loc[metric]
        label = bare(metric) if metric == "eer" else metric_name(metric)
        with column:
            figure_card(label, row, metric=metric, after=row["note"])
    show_table(
        readable(study.whole.figures)[["metric", "value", "low", "high", "threshold", "note"]],
        key="scores-figures",
        column_config=numbers("%.5g", "value", "low", "high", "threshold"),
    )
    bona, spoof = study.counts
    st.caption(
        f"{bona:,} bona fide and {spoof:,} spoofed trials. {study.data.about_intervals} "
        "Thresholds are in the direction of your file. "
        "Actual DCF and Cllr take scores for natural-log likelihood ratios, as ASVspoof 5 does."
    )
    if study.whole.tied:
        st.info(
            f"{study.whole.tied:,} trials have the score of a trial of the other class. The "
            "official code lets a threshold pass between tied trials, bona fide first, and gets "
            f"an EER of {100 * study.whole.official_eer.rate:.4f} %; here tied trials stay "
            f"together, which gives {100 * study.whole.eer.rate:.4f} %. With all scores equal the "
            "official code gives 0 or 100 %, and 50 % is right.",
            icon=":material/equal:",
        )
    if study.file.name == NAME:
        _known_answers(study)


def _known_answers(study: Study) -> None:
    import pandas as pd

    cells = [(a, c) for c in ("none", "alaw") for a in ("X01", "X02", "X03")]
    every = study.by("attack", "codec")
    computed = every[every["metric"] == "eer"].set_index("condition")["value"]
    st.markdown("The example's answers are known: each cell's EER is Φ(−d/2).")
    st.dataframe(
        pd.DataFrame(
            [(a, c, 100 * known_eer(a, c), computed[f"{a}/{c}"]) for a, c in cells],
            columns=["attack", "codec", "known EER (%)", "computed EER (%)"],
        ),
        hide_index=True,
        key="scores-known",
    )


def trade_off(study: Study) -> None:
    """The DET curve, of up to six systems."""
    picture = st.container()
    found = others(study)
    systems = side_by_side(study, found) if found else None
    with picture:
        if systems is not None:
            _several(study, systems, marked(study, found))
            return
        band, marks = study.trade_off()
        eer = study.whole.eer.rate
        chart(
            figure_charts.det,
            band,
            marks,
            f"Detection error trade-off, EER {100 * eer:.2f} %",
            {SYSTEM: study.colours.series[0]},
            palette=study.colours,
            key="scores-det",
            of=(*study.of, study.settings),
            alt=f"DET curve; equal errors at {100 * eer:.2f} %.",
        )
        st.caption(
            f"Band: 95 % by {study.data.unit}. {MARKS}"
            + (" The curve lies outside this plot, which ends at 42 %." if eer > 0.4 else "")
        )


MARKS = (
    "Circle: equal errors. Diamond: the cheapest threshold at your prior and costs. Square: where "
    "Bayes decisions lie if scores are log-likelihood ratios."
)


def _several(study: Study, systems: analysis.Systems, of: tuple[object, ...]) -> None:
    with st.spinner("Computing figures of every system"):
        figures, det, marks = remembered(
            "side by side", *of, make=lambda: analysis.side_by_side(systems, study.settings)
        )
    eers = figures[figures["metric"] == "eer"]
    best = eers.loc[eers["value"].idxmin()]
    beyond = [plain(n) for n in eers.loc[eers["value"] > 40, "system"]]
    outside = f" Outside this plot, which ends at 42 %: {', '.join(beyond)}." if beyond else ""
    title = f"{best['system']} has the lowest EER, {best['value']:.2f} %"
    chart(
        figure_charts.det,
        det,
        marks,
        title,
        system_colours(list(systems.names), study.colours),
        palette=study.colours,
        key="scores-det",
        of=of,
        alt=f"DET curves of {len(systems.names)} systems; {title}.",
    )
    st.caption(
        f"{len(systems.first.scores):,} trials that all have scored. Bands: 95 % by "
        f"{study.data.unit}. {MARKS} Whether two truly differ: *Other systems*."
        f"{outside}"
    )
    problems(systems.problems)
    show_table(wide(figures, "system").round(4), key="scores-systems")
    download("Download figures of all systems", figures, "systems.csv")


def scores(study: Study) -> None:
    """Both classes' scores, and what they are worth as chances."""
    threshold, costs = study.whole.eer.threshold, study.settings.costs
    chart(
        charts.scores,
        remembered("histogram", *study.of, make=lambda: analysis.histogram(study.data)),
        threshold,
        "Scores of both classes and the EER threshold",
        palette=study.colours,
        key="scores-histogram",
        of=study.of,
        alt=f"Histogram of both classes; EER threshold at {threshold:.4g}.",
    )
    st.caption("The outermost thousandth of each class is counted in the end bins.")
    off = study.figures.loc["cllr", "value"] - study.figures.loc["min_cllr", "value"]
    chart(
        charts.reliability,
        remembered(
            "reliability",
            *study.of,
            costs,
            make=lambda: analysis.reliability(study.data, costs.p_spoof),
        ),
        f"Calibration costs {off:.3f} bits of Cllr",
        palette=study.colours,
        key="scores-reliability",
        of=(*study.of, costs),
        alt="Stated probability of a fake against the share that are fakes.",
    )
    st.caption(
        f"At a prior of {study.prior} (set above), classes weighted to it. Below the diagonal the "
        "scores claim too much. Calibrated: by logistic regression on other folds."
    )
    ratios(study)


def breakdown(study: Study) -> None:
    """Figures by what is known of the trials."""
    if not study.columns:
        st.info(
            "No column to break down by. Add a protocol, or choose more columns above.",
            icon=":material/category:",
        )
        return
    a, b, c = st.columns(3)
    first = a.selectbox("By", study.columns, key="scores-by-first")
    others = [k for k in study.columns if k != first]
    second = b.selectbox("And by", ["-", *others], key="scores-by-second")
    names = (first,) if second == "-" else (first, second)
    with st.spinner(f"Computing figures by {plain(' and '.join(names))}"):
        every = study.by(*names)
    metrics = list(dict.fromkeys(every["metric"])) or ["eer"]
    metric = c.selectbox("Metric", metrics, format_func=bare, key="scores-by-metric")
    rows = study.charted(every[every["metric"] == metric])
    if rows.empty:
        st.info("No condition has both classes.", icon=":material/category:")
    elif len(names) == 1:
        top = rows.nlargest(RANKED, "value") if metric != "auc" else rows.nsmallest(RANKED, "value")
        edge = top.iloc[0]
        chart(
            figure_charts.ranked,
            top,
            metric,
            f"{bare(metric)} by {first}",
            {SYSTEM: study.colours.series[0]},
            palette=study.colours,
            key="scores-by",
            of=(*study.of, study.settings, names, metric),
            alt=f"{bare(metric)} by {first}; the worst is {edge['condition']}: "
            f"{edge['value']:.3f}.",
        )
        if len(rows) > len(top):
            st.caption(f"The worst {len(top)} of {len(rows)}; all are in the table.")
    else:
        pairs = rows["condition"].str.rsplit("/", n=1, expand=True)
        grid = rows.assign(attack=pairs[0], codec=pairs[1])
        chart(
            figure_charts.heat,
            grid,
            metric,
            f"{bare(metric)} by {first} and {second}",
            columns=list(dict.fromkeys(grid["codec"])),
            titles=(first.capitalize(), second.capitalize()),
            palette=study.colours,
            key="scores-grid",
            of=(*study.of, study.settings, names, metric),
            alt=f"Heat map of {len(grid)} cells.",
        )
    st.caption(
        "A value that both classes have (a codec, a speaker) takes both classes; one that only "
        "fakes have (an attack) is held against all bona fide trials."
    )
    show_table(readable(every), key="scores-by-table")
    download("Download this breakdown", every, "breakdown.csv")


def worst(study: Study) -> None:
    """The trials farthest on the wrong side."""
    count = st.slider("Trials of each class", 10, 500, 50, 10, key="scores-worst-count")
    bad = remembered("worst", *study.of, count, make=lambda: analysis.worst(study.data, count))
    show_table(bad, key="scores-worst")
    st.caption(
        "Farthest on the wrong side of the EER threshold, in units of the score. Line numbers are "
        "those of your file."
    )
    download("Download the worst trials", bad, "worst-trials.csv")


def download(label: str, rows: object, name: str) -> None:
    """A button that hands a table over as CSV."""
    save_button(label, lambda: as_csv(rows), name, "text/csv")
