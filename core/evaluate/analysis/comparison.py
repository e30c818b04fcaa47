"""Two systems on the trials they share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from core.evaluate.analysis.breakdowns import COMPARED, MOST_CONDITIONS, conditions
from core.evaluate.analysis.prepared import Part, Prepared, as_frame, prepare
from core.evaluate.intervals import difference, holm
from core.evaluate.metrics import Floats, Higher
from core.evaluate.sample import Sample
from core.evaluate.tables.figures import DIFFERENCES
from core.evaluate.trials import Problem, Trials, TrialsError, match

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Comparison:
    """Two systems on the trials that both have scored.

    Attributes
    ----------
    figures : pandas.DataFrame
        `DIFFERENCES`: first minus second; EER in points. ``p_holm`` is adjusted over the
        conditions of one breakdown.
    n : int
        Trials in common.
    problems : tuple of Problem
        Trials that only one file has.
    correlation : float
        Spearman's rank correlation of the two scores.
    """

    figures: pd.DataFrame
    n: int
    problems: tuple[Problem, ...] = field(default=())
    correlation: float = float("nan")


def compare(
    first: Prepared,
    second: Trials,
    higher: Higher,
    by: Sequence[str] = (),
    *,
    by_stem: bool = False,
) -> Comparison:
    """Paired differences of EER, min DCF and AUC, pooled and by the values of columns.

    A condition whose speakers are too few to speak for others has no p-value.

    Parameters
    ----------
    first : Prepared
        The first system; its labels and attributes hold for both.
    second : Trials
        The second system's scores, with or without labels.
    higher : {"spoof", "bonafide"}
        Which way the second system's scores run.
    by : sequence of str
        Columns to break down by.
    by_stem : bool
        As in `core.evaluate.trials.match`.

    Raises
    ------
    TrialsError
        If the files share no trial, or only trials of one class.
    """
    import pandas as pd

    if "score" not in second.table:
        raise TrialsError(
            "The second file has no column of scores.", second.problems, missing=["score"]
        )
    data, other, problems = _shared(first, second, higher, by_stem)
    rows: list[dict[str, Any]] = []
    whole = [("overall", "all", np.ones(len(other), dtype=bool))]
    for column in by:
        if column not in data.table:
            raise TrialsError(f"There is no column {column!r} to break down by.")
        found = [(column, name, chosen) for name, chosen in conditions(data, [column])]
        whole += found[:MOST_CONDITIONS]
    for breakdown, condition, chosen in whole:
        common = {"breakdown": breakdown, "condition": condition}
        rows += [{**common, **row} for row in _apart(data.part(chosen), other[chosen])]
    frame = as_frame(rows, DIFFERENCES)
    for _, family in frame.groupby(["breakdown", "metric"], sort=False):
        frame.loc[family.index, "p_holm"] = holm(family["p_value"].astype(float))
    frame[["p_value", "p_holm"]] = frame[["p_value", "p_holm"]].astype(float)
    ranks = pd.DataFrame({"a": data.scores, "b": other}).rank()
    return Comparison(frame, len(other), tuple(problems), float(ranks["a"].corr(ranks["b"])))


def _shared(
    first: Prepared, second: Trials, higher: Higher, by_stem: bool
) -> tuple[Prepared, Floats, list[Problem]]:
    """The trials of both files, the second system's scores on them, and what is left out."""
    joined = match(first.table["trial"], second.table["trial"], "the second file", by_stem)
    place, common = joined.place, joined.place >= 0
    problems = list(joined.problems)
    if not common.any():
        raise TrialsError(
            "The two files share no trial. The first names are "
            f"{first.table['trial'].iloc[0]} and {second.table['trial'].iloc[0]}.",
            (*second.problems, *problems),
        )
    only = (int((~common).sum()), len(second.table) - int(common.sum()))
    for count, which in zip(only, ("first", "second"), strict=True):
        if count:
            what = f"{count:,} trials are in the {which} file only and are not compared."
            problems.append(Problem(what, count))
    data = prepare(Trials(first.table[common]), first.higher)
    other = second.table["score"].to_numpy(dtype=np.float64)[place[common]]
    other = other if higher == "spoof" else -other
    if "label" in second.table:
        theirs = second.table["label"].to_numpy()[place[common]] == "spoof"
        wrong = int((theirs != data.is_spoof).sum())
        if wrong:
            what = f"{wrong:,} trials are labelled differently in the two files; the first counts."
            problems.append(Problem(what, wrong))
    return data, other, problems


def _apart(part: Part, other: Floats) -> Iterator[dict[str, Any]]:
    """How far both systems are apart on some trials, a row a metric; none with one class only."""
    n_spoof = int(part.is_spoof.sum())
    if not 0 < n_spoof < len(part.scores):
        return
    pair = part.sample, Sample(other, part.is_spoof, part.units)
    for metric, of in COMPARED.items():
        one, two = (of(sample.tally) for sample in pair)
        apart = difference(one, two, pair)
        yield {
            "metric": metric,
            "first": one.value,
            "second": two.value,
            "difference": apart.value,
            "low": apart.low,
            "high": apart.high,
            "p_value": apart.p_value,
            "n_bonafide": len(part.scores) - n_spoof,
            "n_spoof": n_spoof,
        }
