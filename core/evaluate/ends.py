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


def spread_of(linear: Linear, sums: Floats, most: float = np.inf) -> tuple[float, float]:
    """The same for one figure.

    Of a low rate the degrees of freedom are twice the count of errors that varies as much, the less
    so the nearer it is to the middle of its range: how unequal speakers are would say the least
    where the worst one was not met. Cllr and the AUC, which every score moves, may be moved most by
    what was not seen: to their variance half of what a further unit would add that is as unusual as
    the worst of those seen.
    """
    variance, freedom = spread(sums, most)
    if variance <= 0 or linear.optimism:
        return variance, freedom
    if np.isinf(linear.high) or linear.symmetric:
        moves = sums - sums.mean()
        worst = np.abs(moves).max() if linear.symmetric else moves.max()
        variance += UNSEEN * float(worst) ** 2
    else:
        share = linear.value - linear.low
        counted = min(len(sums) - 1, most, max(2.0, 2 * share**2 / variance))
        rare = max(0.0, 1 - 2 * share / (linear.high - linear.low))
        freedom = float(freedom * (counted / freedom) ** rare)
    return variance, freedom


LEVEL = 0.95
"""Nominal coverage of every interval."""

UNSEEN = 0.5
"""How many further units, as unusual as the worst, were not seen."""


def ends_of(
    linear: Linear,
    variance: float,
    freedom: float,
    sizes: tuple[int, int],
    clustered: bool = False,
) -> tuple[float, float] | None:
    """Ends of a figure's interval from its variance; None where it has none.

    Variance and degrees of freedom are as `spread` gives them; ``sizes`` are the classes' units,
    and ``clustered`` says that these are speakers or files, of several trials each.
    """
    tail = (1 - LEVEL) / 2
    low, value, high = linear.low, linear.value, linear.high
    # Not one error, or nothing else: as in the rule of three, with both tails on one side.
    most = max(w * (1 - tail ** (1 / n)) for w, n in zip(linear.least, sizes, strict=True))
    if value <= low:
        return low, min(high, low + most)
    if value >= high and not linear.optimism:
        return max(low, high - most), high
    plain = 0.0 if clustered and linear.floating else linear.variance
    larger = max(variance, plain)
    if larger <= 0:
        return None
    reach, normal = quantile(1 - tail, freedom), quantile(1 - tail, np.inf)
    # What independent trials would vary by is known, and needs no t quantile.
    known = KNOWN * plain if clustered else plain
    excess = max(0.0, variance - known)
    slack = max(normal * plain**0.5, np.sqrt(normal**2 * known + reach**2 * excess))
    middle = linear.middle
    if linear.optimism:
        # Dependent trials move the threshold more, by about the root of the variance's inflation.
        middle += linear.optimism * np.sqrt(max(1.0, larger / plain))
        if clustered:  # a spread that is too small by chance would let the threshold off lightly
            slack = np.sqrt(normal**2 * known + reach**2 * (larger - known))
        per_error = float(slack / np.sqrt(larger))
        ends = _of_minimum(middle, linear, larger, per_error, clustered)
        return min(ends[0], value), max(ends[1], value)
    skew = SKEW if linear.symmetric or np.isinf(high) else RATE_SKEW
    skewed = skew * larger * excess / variance if clustered and variance > 0 else 0.0
    if np.isinf(high):
        share = middle - low
        # A few outliers carry such a figure, also where trials are independent.
        centre = np.exp(min((skewed if clustered else variance) / share**2, 1.0))
        factor = float(np.exp(min(slack / share, 700)))
        ends = low + share * centre / factor, low + share * centre * factor
    else:
        ends = _on_odds(middle, slack, (low, high), skewed, linear.symmetric)
        if not linear.symmetric:
            ends = min(ends[0], _of_few(value - low, variance, tail) + low), ends[1]
    return min(ends[0], value), max(ends[1], value)


def _of_few(share: float, variance: float, tail: float) -> float:
    """Lower end of a rate as of a count of so many errors that it varies as much.

    The exact one by the gamma distribution, but for half an error, as the mid-P value has it. With
    few errors log-odds end too high.
    """
    if variance <= 0:
        return share
    from scipy.special import gammaincinv

    errors = share * share / variance
    return float(share * gammaincinv(errors + 0.5, tail) / errors)


KNOWN = 0.3
"""Share of the variance of independent trials that speakers are taken to leave as it is."""

SKEW = 1.5
"""How far an interval moves towards more errors, in squared relative standard errors.

The error rates of speakers are skewed about as a logarithmic normal distribution, so that a few of
them show fewer errors, and a smaller spread, than there are. Both were chosen by simulation.
"""

RATE_SKEW = 2.0
"""The same for rates, whose degrees of freedom are those of a count."""

HIGHER = 2.0
"""The same for the upper end of a minimum, whose lower end moves by one."""


def _of_minimum(
    middle: float, linear: Linear, variance: float, reach: float, clustered: bool
) -> tuple[float, float]:
    """Ends of a minimum, which may lie on its bound, the cost of a decision without scores."""
    low, value, high = linear.low, linear.value, linear.high
    skewed = variance if clustered else 0.0
    found = []
    for centre, end in ((middle, high), (min(middle, high), high + 0.3 * (high - low))):
        # The variance is that at the value and grows to the middle as that of a share.
        share = min((centre - low) / (end - low), 0.985)
        seen = (value - low) / (end - low)
        grown = variance * max(1.0, share * (1 - share) / max(seen * (1 - seen), 0.01))
        middle_of = low + share * (end - low)
        slack = reach * float(np.sqrt(grown))
        bottom, _ = _on_odds(middle_of, slack, (low, end), skewed)
        _, top = _on_odds(middle_of, slack, (low, end), HIGHER * skewed)
        found.append((bottom, top))
    (strict, _), (loose, top) = found
    return (strict + loose) / 2, min(high, top)


def _on_odds(
    middle: float,
    slack: float,
    bounds: tuple[float, float],
    skewed: float = 0.0,
    symmetric: bool = False,
) -> tuple[float, float]:
    """Ends at a distance from a middle, symmetric in log-odds between the bounds.

    The whole moves by ``skewed``, a variance, towards where errors are more frequent: towards the
    upper bound from below the half, and where the figure is symmetric towards the half.
    """
    low, width = bounds[0], bounds[1] - bounds[0]
    share = min(max((middle - low) / width, 1e-12), 1 - 1e-12)
    slope = width * share * (1 - share)
    odds = np.log(share) - np.log1p(-share)
    towards = 1 - 2 * share if symmetric else max(0.0, 1 - 2 * share)
    odds += towards * min(skewed / slope**2, 1.0)
    ends = [
        low + width * 0.5 * (1 + np.tanh(0.5 * (odds + s))) for s in (-slack / slope, slack / slope)
    ]
    return float(ends[0]), float(ends[1])


def quantile(share: float, freedom: float) -> float:
    """Of the t distribution."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, share))


def two_sided(t: float, freedom: float) -> float:
    """The share of the t distribution that is as far out."""
    from scipy.special import stdtr

    return float(2 * stdtr(freedom, -t))
