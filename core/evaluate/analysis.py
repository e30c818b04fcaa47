"""Everything that can be said about one score file, or about two on the same trials.

The page "Your scores" and ``python -m core evaluate`` both call these functions, so they give the
same numbers. `prepare` brings the scores into the direction of the program; `overall`, `by_column`
and `compare` give tables of figures, one row a figure, in the columns of `FIGURE_COLUMNS`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from core.evaluate import resample
from core.evaluate.intervals import holm
from core.evaluate.metrics import (
    ASVSPOOF5,
    Costs,
    Floats,
    Higher,
    Ints,
    Rate,
    Tally,
    TandemConstants,
)
from core.evaluate.names import METRICS
from core.evaluate.published import probit_grid
from core.evaluate.trials import Problem, Trials, TrialsError

if TYPE_CHECKING:
    import pandas as pd

FIGURE_COLUMNS = (
    *("breakdown", "condition", "metric", "value", "low", "high", "threshold"),
    *("n_bonafide", "n_spoof", "note"),
)
DIFFERENCE_COLUMNS = (
    *("breakdown", "condition", "metric", "first", "second", "difference", "low", "high"),
    *("p_value", "p_holm", "n_bonafide", "n_spoof"),
)

LEAST_SPEAKERS = 10
"""With fewer speakers, drawing speakers says little and trials are drawn."""

MOST_CONDITIONS = 200
"""Conditions of one breakdown that are computed, the largest first."""

CONDITION_STEPS = 1000
"""Levels for each class in one condition's bootstrap."""


@dataclass(frozen=True)
class Settings:
    """What a reader may choose.

    Attributes
    ----------
    costs : Costs
        The reader's own prior and costs; those of ASVspoof 5 are always given as well.
    tandem : TandemConstants or None
        Constants of the tandem cost, where the verification system's error rates are known.
    replicates : int
        Bootstrap draws.
    """

    costs: Costs = ASVSPOOF5
    tandem: TandemConstants | None = None
    replicates: int = 1000


@dataclass(frozen=True, eq=False)
class Prepared:
    """Trials of both classes, ready to be counted.

    Attributes
    ----------
    table : pandas.DataFrame
        As in `Trials`; the scores as given, the index holds line numbers.
    higher : {"spoof", "bonafide"}
        Which way the given scores run.
    scores : numpy.ndarray
        float64 ``[n]``, higher = more spoof-like.
    is_spoof : numpy.ndarray
        bool ``[n]``.
    """

    table: pd.DataFrame
    higher: Higher
    scores: Floats
    is_spoof: npt.NDArray[np.bool_]

    @cached_property
    def speakers(self) -> Ints | None:
        """Code of each trial's speaker, trials without one on their own; None for too few."""
        if "speaker" not in self.table:
            return None
        codes = self.codes("speaker")[0].copy()
        missing = codes < 0
        known = int(codes.max(initial=-1)) + 1
        if known < LEAST_SPEAKERS or missing.mean() > 0.5:
            return None
        codes[missing] = known + np.arange(int(missing.sum()))
        return codes

    @property
    def unit(self) -> str:
        """What the bootstrap draws: ``speaker`` or ``trial``."""
        return "trial" if self.speakers is None else "speaker"

    def codes(self, column: str) -> tuple[Ints, list[str]]:
        """Values of an attribute as numbers (-1 where there is none) with their names."""
        if column not in self._codes:
            values = self.table[column].astype("category")
            codes = values.cat.codes.to_numpy().astype(np.int64)
            names = [str(c) for c in values.cat.categories]
            empty = [i for i, name in enumerate(names) if name.strip() in ("", "-", "nan")]
            if empty:
                codes = np.where(np.isin(codes, empty), -1, codes)
            present = np.unique(codes[codes >= 0])
            codes = np.where(codes < 0, -1, np.searchsorted(present, codes))
            self._codes[column] = (np.asarray(codes), [names[i] for i in present])
        return self._codes[column]

    @cached_property
    def _codes(self) -> dict[str, tuple[Ints, list[str]]]:
        return {}

    def part(self, chosen: npt.NDArray[np.bool_]) -> Part:
        """Scores and units of some trials."""
        units = self.speakers
        return Part(
            self.scores[chosen], self.is_spoof[chosen], None if units is None else units[chosen]
        )

    @cached_property
    def everything(self) -> Part:
        """All trials."""
        return Part(self.scores, self.is_spoof, self.speakers)


@dataclass(frozen=True, eq=False)
class Part:
    """Scores (towards spoof), truth and unit of some trials."""

    scores: Floats
    is_spoof: npt.NDArray[np.bool_]
    speakers: Ints | None

    @cached_property
    def tally(self) -> Tally:
        """Both classes, sorted and grouped."""
        return Tally.of(self.scores[~self.is_spoof], self.scores[self.is_spoof])

    def units(self) -> tuple[Ints, Ints] | None:
        """Units of both classes, numbered from 0 without gaps."""
        if self.speakers is None or not len(self.speakers):
            return None
        _, codes = np.unique(self.speakers, return_inverse=True)
        return codes[~self.is_spoof], codes[self.is_spoof]

    def levels(self, steps: int, keep: Sequence[float] = ()) -> resample.Levels:
        """Levels of these trials."""
        return resample.Levels.of(
            self.scores[~self.is_spoof], self.scores[self.is_spoof], steps=steps, keep=keep
        )


def prepare(trials: Trials, higher: Higher) -> Prepared:
    """Take scored and labelled trials whose scores run a known way.

    Raises
    ------
    TrialsError
        If labels or scores are missing, or only one class is there.
    """
    trials.split()  # its checks
    table = trials.table
    scores = table["score"].to_numpy(dtype=np.float64)
    is_spoof = (table["label"] == "spoof").to_numpy(dtype=bool)
    return Prepared(table, higher, scores if higher == "spoof" else -scores, is_spoof)


@dataclass(frozen=True)
class Overall:
    """Figures of all trials together.

    Attributes
    ----------
    figures : pandas.DataFrame
        `FIGURE_COLUMNS`.
    det : pandas.DataFrame
        ``p_fa``, ``p_miss``, ``low``, ``high`` (0-1).
    eer : Rate
        With the threshold in the direction of the scores given.
    official_eer : Rate
        As the official code computes it, trial by trial through tied scores.
    tied : int
        Trials whose score also occurs in the other class.
    """

    figures: pd.DataFrame
    det: pd.DataFrame
    eer: Rate
    official_eer: Rate
    tied: int


def overall(data: Prepared, settings: Settings | None = None) -> Overall:
    """Every pooled figure with its bootstrap interval, and the DET curve with its band.

    Intervals are 95 % percentile intervals; min Cllr has none, because drawing trials twice lets
    the best monotone map fit too well.
    """
    import pandas as pd

    settings = settings or Settings()
    part, tally = data.everything, data.everything.tally
    own = settings.costs
    eer, dcf, own_dcf = tally.eer(), tally.min_dcf(ASVSPOOF5), tally.min_dcf(own)
    act, own_act = tally.act_dcf(ASVSPOOF5), tally.act_dcf(own)
    values: dict[str, tuple[float, float | None]] = {
        "eer": (100 * eer.rate, eer.threshold),
        "min_dcf": (dcf.cost, dcf.threshold),
        "act_dcf": (act.cost, act.threshold),
        "cllr": (tally.cllr(), None),
        "min_cllr": (tally.min_cllr(), None),
        "auc": (tally.auc(), None),
    }
    keep = [eer.threshold, dcf.threshold, act.threshold, own_dcf.threshold, own_act.threshold]
    levels = part.levels(
        resample.STEPS, [t for t in keep if np.isfinite(t) and t >= tally.values[0]]
    )
    statistics: dict[str, resample.Statistic] = {
        "eer": lambda batch: 100 * batch.eer(),
        "min_dcf": resample.min_dcf(ASVSPOOF5),
        "act_dcf": resample.act_dcf(ASVSPOOF5, levels),
        "cllr": resample.cllr(levels),
        "auc": resample.auc,
    }
    if own != ASVSPOOF5:
        values["min_dcf_own"] = (own_dcf.cost, own_dcf.threshold)
        values["act_dcf_own"] = (own_act.cost, own_act.threshold)
        statistics["min_dcf_own"] = resample.min_dcf(own)
        statistics["act_dcf_own"] = resample.act_dcf(own, levels)
    for name, form in (("min_tdcf", 2021), ("min_tdcf_2019", 2019)):
        if settings.tandem is not None:
            cost = tally.min_tdcf(settings.tandem, form=form)  # type: ignore[arg-type]
            values[name] = (cost.cost, cost.threshold)
            statistics[name] = resample.min_tdcf(settings.tandem, form)
    grid = probit_grid(2e-4, 0.5, 90)
    statistics["det"] = resample.miss_at(grid)
    drawn = resample.bootstrap(
        levels, statistics, units=part.units(), replicates=settings.replicates
    )
    spread = {name: resample.limits(d) for name, d in drawn.items()}
    sign = 1.0 if data.higher == "spoof" else -1.0
    rows = []
    for name in METRICS:
        if name not in values:
            continue
        value, threshold = values[name]
        low, high = spread.get(name, (None, None))
        rows.append(
            {
                "breakdown": "overall",
                "condition": "all",
                "metric": name,
                "value": value,
                "low": low,
                "high": high,
                "threshold": None if threshold is None else sign * threshold,
                "n_bonafide": tally.n_bonafide,
                "n_spoof": tally.n_spoof,
                "note": _note(name, own),
            }
        )
    curve = tally.det()
    cut = np.searchsorted(curve.p_fa, grid + 1e-12, side="right") - 1
    low, high = spread["det"]
    det = pd.DataFrame({"p_fa": grid, "p_miss": curve.p_miss[cut], "low": low, "high": high})
    official = official_eer(data)
    tied = (tally.bonafide > 0) & (tally.spoof > 0)
    return Overall(
        _frame(rows, FIGURE_COLUMNS),
        det,
        Rate(eer.rate, sign * eer.threshold),
        official,
        int((tally.bonafide + tally.spoof)[tied].sum()),
    )


def _note(metric: str, own: Costs) -> str:
    if metric.endswith("_own"):
        return f"Prior {own.p_spoof:g}, false accusation {own.c_miss:g}, missed fake {own.c_fa:g}."
    return {
        "min_dcf": "ASVspoof 5: prior 0.05, false accusation 1, missed fake 10.",
        "act_dcf": "Scores taken for natural-log likelihood ratios; ASVspoof 5 costs.",
        "cllr": "Scores taken for natural-log likelihood ratios.",
        "min_cllr": "After the best monotone calibration on these trials.",
        "min_tdcf": "ASVspoof 2021 form, prior 0.05.",
        "min_tdcf_2019": "ASVspoof 2019 form, prior 0.05.",
    }.get(metric, "")


def official_eer(data: Prepared) -> Rate:
    """EER as the official code has it: trials with tied scores are passed one by one.

    It sorts bona fide trials first and stably, so tied trials lie bona fide first and thresholds
    are tried between them, where no threshold exists. Without ties between the classes this is
    the EER (``compute_det_curve`` and ``compute_eer`` of the ASVspoof 2019 package).
    """
    # There, higher = bona fide and the sweep goes upwards.
    bona, spoof = -data.scores[~data.is_spoof], -data.scores[data.is_spoof]
    scores = np.concatenate((bona, spoof))
    order = np.argsort(scores, kind="stable")
    is_bona = order < len(bona)
    missed = np.concatenate(([0], np.cumsum(is_bona)))
    passed = len(spoof) - np.concatenate(([0], np.cumsum(~is_bona)))
    p_miss, p_fa = missed / len(bona), passed / len(spoof)
    at = int(np.argmin(np.abs(p_miss - p_fa)))
    # Its threshold before the first trial is a thousandth below it.
    threshold = float(scores[order[at - 1]]) if at else float(scores[order[0]]) - 0.001
    return Rate(
        float((p_miss[at] + p_fa[at]) / 2), threshold if data.higher == "bonafide" else -threshold
    )


def attributes(data: Prepared) -> list[str]:
    """Columns by which these trials can be broken down: at least two values among the fakes."""
    found = []
    for column in data.table.columns:
        if column in ("trial", "label", "score"):
            continue
        codes, names = data.codes(column)
        if len(names) > 1 and len(names) < max(2, len(codes) // 2):
            found.append(str(column))
    order = {role: i for i, role in enumerate(("attack", "codec", "family", "speaker"))}
    return sorted(found, key=lambda c: (order.get(c, 9), c))


def _conditions(
    data: Prepared, columns: Sequence[str]
) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    """Names of the conditions and their trials, the largest first.

    Where both classes share values of a column (a codec, a speaker) a condition takes both; where
    only fakes have one (an attack) it is held against all bona fide trials.
    """
    bona = ~data.is_spoof
    keys = np.zeros(len(bona), dtype=np.int64)
    bona_keys = np.zeros(len(bona), dtype=np.int64)
    known = np.ones(len(bona), dtype=bool)
    bona_known = bona.copy()
    names = [""]
    bona_of = np.zeros(1, dtype=np.int64)
    for column in columns:
        codes, values = data.codes(column)
        shared = bool(set(codes[bona]) & set(codes[data.is_spoof]) - {-1})
        known &= codes >= 0
        keys = keys * len(values) + np.maximum(codes, 0)
        names = [f"{n}/{v}" if n else v for n in names for v in values]
        if shared:
            bona_known &= codes >= 0
            bona_keys = bona_keys * len(values) + np.maximum(codes, 0)
            bona_of = np.concatenate([b * len(values) + np.arange(len(values)) for b in bona_of])
        else:
            bona_of = np.repeat(bona_of, len(values))
    spoof = data.is_spoof & known
    sizes = np.bincount(keys[spoof], minlength=len(names))
    for i in np.argsort(-sizes, kind="stable"):
        yield names[i], (spoof & (keys == i)) | (bona_known & (bona_keys == bona_of[i]))


def by_column(
    data: Prepared, columns: str | Sequence[str], settings: Settings | None = None
) -> pd.DataFrame:
    """EER, min DCF and AUC of every value of a column, or of every pair of values of two.

    Returns
    -------
    pandas.DataFrame
        `FIGURE_COLUMNS`; a condition with one class only has no value and a note. At most
        `MOST_CONDITIONS` conditions, those with the most fakes.
    """
    settings = settings or Settings()
    columns = [columns] if isinstance(columns, str) else list(columns)
    for column in columns:
        if column not in data.table or column in ("trial", "label", "score"):
            known = ", ".join(attributes(data)) or "none"
            raise TrialsError(f"There is no column {column!r} to break down by; there is: {known}.")
    sign = 1.0 if data.higher == "spoof" else -1.0
    rows: list[dict[str, Any]] = []
    for number, (name, chosen) in enumerate(_conditions(data, columns)):
        if number == MOST_CONDITIONS:
            break
        part = data.part(chosen)
        n_spoof = int(part.is_spoof.sum())
        common = {
            "breakdown": "-".join(columns),
            "condition": name,
            "n_bonafide": len(part.scores) - n_spoof,
            "n_spoof": n_spoof,
        }
        if not 0 < n_spoof < len(part.scores):
            missing = "fake" if not n_spoof else "bona fide trial"
            if len(part.scores):
                rows.append({**common, "metric": "eer", "note": f"No {missing} here."})
            continue
        tally = part.tally
        eer, dcf = tally.eer(), tally.min_dcf(ASVSPOOF5)
        levels = part.levels(
            CONDITION_STEPS, [t for t in (eer.threshold, dcf.threshold) if np.isfinite(t)]
        )
        statistics: dict[str, resample.Statistic] = {
            "eer": lambda batch: 100 * batch.eer(),
            "min_dcf": resample.min_dcf(ASVSPOOF5),
            "auc": resample.auc,
        }
        units = None if columns == ["speaker"] else _enough(part)
        # Hundreds of cells: an interval's ends may be rougher than a single figure's.
        replicates = settings.replicates if len(columns) == 1 else min(200, settings.replicates)
        drawn = resample.bootstrap(levels, statistics, units=units, replicates=replicates)
        found = {
            "eer": (100 * eer.rate, sign * eer.threshold),
            "min_dcf": (dcf.cost, sign * dcf.threshold),
            "auc": (tally.auc(), None),
        }
        for metric, (value, threshold) in found.items():
            low, high = resample.limits(drawn[metric])
            rows.append(
                {
                    **common,
                    "metric": metric,
                    "value": value,
                    "low": low,
                    "high": high,
                    "threshold": threshold,
                    "note": "",
                }
            )
    return _frame(rows, FIGURE_COLUMNS)


def _enough(part: Part) -> tuple[Ints, Ints] | None:
    """Units of a part, if there are enough of them in both classes."""
    units = part.units()
    if units is None or min(len(np.unique(u)) for u in units) < 2:
        return None
    return units


@dataclass(frozen=True)
class Comparison:
    """Two systems on the trials that both have scored.

    Attributes
    ----------
    figures : pandas.DataFrame
        `DIFFERENCE_COLUMNS`: first minus second; EER in points. ``p_holm`` is adjusted over the
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
    replicates: int = 2000,
) -> Comparison:
    """Paired differences of EER, min DCF and AUC, pooled and by the values of columns.

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
    replicates : int
        Draws; p-values are never below ``2 / (replicates + 1)``.

    Raises
    ------
    TrialsError
        If the files share no trial, or only trials of one class.
    """
    import pandas as pd

    if "score" not in second.table:
        raise TrialsError("The second file has no column of scores.")
    place = pd.Index(second.table["trial"]).get_indexer(first.table["trial"])
    common = place >= 0
    if not common.any():
        raise TrialsError(
            "The two files share no trial. The first names are "
            f"{first.table['trial'].iloc[0]} and {second.table['trial'].iloc[0]}."
        )
    problems = []
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
    rows: list[dict[str, Any]] = []
    statistics: dict[str, resample.Statistic] = {
        "eer": lambda batch: 100 * batch.eer(),
        "min_dcf": resample.min_dcf(ASVSPOOF5),
        "auc": resample.auc,
    }
    whole = [("overall", "all", np.ones(len(other), dtype=bool), resample.STEPS, True)]
    for column in by:
        if column not in data.table:
            raise TrialsError(f"There is no column {column!r} to break down by.")
        whole += [
            (column, name, chosen, CONDITION_STEPS, column != "speaker")
            for name, chosen in _conditions(data, [column])
        ][:MOST_CONDITIONS]
    for breakdown, condition, chosen, steps, speakers in whole:
        one = data.part(chosen)
        two = Part(other[chosen], one.is_spoof, one.speakers)
        n_spoof = int(one.is_spoof.sum())
        if not 0 < n_spoof < len(one.scores):
            continue
        drawn = resample.bootstrap_pair(
            (one.levels(steps), two.levels(steps)),
            statistics,
            units=_enough(one) if speakers else None,
            replicates=replicates,
        )
        exact = [_exact(p.tally) for p in (one, two)]
        for metric, draws in drawn.items():
            low, high = resample.limits(draws)
            rows.append(
                {
                    "breakdown": breakdown,
                    "condition": condition,
                    "metric": metric,
                    "first": exact[0][metric],
                    "second": exact[1][metric],
                    "difference": exact[0][metric] - exact[1][metric],
                    "low": low,
                    "high": high,
                    "p_value": resample.two_sided(draws),
                    "n_bonafide": len(one.scores) - n_spoof,
                    "n_spoof": n_spoof,
                }
            )
    frame = _frame(rows, DIFFERENCE_COLUMNS)
    for _, family in frame.groupby(["breakdown", "metric"], sort=False):
        frame.loc[family.index, "p_holm"] = holm(family["p_value"])
    frame["p_holm"] = frame["p_holm"].astype(float)
    ranks = pd.DataFrame({"a": data.scores, "b": other}).rank()
    return Comparison(frame, len(other), tuple(problems), float(ranks["a"].corr(ranks["b"])))


def _exact(tally: Tally) -> dict[str, float]:
    return {
        "eer": 100 * tally.eer().rate,
        "min_dcf": tally.min_dcf(ASVSPOOF5).cost,
        "auc": tally.auc(),
    }


def histogram(data: Prepared, bins: int = 60) -> pd.DataFrame:
    """Share of each class in equal bins of the scores as given.

    Returns
    -------
    pandas.DataFrame
        ``label``, ``low``, ``high``, ``share`` (of its class), ``count``. The range holds all but
        the outermost thousandth of each class; what lies beyond is in the end bins.
    """
    import pandas as pd

    given = data.table["score"].to_numpy(dtype=np.float64)
    ends = [np.quantile(given[data.is_spoof == c], [0.001, 0.999]) for c in (False, True)]
    low, high = min(e[0] for e in ends), max(e[1] for e in ends)
    if not low < high:
        low, high = low - 0.5, low + 0.5
    edges = np.linspace(low, high, bins + 1)
    rows = []
    for label, chosen in (("bona fide", ~data.is_spoof), ("spoofed", data.is_spoof)):
        counts, _ = np.histogram(np.clip(given[chosen], low, high), edges)
        rows.append(
            pd.DataFrame(
                {
                    "label": label,
                    "low": edges[:-1],
                    "high": edges[1:],
                    "count": counts,
                    "share": counts / chosen.sum(),
                }
            )
        )
    return pd.concat(rows, ignore_index=True)


def reliability(data: Prepared, p_spoof: float = 0.5, bins: int = 10) -> pd.DataFrame:
    """Stated probability of a fake against how often it is one, at a stated prior.

    The scores are taken for natural-log likelihood ratios, as given and after logistic calibration
    on the same trials. Classes are weighted to the prior, because a benchmark's mix is arbitrary.

    Returns
    -------
    pandas.DataFrame
        ``scores`` (as given | calibrated), ``stated``, ``observed`` (0-1), ``trials``; one row a
        bin that is not empty.
    """
    import pandas as pd

    tally = data.everything.tally
    affine = tally.affine_calibration()
    odds = math.log(p_spoof) - math.log1p(-p_spoof)
    parts = []
    for name, llr in (
        ("as given", tally.values),
        ("calibrated", affine.scale * tally.values + affine.offset),
    ):
        stated = 0.5 * (1 + np.tanh(0.5 * (llr + odds)))
        place = np.minimum((stated * bins).astype(np.int64), bins - 1)
        bona = (1 - p_spoof) * tally.bonafide / tally.n_bonafide
        spoof = p_spoof * tally.spoof / tally.n_spoof
        sums = [
            np.bincount(place, weights=w, minlength=bins)
            for w in (bona, spoof, (bona + spoof) * stated, tally.bonafide + tally.spoof)
        ]
        weight = sums[0] + sums[1]
        seen = weight > 0
        parts.append(
            pd.DataFrame(
                {
                    "scores": name,
                    "stated": sums[2][seen] / weight[seen],
                    "observed": sums[1][seen] / weight[seen],
                    "trials": sums[3][seen].astype(np.int64),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def worst(data: Prepared, count: int = 50) -> pd.DataFrame:
    """Trials farthest on the wrong side of the EER threshold, ``count`` of each class.

    Returns
    -------
    pandas.DataFrame
        ``line``, ``margin`` (score units on the wrong side; negative where the trial is right)
        and the columns of the table, the worst first.
    """
    threshold = data.everything.tally.eer().threshold
    margin = np.where(data.is_spoof, threshold - data.scores, data.scores - threshold)
    picked = []
    for chosen in (np.flatnonzero(~data.is_spoof), np.flatnonzero(data.is_spoof)):
        top = min(count, len(chosen))
        picked.append(chosen[np.argpartition(-margin[chosen], top - 1)[:top]])
    rows = np.concatenate(picked)
    rows = rows[np.argsort(-margin[rows], kind="stable")]
    frame = data.table.iloc[rows].copy()
    frame.insert(0, "margin", margin[rows])
    frame.insert(0, "line", frame.index)
    return frame.reset_index(drop=True)


def suspicions(data: Prepared) -> list[Problem]:
    """What is odd about usable scores: groups or stretches of lines that run the other way.

    A group is told when it ranks fakes below bona fide speech (AUC under 0.3) while the file as a
    whole does the opposite; the reader decides whether a sign is wrong or a detector is fooled.
    """
    found = []
    whole = data.everything.tally.auc()
    if whole < 0.6:
        return []
    order = np.argsort(data.table.index.to_numpy(), kind="stable")
    stretches = []
    for piece in np.array_split(order, 20 if len(order) >= 400 else 4):
        part = Part(data.scores[piece], data.is_spoof[piece], None)
        if 10 <= part.is_spoof.sum() <= len(piece) - 10 and part.tally.auc() < 0.3:
            stretches.append(data.table.index[piece])
    if stretches:
        lines = tuple(int(i) for s in stretches for i in (s[0], s[-1]))
        listed = ", ".join(f"{s[0]:,} to {s[-1]:,}" for s in stretches[:3])
        count = sum(map(len, stretches))
        found.append(
            Problem(
                f"{count:,} rows (lines {listed}{', ...' if len(stretches) > 3 else ''}) run the "
                "other way than the rest of the file; were two systems joined?",
                count,
                lines,
            )
        )
    for column in attributes(data):
        if column == "speaker" or stretches:
            continue
        names = []
        for number, (name, chosen) in enumerate(_conditions(data, [column])):
            if number == 50:
                break
            part = data.part(chosen)
            n = int(part.is_spoof.sum())
            if 10 <= n <= len(part.scores) - 10 and part.tally.auc() < 0.3:
                names.append((name, n))
        if names:
            count = sum(n for _, n in names)
            found.append(
                Problem(
                    f"{count:,} fakes of {column} {', '.join(n for n, _ in names[:5])} score as "
                    "more human than bona fide speech: a wrong sign there, or a detector that is "
                    "fooled.",
                    count,
                )
            )
    given = data.table["score"]
    if given.min() >= 0 and given.max() <= 1:
        found.append(
            Problem(
                "All scores lie between 0 and 1, like probabilities. Cllr and actual DCF take them "
                "for log-likelihood ratios, as the official code does; they mean little here.",
                0,
            )
        )
    return found


def which_benchmark(data: Prepared, benchmarks: pd.DataFrame) -> str | None:
    """Name of the benchmark that has as many trials of each class; None where there is none."""
    tally = data.everything
    n_spoof = int(tally.is_spoof.sum())
    n_bona = len(tally.scores) - n_spoof
    same = (benchmarks["n_bonafide"] == n_bona) & (benchmarks["n_spoof"] == n_spoof)
    return str(benchmarks.loc[same, "benchmark"].iloc[0]) if same.any() else None


def _frame(rows: list[dict[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    frame = pd.DataFrame(rows, columns=list(columns))
    numbers = [c for c in ("value", "low", "high", "threshold") if c in frame]
    return frame.astype(dict.fromkeys(numbers, float))
