"""The Detect page in every state, with a detector whose scores are given."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import streamlit as st
from streamlit.runtime.state.query_params_proxy import QueryParamsProxy
from streamlit.testing.v1 import AppTest

from core.audio import isolated, processes
from core.audio.clip import AudioError
from core.detect.decision import Stance
from core.detect.detector import DetectorError
from core.detect.saved import open_saved
from core.provenance.found import Provenance
from core.show import cache, session
from core.show.clip.charts import PICK
from core.show.evidence import view as report_view
from core.show.markdown import plain
from core.show.server import clip_store
from core.show.server.clip_store import STORE
from core.show.server.queue import Place, TooBusy
from core.show.theme import VERDICTS
from tests.builders import clip, tone, wav
from tests.pages.conftest import forget

PAGE = str(Path(__file__).resolve().parents[2] / "pages" / "Detect.py")
FILES = {
    "synthetic.wav": wav(tone(9.0, 220.0)),
    "human.wav": wav(tone(8.0, 330.0)),
    "unsure.wav": wav(tone(7.0, 440.0)),
    "silent.wav": wav(tone(2.0, 550.0)),
    "broken.wav": b"RIFF no sound at all",
}


@pytest.fixture
def page(detector) -> AppTest:
    return AppTest.from_file(PAGE, default_timeout=60).run()


def upload(page: AppTest, *names: str) -> AppTest:
    for name in names:
        page.file_uploader[0].upload(name, FILES[name])
    page.run()
    assert not page.exception
    return page


def headings(page: AppTest) -> list[str]:
    return [h.value for h in [*page.header, *page.subheader]]


def words(page: AppTest) -> str:
    parts = [*page.markdown, *page.caption, *page.html, *page.error, *page.info, *page.warning]
    shown = "\n".join([*headings(page), *(str(p.value) for p in parts)])
    return shown.replace("\\", "")  # of Markdown


def download(page: AppTest, label: str):
    return next(d for d in page.get("download_button") if d.proto.label == label)


def test_empty_page_says_what_to_do(page):
    assert not page.exception
    assert "Nothing to judge yet" in headings(page)
    assert "Clips stay in the memory of this session" in words(page)
    assert not page.get("vega_lite_chart")


@pytest.mark.parametrize(
    ("name", "verdict"),
    [("synthetic.wav", "synthetic"), ("human.wav", "authentic"), ("unsure.wav", "inconclusive")],
)
def test_an_upload_gets_its_card(page, name, verdict):
    upload(page, name)
    style = VERDICTS[verdict]
    assert f":{style.colour}[{style.icon} {style.word}]" in headings(page)
    text = words(page)
    for part in ('role="meter"', "assuming 50 %", "42 ms", "Windows", "How clear", "in 100"):
        assert part in text
    others = {v.word for v in VERDICTS.values()} - {style.word}
    assert not [h for h in headings(page) if any(word in h for word in others)]
    assert len(page.get("vega_lite_chart")) == 2  # the windows, and the priors
    assert len(page.get("audio")) == 1


def test_an_inconclusive_clip_says_why_and_is_called_unknown(page):
    text = words(upload(page, "unsure.wav"))
    assert "too close to the threshold" in text
    assert "Treat this clip as unknown" in text


def test_a_clip_without_speech_gets_no_verdict_no_number_and_no_chart(page):
    text = words(upload(page, "silent.wav"))
    assert "No speech was found in this recording." in text
    assert "Likely" not in text
    assert "meter" not in text
    assert not page.get("vega_lite_chart")
    assert "clear" not in text.split("How clear")[1][:120]


def test_a_broken_file_gets_a_sentence_and_nothing_else(page):
    upload(page, "broken.wav")
    assert len(page.error) == 1
    assert f"**{plain('broken.wav')}**" in page.error[0].value
    assert "Traceback" not in words(page)
    assert not page.header


def test_several_files_give_a_row_each_and_the_broken_one_does_not_stop_them(page):
    upload(page, *FILES)
    table = page.dataframe[0].value
    assert list(table["File"]) == list(FILES)
    assert [v.split(" ", 1)[1] for v in table["Verdict"]] == [
        *("Likely synthetic", "Likely authentic", "Inconclusive", "Not judged", "Not read")
    ]
    assert pd.isna(table["Synthetic"].iloc[3])
    assert pd.isna(table["Synthetic"].iloc[4])
    assert plain(table["Why"].iloc[4]) == page.error[0].value.split(": ", 1)[1]
    assert "Likely synthetic" in headings(page)[0]
    download(page, "All as CSV")
    download(page, "All as JSON")


def test_a_chosen_row_shows_its_card(page):
    upload(page, "synthetic.wav", "human.wav")
    page.session_state["detect-files"] = {"selection": {"rows": [1], "columns": [], "cells": []}}
    page.run()
    assert "Likely authentic" in headings(page)[0]
    assert f"**{plain('human.wav')}**" in [m.value for m in page.markdown]


def test_a_recording_is_judged(page):
    page.audio_input[0].upload("recording.wav", FILES["human.wav"]).run()
    assert not page.exception
    assert "Likely authentic" in headings(page)[0]
    assert f"**{plain('Your recording.wav')}**" in [m.value for m in page.markdown]


def test_examples_come_in_order_with_their_truth_and_lesson(detector, examples):
    page = AppTest.from_file(PAGE, default_timeout=60).run()
    assert [b.label for b in page.button if "one" in b.label] == ["1. An easy one", "2. A hard one"]
    page.button(key="detect-example-2").click().run()
    assert not page.exception
    assert "Inconclusive" in headings(page)[0]
    assert "**In truth: synthetic, made by Engine X.** Do not guess." in words(page)
    assert "**A hard one**" in words(page)
    assert page.query_params["example"] == "2"


def test_an_address_opens_an_example(detector, examples):
    page = AppTest.from_file(PAGE, default_timeout=60)
    page.query_params["example"] = "1"
    page.run()
    assert "Likely authentic" in headings(page)[0]
    assert "**In truth: human speech.** Listen." in words(page)
    upload(page, "synthetic.wav")
    assert "Likely synthetic" in headings(page)[0]
    assert "In truth" not in words(page)
    assert "example" not in page.query_params


@pytest.mark.parametrize(("asked", "writes"), [("1", 0), (["1", "9"], 1)])
def test_an_address_that_opens_an_example_is_not_emptied_on_the_way(
    detector, examples, monkeypatch, asked, writes
):
    written = []
    for write in ("from_dict", "__setitem__"):
        real = getattr(QueryParamsProxy, write)
        monkeypatch.setattr(
            QueryParamsProxy, write, lambda *to, real=real: (written.append(to[1:]), real(*to))
        )
    page = AppTest.from_file(PAGE, default_timeout=60)
    page.query_params["example"] = asked
    page.run()
    assert "Likely authentic" in headings(page)[0]
    assert len(written) == writes and page.query_params["example"] == "1"


@pytest.mark.parametrize(
    "asked",
    [
        *(
            "9",
            "x",
            "-1",
            "",
            "+1",
            " 1",
            "1_0",
            "1.0",
            "01",
            "1" * 5_000,
            "\N{ARABIC-INDIC DIGIT ONE}",
        ),
        *(
            "\N{SUPERSCRIPT ONE}",
            "\N{FULLWIDTH DIGIT ONE}",
            "<script>alert(1)</script>",
            "\0",
            "\ufeff1",
        ),
    ],
)
def test_an_address_that_names_no_example_leaves_the_page_empty(detector, examples, asked):
    page = AppTest.from_file(PAGE, default_timeout=60)
    page.query_params["example"] = asked
    page.run()
    assert not page.exception
    assert "Nothing to judge yet" in headings(page)


def test_the_prior_changes_the_verdict_without_another_analysis(page, detector):
    upload(page, "synthetic.wav")
    assert len(detector.calls) == 1
    page.slider(key="detect-prior").set_value(1).run()
    assert "Likely authentic" in headings(page)[0]
    assert "assuming 1 %" in words(page)
    assert len(detector.calls) == 1


def test_a_rerun_and_the_same_bytes_again_are_not_analysed_twice(page, detector):
    upload(page, "synthetic.wav")
    page.run()
    page.file_uploader[0].upload("same bytes.wav", FILES["synthetic.wav"])
    page.run()
    assert len(detector.calls) == 1


def test_a_click_on_a_window_plays_it(page):
    upload(page, "synthetic.wav")
    key = next(k for k in page.session_state.to_dict() if str(k).startswith("detect-windows-"))
    page.session_state[key] = {"selection": {PICK: [{"window": 1}]}}
    page.run()
    assert any("**Window 2**, 2.00 to 6.00 s" in m.value for m in page.markdown)
    assert len(page.get("audio")) == 2


def test_details_list_every_window_and_downloads_carry_them(page):
    upload(page, "synthetic.wav")
    table = page.dataframe[0].value
    assert list(table["Window"]) == [1, 2, 3, 4]
    assert list(table["Chance of synthetic"])[2] == "not scored"
    download(page, "JSON")
    download(page, "Windows as CSV")


def test_figures_about_the_detector_come_from_the_table(page, monkeypatch, tmp_path):
    row = {
        **dict(system="embedded", benchmark="corpus", subset="test", breakdown="pooled"),
        **dict(condition="none", metric="eer_percent", value=7.25, low=5.5, high=9.0),
        **dict(n_bonafide=400, n_spoof=800, kind="measured", source="python -m core x", note=""),
    }
    other = {**row, "system": "another system", "value": 1.5}
    pd.DataFrame([other, row]).to_csv(tmp_path / "embedded.csv", index=False)
    monkeypatch.setattr("core.show.cache.RESULTS", tmp_path)
    upload(page, "human.wav")
    assert len(page.metric) == 1
    shown = page.dataframe[-1].value
    assert shown["value"].iloc[0] == 7.25
    assert shown["source"].iloc[0] == "python -m core x"
    assert page.metric[0].value == "7.2 %"
    text = words(page)
    for part in ("95 % interval 5.5 to 9.0 %", "400 human and 800 synthetic", "python -m core x"):
        assert part in text


def test_forgetting_empties_the_session(page):
    upload(page, "synthetic.wav")
    next(b for b in page.button if b.label == "Forget all clips").click().run()
    assert "Nothing to judge yet" in headings(page)
    held = json.dumps([str(v) for v in page.session_state.to_dict().values()])
    assert "synthetic.wav" not in held


def test_a_detector_that_cannot_be_loaded_is_a_sentence(monkeypatch, detector):
    def refuse(*args, **kwargs):
        raise DetectorError("The weights are not on this machine.")

    page = AppTest.from_file(PAGE, default_timeout=60).run()
    monkeypatch.setattr("core.detect.registry.load_detector", refuse)
    upload(page, "human.wav")
    assert [e.value for e in page.error] == [plain("The weights are not on this machine.")]
    assert not page.header


def test_a_file_name_is_text_and_nothing_else(page):
    name = "![x](http://example.org/a.png) :red[b] $c$.wav"
    page.file_uploader[0].upload(name, FILES["human.wav"]).run()
    shown = [m.value for m in page.markdown if "example" in m.value]
    assert shown == [f"**{plain(name)}**"]
    assert all(f"\\{c}" in shown[0] for c in "![](:$")


def test_sound_that_was_dropped_meanwhile_is_read_again(page, detector):
    upload(page, "synthetic.wav", "human.wav", "unsure.wav")
    heard = page.get("audio")[0].proto.url
    STORE.drop_idle(0.0)
    assert not page.run().exception
    assert page.get("audio")[0].proto.url == heard  # a hash of the sound
    assert not page.warning
    assert len(detector.calls) == 3


def test_sound_that_cannot_be_read_again_gives_a_sentence(page, monkeypatch):
    upload(page, "human.wav")
    for error in (AudioError("The file broke."), TooBusy("The server is full."), OSError("none")):
        STORE.drop_idle(0.0)

        def fail(*args, error=error, **kwargs):
            raise error

        monkeypatch.setattr(isolated, "decode_safely", fail)
        assert not page.run().exception
        said = session.NO_WORKER if isinstance(error, OSError) else str(error)
        assert [w.value for w in page.warning] == [said]


def test_a_server_whose_memory_for_sound_is_too_small_says_so(page, monkeypatch):
    # A store of its own: sound of earlier sessions counts in that of all until it is freed.
    small = clip_store.ClipStore(lambda: 8 * clip_store.SECOND_BYTES)
    monkeypatch.setattr(clip_store, "STORE", small)
    upload(page, "synthetic.wav", "unsure.wav")
    assert [e.value for e in page.error] == [
        f"**synthetic\\.wav**: {plain(clip_store.TOO_LONG.format(8 / 60))}"
    ]


def test_weights_that_are_not_here_are_fetched_only_on_a_click(page, detector, monkeypatch):
    fetched = []

    def load(id, *, progress=None, fetch=True, **_):
        fetched.append((id, fetch))
        progress(0.5)
        return detector

    monkeypatch.setattr("core.detect.registry.load_detector", load)
    monkeypatch.setattr("core.detect.registry.entry.models_home", lambda: Path("/nowhere"))
    page.multiselect(key="detect-detectors").set_value(["wav2vec2-base-asvspoof2019"]).run()
    upload(page, "human.wav")
    assert fetched == []
    assert "not installed here" in page.warning[0].value
    next(b for b in page.button if b.label.startswith("Fetch")).click().run()
    assert fetched == [("wav2vec2-base-asvspoof2019", True)]
    assert "Likely authentic" in headings(page)[0]


@pytest.mark.parametrize("size", [1000, 1_281_532])  # that of no file, and that of the right one
def test_a_wrong_file_of_weights_is_offered_to_be_fetched_again(tmp_path, monkeypatch, size):
    forget()
    monkeypatch.setenv("SPOOFSCOPE_MODELS", str(tmp_path))
    (tmp_path / "aasist").mkdir()
    (tmp_path / "aasist" / "AASIST.pth").write_bytes(b"x" * size)
    page = AppTest.from_file(PAGE, default_timeout=60).run()
    page.multiselect(key="detect-detectors").set_value(["aasist"]).run()
    upload(page, "human.wav")
    assert any(b.label == "Fetch 1.3 MB" for b in page.button)
    said = [*page.error, *page.warning]
    assert len(said) == 1
    assert ("not the file" in said[0].value) == (size != 1000)
    forget()


def test_a_report_is_made_when_it_is_asked_for(page):
    upload(page, "synthetic.wav", "silent.wav")
    assert not [d for d in page.get("download_button") if d.proto.label == "Report (HTML)"]
    page.button(key="detect-prepare-report").click().run()
    assert not page.exception
    assert download(page, "Report (HTML)")


def reports(page: AppTest) -> list[str]:
    return [d.proto.label for d in page.get("download_button") if "Report (" in d.proto.label]


@pytest.fixture
def drawn(monkeypatch):
    """Reports without a word: what they hold is tried elsewhere."""
    for form in ("html", "pdf"):
        monkeypatch.setattr(
            report_view, f"evidence_{form}", lambda *_, form=form, **__: form.encode()
        )


def test_a_prepared_report_stays_until_it_would_say_something_else(page, drawn):
    upload(page, "synthetic.wav", "silent.wav")
    page.button(key="detect-prepare-report").click().run()
    assert reports(page) == ["Report (HTML)", "Report (PDF)"] == reports(page.run())
    file = download(page, "Report (HTML)").proto.url
    assert download(page.run(), "Report (HTML)").proto.url == file
    page.text_area(key="detect-report-notes").input("Of the first call.").run()
    assert not reports(page) and report_view.CHANGED in words(page)
    assert reports(page.text_area(key="detect-report-notes").input("").run())
    assert report_view.CHANGED not in words(page)
    page.session_state["spoofscope.stance"] = Stance(0.1)
    assert not reports(page.run()) and report_view.CHANGED in words(page)
    page.button(key="detect-prepare-report").click().run()
    next(b for b in page.button if b.label == "Forget all clips").click().run()
    assert not page.exception and not reports(page)
    assert "spoofscope.reports" not in page.session_state


def test_a_click_on_prepare_outlives_a_run_that_ends_before_it(page, drawn, monkeypatch):
    upload(page, "synthetic.wav")
    with monkeypatch.context() as broken:
        broken.setattr(cache, "results", lambda name: st.stop())
        page.button(key="detect-prepare-report").click().run()
        assert not reports(page)
    assert reports(page.run())


def test_a_report_is_prepared_anew_where_its_file_is_looked_into_only_later(page, monkeypatch):
    origins = []

    def made(cases, *_, **__):
        origins.append(cases[0].origin)
        return b"a report"

    def busy(*_):
        raise TooBusy("The queue is full.")

    for form in ("html", "pdf"):
        monkeypatch.setattr(report_view, f"evidence_{form}", made)
    with monkeypatch.context() as full:
        full.setattr("core.provenance.isolated.look_safely", busy)
        upload(page, "synthetic.wav")
        assert reports(page.button(key="detect-prepare-report").click().run())
    found = Provenance(notes=("Of a machine.",))
    monkeypatch.setattr("core.provenance.isolated.look_safely", lambda *_: found)
    assert reports(page.run()) == ["Report (HTML)", "Report (PDF)"] == reports(page.run())
    assert origins == [None, None, found, found]
    assert report_view.CHANGED not in words(page)


def test_a_report_does_not_outlive_the_clip_that_it_is_of(page, drawn):
    upload(page, "synthetic.wav", "human.wav")
    page.button(key="detect-prepare-report").click().run()
    assert page.session_state["spoofscope.reports"]
    page.file_uploader[0].set_value(None)
    page.run()
    assert not page.session_state["spoofscope.reports"]


def test_a_saved_detection_opens_and_a_damaged_one_gets_a_sentence(page, detector):
    held = json.dumps(detector.detect(clip(9.0)).to_dict()).encode()
    page.file_uploader(key="detect-saved").upload("saved.json", held)
    page.run()
    assert not page.exception
    assert "Likely synthetic" in words(page)
    assert "anyone can edit it" in words(page)
    page.file_uploader(key="detect-saved").upload("saved.json", b"{}")
    page.run()
    assert "not a saved detection" in page.error[0].value


@pytest.mark.parametrize("hertz", [220.0, 330.0])
def test_a_saved_detection_is_held_against_its_clip(page, detector, hertz):
    found = detector.detect(clip(9.0, hertz=hertz))
    sha256 = hashlib.sha256(FILES["synthetic.wav"]).hexdigest()
    found = replace(found, source=replace(found.source, sha256=sha256))
    page.file_uploader(key="detect-saved").upload(
        "saved.json", json.dumps(found.to_dict()).encode()
    )
    page.run()
    assert not [b for b in page.button if b.key == "detect-again-0"]
    upload(page, "synthetic.wav")
    page.run()
    page.button(key="detect-again-0").click().run()
    assert not page.exception
    how = "the result agrees" if hertz == 220.0 else "the result does not agree"
    assert how in words(page).replace("\\", "")


QUEUES = {"judging_queue": "CONCURRENT_INFERENCES", "reading_queue": "DECODE_PROCESSES"}


def test_a_saved_file_is_read_once_and_forgotten_when_it_is_removed(page, detector, monkeypatch):
    read = []

    def counted(data, detector_of):
        read.append(len(data))
        return open_saved(data, detector_of)

    monkeypatch.setattr(report_view, "open_saved", counted)
    held = json.dumps([detector.detect(clip(9.0)).to_dict()] * 60).encode()
    page.file_uploader(key="detect-saved").upload("saved.json", held)
    for _ in range(3):
        page.run()
        assert "The file holds 60: the first 50" in words(page) + page.caption[-1].value
    assert read == [len(held)]
    assert len(page.session_state[report_view.OPENED].shown) == 50
    page.file_uploader(key="detect-saved").upload("saved.json", b"{}")
    page.run()
    page.run()
    assert "not a saved detection" in page.error[0].value
    assert read == [len(held), 2]
    page.file_uploader(key="detect-saved").set_value(None).run()
    assert report_view.OPENED not in page.session_state
    assert not page.error


@pytest.mark.parametrize("queue", QUEUES)
def test_a_full_queue_is_told_of_and_the_file_waits_for_another_try(queue, page, monkeypatch):
    monkeypatch.setenv("SPOOFSCOPE_QUEUE_LENGTH", "0")
    monkeypatch.setenv(f"SPOOFSCOPE_{QUEUES[queue]}", "1")
    with getattr(cache, queue)().turn("another visitor"):
        upload(page, "human.wav")
        assert "Try again in a minute" in page.warning[0].value
        assert not page.header
    next(b for b in page.button if b.label == "Try again").click()
    page.run()
    assert not page.exception
    assert not page.warning
    assert "Likely authentic" in headings(page)[0]


@pytest.mark.parametrize(
    ("queue", "doing"), [("judging_queue", "judged"), ("reading_queue", "read")]
)
def test_a_visitor_who_waits_reads_the_place_in_the_queue(queue, doing, page, monkeypatch):
    monkeypatch.setenv(f"SPOOFSCOPE_{QUEUES[queue]}", "1")
    told, turns = [], getattr(cache, queue)()
    real = Place.in_words

    def in_words(place: Place) -> str:
        told.append(real(place))
        if len(told) == 1:
            turn.__exit__(None, None, None)  # the other visitor's clip is done
        return told[-1]

    monkeypatch.setattr(Place, "in_words", in_words)
    turn = turns.turn("another visitor")
    turn.__enter__()
    upload(page, "human.wav")
    assert told[0] == f"Other clips are being {doing}. You are number 1 of 1 in the queue."
    assert "Likely authentic" in headings(page)[0]
    assert turns.running() == 0


def test_a_server_that_cannot_start_a_process_says_so(page, monkeypatch):
    def full(*about: object, **more: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    pool = isolated._Pool()
    monkeypatch.setattr(isolated, "_POOL", pool)
    with monkeypatch.context() as patch:
        patch.setattr(processes.subprocess, "Popen", full)
        upload(page, "human.wav")
    assert "cannot start a process to read the file just now" in words(page)
    assert cache.reading_queue().running() == 0
    upload(page, "synthetic.wav")
    assert "Likely synthetic" in words(page)
    pool.close()


def test_more_files_than_allowed_are_cut_off_with_a_word(page, monkeypatch):
    monkeypatch.setenv("SPOOFSCOPE_MAX_FILES", "2")
    upload(page, "synthetic.wav", "human.wav", "silent.wav")
    assert "These are 3 files, and 2 can be judged at a time" in page.warning[0].value
    assert list(page.dataframe[0].value["File"]) == ["synthetic.wav", "human.wav"]
