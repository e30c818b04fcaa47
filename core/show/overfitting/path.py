"""The chapter on what other systems reach outside their training."""

from __future__ import annotations

import streamlit as st

from core.evaluate import arena
from core.show import cache
from core.show.figures.view import show_chart
from core.show.overfitting.story import SYSTEM, Story
from core.show.systems import generalisation as drawn
from core.show.systems import words

LARGE = 3e8
"""Parameters from which a system counts as large here."""


def path_forward(story: Story) -> None:
    """What each published system reaches on data outside its training."""
    st.header("6. The path forward", anchor=False)
    figures = arena.joined(*map(cache.table, ("arena", "arena_systems", "arena_corpora")))
    points = arena.inside_and_outside(arena.cells(figures))
    finding = words.generalisation(points, SYSTEM)
    show_chart(
        drawn.ways,
        points,
        finding,
        marked=SYSTEM,
        palette=story.colours,
        key="overfitting-path",
        alt=f"{finding}. {len(points)} systems in {points['way'].nunique()} rows.",
        saved=("system", "outside", "inside", "way", "parameters", "year", "trained_on",
               "outside_on", "inside_on", "source_outside", "source_inside"),
    )  # fmt: skip
    own = points.set_index("system").loc[SYSTEM]
    large = points[(points["parameters"] >= LARGE) & (points["way"] == arena.WAYS[3])]
    alike = points[(points["way"] == own["way"]) & (points["parameters"] >= LARGE)]
    st.markdown(
        f"{words.named(SYSTEM)}, with {own['parameters'] / 1e6:.0f} million parameters and one "
        f"corpus, errs **{own['outside']:.2f} %** on {own['outside_on']}. Pretrained networks of "
        f"{LARGE / 1e6:.0f} million and more, tuned on one corpus as well: median "
        f"**{alike['outside'].median():.1f} %** ({len(alike)} systems). On several corpora: "
        f"**{large['outside'].median():.1f} %** ({len(large)} systems). Larger encoders and more "
        "kinds of fakes in training carry over; a smaller error on one benchmark does not."
    )
    st.caption(words.generalised(points, points, "outside"))
    st.markdown(
        ":material/grid_on: [All systems by year](systems?arena=Generalisation&along=Year) or "
        "[by size](systems?arena=Generalisation&along=Parameters)"
    )
