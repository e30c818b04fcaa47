"""Two to six systems side by side, attack by attack."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.show.benchmarks import words
from core.show.benchmarks.book import Book, nothing
from core.show.figures import charts
from core.show.figures.view import show_chart
from core.show.navigation import choices

if TYPE_CHECKING:
    import pandas as pd

MOST = 6
ALL = "all attacks"
CELLS = ("Figures", "Differences")


def side_by_side(book: Book) -> None:
    """A heat map of attacks by systems, as figures or as differences from the first system."""
    rows = book.filters.apply(book.rows[book.rows["breakdown"] == "attack"], ignoring=("system",))
    counts = rows.groupby("benchmark", sort=False)["system"].nunique()
    benchmarks = list(counts[counts > 1].index)
    if not benchmarks:
        nothing(book.of_metric)
        return
    choices.say_missing({"compare_on": benchmarks})
    one, two, three = st.columns([2, 3, 2])
    on = one.selectbox("Compare on", benchmarks, key="compare_on", bind="query-params")
    there = rows[rows["benchmark"] == on]
    known = list(there["system"].unique())
    choices.say_missing({"compare": known})
    named = [name for name in st.query_params.get_all("compare") if name in known]
    if len(named) > MOST:
        st.info(f"The address names {len(named)} of these systems: the first {MOST} stand here.")
    chosen = two.multiselect(
        "Two to six systems; the first is the reference",
        known,
        key="compare",
        bind="query-params",
        max_selections=MOST,
        placeholder=", ".join(_first(book, known)),
    )
    cells = three.segmented_control(
        "Cells show", CELLS, default=CELLS[0], required=True, key="cells", bind="query-params"
    )
    systems = chosen if len(chosen) > 1 else _first(book, known)
    if len(chosen) == 1:
        systems = [chosen[0], *(s for s in systems if s != chosen[0])][:MOST]
    table = _table(book, there, systems)
    finding = words.compared(table, systems, book.of_metric, ALL)
    show_chart(
        charts.compared,
        table,
        book.metric,
        finding,
        systems=systems,
        differences=cells == CELLS[1],
        palette=book.colours,
        key="benchmarks-compare",
        alt=f"{finding}. Heat map of {table['attack'].nunique()} rows by {len(systems)} systems.",
    )
    st.caption(
        f"{on}. Differences are less the figure of {systems[0]}: below 0 a system errs less. "
        "Whether a difference is more than chance, Significance says for systems whose scores "
        "are public."
    )
    book.show(table)


def _first(book: Book, known: list[str]) -> list[str]:
    """The systems that the filter names, else the first few."""
    return [s for s in book.filters.system if s in known][:MOST] or known[:4]


def _table(book: Book, there: pd.DataFrame, systems: list[str]) -> pd.DataFrame:
    """One row per system and attack, all attacks on top, with the difference from the first system
    where that has a figure."""
    import pandas as pd

    pooled = book.rows[
        (book.rows["breakdown"] == "overall")
        & book.rows["benchmark"].isin(there["benchmark"])
        & (not book.filters.attack and not book.filters.training)
    ].assign(attack=ALL)
    table = pd.concat([pooled, there.sort_values("attack")])
    table = table[table["system"].isin(systems)].drop_duplicates(["system", "attack"])
    first = table[table["system"] == systems[0]].set_index("attack")["value"]
    table = table[table["attack"].isin(first.index)]
    return table.assign(difference=table["value"] - table["attack"].map(first))
