"""What a file itself shows, on Detect and Timeline."""

from __future__ import annotations

import streamlit as st

from core.provenance.found import Provenance
from core.show.markdown import plain
from core.show.provenance import history, signed

_ICONS = {
    "synthetic": ":material/verified:",
    "recorded": ":material/verified:",
    "neutral": ":material/badge:",
    "warning": ":material/gpp_bad:",
}


def first_line(found: Provenance | None, verdict: str) -> None:
    """The line that stands first on the card, where the file proves or declares anything."""
    said = None if found is None else signed.line(found)
    if found is None or said is None:
        return
    if said.kind == "warning":
        st.warning(plain(said.text), icon=_ICONS["warning"])
    else:
        strong = "**" if said.kind != "neutral" else ""
        st.markdown(f"{_ICONS[said.kind]} {strong}{plain(said.text)}{strong}")
    if against := signed.contradiction(found, verdict):
        st.markdown(f":material/compare_arrows: {plain(against)}")


def details(found: Provenance | None) -> None:
    """Everything the file shows beside its sound; nothing where it shows nothing."""
    if found is None or found == Provenance():
        return
    with st.expander("What the file itself says", icon=":material/history_edu:"):
        if found.credentials is not None:
            st.markdown("**Content Credentials**")
            rows = signed.facts(found.credentials)
            st.markdown("\n".join(f"- {plain(name)}: {plain(value)}" for name, value in rows))
        told = history.history(found)
        if told:
            st.markdown("**History**")
        for one in told:
            places = f" {plain(where(one))}" if one.places else ""
            st.markdown(f"- **{plain(one.found)}**{places} {plain(one.meaning)}")
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
        st.caption("The verdict does not change by it. No watermark is looked for.")


def where(one: history.Told, most: int = 4) -> str:
    """Places of a sign in words."""
    shown = ", ".join(f"{start:.2f}" for start, _ in one.places[:most])
    more = f" and {len(one.places) - most} more" if len(one.places) > most else ""
    return f"(at {shown} s{more})"


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
            column_config={
                name: st.column_config.NumberColumn(format="%.3f")
                for name in ("From (s)", "To (s)")
            },
        )
