"""The Timeline page in every state, with a detector whose scores are given."""

from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.audio.decoding import decode
from core.audio.parts import in_words
from core.show.markdown import plain
from tests.builders import tone, wav

ROOT = Path(__file__).resolve().parents[2]
PAGE = str(ROOT / "pages" / "Timeline.py")


@pytest.fixture
def page(detector) -> AppTest:
    return AppTest.from_file(PAGE, default_timeout=60).run()


def upload(page: AppTest, data: bytes, name: str = "clip.wav") -> AppTest:
    page.file_uploader[0].upload(name, data).run()
    assert not page.exception
    return page


def downloads(page: AppTest) -> dict[str, bool]:
    return {d.proto.label: d.proto.disabled for d in page.get("download_button")}


def test_empty_page_says_what_to_do(page):
    assert not page.exception
    assert page.subheader[0].value == "No clip yet"
    assert "Detect" in page.markdown[1].value
    assert not page.get("bidi_component")


def test_an_upload_is_drawn_with_its_spans(page):
    upload(page, wav(tone(13.0, 220.0)))
    assert len(page.get("bidi_component")) == 1
    table = page.dataframe[0].value
    assert list(zip(table["From (s)"], table["To (s)"], strict=True)) == [(0, 5), (7, 9)]
    assert downloads(page) == {"CSV": False, "Audacity labels": False, "RTTM": False}
    assert any("Likely synthetic" in m.value for m in page.markdown)


def test_no_span_is_said_and_nothing_can_be_exported(page):
    upload(page, wav(tone(9.0, 330.0)))
    assert not page.dataframe
    assert any("No stretch of this clip lies above the grey band" in m.value for m in page.markdown)
    assert all(downloads(page).values())


def test_a_finer_hop_is_analysed_once_and_gives_finer_spans(page, detector):
    upload(page, wav(tone(13.0, 220.0)))
    assert detector.calls == [("clip.wav", None)]
    page.segmented_control(key="timeline-hop").set_value(0.5).run()
    assert not page.exception
    page.run()
    assert detector.calls == [("clip.wav", None), ("clip.wav", 0.5)]
    assert page.dataframe[0].value["From (s)"].iloc[0] == 0.0


@pytest.mark.parametrize("name", ["cut", "opposite"])
def test_what_is_to_say_of_the_file_is_said_here_too(page, name):
    whole = tone(9.0, 220.0)
    data = {
        "cut": wav(whole)[:200_000],
        "opposite": wav(np.stack([whole, -whole], axis=1)),
    }[name]
    upload(page, data)
    source = decode(data).parts[0].source
    due = [*in_words(source), *source.notes]
    assert due
    said = [caption.value for caption in page.caption]
    assert all(f":material/info: {plain(sentence)}" in said for sentence in due)


def test_a_clip_without_speech_gets_no_verdict(page):
    upload(page, wav(tone(2.0, 550.0)))
    text = "\n".join(str(m.value) for m in [*page.markdown, *page.caption])
    assert "Not judged" in text
    assert "Likely" not in text
    assert "No speech was found in this recording." in text


def test_a_broken_file_gets_a_sentence(page):
    upload(page, b"no sound", "broken.wav")
    assert f"**{plain('broken.wav')}**" in page.error[0].value
    assert page.subheader[0].value == "No clip yet"


def shown(page: AppTest) -> tuple[float, float]:
    """What the fields say that is shown, in seconds of the file."""
    start, end = (n for n in page.number_input if n.key.startswith("timeline-"))
    return start.value, end.value


def test_a_part_is_typed_and_is_never_empty_or_endless(page, unseen):
    upload(page, wav(tone(340.0, 330.0)))
    assert shown(page) == (0.0, 60.0)
    page.number_input[0].set_value(30.0).run()
    assert shown(page) == (30.0, 60.0)
    page.number_input[1].set_value(30.0).run()
    assert shown(page) == (30.0, 30.5)
    page.number_input[1].set_value(340.0).run()
    assert shown(page) == (30.0, 330.0)
    assert not page.exception
    assert len(page.get("bidi_component")) == 1
    assert (page.query_params["from"], page.query_params["to"]) == ("30", "330")


def test_a_chosen_span_is_shown_once(page, unseen):
    upload(page, wav(tone(90.0, 220.0)))
    spans = page.dataframe[0].value
    page.session_state["timeline-spans"] = {"selection": {"rows": [1], "columns": [], "cells": []}}
    page.run()
    assert not page.exception
    assert shown(page) == (spans["From (s)"].iloc[1] - 5.0, spans["To (s)"].iloc[1] + 5.0)
    page.number_input[0].set_value(20.0).run()
    assert shown(page) == (14.0, 20.0)


def at(address: dict[str, str]) -> AppTest:
    page = AppTest.from_file(PAGE, default_timeout=60)
    for name, value in address.items():
        page.query_params[name] = value
    page.run()
    assert not page.exception
    return page


def test_an_address_opens_an_example_at_a_part(detector, examples):
    page = at({"example": "2", "from": "1.5", "to": "4"})
    assert any("two" in m.value for m in page.markdown)
    assert shown(page) == (1.5, 4.0)
    page.query_params.clear()  # the back button
    page.run()
    assert shown(page) == (0.0, 7.0)
    page.query_params["example"] = "1"
    page.run()
    assert shown(page) == (0.0, 8.0)


@pytest.mark.parametrize(
    "address",
    [
        {"example": "7"},
        {"example": "-1"},
        {"example": "one"},
        {"example": ""},
        {"from": "3", "to": "4"},
    ],
)
def test_an_address_that_leads_nowhere_is_ignored(detector, examples, address):
    assert at(address).subheader[0].value == "No clip yet"
    odd = at({"example": "1", "from": "nan", "to": "inf"} | {"x": "y"})
    assert shown(odd) == (0.0, 8.0)


def test_the_clip_of_detect_is_here_already(detector):
    home = AppTest.from_file(str(ROOT / "Home.py"), default_timeout=60).run()
    home.switch_page("pages/Detect.py").run()
    home.file_uploader[0].upload("from detect.wav", wav(tone(9.0, 220.0))).run()
    home.slider(key="detect-prior").set_value(20).run()
    home.switch_page("pages/Timeline.py").run()
    assert not home.exception
    text = "\n".join(m.value for m in home.markdown)
    assert f"**{plain('from detect.wav')}**" in text
    assert "assuming 20 %" in text
    assert len(detector.calls) == 1
    home.switch_page("pages/Detect.py").run()
    assert "Likely synthetic" in home.header[0].value
    assert home.slider(key="detect-prior").value == 20
    assert len(detector.calls) == 1
