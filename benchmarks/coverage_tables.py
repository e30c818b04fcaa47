"""The tables of docs/evaluation.md, from data/results/coverage.csv.

``python -m benchmarks.coverage_tables`` prints them.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import beta, binom

from core.evaluate.tables import load

LOW = 2.0
"""Percent up to which error rates are low: of these lengths are told too."""

NAMES = {
    "eer": "EER",
    "min_dcf": "min DCF",
    "act_dcf": "actual DCF",
    "min_tdcf": "min t-DCF",
    "cllr": "Cllr",
    "auc": "AUC",
    "miss": "DET band",
}
SETTING = ["eer_percent", "speakers", "n_bonafide", "n_spoof", "dependence"]
HEAD = ["true EER", "speakers", "trials", "share of the speaker"]


def wide(rows: pd.DataFrame, column: str = "percent", digits: int = 1) -> str:
    """One line per setting, one column per metric."""
    of = list(rows["metric"].unique())
    lines = [line([*HEAD, *(NAMES[m] for m in of)]), line(["---"] * (len(HEAD) + len(of)))]
    for key, group in rows.groupby(SETTING, sort=False):
        values = group.set_index("metric")[column]
        lines.append(line([*words(key), *(_cell(values.get(m, np.nan), digits) for m in of)]))
    return "\n".join(lines)


def _cell(value: float, digits: int = 1) -> str:
    return "none" if np.isnan(value) else f"{value:.{digits}f}"


def exact(trials: int, rate: float, level: float = 0.95) -> float:
    """How often Clopper and Pearson's interval of an error rate at a fixed threshold holds it, 0-1.

    The sum over all counts of errors, of independent trials: nothing is drawn.
    """
    errors, tail = np.arange(trials + 1), (1 - level) / 2
    low = np.where(errors > 0, beta.ppf(tail, np.maximum(errors, 1), trials - errors + 1), 0.0)
    high = np.where(
        errors < trials, beta.ppf(1 - tail, errors + 1, np.maximum(trials - errors, 1)), 1.0
    )
    return float(binom.pmf(errors, trials, rate)[(low <= rate) & (rate <= high)].sum())


def exactly() -> str:
    """One line per true rate, one column per number of trials."""
    sizes, rates = (50, 200, 300, 1200, 4914, 7355), (0.3, 1.0, 2.0, 4.9)
    lines = [line(["true rate", *(f"{n:,}" for n in sizes)]), line(["---"] * (1 + len(sizes)))]
    for rate in rates:
        held = (f"{100 * exact(n, rate / 100):.1f}" for n in sizes)
        lines.append(line([f"{rate:g} %", *held]))
    return "\n".join(lines)


def compared(rows: pd.DataFrame) -> str:
    """One line per setting and metric, one column per way to make intervals."""
    ways = [w for w in rows["what"].unique() if w not in ("held", "told apart")]
    rows = rows[rows["metric"].isin(rows.loc[rows["what"].isin(ways), "metric"])]
    lines = [line([*HEAD, "metric", *ways, "here"]), line(["---"] * (len(HEAD) + len(ways) + 2))]
    for (*key, metric), group in rows.groupby([*SETTING, "metric"], sort=False):
        values = group.set_index("what")["percent"]
        if set(ways) <= set(values.index):
            shown = [f"{values[w]:.1f}" for w in [*ways, "held"]]
            lines.append(line([*words(key), NAMES[metric], *shown]))
    return "\n".join(lines)


def words(key: tuple | list) -> list[str]:
    """A setting in cells."""
    eer, speakers, bona, spoof, dependence = key
    return [f"{eer:g} %", str(speakers or "-"), f"{bona:,} + {spoof:,}", dependence]


def line(cells: list[str]) -> str:
    """A line of a table in Markdown."""
    return f"| {' | '.join(cells)} |"


def tables() -> dict[str, str]:
    """Name to table."""
    rows = load("coverage")
    low = rows[(rows["what"] == "held") & (rows["eer_percent"] <= LOW)]
    return {
        "held": wide(rows[rows["what"] == "held"]),
        "width": wide(low[~low["metric"].isin(["miss"])], "width", 2),
        "exact": exactly(),
        "told apart": wide(rows[rows["what"] == "told apart"]),
        "tried": compared(rows),
    }


def counted() -> dict[str, str]:
    """How many cells of the tables are as they should be, in a sentence a table."""
    rows = load("coverage").dropna(subset="percent")
    held = rows[rows["what"] == "held"]
    apart = rows.loc[rows["what"] == "told apart", "percent"]
    low, chance = held["eer_percent"] <= LOW, held["eer_percent"] >= CHANCE
    few = (held["n_bonafide"] == FEW) & ~low & ~chance
    costs = chance & held["metric"].isin(["min_dcf", "min_tdcf", "act_dcf"])
    return {
        "held": _said(held["percent"]),
        "low": f"At EERs up to 2 %: {_said(held.loc[low, 'percent'])}",
        "high": f"From 4.9 % on: {_said(held.loc[~low, 'percent'])}",
        "above": f"Of the {int((held.loc[~low, 'percent'] > 97).sum())} above, "
        f"{int((held.loc[costs, 'percent'] > 97).sum())} are costs near chance and "
        f"{int((held.loc[few, 'percent'] > 97).sum())} figures of 50 + 200 trials.",
        "chance": _by_chance(held.loc[~low]),
        "wide": _widest(),
        "told apart": f"Of {len(apart)} cells {int(apart.between(3, 7).sum())} lie between 3 and "
        f"7 %, {int((apart < 3).sum())} below and {int((apart > 7).sum())} above.",
    }


CHANCE, FEW = 44.0, 50
"""EER in percent from which costs lie on their bound; bona fide trials that are few."""


def _by_chance(held: pd.DataFrame) -> str:
    """How many cells would leave the range though every interval held exactly 95 %."""
    runs = held["runs"].to_numpy()
    below = binom.cdf(np.ceil(0.93 * runs) - 1, runs, 0.95).sum()
    above = binom.sf(np.floor(0.97 * runs), runs, 0.95).sum()
    return (
        f"Were all of them exact, {below:.0f} would lie below and {above:.0f} above by chance, "
        "with as many runs."
    )


def _widest() -> str:
    """What real trials have whose errors are one speaker's."""
    rows = load("measured")
    rows = rows[(rows["system"] == "RawGAT-ST cat") & (rows["condition"] == "A09")]
    one = rows[rows["metric"] == "eer"].iloc[0]
    return (
        "Of real trials they can be far longer: RawGAT-ST cat has an EER of "
        f"{one['value']:.2f} % on attack A09 of ASVspoof 2019 LA, with an interval of "
        f"{one['low']:.2f} to {one['high']:.2f} %."
    )


def _said(percent: pd.Series) -> str:
    return (
        f"Of {len(percent)} cells {int(percent.between(93, 97).sum())} lie between 93 and 97 %, "
        f"{int((percent > 97).sum())} above and {int((percent < 93).sum())} below, "
        f"{int((percent < 91).sum())} of them under 91 %."
    )


if __name__ == "__main__":
    for sentence in counted().values():
        print(sentence)
    for name, table in tables().items():
        print(f"\n{name}\n\n{table}")
