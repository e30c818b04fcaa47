"""Files with several tracks, and with channels that are judged apart, on Detect and Timeline."""

import io
from collections import defaultdict
from pathlib import Path

import av
import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.audio import isolated
from core.audio.clip import AudioError
from core.audio.decoding import decode
from core.show.markdown import plain
from tests.builders import channels_apart, decoder, one_of_tracks, tone, wav

ROOT = Path(__file__).resolve().parents[2]
HOME = str(ROOT / "Home.py")
SPEECH = ROOT / "tests" / "data" / "speech.flac"


@pytest.fixture
def read(monkeypatch):
    """A decoder that knows a film of two tracks, and a call of two parties."""
    asked = []

    def film(number):
        asked.append(number)
        if number > 2:
            raise AudioError("There is no such track.")
        return one_of_tracks(number, 220.0, 330.0, 440.0)

    by_name = {"film": film, "call": lambda _: channels_apart(330.0, 220.0)}
    monkeypatch.setattr(isolated, "decode_safely", decoder(**by_name))
    return asked


@pytest.fixture
def page(detector, read) -> AppTest:
    home = AppTest.from_file(HOME, default_timeout=60).run()
    return home.switch_page("pages/Detect.py").run()


def bring(page: AppTest, *names: str) -> AppTest:
    for name in names:
        page.file_uploader[0].upload(name, name.encode())
    page.run()
    assert not page.exception
    return page


def words(page: AppTest) -> str:
    return "\n".join(str(p.value) for p in [*page.markdown, *page.caption, *page.error])


def test_the_judged_track_is_said_and_the_other_one_click_away(page, read, detector):
    bring(page, "film.mp4")
    assert plain("Track 1 of 3 (English) was judged.") in words(page)
    assert plain("tracks 2 (German, 9.0 s)") in words(page)
    assert "Likely synthetic" in page.header[0].value
    page.selectbox[0].select_index(1).run()
    assert not page.exception
    assert plain("Track 2 of 3 (German) was judged.") in words(page)
    assert "Likely authentic" in page.header[0].value
    page.selectbox[0].select_index(0).run()
    assert "Likely synthetic" in page.header[0].value
    assert read == [1, 2] and len(detector.calls) == 2  # both are kept


def test_a_track_that_cannot_be_read_leaves_the_one_before(page):
    bring(page, "film.mp4")
    page.selectbox[0].select_index(2).run()
    assert "Track 3 cannot be read" in page.error[0].value
    assert "Track 1 is shown below" in page.error[0].value
    assert "Likely synthetic" in page.header[0].value


def test_each_channel_has_a_verdict_and_its_own_card(page):
    bring(page, "call.wav")
    table = page.dataframe[0].value
    assert list(table["File"]) == ["call.wav, channel 1", "call.wav, channel 2"]
    assert [v.split(" ", 1)[1] for v in table["Verdict"]] == [
        "Likely authentic", "Likely synthetic",
    ]  # fmt: skip
    assert "an average would hide part of the sound" in words(page)
    assert plain("Channel 1 of 2 was judged by itself.") in words(page)
    page.session_state["detect-files"] = {"selection": {"rows": [1], "columns": [], "cells": []}}
    page.run()
    assert "Likely synthetic" in page.header[0].value
    assert plain("Channel 2 of 2 was judged by itself.") in words(page)


def test_timeline_names_the_part_and_offers_the_other_channel(page):
    bring(page, "call.wav")
    page.switch_page("pages/Timeline.py").run()
    assert not page.exception
    clips = page.selectbox[0]
    assert clips.options == ["call.wav, channel 1", "call.wav, channel 2"]
    clips.set_value(page.session_state["spoofscope.entries"][1].key).run()
    assert any("Likely synthetic" in m.value for m in page.markdown)


def test_a_track_takes_the_place_of_its_file_among_several(page):
    bring(page, "call.wav", "film.mp4")
    page.session_state["detect-files"] = {"selection": {"rows": [2], "columns": [], "cells": []}}
    page.run()
    page.selectbox[0].select_index(1).run()
    files = ["call.wav, channel 1", "call.wav, channel 2", "film.mp4, track 2"]
    assert list(page.dataframe[0].value["File"]) == files


def test_everything_can_be_forgotten(page):
    bring(page, "film.mp4")
    next(b for b in page.button if b.label == "Forget all clips").click().run()
    for kept in ("clips", "files", "parts", "detections", "entries"):
        assert f"spoofscope.{kept}" not in page.session_state


def film(*hertz: float) -> bytes:
    """A Matroska file with a track of a tone each, in German and French."""
    data = io.BytesIO()
    with av.open(data, "w", format="matroska") as container:
        streams = []
        for code in ("deu", "fra"):
            stream = container.add_stream("flac", rate=16_000, layout="mono")
            stream.metadata["language"] = code
            streams.append(stream)
        for stream, pitch in zip(streams, hertz, strict=True):
            samples = np.rint(tone(9.0, pitch) * 32767).astype(np.int16)[None]
            frame = av.AudioFrame.from_ndarray(samples, "s16", "mono")
            frame.sample_rate, frame.pts = 16_000, 0
            container.mux([*stream.encode(frame), *stream.encode(None)])
    return data.getvalue()


def test_real_files_of_two_tracks_and_of_opposite_channels(detector):
    page = AppTest.from_file(HOME, default_timeout=60).run()
    page.switch_page("pages/Detect.py").run()
    voice = decode(SPEECH).samples
    page.file_uploader[0].upload("film.mkv", film(330.0, 220.0)).run()
    assert plain("Track 1 of 2 (German) was judged.") in words(page)
    assert plain("The other is track 2 (French, 9.0 s, -11 dB).") in words(page)
    page.selectbox[0].select_index(1).run()
    assert "Likely synthetic" in page.header[0].value
    detector.scores = defaultdict(lambda: [3.0])
    page.file_uploader[0].upload("call.wav", wav(np.stack([voice, -voice], axis=1))).run()
    assert list(page.dataframe[0].value["File"])[-2:] == [
        "call.wav, channel 1", "call.wav, channel 2",
    ]  # fmt: skip
    assert "cancel each other" in words(page)
