"""Intervals of what more than two classes of trials move, or trials of unequal weight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.evaluate.ends import ends_of, spread_of
from core.evaluate.influence import Linear
from core.evaluate.intervals import Interval
from core.evaluate.metrics import Floats, Ints
from core.evaluate.sample import Unit


@dataclass(frozen=True, eq=False)
class Share:
    """What the trials of one class contribute to a figure.

    Attributes
    ----------
    moves : numpy.ndarray
        float64 ``[n]``, influence of each; 0 in their weighted mean.
    units : numpy.ndarray
        int ``[n]``, whose they are: what has one number stands or falls together.
    sizes : numpy.ndarray or None
        float64 ``[n]``, what each weighs; alike where there is none.
    """

    moves: Floats
    units: Ints
    sizes: Floats | None = None

    @property
    def weights(self) -> Floats:
        """What each trial weighs."""
        return np.ones(len(self.moves)) if self.sizes is None else self.sizes


def grouped_interval(linear: Linear, shares: Sequence[Share], unit: Unit) -> Interval:
    """The interval of a figure whose influence is given trial by trial.

    As `core.evaluate.intervals.interval`; degrees of freedom and the bound for no error are those
    of the class with the fewest units.

    Parameters
    ----------
    linear : Linear
        The figure; its own influence is not looked at.
    shares : sequence of Share
        One per class and what moves in it; units have the same numbers in all.
    unit : {"speaker", "trial"}
        What units are.
    """
    if linear.why:
        return Interval(linear.value, None, None, unit, linear.why)
    count = 1 + max(int(share.units.max()) for share in shares)
    total, fewest, freedom = np.zeros(count), count, np.inf
    for share in shares:
        own = np.bincount(share.units, weights=share.weights, minlength=count)
        moved = np.bincount(share.units, weights=share.weights * share.moves, minlength=count)
        others = own.sum() - own
        # As if the unit had been left out; one that is all of its class has no others.
        total += moved / np.where(others > 0, others, own.sum())
        fewest = min(fewest, int((own > 0).sum()))
        freedom = min(freedom, 1 / float(np.sum((own / own.sum()) ** 2)) - 1)
    if fewest < 2:
        return Interval(linear.value, None, None, unit, "a class has one trial only")
    found = spread_of(linear, total, max(1.0, freedom))
    ends = ends_of(linear, *found, (fewest, fewest), unit == "speaker")
    if ends is None:
        why = "its trials all contribute alike"
        return Interval(linear.value, None, None, unit, why)
    return Interval(linear.value, *ends, unit)
