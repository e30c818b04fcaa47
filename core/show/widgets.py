"""Widgets that look the same on every page: a table, and a button that hands a file over."""

from __future__ import annotations

from typing import Any

import streamlit as st


def show_table(rows: Any, *, key: str, placeholder: str = "–", **further: Any) -> Any:
    """A table without its index; the rest as `streamlit.dataframe` takes it."""
    return st.dataframe(rows, hide_index=True, placeholder=placeholder, key=key, **further)


def numbers(format: str, *columns: str) -> dict[str, Any]:
    """Columns of numbers of one format, for ``column_config`` of a table."""
    return {name: st.column_config.NumberColumn(format=format) for name in columns}


def save_button(label: str, data: Any, name: str, mime: str, **further: Any) -> None:
    """A button that saves a file; the rest as `streamlit.download_button` takes it."""
    st.download_button(
        label, data, name, mime, icon=":material/download:", on_click="ignore", **further
    )
