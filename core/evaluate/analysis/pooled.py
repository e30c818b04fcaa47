"""Figures of all trials."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.evaluate import resample
from core.evaluate.analysis.prepared import FIGURE_COLUMNS, Prepared, Settings, as_frame
from core.evaluate.metrics import (
    ASVSPOOF5,
    Costs,
    Rate,
)
from core.evaluate.names import METRICS
from core.evaluate.published import probit_grid

if TYPE_CHECKING:
    import pandas as pd


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
        as_frame(rows, FIGURE_COLUMNS),
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
