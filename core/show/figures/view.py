"""What the pages of figures share: filters, and charts with their downloads."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

import pandas as pd
import streamlit as st

from core.evaluate.names import readable
from core.evaluate.tables import COLUMNS
from core.plain import csv_of
from core.show.documents.chart import image, make_spec
from core.show.figures.charts import AnyChart
from core.show.theme import Palette, system_colours
from core.show.widgets import show_table


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


def colours_of(figures: pd.DataFrame, palette: Palette) -> dict[str, str]:
    """One colour per system on all pages; first those that are often seen together, by attack.

    Differences of two systems are no system and take no colour.
    """
    detailed = figures[~figures["system"].str.contains(" minus ", regex=False)]
    detailed = detailed.assign(rank=detailed["breakdown"] != "attack")
    order = detailed.sort_values("rank", kind="stable")["system"].unique()
    return system_colours(list(order), palette)


def by_benchmark(figures: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Benchmarks one by one: name (with the subset where there are several), slug, figures."""
    for benchmark, part in figures.groupby("benchmark", sort=False):
        for subset, group in part.groupby("subset", sort=False):
            several = part["subset"].nunique() > 1
            name = f"{benchmark}, {subset}" if several else str(benchmark)
            yield name, re.sub(r"[^a-z0-9]+", "-", name.lower()), group


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
    build: Callable[..., AnyChart],
    rows: pd.DataFrame,
    *arguments: Any,
    key: str,
    alt: str,
    on_pick: Callable[[], None] | None = None,
    saved: Sequence[str] = COLUMNS,
    width: Literal["stretch", "content"] = "stretch",
    **options: Any,
) -> None:
    """A chart with a description for screen readers and its downloads.

    Parameters
    ----------
    build : callable
        A builder of `core.show.figures.charts`, called with the rows, arguments and options.
    rows : pandas.DataFrame
        What it shows; also the CSV download.
    key : str
        Unique; also the name of the downloads.
    alt : str
        What a person who cannot see the chart should know.
    on_pick : callable, optional
        Called after a click; the selection is in ``st.session_state[key]``.
    saved : sequence of str
        Columns of the CSV download, as far as the rows have them.
    width : {"stretch", "content"}
        Whether the chart fills the page, or keeps its own width.
    """
    name = f"{build.__module__}.{build.__qualname__}"
    spec = _spec(name, rows, arguments, options, alt, _build=build)
    show_spec(spec, key, lambda: csv(rows, saved), on_pick, width)


def show_spec(
    spec: dict[str, Any],
    key: str,
    data: Callable[[], bytes],
    on_pick: Callable[[], None] | None = None,
    width: Literal["stretch", "content"] = "stretch",
) -> None:
    """A finished chart with its downloads; ``data`` gives its CSV when asked."""
    if on_pick is None:
        st.vega_lite_chart(spec, key=key, width=width)
    else:
        st.vega_lite_chart(spec, key=key, on_select=on_pick, width=width)
    with st.popover("Save", icon=":material/download:", type="tertiary"):
        downloads = (
            ("CSV", "text/csv", data),
            ("PNG", "image/png", lambda: image(spec, "png")),
            ("SVG", "image/svg+xml", lambda: image(spec, "svg")),
        )
        for kind, mime, make in downloads:
            st.download_button(
                kind,
                make,
                file_name=f"{key}.{kind.lower()}",
                mime=mime,
                key=f"{key}-{kind}",
                on_click="ignore",
                type="tertiary",
            )


def _as_text(rows: pd.DataFrame) -> str:
    """Rows for the key of a cache, in a fifth of the time of Streamlit's own hash of them."""
    return rows.to_json(orient="split", double_precision=15)


@st.cache_data(show_spinner=False, max_entries=500, hash_funcs={pd.DataFrame: _as_text})
def _spec(
    name: str,
    rows: pd.DataFrame,
    arguments: tuple[Any, ...],
    options: dict[str, Any],
    alt: str,
    _build: Callable[..., AnyChart],
) -> dict[str, Any]:
    """The chart's Vega-Lite; kept, because Altair needs longer for it than the rest of a page."""
    return make_spec(_build, rows, *arguments, alt=alt, **options)


def csv(rows: pd.DataFrame, columns: Sequence[str] = COLUMNS) -> bytes:
    """Rows as CSV: these columns in order and helpers left out; all where it has none of them."""
    known = [c for c in columns if c in rows]
    return csv_of(rows[known if known else list(rows)]).encode()


def figure_table(rows: pd.DataFrame, *, key: str) -> None:
    """Figures as a table in the order of `COLUMNS`."""
    number = st.column_config.NumberColumn
    show_table(
        readable(rows[[c for c in COLUMNS if c in rows]]),
        key=key,
        placeholder="",
        column_config={
            "value": number("value", format="%.4g"),
            "low": number("low", help="Lower end of the 95 % interval", format="%.4g"),
            "high": number("high", help="Upper end of the 95 % interval", format="%.4g"),
            "bona fide": number(help="Human trials", format="localized"),
            "spoofed": number(help="Spoofed trials", format="localized"),
            "source": st.column_config.TextColumn("source", width="medium"),
        },
    )


def with_lower_headings(markdown: str) -> str:
    """Markdown to sit inside a page: headings two levels lower, no comments; code as it is."""
    lines, code = [], False
    for line in markdown.splitlines():
        code ^= line.lstrip().startswith("```")
        if line.startswith("<!--") and line.endswith("-->") and not code:
            continue
        lines.append(f"##{line}" if line.startswith("#") and not code else line)
    return "\n".join(lines)


def spread(rows: pd.DataFrame) -> str:
    """ "5.24 to 5.42 %" for the values of some EER rows."""
    low, high = rows["value"].min(), rows["value"].max()
    return f"{low:.2f} %" if low == high else f"{low:.2f} to {high:.2f} %"
