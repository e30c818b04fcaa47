"""How often each sign of a file's history is met: the table behind the words on Detect."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.evaluate.names import condition_name
from core.show import cache
from core.show.provenance.history import SUGGESTS_SOURCES, SUGGESTS_TIMES, name_of


def watermark_found() -> None:
    """How surely Resemble's watermark is found, as it is and after what happens to sound."""
    table = cache.table("watermark")
    st.header("Resemble's watermark", anchor=False)
    st.caption(
        "PerTh, looked for on request: in clips by Resemble's own model, in human clips marked "
        "here, and in those that are not. Of each clip the first eight seconds. Measured by "
        f"`{table['source'].iloc[0]}`."
    )
    shown = pd.DataFrame(
        {
            "clips": table["clips"],
            "after": table["condition"].map(condition_name),
            "clips, n": table["n"],
            "found": table["found"],
            "found, %": (100 * table["share"]).round(1),
            "95 %": [
                f"{100 * low:.1f} to {100 * high:.1f}"
                for low, high in zip(table["low"], table["high"], strict=True)
            ],
            "collections": table["sources"],
        }
    )
    st.dataframe(shown, hide_index=True, key="hood-watermark")


def signs_of_history() -> None:
    """Shares of human and synthetic test clips with each sign."""
    table = cache.table("provenance").set_index("sign")
    st.header("Signs of a file's history", anchor=False)
    if "any" not in table.index:
        st.caption("The table data/results/provenance.csv names no clips.")
        return
    clips = table.loc["any"]
    table = table.drop("any")
    st.caption(
        f"In {clips['n_bonafide']:,} human and {clips['n_spoof']:,} synthetic test clips of "
        f"{clips['sources_bonafide']} and {clips['sources_spoof']} collections. Detect tells a "
        f"sign as a suggestion only where the shares are surely {SUGGESTS_TIMES:g} times apart and "
        f"it was met in {SUGGESTS_SOURCES} collections. Measured by `{clips['source']}`."
    )
    shares = {
        f"{word}, %": (100 * table[f"share_{label}"]).round(1)
        for label, word in (("bonafide", "human"), ("spoof", "synthetic"))
    }
    intervals = {
        f"{word}, 95 %": [
            f"{100 * low:.1f} to {100 * high:.1f}"
            for low, high in zip(table[f"low_{label}"], table[f"high_{label}"], strict=True)
        ]
        for label, word in (("bonafide", "human"), ("spoof", "synthetic"))
    }
    shown = pd.DataFrame({"sign": list(map(name_of, table.index))}, index=table.index)
    shown = shown.assign(**shares, **intervals)
    shown["collections, human"] = table["sources_bonafide"]
    shown["collections, synthetic"] = table["sources_spoof"]
    st.dataframe(
        shown.sort_values("synthetic, %", ascending=False), hide_index=True, key="hood-signs"
    )
