"""The stress test of a clip on a page: a button, progress, then what became of the verdict."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import streamlit as st

from core.audio.codecs import available
from core.detect.model_config import DetectorError
from core.detect.stress import CONDITIONS, LONGEST_S, RT60_S, SHORTEST_S, StressTest, stress
from core.show import cache, session
from core.show.documents import exports
from core.show.documents.chart import make_spec
from core.show.markdown import for_visitors
from core.show.navigation import address
from core.show.server.queue import TooBusy
from core.show.theme import palette
from core.show.widgets import numbers, save_button, show_table

if TYPE_CHECKING:
    import pandas as pd

    from core.detect.detection import Detection
    from core.detect.detector import Detector

MEANING = (
    "This says how firm the verdict is, not whether it is right: a wrong verdict can hold under "
    "every condition. Codecs are real encoders and decoders. Noise is pink, its level below that "
    f"of the speech; the room is synthetic, with {RT60_S:g} s of reverberation as loud as the "
    "voice; speed changes the pitch too; louder means cut flat at full scale."
)

WANTED = "spoofscope.stress-wanted"
"""Where a session keeps which part of a clip was to be tested until that begins."""


def stress_section(entry: session.Entry, detector: Detector, detection: Detection) -> None:
    """Offer, run and show the stress test of one clip.

    Parameters
    ----------
    entry : Entry
        Whose clip it is.
    detector : Detector
        That made the detection.
    detection : Detection
        The clip's own, under the stance that the test is made for.
    """
    st.subheader("Does the verdict hold?", anchor=False)
    span = _choose_part(entry, detection)
    test = session.stress_of(entry, detector, detection.stance, span)
    if test is None:
        if detection.verdict == "not judged":
            st.caption("The clip was not judged, so there is no verdict to test.")
            return
        test = _offer(entry, detector, detection, span)
        if test is None:
            return
        session.keep_stress(entry, detector, test, span)
        st.rerun()
    around = "" if span is not None else _thirty_seconds(bool(detection.parts))
    _show(test, detector, f"{entry.key}-{span}", around)


def _choose_part(entry: session.Entry, detection: Detection) -> address.Part | None:
    """The part to test: a stretch that stands out, or what was chosen on Timeline; else None."""
    offered = [(s.start_s, s.end_s) for s in detection.stands_out]
    chosen = address.chosen(entry.key)
    offered += [chosen] if chosen is not None and chosen[1] - chosen[0] >= SHORTEST_S else []
    if not offered:
        return None
    found = st.selectbox(
        "Part to test",
        [None, *dict.fromkeys(offered)],
        format_func=lambda p: "The clip" if p is None else f"{p[0]:.1f} to {p[1]:.1f} s",
        key=f"detect-stress-part-{entry.key}",
    )
    return found


def seconds_needed(detection: Detection, conditions: int, span: address.Part | None = None) -> int:
    """About how long a test takes, from how long the clip's own analysis took; at least 5 s."""
    whole = detection.quality.duration_s
    part = whole if span is None else span[1] - span[0]
    share = min(1.0, LONGEST_S / max(whole, 0.1), part / max(whole, 0.1))
    return 5 * max(1, math.ceil(detection.elapsed_ms / 1000 * share * conditions / 5))


def _offer(
    entry: session.Entry, detector: Detector, detection: Detection, span: address.Part | None
) -> StressTest | None:
    """The button, and the test once it was pressed."""
    count = sum(available().get(name) is None for name in CONDITIONS)
    again = session.was_stressed(entry, detector, span)
    st.markdown(
        f"Send this {'clip' if span is None else 'part'} through {count} conditions (telephone and "
        "internet codecs, noise, a room, other speeds and levels) and see whether the verdict "
        "stays."
        + (" What was tested before was under another assumption or other costs." if again else "")
    )
    wanted = (entry.key, span)
    asked = st.session_state.get(WANTED) == wanted
    st.button(
        f"Run the stress test (about {seconds_needed(detection, count, span)} s)",
        icon=":material/science:",
        key="detect-stress-run",
        on_click=st.session_state.__setitem__,
        args=(WANTED, wanted),
        disabled=asked,
    )
    if not asked:
        return None
    clip = session.clip_of(entry)
    del st.session_state[WANTED]  # from here on any click ends the test
    if clip is None:
        return None
    bar = st.progress(0.0, text="Starting")
    st.button("Stop", icon=":material/stop:", key="detect-stress-stop")  # any click ends this run

    def show(done: int, total: int, label: str) -> None:
        bar.progress(done / total, text=f"{done + 1} of {total}: {label}" if label else "Done")

    try:
        return stress(
            detector,
            clip,
            detection.stance,
            progress=show,
            detection=detection,
            slot=cache.queued_turn(lambda place: bar.progress(0.0, text=place.in_words())),
            span=span,
        )
    except TooBusy as error:
        bar.empty()
        st.session_state[WANTED] = wanted
        session.refused(error)
    except DetectorError as error:
        bar.empty()
        st.error(for_visitors(error), icon=":material/error:")
        return None


def _thirty_seconds(named: bool) -> str:
    """Which part of a longer clip is tested, before its seconds."""
    return f"the {LONGEST_S:g} s with the most speech{' around the named part' * named}, "


def _show(test: StressTest, detector: Detector, of: str, which: str) -> None:
    from core.show.stress import charts

    st.markdown(f"**{test.summary()}**")
    if not test.whole:
        st.caption(
            f"Tested on {which}{test.from_s:g} to {test.to_s:g} s of the clip, and compared with "
            "the verdict on that part alone."
        )
    measured = charts.measured_errors(cache.results("embedded"), detector.id)
    key = f"detect-stress-{of}-{test.detector}"
    left, right = st.columns([4, 3])
    left.vega_lite_chart(
        make_spec(charts.scores, test, detector.decision.inconclusive_llr, palette()),
        key=f"{key}-scores",
        alt=f"Score under each condition against the clip's own. {test.summary()}",
    )
    left.markdown(charts.LEGEND)
    left.caption("Solid line: the clip as it is. Dashed: the decision threshold.")
    with right:
        if measured.empty:
            st.info(
                "This detector's error under these conditions has not been measured.",
                icon=":material/hourglass_empty:",
            )
        else:
            st.vega_lite_chart(
                make_spec(charts.errors, test, measured, palette()),
                key=f"{key}-errors",
                alt="Measured equal error rate of the detector under "
                f"{len(measured[measured['condition'] != 'none'])} of these conditions.",
            )
            st.caption(_provenance(measured))
    with st.expander("Every condition", icon=":material/table_rows:"):
        show_table(
            _table(test, measured),
            key=f"{key}-table",
            column_config=numbers("%+.2f", "LLR", "Change"),
        )
        save_button(
            "Stress test as CSV",
            exports.stress_csv(test),
            f"{exports.safe_stem(test.name)}-stress.csv",
            "text/csv",
        )
    missing = " ".join(row.reason for row in test.rows if row.reason)
    st.caption(f"{MEANING} {missing}".strip())


def _provenance(measured: pd.DataFrame) -> str:
    """What the measured error rates were measured on."""
    human, synthetic = (int(measured[column].max()) for column in ("n_bonafide", "n_spoof"))
    windows = {w for w in measured["windows"] if w}
    limit = f", {' or '.join(sorted(windows))} of each" if windows else ""
    clean = " Solid line: the same clips without a codec." * ("none" in set(measured["condition"]))
    return (
        f"The detector's equal error rate (EER), measured on up to {human:,} human and "
        f"{synthetic:,} synthetic clips ({measured['benchmark'].iloc[0]}{limit}), before any "
        f"verdict is withheld. Dashed: guessing.{clean}"
    )


def _table(test: StressTest, measured: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    from core.show.stress import charts

    known = {row.condition: row for row in measured.itertuples()}

    def error(condition: str) -> str:
        row = known.get(condition)
        if row is None:
            return "not measured"
        return f"{row.value:.1f} % ({row.low:.1f} to {row.high:.1f})"

    return pd.DataFrame(
        {
            "Condition": [row.label for row in test.rows],
            "The verdict": [charts.happens(row, test.verdict) for row in test.rows],
            "Synthetic": [
                "" if row.p_spoof is None else charts.percent(row.p_spoof) for row in test.rows
            ],
            "LLR": pd.Series([row.llr for row in test.rows], dtype="float64"),
            "Change": pd.Series(
                [
                    None if row.llr is None or test.llr is None else row.llr - test.llr
                    for row in test.rows
                ],
                dtype="float64",
            ),
            "Detector's measured EER": [error(row.condition) for row in test.rows],
            "Note": [row.reason or row.note for row in test.rows],
        }
    )
