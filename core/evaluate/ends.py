"""From how units scatter to the ends of an interval."""

from __future__ import annotations

import numpy as np

from core.evaluate.influence import Linear
from core.evaluate.metrics import Floats

ROUNDING = 1e-15
"""What contributions that cancel each other leave at most."""


def spread(sums: Floats, most: float = np.inf) -> tuple[float, float]:
    """Variance and degrees of freedom of a total from what its units contribute.

    The variance is the jackknife's. The degrees of freedom are Satterthwaite's: those of the chi
    square that varies as the variance's estimate does, by the fourth powers of the contributions;
    where a few units carry all of it they fall to 2. They are never above ``most``.
    """
    sums = sums - sums.mean()
    count = len(sums)
    largest = float(np.abs(sums).max(initial=0.0))
    if largest < ROUNDING or not np.isfinite(largest) or count < 2:
        return 0.0, 1.0
    squares = (sums / largest) ** 2  # whose fourth powers no float is too small for
    total = float(squares.sum())
    freedom = 3 * total * total / float((squares**2).sum()) - 3
    variance = (count - 1) / count * total * largest * largest
    return variance, float(min(count - 1, most, max(2.0, freedom)))


def ends_of(
    linear: Linear, variance: float, freedom: float, sizes: tuple[int, int], level: float
) -> tuple[float, float] | None:
    """Ends of a figure's interval from its variance; None where it has none.

    Variance and degrees of freedom are as `spread` gives them; ``sizes`` are the classes' units.
    """
    tail = (1 - level) / 2
    low, value, high = linear.low, linear.value, linear.high
    # Not one error, or nothing else: as in the rule of three, with both tails on one side.
    most = max(w * (1 - tail ** (1 / n)) for w, n in zip(linear.least, sizes, strict=True))
    if value <= low:
        return low, min(high, low + most)
    if value >= high and not linear.optimism:
        return max(low, high - most), high
    variance, plain = max(variance, linear.variance), linear.variance
    if variance <= 0:
        return None
    reach = quantile(1 - tail, freedom)
    if np.isinf(high):
        factor = float(np.exp(min(reach * np.sqrt(variance) / (linear.middle - low), 700)))
        return low + (linear.middle - low) / factor, low + (linear.middle - low) * factor
    middle = linear.middle
    if not linear.optimism:
        ends = _on_odds(middle, value, variance, reach, (low, high))
    else:
        # Dependent trials move the threshold more, by about the root of the variance's inflation.
        middle += linear.optimism * np.sqrt(max(1.0, variance / plain))
        strict = _on_odds(middle, value, variance, reach, (low, high), grown=True)
        # A minimum may lie on its bound, the cost of a decision without scores: see the document.
        loose = _on_odds(
            min(middle, high), value, variance, reach, (low, high + 0.3 * (high - low)), grown=True
        )
        ends = (strict[0] + loose[0]) / 2, min(high, loose[1])
    return min(ends[0], value), max(ends[1], value)


def _on_odds(
    middle: float,
    value: float,
    variance: float,
    reach: float,
    bounds: tuple[float, float],
    grown: bool = False,
) -> tuple[float, float]:
    """Ends around a middle, symmetric in log-odds between the bounds.

    Where ``grown``, the variance is that at the value and grows to the middle as that of a share.
    """
    low, width = bounds[0], bounds[1] - bounds[0]
    share = (middle - low) / width
    if grown:
        share, seen = min(share, 0.985), (value - low) / width
        variance *= max(1.0, share * (1 - share) / max(seen * (1 - seen), 0.01))
    share = min(max(share, 1e-12), 1 - 1e-12)
    slack = reach * np.sqrt(variance) / width / (share * (1 - share))
    odds = np.log(share) - np.log1p(-share)
    ends = [low + width * 0.5 * (1 + np.tanh(0.5 * (odds + s))) for s in (-slack, slack)]
    return float(ends[0]), float(ends[1])


def quantile(share: float, freedom: float) -> float:
    """Of the t distribution."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, share))


def two_sided(t: float, freedom: float) -> float:
    """The share of the t distribution that is as far out."""
    from scipy.special import stdtr

    return float(2 * stdtr(freedom, -t))
