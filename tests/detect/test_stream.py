"""A live take: what arrives, what is kept, what is scored, and when it is deleted."""

import io
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from core.audio.clip import SAMPLE_RATE
from core.audio.decoding import clip_from_samples, decode
from core.audio.incoming import Incoming, Ring
from core.detect.detector import DetectorError
from core.detect.stream import LiveWindow, Take, spread
from tests.detect.takes import (
    FRAME,
    RATE,
    QuickDetector,
    frames,
    level,
    pitch,
    read,
    scored_to,
    sine,
    until,
)

SPEECH = Path(__file__).parents[1] / "data" / "speech.flac"


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    """12 s of real speech over and over, at 48 kHz."""
    once = soxr.resample(decode(SPEECH).samples, SAMPLE_RATE, RATE)
    return np.tile(once, 5)[: 12 * RATE]


@pytest.fixture
def open_take():
    """Make takes that are deleted at the end."""
    opened: list[Take] = []

    def make(detector=None, **kwargs) -> Take:
        detector = detector or QuickDetector()
        opened.append(Take(lambda: detector, **kwargs))
        return opened[-1]

    yield make
    for take in opened:
        take.discard()


def feed(take: Take, samples: np.ndarray, paced: bool = True) -> None:
    """Push frames; paced, each second waits until the one before was scored."""
    start = round(take.snapshot().seconds) * RATE
    for second in range(-(-len(samples) // RATE)):
        for frame in frames(samples[second * RATE :][:RATE], start + second * RATE):
            take.push(frame)
        if paced:  # the resampler still holds the last milliseconds
            until(lambda n=second: scored_to(take) >= n)


# --- what arrives ----------------------------------------------------------------------------


def test_a_tone_arrives_with_its_pitch_level_and_length(open_take):
    take = open_take()
    feed(take, sine(5.0), paced=False)
    take.finish()
    heard = read(take.wav())
    assert len(heard) == pytest.approx(5 * SAMPLE_RATE, abs=2)
    assert pitch(heard) == pytest.approx(1_000, abs=0.3)
    assert level(heard[1000:-1000]) == pytest.approx(-20, abs=0.02)
    shot = take.snapshot()
    assert (shot.frames, shot.lost) == (250, 0)


def test_channels_that_are_alike_are_averaged_and_not_summed(open_take):
    take = open_take()
    feed(take, np.stack([sine(1.0), sine(1.0, dbfs=-22)], axis=1), paced=False)
    take.finish()
    assert level(read(take.wav())[1000:-1000]) == pytest.approx(-20.94, abs=0.02)


def test_the_meter_shows_the_level_of_the_last_moments(open_take):
    take = open_take()
    feed(take, np.concatenate([sine(1.0, dbfs=-50), sine(1.0, dbfs=-20)]), paced=False)
    until(lambda: take.snapshot().seconds > 1.9)
    assert take.snapshot().level_dbfs == pytest.approx(-20, abs=0.1)
    take.pause()
    assert take.snapshot().level_dbfs is None


def test_missing_frames_are_counted_and_silence_stands_in(open_take):
    take = open_take()
    for number, frame in enumerate(frames(sine(2.0))):
        if not 40 <= number < 50:
            take.push(frame)
    take.finish()
    shot = take.snapshot()
    assert (shot.frames, shot.lost) == (90, 10)
    heard = read(take.wav())
    assert len(heard) == pytest.approx(2 * SAMPLE_RATE, abs=2)
    hole = heard[round(0.82 * SAMPLE_RATE) : round(0.98 * SAMPLE_RATE)]
    assert np.abs(hole).max() < 0.01 < np.abs(heard[: len(hole)]).max()


@pytest.mark.parametrize("clock", [True, False])
def test_frames_beyond_what_may_wait_are_counted(open_take, monkeypatch, clock):
    monkeypatch.setattr("core.detect.stream.take.MOST_WAITING", 20)
    take = open_take()
    sent = list(frames(sine(1.0), clock=clock))
    with take._draining:  # as if converting took that long
        for frame in sent[:-1]:
            take.push(frame)
    until(lambda: take.snapshot().frames == 20)
    take.push(sent[-1])
    take.finish()
    shot = take.snapshot()
    assert (shot.frames, shot.lost) == (21, 29)


def test_a_change_of_rate_and_of_layout_goes_on_in_step():
    import av

    incoming = Incoming()
    parts = [incoming.take(frame) for frame in frames(sine(1.0))]
    mono = np.rint(0.1 * 32768 * np.sin(2 * np.pi * 500 * np.arange(16_000) / 16_000))
    frame = av.AudioFrame.from_ndarray(mono.astype(np.int16)[None, :], "s16", "mono")
    frame.sample_rate = 16_000
    parts += [incoming.take(frame), incoming.flush()]
    assert len(np.concatenate(parts)) == pytest.approx(2 * SAMPLE_RATE, abs=3)
    assert pitch(np.concatenate(parts)[-15_000:, 0] / 32768) == pytest.approx(500, abs=1.1)


# --- what is kept ----------------------------------------------------------------------------


def test_the_ring_keeps_the_latest_and_reads_across_its_blocks():
    ring = Ring(3 * Ring.BLOCK)
    numbers = np.repeat(np.arange(10 * Ring.BLOCK)[:, None] % 30_000, 2, axis=1)
    for part in np.array_split(numbers.astype(np.int16), 37):
        ring.write(part)
    assert (ring.start, ring.end) == (7 * Ring.BLOCK, 10 * Ring.BLOCK)
    assert np.array_equal(ring.read(0, 10**9), numbers[7 * Ring.BLOCK :])
    a, b = 8 * Ring.BLOCK - 5, 9 * Ring.BLOCK + 7
    assert np.array_equal(ring.read(a, b), numbers[a:b])
    assert len(ring.read(5, 4)) == 0


# --- two channels ----------------------------------------------------------------------------


def stereo(data: bytes) -> np.ndarray:
    """Samples of a 16-bit WAV, a column per channel."""
    return soundfile.read(io.BytesIO(data), always_2d=True)[0]


def faint(samples: np.ndarray) -> np.ndarray:
    return 0.01 * samples


CHANNELS = {  # left and right from speech and a tone; the channels that are heard
    "opposite": (lambda voice, tone: (voice, -voice), {1, 2}),
    "nearly opposite": (lambda voice, tone: (voice, faint(tone) - 0.9 * voice), {1}),
    "one is silent": (lambda voice, tone: (0 * voice, voice), {2}),
    "a louder hum": (lambda voice, tone: (3 * tone, voice), {2}),
    "mid and side": (lambda voice, tone: (0.1 * tone + voice, 0.1 * tone - voice), {1, 2}),
    "alike": (lambda voice, tone: (voice, 0.8 * voice), {None}),
    "both silent": (lambda voice, tone: (0 * voice, 0 * voice), {None}),
}


@pytest.mark.parametrize("case", CHANNELS)
def test_no_voice_is_lost_between_channels(open_take, speech, case):
    mix, heard = CHANNELS[case]
    voice = speech[: 5 * RATE]
    take = open_take()
    feed(take, np.stack(mix(voice, sine(5.0, dbfs=-25)), axis=1))
    take.finish()
    until(lambda: scored_to(take) == 5)
    shot = take.snapshot()
    assert {w.channel for w in shot.windows} <= heard
    silent = case == "both silent"
    assert (shot.speech_s < 0.1) == silent
    assert (shot.level_dbfs is None) or not silent
    codes = {r.code for r in shot.detection.reasons} if shot.detection else set()
    assert ("silence" in codes) == silent and "no_speech" not in codes
    kept = stereo(take.wav())
    assert kept.shape[1] == (1 if heard == {None} else 2)
    if kept.shape[1] == 2:
        want = soxr.resample(np.stack(mix(voice, sine(5.0, dbfs=-25)), axis=1), RATE, SAMPLE_RATE)
        assert np.abs(kept - want[: len(kept)])[2000:-2000].max() < 0.02


def test_two_parties_are_heard_in_turn(open_take, speech):
    quiet = np.zeros(4 * RATE)
    left = np.concatenate([speech[: 4 * RATE], quiet, quiet[: 2 * RATE]])
    right = np.concatenate([quiet, quiet[: 2 * RATE], speech[: 4 * RATE]])
    take = open_take()
    feed(take, np.stack([left, right], axis=1))
    take.finish()
    until(lambda: scored_to(take) == 10)
    spoken = {w.start_s: w.channel for w in take.snapshot().windows if w.llr is not None}
    assert (spoken[0.0], spoken[6.0]) == (1, 2)


def test_a_second_that_is_alike_takes_the_room_of_one_channel():
    ring = Ring(10 * Ring.BLOCK)
    rng = np.random.default_rng(0)
    same = np.repeat(rng.integers(-9_000, 9_000, (2 * Ring.BLOCK, 1), np.int16), 2, axis=1)
    ring.write(same)
    assert [b.shape[1] for b in ring._blocks] == [1, 1] and not ring.apart
    ring.write(same * np.array([1, -1], np.int16))
    ring.write(same)
    assert ring.apart and [b.shape[1] for b in ring._blocks] == [1, 1, 2, 2, 2, 2]
    assert np.array_equal(ring.read(0, ring.end)[-len(same) :], same)


def test_the_oldest_sound_goes_and_takes_its_scores_along(open_take, speech):
    take = open_take(keep_s=6.0)
    feed(take, speech)
    take.finish()
    shot = until(
        lambda: s if len((s := take.snapshot()).windows) and s.windows[-1].end_s == 12 else 0
    )
    assert shot.kept_from_s == 6
    assert shot.seconds == pytest.approx(12, abs=0.01)
    assert len(read(take.wav())) == pytest.approx(6 * SAMPLE_RATE, abs=2)
    assert shot.windows[0].end_s > 6
    assert [w.start_s for w in shot.detection.windows] == [6, 8]
    assert shot.detection.quality.duration_s == pytest.approx(6, abs=0.01)
    assert shot.speech_s <= 6


# --- what is scored --------------------------------------------------------------------------


def test_every_hop_is_scored_once_and_the_verdict_is_that_of_a_file(open_take, speech):
    detector = QuickDetector()
    take = open_take(detector)
    feed(take, speech)
    take.finish()
    shot = until(lambda: s if len((s := take.snapshot()).windows) == 12 else None)
    assert [w.end_s for w in shot.windows] == list(range(1, 13))
    assert [w.start_s for w in shot.windows] == [max(0, end - 4) for end in range(1, 13)]
    assert len(detector.heard) == 12
    assert [len(x) for x in detector.heard] == [16_000 * min(4, n) for n in range(1, 13)]
    assert shot.skipped == 0
    assert [w.end_s for w in shot.windows if w.own] == [4, 6, 8, 10, 12]

    file = detector.detect(clip_from_samples(read(take.wav()).astype(np.float32), 16_000, "file"))
    assert shot.detection.llr == pytest.approx(file.llr, abs=1e-6)
    assert shot.detection.verdict == file.verdict == "synthetic"
    assert shot.detection.quality.speech_s == pytest.approx(file.quality.speech_s, abs=0.3)
    assert shot.detection.quality.level_dbfs == pytest.approx(file.quality.level_dbfs, abs=0.5)
    assert shot.speech_s == shot.detection.quality.speech_s
    assert shot.spread == spread(list(shot.detection.windows))
    assert shot.latency_s is not None and 0 < shot.latency_s < 5


def test_it_listens_until_a_whole_window_was_heard(open_take, speech):
    take = open_take()
    feed(take, speech[: 4 * RATE - 4_800])
    until(lambda: len(take.snapshot().windows) == 3)
    shot = take.snapshot()
    assert shot.listening and shot.detection is None
    assert all(w.llr is not None for w in shot.windows)


def test_a_short_take_is_judged_by_its_longest_window_once_it_ends(open_take, speech):
    take = open_take()
    feed(take, speech[: 3 * RATE])
    take.finish()
    shot = until(lambda: s if (s := take.snapshot()).detection else None)
    assert [(w.start_s, w.end_s) for w in shot.detection.windows] == [(0, 3)]
    assert shot.detection.llr == pytest.approx(shot.windows[-1].llr)


def test_silence_is_grey_and_no_network_runs(open_take):
    detector = QuickDetector()
    take = open_take(detector)
    rng = np.random.default_rng(1)
    feed(take, rng.normal(0, 0.0005, 6 * RATE))
    until(lambda: len(take.snapshot().windows) >= 5)
    shot = take.snapshot()
    assert [w.llr for w in shot.windows] == [None] * len(shot.windows)
    assert not detector.heard
    assert shot.listening and shot.speech_s == 0
    take.finish()
    shot = until(lambda: s if len((s := take.snapshot()).windows) == 6 else None)
    assert shot.detection.verdict == "not judged"


def test_speech_after_silence_is_scored_where_it_is(open_take, speech):
    take = open_take()
    feed(take, np.concatenate([np.zeros(5 * RATE), speech[: 5 * RATE]]))
    take.finish()
    shot = until(lambda: s if len((s := take.snapshot()).windows) == 10 else None)
    assert [w.llr is None for w in shot.windows][:5] == [True] * 5
    assert all(w.llr is not None for w in shot.windows[6:])
    assert 3 < shot.speech_s < 5.2


def test_falling_behind_scores_the_newest_and_counts_the_rest(open_take, speech):
    detector = QuickDetector(work_s=0.4)
    take = open_take(detector)
    feed(take, speech[:RATE], paced=False)
    until(lambda: take.detector is not None and len(detector.heard) == 0)
    until(lambda: len(detector.heard) == 1 or take.snapshot().seconds < 1)
    for frame in frames(speech[RATE:], RATE):
        take.push(frame)
    take.finish()
    shot = until(
        lambda: s if (s := take.snapshot()).windows[-1:] and s.windows[-1].end_s == 12 else 0
    )
    assert shot.skipped > 0
    assert shot.skipped + len(shot.windows) == 12
    assert shot.windows[-1].llr is not None


def test_inference_runs_inside_the_slot(open_take, speech):
    inside: list[bool] = []
    slot = threading.BoundedSemaphore(1)

    class Watching(QuickDetector):
        def raw_scores(self, *args, **kwargs):
            inside.append(not slot.acquire(blocking=False))
            return super().raw_scores(*args, **kwargs)

    take = open_take(Watching(), slots=slot)
    feed(take, speech[: 3 * RATE])
    until(lambda: len(inside) >= 2)
    assert all(inside)


def test_a_detector_that_cannot_be_loaded_gives_its_sentence_and_keeps_the_sound():
    def load():
        raise DetectorError("The weights are missing.")

    take = Take(load)
    for frame in frames(sine(1.0)):
        take.push(frame)
    take.finish()
    until(lambda: take.snapshot().error)
    shot = take.snapshot()
    assert shot.error == "The weights are missing."
    assert not shot.ready and not shot.windows
    assert len(read(take.wav())) == pytest.approx(SAMPLE_RATE, abs=2)
    take.discard()


def test_a_detector_that_fails_is_said_and_not_silently_gone(open_take, speech):
    class Broken(QuickDetector):
        def raw_scores(self, *args, **kwargs):
            raise RuntimeError("out of memory")

    take = open_take(Broken())
    feed(take, speech[: 2 * RATE], paced=False)
    assert "The detector failed" in until(lambda: take.snapshot().error)


# --- pause, and letting go -------------------------------------------------------------------


def test_a_pause_leaves_out_sound_and_counts_no_loss(open_take):
    take = open_take()
    sent = list(frames(sine(3.0)))
    for frame in sent[:50]:
        take.push(frame)
    until(lambda: take.snapshot().frames == 50)
    take.pause()
    for frame in sent[50:100]:
        take.push(frame)
    assert take.snapshot().state == "paused"
    take.resume()
    for frame in sent[100:]:
        take.push(frame)
    take.finish()
    shot = take.snapshot()
    assert (shot.state, shot.frames, shot.lost) == ("finished", 100, 0)
    assert len(read(take.wav())) == pytest.approx(2 * SAMPLE_RATE, abs=2)


def test_discarded_means_gone(open_take, speech):
    take = open_take()
    feed(take, speech[: 5 * RATE])
    until(lambda: take.snapshot().detection)
    take.discard()
    shot = take.snapshot()
    assert (shot.state, shot.windows, shot.detection, shot.speech_s) == ("discarded", (), None, 0)
    assert take.wav() == b"" and not take._ring._blocks and not take._arrivals
    for frame in frames(sine(1.0)):
        take.push(frame)
    take.resume()
    assert not take._waiting and take.wav() == b""


def test_an_untouched_take_is_let_go_of_and_its_threads_end(open_take, speech):
    before = threading.active_count()
    take = open_take(forget_after_s=0.6)
    feed(take, speech[:RATE], paced=False)
    for _ in range(4):
        take.touch()
        threading.Event().wait(0.3)
    assert take.snapshot().state == "live"
    until(lambda: take.snapshot().state == "released")
    assert take.wav() == b"" and not take._ring._blocks
    until(lambda: threading.active_count() <= before)


def test_takes_do_not_hear_each_other(open_take):
    low, high = open_take(), open_take()
    for a, b in zip(frames(sine(1.0, 500)), frames(sine(1.0, 2_000)), strict=True):
        low.push(a)
        high.push(b)
    low.finish()
    high.finish()
    assert pitch(read(low.wav())) == pytest.approx(500, abs=1.1)
    assert pitch(read(high.wav())) == pytest.approx(2_000, abs=1.1)


# --- the interval ----------------------------------------------------------------------------


def window(start_s: float, llr: float) -> LiveWindow:
    return LiveWindow(start_s, start_s + 4, llr, 4.0, True)


def test_the_interval_needs_two_windows_that_do_not_overlap():
    assert spread([]) is None
    assert spread([window(0, 1.0), window(2, 2.0)]) is None


def test_the_interval_counts_only_windows_that_fit_side_by_side():
    # Mean 2, standard deviation 1, windows 0-4 and 4-8 side by side.
    low, high = spread([window(0, 1.0), window(2, 2.0), window(4, 3.0)])
    assert (low, high) == pytest.approx((2 - 1.96 / 2**0.5, 2 + 1.96 / 2**0.5))


def test_a_frame_is_twenty_milliseconds():
    assert next(frames(sine(0.1))).samples == FRAME == RATE // 50
