"""Codecs that a sound went through are known by their frames, and no other sound is."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from core.audio.codecs import encode_decode
from core.provenance.frames import codecs_before
from core.provenance.native import Native, read_native
from core.provenance.sound import look
from tests.audio.conftest import _make_media

SPEECH, RATE = soundfile.read(Path(__file__).parents[1] / "data" / "speech.flac", dtype="float32")
LONG = np.tile(SPEECH, 3)[: 5 * RATE]


def written(x: np.ndarray, form: str = "WAV", rate: int = RATE, **about: object) -> io.BytesIO:
    file = io.BytesIO()
    soundfile.write(file, x, rate, format=form, **about)
    return file


def sound(file: io.BytesIO) -> Native:
    read = read_native(file)
    assert read is not None
    return read


def mp3(x: np.ndarray, level: float) -> io.BytesIO:
    return written(x, "MP3", bitrate_mode="CONSTANT", compression_level=level)


@pytest.mark.parametrize(("condition", "code"), [("mp3-32", "codec-mp3"), ("aac-32", "codec-aac")])
@pytest.mark.parametrize("cut", [0, 777])
def test_a_codec_is_known_in_what_was_decoded_and_cut(condition: str, code: str, cut: int) -> None:
    (sign,) = codecs_before(sound(written(encode_decode(LONG, condition)[cut:])))
    assert sign.code == code and sign.values == {"lossless": True, "again": False}


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_vorbis_is_known_whatever_its_frames_length(rate: int) -> None:
    x = soxr.resample(LONG, RATE, rate)
    for level in (0.3, 0.7):
        once = written(x, "OGG", rate, compression_level=level)
        once.seek(0)
        decoded = soundfile.read(once, dtype="float32")[0][777:]
        (sign,) = codecs_before(sound(written(decoded, rate=rate)))
        assert sign.code == "codec-vorbis"
    assert not list(codecs_before(sound(written(x, rate=rate))))


def test_aac_and_vorbis_of_one_hop_are_told_apart() -> None:
    decoded = read_native(io.BytesIO(_make_media("adts", "aac", LONG, 44_100)))
    assert decoded is not None
    (sign,) = codecs_before(sound(written(decoded.samples[777:], rate=decoded.rate)))
    assert sign.code == "codec-aac"


def test_an_mp3_knows_an_earlier_one_and_not_itself() -> None:
    once = mp3(LONG, 0.8)
    assert not list(codecs_before(sound(once)))
    once.seek(0)
    again = mp3(soundfile.read(once)[0][1000:], 0.2)
    (sign,) = codecs_before(sound(again))
    assert sign.code == "codec-mp3" and sign.values["again"]
    assert sign in look(sound(again))


@pytest.mark.parametrize("form", ["WAV", "MP3", "OGG"])
def test_what_went_through_none_has_none(form: str) -> None:
    for x in (LONG, 0.1 * np.random.default_rng(1).standard_normal(5 * RATE)):
        assert not list(codecs_before(sound(written(x, form))))


def test_files_that_lose_nothing_are_looked_at_alike() -> None:
    wav, flac = sound(written(LONG)), sound(written(LONG, "FLAC"))
    np.testing.assert_array_equal(flac.samples, wav.samples)
    np.testing.assert_array_equal(flac.exact, wav.exact)
    assert (flac.rate, flac.bits, flac.lossless) == (wav.rate, wav.bits, wav.lossless)


@pytest.mark.parametrize(("subtype", "law"), [("ULAW", "mu-law"), ("ALAW", "A-law")])
def test_values_of_g711_are_known_in_a_file_of_16_bits(subtype: str, law: str) -> None:
    narrow = written(LONG[::2], rate=8000, subtype=subtype)
    narrow.seek(0)
    x = soundfile.read(narrow, dtype="int16")[0]
    (sign,) = codecs_before(sound(written(x, rate=8000, subtype="PCM_16")))
    assert sign.code == "codec-g711" and sign.values["law"] == law
    x[100] += 1
    assert not list(codecs_before(sound(written(x, rate=8000, subtype="PCM_16"))))
