"""Which part of a file was judged: in words, as plain JSON, and what is refused of it."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from core.audio.clip import Clip, Source
from core.audio.decoding import decode
from core.audio.isolated import decode_safely
from core.audio.parts import channel_in_words, described, in_words, language, track_in_words
from tests.builders import clip, track, wav


def of(*tracks, chosen=1, **fields) -> Source:
    return replace(clip(1.0, "film.mp4").source, tracks=tracks, track=chosen, **fields)


ENGLISH = track(1, language="eng", title="Interview", default=True)
GERMAN = track(2, language="de-AT", duration_s=61.04, level_db=-23.4)
BARE = track(3)


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (of(), ""),
        (of(ENGLISH), ""),
        (
            of(ENGLISH, GERMAN),
            "Track 1 of 2 (English, 'Interview') was judged. The other is track 2 (German, "
            "61.0 s, -23 dB).",
        ),
        (
            of(ENGLISH, GERMAN, BARE, chosen=3),
            "Track 3 of 3 was judged. The others are tracks 1 (English, 'Interview'); 2 (German, "
            "61.0 s, -23 dB).",
        ),
    ],
)
def test_tracks_are_named(source, sentence):
    assert track_in_words(source) == sentence


def test_of_many_tracks_some_are_named_and_the_rest_counted():
    said = track_in_words(of(*(track(n) for n in range(1, 101))))
    assert said.endswith("8; 9; and 91 more.")


@pytest.mark.parametrize("code", ["", "und", "MUL", "zxx"])
def test_what_is_no_language_is_not_named(code):
    assert language(track(1, language=code)) == ""
    assert described(track(1, language=code)) == "1"


def test_labels_say_the_part_only_where_there_are_several():
    assert of().label == of(ENGLISH).label == "film.mp4"
    assert of(ENGLISH, GERMAN, chosen=2, channel=1).label == "film.mp4, track 2, channel 1"
    assert channel_in_words(of(channel=2, channels=2)) == "Channel 2 of 2 was judged by itself."
    assert in_words(of(ENGLISH)) == []


def test_a_clip_is_judged_as_one_or_by_its_channels():
    whole = clip(1.0)
    channels = (clip(1.0, "a.wav"), clip(1.0, "b.wav"))
    assert whole.parts == (whole,)
    why = replace(whole.source, notes=("They differ.",))
    parts = Clip(whole.samples, why, channels).parts
    assert [p.source.name for p in parts] == ["a.wav", "b.wav"]
    assert all(p.source.notes == ("They differ.",) for p in parts)


def test_channels_that_cancel_come_apart_through_a_worker_too():
    voice = decode("tests/data/speech.flac").samples
    data = wav(np.stack([voice, -voice], axis=1))
    here, there = (made(data, name="call.wav") for made in (decode, decode_safely))
    labels = ["call.wav, channel 1", "call.wav, channel 2"]
    for clip_ in (here, there):
        assert [part.source.label for part in clip_.parts] == labels
        assert all("cancel each other" in part.source.notes[0] for part in clip_.parts)
    for a, b in zip(here.parts, there.parts, strict=True):
        assert np.array_equal(a.samples, b.samples)
    assert np.allclose(here.parts[0].samples, voice, atol=1e-4)


def test_a_source_survives_json():
    source = of(ENGLISH, GERMAN, chosen=2, channel=1, missing=((0.0, 1.5), (2.0, 2.5)))
    assert Source.from_dict(json.loads(json.dumps(asdict(source)))) == source
    assert source.missing_s() == 2.0
    assert source.missing_s(1.0, 2.25) == 0.75
    old = {k: v for k, v in asdict(clip(1.0).source).items() if k not in (
        "tracks", "track", "channel", "missing")}  # fmt: skip
    assert Source.from_dict(old) == clip(1.0).source


@pytest.mark.parametrize(
    "broken",
    [
        {"track": 0}, {"track": "1"}, {"track": True}, {"channel": 0}, {"channel": 1.5},
        {"missing": [[2.0, 1.0]]}, {"missing": [[0.0, 1.0], [0.5, 2.0]]}, {"missing": [[-1, 2]]},
        {"missing": [[0.0, float("inf")]]}, {"tracks": [{"number": 1}]},
        {"tracks": [asdict(track(0))]}, {"tracks": [asdict(replace(BARE, duration_s="long"))]},
        {"tracks": [asdict(replace(BARE, title=3))]},
        {"tracks": [asdict(replace(BARE, level_db=float("nan")))]},
    ],
)  # fmt: skip
def test_what_no_file_has_is_refused(broken):
    with pytest.raises((TypeError, ValueError)):
        Source.from_dict({**asdict(of(ENGLISH)), **broken})
