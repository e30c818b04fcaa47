"""Files joined end to end, sound in several chunks, tags and padding: read, or named."""

import io
import struct
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.audio.clip import SAMPLE_RATE, AudioError, Clip
from core.audio.decoding import decode
from core.audio.decoding.pieces import of_pieces
from core.audio.decoding.source import Reader
from tests.audio.conftest import SPEECH, _make_media, _make_sound
from tests.audio.test_decode import best_match

TAG = b"TAG" + b"x" * 125
APE = (
    b"APETAGEX" + struct.pack("<IIIIQ", 2000, 40, 1, 0xA0000000, 0) + b"abcdefgh"
    + b"APETAGEX" + struct.pack("<IIIIQ", 2000, 40, 1, 0x80000000, 0)
)  # fmt: skip
ID3 = b"ID3\x04\0\0\0\0\0\x0a" + bytes(10)
MEDIA = {  # those that players read on in, each with FFmpeg's names and the rate
    "MP3": ("mp3", "libmp3lame", 48_000), "MP2": ("mp2", "mp2", 48_000),
    "AAC": ("adts", "aac", 48_000), "AC-3": ("ac3", "ac3", 48_000),
    "AMR": ("amr", "libopencore_amrnb", 8_000), "MPEG-TS": ("mpegts", "aac", 48_000),
    "MP4": ("ipod", "aac", 48_000), "WebM": ("webm", "libopus", 48_000),
    "Matroska": ("matroska", "flac", 48_000), "FLV": ("flv", "aac", 44_100),
    "AVI": ("avi", "mp2", 48_000), "Opus": ("ogg", "libopus", 48_000),
    "FLAC in Ogg": ("ogg", "flac", 48_000), "TTA": ("tta", "tta", 48_000),
    "WavPack": ("wv", "wavpack", 48_000), "MPEG-PS": ("mpeg", "mp2", 48_000),
    "VOB": ("vob", "ac3", 48_000), "WMA": ("asf", "mp2", 48_000),
}  # fmt: skip
SOUND = ("WAV", "RF64", "W64", "AIFF", "CAF", "AU", "FLAC")
READ_ON = {
    "AVI", "MP3", "MP2", "AAC", "AC-3", "AMR", "MPEG-TS", "MPEG-PS", "VOB", "Vorbis", "Opus",
    "FLAC in Ogg",
}  # fmt: skip
CHAINED = {"Vorbis", "Opus", "FLAC in Ogg"}
BEGUN = [*SOUND, "MP3", "AAC", "MP4", "Opus", "Matroska", "TTA", "MPEG-PS", "WavPack"]


@cache
def made(kind: str) -> bytes:
    speech = decode(SPEECH).samples
    if kind in MEDIA:
        format_, codec, rate = MEDIA[kind]
        return _make_media(format_, codec, speech, rate)
    if kind == "Vorbis":
        return _make_sound("OGG", "VORBIS", speech)
    return _make_sound(kind, "PCM_16", speech)


@cache
def whole(kind: str) -> Clip:
    """What is in one of them."""
    return decode(made(kind))


KINDS = (*SOUND, *MEDIA, "Vorbis")


@given(first=st.sampled_from(KINDS), second=st.sampled_from(KINDS))
def test_of_joined_files_all_is_read_or_the_rest_is_named(first: str, second: str) -> None:
    a, b = made(first), made(second)
    clip, alone = decode(a + b), whole(first)
    goes_on = (first == second and first in READ_ON) or {first, second} <= CHAINED
    n = len(alone.samples) - 2_000
    assert best_match(clip.samples[:n], alone.samples[:n])[1] > 0.98
    if goes_on:
        assert clip.duration_s == pytest.approx(2 * alone.duration_s, abs=0.1)
        assert best_match(clip.samples[-n:], alone.samples[-n:])[1] > 0.9
        changed = [n for n in clip.source.notes if "another codec" in n or "changes from" in n]
        assert list(clip.source.notes) == changed and (first != second or not changed)
    elif {first, second} <= {"MP3", "MP2"}:  # frames of one format
        assert clip.duration_s == pytest.approx(2 * alone.duration_s, abs=0.1)
    elif {first, second} == {"MPEG-PS", "VOB"}:  # packets of one format, in another stream
        assert len(clip.source.tracks) == 2
    else:
        assert clip.duration_s == pytest.approx(alone.duration_s, abs=0.1)
        (note,) = clip.source.notes
        assert "bytes" in note and "not read" in note
        said = int(note.split(" bytes")[0].split()[-1].replace(",", ""))
        assert len(b) - 32_768 * (first == "FLAC") - 200 <= said <= len(b) + 8


@pytest.mark.parametrize("kind", [*SOUND, *MEDIA, "Vorbis"])
@pytest.mark.parametrize("behind", [TAG, APE, APE + TAG, bytes(5_000), bytes(3)])
def test_tags_and_padding_behind_the_sound_are_no_damage(kind: str, behind: bytes) -> None:
    clip, alone = decode(made(kind) + behind), whole(kind)
    assert clip.source.notes == ()
    assert np.array_equal(clip.samples, alone.samples)


@pytest.mark.parametrize("kind", [*SOUND, *MEDIA, "Vorbis"])
@pytest.mark.parametrize("n", [5_000, 20_000])
def test_what_is_no_sound_behind_the_sound_is_named(kind: str, n: int) -> None:
    clip, alone = decode(made(kind) + np.random.default_rng(n).bytes(n)), whole(kind)
    assert np.array_equal(clip.samples, alone.samples)
    (note,) = clip.source.notes
    assert "not read" in note
    said = int(note.split(" bytes")[0].split()[-1].replace(",", ""))
    assert n - 200 <= said <= n + 8 or "bytes or more" in note


@pytest.mark.parametrize("kind", BEGUN)
@pytest.mark.parametrize("before", [ID3, ID3 + bytes(100), ID3 + ID3])
def test_tags_before_a_file_are_passed_over(kind: str, before: bytes) -> None:
    clip, alone = decode(before + made(kind)), whole(kind)
    assert clip.source.notes == ()
    assert np.array_equal(clip.samples, alone.samples)


@pytest.mark.parametrize("kind", ["MP3", "MP2", "AAC", "AC-3"])
@pytest.mark.parametrize("between", [ID3, TAG + ID3, APE + TAG + ID3, bytes(500) + ID3, TAG])
def test_tags_between_joined_files_are_no_damage(kind: str, between: bytes) -> None:
    clip, alone = decode(made(kind) + between + made(kind) + TAG), whole(kind)
    assert clip.source.notes == ()
    assert clip.duration_s == pytest.approx(2 * alone.duration_s, abs=0.06)


@pytest.mark.parametrize("kind", ["MP3", "MP2", "AAC", "AC-3"])
def test_what_was_destroyed_is_damage(kind: str) -> None:
    data = bytearray(made(kind) * 2)
    middle = len(data) // 4
    for lost in (bytes(1_000), np.random.default_rng(2).bytes(1_000)):
        data[middle : middle + 1_000] = lost
        assert any("damaged" in note for note in decode(bytes(data)).source.notes)


def in_chunks(format_: str, parts: list[bytes], between: bytes = b"") -> bytes:
    """A file of libsndfile's whose sound chunk is cut into several."""
    data = made(format_)
    name, form, counted, skip = {
        "AIFF": (b"SSND", ">I", 0, 8), "CAF": (b"data", ">q", 0, 4),
        "W64": (b"data\xf3\xac\xd3\x11\x8c\xd1\0\xc0\x4f\x8e\xdb\x8a", "<q", 24, 0),
    }.get(format_, (b"data", "<I", 0, 0))  # fmt: skip
    at = data.find(name)
    made_of = data[:at]
    for part in parts:
        made_of += name + struct.pack(form, len(part) + skip + counted) + bytes(skip) + part
        made_of += between if format_ != "W64" else b""
    return made_of


@settings(max_examples=40, deadline=None)
@given(
    format_=st.sampled_from(["WAV", "AIFF", "CAF", "W64"]),
    cuts=st.lists(st.integers(0, 10_000), min_size=1, max_size=7),
    listed=st.booleans(),
)
def test_sound_in_several_chunks_is_read_whole_and_said(format_, cuts, listed) -> None:
    data = made(format_)
    sound = data[-2 * len(whole("FLAC").samples) :]
    edges = sorted(8 * cut for cut in cuts)
    parts = [sound[a:b] for a, b in zip([0, *edges], [*edges, len(sound)], strict=True)]
    order = ">q" if format_ == "CAF" else ">I" if format_ == "AIFF" else "<I"
    between = b"LIST" + struct.pack(order, 4) + b"abcd" if listed else b""
    clip = decode(in_chunks(format_, parts, between))
    assert np.array_equal(clip.samples, whole(format_).samples)
    held = sum(map(bool, parts))
    assert len(clip.source.notes) == (held > 1)
    assert all(f"in {held} chunks" in note for note in clip.source.notes)


@pytest.mark.parametrize("format_", ["WAV", "AIFF", "CAF"])
def test_an_empty_chunk_before_others_is_empty(format_: str) -> None:
    order = ">q" if format_ == "CAF" else ">I" if format_ == "AIFF" else "<I"
    with pytest.raises(AudioError) as caught:
        decode(in_chunks(format_, [b""], b"LIST" + struct.pack(order, 4_000) + b"abcd" * 1_000))
    assert caught.value.code == "no_samples"


@given(
    data=st.binary(max_size=50),
    cuts=st.lists(st.integers(0, 50), max_size=6),
    reads=st.lists(st.tuples(st.integers(0, 60), st.integers(-1, 60)), max_size=8),
)
def test_pieces_are_read_like_one_file(data, cuts, reads) -> None:
    edges = sorted({min(cut, len(data)) for cut in cuts})
    pieces = [*pairwise(edges), b"own"]
    expected = io.BytesIO(b"".join(data[a:b] for a, b in pieces[:-1]) + b"own")
    file = of_pieces(Reader(io.BytesIO(data)), pieces)
    assert file.size() == len(expected.getvalue())
    for at, size in reads:
        assert file.seek(at) == expected.seek(at)
        assert file.read(size) == expected.read(size)
        assert file.tell() == expected.tell()


@pytest.mark.parametrize("second", ["Opus", "FLAC in Ogg"])
def test_a_link_that_cannot_be_read_is_named(second: str) -> None:
    link = bytearray(made(second))
    link[2_000:] = np.random.default_rng(1).bytes(len(link) - 2_000)
    clip = decode(made("Vorbis") + bytes(link))
    assert clip.duration_s < 2.8
    assert clip.source.notes


def test_a_late_block_of_vorbis_is_no_gap(speech) -> None:
    """FFmpeg stamps a long block before short ones too late where it is the first of a page."""
    stereo = np.stack([np.repeat(speech, 3)] * 2, axis=1)
    for rate in (44_100, 48_000):
        clip = decode(_make_sound("OGG", "VORBIS", stereo, rate))
        assert (clip.source.missing, clip.source.notes) == ((), ())
        assert clip.duration_s == pytest.approx(len(stereo) / rate, abs=2 / SAMPLE_RATE)
