"""Channels are averaged only where their average keeps what each of them holds."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.audio import decoding
from core.audio.clip import SAMPLE_RATE, AudioError
from core.audio.decoding import build, clip_from_samples, decode
from core.audio.decoding.channels import MOST_CHANNELS
from core.audio.isolated import decode_safely


def late(x: np.ndarray, by: int) -> np.ndarray:
    return np.concatenate([np.zeros(by, np.float32), x[: len(x) - by]])


def in_a_room(x: np.ndarray, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    echoes = 0.1 * rng.normal(size=4_000) * np.exp(-np.arange(4_000) / 800)
    echoes[0] = 1
    return np.convolve(x, echoes)[: len(x)].astype(np.float32)


@pytest.fixture(scope="module")
def voices(speech: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two that are never alike for long: 5.4 s of speech, and the same words backwards, shifted."""
    one = np.concatenate([speech, 0.8 * speech])
    return 0.5 * one, 0.5 * np.roll(one[::-1], 11_000)


def tone(hertz: float, like: np.ndarray) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * np.arange(len(like)) / SAMPLE_RATE).astype(np.float32)


def noise(like: np.ndarray) -> np.ndarray:
    return np.random.default_rng(3).normal(size=len(like)).astype(np.float32)


def turns(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    first = np.arange(len(a)) % 40_000 < 20_000
    return np.where(first, a, 0.02 * b), np.where(first, 0.02 * a, b)


ORDINARY = {
    "identical": lambda a, b: (a, a),
    "3 dB": lambda a, b: (a, 0.7 * a),
    "12 dB": lambda a, b: (a, 0.25 * a),
    "panned music": lambda a, b: (0.8 * a + 0.3 * b, 0.4 * a + 0.9 * b),
    "delays": lambda a, b: (a + b, late(a, 4) + b),
    "1 ms apart": lambda a, b: (a, late(a, 16)),
    "10 ms apart": lambda a, b: (a, late(a, 160)),
    "in a room": lambda a, b: (in_a_room(a, 1), in_a_room(late(a, 20), 2)),
    "hum in both": lambda a, b: (a + 0.1 * tone(50, a), a + 0.3 * tone(50, a)),
    "noise in both": lambda a, b: (a + 0.02 * noise(a), a + 0.02 * noise(b)[::-1]),
    "an offset in one": lambda a, b: (a, a + np.float32(0.001)),
    "faint noise in one": lambda a, b: (a, 0.9 * a + 0.01 * noise(a)),
    "a wide effect": lambda a, b: (a + 0.3 * in_a_room(b, 5), a - 0.3 * in_a_room(b, 6)),
}
APART = {
    "opposite": (lambda a, b: (a, -a), "opposite phase"),
    "nearly opposite": (lambda a, b: (a, -0.9 * a), "opposite phase"),
    "opposite and late": (lambda a, b: (a, -late(a, 1)), "opposite phase"),
    "opposite at half": (lambda a, b: (a, -0.5 * a), "opposite phase"),
    "side": (lambda a, b: (0.5 * a + 0.05 * b, -0.5 * a + 0.05 * b), "opposite phase"),
    "side and middle": (lambda a, b: (0.4 * a + 0.4 * b, -0.4 * a + 0.4 * b), "opposite phase"),
    "quiet side": (lambda a, b: (0.1 * a + 0.5 * b, -0.1 * a + 0.5 * b), "opposite phase"),
    "opposite under hum": (
        lambda a, b: tuple(
            s * a + np.float32(0.5) * np.sin(np.arange(len(a)) * 0.02).astype(np.float32)
            for s in (1, -1)
        ),
        "opposite phase",
    ),
    "two voices": (lambda a, b: (a, b), "different sound"),
    "one 20 dB lower": (lambda a, b: (a, 0.1 * b), "different sound"),
    "a call": (turns, "different sound"),
    "beside hum": (lambda a, b: (0.9 * tone(50, a), 0.1 * b), "different sound"),
    "beside a tone": (lambda a, b: (a, 0.1 * tone(1_000, b)), "different sound"),
    "beside noise": (lambda a, b: (a, 0.1 * noise(b)), "different sound"),
}


@pytest.mark.parametrize("kind", ORDINARY)
def test_ordinary_stereo_is_averaged(kind: str, voices) -> None:
    pair = np.stack(ORDINARY[kind](*voices), axis=1)
    clip = clip_from_samples(pair, SAMPLE_RATE, kind)
    assert (clip.apart, clip.source.notes, clip.source.channel) == ((), (), None)
    assert np.allclose(clip.samples, pair.mean(axis=1), atol=1e-6)


@pytest.mark.parametrize("kind", APART)
@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_what_an_average_would_destroy_is_kept_apart(kind: str, rate: int, voices) -> None:
    make, words = APART[kind]
    pair = np.stack(make(*voices), axis=1).astype(np.float32)
    if rate != SAMPLE_RATE:
        import soxr

        pair = soxr.resample(pair, SAMPLE_RATE, rate)
    clip = clip_from_samples(pair, rate, kind)
    assert [part.source.channel for part in clip.apart] == [1, 2]
    assert words in clip.source.notes[0]
    for part in clip.apart:
        alone = clip_from_samples(pair[:, part.source.channel - 1], rate, kind)
        assert np.allclose(part.samples, alone.samples, atol=1e-6)
        assert part.source.sha256 == clip.source.sha256


@pytest.mark.parametrize("noise", [0.0, 3e-5])
def test_a_silent_channel_is_left_out(noise: float, voices) -> None:
    quiet = noise * np.random.default_rng(1).normal(size=len(voices[0]))
    pair = np.stack([quiet, voices[0]], axis=1).astype(np.float32)
    clip = clip_from_samples(pair, SAMPLE_RATE, "one")
    assert (clip.source.channel, clip.apart) == (2, ())
    assert "Channel 1 is silent" in clip.source.notes[0]
    assert np.allclose(clip.samples, voices[0], atol=5 * noise + 1e-6)
    assert clip_from_samples(0 * pair, SAMPLE_RATE, "none").source.notes == ()


@settings(max_examples=12, deadline=None)
@given(
    gains=st.lists(
        st.tuples(st.floats(-30, 0), st.sampled_from([1, -1]), st.booleans()),
        min_size=2,
        max_size=5,
    ),
    flip=st.booleans(),
)
def test_what_a_channel_holds_is_in_the_average_or_apart(gains, flip, voices) -> None:
    """Each of two to five channels holds one of two voices, 0 to 30 dB down, either way up."""
    loudest = max(gain for gain, _, _ in gains)
    channels = np.stack(
        [s * 10 ** ((gain - loudest) / 20) * voices[which ^ flip] for gain, s, which in gains],
        axis=1,
    ).astype(np.float32)
    clip = clip_from_samples(channels, SAMPLE_RATE, "mix")
    for number, held in enumerate(channels.T, 1):
        found = [part.samples for part in clip.apart if part.source.channel == number]
        for part in found or [clip.samples]:
            share = np.dot(part, held) / np.dot(held, held)
            assert abs(share) >= 0.1 / channels.shape[1]  # of what it alone would leave there


def wav(channels: np.ndarray) -> bytes:
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, channels, SAMPLE_RATE, format="WAV", subtype="PCM_16")
    return file.getvalue()


def test_a_ten_second_fake_in_one_channel_of_a_minute(voices) -> None:
    a, b = (np.tile(v, 12)[: 60 * SAMPLE_RATE] for v in voices)
    side = np.zeros_like(a)
    side[20 * SAMPLE_RATE : 30 * SAMPLE_RATE] = b[: 10 * SAMPLE_RATE]
    for left, right in ((a, a + side), (a + side, a - side)):
        clip = clip_from_samples(np.stack([left, right], axis=1), SAMPLE_RATE, "minute")
        assert len(clip.apart) == 2


@pytest.mark.parametrize("how", [decode, decode_safely])
def test_files_are_taken_apart_and_a_channel_can_be_asked_for(how, voices) -> None:
    a, b = voices
    data = wav(np.stack([a, b], axis=1))
    clip = how(data, name="call.wav")
    assert [p.source.channel for p in clip.apart] == [1, 2]
    assert {p.source.sha256 for p in (clip, *clip.apart)} == {clip.source.sha256}
    for part, expected in zip(clip.apart, voices, strict=True):
        assert np.allclose(part.samples, expected, atol=1e-4)
        one = how(data, channel=part.source.channel)
        assert (one.source.channel, one.apart) == (part.source.channel, ())
        assert np.array_equal(one.samples, part.samples)
    for channel in (0, 3, -1):
        with pytest.raises(AudioError, match="no channel") as caught:
            how(data, channel=channel)
        assert caught.value.code == "no_channel"


def test_a_clip_too_long_to_be_kept_twice(voices, monkeypatch) -> None:
    for module in (build, decoding):
        monkeypatch.setattr(module, "APART_S", 5.0)
    a, b = voices
    clip = decode(wav(np.stack([0.5 * a, -a], axis=1)))
    assert (clip.source.channel, clip.apart) == (2, ())
    assert "channel 2, the loudest, was taken" in clip.source.notes[0]
    clip = decode(wav(np.stack([a, b], axis=1)))
    assert (clip.source.channel, clip.apart) == (None, ())
    assert "too long to keep them apart" in clip.source.notes[0]


@pytest.mark.parametrize(
    ("kind", "count"), [*((kind, 9) for kind in APART), ("quiet side", 64), ("a call", 64)]
)
def test_many_channels_are_examined_like_two(kind: str, count: int, voices) -> None:
    make, words = APART[kind]
    file = np.zeros((len(voices[0]), count), np.float32)
    file[:, 3], file[:, count - 2] = make(*voices)
    clip = decode(wav(file))
    assert [part.source.channel for part in clip.apart] == [4, count - 1]
    assert any(words in note for note in clip.source.notes)


def test_of_many_channels_the_loudest_are_apart_and_the_others_named(voices) -> None:
    a, b = voices
    gains = np.linspace(1, 0.5, MOST_CHANNELS + 3)
    file = np.stack([g * (b if i % 2 else a) for i, g in enumerate(gains)], axis=1)
    for how in (decode, decode_safely):
        clip = how(wav(file))
        assert [p.source.channel for p in clip.apart] == [*range(1, MOST_CHANNELS + 1)]
        assert "channels 9, 10 and 11 hold sound too" in clip.source.notes[-1]


def test_many_alike_are_averaged(voices) -> None:
    file = np.outer(voices[0], np.linspace(1, 0.4, 12)).astype(np.float32)
    clip = decode(wav(file))
    assert (clip.apart, clip.source.notes) == ((), ())
