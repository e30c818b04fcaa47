"""What may be wrong with a visitor's score files, listed on the page."""

from __future__ import annotations

from collections.abc import Collection

import streamlit as st

from core.evaluate.trials import Problem
from core.show.markdown import plain


def problems(found: Collection[Problem]) -> None:
    """List what readers of the files noted; nothing where they noted nothing."""
    if found:
        things = "1 thing" if len(found) == 1 else f"{len(found)} things"
        many = f"{things} to know about these files"
        with st.expander(many, expanded=True, icon=":material/warning:"):
            st.markdown("\n".join(f"- {plain(p.sentence)}" for p in found))


def refusal(error: ValueError) -> None:
    """Say why files cannot be used, after what a `TrialsError` says was left out before."""
    problems(getattr(error, "problems", ()))
    st.error(plain(str(error)), icon=":material/error:")
