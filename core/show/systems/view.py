"""Systems on corpora: the controls of the page and its four views."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import streamlit as st

from core.evaluate import arena
from core.evaluate.tables import ARENA, FRONT_ENDS, REPORTED_KINDS
from core.plain import csv_of
from core.show.figures.view import show_chart
from core.show.navigation import choices
from core.show.systems import charts, words
from core.show.systems import generalisation as drawn
from core.show.theme import palette
from core.show.widgets import save_button, show_table

if TYPE_CHECKING:
    import pandas as pd

SHOWN, AVERAGED, LEAST = 18, 4, 3
"""At first: how many corpora are shown, over how many the mean is taken, and on how many of those
shown a system has to have a figure."""

POINTS = {
    "system": "system",
    "outside": "EER outside training",
    "inside": "EER in training",
    "way": "way of training",
    "front_end": "front end",
    "parameters": "parameters",
    "year": "year",
    "trained_on": "trained on",
    "outside_on": "outside: corpora",
    "inside_on": "in training: corpora",
    "source_outside": "source, outside",
    "source_inside": "source, in training",
}
"""Columns of the table of errors in and outside training -> their heads."""

COLUMNS = (*ARENA.columns, "seen")
"""Columns of a download, in order."""


@dataclass(frozen=True)
class Shown:
    """What the controls leave.

    Attributes
    ----------
    figures : pandas.DataFrame
        Every figure that was not filtered out, of `core.evaluate.arena.joined`.
    cells : pandas.DataFrame
        One figure per system and corpus of those shown.
    ranking : pandas.DataFrame
        The systems in order.
    corpora, over : list of str
        The corpora shown, and those by which systems are ordered.
    """

    figures: pd.DataFrame
    cells: pd.DataFrame
    ranking: pd.DataFrame
    corpora: list[str]
    over: list[str]


def check_address(figures: pd.DataFrame) -> None:
    """Let addresses name what is chosen in capitals or not, and say what of it is not here."""
    corpora = arena.most_reported(figures)
    sides = choices.names_of([words.MEDIAN, *corpora])
    choices.check(
        {
            "arena": choices.names_of(words.VIEWS),
            "front": choices.names_of(FRONT_ENDS),
            "reporter": choices.names_of(REPORTED_KINDS),
            "figure": choices.names_of(list(words.WHICH), words.WHICH.__getitem__),
            "corpora": choices.names_of(corpora),
            "over": choices.names_of(corpora),
            "order": choices.names_of([words.MEAN, *corpora]),
            "along": choices.names_of([words.WAYS, *drawn.ALONG.values()]),
            "seen": sides,
            "unseen": sides,
        },
        numbers={"least": range(1, 11)},
        many=("front", "reporter", "corpora", "over"),
    )


def filtered(figures: pd.DataFrame, all_stand: bool) -> tuple[pd.DataFrame, arena.Which]:
    """Figures after the filters that all views share, and which one stands for a cell.

    Parameters
    ----------
    all_stand : bool
        Whether the view shows every figure of a cell, so that none has to be chosen.
    """
    one, two, three = st.columns(3)
    families = one.multiselect(
        "Front ends", FRONT_ENDS, key="front", bind="query-params", placeholder="All"
    )
    kinds = two.multiselect(
        "Kind of figure", REPORTED_KINDS, key="reporter", bind="query-params", placeholder="All"
    )
    which = three.selectbox(
        "Where there are several",
        list(words.WHICH),
        format_func=lambda w: words.WHICH[w],
        key="figure",
        bind="query-params",
        disabled=all_stand,
    )
    rows = figures[figures["front_end_family"].isin(families)] if families else figures
    rows = rows[rows["kind"].isin(kinds)] if kinds else rows
    return rows, cast(arena.Which, which)


def arranged(figures: pd.DataFrame, all_figures: pd.DataFrame, which: arena.Which) -> Shown | None:
    """Rows and columns of heat map and table by their controls; None where nothing is left."""
    every = arena.most_reported(all_figures)
    picked = st.multiselect(
        "Corpora",
        every,
        key="corpora",
        bind="query-params",
        placeholder=f"The {SHOWN} on which most systems have a figure",
    )
    corpora = picked or every[:SHOWN]
    one, two, three = st.columns([1, 2, 1])
    order = one.selectbox("Sort by", [words.MEAN, *every], key="order", bind="query-params")
    over = [order]
    if order == words.MEAN:
        over = two.multiselect(
            "Mean over",
            every,
            key="over",
            bind="query-params",
            placeholder=", ".join(corpora[:AVERAGED]),
        )
        over = over or corpora[:AVERAGED]
    least = three.slider(
        "Figures a system has at least", 1, 10, LEAST, key="least", bind="query-params"
    )
    cells = arena.cells(figures, which) if len(figures) else figures
    shown = cells[cells["benchmark"].isin(corpora)]
    counts = shown.groupby("system")["value"].transform("size")
    shown = shown[counts >= min(least, len(corpora))]
    if shown.empty:
        return None
    ranking = arena.ranking(cells[cells["system"].isin(set(shown["system"]))], over)
    return Shown(figures, shown, ranking, corpora, over)


def sort_by_click() -> None:
    """After a click in the heat map its corpus becomes the order."""
    points = st.session_state["systems-heat"]["selection"].get(charts.PICK, [])
    if points:
        st.session_state["order"] = points[0]["benchmark"]


def heat_map(shown: Shown) -> None:
    """The heat map; on a narrow page its frame scrolls and not the page."""
    systems = list(shown.ranking["system"])
    n_empty = len(systems) * len(shown.corpora) - len(shown.cells)
    with st.container(key="systems-frame"):
        show_chart(
            charts.heat,
            shown.cells,
            f"EER (%) of {len(systems)} systems on {len(shown.corpora)} corpora",
            systems=systems,
            corpora=shown.corpora,
            palette=palette(),
            key="systems-heat",
            alt=words.heat(shown.cells, systems[0], n_empty),
            on_pick=sort_by_click,
            saved=COLUMNS,
            width="content",
        )
    st.caption(f"{words.HATCHED} {words.CONDITIONS}")


def wide(shown: Shown) -> pd.DataFrame:
    """One row per system as shown, one column per corpus, empty where none is reported."""
    values = shown.cells.pivot(index="system", columns="benchmark", values="value")
    values = values.reindex(index=shown.ranking["system"], columns=shown.corpora)
    out = values.reset_index().rename_axis(columns=None)
    out.insert(1, "mean", list(shown.ranking["mean"]))
    out.insert(2, "missing", list(shown.ranking["missing"]))
    return out


def table(shown: Shown, systems: pd.DataFrame) -> None:
    """The cells as a table, every figure behind them, and what is known of the systems."""
    number = st.column_config.NumberColumn
    made = wide(shown)
    over = ", ".join(shown.over)
    show_table(
        made,
        key="systems-wide",
        placeholder="not reported",
        column_config={
            "system": st.column_config.TextColumn("system", pinned=True),
            "mean": number("mean", format="%.2f", help=f"Over {over}; only where none is missing"),
            "missing": number("missing", help=f"Corpora of {over} without a figure"),
        }
        | {c: number(c, format="%.2f") for c in shown.corpora},
    )
    save_button(
        "Download this table",
        lambda: csv_of(made).encode(),
        "systems.csv",
        "text/csv",
        key="systems-save-wide",
    )
    here = set(shown.cells["system"])
    rows = shown.figures[
        shown.figures["system"].isin(here) & shown.figures["benchmark"].isin(shown.corpora)
    ]
    st.subheader(f"The {len(rows)} figures behind it, with their sources", anchor=False)
    _rows(rows, "systems-rows")
    st.subheader("What is known of the systems", anchor=False)
    show_table(
        systems[systems["system"].isin(here)].rename(columns=lambda c: c.replace("_", " ")),
        key="systems-known",
        placeholder="not stated",
        column_config={
            "system": st.column_config.TextColumn("system", pinned=True),
            "parameters": number("parameters", format="compact"),
            "year": number("year", format="%d"),
            "link": st.column_config.LinkColumn("link"),
        },
    )


MARKED = "wav2vec2-base stage 2 (published)"
"""The system that is named among the others where errors outside training are drawn."""


def generalisation(figures: pd.DataFrame, which: arena.Which) -> None:
    """Errors on corpora that were in training against errors on others, for all systems."""
    cells = arena.cells(figures, which) if len(figures) else figures
    known = {
        status: arena.most_reported(cells[cells["seen"] == status])
        for status in (arena.SEEN, arena.UNSEEN)
    }
    of = {"unseen": known[arena.UNSEEN], "seen": known[arena.SEEN]}
    choices.say_missing({k: [words.MEDIAN, *v] for k, v in of.items()})
    one, two = st.columns(2)
    unseen_on = one.selectbox(
        "Not in training", [words.MEDIAN, *known[arena.UNSEEN]], key="unseen", bind="query-params"
    )
    seen_on = two.selectbox(
        "In training", [words.MEDIAN, *known[arena.SEEN]], key="seen", bind="query-params"
    )
    by = st.segmented_control(
        "Along", [words.WAYS, *drawn.ALONG.values()], default=words.WAYS, required=True,
        key="along", bind="query-params",
    )  # fmt: skip
    sides = [None if on == words.MEDIAN else on for on in (seen_on, unseen_on)]
    points = arena.inside_and_outside(cells, *sides)
    column = {name: key for key, name in drawn.ALONG.items()}.get(by or "", "outside")
    there = points[points[column].notna()]
    if there.empty:
        st.info(
            "No system has these figures. Choose other corpora, or remove a filter.",
            icon=":material/filter_alt_off:",
        )
        return
    _generalisation(points, there, column, sides)


def _generalisation(
    points: pd.DataFrame, there: pd.DataFrame, column: str, sides: Sequence[str | None]
) -> None:
    finding = words.generalisation(points, MARKED)
    best = points.iloc[0]
    seen_on, unseen_on = sides
    options: dict[str, Any] = {"marked": MARKED, "palette": palette()}
    if column != "outside":
        options |= {
            "by": column,
            "outside_on": f"on {unseen_on}" if unseen_on else "outside training, median",
            "inside_on": f"on {seen_on}, in training" if seen_on else "in training, median",
        }
    show_chart(
        drawn.ways if column == "outside" else drawn.along,
        there,
        finding,
        key="systems-generalisation",
        alt=f"{finding}. {len(there)} systems; lowest outside: {best['outside']:.2f} % by "
        f"{best['system']}.",
        saved=tuple(POINTS),
        **options,
    )
    st.caption(words.generalised(points, there, column))
    show_table(
        points[list(POINTS)].rename(columns=lambda c: POINTS[c]),
        key="systems-points",
        placeholder="not stated",
        column_config={
            "system": st.column_config.TextColumn("system", pinned=True),
            "parameters": st.column_config.NumberColumn("parameters", format="compact"),
            "year": st.column_config.NumberColumn("year", format="%d"),
        },
    )


def contradictions(figures: pd.DataFrame) -> None:
    """Cells whose sources contradict each other: all of them stand."""
    rows = arena.contradictions(figures)
    if rows.empty:
        nothing()
        return
    finding = words.contradictions(rows)
    show_chart(
        charts.contradictions,
        rows,
        finding,
        palette=palette(),
        key="systems-contradictions",
        alt=finding,
        saved=(*COLUMNS, "difference"),
    )
    st.caption(
        "Every figure stands as it was printed; none was corrected. Where reporters heard "
        "different parts of a clip, chose another checkpoint or prepared sound otherwise, both can "
        f"be right. {words.CONDITIONS}"
    )
    st.subheader("Corrections: one row per contradiction", anchor=False)
    st.dataframe(
        arena.corrections(rows),
        hide_index=True,
        key="systems-corrections",
        column_config={
            "system": st.column_config.TextColumn("system", pinned=True),
            "points apart": st.column_config.NumberColumn("points apart", format="%.2f"),
        },
    )
    st.subheader("The figures behind it", anchor=False)
    _rows(rows, "systems-apart", ("difference",))


def nothing() -> None:
    """What is said where no figure is left."""
    st.info(
        "No figure matches. Remove a filter, or lower how many figures a system needs.",
        icon=":material/filter_alt_off:",
    )


def _rows(rows: pd.DataFrame, key: str, more: Sequence[str] = ()) -> None:
    """Figures with their sources, and their download."""
    first = ("system", "benchmark", "value", *more, "reported_by", "kind", "seen", "crop", "source")
    rest = ("note", "pooling", "subset", "n_trials", "n_bonafide", "n_spoof")
    made = rows[[*first, *rest]].rename(columns={"benchmark": "corpus", "value": "EER (%)"})
    show_table(
        made.rename(columns=lambda c: c.replace("_", " ")),
        key=key,
        placeholder="not stated",
        column_config={
            "system": st.column_config.TextColumn("system", pinned=True),
            "source": st.column_config.TextColumn("source", width="large"),
        },
    )
    save_button(
        "Download these figures",
        lambda: csv_of(rows[[c for c in (*COLUMNS, *more) if c in rows]]).encode(),
        f"{key}.csv",
        "text/csv",
        key=f"{key}-save",
    )
