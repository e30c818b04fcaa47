"""Measured rows from the score files that other teams published for ASVspoof 2019 LA eval.

``python -m training published --scores DIR`` writes measured.csv, det.csv and paired.csv into
data/results. The score files stay where they are; DIR holds them, plain or gzipped, under the names
in `SCORE_FILES`, with the official protocol and the scores of the official verification system.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.evaluate import influence
from core.evaluate.influence import Metric
from core.evaluate.intervals import band, holm, interval, paired, probit_grid
from core.evaluate.metrics import (
    DetCurve,
    Higher,
    Tally,
)
from core.evaluate.sample import Sample, Units, codes_of
from core.evaluate.tables import RESULTS, TABLES, Figure, check
from core.evaluate.trials import AsvScores, Trials, TrialsError, attach, read_scores
from core.files import atomic_path
from core.plain import write_own_csv

if TYPE_CHECKING:
    import pandas as pd

BENCHMARK = "ASVspoof 2019 LA eval"
COMMAND = "python -m training published"
PROTOCOL = "ASVspoof2019.LA.cm.eval.trl.txt"
ASV_SCORES = "ASVspoof2019.LA.asv.eval.gi.trl.scores.txt"


@dataclass(frozen=True)
class ScoreFile:
    """A published score file: its local name, where it is public, and which way it runs."""

    system: str
    name: str
    source: str
    higher: Higher


_RAWGAT = "eurecom-asp/RawGAT-ST-antispoofing Pre_trained_models/RawGAT_ST_{}/Scores.txt"
_RESNET = "yzyouzhang/AIR-ASVspoof models1028/{}/checkpoint_cm_score.txt"


def _rawgat(fusion: str) -> ScoreFile:
    name = f"RawGAT-ST-{fusion}.2019LA_eval.txt"
    return ScoreFile(f"RawGAT-ST {fusion}", name, _RAWGAT.format(fusion), "bonafide")


def _resnet(loss: str, higher: Higher) -> ScoreFile:
    folder = loss.lower().replace("-", "")
    name = f"LFCC-ResNet18-{loss}.2019LA_eval.txt"
    return ScoreFile(f"LFCC-ResNet18 {loss}", name, _RESNET.format(folder), higher)


SCORE_FILES = (
    _rawgat("mul"),
    _rawgat("add"),
    _rawgat("cat"),
    _resnet("OC-Softmax", "spoof"),
    _resnet("AM-Softmax", "bonafide"),
    _resnet("Softmax", "bonafide"),
)

SUBSETS = {"overall": "all trials", "attack": "one attack, all bona fide"}
GRID_POINTS = 90


def write(folder: Path, out: Path = RESULTS) -> dict[str, int]:
    """Make the three tables anew.

    Parameters
    ----------
    folder : pathlib.Path
        With the score files.
    out : pathlib.Path, optional
        Where the tables go.

    Returns
    -------
    dict of str to int
        Rows by the name of a table.

    Raises
    ------
    TrialsError
        If a file is missing or does not fit the protocol.
    """
    scored = {file: read(folder, file) for file in SCORE_FILES}
    tables = build(scored, AsvScores.read(_find(folder, ASV_SCORES)))
    for name, table in tables.items():
        check(table, name)
        with atomic_path(out / f"{name}.csv") as part:
            write_own_csv(table, part)
    return {name: len(table) for name, table in tables.items()}


def read(folder: Path, file: ScoreFile) -> Trials:
    """One system's scores with the protocol's speakers, negated where higher means bona fide.

    Raises
    ------
    TrialsError
        If a file is missing or does not fit the protocol.
    """
    protocol = read_scores(_find(folder, PROTOCOL))
    trials = attach(read_scores(_find(folder, file.name)), protocol)
    if trials.problems:
        raise TrialsError(" ".join(problem.sentence for problem in trials.problems))
    table = trials.table.sort_values("trial", ignore_index=True)
    if file.higher == "bonafide":
        table["score"] = -table["score"]
    return Trials(table)


def build(scored: Mapping[ScoreFile, Trials], asv: AsvScores) -> dict[str, pd.DataFrame]:
    """The three tables, from scores that run towards spoof and trials in one order."""
    import pandas as pd

    figures: list[Figure] = []
    curves: list[dict[str, Any]] = []
    for file, trials in scored.items():
        figures += _figures(file, trials, asv)
        curves += _curves(file, trials)
    comparisons = []
    for first, second in itertools.combinations(scored, 2):
        comparisons += _compare(first, second, scored)
    _adjust(comparisons)
    rows: dict[str, list[Any]] = {"measured": figures, "det": curves, "paired": comparisons}
    return {
        name: pd.DataFrame(rows[name], columns=list(TABLES[name].columns)).fillna({"note": ""})
        for name in rows
    }


def _conditions(trials: Trials) -> list[tuple[str, str, Any]]:
    table = trials.table
    bona = table["label"] == "bonafide"
    attacks = sorted(table["attack"].dropna().unique())
    return [
        ("overall", "all", np.ones(len(table), dtype=bool)),
        *(("attack", a, (bona | (table["attack"] == a)).to_numpy()) for a in attacks),
    ]


def _figures(file: ScoreFile, trials: Trials, asv: AsvScores) -> list[Figure]:
    everything = Tally.of(*trials.split())
    affine = everything.affine_calibration()
    rows = []
    for breakdown, condition, chosen in _conditions(trials):
        table = trials.table[chosen]
        attack = None if breakdown == "overall" else condition
        constants = asv.constants(attack)
        metrics: dict[str, Metric] = {
            "eer": influence.percent_eer,
            "min_dcf": influence.min_dcf(),
            "cllr": influence.cllr(affine),
            "min_tdcf": influence.min_tdcf(constants, 2021),
        }
        if attack is None:
            metrics["min_tdcf_2019"] = influence.min_tdcf(constants, 2019)
            metrics["auc"] = influence.auc
        metrics["min_cllr"] = influence.min_cllr
        sample = _sample(table)
        tally = sample.tally
        for metric, of in metrics.items():
            found = interval(of(tally), sample)
            digits = 3 if metric == "eer" else 5
            rows.append(
                Figure(
                    system=file.system,
                    benchmark=BENCHMARK,
                    subset=SUBSETS[breakdown],
                    breakdown=breakdown,
                    condition=condition,
                    metric=metric,
                    value=round(found.value, digits),
                    low=_rounded(found.low, digits),
                    high=_rounded(found.high, digits),
                    n_bonafide=tally.n_bonafide,
                    n_spoof=tally.n_spoof,
                    source=f"{file.source}; {COMMAND}",
                    note=_note(metric),
                )
            )
    return rows


def _note(metric: str) -> str:
    return {
        "cllr": "After affine calibration on all trials of this benchmark.",
        "min_dcf": "Prior of spoofing 0.05; a missed fake costs 10, a false accusation 1.",
        "min_tdcf": "Official verification system; ASVspoof 2021 form.",
        "min_tdcf_2019": "Official verification system; ASVspoof 2019 form.",
    }.get(metric, "")


def _sample(table: pd.DataFrame) -> Sample:
    spoof = (table["label"] == "spoof").to_numpy()
    units = Units.of(codes_of(list(table["speaker"])), spoof)
    return Sample(table["score"].to_numpy(dtype=np.float64), spoof, units)


def _curves(file: ScoreFile, trials: Trials) -> list[dict[str, Any]]:
    grid = probit_grid(2e-4, 0.5, GRID_POINTS)
    miss, low, high = band(_sample(trials.table), grid)
    common = {
        "system": file.system,
        "benchmark": BENCHMARK,
        "kind": "measured",
        "source": f"{file.source}; {COMMAND}",
    }
    rows = [
        {**common, "curve": "band", "p_fa": x, "p_miss": y, "low": low, "high": high}
        for x, y, low, high in np.c_[grid, miss, low, high].round(6).tolist()
    ]
    hull = convex_hull(Tally.of(*trials.split()).det())
    return rows + [
        {**common, "curve": "hull", "p_fa": round(x, 8), "p_miss": round(y, 8)} for x, y in hull
    ]


def convex_hull(curve: DetCurve) -> list[tuple[float, float]]:
    """Corners ``(p_fa, p_miss)`` of the curve's lower convex hull.

    The cheapest threshold lies on a corner whatever the prior and the costs, so a minimum cost
    computed from these few points is exact.
    """
    hull: list[tuple[float, float]] = []
    for x, y in zip(curve.p_fa.tolist(), curve.p_miss.tolist(), strict=True):
        while len(hull) > 1:
            (x1, y1), (x2, y2) = hull[-2:]
            if (x2 - x1) * (y - y1) - (y2 - y1) * (x - x1) > 0:
                break
            hull.pop()
        hull.append((x, y))
    return hull


def _compare(
    first: ScoreFile, second: ScoreFile, scored: Mapping[ScoreFile, Trials]
) -> list[dict[str, Any]]:
    one, two = scored[first].table, scored[second].table
    rows = []
    for breakdown, condition, chosen in _conditions(scored[first]):
        metrics: dict[str, Metric] = {"eer": influence.percent_eer}
        if breakdown == "overall":
            metrics["min_dcf"] = influence.min_dcf()
        found = paired(
            one["score"][chosen].to_numpy(),
            two["score"][chosen].to_numpy(),
            (one["label"] == "spoof")[chosen].to_numpy(),
            metrics,
            speakers=list(one["speaker"][chosen]),
        )
        for metric, difference in found.items():
            rows.append(
                {
                    "first": first.system,
                    "second": second.system,
                    "benchmark": BENCHMARK,
                    "breakdown": breakdown,
                    "condition": condition,
                    "metric": metric,
                    "difference": round(difference.value, 5),
                    "low": _rounded(difference.low, 5),
                    "high": _rounded(difference.high, 5),
                    "p_value": _p_value(difference.p_value),
                    "kind": "measured",
                    "source": f"{first.source}; {second.source}; {COMMAND}",
                }
            )
    return rows


def _rounded(value: float | None, digits: int) -> float:
    """NaN where there is none."""
    return nan if value is None else round(value, digits)


def _p_value(value: float | None) -> float | None:
    """Rounded, but never to 0."""
    return None if value is None else max(round(value, 6), 1e-6)


def _adjust(rows: list[dict[str, Any]]) -> None:
    """Holm's adjustment: over all pairs for a pooled metric, over the attacks within one pair."""
    families: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows:
        overall = row["breakdown"] == "overall"
        family = (row["metric"],) if overall else (row["metric"], row["first"], row["second"])
        families.setdefault(family, []).append(row)
    for members in families.values():
        for row, p in zip(
            members, holm(np.array([r["p_value"] for r in members], dtype=float)), strict=True
        ):
            row["p_holm"] = None if np.isnan(p) else round(float(p), 6)


def _find(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise TrialsError(f"{folder} has neither {name} nor {name}.gz.")
