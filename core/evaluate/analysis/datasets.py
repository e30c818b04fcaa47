"""One system on several data sets: each, all pooled, their mean, and thresholds carried over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from core.evaluate import influence
from core.evaluate.analysis.pooled import figures_of, metrics_of
from core.evaluate.analysis.prepared import Prepared, Settings, as_frame, prepare
from core.evaluate.intervals import interval, of_means
from core.evaluate.metrics import Ints
from core.evaluate.names import METRICS
from core.evaluate.trials import Problem, Trials, TrialsError, attach_best
from core.evaluate.trials.tidy import with_problems

if TYPE_CHECKING:
    import pandas as pd

DATA_SET = "data set"
"""Column that names the data set of a trial."""

MOST_SETS = 50
POOLED, MEAN = "pooled", "mean"


@dataclass(frozen=True)
class DataSets:
    """One system on several data sets.

    Attributes
    ----------
    figures : pandas.DataFrame
        `SCORE_FILE`; the condition is a data set, or `POOLED` (all trials as one set), or
        `MEAN` (of the sets' figures, each counting once).
    carried : pandas.DataFrame
        ``taken_from`` (where the EER threshold is taken), ``applied_to``, ``threshold``, ``p_miss``
        and ``p_fa`` (%) there, ``error`` (their mean, %), ``low``, ``high``.
    problems : tuple of Problem
        Sets that are left out, or that run the other way.
    """

    figures: pd.DataFrame
    carried: pd.DataFrame
    problems: tuple[Problem, ...] = ()


def stacked(sets: Sequence[tuple[str, Trials]]) -> Trials:
    """Trials of several data sets as one table, with the set's name in the column `DATA_SET`.

    A trial's name that occurs in several sets has the set's name before it, as has a column that
    already names data sets. Which way scores run is known where all files that say it agree.
    """
    import pandas as pd

    tables, problems = [], []
    names = [name for name, _ in sets]
    if len(set(names)) < len(names):
        twice = next(n for n in names if names.count(n) > 1)
        raise TrialsError(f"Two files are called {twice}; data sets need different names.")
    for name, trials in sets:
        table = trials.table.copy(deep=False)
        given = table[DATA_SET].astype(str) if DATA_SET in table else None
        table[DATA_SET] = name if given is None else name + "/" + given
        tables.append(table)
        problems += list(trials.problems)
    shared = [c for c in tables[0].columns if all(c in t for t in tables)]
    rest = [c for t in tables for c in t.columns if c not in shared]
    columns = [*shared, *dict.fromkeys(rest)]
    for role in ("label", "score"):
        if role in rest:
            lacking = next(n for (n, t) in sets if role not in t.table)
            raise TrialsError(f"{lacking} has no {role}s, and another file has.", problems)
    joined = pd.concat([t.reindex(columns=columns) for t in tables], ignore_index=True)
    again = joined["trial"].duplicated(keep=False)
    if again.any():
        joined.loc[again, "trial"] = joined[DATA_SET] + "/" + joined["trial"].astype(str)
        what = f"{int(again.sum()):,} trials have a name that another data set has too."
        problems.append(Problem(what, int(again.sum())))
    for column in joined.columns.difference(["trial", "score", "label"]):
        joined[column] = joined[column].astype("category")
    joined.index = joined.index + 1
    ways = {t.higher for _, t in sets} - {None}
    if len(ways) > 1:
        what = "By the names of their scores, files run different ways: state one, or turn them."
        problems.append(Problem(what, 0))
    return Trials(joined, tuple(problems), ways.pop() if len(ways) == 1 else None)


def labelled_sets(
    sets: Sequence[tuple[str, Trials]],
    protocols: Sequence[tuple[str, Trials]],
    by_stem: bool = False,
) -> Trials:
    """Sets with the labels of the protocol that holds most of each; several are stacked.

    Raises
    ------
    TrialsError
        As in `core.evaluate.trials.attach_best` and `stacked`.
    """
    found = []
    for name, trials in sets:
        if protocols:
            trials, taken = attach_best(trials, protocols, by_stem)
            if len(protocols) > 1:
                what = f"{name} takes its labels from {taken or 'its own file'}."
                trials = with_problems(trials, Problem(what, 0))
        found.append((name, trials))
    return stacked(found) if len(found) > 1 else found[0][1]


def by_data_set(
    data: Prepared, column: str = DATA_SET, settings: Settings | None = None
) -> DataSets:
    """Every figure for each data set, pooled and on average, and thresholds carried over.

    Raises
    ------
    TrialsError
        If there is no such column, or fewer than two sets have both classes.
    """
    import pandas as pd

    if column not in data.table or column in ("trial", "label", "score"):
        raise TrialsError(f"There is no column {column!r} that names data sets.")
    # A verification system's scores are of one data set.
    settings = replace(settings or Settings(), asv=None, tandem=None)
    codes, names = data.codes(column)
    problems: list[Problem] = []
    sets: dict[str, Prepared] = {}
    for code, name in list(enumerate(names))[:MOST_SETS]:
        chosen = codes == code
        n_spoof = int(data.is_spoof[chosen].sum())
        if not 0 < n_spoof < chosen.sum():
            missing = "fake" if not n_spoof else "bona fide trial"
            what = f"{name} has no {missing}, so no figures of its own."
            problems.append(Problem(what, int(chosen.sum())))
            continue
        sets[name] = part = prepare(Trials(data.table[chosen]), data.higher)
        if part.everything.tally.auc() < 0.5:
            what = f"On {name} the scores rank the classes worse than chance in this direction."
            problems.append(Problem(what, int(chosen.sum())))
    if len(names) > MOST_SETS:
        what = f"Only the first {MOST_SETS} of {len(names)} data sets have figures of their own."
        problems.append(Problem(what, 0))
    if len(sets) < 2:
        raise TrialsError(f"Fewer than two values of {column} have both classes.", problems)
    inside = np.isin(codes, [names.index(name) for name in sets])
    pooled = prepare(Trials(data.table[inside]), data.higher)
    parts = [
        figures_of(part, settings).assign(breakdown=column, condition=name)
        for name, part in [*sets.items(), (POOLED, pooled)]
    ]
    figures = pd.concat([*parts, _mean(sets, settings, column)], ignore_index=True)
    return DataSets(figures, _carried({**sets, POOLED: pooled}), tuple(problems))


def _mean(sets: dict[str, Prepared], settings: Settings, column: str) -> pd.DataFrame:
    """Mean of the sets' figures with the interval for other speakers of the same sets."""
    parts = [data.everything for data in sets.values()]
    samples = [part.sample for part in parts]
    speakers = _speakers(list(sets.values()))
    all_metrics = [metrics_of(part.tally, settings) for part in parts]
    rows: list[dict[str, Any]] = []
    for metric in METRICS:
        if metric not in all_metrics[0]:
            continue
        linear = [m[metric][0](part.tally) for m, part in zip(all_metrics, parts, strict=True)]
        found = of_means(linear, samples, speakers)
        rows.append(
            {
                "breakdown": column,
                "condition": MEAN,
                "metric": metric,
                "value": found.value,
                "low": found.low,
                "high": found.high,
                "n_bonafide": sum(p.tally.n_bonafide for p in parts),
                "n_spoof": sum(p.tally.n_spoof for p in parts),
                "note": f"Mean of {len(parts)} data sets."
                + (f" No interval: {found.why}." if found.why else ""),
            }
        )
    return as_frame(rows)


def _speakers(sets: Sequence[Prepared]) -> list[Ints]:
    """Of every unit of every set, a number that the same speaker has in all of them."""
    known: dict[str, int] = {}
    found: list[Ints] = []
    for data in sets:
        sample = data.everything.sample
        own = -1 - np.arange(sample.count) - sum(len(f) for f in found)  # nobody else's
        if sample.units.unit == "speaker" and data.speakers is not None:
            codes, names = data.codes("speaker")
            first = np.zeros(sample.count, dtype=np.int64)
            first[sample.units.codes] = np.arange(len(codes))
            of = codes[first]
            named = np.array([known.setdefault(n, len(known)) for n in names], dtype=np.int64)
            own = np.where(of >= 0, named[of], own) if len(named) else own
        found.append(own)
    return found


def _carried(sets: dict[str, Prepared]) -> pd.DataFrame:
    """What a threshold that makes errors equal on one set does on the others."""
    import pandas as pd

    rows = []
    for taken, source in sets.items():
        threshold = source.everything.tally.eer().threshold
        sign = 1.0 if source.higher == "spoof" else -1.0
        for applied, data in sets.items():
            if applied == POOLED:
                continue
            sample = data.everything.sample
            cut = int(np.searchsorted(sample.tally.values, threshold, side="right"))
            # On its own set the threshold was chosen to make errors equal.
            half = influence.cost_at(threshold, 50.0, 50.0)
            metric = influence.percent_eer if taken == applied else half
            found, curve = interval(metric(sample.tally), sample), sample.tally.det()
            rows.append(
                {
                    "taken_from": taken,
                    "applied_to": applied,
                    "threshold": sign * threshold,
                    "p_miss": 100 * curve.p_miss[cut],
                    "p_fa": 100 * curve.p_fa[cut],
                    "error": found.value,
                    "low": found.low,
                    "high": found.high,
                }
            )
    return pd.DataFrame(rows).astype({"low": float, "high": float})
