"""Overfitting: is a good score a good detector? Told from the tables, with the evidence open."""

from __future__ import annotations

import streamlit as st

from core.show.overfitting import chapters, lessons, path
from core.show.overfitting.story import SYSTEM, Story

story = Story.load()
st.title("Overfitting", anchor=False)
st.markdown(
    "Is a good score a good detector? One with a tiny error on one test can fail on the next. This "
    f"page follows one published system, *{SYSTEM}*, from its training data to data it had never "
    "met, and then asks the same of the detector that ships here. Every number comes from a table; "
    "open a claim to see its evidence."
)

for chapter in (
    chapters.what_it_is,
    chapters.staircase,
    chapters.training,
    chapters.thresholds,
    lessons.stories,
    path.path_forward,
    lessons.not_shown,
    lessons.own_detector,
    lessons.verdict,
):
    chapter(story)
