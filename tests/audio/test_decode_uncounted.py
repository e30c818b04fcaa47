"""Sound that a header does not count is read; what is no sound is named."""

import struct

import numpy as np
import pytest

from core.audio.clip import SAMPLE_RATE
from core.audio.decoding import decode

AU, CAF, W64 = (8, ">I", 0), (b"data", ">q", 4), (b"data\xf3", "<q", 24)
FIELDS = {  # field's place (after a name, or fixed), its form, bytes counted beside the sound
    "WAV": [(b"data", "<I", 0)],
    "WAVEX": [(b"data", "<I", 0)],
    "RF64": [(28, "<q", 0)],
    "AIFF": [(b"SSND", ">I", 8)],
    "AU": [AU],
    "CAF": [CAF],
}


def counting(data: bytes, format_: str, count) -> bytes:
    """A file whose header counts another number of bytes; ``count`` makes one of the old one."""
    made = bytearray(data)
    for place, form, _ in FIELDS[format_]:
        at = place if isinstance(place, int) else data.find(place) + len(place)
        (old,) = struct.unpack_from(form, data, at)
        struct.pack_into(form, made, at, count(old))
    if format_ == "AIFF":
        at = data.find(b"COMM") + 10
        (old,) = struct.unpack_from(">I", data, at)
        struct.pack_into(">I", made, at, count(old))
    return bytes(made)


@pytest.mark.parametrize("format_", FIELDS)
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "ULAW"])
@pytest.mark.parametrize("channels", [1, 2])
def test_half_counted_is_read_whole_and_said(format_, subtype, channels, speech, make_sound):
    if (format_, subtype) == ("WAVEX", "ULAW"):
        subtype = "FLOAT"
    sound = np.stack([speech, 0.5 * speech], axis=1)[:, :channels]
    data = make_sound(format_, subtype, sound)
    clip = decode(counting(data, format_, lambda n: n // 2 // 12 * 12))
    assert clip.duration_s == pytest.approx(len(speech) / SAMPLE_RATE, abs=0.01)
    n = min(len(clip.samples), len(speech))
    assert np.allclose(clip.samples[:n], decode(data).samples[:n], atol=1e-6)
    (note,) = clip.source.notes
    assert "counts 1.4 s" in note or "counts 1.3 s" in note


@pytest.mark.parametrize("format_", FIELDS)
def test_never_filled_in(format_: str, speech, make_sound) -> None:
    data = make_sound(format_, "PCM_16", speech)
    longest = {"RF64": -1, "CAF": -1}.get(format_, 0xFFFFFFFF)
    for count in (0, longest):
        clip = decode(counting(data, format_, lambda n, count=count: count))
        assert clip.duration_s == pytest.approx(len(speech) / SAMPLE_RATE, abs=0.01)
        assert clip.source.notes == ()


@pytest.mark.parametrize("format_", ["WAV", "RF64", "AIFF", "AU", "CAF"])
def test_what_follows_and_is_no_sound(format_: str, speech, make_sound) -> None:
    good = make_sound(format_, "PCM_16", speech)
    noise = np.random.default_rng(1).bytes(20_000)
    clip = decode(good + noise)
    assert np.array_equal(clip.samples, decode(good).samples)
    if format_ != "CAF":  # there libsndfile puts nothing behind the sound, players may
        assert "bytes follow" in clip.source.notes[0]
    order = ">I" if format_ == "AIFF" else "<I"
    rest = [bytes(8_000), b"TAG" + bytes(125)]
    if format_ in ("WAV", "AIFF"):
        rest.append(b"LIST" + struct.pack(order, 4_000) + noise[:4_000])
    for behind in rest:
        clip = decode(good + behind)
        assert np.array_equal(clip.samples, decode(good).samples)
        assert clip.source.notes == ()


def flac(data: bytes, total=None, md5=None) -> bytes:
    made = bytearray(data)
    if total is not None:
        made[21:26] = bytes([made[21] & 0xF0]) + total.to_bytes(4, "big")
    if md5 is not None:
        made[26:42] = md5
    return bytes(made)


@pytest.mark.parametrize("md5", [None, bytes(16)])
@pytest.mark.parametrize("share", [0.5, 0.01])
def test_a_flac_that_counts_less_than_it_holds(share, md5, speech, make_sound) -> None:
    data = make_sound("FLAC", "PCM_16", np.tile(speech, 2))
    clip = decode(flac(data, int(2 * len(speech) * share), md5))
    assert np.array_equal(clip.samples, decode(data).samples)
    assert f"counts {2 * share * len(speech) / SAMPLE_RATE:.1f} s" in clip.source.notes[0]


def test_a_flac_whose_checksum_does_not_fit_says_so(speech, make_sound) -> None:
    data = make_sound("FLAC", "PCM_24", speech)
    clip = decode(flac(data, md5=bytes(range(16))))
    assert np.array_equal(clip.samples, decode(data).samples)
    assert "checksum" in clip.source.notes[0]
    for plain in (data, flac(data, md5=bytes(16)), flac(data, total=0)):
        assert decode(plain).source.notes == ()
