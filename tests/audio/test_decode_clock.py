"""Sound stands where the file's own clock puts it, whatever is missing and wherever it begins."""

import io
from itertools import pairwise

import av
import numpy as np
import pytest
import soxr
from hypothesis import given
from hypothesis import strategies as st

from core.audio.clip import SAMPLE_RATE, Clip
from core.audio.decoding import decode
from core.audio.decoding.frames import frame_samples, to_float
from core.audio.decoding.timeline import DRIFT_S, LONGEST_GAP_S, Timeline
from tests.audio.test_decode import best_match

CLOCKED = [
    ("ogg", "libopus", 48_000),
    ("webm", "libopus", 48_000),
    ("matroska", "aac", 44_100),
    ("matroska", "flac", 48_000),
    ("mp4", "aac", 44_100),
    ("mp4", "libopus", 48_000),
    ("ipod", "alac", 48_000),
    ("3gp", "libopencore_amrnb", 8_000),
    ("flv", "aac", 44_100),
    ("mpegts", "aac", 48_000),
    ("mpegts", "mp2", 48_000),
]
IDS = [f"{format_}-{codec}" for format_, codec, _ in CLOCKED]
FAULTS = {
    "a gap": {"keep": lambda second: not 3 <= second < 6},
    "two gaps": {"keep": lambda second: not (1 <= second < 2 or 5 <= second < 7)},
    "a late start": {"later_s": 4.0},
    "most of it": {"keep": lambda second: max(second, 0) % 2 < 0.7},
}


@pytest.fixture(scope="module")
def sound(speech: np.ndarray) -> np.ndarray:
    """8.1 s in which no second is like another."""
    return np.concatenate([speech, speech[::-1], 0.5 * np.roll(speech, 9_000)])


@pytest.fixture(scope="module", params=CLOCKED, ids=IDS)
def whole(request, sound, make_media) -> tuple[str, bytes]:
    format_, codec, rate = request.param
    return format_, make_media(format_, codec, sound, rate)


def by_stamps(data: bytes) -> np.ndarray:
    """What FFmpeg decodes, each frame laid where its own time stamp says, at 16 kHz."""
    with av.open(io.BytesIO(data)) as container:
        stream = container.streams.audio[0]
        zero = container.start_time / 1e6 if container.format.name == "mpegts" else 0.0
        frames = [
            (float(frame.pts * frame.time_base) - zero, to_float(frame_samples(frame))[:, 0])
            for frame in container.decode(stream)
        ]
        rate = stream.codec_context.sample_rate
    laid = np.zeros(round(frames[-1][0] * rate) + len(frames[-1][1]), np.float32)
    for at, samples in frames:
        start = max(0, round(at * rate))
        laid[start : start + len(samples)] = samples[: len(laid) - start]
    return soxr.resample(laid, rate, SAMPLE_RATE)


def in_place(clip: Clip, expected: np.ndarray) -> None:
    """Every half second is the expected one and no other, to within 1 ms of rounding."""
    for start in range(0, min(len(clip.samples), len(expected)) - 8_000, 8_000):
        a, b = clip.samples[start : start + 8_000], expected[start : start + 8_000]
        if np.abs(b).max() > 0.02 and (b != 0).mean() > 0.5:
            lag = np.argmax(np.correlate(a, b[80:-80])) - 80
            assert abs(lag) <= 32, start
    assert abs(len(clip.samples) - len(expected)) <= 0.06 * SAMPLE_RATE


@pytest.mark.parametrize("fault", FAULTS)
def test_sound_is_where_ffmpeg_stamps_it(fault: str, whole, remux) -> None:
    format_, data = whole
    broken = remux(data, format_, **FAULTS[fault])
    clip = decode(broken)
    in_place(clip, by_stamps(broken))
    notes = " ".join(clip.source.notes)
    if format_ == "mpegts" and fault == "a late start":  # its clock begins with its first packet
        assert clip.source.missing == ()
        return
    assert "missing" in notes
    assert "ends early" not in notes
    assert ("right to within" in notes) == (format_ == "ogg")
    held = sum(b - a for a, b in clip.source.missing)
    assert held == pytest.approx({"most of it": 4.6, "a late start": 4}.get(fault, 3), abs=0.9)
    for a, b in clip.source.missing:
        assert not clip.samples[round(a * SAMPLE_RATE) : round(b * SAMPLE_RATE)].any()
        assert len(clip.source.missing) > 5 or f"{a:.1f} to {b:.1f} s" in notes


def test_a_whole_file_lacks_nothing(whole) -> None:
    clip = decode(whole[1])
    assert (clip.source.missing, clip.source.notes) == ((), ())


def test_an_absurd_offset_fills_no_memory_and_is_said(whole, remux) -> None:
    format_, data = whole
    clip = decode(remux(data, format_, later_s=20_000.0))
    assert clip.duration_s == pytest.approx(decode(data).duration_s, abs=0.05)
    assert format_ == "mpegts" or "5:33:20" in clip.source.notes[0]


@pytest.mark.parametrize("which", [1, 4, 5, 7], ids=[IDS[i] for i in (1, 4, 5, 7)])
def test_overlapping_stamps_double_nothing_and_lose_nothing(which, sound, make_media, remux):
    format_, codec, rate = CLOCKED[which]
    data = make_media(format_, codec, sound, rate)
    clip, straight = decode(remux(data, format_, pace=0.5)), decode(data)
    assert len(clip.samples) == pytest.approx(len(straight.samples), abs=500)
    assert best_match(clip.samples, straight.samples)[1] > 0.9
    assert "overlap" in clip.source.notes[0]


@pytest.mark.parametrize("codec", ["libopus", "flac", "pcm_s16le"])
def test_a_packet_that_comes_twice_is_heard_once(codec: str, sound, make_media, remux) -> None:
    data = make_media("matroska", codec, sound)
    clip = decode(remux(data, "matroska", twice=True))
    assert len(clip.samples) == pytest.approx(len(decode(data).samples), abs=220)
    assert "twice" in clip.source.notes[-1]


@given(
    lost=st.lists(st.booleans(), min_size=2, max_size=200),
    frame_ms=st.sampled_from([10, 20, 23.22, 60]),
    jitter=st.integers(0, 1_000),
    drift=st.sampled_from([0.0, 1e-4, -1e-4]),
)
def test_frames_keep_their_place_and_their_order(lost, frame_ms, jitter, drift) -> None:
    """Stamps rounded to 1 ms: gaps only where frames are lost, each frame within the drift."""
    rng = np.random.default_rng(jitter)
    length = frame_ms / 1000
    clock = Timeline(0.0, 0.001, 3600.0, False)
    gaps, end = 0, 0.0
    for i, gone in enumerate(lost):
        stamp = round((i * length * (1 + drift)) + rng.uniform(-4e-4, 4e-4), 3)
        if gone:
            continue
        gap = clock.gap_before(stamp, length)
        assert gap >= 0
        assert clock.due_s == pytest.approx(end + gap + length)
        assert abs(clock.due_s - length - stamp) <= DRIFT_S
        gaps += gap > 0
        end = clock.due_s
    starts = sum(before and not now for before, now in pairwise(lost))
    assert gaps <= starts
    assert clock.overlaps_s is None and not clock.closed


@given(
    stamps=st.lists(st.floats(-1e5, 1e9) | st.none(), min_size=1, max_size=50),
    joinable=st.booleans(),
)
def test_any_stamps_leave_a_bounded_clip(stamps, joinable) -> None:
    clock = Timeline(0.0, 0.001, 7_200.0, joinable)
    for stamp in stamps:
        assert 0 <= clock.gap_before(stamp, 0.02) <= LONGEST_GAP_S
    assert 0.02 * len(stamps) - 1e-6 <= clock.due_s <= 7_200.0


@pytest.mark.parametrize("format_", ["mpegts", "ogg"])
def test_joined_files_begin_again(format_: str, sound, make_media, remux) -> None:
    codec = {"mpegts": "aac", "ogg": "libopus"}[format_]
    part = remux(make_media(format_, codec, sound), format_, lambda second: not 3 <= second < 6)
    clip, one = decode(part + part), decode(part)
    assert clip.duration_s == pytest.approx(2 * one.duration_s, abs=0.1)
    assert len(clip.source.missing) == 2


@pytest.mark.parametrize("later_s", [100.0, 5_000.0, 40_000.0])
def test_an_earlier_file_behind_a_later_one_begins_again(later_s, sound, make_media, remux) -> None:
    part = make_media("mpegts", "aac", sound, 48_000)
    clip = decode(remux(part, "mpegts", later_s=later_s) + part)
    assert clip.duration_s == pytest.approx(2 * decode(part).duration_s, abs=0.1)
    assert clip.source.notes == ()
