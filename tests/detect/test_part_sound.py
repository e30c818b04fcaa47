"""A stretch whose own sound cannot be judged makes no clip synthetic in part, and it is said."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.audio.clip import SAMPLE_RATE
from core.audio.codecs import encode_decode
from core.audio.decoding import decode
from core.detect.calibration import Calibration
from core.detect.detection import IN_PART, Stretch
from core.detect.detector import Detector
from core.detect.outlier import in_words
from core.detect.part_sound import sounding, unjudged
from core.show.clip import words
from tests.detect.test_detector import clip_of, speech_everywhere
from tests.detect.test_finer import small
from tests.detect.test_outlier import DETECTION

START, END = 12.0, 17.0


@pytest.fixture(scope="module")
def host() -> np.ndarray:
    return np.tile(decode(Path(__file__).parents[1] / "data/speech.flac").samples, 11)


def put(host: np.ndarray, how: str) -> np.ndarray:
    """The same, with another sound from 12 to 17 s."""
    made, here = host.copy(), slice(round(START * SAMPLE_RATE), round(END * SAMPLE_RATE))
    if how == "overdriven":
        made[here] = np.clip(host[here], -0.05, 0.05)
    elif how:
        made[here] = encode_decode(host[here], how)
    return made


@pytest.mark.parametrize(
    ("how", "said"),
    [
        *(("", ""), ("g722", ""), ("mp3-32", ""), ("overdriven", "cut flat")),
        *((name, "telephone") for name in ("gsm", "g711-alaw", "8k", "opus-8")),
    ],
)
@given(early=st.floats(-0.4, 0.4), late=st.floats(-0.4, 0.4))
@settings(max_examples=5, deadline=None)
def test_what_a_stretch_sounds_like_is_heard_though_its_ends_are_not_exact(
    how, said, early, late, host
) -> None:
    speech = ((0.0, 14.0), (14.5, len(host) / SAMPLE_RATE))
    given = Stretch(START + early, END + late, 4.0, -3.0, 9.0)
    (heard,) = sounding(clip_of(put(host, how)), [given], speech)
    assert (said in unjudged(heard)) and bool(said) == bool(unjudged(heard))
    words_of_it = in_words(heard, replace(DETECTION, stands_out=(heard,)))
    assert unjudged(heard) in words_of_it and words_of_it.endswith(".")
    assert replace(heard, bandwidth_hz=None, clipped_share=None) == given


@pytest.mark.parametrize("how", ["gsm", "overdriven"])
@pytest.mark.parametrize("start", [START - 0.25, END - 1.25])
def test_a_short_stretch_with_one_end_in_the_rest_is_heard_too(how, start, host) -> None:
    speech = ((0.0, len(host) / SAMPLE_RATE),)
    given = Stretch(start, start + 1.5, 4.0, -3.0, 9.0)
    assert unjudged(sounding(clip_of(put(host, how)), [given], speech)[0])


@example(start=0.0, length=1.0, spoken=0.99999)
@given(start=st.floats(0.0, 29.0), length=st.floats(0.01, 9.0), spoken=st.floats(0.0, 28.0))
@settings(max_examples=60, deadline=None)
def test_any_stretch_has_a_sound(start, length, spoken, host) -> None:
    clip = clip_of(host)
    given = Stretch(start, min(start + length, clip.duration_s), 4.0, -3.0, 9.0)
    (heard,) = sounding(clip, [given], ((spoken, spoken + 1.0),))
    assert 0.0 <= heard.bandwidth_hz <= 8_000.0 and 0.0 <= heard.clipped_share <= 1.0


@pytest.mark.parametrize("how", ["", "gsm", "overdriven"])
def test_it_makes_no_clip_synthetic_in_part(how, host, monkeypatch) -> None:
    speech_everywhere(monkeypatch)
    found = (Stretch(START, END, 4.0, -3.0, 9.0),)
    monkeypatch.setattr(Detector, "stretches_in", lambda self, detection: found)
    made = small()
    made.calibration = Calibration(1.0, -5.0, 12.0, "by hand")
    judged = made.detect(clip_of(put(host, how)))
    assert judged.verdict == ("authentic" if how else IN_PART)
    assert ("not judged by itself" in words.why(judged)) == bool(how)
