"""A score file's trials, ready for metrics: all of them, and parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from core.evaluate.metrics import (
    ASVSPOOF5,
    Costs,
    Floats,
    Higher,
    Ints,
    Tally,
    TandemConstants,
)
from core.evaluate.sample import Sample, Units
from core.evaluate.tables.figures import SCORE_FILE
from core.evaluate.trials import AsvScores, Trials

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Settings:
    """What a reader may choose.

    Attributes
    ----------
    costs : Costs
        The reader's own prior and costs; those of ASVspoof 5 are always given as well.
    tandem : TandemConstants or None
        Constants of the tandem cost, where the verification system's error rates are known.
    asv : AsvScores or None
        Its scores, where they are known: for t-EER, and a-DCF of the tandem.
    """

    costs: Costs = ASVSPOOF5
    tandem: TandemConstants | None = None
    asv: AsvScores | None = None


@dataclass(frozen=True, eq=False)
class Prepared:
    """Trials of both classes, ready to be counted.

    Attributes
    ----------
    table : pandas.DataFrame
        As in `Trials`; the scores as given, the index holds line numbers.
    higher : {"spoof", "bonafide"}
        Which way the given scores run.
    scores : numpy.ndarray
        float64 ``[n]``, higher = more spoof-like.
    is_spoof : numpy.ndarray
        bool ``[n]``.
    """

    table: pd.DataFrame
    higher: Higher
    scores: Floats
    is_spoof: npt.NDArray[np.bool_]

    @cached_property
    def speakers(self) -> Ints | None:
        """Code of each trial's speaker, -1 where it is not known; None without such a column."""
        return self.codes("speaker")[0] if "speaker" in self.table else None

    @property
    def unit(self) -> str:
        """Of what others would be drawn: ``speaker`` or ``trial``."""
        return self.everything.units.unit

    @property
    def about_intervals(self) -> str:
        """What the intervals stand for, in sentences."""
        units = self.everything.units
        if units.caution:
            return units.caution
        if units.unit == "speaker":
            return "95 % intervals are for other speakers: trials of one speaker count together."
        return "95 % intervals are for more such trials, which count as independent of each other."

    def codes(self, column: str) -> tuple[Ints, list[str]]:
        """Values of an attribute as numbers (-1 where there is none) with their names."""
        if column not in self._codes:
            values = self.table[column].astype("category")
            codes = values.cat.codes.to_numpy().astype(np.int64)
            names = [str(c) for c in values.cat.categories]
            empty = [i for i, name in enumerate(names) if name.strip() in ("", "-", "nan")]
            if empty:
                codes = np.where(np.isin(codes, empty), -1, codes)
            present = np.unique(codes[codes >= 0])
            codes = np.where(codes < 0, -1, np.searchsorted(present, codes))
            self._codes[column] = (np.asarray(codes), [names[i] for i in present])
        return self._codes[column]

    @cached_property
    def _codes(self) -> dict[str, tuple[Ints, list[str]]]:
        return {}

    def part(self, chosen: npt.NDArray[np.bool_]) -> Part:
        """Scores and units of some trials."""
        speakers = None if self.speakers is None else self.speakers[chosen]
        return Part(self.scores[chosen], self.is_spoof[chosen], speakers)

    @cached_property
    def everything(self) -> Part:
        """All trials."""
        return Part(self.scores, self.is_spoof, self.speakers)


@dataclass(frozen=True, eq=False)
class Part:
    """Scores (towards spoof), truth and speaker (-1: not known) of some trials."""

    scores: Floats
    is_spoof: npt.NDArray[np.bool_]
    speakers: Ints | None

    @property
    def tally(self) -> Tally:
        """Both classes, sorted and grouped."""
        return self._counted[0]

    @cached_property
    def _counted(self) -> tuple[Tally, Ints]:
        return Tally.ranked(self.scores, self.is_spoof)

    @cached_property
    def units(self) -> Units:
        """Whose trials they are."""
        return Units.of(self.speakers, self.is_spoof)

    @cached_property
    def sample(self) -> Sample:
        """The trials for intervals by what they have in common."""
        return Sample(self.scores, self.is_spoof, self.units, self._counted)


def prepare(trials: Trials, higher: Higher) -> Prepared:
    """Take scored and labelled trials whose scores run a known way.

    Raises
    ------
    TrialsError
        If labels or scores are missing, or only one class is there.
    """
    trials.split()  # its checks
    table = trials.table
    scores = table["score"].to_numpy(dtype=np.float64)
    is_spoof = (table["label"] == "spoof").to_numpy(dtype=bool)
    return Prepared(table, higher, scores if higher == "spoof" else -scores, is_spoof)


def as_frame(rows: list[dict[str, Any]], columns: Sequence[str] = SCORE_FILE) -> pd.DataFrame:
    """Rows as a table of these columns, what is no number yet as NaN."""
    import pandas as pd

    frame = pd.DataFrame(rows, columns=list(columns))
    numbers = [c for c in ("value", "low", "high", "threshold") if c in frame]
    return frame.astype(dict.fromkeys(numbers, float))
