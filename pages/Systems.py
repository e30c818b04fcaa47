"""Systems: what detectors reach on which corpora, as their authors or others print it."""

from __future__ import annotations

import streamlit as st

from core.evaluate import arena
from core.show import cache
from core.show.navigation.link import copy_link
from core.show.systems import view, words

st.title("Systems", anchor=False)
st.markdown(words.INTRODUCTION)
systems = cache.table("arena_systems")
figures = arena.joined(cache.table("arena"), systems, cache.table("arena_corpora"))

view.check_address(figures)
shown = st.segmented_control(
    "View", words.VIEWS, default=words.VIEWS[0], required=True, key="arena", bind="query-params"
)
with st.container(border=True):
    rows, which = view.filtered(figures, all_stand=shown == "Contradictions")
    if shown in ("Heat map", "Table"):
        arranged = view.arranged(rows, figures, which)
        if arranged is not None:
            st.caption(words.order(arranged.ranking, arranged.over))
copy_link("systems-link")

if shown in ("Heat map", "Table"):
    if arranged is None:
        view.nothing()
    elif shown == "Heat map":
        view.heat_map(arranged)
    else:
        view.table(arranged, systems)
elif rows.empty:
    view.nothing()
elif shown == "Generalisation":
    view.generalisation(rows, which)
else:
    view.contradictions(rows)

st.caption(
    f"{words.counted(figures)} Published: by the system's authors. Reported by others: somebody "
    "else ran it. Rows and columns keep the names that their sources print, so a corpus may stand "
    "under two."
)
