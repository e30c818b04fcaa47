"""The stress test's section: offered, run, kept, shown; with a detector whose scores are given."""

import csv
import io

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.detect import stress as module
from core.detect.decision import EVEN, Stance
from core.detect.stress import CONDITIONS
from core.show.documents import exports
from core.show.evidence import view as report_view
from core.show.stress import view as stress_view
from tests.builders import HandDetector, calibration, clip, tone, wav

FEW = ("g711-alaw", "opus-16", "gain-20", "gain+6", "speed-1.1")


def script(data, prior, keep):
    import streamlit as st

    from core.show import cache, session
    from core.show.stress.view import stress_section

    detector = cache.detector("embedded")
    (entry,) = session.add(session.Arrival(lambda: data, "voice.wav", "upload"))
    if "spoofscope.stance" not in st.session_state:
        session.assume(prior=prior)
    detection = session.judge(entry, detector, stance=session.stance())
    if not keep:
        st.session_state["spoofscope.sounds"].clear()
    stress_section(entry, detector, detection)


class Pitched(HandDetector):
    """Synthetic at 220 Hz, but authentic a tenth higher."""

    def __init__(self):
        super().__init__({220.0: [3.0], 240.0: [-3.0], 550.0: [None]})


@pytest.fixture
def detector(detector, monkeypatch):
    made = Pitched()
    monkeypatch.setattr("core.detect.registry.load_detector", lambda *args, **kwargs: made)
    few = {name: CONDITIONS[name] for name in FEW}
    monkeypatch.setattr("core.detect.stress.run.CONDITIONS", few)
    monkeypatch.setattr(stress_view, "CONDITIONS", few)
    return made


def page(hertz=220.0, prior=0.5, keep=True) -> AppTest:
    data = wav(tone(5.0, hertz))
    at = AppTest.from_function(script, args=(data, prior, keep), default_timeout=60).run()
    assert not at.exception
    return at


def words(at: AppTest) -> str:
    return "\n".join(str(part.value) for part in [*at.markdown, *at.caption, *at.info, *at.warning])


def run(at: AppTest) -> AppTest:
    at.button(key="detect-stress-run").click().run()
    assert not at.exception
    return at


def test_the_test_is_offered_with_its_time_and_not_run_unasked(detector):
    at = page()
    assert at.button(key="detect-stress-run").label == "Run the stress test (about 5 s)"
    assert "through 5 conditions" in words(at)
    assert len(detector.calls) == 1
    assert not at.get("vega_lite_chart")


def test_a_click_runs_it_once_and_shows_what_becomes_of_the_verdict(detector):
    at = run(page())
    assert "**The verdict holds under 4 of 5 conditions; under 1 it turns into the opposite.**" in (
        words(at)
    )
    assert len(detector.calls) == 1 + len(FEW)
    assert len(at.get("vega_lite_chart")) == 2
    table = at.dataframe[0].value
    assert list(table["Condition"]) == [CONDITIONS[name].label for name in FEW]
    assert list(table["The verdict"]) == ["✓ holds"] * 4 + ["✕ turns into the opposite"]
    assert list(table["LLR"]) == [3.0] * 4 + [-3.0]
    assert list(table["Change"]) == [0.0] * 4 + [-6.0]
    assert "not whether it is right" in words(at)
    assert [d.proto.label for d in at.get("download_button")] == ["Stress test as CSV"]
    at.run()
    assert len(detector.calls) == 1 + len(FEW)
    assert not at.button


def test_measured_errors_come_from_the_table_and_others_are_not_measured(
    detector, tmp_path, monkeypatch
):
    row = {
        **dict(system="embedded", benchmark="corpus", subset="test", breakdown="codec"),
        **dict(condition="opus-16, 1 window", metric="eer_percent", value=31.25, low=26, high=38),
        **dict(n_bonafide=335, n_spoof=524, kind="measured", source="python -m core x", note=""),
    }
    pd.DataFrame([row]).to_csv(tmp_path / "embedded.csv", index=False)
    monkeypatch.setattr("core.show.cache.RESULTS", tmp_path)
    at = run(page())
    errors = list(at.dataframe[0].value["Detector's measured EER"])
    assert errors == ["not measured", "31.2 % (26.0 to 38.0)", *["not measured"] * 3]
    assert "335 human and 524 synthetic clips (corpus, test, 1 window of each)" in words(at)


def test_a_detector_without_measured_errors_says_so(detector, tmp_path, monkeypatch):
    monkeypatch.setattr("core.show.cache.RESULTS", tmp_path)
    at = run(page())
    assert "has not been measured" in at.info[0].value
    assert len(at.get("vega_lite_chart")) == 1


def test_another_assumption_asks_for_another_test_and_both_are_kept(detector):
    at = run(page())
    at.session_state["spoofscope.stance"] = Stance(0.6)
    at.run()
    assert "under another assumption" in words(at)
    run(at)
    assert len(detector.calls) == 1 + 2 * len(FEW)
    at.session_state["spoofscope.stance"] = Stance(cost_false_accusation=1_000.0)
    run(at.run())
    assert "The verdict holds under all 5 conditions" in words(at)  # authentic, every time
    assert len(detector.calls) == 1 + 3 * len(FEW)
    at.session_state["spoofscope.stance"] = EVEN
    at.run()
    assert "**The verdict holds under 4 of 5" in words(at)
    assert len(detector.calls) == 1 + 3 * len(FEW)


def test_a_test_does_not_outlive_the_calibration_that_it_was_made_with(detector):
    at = run(page())
    assert not at.button and "The verdict holds under 4 of 5" in words(at)
    for kept in (calibration(), None):
        detector.own_calibration = kept
        at.run()
        shown = "The verdict holds under 4 of 5" in words(at)
        assert (shown, len(at.button)) == ((False, 1) if kept else (True, 0))


def test_what_cannot_be_encoded_is_left_out_and_named(detector, monkeypatch):
    from core.audio import codecs

    reason = "The installed FFmpeg cannot encode Opus 16 kbit/s."
    missing = {**codecs.available(), "opus-16": reason}
    monkeypatch.setattr(codecs, "available", lambda: missing)
    monkeypatch.setattr(stress_view, "available", lambda: missing)
    at = page()
    assert "through 4 conditions" in words(at)
    run(at)
    assert "1 more could not be tested here." in words(at)
    assert reason in words(at)
    table = at.dataframe[0].value
    assert table["The verdict"][1] == "– not available here"
    assert table["Note"][1] == reason
    assert pd.isna(table["LLR"][1])


def test_a_clip_that_was_not_judged_gets_a_sentence_and_no_button(detector):
    at = page(550.0)
    assert "no verdict to test" in words(at)
    assert not at.button


def test_sound_that_is_no_longer_kept_cannot_be_tested(detector):
    at = page(keep=False)
    at.button(key="detect-stress-run").click().run()
    assert "no longer kept" in words(at)
    assert not at.exception


def test_the_stated_time_grows_with_the_clip_up_to_the_longest_stretch(detector):
    from dataclasses import replace

    made = detector.detect(clip(5.0))
    slow = replace(made, elapsed_ms=1_000.0)
    assert stress_view.seconds_needed(slow, 23) == 25
    long = replace(slow, quality=replace(slow.quality, duration_s=300.0), elapsed_ms=10_000.0)
    assert stress_view.seconds_needed(long, 23) == 25
    assert stress_view.seconds_needed(long, 23, (10.0, 16.0)) == 5


def test_the_csv_has_a_row_a_condition(detector):
    made = module.stress(detector, clip(5.0, name="=voice.wav"), EVEN, FEW)
    rows = list(csv.DictReader(io.StringIO(exports.stress_csv(made))))
    assert [r["condition"] for r in rows] == list(FEW)
    assert {r["file"] for r in rows} == {"'=voice.wav"}
    assert [float(r["llr"]) for r in rows] == [r.llr for r in made.rows]
    assert {float(r["own_llr"]) for r in rows} == {3.0}
    assert rows[-1]["outcome"] == "turns"


def with_report(data, name):
    import streamlit as st

    from core.show import cache, session
    from core.show.evidence.view import report_section
    from core.show.navigation import address
    from core.show.stress.view import stress_section

    detector = cache.detector("embedded")
    session.choose(session.add(session.Arrival(lambda: data, name, "upload")))
    (entry,) = session.entries()
    st.session_state[address._PARTS] = {entry.key: (1.0, 4.0)}
    detection = session.judge(entry, detector, stance=session.stance())
    stress_section(entry, detector, detection)
    report_section({entry.key: {detector.id: detection}}, {detector.id: detector})


def test_a_report_has_every_test_under_the_name_of_now(detector, monkeypatch):
    made = []
    monkeypatch.setattr(report_view, "evidence_html", lambda cases, *_, **__: made.append(cases))
    monkeypatch.setattr(report_view, "evidence_pdf", lambda *_, **__: b"")
    data = wav(tone(5.0))
    at = AppTest.from_function(with_report, args=(data, "voice.wav"), default_timeout=60).run()
    at.selectbox[0].set_value((1.0, 4.0)).run()
    assert "Send this part through" in words(at)
    run(at)
    at.selectbox[0].set_value(None).run()
    assert "Send this clip through" in words(at) and "was tested before" not in words(at)
    run(at)
    again = AppTest.from_function(with_report, args=(data, "other.wav"), default_timeout=60)
    for key, value in at.session_state.to_dict().items():
        if str(key).startswith("spoofscope."):
            again.session_state[key] = value
    again.run().button(key="detect-prepare-report").click().run()
    (case,) = made[0]
    assert [(t.asked, t.from_s, t.to_s) for t in case.tests] == [
        (None, 0.0, 5.0), ((1.0, 4.0), 1.0, 4.0),
    ]  # fmt: skip
    assert {t.name for t in case.tests} == {"other.wav"} == {case.detection.source.name}
