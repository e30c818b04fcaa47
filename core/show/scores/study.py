"""One score file under one direction, prior and costs: its figures, each computed once."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import streamlit as st

from core.evaluate import analysis
from core.evaluate.names import OF_SCORES, metric_name
from core.evaluate.names import readable as named
from core.evaluate.trials import Direction, Problem, Trials
from core.show.scores.files import ScoreFile, remembered
from core.show.theme import Palette, palette

if TYPE_CHECKING:
    import pandas as pd

SYSTEM = "Your file"


@dataclass(frozen=True, eq=False)
class Study:
    """What the views of Your scores show.

    Attributes
    ----------
    file : ScoreFile
        The visitor's.
    trials : Trials
        With labels.
    found : Direction
        What a higher score means, and how that is known.
    read : list of str
        Which column of which file is what, a sentence per file.
    settings : core.evaluate.analysis.Settings
        Prior, costs, and what t-DCF needs.
    of : tuple
        What the trials and their direction depend on: results are kept under it.
    """

    file: ScoreFile
    trials: Trials
    found: Direction
    read: list[str]
    settings: analysis.Settings
    of: tuple[Hashable, ...]

    @cached_property
    def data(self) -> analysis.Prepared:
        """The trials, ready for metrics."""
        return remembered(
            "prepare", *self.of, make=lambda: analysis.prepare(self.trials, self.found.higher)
        )

    @cached_property
    def whole(self) -> analysis.Overall:
        """Figures of all trials."""
        with st.spinner("Computing figures and their intervals"):
            return remembered(
                "overall",
                *self.of,
                self.settings,
                make=lambda: analysis.overall(self.data, self.settings),
            )

    @cached_property
    def figures(self) -> pd.DataFrame:
        """Figures of all trials by metric."""
        return self.whole.figures.set_index("metric")

    @cached_property
    def counts(self) -> tuple[int, int]:
        """Bona fide and spoofed trials."""
        bona, spoof = (int(self.figures[c].iloc[0]) for c in ("n_bonafide", "n_spoof"))
        return bona, spoof

    @cached_property
    def columns(self) -> list[str]:
        """What the trials can be broken down by."""
        return remembered("attributes", *self.of, make=lambda: analysis.attributes(self.data))

    @cached_property
    def problems(self) -> list[Problem]:
        """What is to be known of the files."""
        odd = remembered("suspicions", *self.of, make=lambda: analysis.suspicions(self.data))
        asv = self.settings.asv
        verification = asv.problems if asv else ()
        return [*self.trials.problems, *verification, *odd]

    @property
    def colours(self) -> Palette:
        """The page's palette."""
        return palette()

    @property
    def prior(self) -> str:
        """The prior, in percent."""
        return f"{100 * self.settings.costs.p_spoof:g} %"

    def by(self, *names: str) -> pd.DataFrame:
        """Figures by one column, or by two."""
        return remembered(
            "by",
            names,
            *self.of,
            self.settings,
            make=lambda: analysis.by_column(self.data, names, self.settings.asv),
        )

    def charted(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Figures in the columns that the charts of benchmarks take."""
        return rows.dropna(subset="value").assign(
            system=SYSTEM,
            benchmark=self.file.name,
            kind="measured",
            source=f"{self.file.name}, evaluated here",
        )

    def trade_off(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The DET curve with its band, and the points marked on it."""
        marks = analysis.operating_points(self.data.everything.tally, self.settings.costs)
        marks.insert(0, "system", SYSTEM)
        return self.whole.det.assign(system=SYSTEM), marks


def readable(rows: pd.DataFrame) -> pd.DataFrame:
    """Figures with the metrics' names; conditions are called as the visitor's file calls them."""
    return named(rows, ["metric"])


def wide(figures: pd.DataFrame, by: str) -> pd.DataFrame:
    """Figures as one row per system or data set, with the EER's interval in words."""
    order = list(dict.fromkeys(figures[by]))
    kept = figures[figures["metric"].isin(OF_SCORES)]
    table = kept.pivot(index=by, columns="metric", values="value").loc[order, list(OF_SCORES)]
    table = table.rename(columns=metric_name)
    eers = kept[kept["metric"] == "eer"].set_index(by).loc[order]
    ends = [
        "none" if low != low else f"{low:.2f} to {high:.2f}"
        for low, high in zip(eers["low"], eers["high"], strict=True)
    ]
    table.insert(1, "95 %", ends)
    return table.reset_index()
