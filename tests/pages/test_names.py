"""Names that strangers give are text on every page: they format, link and load nothing."""

import json
import re
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from core.detect.detector import DetectorError
from core.evaluate.example_scores import example
from core.show.markdown import plain
from tests.builders import SCORES as HEARD
from tests.builders import HandDetector, clip
from tests.damage import HOSTILE, NAMES, TAG
from tests.pages.test_detect import FILES, PAGE, upload
from tests.pages.test_opinions import classifier
from tests.pages.test_timeline import PAGE as TIMELINE
from tests.pages.test_your_scores import PAGE as SCORES
from tests.pages.test_your_scores import show

EVERY = pytest.mark.parametrize("name", [TAG, NAMES[3]])
FORMATTED = ("body", "label", "help", "text")
"""Fields of an element that are read as Markdown."""


def formatted(node) -> list[str]:
    """All text of a page that is read as Markdown or as HTML."""
    proto = getattr(node, "proto", None)
    found = strings(proto) if proto is not None and hasattr(proto, "ListFields") else []
    for child in getattr(node, "children", {}).values():
        found += formatted(child)
    return found


def strings(proto) -> list[str]:
    found = []
    for field, value in proto.ListFields():
        if isinstance(value, str):
            found += [value] if field.name in FORMATTED else []
        elif hasattr(value, "ListFields"):
            found += strings(value)
    return found


def assert_text(page: AppTest, name: str, least: int = 1) -> None:
    """The name is shown so often at least, and nowhere as it would be read as Markdown."""
    assert not page.exception
    texts = formatted(page.main)
    assert not [text for text in texts if name in text]
    assert sum(plain(name) in text for text in texts) >= least


@EVERY
def test_files_on_detect_and_timeline(detector, name):
    page = AppTest.from_file(PAGE, default_timeout=60).run()
    page.file_uploader[0].upload(f"{name}.wav", FILES["human.wav"])
    page.file_uploader[0].upload(f"{name}2.wav", b"RIFF no sound")
    page.run()
    assert_text(page, name, 2)
    assert [*page.dataframe[0].value["File"]] == [f"{name}.wav", f"{name}2.wav"]
    timeline = AppTest.from_file(TIMELINE, default_timeout=60)
    for key, value in page.session_state.to_dict().items():
        if str(key).startswith("spoofscope."):
            timeline.session_state[key] = value
    assert_text(timeline.run(), name, 2)


@EVERY
def test_detectors_and_what_they_say_of_themselves(monkeypatch, detector, name):
    config = {"calibration": {"fitted_on": name}, "training_families": [name]}
    made = HandDetector(HEARD, config=config)
    made.name = name
    monkeypatch.setattr("core.detect.registry.load_detector", lambda *_, **__: made)
    page = upload(AppTest.from_file(PAGE, default_timeout=60).run(), "human.wav")
    assert_text(page, name, 3)


@EVERY
def test_errors_of_a_detector(monkeypatch, detector, name):
    def refuse(*_args, **_options):
        raise DetectorError(f"'{name}' cannot judge sound.")

    page = AppTest.from_file(PAGE, default_timeout=60).run()
    monkeypatch.setattr("core.detect.registry.load_detector", refuse)
    upload(page, "human.wav")
    assert_text(page, name)


def test_folders_and_their_classes(monkeypatch, detector, tmp_path):
    monkeypatch.setenv("SPOOFSCOPE_OWN_MACHINE", "1")
    page = AppTest.from_file(PAGE, default_timeout=60).run()
    for name in (TAG, "![x](http://example.org)"):
        page.text_input(key="detect-another").set_value(name).run()
        assert not page.exception and len(page.error) == 1
        assert not [text for text in formatted(page.main) if name in text]
    folder = classifier(tmp_path / "![x](y)", {0: TAG, 1: "[real](http://example.org)"})
    page.text_input(key="detect-another").set_value(str(folder)).run()
    assert_text(page, TAG)
    assert_text(page, "[real](http://example.org)")


def test_a_saved_detection(detector):
    page = AppTest.from_file(PAGE, default_timeout=60).run()
    for name in NAMES:
        found = detector.detect(clip(9.0))
        found = replace(found, detector=name, source=replace(found.source, name=name))
        data = json.dumps(found.to_dict()).encode()
        page.file_uploader(key="detect-saved").upload("saved.json", data)
        assert_text(page.run(), name)
    data = json.dumps({"schema": "spoofscope.detection/![x](y)"}).encode()
    page.file_uploader(key="detect-saved").upload("saved.json", data)
    assert_text(page.run(), "![x](y)")


@EVERY
def test_files_attacks_and_columns_on_your_scores(name):
    words = example().decode().replace("X02", name).splitlines()
    rows = [line.split(",") for line in words]
    head = [name if cell == "codec" else cell for cell in rows[0]]
    rows[1][0] = name
    data = "\n".join("\t".join(row) for row in [head, *rows[1:]]).encode()
    page = AppTest.from_file(SCORES, default_timeout=120).run()
    for part in ("scores", "second"):
        field = next(f for f in page.file_uploader if f.key == f"scores.upload.{part}")
        field.upload(f"{name}.tsv", data, "text/plain")
    page.run()
    assert_text(page, name, 2)  # over the columns, and in the heading
    show(page, "Breakdown")
    assert_text(page, name)
    if len(page.selectbox(key="scores-by-second").options) > 1:
        page.selectbox(key="scores-by-second").set_value(
            page.selectbox(key="scores-by-second").options[1]
        ).run()
        assert_text(page, name)
    show(page, "Worst trials")
    assert_text(page, name)
    show(page, "Other systems")
    assert_text(page, name, 4)


@EVERY
def test_errors_on_your_scores(name):
    page = AppTest.from_file(SCORES, default_timeout=120).run()
    field = next(f for f in page.file_uploader if f.key == "scores.upload.scores")
    field.upload(f"{name}.txt", b"\0\1\2", "text/plain").run()
    assert_text(page, name)
    field = next(f for f in page.file_uploader if f.key == "scores.upload.scores")
    field.upload(f"{name}.txt", f"{name}\t1\nb\t2\nc\t3\n".encode(), "text/plain").run()
    key = next(f for f in page.file_uploader if f.key == "scores.upload.protocol")
    key.upload("key.txt", b"LA_1 x - - bonafide\nLA_1 y - A07 spoof\n", "text/plain").run()
    assert_text(page, name, 2)


def test_lines_cannot_be_broken_by_a_name():
    assert plain("a\n# b\n\n- c\r\n\td") == "a \\# b \\- c d"


@pytest.mark.parametrize(
    "text",
    ["http://a.b/c", "HTTPS://a.b", "www.a.b", "a@b.co", ":material/delete:", ":streamlit:", "->"],
)
def test_what_is_replaced_in_spite_of_escapes_is_broken_by_a_joiner(text):
    """The browser links addresses and draws icons in text that it has unescaped."""
    shown = plain(text).replace("\\", "")
    assert text not in shown
    assert shown.replace("\N{WORD JOINER}", "") == text


RAW = ["\u202e", "\u2066", "\u200b", "\ufeff", "\x9b", "\x1b[31m"]
"""What is in `HOSTILE` and must not be on a page."""


def held(node) -> bytes:
    """All that a page hands to the browser: texts, alt texts, tables, charts."""
    proto = getattr(node, "proto", None)
    found = proto.SerializeToString() if hasattr(proto, "SerializeToString") else b""
    return found + b"".join(held(child) for child in getattr(node, "children", {}).values())


def assert_inert(page: AppTest, least: int = 1) -> None:
    assert not page.exception
    data = held(page.main)
    for raw in RAW:
        assert raw.encode() not in data
        assert "".join(f"\\u{ord(c):04x}" for c in raw).encode() not in data  # as JSON writes it
    assert len(re.findall(rb"u\\*\{202e", data)) >= least


def test_no_page_holds_a_character_that_is_not_seen(detector):
    assert all(raw in HOSTILE for raw in RAW)
    detector.config["calibration"] = {"fitted_on": HOSTILE}
    page = AppTest.from_file(PAGE, default_timeout=60).run()
    page.file_uploader[0].upload(f"{HOSTILE}.wav", FILES["human.wav"])
    page.file_uploader[0].upload(f"{HOSTILE}2.wav", b"RIFF no sound")
    found = detector.detect(clip(9.0))
    text = json.dumps(found.to_dict()).replace("clip.wav", json.dumps(HOSTILE)[1:-1])
    text = text.replace('"embedded"', json.dumps(HOSTILE))
    page.file_uploader(key="detect-saved").upload("saved.json", text.encode())
    assert_inert(page.run(), 6)
    page.button(key="detect-prepare-report").click().run()
    assert_inert(page)
    timeline = AppTest.from_file(TIMELINE, default_timeout=60)
    for key, value in page.session_state.to_dict().items():
        if str(key).startswith("spoofscope."):
            timeline.session_state[key] = value
    assert_inert(timeline.run(), 2)


def test_no_page_of_scores_holds_one_either():
    words = example().decode().replace("X02", HOSTILE).splitlines()
    rows = [line.split(",") for line in words]
    head = [HOSTILE if cell == "codec" else cell for cell in rows[0]]
    rows[1][0] = HOSTILE
    data = "\n".join("\t".join(row) for row in [head, *rows[1:]]).encode()
    page = AppTest.from_file(SCORES, default_timeout=120).run()
    for part in ("scores", "second"):
        field = next(f for f in page.file_uploader if f.key == f"scores.upload.{part}")
        field.upload(f"{HOSTILE}.tsv", data, "text/plain")
    page.run()
    for view in ("Breakdown", "Worst trials", "Other systems"):
        show(page, view)
        assert_inert(page)
