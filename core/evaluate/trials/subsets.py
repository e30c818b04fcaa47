"""Subsets of a benchmark, which are kept apart: progress, evaluation, hidden."""

from __future__ import annotations

from dataclasses import replace

from core.evaluate.trials.problems import Problem, TrialsError, in_words
from core.evaluate.trials.tidy import Trials, with_problems

EVAL = "eval"
"""The subset that counts where nothing else is said, as in the official evaluation package."""

ALL = "all"
"""What is said to count all subsets together."""


def subsets(trials: Trials) -> dict[str, int]:
    """Scored trials of each subset, the largest first; empty where there are not several."""
    if "subset" not in trials.table:
        return {}
    counts = trials.table["subset"].astype("str").value_counts()
    found = {str(name): int(count) for name, count in counts.items() if count}
    return found if len(found) > 1 else {}


def usual(counts: dict[str, int]) -> str:
    """The subset that counts where nothing is said."""
    return EVAL if EVAL in counts else ALL


def of_subset(trials: Trials, wanted: str | None = None) -> Trials:
    """The trials of one subset, with what was left out said.

    Parameters
    ----------
    trials : Trials
        With the protocol's attributes.
    wanted : str, optional
        A subset, or `ALL`; `usual` by default.

    Raises
    ------
    TrialsError
        If there is no such subset.
    """
    counts = subsets(trials)
    known = in_words(f"{name} ({count:,})" for name, count in counts.items())
    if wanted is not None and wanted not in (ALL, *counts):
        only = trials.table["subset"].dropna().unique() if "subset" in trials.table else ()
        if wanted in [str(name) for name in only]:
            return trials
        there = f"there are {known}" if counts else "the trials have no subsets"
        raise TrialsError(f"There is no subset {wanted}; {there}.", trials.problems)
    if not counts:
        return _of_one(trials)
    chosen = usual(counts) if wanted is None else wanted
    if chosen == ALL:
        what = f"Trials of several subsets count together: {known}."
        return with_problems(trials, Problem(what, 0))
    table = trials.table[trials.table["subset"].astype("str") == chosen]
    what = f"Only the subset {chosen} counts, of {known}."
    left = Problem(what, len(trials.table) - len(table))
    return with_problems(replace(trials, table=table), left)


def _of_one(trials: Trials) -> Trials:
    """Trials that are all of one subset, which is said where it is not the usual one."""
    if "subset" not in trials.table:
        return trials
    names = [str(name) for name in trials.table["subset"].dropna().unique()]
    if len(names) != 1 or names[0] == EVAL:
        return trials
    return with_problems(trials, Problem(f"All scored trials are of the subset {names[0]}.", 0))
