"""A countermeasure before a verification system: both must accept.

As in the tandem cost, the two decide independently of each other within a class, so their error
rates multiply (Kinnunen et al. 2023, "t-EER: Parameter-Free Tandem Evaluation of Countermeasures
and Biometric Comparators", doi:10.1109/TPAMI.2023.3313648, section 3).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from core.evaluate.metrics.spoof_aware import ADCF_ASVSPOOF5, AdcfCosts, SpoofAwareCurve
from core.evaluate.metrics.types import DetCurve, Floats, Ints

PAIRS = 2_000_000
"""Pairs of thresholds that are looked at together."""


class TandemPoint(NamedTuple):
    """A figure of a tandem (0-1) and its two thresholds.

    Attributes
    ----------
    value : float
        Error rate or normalised cost.
    asv_threshold : float
        Verification scores at or above it are accepted.
    cm_threshold : float
        Threshold of the countermeasure, as in `DetCurve`.
    """

    value: float
    asv_threshold: float
    cm_threshold: float


@dataclass(frozen=True, eq=False)
class Tandem:
    """Both systems' error rates at all their thresholds.

    Attributes
    ----------
    asv : SpoofAwareCurve
        The verification system, ``[m]``.
    cm : DetCurve
        The countermeasure, ``[k]``, whose bona fide trials are those of targets and others.
    """

    asv: SpoofAwareCurve
    cm: DetCurve

    def rates(self, i: Ints, k: Ints) -> tuple[Floats, Floats, Floats]:
        """Targets rejected, other speakers accepted, fakes accepted at pairs of thresholds."""
        passed = 1 - self.cm.p_miss[k]
        return (
            1 - passed * (1 - self.asv.p_miss[i]),
            passed * self.asv.p_fa[i],
            self.cm.p_fa[k] * self.asv.p_fa_spoof[i],
        )

    def path(self, prevalence: float) -> tuple[Floats, Ints]:
        """Tandem equal error rate at every threshold of the verification system.

        Of all who are to be rejected ``prevalence`` are fakes. For each threshold of the
        verification system the countermeasure's is the one at which misses and false alarms are
        closest; the rate is their mean.

        Returns
        -------
        tuple of numpy.ndarray
            Rate ``[m]`` (0-1) and place ``[m]`` on the countermeasure's curve; NaN and -1 where
            the verification system rejects more targets than it accepts others, which no
            countermeasure can mend.

        Raises
        ------
        ValueError
            If the prevalence is not between 0 and 1.
        """
        if not 0 <= prevalence <= 1:
            raise ValueError("The share of fakes must lie between 0 and 1.")
        rows = np.arange(len(self.asv.threshold))

        def gap(k: Ints) -> Floats:
            miss, fa, spoof = self.rates(rows, k)
            return miss - (1 - prevalence) * fa - prevalence * spoof

        last = len(self.cm.p_fa) - 1
        after = self._first(gap, 0.0)
        before = np.maximum(after - 1, 0)
        inside = np.minimum(after, last)
        place = np.where(np.abs(gap(before)) < np.abs(gap(inside)), before, inside)
        miss, fa, spoof = self.rates(rows, place)
        rate = (miss + (1 - prevalence) * fa + prevalence * spoof) / 2
        meets = after <= last
        return np.where(meets, rate, np.nan), np.where(meets, place, -1)

    def _first(self, falling: Callable[[Ints], Floats], level: float) -> Ints:
        """First place ``[m]`` on the countermeasure's curve at which a falling value is at most
        this; one past the end where there is none."""
        low = np.zeros(len(self.asv.threshold), dtype=np.int64)
        high = np.full_like(low, len(self.cm.p_fa))
        while (open_ := low < high).any():
            middle = (low + high) // 2
            reached = falling(np.minimum(middle, len(self.cm.p_fa) - 1)) <= level
            high = np.where(open_ & reached, middle, high)
            low = np.where(open_ & ~reached, middle + 1, low)
        return low

    def concurrent_eer(self) -> TandemPoint | None:
        """Concurrent tandem equal error rate: one rate for targets, other speakers and fakes alike.

        The point at which the paths of all prevalences meet (Kinnunen et al. 2023, section 4). Of
        all pairs of thresholds it is the one at which the largest and the smallest of the three
        rates are closest, and the rate is the middle between these two.

        Returns
        -------
        TandemPoint or None
            None where fakes are accepted less often than other speakers at every equal error rate,
            or always more often: then there is no such point.
        """
        _, place = self.path(0.5)
        rows = np.flatnonzero(place >= 0)
        if not len(rows):
            return None
        found = self._nearest(rows, place[rows])
        _, fa, spoof = self.rates(rows, place[rows])
        crossed = (fa > spoof).any() and (fa < spoof).any()
        if not crossed and found[0] > 0:
            return None
        # A nearer pair must bring both differences below the best spread: in each row an interval.
        starts, stops = self._intervals(found[0])
        sizes = np.maximum(stops - starts, 0)
        order = np.flatnonzero(sizes)
        packs = np.cumsum(sizes[order]) // PAIRS
        for part in np.split(order, np.flatnonzero(np.diff(packs)) + 1):
            i = np.repeat(part, sizes[part])
            within = np.arange(len(i)) - np.repeat(
                np.cumsum(sizes[part]) - sizes[part], sizes[part]
            )
            found = min(found, self._nearest(i, starts[i] + within))
        _, value, at, k = found
        return TandemPoint(value, float(self.asv.threshold[at]), float(self.cm.threshold[k]))

    def _nearest(self, i: Ints, k: Ints) -> tuple[float, float, int, int]:
        """Of pairs of thresholds the one whose three rates differ least, then the lowest: by how
        much they differ, their middle, and the pair."""
        three = np.array(self.rates(i, k))
        high, low = three.max(axis=0), three.min(axis=0)
        spread = np.round(high - low, 12)  # equal ones must not be told apart by rounding
        at = np.lexsort(((high + low), spread))[0]
        return float(spread[at]), float(high[at] + low[at]) / 2, int(i[at]), int(k[at])

    def _intervals(self, most: float) -> tuple[Ints, Ints]:
        """Places ``[m]`` from and before which the miss rate is near both false-alarm rates."""
        rows = np.arange(len(self.asv.threshold))
        most += 1e-12
        starts, stops = [], []
        for which in (1, 2):

            def gap(k: Ints, which: int = which) -> Floats:
                rates = self.rates(rows, k)
                return rates[0] - rates[which]

            starts.append(self._first(gap, most))
            stops.append(self._first(gap, np.nextafter(-most, -1)))
        return np.maximum(*starts), np.minimum(*stops)

    def min_adcf(self, costs: AdcfCosts = ADCF_ASVSPOOF5) -> TandemPoint:
        """Smallest a-DCF over all pairs of thresholds; see `core.evaluate.metrics.cheapest_adcf`.

        For each threshold of the verification system the cost is linear in the countermeasure's two
        error rates, so only the corners of its curve's convex hull can be best.
        """
        miss, fa, spoof = costs.weights
        corners = _corners(self.cm.p_fa, self.cm.p_miss)
        m, f = self.cm.p_miss[corners], self.cm.p_fa[corners]
        best = (np.inf, 0, 0)
        for rows in np.array_split(
            np.arange(len(self.asv.threshold)),
            1 + len(self.asv.threshold) * len(corners) // PAIRS,
        ):
            worth = miss * (1 - self.asv.p_miss[rows]) - fa * self.asv.p_fa[rows]
            cost = miss - np.outer(worth, 1 - m) + np.outer(spoof * self.asv.p_fa_spoof[rows], f)
            i, k = np.unravel_index(int(np.argmin(cost)), cost.shape)
            best = min(best, (float(cost[i, k]), int(rows[i]), int(corners[k])))
        return TandemPoint(
            best[0], float(self.asv.threshold[best[1]]), float(self.cm.threshold[best[2]])
        )


def _corners(x: Floats, y: Floats) -> npt.NDArray[np.int64]:
    """Places of the lower convex hull of a curve that runs from its left end to its right."""
    kept: list[int] = []
    for place in range(len(x)):
        while len(kept) > 1:
            a, b = kept[-2], kept[-1]
            turn = (x[b] - x[a]) * (y[place] - y[a]) - (y[b] - y[a]) * (x[place] - x[a])
            if turn > 0:
                break
            kept.pop()
        kept.append(place)
    return np.array(kept, dtype=np.int64)
