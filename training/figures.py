"""Figures of a detector on trials, with their intervals, as rows for ``data/results``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from core.evaluate import influence
from core.evaluate.ends import ends_of, spread
from core.evaluate.influence import Linear, Metric
from core.evaluate.intervals import intervals
from core.evaluate.metrics import Costs, Tally
from core.evaluate.sample import LEAST_SPEAKERS
from core.evaluate.tables import COLUMNS, Figure
from core.files import ROOT
from training.kinds import accused, kind_groups, kinds_of

Names = tuple[str, str, str, str]
"""System, benchmark, subset and source: the command that makes a figure again."""


def figures(
    trials: pd.DataFrame,
    system: str,
    benchmark: str,
    subset: str,
    source: str,
    condition: str = "none",
) -> pd.DataFrame:
    """The figures of one system on one set of trials.

    Pooled EER, minimum DCF, Cllr and its minimum; the mean over repositories of the EER within a
    repository; EER by material, repository and family (each family against the human clips of
    the repositories it occurs in). Clips that were not judged are left out and counted.

    Parameters
    ----------
    trials : pandas.DataFrame
        From `training.trials.score_trials`.
    system, benchmark, subset, source : str
        Who, on what, which part, and the command that makes the figures again.
    condition : str
        The codec, or another change made to all clips.

    Returns
    -------
    pandas.DataFrame
        `COLUMNS`; EERs in percent.
    """
    names = (system, benchmark, subset, source)
    judged = trials[trials["score"].notna()]
    rows = _of_all(judged, names, condition)
    codec, *limits = condition.split(", ")
    if codec == "none":  # as they are, by all windows or by one
        rows += _by_family(judged, names, ", ".join(["family", *limits]))
    if condition == "none":
        rows += _by_group(judged, names)
        rows += _by_kind(trials, judged, names)
        rows.append(_coverage(trials, names))
        rows += _abstention(trials, names)
        rows += _reliability(judged, names)
        rows += _risk(judged, names)
        rows += _abstention_measures(judged, names)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def result_row(names: Names, trials: pd.DataFrame | None = None, **found: Any) -> dict[str, Any]:
    """One measured row of a table of results.

    Parameters
    ----------
    names : (str, str, str, str)
        System, benchmark, subset and source.
    trials : pandas.DataFrame, optional
        What the figure is of; gives the counts of both classes.
    **found
        The other `COLUMNS`; an interval that is left out is NaN, a note empty.
    """
    if trials is not None:
        n = trials["label"].value_counts()
        counts = {"n_bonafide": int(n.get("bonafide", 0)), "n_spoof": int(n.get("spoof", 0))}
        found = counts | found
    system, benchmark, subset, source = names
    row = Figure(system=system, benchmark=benchmark, subset=subset, source=source, **found)
    return asdict(row)


def _of_all(judged: pd.DataFrame, names: Names, condition: str) -> list[dict[str, Any]]:
    """Figures of all trials together, and the mean EER within a repository."""
    plain = condition == "none"
    metrics = {
        "eer_percent": influence.percent_eer,
        "min_dcf": influence.min_dcf(Costs()),
        "act_dcf": influence.act_dcf(Costs()),
        "cllr": influence.cllr(),
        "min_cllr": influence.min_cllr,
        "auc": influence.auc,
    }
    found = [
        ("pooled" if plain else "codec", metric, ends)
        for metric, ends in with_intervals(judged, metrics).items()
    ]
    found.append(("within" if plain else "codec_within", "eer_percent", within_source(judged)))
    return [
        result_row(
            names, judged, breakdown=by, condition=condition, metric=metric,
            value=value, low=low, high=high,
        )
        for by, metric, (value, low, high) in found
    ]  # fmt: skip


def _eer(names: Names, breakdown: str, condition: str, part: pd.DataFrame) -> list[dict[str, Any]]:
    """The EER of some trials; no row where a class is missing."""
    if part["label"].nunique() < 2:
        return []
    value, low, high = with_intervals(part, {"eer": influence.percent_eer})["eer"]
    told = {"breakdown": breakdown, "condition": condition, "metric": "eer_percent"}
    return [result_row(names, part, **told, value=value, low=low, high=high)]


def _with_humans_near(judged: pd.DataFrame, fakes: pd.Series) -> pd.DataFrame:
    """Some synthetic trials with the human ones of the same repositories."""
    near = judged["source"].isin(set(judged.loc[fakes, "source"]))
    return judged[((judged["label"] == "bonafide") & near) | fakes]


def _by_family(judged: pd.DataFrame, names: Names, breakdown: str) -> list[dict[str, Any]]:
    spoof = judged["label"] == "spoof"
    rows = []
    for family in sorted(set(judged.loc[spoof, "family"])):
        part = _with_humans_near(judged, spoof & (judged["family"] == family))
        rows += _eer(names, breakdown, str(family), part)
    return rows


def _by_group(judged: pd.DataFrame, names: Names) -> list[dict[str, Any]]:
    """EER by repository, material, bandwidth, sound quality, language and sex."""
    rows = []
    for repository, part in judged.groupby("source"):
        rows += _eer(names, "repository", str(repository), part)
    for material in ("synthesis", "copy-synthesis"):
        of = judged["material"] == material
        rows += _eer(names, "material", material, judged[(judged["label"] == "bonafide") | of])
        rows += _eer(names, "material_within", material, _with_humans_near(judged, of))
    for breakdown, column, bins in (
        ("bandwidth", "bandwidth_hz", BANDWIDTH),
        ("quality", "mos", QUALITY),
    ):
        for name, low, high in bins:
            inside = judged[column].between(low, high, inclusive="left")
            rows += _eer(names, breakdown, name, judged[inside])
    groups = speaker_groups(names[1])
    for column in ("language", "sex"):
        known = judged["speaker"].map(groups.get(column, {}))
        for name in sorted(set(known.dropna())):
            rows += _eer(names, column, str(name), judged[known == name])
    return rows


def _by_kind(trials: pd.DataFrame, judged: pd.DataFrame, names: Names) -> list[dict[str, Any]]:
    """EER by kind of voice, and how often human speech of each kind was called synthetic."""
    kinds = kinds_of(names[1])
    if kinds is None:
        return []
    rows = []
    for name, part in kind_groups(judged, kinds).items():
        rows += _eer(names, "kind", name, part)
    for name, part, share in accused(trials, kinds):
        told = {"breakdown": "accused", "condition": name, "metric": "wrong_percent"}
        rows.append(result_row(names, part, **told, value=share))
    return rows


BANDWIDTH = (
    ("below 4.3 kHz", 0.0, 4300.0),
    ("4.3 to 7 kHz", 4300.0, 7000.0),
    ("above 7 kHz", 7000.0, 9000.0),
)
"""Bins of bandwidth in hertz."""

QUALITY = (
    ("predicted MOS below 2.5", 0.0, 2.5),
    ("predicted MOS 2.5 to 3.5", 2.5, 3.5),
    ("predicted MOS 3.5 to 4.2", 3.5, 4.2),
    ("predicted MOS from 4.2", 4.2, 9.0),
)
"""Bins of sound quality as DistillMOS predicts it, where the corpus was rated."""


def speaker_groups(benchmark: str) -> dict[str, dict[str, str]]:
    """Language and sex of the speakers of a benchmark, as far as they are known.

    Parameters
    ----------
    benchmark : str
        ``data/benchmarks/<benchmark>_speakers.csv`` tells.

    Returns
    -------
    dict
        ``language`` and ``sex``, each speaker -> group; empty if there is no such file.
    """
    file = ROOT / "data" / "benchmarks" / f"{benchmark}_speakers.csv"
    if not file.is_file():
        return {}
    table = pd.read_csv(file, dtype=str, keep_default_na=False).set_index("speaker")
    return {c: table.loc[table[c] != "", c].to_dict() for c in ("language", "sex")}


def within_source(trials: pd.DataFrame) -> tuple[float, float, float]:
    """Mean over repositories of the EER within one, in percent, with its 95 % interval.

    The interval is for other repositories like these; NaN with fewer than five.
    """
    parts = [p for _, p in trials.groupby("source") if p["label"].nunique() == 2]
    return in_unit(*of_mean([_tally(p).eer().rate for p in parts]), 100)


def of_mean(rates: Sequence[float]) -> tuple[float, float, float]:
    """Mean of rates (0-1) of separate groups, with the interval for other such groups.

    The ends are NaN with fewer than `LEAST_SPEAKERS` groups.
    """
    given = np.asarray(rates, dtype=np.float64)
    mean = float(given.mean()) if len(given) else float("nan")
    ends = None
    if len(given) >= LEAST_SPEAKERS:
        linear = Linear(mean, np.zeros(0), np.zeros(0), mean)
        variance, freedom = spread((given - mean) / (len(given) - 1))
        ends = ends_of(linear, variance, freedom, (len(given), len(given)))
    return (mean, *(ends or (float("nan"), float("nan"))))


def _tally(part: pd.DataFrame) -> Tally:
    spoof = part["label"] == "spoof"
    return Tally.of(part["score"][~spoof], part["score"][spoof], higher="spoof")


def with_intervals(
    part: pd.DataFrame, metrics: dict[str, Metric]
) -> dict[str, tuple[float, float, float]]:
    """Figures of trials with their 95 % intervals, as ``(value, low, high)``; NaN for no end."""
    spoof = (part["label"] == "spoof").to_numpy()
    score, speaker = part["score"].to_numpy(float), part["speaker"].to_numpy()
    found = intervals(
        score[~spoof], score[spoof], metrics, speakers=(speaker[~spoof], speaker[spoof])
    )
    return {k: in_unit(v.value, v.low, v.high) for k, v in found.items()}


def in_unit(
    value: float, low: float | None, high: float | None, scale: float = 1.0
) -> tuple[float, float, float]:
    """A figure and its interval in another unit, NaN where there is none."""
    ends = [np.nan if end is None else scale * end for end in (low, high)]
    return scale * value, ends[0], ends[1]


def _coverage(trials: pd.DataFrame, names: Names) -> dict[str, Any]:
    """How many clips were judged at all."""
    return result_row(
        names,
        trials,
        breakdown="coverage",
        condition="judged",
        metric="share_percent",
        value=100 * float(trials["score"].notna().mean()),
        note="Clips with too little speech are not judged and left out of the error rates.",
    )


def _balanced_error(wrong: Any, spoof: Any) -> float:
    """Percent wrong when both classes count alike; both must be there."""
    return 100 * float(np.mean([wrong[spoof].mean(), wrong[~spoof].mean()]))


def _abstention(trials: pd.DataFrame, names: Names) -> list[dict[str, Any]]:
    """How many clips get a verdict, and how many of the verdicts are wrong, by class too."""
    given = trials[trials["verdict"].isin(["synthetic", "authentic"])]
    where = {"breakdown": "abstention", "condition": "verdict given"}
    share = 100 * len(given) / max(1, len(trials))
    note = "Clips that are judged, outside the inconclusive band and familiar."
    rows = [result_row(names, trials, **where, metric="share_percent", value=share, note=note)]
    spoof = given["label"] == "spoof"
    if spoof.any() and not spoof.all():
        wrong = (given["verdict"] == "synthetic") != spoof
        value = _balanced_error(wrong, spoof)
        note = "Both classes count alike."
        found = {**where, "metric": "balanced_error_percent", "value": value, "note": note}
        rows.append(result_row(names, given, **found))
    for condition, of in (
        ("human clips called synthetic", given[~spoof]),
        ("synthetic clips called authentic", given[spoof]),
    ):
        if of.empty:
            continue  # nothing can be said of a class without verdicts
        called = condition.rpartition(" ")[2]
        value = 100 * float((of["verdict"] == called).mean())
        note = "Share of the clips of this class that got a verdict."
        found = {"condition": condition, "metric": "wrong_percent", "value": value, "note": note}
        rows.append(result_row(names, of, breakdown="abstention", **found))
    return rows


def _abstention_measures(
    judged: pd.DataFrame, names: Names, coverage: float = 0.8
) -> list[dict[str, Any]]:
    """Error among the clips that are kept, by what decides which fifth gets no verdict.

    The measures: a LLR near zero; a large distance from the training data; windows that disagree;
    and, as what chance gives, none (all clips).
    """
    score = judged["score"].to_numpy(float)
    spoof = (judged["label"] == "spoof").to_numpy()
    wrong = (score > 0) != spoof
    doubt = {
        "all clips": None,
        "LLR near zero": -np.abs(score),
        "far from the training data": judged["familiarity"].to_numpy(float),
        "windows disagree": judged["spread"].to_numpy(float),
    }
    rows = []
    for name, measure in doubt.items():
        keep = np.ones(len(judged), bool)
        if measure is not None:
            if np.isnan(measure).all():
                continue
            order = np.argsort(np.nan_to_num(measure, nan=np.inf), kind="stable")
            keep[order[round(coverage * len(order)) :]] = False
        if not (keep & spoof).any() or not (keep & ~spoof).any():
            continue
        found = {
            "breakdown": "abstention_measure",
            "condition": name,
            "metric": "balanced_error_percent",
            "value": _balanced_error(wrong[keep], spoof[keep]),
            "note": "" if measure is None else f"The {100 * coverage:.0f} % with the least of it.",
        }
        rows.append(result_row(names, judged[keep], **found))
    return rows


def _reliability(judged: pd.DataFrame, names: Names) -> list[dict[str, Any]]:
    """Share of synthetic clips among those that were given about one chance, by tenths.

    Classes are weighted to count alike, so that the stated chance is the one under a prior of 0.5.
    """
    from scipy.special import expit

    chance = expit(judged["score"].to_numpy(float))
    spoof = (judged["label"] == "spoof").to_numpy()
    if spoof.all() or not spoof.any():
        return []
    weight = np.where(spoof, 0.5 / spoof.mean(), 0.5 / (~spoof).mean())
    rows = []
    for k in range(10):
        inside = (chance >= k / 10) & (chance < (k + 1) / 10 if k < 9 else chance <= 1)
        if not inside.any():
            continue
        stated = float(np.average(chance[inside], weights=weight[inside]))
        observed = 100 * float(np.average(spoof[inside], weights=weight[inside]))
        found = {
            "breakdown": "reliability",
            "condition": f"stated {100 * stated:.1f} %",
            "metric": "observed_percent",
            "value": observed,
            "note": "Classes weighted to count alike.",
        }
        rows.append(result_row(names, judged[inside], **found))
    return rows


def _risk(judged: pd.DataFrame, names: Names) -> list[dict[str, Any]]:
    """Error among the clips judged with most confidence, at shares from 10 % to 100 %.

    Classes count alike, as under a prior of 0.5; confidence is the magnitude of the LLR.
    """
    order = judged["score"].abs().sort_values(ascending=False, kind="stable").index
    rows = []
    for percent in range(10, 101, 10):
        part = judged.loc[order[: max(1, round(len(order) * percent / 100))]]
        spoof = part["label"] == "spoof"
        if spoof.all() or not spoof.any():
            continue  # nothing can be said of a class without clips
        found = {
            "breakdown": "risk_coverage",
            "condition": f"{percent} %",
            "metric": "balanced_error_percent",
            "value": _balanced_error((part["score"] > 0) != spoof, spoof),
            "note": "The clips with the largest |LLR|.",
        }
        rows.append(result_row(names, part, **found))
    return rows
