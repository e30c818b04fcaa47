"""Several systems on the trials that all of them have scored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.evaluate.analysis.pooled import overall
from core.evaluate.analysis.prepared import Prepared, Settings, prepare
from core.evaluate.metrics import Costs, Floats, Higher, Tally
from core.evaluate.trials import Problem, Trials, TrialsError, match

if TYPE_CHECKING:
    import pandas as pd

MOST_SYSTEMS = 6


@dataclass(frozen=True, eq=False)
class Systems:
    """Systems side by side.

    Attributes
    ----------
    names : tuple of str
        Of the systems, each once.
    data : tuple of Prepared
        One per system: the same trials in the same order.
    problems : tuple of Problem
        What was left out.
    """

    names: tuple[str, ...]
    data: tuple[Prepared, ...]
    problems: tuple[Problem, ...] = ()

    @property
    def first(self) -> Prepared:
        """Labels and attributes of all."""
        return self.data[0]

    @property
    def scores(self) -> Floats:
        """float64 ``[n, systems]``, higher = more spoof-like."""
        return np.stack([d.scores for d in self.data], axis=1)


def together(
    first: Prepared,
    name: str,
    others: Sequence[tuple[str, Trials, Higher]],
    *,
    by_stem: bool = False,
) -> Systems:
    """Join other systems' scores to the trials of the first, whose labels hold for all.

    Parameters
    ----------
    first : Prepared
        The first system.
    name : str
        What it is called.
    others : sequence of (str, Trials, {"spoof", "bonafide"})
        Name, scores, and which way they run.
    by_stem : bool
        As in `core.evaluate.trials.match`.

    Raises
    ------
    TrialsError
        If a file has no scores, they share no trial, or only trials of one class.
    """
    problems: list[Problem] = []
    places = []
    for other, trials, _ in others:
        if "score" not in trials.table:
            raise TrialsError(
                f"{other} has no column of scores.", trials.problems, missing=["score"]
            )
        joined = match(first.table["trial"], trials.table["trial"], other, by_stem)
        places.append(joined.place)
        problems += joined.problems
    common = (
        np.all([place >= 0 for place in places], axis=0)
        if places
        else np.ones(len(first.scores), dtype=bool)
    )
    if not common.any():
        raise TrialsError("The files share no trial.", problems)
    left = int((~common).sum())
    if left:
        what = f"{left:,} trials of {name} are not in every file and are left out."
        problems.append(Problem(what, left))
    table = first.table[common]
    data = [prepare(Trials(table), first.higher)]
    for place, (_, trials, higher) in zip(places, others, strict=True):
        given = trials.table["score"].to_numpy(dtype=np.float64)[place[common]]
        data.append(prepare(Trials(table.assign(score=given)), higher))
    names = _distinct([name, *(other for other, _, _ in others)])
    return Systems(names, tuple(data), tuple(problems))


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    """The names, with a number where one occurs again."""
    found: list[str] = []
    for name in names:
        number, one = 1, name
        while one in found:
            number += 1
            one = f"{name} [{number}]"
        found.append(one)
    return tuple(found)


def side_by_side(systems: Systems, settings: Settings | None = None) -> tuple[pd.DataFrame, ...]:
    """Every system's figures, DET curve and the points marked on it.

    Returns
    -------
    tuple of pandas.DataFrame
        ``system`` and `SCORE_FILE`; ``system``, ``p_fa``, ``p_miss``, ``low``, ``high`` (0-1);
        ``system`` and the columns of `operating_points`.
    """
    import pandas as pd

    settings = settings or Settings()
    parts: tuple[list[pd.DataFrame], ...] = ([], [], [])
    for name, data in zip(systems.names, systems.data, strict=True):
        found = overall(data, settings)
        marks = operating_points(data.everything.tally, settings.costs)
        for part, frame in zip(parts, (found.figures, found.det, marks), strict=True):
            frame.insert(0, "system", name)
            part.append(frame)
    return tuple(pd.concat(part, ignore_index=True) for part in parts)


def operating_points(tally: Tally, costs: Costs) -> pd.DataFrame:
    """Where the errors of scores towards spoof are equal, cost least, and Bayes decisions lie.

    Returns
    -------
    pandas.DataFrame
        ``p_fa``, ``p_miss`` (0-1), ``point``, ``cost`` (normalised, in words; none at the EER).
    """
    import pandas as pd

    eer, curve = tally.eer().rate, tally.det()
    norm = min(costs.miss, costs.fa)
    cost = (costs.miss * curve.p_miss + costs.fa * curve.p_fa) / norm
    bayes = int(np.searchsorted(tally.values, costs.threshold, side="right"))
    rows: list[tuple[float, float, str, str]] = [(eer, eer, "equal errors", "")]
    for name, cut in (("lowest cost", int(cost.argmin())), ("Bayes threshold", bayes)):
        rows.append((curve.p_fa[cut], curve.p_miss[cut], name, f"{cost[cut]:.4f}"))
    return pd.DataFrame(rows, columns=["p_fa", "p_miss", "point", "cost"])
