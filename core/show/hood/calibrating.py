"""A detector calibrated on the visitor's own labelled clips, on a machine that is theirs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import altair as alt
import pandas as pd
import streamlit as st

from core.detect import own_calibration
from core.detect.detector import DetectorError
from core.detect.registry import Entry, models_home
from core.detect.registry.fetching import hash_here
from core.evaluate.calibrating import APART, LEAST
from core.settings import settings
from core.show import cache, session
from core.show.documents.chart import make_spec
from core.show.markdown import plain
from core.show.theme import LIGHT, Palette, chart_config, palette

if TYPE_CHECKING:
    from core.evaluate.calibrating import Fit

FITTED = "hood.fitted"
"""In the session: detector, calibration and fit that wait to be kept."""


def calibrate(entry: Entry) -> None:
    """Whose calibration a detector has here; on one's own machine the way to another one."""
    kept = own_calibration.of_detector(models_home(), entry.id)
    here = _weights_here(entry) if kept else ""
    for made in kept:
        if made.weights_sha256 == here:
            st.markdown(f":material/tune: Calibrated on {plain(made.fitted_on)}.")
            st.caption(f"{made.worth}, for weights {made.weights_sha256[:12]}.")
        else:
            st.caption(
                f"A calibration on {plain(made.fitted_on)}, is of other weights or other code "
                f"({made.weights_sha256[:12]}) than is here now, so no verdict rests on it."
            )
    few = cache.table("calibration_counts")
    few = few[few["clips"] == LEAST]["excess_bits"]
    st.caption(
        f"`python -m core calibrate` fits a calibration on your own clips, from {LEAST} of each "
        f"class on: so few cost {few.min():.2f} to {few.max():.2f} bits above the true ratios, "
        "measured on scores of two normal classes."
    )
    if not settings().own_machine or not entry.ready:
        return
    with st.expander("Calibrate it on your own clips", icon=":material/tune:"):
        st.caption(
            f"At least {LEAST} human and {LEAST} synthetic clips: a folder with folders called "
            "human and synthetic, or a table with the columns path, label and, if known, speaker."
        )
        with st.form(f"hood-calibrate-{entry.id}", border=False):
            where = st.text_input("Folder or table on this machine", key="hood-clips").strip()
            name = st.text_input("What to call these clips", key="hood-clips-name").strip()
            asked = session.pressed(
                "Fit", key="hood-calibrate-fit", in_form=True, icon=":material/play_arrow:"
            )
        if asked and where:
            _fit(entry, where, name)
        elif asked:
            st.error("Name the folder or the table of your clips.", icon=":material/error:")
        fitted = st.session_state.get(FITTED)
        if fitted is not None and fitted[0] == entry.id:
            _show(fitted[1], fitted[2])
        if kept:
            st.button(
                "Forget the calibration",
                icon=":material/delete:",
                type="tertiary",
                key="hood-calibration-forget",
                on_click=_forget,
                args=(entry.id,),
            )


def _weights_here(entry: Entry) -> str:
    """Hash of the weights, or the code, that a detector has here; empty where it cannot be had."""
    if known := hash_here(entry):
        return known
    if not entry.ready:
        return ""
    try:
        return cache.detector(entry.id, fetch=False).weights_sha256
    except DetectorError:
        return ""


def _fit(entry: Entry, where: str, name: str) -> None:
    """Listen to the clips and fit, with progress; any click ends it."""
    from core.detect.registry import load_detector
    from core.score.calibrate import ArchiveError, CalibrationError, calibration, heard, labelled

    st.session_state.pop(FITTED, None)
    bar = st.progress(0.0, text="Starting")
    stop = st.empty()
    stop.button("Stop", icon=":material/stop:", key="hood-calibrate-stop")

    def show(done: int, total: int, clip: str) -> None:
        bar.progress(done / total, text=f"{done + 1} of {total}: {plain(clip)}")

    try:
        detector = load_detector(entry.id, fetch=False, kept=False)
        with cache.queued_turn(
            lambda place: bar.progress(0.0, text=place.in_words()), patient=True
        ):
            scored = heard(labelled(where, detector), detector, show)
        for clip, why in list(scored.left_out.items())[:10]:
            st.caption(f"Left out: **{plain(clip)}**: {plain(why)}")
        if (more := len(scored.left_out) - 10) > 0:
            st.caption(f"Left out: {more:,} more.")
        fitted = calibration(scored, detector, name or Path(where).stem)
        st.session_state[FITTED] = (entry.id, *fitted)
    except (ArchiveError, CalibrationError, DetectorError, OSError) as error:
        st.error(plain(str(error)), icon=":material/error:")
    bar.empty()
    stop.empty()


def _show(made: own_calibration.OwnCalibration, fit: Fit) -> None:
    better = fit.gain.low is not None and fit.gain.low > 0
    st.markdown(f"{made.worth}.")
    st.vega_lite_chart(
        make_spec(worth, fit, palette()),
        key="hood-calibration-chart",
        alt=f"{made.worth}.",
    )
    st.caption(
        f"{fit.n_bonafide:,} human and {fit.n_spoof:,} synthetic clips; lines are 95 % intervals. "
        "Each clip was judged by a map that was fitted without it. "
        + ("" if better else "**It is not sure that this is better than before.** ")
        + (f"**{APART}**" if fit.apart else "")
    )
    st.button(
        "Keep it",
        type="primary",
        icon=":material/check:",
        key="hood-calibration-keep",
        on_click=_keep,
        args=(made,),
    )


def _keep(made: own_calibration.OwnCalibration) -> None:
    own_calibration.keep(made, models_home())
    _again(made.detector)


def _forget(id: str) -> None:
    for made in own_calibration.of_detector(models_home(), id):
        own_calibration.path_of(models_home(), made.weights_sha256).unlink(missing_ok=True)
    _again(id)


def _again(id: str) -> None:
    """Have the detector loaded anew where it is asked for next."""
    st.session_state.pop(FITTED, None)
    cache.unload(id)


def worth(fit: Fit, palette: Palette = LIGHT) -> alt.LayerChart | alt.FacetChart:
    """Cllr before and after with intervals, beside 1, which is saying nothing."""
    data = pd.DataFrame(
        [
            {"when": when, "value": found.value, "low": found.low, "high": found.high,
             "shown": f"{found.value:.3f}"}
            for when, found in (("Before", fit.before), ("After", fit.after))
        ]
    )  # fmt: skip
    rows = alt.Y("when:N", sort=["Before", "After"], title=None)
    base = alt.Chart(data)
    nothing = alt.Chart(pd.DataFrame({"x": [1.0]}))
    return alt.layer(
        nothing.mark_rule(color=palette.rule, strokeDash=[4, 3]).encode(
            x=alt.X(
                "x:Q",
                title="Cllr in bits: 0 is perfect, 1 (dashed) says nothing",
                axis=alt.Axis(tickCount=5),
            )
        ),
        base.mark_rule(color=palette.text, strokeWidth=2).encode(
            y=rows, x=alt.X("low:Q"), x2=alt.X2("high:Q")
        ),
        base.mark_point(color=palette.series[0], filled=True, size=90, opacity=1).encode(
            y=rows, x=alt.X("value:Q", scale=alt.Scale(zero=True))
        ),
        base.mark_text(color=palette.text, dy=-12).encode(
            y=rows, x=alt.X("value:Q"), text=alt.Text("shown:N")
        ),
        height=170,
        config=chart_config(palette),
    )
