"""A history in which every choice of a visitor is an entry, so that Back undoes one choice."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any


@functools.cache
def _history() -> Any:
    import streamlit as st

    return st.components.v2.component(
        "spoofscope_history", js=Path(__file__).with_name("history.js").read_text("utf-8")
    )


def keep_history(pages: Sequence[str]) -> None:
    """Begin to keep it; before any page is shown, since its visitor may choose at once.

    Parameters
    ----------
    pages : sequence of str
        The last part of the address of every page.
    """
    import streamlit as st

    with st.container(key="history"):  # takes no room, by style.css
        _history()(key="spoofscope-history", data={"pages": list(pages)})
