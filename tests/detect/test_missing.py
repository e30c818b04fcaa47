"""What the file's clock says and the file lacks: no speech, no score, and marked where it is."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.audio.clip import SAMPLE_RATE, Clip
from core.audio.decoding import decode
from core.audio.quality import _without, gate, measure
from core.detect.detector import Detector
from core.detect.spans import cells
from core.show.clip import charts
from core.show.documents import exports
from core.show.timeline.player import overview_wave, player_data, says
from tests.builders import clip as tone_clip
from tests.detect.test_detector import Level
from tests.show.documents.test_exports import rows

SPEECH = "tests/data/speech.flac"


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    return decode(SPEECH).samples


def with_gaps(sound: np.ndarray, *missing: tuple[float, float], channel=None) -> Clip:
    """A clip that says of some stretches that they are missing, and holds zeros there."""
    samples = sound.copy()
    for a, b in missing:
        samples[round(a * SAMPLE_RATE) : round(b * SAMPLE_RATE)] = 0.0
    source = replace(tone_clip(1.0).source, missing=missing, channel=channel, channels=2,
                     duration_s=len(samples) / SAMPLE_RATE)  # fmt: skip
    return Clip(samples, source)


def detector() -> Detector:
    return Detector("known", "Known", Level(), "0" * 64)


def scored(found) -> list[float]:
    return [w.start_s for w in found.windows if w.llr is not None]


STRETCHES = st.lists(st.integers(0, 60), max_size=12, unique=True).map(
    lambda edges: list(zip(*[iter(sorted(edges))] * 2, strict=False))
)


@given(spans=STRETCHES, gaps=STRETCHES)
def test_spans_without_gaps_are_the_set_difference(spans, gaps):
    def held(stretches):
        return {i for a, b in stretches for i in range(a, b)}

    left = _without(spans, gaps)
    assert held(left) == held(spans) - held(gaps)
    assert left == sorted(left) and all(a < b for a, b in left)


@given(gaps=STRETCHES, start=st.integers(0, 60), length=st.integers(0, 60))
def test_missing_seconds_are_counted_once(gaps, start, length):
    source = replace(tone_clip(0.1).source, missing=tuple((float(a), float(b)) for a, b in gaps))
    inside = {i for a, b in gaps for i in range(a, b)} & set(range(start, start + length))
    assert source.missing_s(start, start + length) == len(inside)


def test_what_is_missing_is_no_speech_and_no_silence(speech):
    sound = np.tile(speech, 8)
    whole, part = measure(with_gaps(sound)), measure(with_gaps(sound, (4.0, 16.0)))
    assert not any(a < 16.0 and b > 4.0 for a, b in part.speech)
    assert part.level_dbfs == pytest.approx(whole.level_dbfs, abs=1.0)
    assert part.zero_share == pytest.approx(whole.zero_share, abs=0.02)


@pytest.mark.parametrize(
    ("gap", "left_out"),
    [
        ((0.0, 5.0), {0.0, 2.0}),  # a late start
        ((8.0, 14.0), {6.0, 8.0, 10.0, 12.0}),  # lost packets; 6 to 10 and 12 to 16 lack a half
        ((10.0, 11.0), set()),  # a short one
    ],
)
def test_a_window_that_lacks_half_of_its_sound_has_no_score(speech, gap, left_out):
    sound = np.tile(speech, 8)
    every = scored(detector().detect(with_gaps(sound)))
    found = detector().detect(with_gaps(sound, gap))
    assert set(every) - set(scored(found)) == left_out
    kinds = {c.heard_from_s: c.kind for c in cells(found)}
    assert {start for start, kind in kinds.items() if kind == "missing"} == left_out


def test_a_file_that_lacks_most_is_judged_on_what_is_there_and_says_so(speech):
    sound = np.tile(speech, 8)
    islands = tuple((a, a + 2.2) for a in np.arange(1.5, 18.0, 4.0))
    assert scored(detector().detect(with_gaps(sound, *islands)))
    found = detector().detect(with_gaps(sound, (3.0, len(sound) / SAMPLE_RATE)))
    assert scored(found) == [0.0]
    assert [r.code for r in found.reasons][:1] == ["missing"]


def test_silence_and_no_speech_are_said_of_a_channel_only(speech):
    silent = with_gaps(np.zeros(80_000, np.float32), channel=2)
    noise = np.random.default_rng(0).normal(0, 0.05, 80_000).astype(np.float32)
    for made, said in (
        (silent, "Channel 2 is silent"),
        (with_gaps(noise, channel=1), "No speech was found in channel 1."),
    ):
        (reason,) = gate(measure(made), made.source)
        assert reason.effect == "not judged" and said in reason.text
        assert "recording" not in reason.text
        (reason,) = gate(measure(made), replace(made.source, channel=None))
        assert "recording" in reason.text


def test_the_chart_outlines_it_and_only_then_names_it(speech):
    sound = np.tile(speech, 8)
    gap = (8.0, 14.0)
    found = detector().detect(with_gaps(sound, gap))
    made = charts.window_timeline(found).to_dict()
    drawn = [row for part in made["datasets"].values() for row in part if "middle" in row]
    assert drawn == [{"start": 8.0, "end": 14.0, "middle": 11.0}]
    assert "missing\u00a0from\u00a0the\u00a0file" in charts.legend(found)
    plain = detector().detect(with_gaps(sound))
    assert charts.legend(plain) == charts.LEGEND
    assert len(charts.window_timeline(plain).to_dict()["layer"]) == len(made["layer"]) - 2


def test_stretches_too_close_to_tell_apart_are_drawn_as_one(speech):
    lost = tuple((a, a + 0.01) for a in np.arange(1.0, 9.0, 0.02).tolist())
    found = detector().detect(with_gaps(np.tile(speech, 4), *lost))
    made = charts.window_timeline(found).to_dict()
    assert sum("middle" in row for part in made["datasets"].values() for row in part) == 1


def test_the_player_hatches_it_and_says_so(speech):
    made = with_gaps(np.tile(speech, 8), (8.0, 14.0), (14.01, 15.0))
    line = cells(detector().detect(made))
    data = player_data(made, overview_wave(made), line, [], (0.0, 10.0), (0, 0.5, 1), "", "")
    assert data["missing"] == data["whole"]["missing"] == [{"start": 8.0, "end": 15.0}]
    assert says(next(c for c in line if c.kind == "missing")) == "missing from the file"
    later = player_data(made, overview_wave(made), line, [], (16.0, 20.0), (0, 0.5, 1), "", "")
    assert later["missing"] == []


def test_downloads_of_two_channels_have_two_names():
    assert exports.safe_stem("a call.wav", "track 2, channel 1") == "a_call-track-2-channel-1"
    assert exports.safe_stem("call.wav") == "call"


def test_tables_carry_track_channel_and_what_is_missing(speech):
    found = detector().detect(with_gaps(np.tile(speech, 4), (3.0, 7.0), channel=2))
    windows = rows(exports.windows_csv(found))
    assert [(r["track"], r["channel"], r["missing_s"]) for r in windows][:3] == [
        ("1", "2", "1.0"), ("1", "2", "3.0"), ("1", "2", "3.0"),
    ]  # fmt: skip
    (clip,) = rows(exports.clips_csv([found]))
    assert (clip["track"], clip["channel"], clip["missing_s"]) == ("1", "2", "4.0")
