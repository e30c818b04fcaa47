"""What a moving threshold trades, and whether two systems differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.evaluate.metrics import Costs, cheapest_point
from core.evaluate.names import readable
from core.show.benchmarks import words
from core.show.benchmarks.book import Book
from core.show.figures import charts
from core.show.figures.view import csv, show_chart
from core.show.navigation import choices
from core.show.widgets import show_table

if TYPE_CHECKING:
    import pandas as pd


HEADS = {
    "cost": "lowest DCF",
    "p_fa": "missed fakes there (%)",
    "p_miss": "false accusations there (%)",
}


def trade_off(book: Book) -> None:
    """DET curves, and the cheapest threshold under costs that the visitor chooses."""
    filters, known = book.filters, book.det
    known = known[known["system"].isin(filters.system)] if filters.system else known
    known = known[known["benchmark"].isin(filters.benchmark)] if filters.benchmark else known
    if known.empty:
        st.info(
            "No score file of these systems is public, so there is no curve. "
            f"There is one for {', '.join(book.det['system'].unique())}.",
            icon=":material/filter_alt_off:",
        )
        return
    st.markdown(
        "Each curve shows what a detector trades when its threshold moves. Say how common "
        "spoofing is and what each error costs: the diamond is the cheapest threshold, "
        "the circle the one where both errors are equal."
    )
    figures = book.figures
    measured = figures[
        (figures["kind"] == "measured")
        & (figures["breakdown"] == "overall")
        & figures["system"].isin(known["system"])
        & figures["benchmark"].isin(known["benchmark"])
        & figures["metric"].isin(["eer", "min_dcf"])
    ]
    marks = _marks(known[known["curve"] == "hull"], measured, _costs())
    cheapest = marks[marks["point"] == "lowest cost"].sort_values("cost")
    best = cheapest.iloc[0]
    show_chart(
        charts.det,
        known[known["curve"] == "band"],
        marks,
        f"At this cost {best['system']} is cheapest: DCF {best['cost']}",
        book.system_colours,
        palette=book.colours,
        key="benchmarks-det",
        alt="Detection error trade-off of "
        + ", ".join(f"{r.system} (DCF {r.cost})" for r in cheapest.itertuples()),
    )
    st.dataframe(
        cheapest.assign(p_fa=100 * cheapest["p_fa"], p_miss=100 * cheapest["p_miss"])
        .rename(columns=HEADS)
        .drop(columns="point"),
        hide_index=True,
        key="benchmarks-costs",
    )
    st.caption(
        "DCF: cost at the best threshold, where 1 is always giving the cheaper answer. Bands "
        "are 95 % intervals that draw speakers again; the threshold is chosen with the labels "
        f"in hand, so real use costs more. {known['benchmark'].iloc[0]}. Measured; sources in "
        "the table."
    )
    book.show(measured)


def _costs() -> Costs:
    """Fields for the prior and both costs."""
    one, two, three = st.columns(3)
    prior = one.slider(
        "Prior: share of fakes (%)", 0.5, 99.5, 5.0, 0.5, key="prior", bind="query-params"
    )
    missed = two.slider(
        "Cost of a missed fake", 1, 100, 10, key="cost_missed_fake", bind="query-params"
    )
    accused = three.slider(
        "Cost of a false accusation", 1, 100, 1, key="cost_false_accusation", bind="query-params"
    )
    st.caption(
        "At first those of ASVspoof 5. They belong to this page: what you assume on Detect "
        "is another matter and stays as it is."
    )
    return Costs(prior / 100, c_miss=accused, c_fa=missed)


def _marks(hull: pd.DataFrame, measured: pd.DataFrame, costs: Costs) -> pd.DataFrame:
    """The cheapest point of each curve, and where its errors are equal."""
    import pandas as pd

    points = []
    for system, corners in hull.groupby("system", sort=False):
        cost, p_fa, p_miss = cheapest_point(corners["p_fa"], corners["p_miss"], costs)
        points.append((system, p_fa, p_miss, "lowest cost", f"{cost:.4f}"))
    for row in measured[measured["metric"] == "eer"].itertuples():
        points.append((row.system, row.value / 100, row.value / 100, "equal errors", ""))
    return pd.DataFrame(points, columns=["system", "p_fa", "p_miss", "point", "cost"])


def significance(book: Book) -> None:
    """Two systems on the same trials."""
    paired, compared = book.paired, book.compared
    st.markdown(
        "Two detectors scored the same trials, so they are compared trial by trial, and speaker by "
        "speaker. An interval that holds 0 means that this benchmark cannot tell them apart."
    )
    one, two = st.columns(2)
    a = one.selectbox("First system", compared, key="first", bind="query-params")
    others = [s for s in compared if s != a]
    choices.say_missing({"second": others})
    b = two.selectbox(
        "Second system",
        others,
        index=min(2, len(compared) - 2),
        key="second",
        bind="query-params",
    )
    pair = paired[
        (paired["first"].isin([a, b]) & paired["second"].isin([a, b])) & (paired["metric"] == "eer")
    ].copy()
    if pair.empty:
        st.info("These two were not compared.", icon=":material/filter_alt_off:")
    else:
        overall = pair[pair["breakdown"] == "overall"].iloc[0]
        verdict = words.better(overall)
        pair["condition"] = pair["condition"].replace("all", "all attacks")
        show_chart(
            charts.differences,
            pair,
            "eer",
            verdict,
            palette=book.colours,
            key="benchmarks-differences",
            alt=f"{verdict}; 95 % interval {overall['low']:.2f} to {overall['high']:.2f} points.",
        )
        p = "p < 0.001" if overall["p_holm"] < 0.001 else f"p = {overall['p_holm']:.3f}"
        st.caption(
            f"All attacks: {overall['difference']:+.2f} points, 95 % interval "
            f"{overall['low']:+.2f} to {overall['high']:+.2f}, {p} after "
            "Holm's adjustment (pooled: over all pairs; attacks: over the attacks of this pair). "
            f"{overall['benchmark']}. Measured; source: {overall['source']}."
        )
        show_table(
            readable(pair[["condition", "difference", "low", "high", "p_value", "p_holm"]]),
            key="benchmarks-pair-table",
        )
        st.download_button("CSV", csv(pair), "paired.csv", "text/csv", icon=":material/download:")
