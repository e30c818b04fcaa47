"""Benchmarks: compare detectors by attack, codec and corpus, every figure with its source."""

from __future__ import annotations

import streamlit as st

from core.show.benchmarks import compare, curves, views, words
from core.show.benchmarks.book import Book
from core.show.figures.view import csv, figure_table
from core.show.navigation.link import copy_link

VIEWS = {
    "Systems": views.systems,
    "Attacks and codecs": views.attacks_and_codecs,
    "Generators": views.generators,
    "Side by side": compare.side_by_side,
    "Error trade-off": curves.trade_off,
    "Significance": curves.significance,
}

st.title("Benchmarks", anchor=False)
st.markdown(
    "Which attack, through which codec, on which benchmark, against which detector, and how sure. "
    "Lower is better; at an equal error rate (EER) of 50 % a detector guesses."
)
book = Book.load()
book.check_address(tuple(VIEWS), compare.CELLS)
view = st.segmented_control(
    *("View", list(VIEWS)), default="Systems", required=True, key="view", bind="query-params"
)
book.ask()
copy_link("benchmarks-link")
VIEWS[view or "Systems"](book)  # an address can leave it empty

listed = book.table()
if listed is not None:
    table, n_drawn = listed
    st.subheader(words.counted(len(table), n_drawn), anchor=False)
    figure_table(table, key="benchmarks-table")
    st.download_button(
        "Download these figures", csv(table), "figures.csv", "text/csv", icon=":material/download:"
    )
st.caption(
    "Published: as its authors print it. Corrected (†): printed wrong elsewhere, right here. "
    "Measured: computed here from public scores by the command in its source. Intervals of "
    "published rates come from trial counts alone and are too narrow where few speakers made "
    "many trials."
)
