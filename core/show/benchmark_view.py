"""What the pages of figures share: filters, cards, and charts with their downloads."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

import streamlit as st

from core.show.benchmark_charts import AnyChart, metric_title

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    *("system", "benchmark", "subset", "breakdown", "condition", "metric", "value", "low", "high"),
    *("n_bonafide", "n_spoof", "kind", "source", "note"),
)
"""Columns of a table of figures, in order."""


@dataclass(frozen=True)
class Filters:
    """Values wanted of each column; an empty list wants all."""

    system: Sequence[str] = ()
    benchmark: Sequence[str] = ()
    attack: Sequence[str] = ()
    codec: Sequence[str] = ()
    vocoder: Sequence[str] = ()
    training: Sequence[str] = ()
    bandwidth: Sequence[str] = ()
    kind: Sequence[str] = ()

    def apply(self, figures: pd.DataFrame, *, ignoring: Sequence[str] = ()) -> pd.DataFrame:
        """Rows that have a wanted value in every filtered column."""
        rows = figures
        for column in (f.name for f in fields(self)):
            wanted = getattr(self, column)
            if wanted and column not in ignoring:
                rows = rows[rows[column].isin(list(wanted))]
        return rows


def by_attack(figures: pd.DataFrame, filters: Filters) -> pd.DataFrame:
    """Figures of single attacks, or of attacks through the wanted codecs if any are wanted."""
    through = bool(filters.codec or filters.bandwidth)
    rows = figures[figures["breakdown"] == ("attack-codec" if through else "attack")]
    return filters.apply(rows, ignoring=("attack", "vocoder"))


def by_codec(figures: pd.DataFrame, filters: Filters) -> pd.DataFrame:
    """Figures of single codecs, or of the wanted attacks through each codec if any are wanted."""
    through = bool(filters.attack or filters.training)
    rows = figures[figures["breakdown"] == ("attack-codec" if through else "codec")]
    return filters.apply(rows, ignoring=("codec", "vocoder"))


def show_chart(
    chart: AnyChart,
    rows: pd.DataFrame,
    key: str,
    alt: str,
    on_pick: Callable[[], None] | None = None,
) -> None:
    """A chart with a description for screen readers and its downloads.

    Parameters
    ----------
    chart : altair.Chart
        From `core.show.benchmark_charts`.
    rows : pandas.DataFrame
        What it shows, for the CSV download.
    key : str
        Unique; also the name of the downloads.
    alt : str
        What a person who cannot see the chart should know.
    on_pick : callable, optional
        Called after a click; the selection is in ``st.session_state[key]``.
    """
    chart = chart.properties(description=alt)  # in the page's markup and in what is saved
    if on_pick is None:
        st.altair_chart(chart, key=key)
    else:
        st.altair_chart(chart, key=key, on_select=on_pick)
    with st.popover("Save", icon=":material/download:", type="tertiary"):
        downloads = (
            ("CSV", "text/csv", lambda: csv(rows)),
            ("PNG", "image/png", lambda: image(chart, "png")),
            ("SVG", "image/svg+xml", lambda: image(chart, "svg")),
        )
        for name, mime, make in downloads:
            st.download_button(
                name,
                make,
                file_name=f"{key}.{name.lower()}",
                mime=mime,
                key=f"{key}-{name}",
                on_click="ignore",
                type="tertiary",
            )


def image(chart: AnyChart, format: Literal["png", "svg"]) -> bytes:
    """The chart as PNG or SVG on the page's light background, at a fixed width."""
    file = io.BytesIO() if format == "png" else io.StringIO()
    chart.properties(width=640, background="#FFFFFF", padding=16).save(
        file, format=format, scale_factor=2
    )
    content = file.getvalue()
    return content if isinstance(content, bytes) else content.encode()


def csv(rows: pd.DataFrame) -> bytes:
    """Rows as CSV, the columns of `COLUMNS` first and helpers left out."""
    known = [c for c in COLUMNS if c in rows]
    return rows[known if known else list(rows)].to_csv(index=False).encode()


def figure_table(rows: pd.DataFrame, key: str) -> None:
    """Figures as a table in the order of `COLUMNS`."""
    number = st.column_config.NumberColumn
    st.dataframe(
        rows[list(COLUMNS)],
        hide_index=True,
        key=key,
        column_config={
            "value": number("value", format="%.4g"),
            "low": number("low", help="Lower end of the 95 % interval", format="%.4g"),
            "high": number("high", help="Upper end of the 95 % interval", format="%.4g"),
            "n_bonafide": number("bona fide", help="Human trials", format="localized"),
            "n_spoof": number("spoofed", help="Spoofed trials", format="localized"),
            "source": st.column_config.TextColumn("source", width="medium"),
        },
    )


def figure_card(label: str, row: Any) -> None:
    """One figure with its subset, interval, caveat and source.

    Parameters
    ----------
    label : str
        What it stands for, in a few words.
    row : named tuple or Series
        A row of the figures.
    """
    unit = " %" if row.metric == "eer" else ""
    with st.container(border=True, height="stretch"):
        st.metric(label, f"{row.value:.2f}{unit}", help=f"{metric_title(row.metric)}: {row.system}")
        known = row.low == row.low and row.high == row.high
        interval = f"95 % interval {row.low:.2f} to {row.high:.2f}{unit}. " if known else ""
        note = f"{row.note} " if row.note else ""
        st.caption(
            f"{row.benchmark}, {row.subset}. {interval}{note}{row.kind.capitalize()}; "
            f"source: {row.source}."
        )


def spread(rows: pd.DataFrame) -> str:
    """ "5.24 to 5.42 %" for the values of some EER rows."""
    low, high = rows["value"].min(), rows["value"].max()
    return f"{low:.2f} %" if low == high else f"{low:.2f} to {high:.2f} %"
