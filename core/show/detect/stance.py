"""The widgets in which a visitor states prior and costs. The stance itself is the session's."""

from __future__ import annotations

import streamlit as st

from core.show import session
from core.show.clip import charts


def choose() -> None:
    """Widgets that show the session's stance and change it; only these do."""
    stance = session.stance()
    _shown("detect-prior", round(100 * stance.prior))
    st.slider(
        "Prior: the share of such clips that you assume to be synthetic, before listening",
        1, 99,
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
        _shown(key, getattr(stance, name))
        st.number_input(
            label, 0.01, 1000.0, step=1.0, key=key, on_change=_changed, args=(key, name)
        )
    st.caption(
        "Only their ratio counts. With these, a clip is called synthetic from a chance of "
        f"{charts.percent(session.stance().threshold_chance)} on: there both errors cost the same "
        "on average."
    )


def _shown(key: str, value: float) -> None:
    """What a widget shows when its page is opened; afterwards the widget leads, by its callback."""
    if st.session_state.get(key) is None:
        st.session_state[key] = value


def _changed(key: str, name: str, parts: int = 1) -> None:
    value = st.session_state[key]
    if value is not None:  # an emptied number field changes nothing
        session.assume(**{name: value / parts})
