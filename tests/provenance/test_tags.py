"""Tags: programs and times are told; what may name people is kept apart."""

from __future__ import annotations

import io
import struct
import sys
import time

import av
import numpy as np
import pytest

from core.files import ROOT
from core.provenance.credentials import read_credentials
from core.provenance.found import Provenance
from core.provenance.look import NO_LIBRARY, look_into
from core.provenance.tags import read_tags
from tests.provenance.signing import wav


def tagged(form: str, codec: str, tags: dict[str, str]) -> bytes:
    made = io.BytesIO()
    with av.open(made, "w", format=form) as container:
        container.metadata.update(tags)
        track = container.add_stream(codec, rate=48_000, layout="mono")
        noise = 0.1 * np.random.default_rng(0).standard_normal((1, 9_600)).astype(np.float32)
        resampler = av.AudioResampler(track.codec_context.format or "fltp", "mono", 48_000)
        frame = av.AudioFrame.from_ndarray(noise, "fltp", "mono")
        frame.sample_rate, frame.pts = 48_000, 0
        for piece in resampler.resample(frame):
            for packet in track.encode(piece):
                container.mux(packet)
        for packet in track.encode(None):
            container.mux(packet)
    return made.getvalue()


def looked(data: bytes) -> Provenance:
    return look_into(io.BytesIO(data))


def chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def with_chunk(data: bytes, kind: bytes, body: bytes) -> bytes:
    more = data[8:] + chunk(kind, body)
    return b"RIFF" + struct.pack("<I", len(more)) + more


PRIVATE = {"artist": "Ada Example", "comment": "at the harbour", "title": "To Bob"}


@pytest.mark.parametrize(("form", "codec"), [("mp3", "libmp3lame"), ("ogg", "libopus"),
                                             ("flac", "flac"), ("ipod", "aac")])  # fmt: skip
def test_names_and_places_are_shown_to_the_visitor_only(form: str, codec: str) -> None:
    found = looked(tagged(form, codec, PRIVATE))
    said = " ".join(value for _, value in found.personal)
    assert all(text in said for text in PRIVATE.values())
    exported = str(found.to_dict())
    assert not any(text in exported for text in PRIVATE.values())
    assert "Ada Example" in str(found.to_dict(personal=True))
    assert found.sign("encoder-ffmpeg") is not None


def test_lame_is_told_with_its_settings() -> None:
    data = (ROOT / "examples" / "1-easy-navigation-voice.mp3").read_bytes()
    sign = looked(data).sign("encoder-lame")
    assert sign is not None
    assert (sign.values["says"], sign.values["settings"]) == ("LAME 3.100.0+", "-V 4")


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        ({"comment": "Made with ElevenLabs"}, "synthesiser-named"),
        ({"encoded_by": "Adobe Audition 24.0"}, "editor-adobe"),
        ({"comment": '{"AIGC": {"Label": "1", "ContentProducer": "x"}}'}, "declares-aigc"),
    ],
)
def test_what_tags_declare_is_a_sign(tags: dict[str, str], code: str) -> None:
    assert looked(tagged("flac", "flac", tags)).sign(code) is not None


@pytest.mark.parametrize(
    "tags",
    [
        {"artist": "Suno Zoomer", "title": "A lame Telegraph"},
        {"title": "My chat with ElevenLabs", "comment": "WhatsApp, Telegram, Descript and Murf"},
        {"comment": "No digitalsourcetype/trainedAlgorithmicMedia is in here"},
        {"comment": '{"AIGC": {"Label": "Ada Example"}}'},
        {"date": "with Ada Example in Berlin", "creation_time": "ElevenLabs"},
    ],
)
def test_a_topic_or_a_name_is_no_program_and_no_time(tags: dict[str, str]) -> None:
    found = looked(tagged("flac", "flac", tags))
    assert {s.code for s in found.signs} <= {"encoder-ffmpeg", "length-256"}
    assert "Example" not in str(found.to_dict())
    assert set(tags.values()) <= {value for _, value in found.personal}


@pytest.mark.parametrize(
    "flood",
    [b"<x:xmpmeta" * 300_000, (b"<x:xmpmeta " + bytes(99_000)) * 40, b"</x:xmpmeta>" * 300_000],
)
def test_a_flood_of_marks_takes_no_time(flood: bytes) -> None:
    began = time.process_time()
    assert read_tags(io.BytesIO(wav() + flood))[0] == []
    assert time.process_time() - began < 2


def test_many_small_parts_are_not_given_to_a_library_that_takes_minutes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("c2pa.Reader", None)
    assert read_credentials(io.BytesIO(with_chunk(wav(), b"junk", b""))) is None


def test_broadcast_chunks_are_read() -> None:
    body = b"Interview with Bob".ljust(256, b"\0") + b"ZOOM Handy Recorder H5".ljust(32, b"\0")
    body += bytes(32) + b"2026-03-0212:30:00" + bytes(264)
    found = looked(with_chunk(wav(), b"bext", body))
    times = found.sign("times")
    assert times is not None and times.values["origination_date"] == "2026-03-02"
    assert ("originator", "ZOOM Handy Recorder H5") in found.personal


def test_a_source_type_in_xmp_is_told_unsigned() -> None:
    xmp = (
        b'<x:xmpmeta><rdf:Description Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/'
        b'digitalsourcetype/trainedAlgorithmicMedia"/></x:xmpmeta>'
    )
    sign = looked(with_chunk(wav(), b"_PMX", xmp)).sign("declares-source")
    assert sign is not None and sign.values["source_type"] == "trainedAlgorithmicMedia"


def test_marks_that_reorder_text_are_inert_after_the_process() -> None:
    found = looked(tagged("flac", "flac", {"artist": "\u202eevil"}))
    again = Provenance.from_dict(found.to_dict(personal=True))
    assert not any("\u202e" in value for _, value in again.personal)


def test_without_a_library_the_rest_is_read_and_what_is_not_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("c2pa", "mutagen", "mutagen.mp3"):
        monkeypatch.setitem(sys.modules, name, None)
    found = looked(tagged("mp3", "libmp3lame", {"title": "x"}))
    assert found.sign("encoder-ffmpeg") is not None
    assert found.notes == (NO_LIBRARY,)


def lists(**tags: str) -> bytes:
    """A WAV with such a LIST chunk."""
    body = b"INFO" + b"".join(
        chunk(name.encode(), value.encode() + b"\0") for name, value in tags.items()
    )
    return with_chunk(wav(), b"LIST", body)


@pytest.mark.parametrize(
    "when", ["+49 170 1234567", "12.34.56.78", "030-1234567", "...--", "1234567"]
)
def test_a_number_in_place_of_a_time_is_kept_apart(when: str) -> None:
    found = looked(lists(ICRD=when))
    assert found.sign("times") is None and ("date", when) in found.personal


@pytest.mark.parametrize(
    "when",
    ["2026", "2026-03-02", "2026-03-02T10:00:00.000000Z", "2026:03:02 10:00:00", "02/03/2026",
     "10:00:00", "2026-03-02 10:00:00 +0100"],
)  # fmt: skip
def test_times_are_told_in_all_their_forms(when: str) -> None:
    sign = looked(lists(ICRD=when)).sign("times")
    assert sign is not None and sign.values["date"] == when


def test_an_encoder_that_nobody_knows_is_shown_to_the_visitor() -> None:
    assert ("encoder", "VoiceForge of Ada") in looked(lists(ISFT="VoiceForge of Ada")).personal
    known = looked(lists(ISFT="Audacity 3.4"))
    assert known.sign("editor-audacity") is not None and known.personal == ()


def test_a_decoy_hides_no_label_and_a_denial_is_no_statement() -> None:
    twice = looked(lists(ICMT='{"AIGC": {"Label": "9"}} {"AIGC": {"Label": "1"}}'))
    assert twice.sign("declares-aigc") is not None
    assert looked(lists(ICMT="not made with ElevenLabs")).sign("synthesiser-named") is None
