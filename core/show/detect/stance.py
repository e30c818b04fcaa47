"""The widgets in which a visitor states prior and costs. The stance itself is the session's."""

from __future__ import annotations

import streamlit as st

from core.show import session
from core.show.clip import charts


def choose() -> None:
    """Widgets that show the session's stance and change it; only these do."""
    # The stance is each widget's default: a value that is set from here is lost where a new run of
    # the page comes before the browser has it, and the browser would then say the least one.
    stance = session.stance()
    st.slider(
        "Prior: the share of such clips that you assume to be synthetic, before listening",
        1, 99, round(100 * stance.prior),
        format="%d %%",
        key="detect-prior",
        on_change=_changed,
        args=("detect-prior", "prior", 100),
    )  # fmt: skip
    st.caption(
        "At 50 % the clip's own evidence decides. Lower it for clips from a trusted source, "
        "raise it for clips from a dubious one."
    )
    for name, label in (
        ("cost_missed_fake", "Cost of a missed fake"),
        ("cost_false_accusation", "Cost of a false accusation"),
    ):
        key = f"detect-{name}"
        st.number_input(
            label, 0.01, 1000.0, getattr(stance, name), step=1.0, key=key, on_change=_changed,
            args=(key, name),
        )  # fmt: skip
    st.caption(
        "Only their ratio counts. With these, a clip is called synthetic from a chance of "
        f"{charts.percent(session.stance().threshold_chance)} on: there both errors cost the same "
        "on average."
    )


def _changed(key: str, name: str, parts: int = 1) -> None:
    value = st.session_state[key]
    if value is not None:  # an emptied number field changes nothing
        session.assume(**{name: value / parts})
