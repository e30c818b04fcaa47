"""Whose trials they are: what stands or falls together when others would be drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from core.evaluate.influence import Linear
from core.evaluate.metrics import Floats, Ints, Tally

Unit = Literal["speaker", "trial"]

LEAST_SPEAKERS = 5
"""With fewer speakers of a class nothing can be said of other speakers."""


@dataclass(frozen=True, eq=False)
class Units:
    """Which trials stand or fall together.

    Attributes
    ----------
    codes : numpy.ndarray
        int ``[n]``, speaker of each trial, from 0; every trial its own where ``unit`` is "trial".
    unit : {"speaker", "trial"}
        What they are.
    few : int
        Known speakers of the class with the fewest, where they are too few and trials are taken
        instead; else 0.
    """

    codes: Ints
    unit: Unit
    few: int = 0

    @classmethod
    def of(cls, speakers: Ints | None, is_spoof: npt.NDArray[np.bool_]) -> Units:
        """Take speakers where there are enough of them in both classes.

        Parameters
        ----------
        speakers : numpy.ndarray, optional
            int ``[n]``, -1 where a trial's speaker is not known.
        is_spoof : numpy.ndarray
            bool ``[n]``.
        """
        return cls.among(speakers, (~is_spoof, is_spoof))

    @classmethod
    def among(cls, speakers: Ints | None, classes: Sequence[npt.NDArray[np.bool_]]) -> Units:
        """The same for any number of classes, each a bool ``[n]``."""
        own = np.arange(len(classes[0]))
        if speakers is None or not len(speakers) or speakers.max() < 0:
            return cls(own, "trial")
        unknown = speakers < 0
        codes = np.where(unknown, speakers.max() + 1 + own, speakers)
        _, codes = np.unique(codes, return_inverse=True)
        for chosen in classes:
            sizes = np.bincount(codes[chosen])
            shares = sizes[sizes > 0] / max(1, chosen.sum())
            # A speaker with nearly all the trials does not make room for others.
            if len(shares) < LEAST_SPEAKERS or 1 / np.sum(shares**2) < LEAST_SPEAKERS / 2:
                return cls(own, "trial", max(1, len(shares)))
        return cls(np.asarray(codes), "speaker")

    @property
    def caution(self) -> str:
        """What is to be said where speakers are too few; else empty."""
        if not self.few:
            return ""
        speakers = "1 speaker is" if self.few == 1 else f"{self.few} speakers are"
        return (
            f"Only {speakers} known in a class, or nearly all of it is one speaker's: "
            "intervals are for more trials of these speakers. Others may lie outside."
        )


class Sample:
    """One system's trials: ranked, counted, and grouped.

    Parameters
    ----------
    scores : numpy.ndarray
        float64 ``[n]``, higher = more spoof-like.
    is_spoof : numpy.ndarray
        bool ``[n]``.
    units : Units
        Who spoke them.
    counted : (Tally, numpy.ndarray), optional
        `Tally.ranked` of the same scores, where that was made before.
    """

    def __init__(
        self,
        scores: Floats,
        is_spoof: npt.NDArray[np.bool_],
        units: Units,
        counted: tuple[Tally, Ints] | None = None,
    ) -> None:
        self.is_spoof, self.units = is_spoof, units
        self.tally, self.level = counted or Tally.ranked(scores, is_spoof)
        self.count = int(units.codes.max()) + 1 if units.unit == "speaker" else len(is_spoof)
        self.weight = self._weights()

    def _weights(self) -> Floats:
        """Weight ``[n]`` of a trial in its class, more where its unit is much of the class.

        Divided by the share of the others, as in the jackknife that leaves the unit out.
        """
        if self.units.unit == "trial":
            n, k = (max(1, count - 1) for count in (self.tally.n_bonafide, self.tally.n_spoof))
            return np.where(self.is_spoof, 1 / k, 1 / n)
        weight = np.empty(len(self.is_spoof))
        for chosen in (~self.is_spoof, self.is_spoof):
            codes = self.units.codes[chosen]
            sizes = np.bincount(codes, minlength=self.count)
            others = len(codes) - sizes
            weight[chosen] = 1 / np.where(others > 0, others, len(codes))[codes]
        return weight

    def sums(self, linear: Linear) -> Floats:
        """What each unit contributes to the figure, ``[units]``, as if it had been left out."""
        moves = np.concatenate((linear.bonafide, linear.spoof))[self._place]
        moves *= self.weight
        if self.units.unit == "trial":
            return moves
        sums = np.bincount(self.units.codes, weights=moves, minlength=self.count)
        return sums.astype(np.float64, copy=False)

    @cached_property
    def _place(self) -> Ints:
        return self.level + self.is_spoof * len(self.tally.values)

    @cached_property
    def freedom(self) -> float:
        """Degrees of freedom: units of the class with fewer, as if they were of equal size, - 1."""
        if self.units.unit == "trial":
            return float(max(1, min(self.sizes) - 1))
        found = []
        for chosen in (~self.is_spoof, self.is_spoof):
            shares = np.bincount(self.units.codes[chosen]) / max(1, chosen.sum())
            found.append(1 / float(np.sum(shares**2)))
        return max(1.0, min(found) - 1)

    @cached_property
    def sizes(self) -> tuple[int, int]:
        """Units of each class, bona fide and spoofed."""
        if self.units.unit == "trial":
            return self.tally.n_bonafide, self.tally.n_spoof
        found = [np.bincount(self.units.codes[c]) for c in (~self.is_spoof, self.is_spoof)]
        return int((found[0] > 0).sum()), int((found[1] > 0).sum())


def codes_of(labels: Sequence[Any]) -> Ints:
    """Labels as numbers from 0; -1 where there is none (None, NaN or "")."""
    import pandas as pd

    series = pd.Series(list(labels), dtype=object)
    codes, _ = pd.factorize(series.where(series != "", None))
    return codes.astype(np.int64)
