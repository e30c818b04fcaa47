"""The landing page's few figures, read from the result tables without loading pandas."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass

from core.evaluate.kinds import KINDS
from core.evaluate.names import benchmark_name
from core.files import ROOT

RESULTS = ROOT / "data" / "results"


@dataclass(frozen=True)
class Figure:
    """One row of a result table.

    Attributes
    ----------
    system, benchmark, subset, breakdown, condition, metric : str
        What was measured on what.
    value : float
        In the metric's unit (EERs in percent).
    low, high : float or None
        Interval, where known.
    kind : str
        ``published``, ``corrected`` or ``measured``.
    source, note : str
        Where it comes from, and what to keep in mind.
    """

    system: str
    benchmark: str
    subset: str
    breakdown: str
    condition: str
    metric: str
    value: float
    low: float | None
    high: float | None
    kind: str
    source: str
    note: str


def figures(table: str, **wanted: str) -> Iterator[Figure]:
    """Rows of ``data/results/<table>.csv`` whose columns have the wanted values.

    Parameters
    ----------
    table : str
        File name without suffix.
    **wanted : str
        Column values that must match exactly.

    Yields
    ------
    Figure
        In file order; nothing where the table is missing.
    """
    path = RESULTS / f"{table}.csv"
    if not path.is_file():
        return
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if all(row.get(column) == value for column, value in wanted.items()):
                yield Figure(
                    **{
                        name: row.get(name) or ""
                        for name in (
                            "system", "benchmark", "subset", "breakdown", "condition", "metric",
                            "kind", "source", "note",
                        )
                    },
                    value=float(row["value"]),
                    low=float(row["low"]) if row.get("low") else None,
                    high=float(row["high"]) if row.get("high") else None,
                )  # fmt: skip


def by_kind() -> str:
    """How the embedded detector does on each kind of voice, in one line; empty if not measured."""
    known = []
    for kind in KINDS:
        rows = figures(
            "embedded",
            system="embedded",
            benchmark=kind.benchmark,
            breakdown=kind.breakdown,
            condition=kind.condition,
            metric="eer_percent",
        )
        known += [f"{kind.name} **{row.value:.0f} %**" for row in rows]
    told = f"Equal error rate by kind of voice: {', '.join(known)}." if known else ""
    return " ".join(filter(None, (told, _in_part())))


def _in_part() -> str:
    """How often a synthetic part is named in human speech, and how often one that is not there."""
    named = {
        row.condition: row.value
        for row in figures("embedded", system="embedded", breakdown="stands_out")
    }
    found = named.get("with 4 s of synthetic speech in them")
    falsely = named.get("whole human clips of 30 to 120 s")
    if found is None or falsely is None:
        return ""
    return (
        f"In part: 4 s of synthetic speech in 30 to 120 s of human speech are named in "
        f"**{found:.0f} %** of clips, a part that is not there in **{falsely:.0f} %**."
    )


def figure_card(label: str, figure: Figure) -> None:
    """Show one figure with its label, its interval, its subset and its source.

    Parameters
    ----------
    label : str
        What it stands for, in a few words.
    figure : Figure
        A percentage.
    """
    import streamlit as st

    interval = ""
    if figure.low is not None and figure.high is not None:
        interval = f"95 % interval {figure.low:.1f} to {figure.high:.1f} %"
    with st.container(border=True, height="stretch"):
        st.markdown(f"**{label}**", help=f"Source: {figure.source}")
        st.metric(label, f"{figure.value:.2f} %", label_visibility="collapsed")
        st.caption(
            "  \n".join(
                filter(
                    None,
                    (benchmark_name(figure.benchmark), figure.subset, interval, figure.kind),
                )
            )
        )
