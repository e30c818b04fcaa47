"""Which page a visitor is on."""

import streamlit as st

_SHOWN = "spoofscope.shown"


def note_page(address: str) -> None:
    """Note which page is being run, before it is.

    Parameters
    ----------
    address : str
        The last part of its address, such as ``live``.
    """
    st.session_state[_SHOWN] = address


def shown_page() -> str:
    """The page that was run last, which callbacks find; empty where one is run by itself."""
    return str(st.session_state.get(_SHOWN, ""))
