"""Headers that say twice what the sound is: the first counts, as for players, and that is said."""

import struct
from collections.abc import Callable

import numpy as np
import pytest

from core.audio.clip import SAMPLE_RATE
from core.audio.decoding import decode
from tests.audio.conftest import SPEECH, _make_media, _make_sound

SPEECH_16K = decode(SPEECH).samples
FORMS = {  # how a chunk begins, how long its name is, and how its length is written and counted
    "WAV": (b"fmt ", 4, "<I", 0, b"data"),
    "RF64": (b"fmt ", 4, "<I", 0, b"data"),
    "W64": (b"fmt ", 16, "<q", 24, b"data"),
    "AIFF": (b"COMM", 4, ">I", 0, b"SSND"),
    "CAF": (b"desc", 4, ">q", 0, b"data"),
}


def taken(data: bytes, form: str, name: bytes) -> bytes:
    """The first chunk of that name, as it stands in the file."""
    _, width, length, counted, _ = FORMS[form]
    at = data.find(name, 8)
    head = width + struct.calcsize(length)
    (n,) = struct.unpack_from(length, data, at + width)
    n += 0 if counted else head
    return data[at : at + n + (-n % 8 if form == "W64" else n % 2 if form != "CAF" else 0)]


def with_another(form: str, where: str, other: bytes) -> bytes:
    """A file with a description of another file's, before or behind its sound."""
    data = _make_sound(form, "PCM_16", SPEECH_16K)
    name, *_, sound = FORMS[form]
    chunk = taken(other, form, name)
    if where == "behind":
        return data + chunk
    at = data.find(sound, 8)
    return data[:at] + chunk + data[at:]


OTHERS: dict[str, Callable[[str], bytes]] = {
    "twice the rate": lambda form: _make_sound(form, "PCM_16", SPEECH_16K, 2 * SAMPLE_RATE),
    "two channels": lambda form: _make_sound(form, "PCM_16", np.stack([SPEECH_16K] * 2, 1)),
    "more bits": lambda form: _make_sound(form, "PCM_24", SPEECH_16K),
    "a rate that no file has": lambda form: _make_sound(form, "PCM_16", SPEECH_16K, 2_000_000),
}


@pytest.mark.parametrize("where", ["before", "behind"])
@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("form", FORMS)
def test_the_first_description_counts_and_the_other_is_said(form, other, where) -> None:
    clip = decode(with_another(form, where, OTHERS[other](form)))
    assert np.array_equal(clip.samples, SPEECH_16K)
    (note,) = clip.source.notes
    assert "more than once" in note and "first 16,000 Hz, 1 channel, 16 bits, then" in note


@pytest.mark.parametrize("where", ["before", "behind"])
@pytest.mark.parametrize("form", FORMS)
def test_the_same_description_again_is_nothing_to_say(form: str, where: str) -> None:
    clip = decode(with_another(form, where, _make_sound(form, "PCM_16", SPEECH_16K)))
    assert np.array_equal(clip.samples, SPEECH_16K)
    assert clip.source.notes == ()


@pytest.mark.parametrize("format_", ["mp4", "mov", "ipod"])
@pytest.mark.parametrize("same", [True, False])
def test_a_second_index_of_an_mp4_is_said_where_it_differs(format_: str, same: bool) -> None:
    data = _make_media(format_, "aac", SPEECH_16K)
    at = data.find(b"moov") - 4
    again = data[at : at + int.from_bytes(data[at : at + 4], "big")]
    changed = again if same else again.replace(b"mvhd" + bytes(4), b"mvhd\0\0\0\1", 1)
    clip = decode(data + changed)
    assert np.array_equal(clip.samples, decode(data).samples)
    assert [note[:31] for note in clip.source.notes] == ["The file has a second index (mo"] * (
        not same
    )


def test_a_rate_beyond_all_numbers_is_bad_input(speech: np.ndarray) -> None:
    data = _make_sound("AIFF", "PCM_16", speech)
    at = data.find(b"COMM")
    data = data[: at + 16] + b"\x7f\xff" + data[at + 18 :]
    chunk = taken(data, "AIFF", b"SSND")
    with pytest.raises(ValueError, match=r"rate|Hz|cannot be read"):
        decode(data + chunk)
