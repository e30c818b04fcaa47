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

MEDIAN = "all, the median"
"""Of what a system has on one side: every corpus."""

WAYS = "Way of training"

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
    "Reporters use different parts of a clip, and some choose a checkpoint per corpus, so figures "
    "side by side seldom follow one protocol. The table names crop, reporter and source of each."
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


def generalisation(points: pd.DataFrame, marked: str) -> str:
    """What each way of training reaches outside it, and the marked system beside it."""
    medians = points.groupby("way")["outside"].median()
    way = {row.system: row.way for row in points.itertuples()}
    worst, best = medians.idxmax(), medians.idxmin()
    finding = f"Outside training: {worst}, median {medians[worst]:.1f} %"
    if best != worst:
        finding += f"; {best}, {medians[best]:.1f} %"
    if marked in way:
        own = points.loc[points["system"] == marked, "outside"].iloc[0]
        finding += f"; {named(marked)}, {own:.2f} %"
    return finding


def generalised(points: pd.DataFrame, there: pd.DataFrame, column: str) -> str:
    """What the points are, and who is left out of them."""
    left = len(points) - len(there)
    lacks = {"year": "of no stated year", "parameters": "of no stated size"}
    out = (
        f" {_systems(left)} {lacks.get(column, 'without a figure there')} left out." if left else ""
    )
    line = {
        "outside": "",
        "inside": " On the dashed line a system is as good outside as inside.",
    }.get(column, " Lines lead to the error on what was in training.")
    return (
        "A point per system, larger for every factor of ten in parameters. Outside: corpora that "
        "were not in training and are not made from one that was; systems have different ones, so "
        f"single places mean little. Systems of no stated training are not drawn.{line}{out}"
    )


def named(system: str) -> str:
    """A system's name without what tells its versions apart."""
    return system.partition(" (")[0]


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
