"""What the Benchmarks page says of the rows that it shows."""

from __future__ import annotations

import pandas as pd

NARROW, WIDE = "8 kHz audio", "16 kHz audio"


def counted(n_chosen: int, n_drawn: int) -> str:
    """Over the table: how many figures it lists, and of how many that are drawn."""
    if n_chosen < n_drawn:
        few = "1 figure" if n_chosen == 1 else f"{n_chosen:,} figures"
        return f"{few} chosen, of {n_drawn:,} shown above"
    return "The figure shown above" if n_drawn == 1 else f"The {n_drawn:,} figures shown above"


def bandwidth(rows: pd.DataFrame) -> str:
    """Whether the codecs that carry less bandwidth are the harder ones in these figures.

    Parameters
    ----------
    rows : pandas.DataFrame
        Figures by codec of one benchmark, with ``system``, ``bandwidth`` and ``value``.

    Returns
    -------
    str
        Empty where no system has figures of both bandwidths.
    """
    parted: dict[str, bool] = {}
    for system, part in rows.groupby("system", sort=False):
        values = part.groupby("bandwidth")["value"]
        if {NARROW, WIDE} <= set(part["bandwidth"]):
            parted[str(system)] = values.min()[NARROW] > values.max()[WIDE]
    if not parted:
        return ""
    step = f"every codec that carries {NARROW} errs more than every one that carries {WIDE}"
    if all(parted.values()):
        return f"Here {step}: bandwidth explains the step, not how modern a codec is."
    if not any(parted.values()):
        return f"Here it is not so that {step}: bandwidth alone does not explain the order."
    split = [s for s, is_split in parted.items() if is_split]
    others = [s for s, is_split in parted.items() if not is_split]
    return f"For {', '.join(split)} {step}; not so for {', '.join(others)}."


def better(overall: pd.Series) -> str:
    """Which of two systems is better, and by how much, or that these trials do not tell.

    Parameters
    ----------
    overall : pandas.Series
        A row of the table ``paired`` over all attacks.
    """
    first, second = overall["first"], overall["second"]
    points = abs(overall["difference"])
    if overall["p_holm"] >= 0.05:
        return f"{first} and {second} are not told apart: {points:.2f} points of EER"
    winner = first if overall["difference"] < 0 else second
    return f"{winner} is better by {points:.2f} points of EER"


def compared(rows: pd.DataFrame, systems: list[str], of_metric: str, pooled: str) -> str:
    """Of two systems which is better, and by how much; of more, who is lowest on how many attacks.

    Parameters
    ----------
    rows : pandas.DataFrame
        One row per system and attack: ``attack``, ``system`` and ``value``.
    systems : list of str
        At least two.
    of_metric : str
        What the values are.
    pooled : str
        What stands under ``attack`` in rows of all attacks together.
    """
    wide = rows.pivot(index="attack", columns="system", values="value").dropna()
    attacks = wide.drop(index=pooled, errors="ignore")
    wins = attacks.idxmin(axis=1).value_counts()
    if len(systems) == 2 and pooled in wide.index:
        better, worse = wide.loc[pooled].sort_values().index
        points = wide.loc[pooled, worse] - wide.loc[pooled, better]
        return (
            f"{better} is better by {points:.2f}{' points' if of_metric == 'EER' else ''} of "
            f"{of_metric}, and on {wins.get(better, 0)} of {len(attacks)} attacks"
        )
    counts = [f"{s} on {wins[s]}" for s in systems if s in wins]
    return f"Lowest {of_metric} of {len(attacks)} attacks: {', '.join(counts)}"
