"""What fusing several systems gains, measured on trials that nothing was learnt from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from core.evaluate import influence
from core.evaluate.analysis.prepared import Part, Prepared, Settings
from core.evaluate.analysis.systems import Systems
from core.evaluate.fusion import Fusion, alike, folds, learn
from core.evaluate.influence import Metric
from core.evaluate.intervals import difference, interval
from core.evaluate.metrics import Floats
from core.evaluate.sample import Sample
from core.evaluate.trials import Problem, TrialsError

if TYPE_CHECKING:
    import pandas as pd

LOGISTIC = "Logistic fusion"
EQUAL = "Equal weights"

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Fused:
    """Several systems fused.

    Attributes
    ----------
    figures : pandas.DataFrame
        ``system``, ``metric``, ``value``, ``low``, ``high``: each system and both fusions, on the
        trials that were judged. Systems alone are calibrated the way the fusions are.
    gains : pandas.DataFrame
        ``system`` (a fusion), ``against``, ``metric``, ``difference`` (fusion minus the other),
        ``low``, ``high``, ``p_value``.
    weights : pandas.DataFrame
        ``system``, ``weight`` (of scores towards spoof, per standard deviation; the mean of what
        the folds learnt), ``low``, ``high`` (the least and the most of the folds).
    best : str
        The system with the lowest EER of those fused.
    about : str
        What was learnt from what.
    n_bonafide, n_spoof : int
        Trials judged.
    llr : numpy.ndarray
        float64 ``[n]``: log-likelihood ratios towards spoof; NaN where a trial was not judged.
    problems : tuple of Problem
        What is to be known.
    """

    figures: pd.DataFrame
    gains: pd.DataFrame
    weights: pd.DataFrame
    best: str
    about: str
    n_bonafide: int
    n_spoof: int
    llr: Floats
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What is learnt from what: pairs of masks ``[n]``, the learnt and the judged trials."""

    steps: tuple[tuple[Mask, Mask], ...]
    about: str
    problems: tuple[Problem, ...] = ()


def crossed(data: Prepared) -> Plan:
    """Cross-validation: every fold is judged by what the others teach, by speaker where known."""
    found, apart = folds(data.speakers, data.is_spoof)
    names = np.unique(found)
    steps = tuple((found != f, found == f) for f in names)
    by = "speakers" if data.speakers is not None and apart else "trials"
    about = (
        f"Learnt in {len(names)} folds by {by}: every trial is judged by weights learnt from other "
        f"{by}."
    )
    problems = []
    if data.speakers is None or not apart:
        what = (
            "Speakers are not known, so trials of one speaker may lie in several folds, which "
            "flatters a fusion."
            if data.speakers is None
            else "Too few speakers to learn from some and judge others: folds are of trials, which "
            "flatters a fusion."
        )
        problems.append(Problem(what, 0))
    return Plan(steps, about, tuple(problems))


def split(data: Prepared, column: str, learnt: str, judged: str | None = None) -> Plan:
    """Learn from the trials with one value of a column; judge those with another, or the rest.

    Raises
    ------
    TrialsError
        If there is no such column or value.
    """
    if column not in data.table or column in ("trial", "label", "score"):
        raise TrialsError(f"There is no column {column!r} to learn by.")
    codes, names = data.codes(column)
    for value in (learnt, *([judged] if judged else [])):
        if value not in names:
            there = ", ".join(names[:20])
            raise TrialsError(f"No trial has {column} {value}; there is: {there}.")
    teach = codes == names.index(learnt)
    judge = codes == names.index(judged) if judged else ~teach
    if (teach & judge).any():
        raise TrialsError("What is learnt from cannot be judged; choose two different values.")
    problems = []
    if data.speakers is not None:
        known = [set(np.unique(data.speakers[m])) - {-1} for m in (teach, judge)]
        both = len(known[0] & known[1])
        if both:
            what = f"{both:,} speakers are in both parts, which flatters a fusion."
            problems.append(Problem(what, both))
    rest = f"{column} {judged}" if judged else "all other trials"
    about = f"Learnt from {int(teach.sum()):,} trials of {column} {learnt}, judged on {rest}."
    return Plan(((teach, judge),), about, tuple(problems))


def fuse(systems: Systems, plan: Plan | None = None, settings: Settings | None = None) -> Fused:
    """Fuse systems by logistic regression and by equal weights, and compare with each alone.

    Raises
    ------
    TrialsError
        If there are fewer than two systems, or a part lacks a class.
    """
    import pandas as pd

    if len(systems.data) < 2:
        raise TrialsError("A fusion takes at least two systems.")
    data, settings = systems.first, settings or Settings()
    plan = plan or crossed(data)
    scores, spoof = systems.scores, data.is_spoof
    judged = np.any([judge for _, judge in plan.steps], axis=0)
    if not 0 < spoof[judged].sum() < judged.sum():
        raise TrialsError("The trials that are judged lack a class.")
    names = (*systems.names, EQUAL, LOGISTIC)
    llr = np.full((len(names), len(spoof)), np.nan)
    weights = []
    for teach, judge in plan.steps:
        try:
            ways = _learnt(scores[teach], spoof[teach])
        except ValueError as error:
            raise TrialsError(str(error)) from error
        for i, (way, columns) in enumerate(ways):
            llr[i, judge] = way.apply(scores[judge][:, columns])
        finite = np.where(np.isfinite(scores[teach]), scores[teach], np.nan)
        weights.append(ways[-1][0].weights * np.nanstd(finite, axis=0))
    samples = _samples(data, systems, llr, judged)
    figures, gains = _figures(names, samples, settings)
    every = np.array(weights)
    table = pd.DataFrame(
        {
            "system": systems.names,
            "weight": every.mean(axis=0),
            "low": every.min(axis=0),
            "high": every.max(axis=0),
        }
    )
    alone = figures[(figures["metric"] == "eer") & figures["system"].isin(systems.names)]
    best = str(alone.loc[alone["value"].idxmin(), "system"])
    problems = [*systems.problems, *plan.problems]
    infinite = int((~np.isfinite(scores)).any(axis=1).sum())
    if infinite:
        what = f"{infinite:,} trials have an infinite score, which counts as the farthest finite."
        problems.append(Problem(what, infinite))
    n_spoof = int(spoof[judged].sum())
    return Fused(
        *(figures, gains, table, best, plan.about),
        *(int(judged.sum()) - n_spoof, n_spoof, llr[-1], tuple(problems)),
    )


def _learnt(scores: Floats, spoof: Mask) -> list[tuple[Fusion, slice | list[int]]]:
    """Each system's calibration, then both fusions, with the columns they take."""
    ways: list[tuple[Fusion, slice | list[int]]] = []
    for i in range(scores.shape[1]):
        ways.append((learn(scores[:, [i]], spoof), [i]))
    return [*ways, (alike(scores, spoof), slice(None)), (learn(scores, spoof), slice(None))]


Pair = tuple[Sample, Sample]


def _samples(data: Prepared, systems: Systems, llr: Floats, judged: Mask) -> list[Pair]:
    """Of each system and fusion the judged trials: by what it ranks by, and by its ratios."""
    speakers = None if data.speakers is None else data.speakers[judged]
    units = Part(data.scores[judged], data.is_spoof[judged], speakers).units
    spoof = data.is_spoof[judged]
    found = []
    for i, ratios in enumerate(llr):
        calibrated = Sample(ratios[judged], spoof, units)
        alone = i < len(systems.data)
        ranked = Sample(systems.data[i].scores[judged], spoof, units) if alone else calibrated
        found.append((ranked, calibrated))
    return found


def _figures(
    names: tuple[str, ...], samples: list[Pair], settings: Settings
) -> tuple[pd.DataFrame, pd.DataFrame]:
    import pandas as pd

    costs = settings.costs
    metrics: dict[str, tuple[Metric, bool]] = {
        "eer": (influence.percent_eer, False),
        "min_dcf": (influence.min_dcf(costs), False),
        "act_dcf": (influence.act_dcf(costs), True),
        "cllr": (influence.cllr(), True),
        "auc": (influence.auc, False),
    }
    rows: list[dict[str, Any]] = []
    gains: list[dict[str, Any]] = []
    for metric, (of, calibrated) in metrics.items():
        used = [pair[calibrated] for pair in samples]
        linear = [of(sample.tally) for sample in used]
        for name, one, sample in zip(names, linear, used, strict=True):
            found = interval(one, sample)
            rows.append({"system": name, "metric": metric, "value": found.value,
                         "low": found.low, "high": found.high})  # fmt: skip
        for fusion in (len(names) - 2, len(names) - 1):
            for other in range(fusion):
                apart = difference(linear[fusion], linear[other], (used[fusion], used[other]))
                gains.append({"system": names[fusion], "against": names[other], "metric": metric,
                              "difference": apart.value, "low": apart.low, "high": apart.high,
                              "p_value": apart.p_value})  # fmt: skip
    frames = pd.DataFrame(rows), pd.DataFrame(gains)
    numbers = ("value", "low", "high", "difference", "p_value")
    one, two = (f.astype({c: float for c in numbers if c in f}) for f in frames)
    return one, two


def best_alone(fused: Fused, metric: str) -> pd.Series:
    """The row of `Fused.gains` that says what `LOGISTIC` gains against the best system alone."""
    alone = fused.figures[
        (fused.figures["metric"] == metric) & ~fused.figures["system"].isin([EQUAL, LOGISTIC])
    ]
    place = alone["value"].idxmax() if metric == "auc" else alone["value"].idxmin()
    rows = fused.gains[(fused.gains["metric"] == metric) & (fused.gains["system"] == LOGISTIC)]
    return rows[rows["against"] == alone.loc[place, "system"]].iloc[0]


def calibrated(data: Prepared) -> Prepared | None:
    """The trials with ratios learnt from other folds; None where they cannot be calibrated."""
    llr = np.zeros(len(data.scores))
    try:
        for teach, judge in crossed(data).steps:
            way = learn(data.scores[teach][:, None], data.is_spoof[teach])
            llr[judge] = way.apply(data.scores[judge][:, None])
    except ValueError:
        return None
    return replace(data, scores=llr)
