"""The tables that the chapters are told from, and the claims that open to their evidence."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import streamlit as st

from core.show import cache
from core.show.theme import Palette, palette

if TYPE_CHECKING:
    import pandas as pd

SYSTEM = "wav2vec2-base stage 2 (published)"
RIVAL = "AASIST"
DEV, EVAL = "ASVspoof 2019 LA dev", "ASVspoof 2019 LA eval"
CODECS, FOREIGN = "ASVspoof 2021 LA eval", "WaveFake"


@dataclass(frozen=True, eq=False)
class Story:
    """What the chapters show.

    Attributes
    ----------
    figures, attacks, vocoders, benchmarks, corrections, history : pandas.DataFrame
        Tables of data/results.
    """

    figures: pd.DataFrame
    attacks: pd.DataFrame
    vocoders: pd.DataFrame
    benchmarks: pd.DataFrame
    corrections: pd.DataFrame
    history: pd.DataFrame

    @classmethod
    def load(cls) -> Story:
        """The story from the tables.

        Raises
        ------
        core.evaluate.tables.TableError
            If one cannot be read.
        """
        names = ("attacks", "vocoders", "benchmarks", "corrections", "training_history")
        return cls(cache.figures(), *map(cache.table, names))

    @cached_property
    def of_system(self) -> pd.DataFrame:
        """Figures of the published system."""
        return self.figures[self.figures["system"] == SYSTEM]

    def by(self, breakdown: str) -> pd.DataFrame:
        """Equal error rates of the published system by something."""
        own = self.of_system
        return own[(own["breakdown"] == breakdown) & (own["metric"] == "eer")]

    @property
    def colours(self) -> Palette:
        """The page's palette."""
        return palette()

    def eer(self, benchmark: str, condition: str = "all", system: str = SYSTEM) -> float:
        """One equal error rate, in percent."""
        figures = self.figures
        rows = figures[
            (figures["system"] == system)
            & (figures["benchmark"] == benchmark)
            & (figures["condition"] == condition)
            & (figures["metric"] == "eer")
        ]
        return float(rows["value"].iloc[0])

    def evidence(self, *ids: str) -> None:
        """What is often claimed, what is right, and why, one below the other."""
        for claim in self.corrections[self.corrections["id"].isin(ids)].itertuples():
            with st.expander(f"Often claimed: {claim.claim}", icon=":material/fact_check:"):
                st.markdown(
                    f"**Right:** {claim.right}\n\n**Evidence:** {claim.evidence}\n\n"
                    f":small[Source: {claim.source}]"
                )
