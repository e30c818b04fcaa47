"""The card of a result, and that of a detector, on pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from core.audio.parts import in_words
from core.detect import outlier
from core.detect.detection import Detection
from core.evaluate.names import EER, benchmark_name, breakdown_name
from core.show.cache import results
from core.show.clip.words import (
    explanation,
    facts,
    familiarity_in_words,
    familiarity_is_said,
    headline,
    limit,
    probability_bars,
    verdict,
)
from core.show.figures.cards import figure_card
from core.show.figures.headlines import by_kind
from core.show.figures.track_record import MEASURED_ON, in_part_rate
from core.show.markdown import plain
from core.show.theme import VERDICTS

_EFFECT_ICONS = {
    "not judged": ":material/block:",
    "inconclusive": ":material/balance:",
    "caution": ":material/warning:",
}


def result_card(detection: Detection, above: Callable[[], None] | None = None) -> None:
    """Verdict, both probabilities, what they mean, the facts, the reasons and the limits.

    What ``above`` draws stands first in the card.
    """
    style = VERDICTS[detection.verdict]
    with st.container(border=True, key="detect-result-card"):
        if above is not None:
            above()
        st.header(f":{style.colour}[{style.icon} {verdict(detection)}]", anchor=False)
        st.markdown(headline(detection))
        if detection.parts and (right := in_part_rate(results("embedded"), detection.detector)):
            st.markdown(right)
        if detection.p_spoof is not None:
            st.html(probability_bars(detection))
            st.markdown(explanation(detection))
        for reason in detection.reasons:
            st.markdown(f"{_EFFECT_ICONS[reason.effect]} {plain(reason.text)}")
        for stretch in detection.stands_out:
            st.markdown(f":material/join_inner: **{plain(outlier.in_words(stretch, detection))}**")
        for note in (*in_words(detection.source), *detection.source.notes):
            st.markdown(f":material/info: {plain(note)}")
        st.html(facts(detection))
        if familiarity_is_said(detection):
            st.caption(f":material/explore: {familiarity_in_words(detection)}")
        st.caption(f":material/shield: {limit(detection)}")


POOLED = ("pooled", "overall", "within")
"""Breakdowns of which a detector's card shows the error rate."""


def about_detector(
    id: str, name: str, config: dict[str, Any], figures: Any, weights_sha256: str
) -> None:
    """What the detector is and how often it errs, from its configuration and measured figures.

    Parameters
    ----------
    id, name : str
        The detector's name in the tables, and for people.
    config : dict
        The model directory's ``config.json``; may be empty.
    figures : pandas.DataFrame or None
        Rows of the results schema; those of other systems are left out.
    weights_sha256 : str
        Hash of the weights file.
    """
    from core.show.figures.view import figure_table

    st.markdown(f"**{plain(name)}**")
    if figures is not None:
        figures = figures[figures["system"] == id]
    if figures is None or not len(figures):
        st.caption("No figures have been measured for this detector here.")
    else:
        error_rates = figures[figures["metric"].isin(EER) & figures["breakdown"].isin(POOLED)]
        with st.container(horizontal=True):
            for row in error_rates.itertuples():
                _error_rate(row)
        if id == "embedded" and (told := by_kind()):
            st.markdown(told)
        st.caption(
            "Equal error rate: the threshold where as many fakes pass as human clips are accused. "
            "It is measured on voices and generators kept out of training; your clip may be harder."
        )
        figure_table(figures, key="detect-about-figures")
    calibration = config.get("calibration") or {}
    if calibration.get("fitted_on"):
        st.caption(f"Calibrated on {plain(calibration['fitted_on'])}.")
    families = [str(family) for family in config.get("training_families", [])]
    if families:
        with st.popover(f"Trained on fakes of {len(families)} systems", type="tertiary"):
            st.caption(plain(", ".join(families)))
    st.caption(f"Weights SHA-256: `{weights_sha256[:16]}…`")


def _error_rate(row: Any) -> None:
    heard = MEASURED_ON.get((row.breakdown, row.condition), row.condition)
    figure_card(
        f"Equal error rate, {breakdown_name(row.breakdown)}",
        row,
        before=f"{plain(f'{benchmark_name(row.benchmark)}, {row.subset}, {heard}')}: "
        f"{row.n_bonafide:,.0f} human and {row.n_spoof:,.0f} synthetic clips.",
        after=f"{row.kind.capitalize()} by `{row.source}`",
        digits=1,
        width=300,
    )
