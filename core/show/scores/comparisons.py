"""A score file beside another one, and beside published systems."""

from __future__ import annotations

from typing import Any, NamedTuple

import streamlit as st

from core.evaluate import analysis
from core.evaluate.names import bare
from core.evaluate.sample import LEAST_SPEAKERS
from core.evaluate.tables import TableError
from core.evaluate.trials import TrialsError
from core.show import cache
from core.show.figures import charts as figure_charts
from core.show.figures.view import colours_of
from core.show.scores.files import chart, remembered
from core.show.scores.findings import problems, refusal
from core.show.scores.others import Other, other_files, others
from core.show.scores.study import Study, readable
from core.show.scores.views import download
from core.show.theme import system_colours
from core.show.widgets import show_table


class Made(NamedTuple):
    """Comparisons with their file's name, and the last figures by data set and of a fusion."""

    compared: list[tuple[str, analysis.Comparison]]
    sets: analysis.DataSets | None = None
    fused: analysis.Fused | None = None


def other_systems(study: Study) -> None:
    """Two systems on the same trials."""
    if not other_files("compare_arrows"):
        return
    picture = st.container()
    found = others(study)
    if not found:
        return
    with picture:
        place = 0
        if len(found) > 1:
            place = st.selectbox(
                "Compare with",
                range(len(found)),
                format_func=lambda i: found[i].name,
                key="scores-pair-other",
            )
        _pair(study, found[min(place, len(found) - 1)])


def _pair(study: Study, other: Other) -> None:
    try:
        result = _compared(study, other)
    except TrialsError as error:
        refusal(error)
        return
    problems((*other.trials.problems, *result.problems))
    metric = st.selectbox(
        "Metric", ["eer", "min_dcf", "auc"], format_func=bare, key="scores-pair-metric"
    )
    rows = result.figures[result.figures["metric"] == metric]
    pooled = rows[rows["breakdown"] == "overall"].iloc[0]
    one, two = study.file.name, other.name
    if one == two:
        one, two = f"{one} (1)", f"{two} (2)"
    gain = pooled["difference"] > 0 if metric == "auc" else pooled["difference"] < 0
    tested = pooled["p_holm"] == pooled["p_holm"]
    finding = (
        "Too few speakers to say which would be better on others"
        if not tested
        else f"{one if gain else two} is better: {bare(metric)} "
        f"{pooled['first']:.4g} against {pooled['second']:.4g}"
        if pooled["p_holm"] < 0.05
        else "All trials together do not tell the two apart"
    )
    pair = rows.assign(
        condition=[
            "all trials" if b == "overall" else f"{b} {c}"
            for b, c in zip(rows["breakdown"], rows["condition"], strict=True)
        ],
        # The chart calls the lower one better, which for AUC is the other.
        first=two if metric == "auc" else one,
        second=one if metric == "auc" else two,
    )
    if metric == "auc":
        pair = pair.assign(difference=-pair["difference"], low=-pair["high"], high=-pair["low"])
    chart(
        figure_charts.differences,
        pair,
        metric,
        finding,
        palette=study.colours,
        key="scores-pair",
        of=(*other.of, metric, len(pair)),
        alt=f"{finding}; 95 % interval {pooled['low']:.4g} to {pooled['high']:.4g}.",
    )
    st.caption(
        f"{result.n:,} trials in common, compared by {study.data.unit}. "
        "p after Holm's adjustment over a breakdown; none below "
        f"{LEAST_SPEAKERS} known speakers of a class. Rank correlation of the scores: "
        f"{result.correlation:+.3f}."
    )
    show_table(readable(rows), key="scores-pair-table", column_config={"first": one, "second": two})
    download("Download the comparison", result.figures, "comparison.csv")


def _compared(study: Study, other: Other) -> analysis.Comparison:
    by_stem = bool(st.session_state.get("scores-by-stem"))
    by = tuple(c for c in ("attack", "codec", "family", "data set") if c in study.columns)
    with st.spinner("Comparing both systems trial by trial"):
        return remembered(
            "compare",
            *other.of,
            make=lambda: analysis.compare(
                study.data, other.trials, other.higher, by, by_stem=by_stem
            ),
        )


def made(study: Study) -> Made:
    """What was made of this study besides its own figures, and is kept."""
    kept: dict[Any, Any] = st.session_state.get("scores.kept", {})
    own = {
        key: result
        for key, result in kept.items()
        if key[0] in ("compare", "sets", "fused") and key[1 : 1 + len(study.of)] == study.of
    }
    named = 2 + len(study.of)  # behind the study's own come a file's hash and its name
    compared = [(str(k[named]), result) for k, result in own.items() if k[0] == "compare"]
    last = {key[0]: result for key, result in own.items()}
    return Made(compared, last.get("sets"), last.get("fused"))


def published_systems(study: Study) -> None:
    """The file's EER among those of published systems."""
    import pandas as pd

    try:
        published, benchmarks = cache.figures(), cache.table("benchmarks")
    except TableError as error:
        st.error(str(error))
        st.stop()
    published = published[published["metric"] == "eer"]
    pooled = published[published["breakdown"] == "overall"]
    known = list(pooled["benchmark"].unique())
    same = analysis.which_benchmark(study.data, benchmarks)
    benchmark = st.selectbox(
        "Benchmark",
        known,
        index=known.index(same) if same in known else None,
        placeholder="Which benchmark are these trials of?",
        key="scores-published-benchmark",
    )
    if benchmark is None:
        st.info(
            "The numbers of trials match no benchmark that is known here; choose one if they are "
            "part of it.",
            icon=":material/help:",
        )
        return
    if benchmark != same:
        bona, spoof = study.counts
        st.warning(
            f"Your file has {bona:,} + {spoof:,} trials, not those of {benchmark}: the "
            "figures are not of the same trials.",
            icon=":material/balance:",
        )
    yours = study.charted(study.whole.figures[study.whole.figures["metric"] == "eer"])
    rows = pd.concat([pooled[pooled["benchmark"] == benchmark], yours])
    rows = rows.drop_duplicates(["system", "subset"], keep="last")
    # As on Benchmarks, and whatever the visitor's file is called after them.
    named = list(dict.fromkeys([*colours_of(published, study.colours), *rows["system"]]))
    chart(
        figure_charts.ranked,
        rows,
        "eer",
        f"EER on {benchmark}",
        system_colours(named, study.colours),
        by="system",
        palette=study.colours,
        key="scores-published",
        of=(*study.of, study.settings, benchmark),
        alt=f"EER of {len(rows)} systems, your file among them.",
    )
    st.caption(
        "Published: as its authors print it, with intervals from trial counts alone. Measured: "
        "computed from public scores. For a paired test add a system's scores as the second file."
    )
    show_table(
        rows[["system", "value", "low", "high", "kind", "source"]], key="scores-published-table"
    )
    theirs = published[(published["benchmark"] == benchmark) & (published["breakdown"] == "attack")]
    if "attack" in study.columns and not theirs.empty:
        _by_attack(study, theirs, str(benchmark))


def _by_attack(study: Study, theirs: Any, benchmark: str) -> None:
    import pandas as pd

    own = study.charted(study.by("attack").query("metric == 'eer'"))
    own = own[own["condition"].isin(set(theirs["condition"]))]
    every = pd.concat([own, theirs.drop_duplicates(["system", "condition"])])
    attacks = sorted(set(every["condition"]))
    chart(
        figure_charts.heat,
        every.assign(attack=every["system"], codec=every["condition"]),
        "eer",
        f"EER by attack on {benchmark} (%)",
        columns=attacks,
        titles=("System", "Attack"),
        palette=study.colours,
        key="scores-published-attacks",
        of=(*study.of, study.settings, benchmark),
        alt=f"EER of {every['system'].nunique()} systems on {len(attacks)} attacks.",
    )
    table = every.pivot_table("value", "system", "condition", sort=False)
    st.dataframe(table[attacks].round(2), placeholder="–", key="scores-published-attacks")
