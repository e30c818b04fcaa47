"""Many systems on many corpora, as others print them: cells, means, contradictions.

Frames hold rows of data/results/arena.csv, `joined` with what arena_systems.csv says of their
systems. Nothing is measured here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pandas as pd

Which = Literal["authors", "others", "lowest", "highest"]
"""Which figure stands for a cell where several were reported."""

SEEN, UNSEEN, UNSTATED = "in training", "not in training", "training not stated"

APART = 0.05
"""Points of EER by which two figures of one cell differ at least to contradict each other: less may
come from rounding."""

CELL = ["system", "benchmark"]


def joined(figures: pd.DataFrame, systems: pd.DataFrame) -> pd.DataFrame:
    """Figures with what is known of their systems, and whether the corpus was in training.

    Parameters
    ----------
    figures, systems : pandas.DataFrame
        The tables ``arena`` and ``arena_systems``.

    Returns
    -------
    pandas.DataFrame
        The figures, with the columns of ``systems`` but its source, and ``seen``.

    Raises
    ------
    LookupError
        If there is no figure, or one of a system that is not described.
    """
    undescribed = set(figures["system"]) - set(systems["system"])
    if figures.empty or undescribed:
        raise LookupError(f"no figures, or systems that are not described: {sorted(undescribed)}")
    of_systems = systems.drop(columns="source").rename(columns={"family": "front_end_family"})
    out = figures.merge(of_systems, on="system", how="left", validate="many_to_one")
    out["seen"] = [
        UNSTATED if not trained else SEEN if corpus in trained.split("; ") else UNSEEN
        for trained, corpus in zip(out["trained_on"].fillna(""), out["benchmark"], strict=True)
    ]
    return out


def cells(figures: pd.DataFrame, which: Which = "authors") -> pd.DataFrame:
    """One figure a system and corpus.

    Parameters
    ----------
    figures : pandas.DataFrame
        As `joined` gives them.
    which : {"authors", "others", "lowest", "highest"}
        Which figure stands for a cell; of several that would do, the lowest.

    Returns
    -------
    pandas.DataFrame
        Rows of ``figures``, with ``n_figures`` (how many the cell has) and ``all_figures`` (each
        with its reporter).
    """
    order = figures.sort_values("value", ascending=which != "highest", kind="stable")
    if which in ("authors", "others"):
        wanted = "published" if which == "authors" else "reported by others"
        order = order.assign(rank=order["kind"] != wanted).sort_values("rank", kind="stable")
        order = order.drop(columns="rank")
    said = (figures["value"].map("{:g} % by ".format) + figures["reported_by"]).groupby(
        [figures[c] for c in CELL]
    )
    first = order.drop_duplicates(CELL).sort_index()
    places = list(zip(first["system"], first["benchmark"], strict=True))
    words, counts = said.agg("; ".join), said.size()
    return first.assign(
        n_figures=[counts[place] for place in places], all_figures=[words[p] for p in places]
    )


def most_reported(figures: pd.DataFrame, column: str = "benchmark") -> list[str]:
    """Corpora by how many systems have a figure on them; systems by how many corpora."""
    other = "system" if column == "benchmark" else "benchmark"
    counts = figures.groupby(column, sort=True)[other].nunique()
    return list(counts.sort_values(ascending=False, kind="stable").index)


def ranking(cells: pd.DataFrame, over: Sequence[str]) -> pd.DataFrame:
    """Systems by their mean over a set of corpora, those that have all of them first.

    Parameters
    ----------
    cells : pandas.DataFrame
        One row a system and corpus.
    over : sequence of str
        The corpora; one of them orders by that one alone.

    Returns
    -------
    pandas.DataFrame
        ``system``, ``mean`` (NaN unless a system has every corpus) and ``missing`` (how many of the
        corpora it lacks), in order.
    """
    import pandas as pd

    wanted = cells[cells["benchmark"].isin(list(over))].groupby("system")["value"]
    out = pd.DataFrame({"system": sorted(cells["system"].unique())})
    out["missing"] = len(set(over)) - out["system"].map(wanted.size()).fillna(0).astype(int)
    out["mean"] = out["system"].map(wanted.mean()).where(out["missing"] == 0)
    return out.sort_values(["missing", "mean"], kind="stable", ignore_index=True)


def contradictions(figures: pd.DataFrame, apart: float = APART) -> pd.DataFrame:
    """Figures of the cells whose reporters contradict each other.

    Returns
    -------
    pandas.DataFrame
        Rows of ``figures`` with ``difference`` (highest less lowest of the cell), the largest
        first.
    """
    values = figures.groupby(CELL)["value"]
    difference = values.transform("max") - values.transform("min")
    out = figures.assign(difference=difference)[difference >= apart]
    return out.sort_values(["difference", *CELL, "value"], ascending=[False, True, True, True])


def in_and_out(cells: pd.DataFrame, seen_on: str, unseen_on: str) -> pd.DataFrame:
    """Systems with a figure on a corpus that was in their training and on one that was not.

    Returns
    -------
    pandas.DataFrame
        One row a system: its columns of `joined`, ``inside`` and ``outside`` (EER, percent), and
        the two sources.
    """
    inside = cells[(cells["benchmark"] == seen_on) & (cells["seen"] == SEEN)]
    outside = cells[(cells["benchmark"] == unseen_on) & (cells["seen"] == UNSEEN)]
    of = ["system", "value", "source", "kind"]
    both = outside.rename(columns={"value": "outside", "source": "source_outside"}).merge(
        inside[of].rename(columns={"value": "inside", "source": "source_inside"}),
        on="system",
        suffixes=("_outside", "_inside"),
    )
    return both.sort_values("outside", kind="stable", ignore_index=True)
