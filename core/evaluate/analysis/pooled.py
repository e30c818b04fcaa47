"""Figures of all trials."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from core.evaluate import influence
from core.evaluate.analysis.prepared import Prepared, Settings, as_frame
from core.evaluate.influence import Metric
from core.evaluate.intervals import band, interval, probit_grid
from core.evaluate.metrics import ASVSPOOF5, Costs, Rate, Tally, Tandem, spoof_aware_curve
from core.evaluate.names import METRICS
from core.evaluate.spoof_aware import NO_CONCURRENT, NO_INTERVAL
from core.evaluate.trials import AsvScores

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Overall:
    """Figures of all trials together.

    Attributes
    ----------
    figures : pandas.DataFrame
        `SCORE_FILE`.
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
    """Every pooled figure with its 95 % interval, and the DET curve with its band."""
    import pandas as pd

    part, tally = data.everything, data.everything.tally
    grid = probit_grid(2e-4, 0.5, 90)
    miss, low, high = band(part.sample, grid)
    det = pd.DataFrame({"p_fa": grid, "p_miss": miss, "low": low, "high": high})
    eer, official = tally.eer(), official_eer(data)
    tied = (tally.bonafide > 0) & (tally.spoof > 0)
    return Overall(
        figures_of(data, settings or Settings()),
        det,
        Rate(eer.rate, eer.threshold if data.higher == "spoof" else -eer.threshold),
        official,
        int((tally.bonafide + tally.spoof)[tied].sum()),
    )


def figures_of(data: Prepared, settings: Settings) -> pd.DataFrame:
    """Every pooled figure with its 95 % interval, in `SCORE_FILE`."""
    part, tally = data.everything, data.everything.tally
    metrics = metrics_of(tally, settings)
    sign = 1.0 if data.higher == "spoof" else -1.0
    rows = []
    for name in METRICS:
        if name not in metrics:
            continue
        metric, at = metrics[name]
        found = interval(metric(tally), part.sample)
        why = f"No interval: {found.why}." if found.why else ""
        rows.append(
            {
                "breakdown": "overall",
                "condition": "all",
                "metric": name,
                "value": found.value,
                "low": found.low,
                "high": found.high,
                "threshold": None if at is None else sign * at,
                "n_bonafide": tally.n_bonafide,
                "n_spoof": tally.n_spoof,
                "note": f"{_note(name, settings.costs)} {why}".strip(),
            }
        )
    if settings.asv is not None:
        rows += _tandem(data, settings.asv)
    return as_frame(rows)


APART = "No interval: which trials of the two files are the same clip or speaker is not known."


def _tandem(data: Prepared, asv: AsvScores) -> list[dict[str, Any]]:
    """What this countermeasure and a verification system reach together."""
    tally, sign = data.everything.tally, 1.0 if data.higher == "spoof" else -1.0
    fakes = np.concatenate(list(asv.spoof.values()))
    both = Tandem(spoof_aware_curve(asv.target, asv.nontarget, fakes), tally.det())
    point, best = both.concurrent_eer(), both.min_adcf()
    found = [("teer", None if point is None else point._replace(value=100 * point.value), APART)]
    found.append(("min_adcf_tandem", best, NO_INTERVAL))
    return [
        {
            "breakdown": "overall",
            "condition": "all",
            "metric": metric,
            "value": None if at is None else at.value,
            "threshold": None if at is None else sign * at.cm_threshold,
            "n_bonafide": tally.n_bonafide,
            "n_spoof": tally.n_spoof,
            "note": NO_CONCURRENT
            if at is None
            else f"Verification accepts from {at.asv_threshold:.4g} on. {why}",
        }
        for metric, at, why in found
    ]


def metrics_of(tally: Tally, settings: Settings) -> dict[str, tuple[Metric, float | None]]:
    """The figures of a score file: name to what computes it, and its threshold if it has one."""
    own, tandem = settings.costs, settings.tandem
    metrics: dict[str, tuple[Metric, float | None]] = {
        "eer": (influence.percent_eer, tally.eer().threshold),
        **_costs(tally, "", ASVSPOOF5),
        "cllr": (influence.cllr(), None),
        "min_cllr": (influence.min_cllr, None),
        "auc": (influence.auc, None),
    }
    if own != ASVSPOOF5:
        metrics |= _costs(tally, "_own", own)
    if tandem is not None:
        threshold = tally.min_tdcf(tandem).threshold  # it is that of both forms
        metrics["min_tdcf"] = (influence.min_tdcf(tandem, 2021), threshold)
        metrics["min_tdcf_2019"] = (influence.min_tdcf(tandem, 2019), threshold)
    return metrics


def _costs(tally: Tally, suffix: str, costs: Costs) -> dict[str, tuple[Metric, float | None]]:
    return {
        f"min_dcf{suffix}": (influence.min_dcf(costs), tally.min_dcf(costs).threshold),
        f"act_dcf{suffix}": (influence.act_dcf(costs), costs.threshold),
    }


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
    # There, higher = bona fide and the sweep goes upwards, so downwards through these values.
    tally = data.everything.tally
    groups = np.stack((tally.bonafide[::-1], tally.spoof[::-1]), axis=1)
    scores = -np.repeat(tally.values[::-1], groups.sum(axis=1))
    is_bona = np.repeat(np.arange(groups.size) % 2 == 0, groups.ravel())
    missed = np.concatenate(([0], np.cumsum(is_bona)))
    passed = tally.n_spoof - (np.arange(len(missed)) - missed)
    p_miss, p_fa = missed / tally.n_bonafide, passed / tally.n_spoof
    at = int(np.argmin(np.abs(p_miss - p_fa)))
    # Its threshold before the first trial is a thousandth below it.
    threshold = float(scores[at - 1]) if at else float(scores[0]) - 0.001
    return Rate(
        float((p_miss[at] + p_fa[at]) / 2), threshold if data.higher == "bonafide" else -threshold
    )
