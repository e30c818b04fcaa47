"""Figures of spoof-aware speaker verification: a-DCF, t-EER and the EERs beside them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from core.evaluate.intervals import Interval
from core.evaluate.metrics import (
    ADCF_ASVSPOOF5,
    AdcfCosts,
    SpoofAwareCurve,
    Tally,
    Tandem,
    cheapest_adcf,
    spoof_aware_curve,
)
from core.evaluate.tables.figures import VERIFICATION
from core.evaluate.trials import Problem, SpoofAwareTrials
from core.evaluate.verification_intervals import Sure

if TYPE_CHECKING:
    import pandas as pd

NO_INTERVAL = "No interval: two thresholds are chosen on these trials; no correction is known."
NO_CONCURRENT = (
    "None: no pair of thresholds makes targets, other speakers and fakes fare alike, because fakes "
    "are rejected more easily than other speakers, or never."
)

PREVALENCES = (0.0, 0.5, 1.0)
"""Shares of fakes among those to be rejected, for which paths are drawn."""


@dataclass(frozen=True, eq=False)
class SpoofAware:
    """A file of spoof-aware trials under stated costs.

    Attributes
    ----------
    trials : SpoofAwareTrials
        As read.
    costs : AdcfCosts
        Priors and costs of the a-DCF.
    """

    trials: SpoofAwareTrials
    costs: AdcfCosts = ADCF_ASVSPOOF5

    @property
    def single(self) -> bool:
        """Whether each trial has one score for everything."""
        return "sasv" in self.trials.table

    @property
    def paired(self) -> bool:
        """Whether each trial has a countermeasure's score and a verification system's."""
        return {"asv", "cm"} <= set(self.trials.table)

    @cached_property
    def curve(self) -> SpoofAwareCurve:
        """Error rates of the single score."""
        return spoof_aware_curve(*self.trials.of("sasv").values())

    @cached_property
    def tandem(self) -> Tandem:
        """Both systems one after the other."""
        return _tandem(self.trials)

    @cached_property
    def figures(self) -> pd.DataFrame:
        """Every figure of all trials and of each attack's: columns `VERIFICATION`."""
        import pandas as pd

        rows = [
            {**_counts(part), "breakdown": breakdown, "condition": condition, **row}
            for breakdown, condition, part in self._parts()
            for row in self._rows(part, breakdown == "overall")
        ]
        frame = pd.DataFrame(rows, columns=list(VERIFICATION))
        numbers = ("value", "low", "high", "threshold", "cm_threshold")
        return frame.astype(dict.fromkeys(numbers, float))

    def suspicions(self) -> list[Problem]:
        """Scores that seem to run the other way."""
        found = []
        for role in ("sasv", "asv", "cm"):
            if role not in self.trials.table:
                continue
            of = self.trials.of(role)
            negative = of["spoof"] if role == "cm" else of["nontarget"]
            if Tally.of(of["target"], negative, higher="bonafide").eer().rate > 0.5:
                column = self.trials.columns[role]
                against = "bona fide" if role == "cm" else "the target"
                found.append(
                    Problem(
                        f"Scores in {column} seem to run the other way; higher must speak for "
                        f"{against}.",
                        0,
                    )
                )
        return found

    def _parts(self) -> Iterator[tuple[str, str, SpoofAwareTrials]]:
        yield "overall", "all", self.trials
        table = self.trials.table
        if "attack" not in table:
            return
        fakes = table["kind"] == "spoof"
        attacks = sorted(table.loc[fakes, "attack"].dropna().unique())
        for attack in attacks if len(attacks) > 1 else ():
            chosen = table[~fakes | (table["attack"] == attack)]
            yield "attack", str(attack), SpoofAwareTrials(chosen, self.trials.columns)

    def _rows(self, part: SpoofAwareTrials, whole: bool) -> Iterator[dict[str, Any]]:
        sure = Sure(part)
        if self.single:
            curve = self.curve if whole else spoof_aware_curve(*part.of("sasv").values())
            cost = cheapest_adcf(curve, self.costs)
            row = _row("min_adcf", sure.min_adcf(cost, self.costs), cost.threshold, sure)
            yield {**row, "note": f"{costs_in_words(self.costs)} {row['note']}".strip()}
            for metric in ("sasv_eer", "sv_eer", "spf_eer") if whole else ("spf_eer",):
                yield _eer(sure, metric)
        if self.paired:
            tandem = self.tandem if whole else _tandem(part)
            point = tandem.concurrent_eer()
            if point is None:
                yield {"metric": "teer", "value": None, "note": NO_CONCURRENT}
            else:
                found = sure.concurrent_eer(point)
                row = _row("teer", found, point.asv_threshold, sure)
                yield {**row, "cm_threshold": -point.cm_threshold}
            best = tandem.min_adcf(self.costs)
            yield {
                "metric": "min_adcf_tandem",
                "value": best.value,
                "threshold": best.asv_threshold,
                "cm_threshold": -best.cm_threshold,
                "note": f"{costs_in_words(self.costs)} {NO_INTERVAL}",
            }
            for metric in ("sv_eer_asv", "spf_eer_asv") if whole else ("spf_eer_asv",):
                yield _eer(sure, metric)
            yield _cm_eer(sure)


def _tandem(part: SpoofAwareTrials) -> Tandem:
    cm = part.of("cm")
    bona = np.concatenate((cm["target"], cm["nontarget"]))
    # Thresholds of the countermeasure run towards spoof inside, as in every other curve.
    return Tandem(spoof_aware_curve(*part.of("asv").values()), Tally.of(-bona, -cm["spoof"]).det())


IMPOSTORS = {
    "sasv_eer": ("sasv", ("nontarget", "spoof")),
    "sv_eer": ("sasv", ("nontarget",)),
    "spf_eer": ("sasv", ("spoof",)),
    "sv_eer_asv": ("asv", ("nontarget",)),
    "spf_eer_asv": ("asv", ("spoof",)),
}
"""EERs of targets: of which score, and against whom."""


def _eer(sure: Sure, metric: str) -> dict[str, Any]:
    role, kinds = IMPOSTORS[metric]
    found, threshold = sure.eer(role, ("target",), kinds)
    return _row(metric, found, threshold, sure)


def _cm_eer(sure: Sure) -> dict[str, Any]:
    return _row("cm_eer", *sure.eer("cm", ("target", "nontarget"), ("spoof",)), sure)


def _row(metric: str, found: Interval, threshold: float, sure: Sure) -> dict[str, Any]:
    few = sure.units.few
    why = f"No interval: {found.why}." if found.why else ""
    return {
        "metric": metric,
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "threshold": threshold,
        "note": why or (f"Few speakers ({few}): for more trials of theirs." if few else ""),
    }


def _counts(part: SpoofAwareTrials) -> dict[str, int]:
    sizes = part.table["kind"].value_counts()
    return {f"n_{kind}": int(sizes[kind]) for kind in ("target", "nontarget", "spoof")}


def costs_in_words(costs: AdcfCosts) -> str:
    """Priors and costs, of targets, other speakers and fakes."""
    return (
        f"Priors {costs.p_target:g}, {costs.p_nontarget:g}, {costs.p_spoof:g}; costs "
        f"{costs.c_miss:g}, {costs.c_fa:g}, {costs.c_fa_spoof:g}."
    )


def paths(tandem: Tandem, points: int = 200) -> pd.DataFrame:
    """Tandem EER (percent) along the verification system's thresholds, for a picture.

    Returns
    -------
    pandas.DataFrame
        ``prevalence`` (share of fakes among impostors), ``threshold``, ``value``; at most
        ``points`` per prevalence.
    """
    import pandas as pd

    frames = []
    for prevalence in PREVALENCES:
        rate, place = tandem.path(prevalence)
        rows = np.flatnonzero((place >= 0) & np.isfinite(tandem.asv.threshold))
        rows = rows[np.linspace(0, len(rows) - 1, min(points, len(rows))).astype(int)]
        values = {"threshold": tandem.asv.threshold[rows], "value": 100 * rate[rows]}
        frames.append(pd.DataFrame(values).assign(prevalence=prevalence))
    return pd.concat(frames, ignore_index=True)
