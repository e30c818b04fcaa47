"""Speech is found where it is, and what cannot be judged is named."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import av
import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import lfilter

from core.audio.clip import SAMPLE_RATE, Clip, Track
from core.audio.decoding import clip_from_samples
from core.audio.quality import NARROW_HZ, Quality, Reason, gate, measure, speech_in
from core.audio.speech import MIN_SPEECH_S, speech_probabilities, speech_spans


def clip_of(samples: np.ndarray) -> Clip:
    return clip_from_samples(np.asarray(samples, np.float32), SAMPLE_RATE, "test")


def codes(reasons: tuple[Reason, ...]) -> list[tuple[str, str]]:
    return [(reason.code, reason.effect) for reason in reasons]


@pytest.fixture(scope="module")
def long_speech(speech: np.ndarray) -> np.ndarray:
    return np.tile(speech, 3)


def test_speech_is_found_and_nothing_stands_against_it(long_speech: np.ndarray) -> None:
    pause = np.zeros(2 * SAMPLE_RATE, np.float32)
    q = measure(clip_of(np.concatenate([pause, long_speech, pause, long_speech])))
    assert gate(q) == ()
    assert q.duration_s == pytest.approx(20.2)
    assert 14.0 < q.speech_s < 16.2
    assert q.speech_s == pytest.approx(sum(end - start for start, end in q.speech))
    assert speech_in(q.speech, 0.0, 1.9) == 0
    assert speech_in(q.speech, 10.4, 11.9) == 0
    assert speech_in(q.speech, 2.0, 10.1) > 7.0
    assert q.bandwidth_hz > 7_500
    assert q.level_dbfs is not None
    assert -25 < q.level_dbfs < -10
    assert q.peak == pytest.approx(np.abs(long_speech).max())
    assert q.zero_share == pytest.approx(4 / 20.2, abs=0.02)
    assert q.clipped_share < 0.002


@pytest.mark.parametrize("zeros", [0, SAMPLE_RATE])
@pytest.mark.parametrize("offset", [0.006, 0.02, -0.1, 0.5])
def test_an_offset_is_taken_out_and_changes_nothing(offset, zeros, long_speech) -> None:
    silence = np.zeros(zeros, np.float32)
    sound = long_speech - long_speech.mean()
    sound[sound == 0] = 1e-9
    off, plain = (clip_of(np.concatenate([silence, 0.1 * sound + by])) for by in (offset, 0.0))
    assert np.allclose(off.samples, plain.samples, atol=1e-5)
    assert not off.samples[:zeros].any()
    (note,) = off.source.notes
    assert f"{100 * offset:+.1f} %" in note
    a, b = measure(off), measure(plain)
    assert gate(a) == gate(b) == ()
    assert (a.level_dbfs, a.bandwidth_hz) == pytest.approx((b.level_dbfs, b.bandwidth_hz), abs=0.1)


@pytest.mark.parametrize("offset", [0.0, 0.0005])
def test_what_is_nearly_centred_stays_bit_for_bit(offset, long_speech) -> None:
    sound = long_speech - long_speech.mean() + np.float32(offset)
    assert clip_of(sound).samples.tobytes() == sound.tobytes()


def test_nothing_but_an_offset_is_silence() -> None:
    q = measure(clip_of(np.full(2 * SAMPLE_RATE, 0.3)))
    assert codes(gate(q)) == [("silence", "not judged")]


@pytest.mark.parametrize("held, lost", [(300, 300), (160, 1_600), (511, 1), (1, 100)])
def test_sound_in_shreds_is_measured_and_what_lacks_is_said(held, lost, long_speech) -> None:
    """No stretch is as long as a frame of the measurement."""
    x = long_speech.copy()
    starts = range(held, len(x), held + lost)
    gaps = tuple((a / SAMPLE_RATE, min(a + lost, len(x)) / SAMPLE_RATE) for a in starts)
    for a in starts:
        x[a : a + lost] = 0
    clip = Clip(x, replace(clip_of(x).source, missing=gaps))
    q = measure(clip)
    assert q.bandwidth_hz > 0 and q.speech_s <= len(x) / SAMPLE_RATE - clip.source.missing_s() + 0.1
    assert all("missing from the file" in r.text for r in gate(q, clip.source) if lost > held)


def test_what_is_said_of_a_part_names_the_part() -> None:
    clip = clip_of(np.zeros(SAMPLE_RATE))
    track = Track(1, "opus", "", "", 1.0, 48_000, 1, None, True)
    for tracks, channel, what in [
        *((0, None, "The recording"), (1, None, "The recording"), (2, None, "Track 1")),
        *((0, 2, "Channel 2"), (3, 2, "Track 1, channel 2")),
    ]:
        source = replace(clip.source, tracks=(track,) * tracks, channel=channel)
        (reason,) = gate(measure(clip), source)
        assert reason.text.startswith(f"{what} is silent")


def sounds_without_speech() -> dict[str, np.ndarray]:
    t = np.arange(6 * SAMPLE_RATE) / SAMPLE_RATE
    rng = np.random.default_rng(3)
    notes = np.array([262, 294, 330, 349, 392, 440, 494, 523, 494, 440, 392, 349])
    hertz = notes[(t * 2).astype(int)]
    since = t % 0.5
    return {
        "tone of 200 Hz": 0.5 * np.sin(2 * np.pi * 200 * t),
        "tone of 1 kHz": 0.5 * np.sin(2 * np.pi * 1000 * t),
        "sweep": 0.3 * np.sin(2 * np.pi * (100 * t + 300 * t**2)),
        "white noise": 0.1 * rng.normal(size=t.size),
        "faint noise": 0.01 * rng.normal(size=t.size),
        "brown noise": 0.002 * np.cumsum(rng.normal(size=t.size)),
        "clicks": 0.8 * (rng.random(t.size) < 0.001),
        "mains hum": sum(0.1 / k * np.sin(2 * np.pi * 50 * k * t) for k in range(1, 8)),
        "square wave": 0.3 * np.sign(np.sin(2 * np.pi * 150 * t)),
        "dial tones": 0.2
        * (np.sin(2 * np.pi * 697 * t) + np.sin(2 * np.pi * 1209 * t))
        * (t % 0.2 < 0.1),
        "chord": sum(0.1 * np.sin(2 * np.pi * f * t) for f in (261.6, 329.6, 392.0, 523.3)),
        "plucked chords": sum(
            0.1 / k * np.sin(2 * np.pi * f * k * t) * np.exp(-4 * since)
            for f in (261.6, 329.6, 392.0)
            for k in range(1, 5)
        ),
        "melody": sum(
            0.2 / k * np.sin(2 * np.pi * hertz * k * t) * np.exp(-3 * since) for k in range(1, 7)
        ),
    }


@pytest.mark.parametrize("name", list(sounds_without_speech()))
def test_no_verdict_without_speech(name: str) -> None:
    q = measure(clip_of(sounds_without_speech()[name]))
    assert q.speech == ()
    assert q.speech_s == 0
    assert codes(gate(q)) == [("no_speech", "not judged")]


@pytest.mark.parametrize("n", [1, 100, 511, 512, 513, 96_000])
def test_digital_silence(n: int) -> None:
    q = measure(clip_of(np.zeros(n)))
    assert (q.level_dbfs, q.zero_share, q.peak, q.bandwidth_hz) == (None, 1.0, 0.0, 0.0)
    assert codes(gate(q)) == [("silence", "not judged")]


def test_near_silence(long_speech: np.ndarray) -> None:
    whisper = long_speech * 10 ** (-75 / 20)
    assert codes(gate(measure(clip_of(whisper)))) == [("silence", "not judged")]
    dither = np.random.default_rng(1).integers(-1, 2, 96_000) / 32768
    assert codes(gate(measure(clip_of(dither)))) == [("silence", "not judged")]


def test_quiet_speech_is_still_speech(long_speech: np.ndarray) -> None:
    q = measure(clip_of(long_speech * 0.03))
    assert gate(q) == ()
    assert q.speech_s > 6


def test_too_little_speech(speech: np.ndarray) -> None:
    rest = np.zeros(4 * SAMPLE_RATE, np.float32)
    q = measure(clip_of(np.concatenate([speech[:12_000], rest])))
    assert 0.25 < q.speech_s < 1
    (reason,) = gate(q)
    assert (reason.code, reason.effect) == ("too_short", "not judged")
    assert f"{q.speech_s:.1f} s" in reason.text


@pytest.mark.parametrize("rate", [SAMPLE_RATE, 24_000, 44_100])
@pytest.mark.parametrize(
    ("cut_db", "expected"),
    [(0, []), (8, [("clipping", "caution")]), (24, [("clipping", "inconclusive")])],
)
def test_clipping(
    rate: int, cut_db: int, expected: list[tuple[str, str]], long_speech: np.ndarray
) -> None:
    original = soxr.resample(long_speech, SAMPLE_RATE, rate)
    limit = np.abs(original).max() * 10 ** (-cut_db / 20)
    clipped = np.clip(original, -limit, limit)
    share = float((np.abs(clipped) >= limit).mean())
    q = measure(clip_from_samples(clipped, rate, "overdriven"))
    assert codes(gate(q)) == expected
    if cut_db:
        assert share / 3 < q.clipped_share < 3 * share


@pytest.mark.parametrize(
    ("rate", "low", "high", "expected"),
    [
        (12_000, 5_400, 6_200, []),
        (8_000, 3_500, 4_100, [("narrow_band", "caution")]),
        (4_000, 1_700, 2_100, [("low_bandwidth", "inconclusive")]),
    ],
)
def test_bandwidth(
    rate: int, low: int, high: int, expected: list[tuple[str, str]], long_speech: np.ndarray
) -> None:
    narrow = soxr.resample(long_speech, SAMPLE_RATE, rate)
    q = measure(clip_from_samples(narrow, rate, "narrow"))
    assert low < q.bandwidth_hz < high
    assert codes(gate(q)) == expected


def by_ffmpeg(x: np.ndarray) -> np.ndarray:
    mono = {"layout": "mono", "rate": SAMPLE_RATE}
    resampler = av.AudioResampler(format="flt", **mono)
    frame = av.AudioFrame.from_ndarray(x[None], format="flt", layout="mono")
    frame.sample_rate = 8_000
    made = [*resampler.resample(frame), *resampler.resample(None)]
    return np.concatenate([f.to_ndarray()[0] for f in made])


def by_lines(x: np.ndarray) -> np.ndarray:
    return np.interp(np.arange(2 * len(x)) / 2, np.arange(len(x)), x)


RAISED = {
    "ffmpeg": by_ffmpeg,
    "lines": by_lines,
    "held": lambda x: np.repeat(x, 2),
    **{q: lambda x, q=q: soxr.resample(x, 8_000, SAMPLE_RATE, q) for q in ("QQ", "LQ", "HQ")},
}


@pytest.mark.parametrize("how", list(RAISED))
@given(gain=st.floats(0.02, 1.0), late=st.integers(0, 700), apart=st.integers(100, 20_000))
@settings(max_examples=5, deadline=None)
def test_no_way_from_8_khz_makes_a_wide_band(how, gain, late, apart, long_speech) -> None:
    x = soxr.resample(long_speech, SAMPLE_RATE, 8_000)
    x = np.concatenate([np.zeros(late, np.float32), x, np.zeros(apart, np.float32), x])
    raised = np.concatenate([np.zeros(1), gain * RAISED[how](x)])  # by an odd count of samples
    cut = np.delete(raised, len(raised) // 2)
    for sound in (raised, cut):
        assert codes(gate(measure(clip_of(sound)))) == [("narrow_band", "caution")]


@pytest.mark.parametrize("knock", [0.0, 0.9])
def test_what_is_loud_once_takes_no_band_from_speech(knock, long_speech) -> None:
    """One frame that is louder than all others follows its own mirror image."""
    x = long_speech.copy()
    x[60_000] += knock
    muffled = lfilter([0.2], [1, -0.8], x)  # falls by 6 dB an octave
    assert measure(clip_of(x)).bandwidth_hz > 7_000
    assert gate(measure(clip_of(muffled))) == ()


def test_a_whistle_is_no_bandwidth(long_speech: np.ndarray) -> None:
    narrow = soxr.resample(soxr.resample(long_speech, SAMPLE_RATE, 8_000), 8_000, SAMPLE_RATE)
    whistle = 0.02 * np.sin(2 * np.pi * 7000 * np.arange(len(narrow)) / SAMPLE_RATE)
    assert measure(clip_of(narrow + whistle)).bandwidth_hz < NARROW_HZ


def test_reasons_are_sentences_and_not_judged_stands_alone() -> None:
    sound = Quality(5.0, 4.0, ((0.0, 4.0),), -20.0, 1.0, 0.0, 0.0, 8000.0)
    variants = [
        {"level_dbfs": None},
        {"level_dbfs": -71.0},
        {"speech_s": 0.0, "speech": ()},
        {"speech_s": 0.99, "clipped_share": 0.5, "bandwidth_hz": 1000.0},
        {"clipped_share": 0.5, "bandwidth_hz": 1000.0},
        {"clipped_share": 0.05, "bandwidth_hz": 3400.0},
    ]
    seen = []
    for change in variants:
        reasons = gate(Quality(**{**vars(sound), **change}))  # type: ignore[arg-type]
        assert reasons
        for reason in reasons:
            assert reason.text[0].isupper()
            assert reason.text.endswith(".")
            assert reason.effect in ("not judged", "inconclusive", "caution")
        if any(reason.effect == "not judged" for reason in reasons):
            assert len(reasons) == 1
        seen.append([reason.code for reason in reasons])
    assert seen == [
        ["silence"],
        ["silence"],
        ["no_speech"],
        ["too_short"],
        ["clipping", "low_bandwidth"],
        ["clipping", "narrow_band"],
    ]
    assert gate(sound) == ()


# --- spans -----------------------------------------------------------------------------------

probabilities = st.lists(
    st.one_of(st.floats(0, 1, width=32), st.sampled_from([0.0, 0.35, 0.4, 0.5, 0.9])), max_size=120
)


@settings(deadline=None, max_examples=60)
@given(probabilities, st.integers(1, 512))
def test_spans_equal_the_ones_of_the_package_itself(p: list[float], last: int) -> None:
    from silero_vad.utils_vad import get_speech_timestamps_from_probs

    n = max(0, 512 * (len(p) - 1) + last) if p else 0
    array = np.array(p, np.float32)
    theirs = get_speech_timestamps_from_probs(array, audio_length_samples=n)
    assert speech_spans(array, n) == [(span["start"], span["end"]) for span in theirs]


@given(probabilities)
def test_spans_are_in_order_and_apart(p: list[float]) -> None:
    n = 512 * len(p)
    spans = speech_spans(np.array(p, np.float32), n)
    flat = [edge for span in spans for edge in span]
    assert flat == sorted(set(flat))
    assert all(0 <= edge <= n for edge in flat)
    assert all(end - start > MIN_SPEECH_S * SAMPLE_RATE for start, end in spans)


spans_s = st.lists(st.floats(0, 100), max_size=10, unique=True).map(
    lambda edges: list(zip(*[iter(sorted(edges))] * 2, strict=False))
)


@given(spans_s, st.floats(0, 100), st.floats(0, 100), st.floats(0, 100))
def test_speech_in_adds_up(spans: list, a: float, b: float, c: float) -> None:
    a, b, c = sorted((a, b, c))
    both = speech_in(spans, a, b) + speech_in(spans, b, c)
    assert speech_in(spans, a, c) == pytest.approx(both)
    assert 0 <= speech_in(spans, a, c) <= c - a + 1e-9
    whole = sum(end - start for start, end in spans)
    assert speech_in(spans, 0, 100) == pytest.approx(whole)


def test_speech_in_known_answers() -> None:
    spans = ((1.0, 2.0), (3.0, 5.0))
    assert speech_in(spans, 0, 10) == 3
    assert speech_in(spans, 1.5, 4) == 1.5
    assert speech_in(spans, 2, 3) == 0
    assert speech_in((), 0, 4) == 0


# --- the network -----------------------------------------------------------------------------


@pytest.mark.parametrize("block", [1, 7, 100])
def test_blocks_do_not_change_probabilities(
    block: int, speech: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = speech_probabilities(speech)
    assert whole.shape == (-(-len(speech) // 512),)
    monkeypatch.setattr("core.audio.speech._BLOCK_FRAMES", block)
    assert np.allclose(speech_probabilities(speech), whole, atol=1e-5)


def test_many_threads_measure_alike(long_speech: np.ndarray) -> None:
    clip = clip_of(long_speech)
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(measure, [clip] * 16))
    assert all(result == results[0] for result in results)


def test_measuring_imports_no_torch() -> None:
    code = (
        "import sys, numpy as np; from core.audio.decoding import clip_from_samples;"
        "from core.audio.quality import measure, gate;"
        "q = measure(clip_from_samples(np.zeros(32000, 'f4'), 16000, 'x'));"
        "print(gate(q)[0].code, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["silence", "False"]
