"""Edit lists of MP4 and MOV: followed as players do where FFmpeg can, and said."""

import struct

import numpy as np
import pytest

from core.audio.clip import SAMPLE_RATE
from core.audio.decoding import decode

KINDS = [("mp4", "aac"), ("mp4", "flac"), ("mov", "pcm_s16le")]
EDITS = {  # seconds, the media's second or None for none, speed; what is played; words
    "the end": ([(5.1, 3.0, 1)], [(3.0, 8.1)], "plays 5.1 s of the 8.1 s"),
    "the beginning": ([(2.0, 0.0, 1)], [(0.0, 2.0)], "plays 2.0 s of the 8.1 s"),
    "two pieces": ([(2.0, 0.0, 1), (2.0, 4.0, 1)], [(0.0, 2.0), (4.0, 6.0)], "in 2 pieces"),
    "turned": ([(2.0, 4.0, 1), (2.0, 0.0, 1)], [(4.0, 6.0), (0.0, 2.0)], "in 2 pieces"),
    "twice": ([(2.0, 0.0, 1), (2.0, 0.0, 1)], [(0.0, 2.0), (0.0, 2.0)], "parts of it again"),
    "joined": ([(4.0, 0.0, 1), (4.1, 4.0, 1)], [(0.0, 4.0), (4.0, 8.1)], ""),
    "a pause": ([(2.0, 0.0, 1), (1.5, None, 1), (2.0, 2.0, 1)], [(0.0, 8.1)], "not followed"),
    "half speed": ([(8.0, 0.0, 0.5)], [(0.0, 8.1)], "not followed"),
    "too long": ([(20.0, 0.0, 1)], [(0.0, 8.1)], ""),
    "all": ([(8.1, 0.0, 1)], [(0.0, 8.1)], ""),
}


def boxes(data: bytes, start: int, end: int):
    while start + 8 <= end:
        length, name = struct.unpack_from(">I4s", data, start)
        yield name, start, start + length
        start += length


def way(data: bytes, *names: bytes) -> list[tuple[int, int]]:
    """First and last offset of each box on the way to the last one."""
    found = [(-8, len(data))]
    for name in names:
        found.append(
            next((a, b) for n, a, b in boxes(data, found[-1][0] + 8, found[-1][1]) if n == name)
        )
    return found[1:]


def with_edits(data: bytes, edits) -> bytes:
    """The same file with another edit list; its index stands behind the sound."""
    (movie,) = struct.unpack_from(">I", data, way(data, b"moov", b"mvhd")[-1][0] + 20)
    (media,) = struct.unpack_from(
        ">I", data, way(data, b"moov", b"trak", b"mdia", b"mdhd")[-1][0] + 20
    )
    on = way(data, b"moov", b"trak", b"edts")
    body = struct.pack(">4sII", b"elst", 0, len(edits)) + b"".join(
        struct.pack(
            ">IiI", round(n * movie), -1 if at is None else round(at * media), int(r * 65536)
        )
        for n, at, r in edits
    )
    start, end = on[-1]
    made = bytearray(data[: start + 8] + struct.pack(">I", 4 + len(body)) + body + data[end:])
    for at, _ in on:
        (length,) = struct.unpack_from(">I", made, at)
        struct.pack_into(">I", made, at, length + len(made) - len(data))
    return bytes(made)


@pytest.mark.parametrize("kind", KINDS, ids=[codec for _, codec in KINDS])
@pytest.mark.parametrize("edit", EDITS)
def test_what_an_edit_list_hides_is_said(kind, edit, speech, make_media) -> None:
    data = make_media(*kind, np.concatenate([speech, 0.7 * speech[::-1], 0.5 * speech]))
    listed, played, words = EDITS[edit]
    clip, whole = decode(with_edits(data, listed)), decode(data)
    assert len(clip.source.notes) == bool(words)
    assert words in "".join(clip.source.notes)
    assert clip.duration_s == pytest.approx(sum(b - a for a, b in played), abs=0.1)
    at = 0.0
    for a, b in played:  # the middle of each piece is where players play it
        first = round((a + 0.5) * SAMPLE_RATE)
        piece = whole.samples[first : first + 16_000]
        found = clip.samples[round((at + 0.5) * SAMPLE_RATE) - 1_600 :][:19_200]
        spread = np.correlate(found, piece) / np.dot(piece, piece)
        assert spread.max() > 0.9
        at += b - a


def test_an_edit_list_moves_the_end_of_fragments(speech, make_media) -> None:
    flags = "frag_keyframe+empty_moov+delay_moov+default_base_moof"
    options = {"movflags": flags, "frag_duration": "300000"}
    data = make_media("mp4", "aac", np.tile(speech, 3), options=options)
    at = way(data, b"moov", b"trak", b"mdia", b"mdhd")[-1][0] + 24  # how long it lasts
    data = data[:at] + struct.pack(">I", round(8.1 * 48_000)) + data[at + 4 :]
    later, hidden, paused = [(4.0, None, 1), (0.0, 1.0, 1)], [(0.0, 3.0, 1)], EDITS["a pause"][0]
    for edits, end_s in (later, 11.1), (hidden, 5.1), ([later[0], *paused], 8.1):
        clip = decode(with_edits(data, edits))
        assert not any("ends early" in note for note in clip.source.notes)
        assert clip.duration_s == pytest.approx(end_s, abs=0.05)
        assert clip.source.tracks[0].duration_s == pytest.approx(end_s, abs=0.05)
