"""What a page's address remembers of its visitor's clip: which example, or that there was one.

A clip lives in the memory of one visit. A reload begins another, so the address is all that can
say what was lost; it never says more of a visitor's own clip than that there was one.
"""

from __future__ import annotations

import streamlit as st

from core.show import session

GONE = (
    "The clip that was here is gone: it was kept for one visit only, and this page was loaded "
    "again. Bring the file or the recording once more."
)
"""What to say where `lost` is true."""

_KEPT = "kept"


def follow() -> None:
    """Bring the address in step with the chosen clips: call it where a page shows them."""
    examples = {entry.example for entry in session.entries()}
    if len(examples) == 1 and all(examples):
        forget()
        st.query_params["example"] = str(*examples)
    elif examples:
        st.query_params.pop("example", None)
        remember()


def remember() -> None:
    """Note that something of the visitor's own is here."""
    if _KEPT not in st.query_params:
        st.query_params[_KEPT] = "1"


def forget() -> None:
    """Note that nothing is here any more, by the visitor's will."""
    st.query_params.pop(_KEPT, None)


def lost() -> bool:
    """Whether the address speaks of something that this visit does not have."""
    return _KEPT in st.query_params and not session.entries() and not session.arrivals()
