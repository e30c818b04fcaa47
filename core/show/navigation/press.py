"""A press of a button counts as a click, also where the page moves the button meanwhile."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any


@functools.cache
def _press() -> Any:
    import streamlit as st

    return st.components.v2.component(
        "spoofscope_press", js=Path(__file__).with_name("press.js").read_text("utf-8")
    )


def keep_presses() -> None:
    """Begin to keep them; before any page is shown, since its visitor may press at once."""
    import streamlit as st

    with st.container(key="press"):  # takes no room, by style.css
        _press()(key="spoofscope-press")
