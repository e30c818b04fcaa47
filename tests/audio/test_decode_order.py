"""Pages, clusters and fragments that stand behind later ones are read in their order, and said."""

import functools
import re
import struct
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.audio.clip import Clip
from core.audio.decoding import decode
from tests.audio.conftest import SPEECH, _make_media, _make_sound
from tests.audio.test_decode_clock import in_place

MADE = {
    "Opus": ("ogg", "libopus", {"page_duration": "300000"}),
    "FLAC in Ogg": ("ogg", "flac", {"page_duration": "300000"}),
    "WebM": ("webm", "libopus", {"cluster_time_limit": "300"}),
    "Matroska": ("matroska", "aac", {"cluster_time_limit": "300"}),
    "MP4": ("mp4", "aac", {"movflags": "frag_keyframe+empty_moov+default_base_moof",
                           "frag_duration": "300000"}),
}  # fmt: skip
KINDS = [*MADE, "Vorbis"]
BEGINS = {"WebM": rb"\x1f\x43\xb6\x75", "Matroska": rb"\x1f\x43\xb6\x75", "MP4": rb".{4}moof"}
LAST = {"WebM": rb"\x1c\x53\xbb\x6b", "Matroska": rb"\x1c\x53\xbb\x6b", "MP4": rb".{4}mfra"}


def units(kind: str, data: bytes) -> list[bytes]:
    """What a file is made of: its head, its pieces of sound, and what is behind them."""
    starts = [m.start() for m in re.finditer(BEGINS.get(kind, rb"OggS\0"), data, re.DOTALL)]
    if kind in LAST and (last := re.search(LAST[kind], data[starts[-1] :], re.DOTALL)):
        starts.append(starts[-1] + last.start())
    else:
        starts.append(len(data))
    starts = starts if kind in BEGINS else starts[2:]  # an Ogg's first pages are its head
    return [data[: starts[0]], *(data[a:b] for a, b in pairwise(starts)), data[starts[-1] :]]


@functools.cache
def file_of(kind: str) -> bytes:
    speech = decode(SPEECH).samples
    if kind == "Vorbis":
        return _make_sound("OGG", "VORBIS", np.tile(speech, 12))
    format_, codec, options = MADE[kind]
    return _make_media(format_, codec, np.tile(speech, 3), 48_000, options=options)


@functools.cache
def straight_of(kind: str) -> Clip:
    return decode(file_of(kind))


@settings(max_examples=20, deadline=None)
@given(kind=st.sampled_from(KINDS), order=st.randoms(use_true_random=False))
def test_sound_out_of_order_is_read_in_order_and_said(kind, order) -> None:
    head, *sound, tail = units(kind, file_of(kind))
    assert len(sound) > 3
    at = order.randrange(len(sound) - 2)
    n = order.randrange(2, min(6, len(sound) - at) + 1)
    moved = sound[at : at + n]
    order.shuffle(moved)
    clip = decode(head + b"".join([*sound[:at], *moved, *sound[at + n :]]) + tail)
    straight = straight_of(kind)
    if moved == sound[at : at + n]:
        assert clip.source.notes == ()
        return
    (note,) = clip.source.notes
    assert "behind later sound" in note
    assert clip.source.missing == ()
    in_place(clip, straight.samples)
    assert len(clip.samples) == len(straight.samples)


@pytest.mark.parametrize(
    ("length_s", "order"),
    [
        (0.3, [23, 25, 24, 22]),
        (0.3, [25, 24, 23, 22]),
        (0.3, [22, 23, 25, 24]),
        (0.1, [76, 73, 75, 74, 72]),
        (0.1, [12, 11]),
    ],
)
def test_the_sound_of_a_short_late_fragment_is_kept(length_s: float, order: list[int]) -> None:
    head, *sound, tail = units("MP4", _fragments(length_s))
    at = min(order)
    behind = sound[at + len(order) :]
    clip = decode(head + b"".join([*sound[:at], *(sound[n] for n in order), *behind]) + tail)
    (note,) = clip.source.notes
    assert "behind later sound" in note
    assert np.allclose(clip.samples, decode(_fragments(length_s)).samples, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_the_beginning_may_come_late(kind: str) -> None:
    head, *sound, tail = units(kind, file_of(kind))
    clip = decode(head + b"".join([sound[2], sound[1], sound[0], *sound[3:]]) + tail)
    (note,) = clip.source.notes
    assert "behind later sound" in note
    assert np.allclose(clip.samples, straight_of(kind).samples, atol=1e-4)


def test_what_is_lost_before_the_first_fragment_is_all_that_is_missing() -> None:
    head, *sound, tail = units("MP4", file_of("MP4"))
    clip = decode(head + b"".join(sound[3:]) + tail)
    (note,) = clip.source.notes
    assert "missing from 0.0 to 1.0 s" in note
    assert clip.source.tracks[0].duration_s == straight_of("MP4").source.tracks[0].duration_s


def test_a_fragment_that_is_lost_among_late_ones_is_missing() -> None:
    head, *sound, tail = units("MP4", _fragments(0.3))
    clip = decode(head + b"".join([*sound[:22], sound[25], sound[24], sound[22]]) + tail)
    late, lost = clip.source.notes
    assert "behind later sound" in late and "missing from 7.4 to 7.7 s" in lost
    assert clip.source.missing == (pytest.approx((23 * 0.32, 24 * 0.32), abs=0.01),)


@functools.cache
def _fragments(length_s: float) -> bytes:
    format_, codec, options = MADE["MP4"]
    options = {**options, "frag_duration": str(round(1e6 * length_s))}
    return _make_media(format_, codec, np.tile(decode(SPEECH).samples, 3), options=options)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_lost_beside_what_is_late_is_a_gap(kind: str) -> None:
    head, *sound, tail = units(kind, file_of(kind))
    sound[2], sound[3] = sound[3], sound[2]
    gone = len(sound) - 2
    clip = decode(head + b"".join(sound[:gone] + sound[gone + 1 :]) + tail)
    notes = clip.source.notes
    assert any("behind later sound" in note for note in notes)
    assert any("missing" in note or "stands in their place" in note for note in notes)


@pytest.mark.parametrize("kind", ["Opus", "FLAC in Ogg", "Vorbis"])
def test_a_late_page_that_is_damaged_stays_where_it_is(kind: str) -> None:
    head, *sound, tail = units(kind, file_of(kind))
    broken = bytearray(sound[2])
    broken[-1] ^= 1
    clip = decode(head + b"".join([*sound[:2], sound[3], bytes(broken), *sound[4:]]) + tail)
    assert not any("behind later sound" in note for note in clip.source.notes)


def test_a_number_without_a_time_that_fits_moves_no_page() -> None:
    from tests.audio.test_decode_damage import ogg_checksum

    head, *sound, tail = units("Opus", file_of("Opus"))
    number = sound[2][18:22]
    late = sound[4][:18] + number + bytes(4) + sound[4][26:]
    late = late[:22] + struct.pack("<I", ogg_checksum(late)) + late[26:]
    data = head + b"".join([*sound[:2], sound[3], late, *sound[5:]]) + tail
    assert not any("behind later sound" in note for note in decode(data).source.notes)
