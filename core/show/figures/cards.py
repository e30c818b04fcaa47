"""A figure in a box of its own, the same on every page."""

from __future__ import annotations

from typing import Any, Literal

import streamlit as st

from core.evaluate.names import METRICS

INTERVAL = "95 % interval"


def figure_card(
    label: str,
    row: Any,
    *,
    metric: str = "",
    before: str = "",
    after: str = "",
    source: str = "",
    digits: int | None = None,
    width: int | Literal["stretch"] = "stretch",
) -> None:
    """Show one figure with its interval, and what else is to be known of it.

    Parameters
    ----------
    label : str
        What it stands for, in a few words.
    row : Figure, named tuple or Series
        A row of a table of figures: ``value``, ``low`` and ``high``; NaN where there is none.
    metric : str
        Whose unit it has; by default the row says it.
    before, after : str
        Sentences around the interval.
    source : str
        Where the figure comes from, shown on request.
    digits : int, optional
        Behind the point; by default 2 of a percentage and 4 of other figures.
    width : int or {"stretch"}
        Of the box.
    """
    percent = METRICS[metric or row.metric][1] == "%"
    unit = " %" if percent else ""
    digits = (2 if percent else 4) if digits is None else digits
    interval = ""
    if row.low == row.low and row.high == row.high:  # not NaN
        interval = f"{INTERVAL} {row.low:.{digits}f} to {row.high:.{digits}f}{unit}."
    with st.container(border=True, height="stretch", width=width):
        st.markdown(f":small[**{label}**]", help=f"Source: {source}" if source else None)
        shown = f"{row.value:.{digits}f}{unit}" if row.value == row.value else "None"
        st.metric(label, shown, label_visibility="collapsed")
        if said := " ".join(filter(None, (before, interval, after.strip()))):
            st.caption(said)
