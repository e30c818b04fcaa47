"""How sure the figures of spoof-aware speaker verification are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from core.evaluate import influence
from core.evaluate.grouped import Share, grouped_interval
from core.evaluate.influence import LOWEST, Linear
from core.evaluate.intervals import Interval, interval
from core.evaluate.metrics import AdcfCosts, Cost, Floats, Tally, TandemPoint
from core.evaluate.sample import Sample, Units, codes_of
from core.evaluate.trials import SpoofAwareTrials

_deviate = NormalDist().inv_cdf
_NONE = np.zeros(0)

UNSTEADY = "its thresholds are not determined by these trials"


@dataclass(frozen=True, eq=False)
class Sure:
    """Intervals of the figures of spoof-aware trials, those of one claimed speaker together.

    Attributes
    ----------
    trials : SpoofAwareTrials
        As read.
    """

    trials: SpoofAwareTrials

    @cached_property
    def kinds(self) -> dict[str, npt.NDArray[np.bool_]]:
        """Which trials ``[n]`` are of each kind."""
        kind = self.trials.table["kind"].to_numpy(dtype=object)
        return {name: kind == name for name in ("target", "nontarget", "spoof")}

    @cached_property
    def units(self) -> Units:
        """Whose trials they are."""
        given = self.trials.table.get("speaker")
        codes = None if given is None else codes_of(list(given))
        return Units.among(codes, list(self.kinds.values()))

    def _scores(self, role: str) -> Floats:
        return self.trials.table[role].to_numpy(dtype=np.float64)

    def _share(self, chosen: npt.NDArray[np.bool_], hit: npt.NDArray, weight: float) -> Share:
        """What a rate moves: the share of these trials for which something is true."""
        own = hit[chosen].astype(np.float64)
        return Share(weight * (own - own.mean()), self.units.codes[chosen])

    def eer(
        self, role: str, accepted: Sequence[str], rejected: Sequence[str]
    ) -> tuple[Interval, float]:
        """Equal error rate in percent between kinds of trials, and its threshold."""
        good, bad = (np.any([self.kinds[k] for k in of], axis=0) for of in (accepted, rejected))
        chosen, score = good | bad, self._scores(role)
        codes = self.units.codes[chosen] if self.units.unit == "speaker" else None
        data = Sample(-score[chosen], bad[chosen], Units.of(codes, bad[chosen]))
        found = interval(influence.percent_eer(data.tally), data)
        return found, -data.tally.eer().threshold

    def min_adcf(self, found: Cost, costs: AdcfCosts) -> Interval:
        """The smallest a-DCF's, about what it is without the luck of its threshold.

        As of every minimum over one threshold (`core.evaluate.influence`): the cost near it is a
        parabola, here that of normal classes of equal spread, and a Brownian motion.
        """
        score = self._scores("sasv")
        rejected = score < found.threshold
        if found.threshold == np.inf and found.cost == costs.weights[0]:
            rejected[:] = True  # nobody is accepted, infinite or not
        wrong = {"target": rejected, "nontarget": ~rejected, "spoof": ~rejected}
        weights = dict(zip(wrong, costs.weights, strict=True))
        sizes = {kind: int(of.sum()) for kind, of in self.kinds.items()}
        errors = {kind: int(wrong[kind][of].sum()) for kind, of in self.kinds.items()}
        smooth = {kind: (errors[kind] + 0.5) / (sizes[kind] + 1) for kind in wrong}
        deviates = {kind: _deviate(rate) for kind, rate in smooth.items()}
        rises = {k: weights[k] * np.exp(-(z**2) / 2) for k, z in deviates.items()}
        false = rises["nontarget"] + rises["spoof"]
        parts = {"target": 1.0, **{k: rises[k] / false for k in ("nontarget", "spoof")}}
        steep = np.sqrt(rises["target"] * false / (2 * np.pi))
        apart = max(-sum(part * deviates[k] for k, part in parts.items()), 0.5)
        noise = sum(part * weights[k] / sizes[k] for k, part in parts.items())
        optimism = LOWEST * noise ** (2 / 3) * (2 * steep / apart) ** (1 / 3)
        variance = sum(weights[k] ** 2 * p * (1 - p) / sizes[k] for k, p in smooth.items())
        linear = Linear(
            found.cost, _NONE, _NONE, found.cost, optimism=float(optimism), variance=variance,
            least=(max(weights["nontarget"], weights["spoof"]), weights["target"]),
        )  # fmt: skip
        shares = [self._share(of, wrong[k], weights[k]) for k, of in self.kinds.items()]
        return grouped_interval(linear, shares, self.units.unit)

    def concurrent_eer(self, point: TandemPoint) -> Interval:
        """The concurrent t-EER's, in percent.

        Three rates meet at two thresholds. To first order the rate moves as that mean of theirs
        which no threshold changes.
        """
        asv, cm = self._scores("asv") >= point.asv_threshold, -self._scores("cm")
        human = cm <= point.cm_threshold
        target, other, fake = self.kinds.values()
        bona = target | other
        missed = 1 - human[bona].mean(), 1 - asv[target].mean()
        passed = asv[other].mean(), human[fake].mean(), asv[fake].mean()
        # Densities of targets, others and fakes at either threshold, but for a factor.
        a = [1.0, *(1 / self._ratio("asv", target, k, point.asv_threshold) for k in (other, fake))]
        c = [1.0, 1 / self._ratio("cm", bona, fake, -point.cm_threshold)]
        moved = np.array(
            [
                [1.0, 1.0, 1.0],
                [(1 - missed[0]) * a[0], -(1 - missed[0]) * a[1], -passed[1] * a[2]],
                [(1 - missed[1]) * c[0], -passed[0] * c[0], -passed[2] * c[1]],
            ]
        )
        why = ""
        if abs(np.linalg.det(moved)) < 1e-9:
            mean, why = np.full(3, 1 / 3), UNSTEADY
        else:
            mean = np.linalg.solve(moved, [1.0, 0.0, 0.0])
            why = "" if (np.abs(mean) < 2).all() else UNSTEADY
        shares = [
            self._share(bona, ~human, mean[0] * (1 - missed[1]) - mean[1] * passed[0]),
            self._share(target, ~asv, mean[0] * (1 - missed[0])),
            self._share(other, asv, mean[1] * (1 - missed[0])),
            self._share(fake, human, mean[2] * passed[2]),
            self._share(fake, asv, mean[2] * passed[1]),
        ]
        linear = Linear(point.value, _NONE, _NONE, point.value, why=why).times(100)
        shares = [Share(100 * share.moves, share.units) for share in shares]
        return grouped_interval(linear, shares, self.units.unit)

    def _ratio(
        self,
        role: str,
        first: npt.NDArray[np.bool_],
        second: npt.NDArray[np.bool_],
        threshold: float,
    ) -> float:
        """Density of the first over that of the second at a threshold of accepted scores."""
        score = self._scores(role)
        tally = Tally.of(score[first], score[second], higher="bonafide")
        cut = int(np.searchsorted(tally.values, -threshold, side="right"))
        return influence.ratio(tally, cut)
