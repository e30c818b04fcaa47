"""What may be wrong with a visitor's score files, listed on the page."""

from __future__ import annotations

import streamlit as st

from core.show.markdown import plain


def problems(sentences: list[str]) -> None:
    """List what readers of the files noted; nothing where they noted nothing."""
    if sentences:
        things = "1 thing" if len(sentences) == 1 else f"{len(sentences)} things"
        many = f"{things} to know about these files"
        with st.expander(many, expanded=True, icon=":material/warning:"):
            st.markdown("\n".join(f"- {plain(s)}" for s in sentences))
