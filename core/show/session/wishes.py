"""A click that counts until a run of its page has come to the button.

What a button returns is lost where another run overtakes the one that was to see it, or where that
one ends early: a queue is full, or something of the page reports itself.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.show.session.clips import session_dict


def pressed(label: str, *, key: str, in_form: bool = False, **look: Any) -> bool:
    """Draw a button; whether it was clicked, told once.

    Parameters
    ----------
    label, key
        As of `st.button`.
    in_form : bool
        Whether it is the one that submits the form around it.
    **look
        Passed on to Streamlit.
    """
    draw = st.form_submit_button if in_form else st.button
    draw(label, key=key, on_click=wish, args=(key,), **look)
    return bool(session_dict("wishes").pop(key, False))


def wish(key: str) -> None:
    """Note a click, or note it again where what it asked for was refused for now."""
    session_dict("wishes")[key] = True


def forget_wishes() -> None:
    """Drop what no button of a page that was drawn to its end took up."""
    session_dict("wishes").clear()
