"""Detect and Timeline say what a file itself proves, and nothing where it proves nothing."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from streamlit.testing.v1 import AppTest

from core.provenance import watermark
from core.show.documents import exports
from tests.builders import tone
from tests.provenance.signing import chain, signed

PAGES = Path(__file__).resolve().parents[2] / "pages"


def noisy(seconds: float) -> np.ndarray:
    return tone(seconds, 220.0) + 0.01 * np.random.default_rng(0).standard_normal(
        round(16_000 * seconds)
    ).astype(np.float32)


def file_of(samples: np.ndarray) -> bytes:
    made = io.BytesIO()
    soundfile.write(made, samples, 16_000, format="WAV", subtype="PCM_16")
    return made.getvalue()


def shown(name: str, data: bytes) -> tuple[AppTest, str]:
    page = AppTest.from_file(str(PAGES / f"{name}.py"), default_timeout=60).run()
    page.file_uploader[0].upload("clip.wav", data).run()
    assert not page.exception
    said = [*page.warning, *page.markdown, *page.caption, *page.expander]
    return page, "\n".join(str(getattr(s, "value", "") or s.label) for s in said).replace("\\", "")


def test_what_is_signed_stands_first_on_the_card_and_in_json(detector, monkeypatch):
    made: list[str] = []
    real = exports.detection_json

    def kept(*about):
        made.append(real(*about))
        return made[-1]

    monkeypatch.setattr(exports, "detection_json", kept)
    _, words = shown("Detect", signed(file_of(noisy(9.0)), chain()))
    assert "made by a trained algorithm" in words
    assert "unknown signer" in words and "the signature and the sound fit" in words
    assert words.index("unknown signer") < words.index("The evidence points")
    assert "Signature: fits" in words
    assert json.loads(made[-1])["provenance"]["credentials"]["signature"] == "fits"


def test_a_changed_file_says_so(detector):
    data = bytearray(signed(file_of(noisy(9.0)), chain()))
    data[5000] ^= 1
    _, words = shown("Detect", bytes(data))
    assert (
        "This file was changed after an unknown signer that calls itself “Voice Works” signed it"
        in words
    )


def test_nothing_is_said_where_there_is_nothing(detector, monkeypatch):
    monkeypatch.setattr(watermark, "missing", lambda: "It is not installed.")
    _, words = shown("Detect", file_of(noisy(9.0)))
    assert "What the file itself says" not in words and "Signed" not in words


def test_a_watermark_is_looked_for_on_request(detector, monkeypatch):
    monkeypatch.setattr("core.provenance.watermark.look_for_perth", lambda samples, rate: 0.999)
    page, words = shown("Detect", file_of(noisy(9.0)))
    assert "PerTh" not in words
    next(b for b in page.button if "watermark" in b.label).click().run()
    assert not page.exception
    words = " ".join(m.value for m in page.markdown)
    assert words.index("carries PerTh") < words.index("The evidence points")
    assert not any("watermark" in b.label for b in page.button)


def test_places_are_marked_on_timeline(detector):
    x = noisy(9.0)
    x[48_000:50_000] = 0
    page, words = shown("Timeline", file_of(x))
    assert "Marks of the file's history (1)" in words
    (component,) = page.get("bidi_component")
    data = json.loads(component.proto.json) if component.proto.json else {}
    assert "digital silence" in json.dumps(data) or "digital silence" in str(component.proto)


@pytest.mark.parametrize("name", ["Detect", "Timeline"])
def test_a_broken_process_is_a_note_and_not_an_error(detector, monkeypatch, name):
    def full(*about: object, **more: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr("core.provenance.isolated.look_safely", full)
    _, words = shown(name, file_of(noisy(9.0)))
    if name == "Detect":
        assert "cannot start a process" in words
