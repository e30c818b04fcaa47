"""The tables of Benchmarks under what the visitor chose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING

import streamlit as st

from core.evaluate.names import BENCHMARKS, COMPARED, SYSTEMS, bare, condition_name
from core.show import cache
from core.show.figures import charts
from core.show.figures.known_detectors import in_tables
from core.show.figures.view import Filters, colours_of
from core.show.navigation import choices
from core.show.theme import Palette, palette

if TYPE_CHECKING:
    import pandas as pd

FOCUS = "wav2vec2-base stage 2 (published)"
"""The system whose figures stand on cards where none is chosen."""

MORE = {
    "attack": "Attacks",
    "codec": "Codecs",
    "vocoder": "Vocoders",
    "training": "Attack's algorithm in training",
    "bandwidth": "Bandwidth",
    "kind": "Kind of figure",
}
"""Further filters: column and label."""

COSTS: dict[str, choices.Numbers] = {
    "prior": (0.5, 99.5),
    "cost_missed_fake": range(1, 101),
    "cost_false_accusation": range(1, 101),
}
"""Keys of the sliders of prior and costs, and what they take."""

OLD_COSTS = {"c_fa": "cost_missed_fake", "c_miss": "cost_false_accusation"}
"""What costs were called in addresses, and what their fields are called."""


@dataclass(eq=False)
class Book:
    """What the views show.

    Attributes
    ----------
    figures, attacks, codecs, vocoders, benchmarks, corrections, det, paired : pandas.DataFrame
        Tables of data/results.
    filters : Filters
        What the visitor chose.
    metric : str
        By which figures are compared.
    drawn : list of pandas.DataFrame
        The rows behind the charts of a view, in order; `show` adds to them.
    """

    figures: pd.DataFrame
    attacks: pd.DataFrame
    codecs: pd.DataFrame
    vocoders: pd.DataFrame
    benchmarks: pd.DataFrame
    corrections: pd.DataFrame
    det: pd.DataFrame
    paired: pd.DataFrame
    filters: Filters = field(default_factory=Filters)
    metric: str = "eer"
    drawn: list[pd.DataFrame] = field(default_factory=list)

    @classmethod
    def load(cls) -> Book:
        """The tables, nothing chosen yet.

        Raises
        ------
        core.evaluate.tables.TableError
            If one cannot be read.
        """
        names = ("attacks", "codecs", "vocoders", "benchmarks", "corrections", "det", "paired")
        return cls(cache.figures(), *map(cache.table, names))

    @property
    def colours(self) -> Palette:
        """The page's palette."""
        return palette()

    @cached_property
    def system_colours(self) -> dict[str, str]:
        """One colour per system."""
        return colours_of(self.figures, self.colours)

    @property
    def rows(self) -> pd.DataFrame:
        """Figures of the chosen metric."""
        return self.figures[self.figures["metric"] == self.metric]

    def wanted(self, rows: pd.DataFrame) -> dict[str, list[str]]:
        """By which columns of these rows a chart keeps bright what was chosen."""
        known = [c for c in ("attack", "codec", "vocoder") if (rows[c] != "").any()]
        return {c: list(getattr(self.filters, c)) for c in known}

    def show(self, rows: pd.DataFrame) -> None:
        """Note rows that a chart shows, for the table below the charts."""
        self.drawn.append(rows)

    def table(self) -> tuple[pd.DataFrame, int] | None:
        """The rows that were chosen of those drawn, and how many are drawn; None without any."""
        import pandas as pd

        drawn = [rows for rows in self.drawn if len(rows)]
        if not drawn:
            return None
        chosen = [rows[~charts.unchosen(rows, self.wanted(rows))] for rows in drawn]
        every, bright = (
            pd.concat(frames).loc[lambda t: ~t.index.duplicated()] for frames in (drawn, chosen)
        )
        return bright, len(every)

    @property
    def of_metric(self) -> str:
        """The chosen metric's name."""
        return bare(self.metric)

    @cached_property
    def vocoder_names(self) -> dict[str, str]:
        """Vocoders as people call them."""
        return {r.vocoder: r.name for r in self.vocoders.itertuples()}

    @cached_property
    def codec_names(self) -> dict[str, str]:
        """Codecs as people call them."""
        return {codec: condition_name(codec) for codec in self.codecs["codec"]}

    @cached_property
    def attack_names(self) -> dict[str, str]:
        """Attacks, with the one whose algorithm they share."""
        return {
            r.attack: f"{r.attack} (as {r.same_as})" if r.same_as else r.attack
            for r in self.attacks.itertuples()
        }

    @cached_property
    def compared(self) -> list[str]:
        """Systems whose score files are public."""
        return list(dict.fromkeys([*self.paired["first"], *self.paired["second"]]))

    @cached_property
    def measures(self) -> list[str]:
        """Metrics that have figures."""
        known = set(self.figures["metric"])
        return [m for m in COMPARED if m in known]

    def values(self, column: str) -> list[str]:
        """What a column holds."""
        return [v for v in self.figures[column].unique() if v]

    def named(self, value: str) -> str:
        """A vocoder or codec as people call it; of other columns the value itself."""
        return self.vocoder_names.get(value, self.codec_names.get(value, value))

    def check_address(self, views: tuple[str, ...], cells: tuple[str, ...]) -> None:
        """Let addresses name what is chosen by key or by label, and costs as they once did."""
        columns = [f.name for f in fields(Filters)]
        systems = SYSTEMS | in_tables()
        choices.check(
            {name: choices.names_of(self.values(name), self.named) for name in columns}
            | {
                "system": choices.names_of(self.values("system"), also=systems),
                "compare": choices.names_of(self.values("system"), also=systems),
                "benchmark": choices.names_of(self.values("benchmark"), also=BENCHMARKS),
                "compare_on": choices.names_of(self.values("benchmark"), also=BENCHMARKS),
                "metric": choices.names_of(self.measures, bare),
                "view": choices.names_of(views),
                "cells": choices.names_of(cells),
                "first": choices.names_of(self.compared, also=systems),
                "second": choices.names_of(self.compared, also=systems),
            },
            numbers=COSTS,
            many=(*columns, "compare"),
            old=OLD_COSTS,
        )

    def ask(self) -> None:
        """Fields for the metric and the filters."""
        with st.container(border=True):
            first, second, third = st.columns([2, 2, 1])
            wanted = {
                "system": self._choice(first, "Systems", "system"),
                "benchmark": self._choice(second, "Benchmarks", "benchmark"),
            }
            self.metric = third.selectbox(
                "Metric", self.measures, format_func=bare, key="metric", bind="query-params"
            )
            with st.expander("More filters: attack, codec, vocoder, training, bandwidth, kind"):
                boxes = st.columns(3) * 2
                for box, (column, label) in zip(boxes, MORE.items(), strict=True):
                    wanted[column] = self._choice(box, label, column, ordered=True)
            self.filters = Filters(**wanted)
            active = [self.named(v) for f in fields(Filters) for v in getattr(self.filters, f.name)]
            left, right = st.columns([4, 1], vertical_alignment="center")
            left.caption(f"Filtered by: {', '.join(active)}." if active else "Nothing filtered.")
            right.button("Reset", on_click=_reset, icon=":material/restart_alt:",
                         disabled=not active)  # fmt: skip

    def _choice(
        self, box: st.delta_generator.DeltaGenerator, label: str, column: str, ordered: bool = False
    ) -> list[str]:
        values = self.values(column)
        return box.multiselect(
            label,
            sorted(values) if ordered else values,
            format_func=self.named,
            key=column,
            bind="query-params",
            placeholder="All",
        )


def nothing(of_metric: str) -> None:
    """Say that no figure is left."""
    st.info(
        f"No {of_metric} matches these filters. Remove one, or press Reset.",
        icon=":material/filter_alt_off:",
    )


def picks(key: str, *columns: str) -> Callable[[], None]:
    """After a click in a chart, its selection becomes the filter of these columns."""

    def take() -> None:
        points = st.session_state[key]["selection"].get(charts.PICK, [])
        for column in columns:
            st.session_state[column] = sorted({p[column] for p in points if p.get(column)})

    return take


def _reset() -> None:
    for one in fields(Filters):
        st.session_state[one.name] = []
    st.session_state["metric"] = "eer"
