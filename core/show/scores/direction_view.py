"""Which way scores run: said, with how it was found, and chosen."""

from __future__ import annotations

import streamlit as st

from core.evaluate.metrics import Higher
from core.evaluate.trials import WAYS, Direction
from core.show.markdown import plain

FOUND = "found"
"""The choice that leaves it to the name of the scores or to the labels."""


def choice(key: str, label: str, found: Direction) -> Higher | None:
    """A field that asks which way scores run.

    Parameters
    ----------
    key : str
        Of the widget.
    label : str
        Over it.
    found : Direction
        Where nothing is stated.

    Returns
    -------
    {"spoof", "bonafide"} or None
        What the visitor stated; None where they leave it as it was found.
    """
    source = {"labels": "from the labels", "name": "from its name", "stated": "as the first"}
    first = f"{WAYS[found.higher]} ({source[found.how]})"
    ways: dict[str, Higher] = {way: way for way in WAYS}
    chosen = st.radio(
        label,
        [FOUND, *ways],
        format_func=lambda way: WAYS[ways[way]] if way in ways else first,
        horizontal=True,
        key=key,
        help="Scores are never changed: thresholds are in the direction of your file.",
    )
    return ways.get(str(chosen))


def caution(found: Direction) -> None:
    """What is to be said against the direction, or how it was found."""
    said = found.caution()
    if said:
        hint = " State it above, if you know it." if found.how == "labels" else ""
        st.warning(plain(said + hint), icon=":material/swap_vert:")
    else:
        words = found.in_words()
        st.caption(f"{plain(words[0].upper() + words[1:])}. Nothing was flipped.")
