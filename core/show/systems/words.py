"""What the page of systems on corpora says."""

from __future__ import annotations

import pandas as pd

from core.evaluate.arena import APART, SEEN

VIEWS = ("Heat map", "Table", "Generalisation", "Contradictions")

WHICH = {
    "authors": "The authors' own",
    "others": "Somebody else's",
    "lowest": "The lowest",
    "highest": "The highest",
}
"""Which figure stands for a cell -> in words."""

MEAN = "the mean"

ALONG = ("Error in training", "Year")

INTRODUCTION = (
    "What detectors reach on which corpora, as their authors or others print it. "
    "Nothing of it was measured here. The equal error rate (EER) in percent: lower is better, "
    "at 50 a detector guesses."
)

HATCHED = (
    "Hatched: the corpus was in the system's training, mostly with other clips or attacks. "
    "Grey: not reported. Where a system's training data is not stated, no cell is hatched. "
    "Click a cell to sort by its corpus."
)

CONDITIONS = (
    "Reporters hear different parts of a clip, and some choose a checkpoint a corpus: neighbouring "
    "figures are seldom of one protocol. The table names crop, reporter and source of each."
)


def counted(figures: pd.DataFrame) -> str:
    """How much there is."""
    systems, corpora = figures["system"].nunique(), figures["benchmark"].nunique()
    return f"{len(figures):,} figures of {systems} systems on {corpora} corpora."


def order(ranking: pd.DataFrame, over: list[str]) -> str:
    """How the rows are ordered, and who is left out of the mean."""
    whole = int((ranking["missing"] == 0).sum())
    if len(over) == 1:
        lacking = len(ranking) - whole
        end = f"; {_systems(lacking)} without a figure there come last" if lacking else ""
        return f"Sorted by the EER on {over[0]}{end}."
    return (
        f"Sorted by the mean over {', '.join(over)}: {_systems(whole)} of {len(ranking)} have all "
        f"{len(over)} and come first; the others have no mean and follow by how many they lack."
    )


def heat(cells: pd.DataFrame, first: str, n_empty: int) -> str:
    """The heat map for a person who cannot see it."""
    seen = int((cells["seen"] == SEEN).sum())
    best = cells.loc[cells["value"].idxmin()]
    worst = cells.loc[cells["value"].idxmax()]
    return (
        f"Heat map of {len(cells)} figures, {seen} of them on a corpus that was in training, and "
        f"{n_empty} cells that are not reported. First row: {first}. Lowest {best['value']:g} % by "
        f"{best['system']} on {best['benchmark']}, highest {worst['value']:g} % by "
        f"{worst['system']} on {worst['benchmark']}."
    )


def generalisation(points: pd.DataFrame, seen_on: str, unseen_on: str) -> str:
    """What the systems lose outside their training."""
    worse = int((points["outside"] > points["inside"]).sum())
    return (
        f"{worse} of {_systems(len(points))} err more on {unseen_on} than on {seen_on}, "
        "which they were trained on"
    )


def contradictions(rows: pd.DataFrame) -> str:
    """How many cells have sources that contradict each other, and the worst."""
    places = rows.groupby(["system", "benchmark"], sort=False)
    first = rows.iloc[0]
    values = rows.loc[
        rows["system"].eq(first["system"]) & rows["benchmark"].eq(first["benchmark"]), "value"
    ]
    return (
        f"{places.ngroups} cells with sources that lie {APART:g} points or more apart; the widest: "
        f"{first['system']} on {first['benchmark']}, "
        f"{', '.join(f'{v:g}' for v in values)} %"
    )


def _systems(n: int) -> str:
    return f"{n} system" if n == 1 else f"{n} systems"
