"""What a file itself shows, on Detect and Timeline."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import streamlit as st

from core.provenance import watermark
from core.provenance.found import Provenance
from core.show import session
from core.show.markdown import plain
from core.show.provenance import history, signed
from core.show.server.queue import TooBusy
from core.show.widgets import numbers


def first_line(found: Provenance | None, verdict: str) -> None:
    """The line that stands first on the card, where the file says how it was made."""
    said = None if found is None else signed.line(found)
    if found is None or said is None:
        return
    if said.kind == "warning":
        st.warning(plain(said.text), icon=":material/gpp_bad:")
    elif said.vouched:
        st.markdown(f":material/verified: **{plain(said.text)}**")
    else:
        # What nobody vouches for must not look as if somebody did.
        st.markdown(f":material/badge: {plain(said.text)}")
    if against := signed.contradiction(found, verdict):
        st.markdown(f":material/compare_arrows: {plain(against)}")


def details(found: Provenance | None, key: str, look: Callable[[], None]) -> None:
    """Everything the file shows beside its sound; nothing where it shows nothing.

    Parameters
    ----------
    found : Provenance or None
        None where there is no file.
    key : str
        Of the clip.
    look : callable
        Looks for a watermark, where the visitor asks and that can be done here.
    """
    can = not watermark.missing()
    if found is None or (found == Provenance() and not can):
        return
    with st.expander("What the file itself says", icon=":material/history_edu:"):
        if found.credentials is not None:
            st.markdown("**Content Credentials**")
            rows = signed.facts(found.credentials)
            st.markdown("\n".join(f"- {plain(name)}: {plain(value)}" for name, value in rows))
        told = history.history(found)
        for heading, signs in itertools.groupby(told, lambda one: one.heading):
            st.markdown(f"**{heading}**")
            for one in signs:
                st.markdown(f"- **{plain(one.found_at)}** {plain(one.meaning)}")
                st.caption(plain(one.seen))
        if found.personal:
            st.markdown("**Other tags**")
            st.caption("For you alone: they may name people and places, and go into no report "
                       "unless you choose so.")  # fmt: skip
            st.dataframe(
                {"Tag": [k for k, _ in found.personal], "Value": [v for _, v in found.personal]},
                hide_index=True,
            )
        for note in found.notes:
            st.caption(f":material/info: {plain(note)}")
        if can and found.sign(watermark.SIGN) is None:
            _offer(key, look)
        st.caption("The verdict does not change by it.")


def _offer(key: str, look: Callable[[], None]) -> None:
    """A button that looks for a watermark."""
    if not session.pressed(
        "Look for Resemble's watermark",
        icon=":material/water_drop:",
        key=f"detect-watermark-{key}",
        help="PerTh, which Resemble's open models put into the voices they make.",
    ):
        return
    try:
        with st.spinner("Looking for the watermark"):
            look()
    except TooBusy as error:
        st.warning(str(error))
    else:
        st.rerun()


def marks_below(found: Provenance | None) -> None:
    """What the marks in Timeline's picture are, as a list to read."""
    places = history.marks(found)
    if not places:
        return
    with st.expander(f"Marks of the file's history ({len(places)})", icon=":material/flag:"):
        st.caption("Triangles at the lower edge: places to look at, not proof of an edit.")
        st.dataframe(
            {
                "From (s)": [a for a, _, _ in places],
                "To (s)": [b for _, b, _ in places],
                "What": [what for _, _, what in places],
            },
            hide_index=True,
            column_config=numbers("%.3f", "From (s)", "To (s)"),
        )
