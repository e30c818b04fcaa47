"""The Live page in every state, with a microphone that is there only by its state."""

import html
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import soxr
import streamlit as st
from streamlit.testing.v1 import AppTest
from streamlit_webrtc.component import WebRtcStreamerContext, WebRtcStreamerState

from core.audio.clip import SAMPLE_RATE
from core.audio.decoding import decode
from core.detect.detection import Stretch
from core.detect.detector import Decision, DetectorError
from core.detect.registry import models_home
from core.detect.stream import LiveWindow, Take
from core.show import cache, session
from core.show.live import current, microphone, words
from core.show.theme import VERDICTS
from tests.damage import NAMES
from tests.detect.takes import RATE, QuickDetector, frames, read, scored_to, sine, until
from tests.pages.conftest import forget

ROOT = Path(__file__).resolve().parents[2]
PAGE = str(ROOT / "pages" / "Live.py")
ANY_VERDICT = [style.word for style in VERDICTS.values()]


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    once = decode(ROOT / "tests" / "data" / "speech.flac").samples
    return np.tile(soxr.resample(once, SAMPLE_RATE, RATE), 4)


@pytest.fixture
def page(monkeypatch):
    """The page, not run yet; the component finds no browser."""
    forget()
    for module in ("component", "shutdown"):
        monkeypatch.setattr(f"streamlit_webrtc.{module}.get_this_session_info", lambda: None)
    return AppTest.from_file(PAGE, default_timeout=60)


@pytest.fixture
def open_take():
    opened: list[Take] = []

    def make(samples=None, detector=None, load=None, **kwargs) -> Take:
        take = Take(load or (lambda: detector or QuickDetector()), **kwargs)
        opened.append(take)
        samples = np.zeros(0) if samples is None else samples
        for second in range(len(samples) // RATE):
            for frame in frames(samples[second * RATE :][:RATE], second * RATE):
                take.push(frame)
            until(lambda n=second: take.snapshot().error or not take.open or scored_to(take) >= n)
        return take

    yield make
    for take in opened:
        take.discard()


def show(page: AppTest, take: Take | None, playing: bool) -> AppTest:
    """Run the page with a take, and with the microphone on or off."""
    state = WebRtcStreamerState(playing=playing, signalling=False)
    page.session_state[microphone.MICROPHONE] = WebRtcStreamerContext(None, state)
    if take is not None:
        page.session_state["spoofscope.live"] = take
    page.run()
    assert not page.exception, page.exception
    return page


def shown(page: AppTest) -> str:
    parts = [*page.header, *page.subheader, *page.markdown, *page.caption, *page.html]
    parts += [*page.error, *page.info, *page.warning]
    return "\n".join(str(part.value) for part in parts)


def headings(page: AppTest) -> str:
    return "\n".join(h.value for h in [*page.header, *page.subheader])


def labels(page: AppTest) -> list[str]:
    return [button.label for button in page.button]


def test_the_empty_page_says_what_to_do_and_offers_the_recorder(page):
    show(page, None, playing=False)
    text = shown(page)
    assert "Nothing is being heard yet" in headings(page)
    assert "gone within a minute" in text
    assert words.OPUS_NOTE in text
    assert [e.label for e in page.expander] == ["Record without a live score"]
    assert len(page.get("audio_input")) == 1
    assert not page.get("vega_lite_chart")


def test_a_running_take_has_level_verdict_interval_facts_and_two_timelines(page, open_take, speech):
    show(page, open_take(speech[: 10 * RATE]), playing=True)
    text = shown(page)
    assert any(word in headings(page) for word in ANY_VERDICT)
    assert 'aria-label="Level of the microphone"' in text
    assert '<div role="status">The evidence points to machine-made speech.' in text
    assert text.count("Likely synthetic") == 1
    assert "**over this take**, not from how often the detector errs" in text
    for fact in ("Since the start", "Sound to score", "Windows scored", "Frames lost"):
        assert fact in text
    assert len(page.get("vega_lite_chart")) == 2
    assert "9 windows so far: 9 towards synthetic, 0 towards human" in text
    assert labels(page) == ["Pause"]


def test_a_redraw_builds_no_chart_anew(page, open_take, monkeypatch):
    take = open_take()
    show(page, take, playing=True)
    monkeypatch.setattr("core.show.live.view.make_spec", None)
    show(page, take, playing=True)
    assert len(page.get("vega_lite_chart")) == 2


def test_until_there_is_enough_speech_it_listens_in_grey(page, open_take, speech):
    show(page, open_take(speech[: 3 * RATE]), playing=True)
    assert headings(page) == ":gray[:material/hearing: Listening]"
    text = shown(page)
    assert "there is not enough speech for a verdict yet" in text
    assert 'aria-label="Synthetic"' not in text
    assert "0 towards synthetic" in text  # windows stay grey as long as no verdict stands


def test_pause_and_resume(page, open_take, speech):
    take = open_take(speech[: 2 * RATE])
    show(page, take, playing=True)
    page.button[0].click().run()
    assert take.snapshot().state == "paused"
    assert labels(page) == ["Resume"]
    assert "nothing of it is kept" in shown(page)
    page.button[0].click().run()
    assert take.snapshot().state == "live"
    assert labels(page) == ["Pause"]


def test_a_stopped_take_can_be_heard_kept_examined(page, open_take, speech, monkeypatch):
    went = []
    monkeypatch.setattr(st, "switch_page", went.append)
    take = open_take(speech[: 6 * RATE])
    take.finish()
    take._skipped = 3
    show(page, take, playing=False)
    assert "3 windows were not scored" in shown(page)
    assert len(page.get("audio")) == 1
    assert labels(page) == ["Open in Detect", "Open in Timeline", "Discard"]
    assert [d.proto.label for d in page.get("download_button")] == ["WAV"]
    assert "You left the page" not in shown(page)
    for button, target in enumerate(("pages/Detect.py", "pages/Timeline.py")):
        page.button[button].click().run()
        assert went[-1] == target
        (entry,) = page.session_state["spoofscope.entries"]
        assert entry.name.startswith("Live take ") and not entry.error
        sound = page.session_state["spoofscope.sounds"][entry.sha256, entry.track]
        notes = page.session_state["spoofscope.sources"][entry.key].notes
        assert words.OPUS_NOTE in notes
        assert "not scored" not in " ".join(notes)  # as a file all of it is
        assert np.allclose(sound.clip().samples, read(take.wav()), atol=1e-4)


def test_discarded_means_gone(page, open_take, speech):
    take = open_take(speech[: 3 * RATE])
    take.finish()
    show(page, take, playing=False)
    next(b for b in page.button if b.label == "Discard").click().run()
    assert take.snapshot().state == "discarded" and take.wav() == b""
    assert "spoofscope.live" not in page.session_state
    assert "Nothing is being heard yet" in headings(page)
    assert not page.get("audio")


def test_coming_back_finds_the_take_ended_and_says_why(page, open_take, speech):
    take = open_take(speech[: 3 * RATE])
    show(page, take, playing=False)
    assert take.snapshot().state == "finished"
    assert "You left the page, which closed the microphone" in shown(page)


def test_a_connection_that_breaks_is_said_while_it_lasts_and_when_the_take_ends(
    page, open_take, speech
):
    take = open_take(speech[: 3 * RATE])
    take._came = time.monotonic() + 60.0  # however long a run takes
    assert not show(page, take, playing=True).warning
    take._came -= 60.0 + 2 * words.BROKEN_AFTER_S
    (warning,) = page.run().warning
    assert "No sound has come for" in warning.value and "press **Stop**" in warning.value
    take.push(next(iter(frames(sine(0.1)))))
    assert not words.broken(take.snapshot())
    take._came -= 2 * words.BROKEN_AFTER_S
    take.finish()
    (warning,) = show(page, take, playing=False).warning
    assert "connection to the microphone broke: no sound came in the last 8 s" in warning.value
    assert "Press **Start** for another" in warning.value


def test_no_connection_broke_where_the_visitor_paused_or_left(page, open_take, speech):
    take = open_take(speech[: 3 * RATE])
    take.pause()
    take._came -= 2 * words.BROKEN_AFTER_S
    take.push(next(iter(frames(sine(0.1)))))  # paused, it still arrives
    assert not words.broken(take.snapshot())
    take._came -= 2 * words.BROKEN_AFTER_S
    assert not show(page, take, playing=False).warning  # back from another page
    assert words.broken(take.snapshot()) and "You left the page" in shown(page)


def test_a_take_that_was_let_go_of_is_said(page, open_take, speech):
    take = open_take(speech[: 2 * RATE], forget_after_s=0.2)
    until(lambda: take.snapshot().state == "released")
    show(page, take, playing=False)
    assert "The last take was deleted" in shown(page)
    assert "Nothing is being heard yet" in headings(page)
    page.run()  # as the microphone's component makes it, before anybody has read that
    assert "The last take was deleted" in shown(page) and "**Start** for another" in shown(page)


def test_no_sound_for_ten_seconds_brings_the_recorder_by_itself(page, open_take):
    take = open_take()
    show(page, take, playing=True)
    assert not page.warning and page.expander
    take._opened = time.monotonic() - current.SILENT_AFTER_S - 0.1
    page.run()
    assert "No sound has come from the microphone" in page.warning[0].value
    assert not page.expander
    assert len(page.get("audio_input")) == 1


@pytest.mark.parametrize("problem", microphone.PROBLEMS)
def test_every_problem_gets_its_sentence(page, monkeypatch, problem):
    monkeypatch.setattr(microphone, "problem", lambda: problem)
    show(page, None, playing=False)
    assert page.warning[0].value.startswith(microphone.PROBLEMS[problem])
    assert not page.expander and len(page.get("audio_input")) == 1


def test_a_recording_goes_to_detect(page, monkeypatch):
    went = []
    monkeypatch.setattr(st, "switch_page", went.append)
    show(page, None, playing=False)
    data = take_of_a_second()
    page.get("audio_input")[0].upload("recording.wav", data)
    page.run()
    assert went == ["pages/Detect.py"]
    (arrival,) = page.session_state["spoofscope.arrivals"]
    assert arrival.read() == data and arrival.origin == "recording"


def take_of_a_second() -> bytes:
    take = Take(QuickDetector)
    for frame in frames(sine(1.0)):
        take.push(frame)
    take.finish()
    data = take.wav()
    take.discard()
    return data


def test_missing_weights_get_their_sentence_and_the_sound_is_kept(page, open_take, speech):
    def load():
        raise DetectorError("The weights are missing from this machine.")

    take = open_take(speech[: 2 * RATE], load=load)
    take.finish()
    show(page, take, playing=False)
    assert "No verdict" in headings(page)
    assert "The weights are missing from this machine." in shown(page)
    assert len(page.get("audio")) == 1


@pytest.mark.parametrize("name", NAMES)
def test_an_error_is_text_and_names_no_folder_of_the_server(page, open_take, name):
    def load():
        raise DetectorError(f"'{name}' cannot judge sound, see {models_home()}/x.")

    show(page, open_take(np.zeros(RATE, np.float32), load=load), playing=False)
    text = shown(page)
    assert "cannot judge sound" in text and html.escape(name) in text
    assert "<script" not in text and str(models_home()) not in text


def test_no_chance_is_claimed_where_the_calibration_does_not_hold(page, open_take, speech):
    detector = QuickDetector()
    detector.decision = Decision((-0.25, 0.25), needs_wide_band=True)
    narrow = soxr.resample(soxr.resample(speech[: 10 * RATE], RATE, 8_000), 8_000, RATE)
    show(page, open_take(narrow, detector), playing=True)
    text = shown(page)
    assert VERDICTS["inconclusive"].word in headings(page)
    assert "is not a chance, so none is given" in text
    assert 'aria-label="Synthetic"' not in text and "in 100" not in text
    assert "which is" not in text  # nor an interval of chances
    assert "0 towards synthetic, 0 towards human" in text


def test_a_verdict_whose_interval_crosses_the_threshold_is_inconclusive(page, open_take, speech):
    take = open_take(speech[: 10 * RATE])
    show(page, take, playing=True)
    assert VERDICTS["synthetic"].word in headings(page)
    take._spread = (-0.1, 4.0)
    page.run()
    text = shown(page)
    assert VERDICTS["inconclusive"].word in headings(page) and "Likely" not in text
    assert "reaches across the threshold" in text and 'aria-label="Synthetic"' in text


def test_a_stretch_unlike_the_rest_is_named(page, open_take, speech):
    take = open_take(speech[: 10 * RATE])
    found = take.snapshot().detection
    take._detection = replace(found, stands_out=(Stretch(2.0, 6.0, 4.0, -2.0, 9.0),))
    show(page, take, playing=True)
    assert "2.0 to 6.0 s scores unlike the rest" in shown(page)


def test_the_page_says_when_the_oldest_sound_is_gone(page, open_take, speech):
    take = open_take(speech[: 8 * RATE], keep_s=4.0)
    take.finish()
    show(page, take, playing=False)
    assert "minutes are kept: the first 0:04 are gone" in shown(page)


def test_what_opus_does_comes_from_the_table(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "RESULTS", tmp_path)
    assert "has not been measured" in words.opus_effect(cache.results("embedded"), "embedded")
    row = {"system": "embedded", "benchmark": "some_clips", "subset": "test", "breakdown": "codec"}
    row |= {"metric": "eer_percent", "low": 20.0, "high": 30.0, "n_bonafide": 11, "n_spoof": 1234}
    row |= {"kind": "measured", "source": "by hand", "note": ""}
    table = [
        row | {"system": "aasist", "condition": "opus-24, 1 window", "value": 40.04},
        row | {"system": "aasist", "condition": "none, 1 window", "value": 39.39},
        row | {"condition": "none, 1 window", "value": 12.34},
        row | {"condition": "opus-16, 1 window", "value": 25.67},
        row | {"condition": "opus-16, 1 window", "value": 0.99, "metric": "auc"},
    ]
    pd.DataFrame(table).to_csv(tmp_path / "embedded.csv", index=False)
    text = words.opus_effect(cache.results("embedded"), "embedded")
    assert (
        "Opus at 16 kbit/s on 11 human and 1,234 synthetic clips of some clips, test, one window "
        "per clip" in text
    )
    assert "25.7 % (95 % interval 20.0 to 30.0 %), 12.3 % without" in text
    assert "99" not in text and "39.4" not in text
    other = words.opus_effect(cache.results("embedded"), "aasist")
    assert "40.0 %" in other and "39.4 % without" in other and "25.7" not in other
    assert "has not been measured" in words.opus_effect(cache.results("embedded"), "third")


def test_a_start_lets_go_of_the_take_before_and_a_stop_keeps_the_new_one(monkeypatch):
    monkeypatch.setattr(cache, "detector", lambda id: QuickDetector())
    state: dict = {}
    monkeypatch.setattr(st, "session_state", state)

    def component(playing: bool, signalling: bool) -> None:
        found = WebRtcStreamerState(playing=playing, signalling=signalling)
        state[microphone.MICROPHONE] = WebRtcStreamerContext(None, found)
        microphone.changed()

    component(False, True)
    first = current.take()
    component(True, False)
    assert current.take() is first
    for frame in frames(sine(1.0)):
        first.push(frame)
    component(False, False)
    assert first.snapshot().state == "finished" and not current.is_silent()
    component(False, True)
    second = current.take()
    assert second is not first and first.snapshot().state == "discarded"
    component(False, False)  # the browser refused before a single frame
    assert current.is_silent()
    component(False, True)
    session.note_page("live")
    component(False, False)
    assert not current.was_left()
    component(False, True)
    session.note_page("detect")
    component(False, False)  # what ended it is that its visitor went to another page
    assert current.was_left() and not current.take().open
    current.discard()


def test_takes_beyond_the_limit_are_refused_until_one_ends(monkeypatch):
    forget()
    monkeypatch.setattr(cache, "detector", lambda *args, **kwargs: QuickDetector())
    monkeypatch.setenv("SPOOFSCOPE_LIVE_STREAMS", "1")
    visitors: list[dict] = [{}, {}]

    def visit(number: int) -> None:
        monkeypatch.setattr(st, "session_state", visitors[number])

    visit(0)
    assert current.begin()
    assert current.begin()  # one's own take makes room
    visit(1)
    assert not current.begin()
    assert current.take() is None
    assert "Press Stop" in current.refusal()
    current.leave()
    assert not current.refusal()
    visit(0)
    current.take().finish()
    visit(1)
    assert current.begin()
    for number in (0, 1):
        visit(number)
        current.discard()


def test_the_meter_reads_aloud_and_warns():
    assert 'aria-valuetext="-20 dB"' in words.level_meter(-20.2)
    assert "very loud" in words.level_meter(-2.0)
    assert "faint" in words.level_meter(-50.0)
    assert "silence" in words.level_meter(None)
    assert "paused" in words.level_meter(None, paused=True)


@pytest.mark.parametrize("heard", [(1, 1, 2), (2,), ()])
def test_which_channel_was_heard_is_said_where_they_differ(heard):
    shot = SimpleNamespace(
        windows=[LiveWindow(n, n + 4.0, 1.0, 3.0, True, c) for n, c in enumerate(heard)]
    )
    said = " ".join(words.channels(shot))
    for channel in (1, 2):
        count = heard.count(channel)
        assert (f"channel {channel} in {count}" in said) == bool(count)
        assert (f"Channel {channel} was not scored" in said) == (bool(heard) and not count)
    same = SimpleNamespace(windows=[LiveWindow(0.0, 4.0, 1.0, 3.0, True)])
    assert words.channels(same) == []
