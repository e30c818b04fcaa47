"""What a card says of one clip agrees with itself, for every detector, sound and codec."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.audio.clip import Clip
from core.audio.quality import gate
from core.detect.calibration import Calibration
from core.detect.decision import EVEN, Stance
from core.detect.detection import Familiarity, Reason
from core.detect.detector import Decision
from core.detect.stream.snapshot import SOURCE as LIVE
from core.detect.stream.snapshot import LiveWindow, by_channel, decided
from core.show.clip import words
from core.show.theme import VERDICTS
from tests.builders import BAND, SCORES, HandDetector, clip

MAP = Calibration(1.0, 0.0, 6.0, "clips")
CODECS = ("opus", "opus-16", "mp3", "aac", "amr_nb", "pcm_s16le", "flac", "vorbis", LIVE.codec)
CAUTION = Reason(
    "other_precision", "The network ran in X, and its scores were calibrated in Y.", "caution"
)
MEANT = ("was calibrated on", " in 100** clips", "too close to the threshold")
MEANINGLESS = (
    *("no known meaning", "does not decide on such sound", "for which its scores were not"),
    *("**not a chance**", "beyond what can be judged", "give synthetic speech away are missing"),
)
DETECTION = HandDetector(SCORES).detect(clip(9.0))


def said(detection) -> str:
    parts = [VERDICTS[detection.verdict].word, words.headline(detection)]
    parts += [words.explanation(detection), words.limit(detection)]
    parts += [reason.text for reason in detection.reasons]
    if words.familiarity_is_said(detection):
        parts.append(words.familiarity_in_words(detection))
    return " ".join(parts)


@given(
    codec=st.sampled_from(CODECS),
    calibration=st.sampled_from([MAP, None]),
    by_codec=st.sampled_from([{}, {"opus": MAP, "mp3": MAP}]),
    caution=st.sampled_from([None, CAUTION]),
    wide=st.booleans(),
    level=st.sampled_from(["familiar", "edge", "unfamiliar", None]),
    bandwidth=st.sampled_from([8000.0, 3400.0, 2000.0]),
    clipped=st.sampled_from([0.0, 0.05, 0.5]),
    llr=st.floats(-6, 6),
    half=st.none() | st.floats(0, 4),
)
def test_no_two_sentences_contradict_each_other(
    codec, calibration, by_codec, caution, wide, level, bandwidth, clipped, llr, half
):
    detector = HandDetector(SCORES, calibrated=calibration is not None, caution=caution)
    detector.by_codec, detector.decision = by_codec, Decision(BAND, needs_wide_band=wide)
    quality = replace(DETECTION.quality, bandwidth_hz=bandwidth, clipped_share=clipped)
    heard = replace(
        DETECTION,
        calibrated=calibration is not None,
        source=replace(LIVE if codec == LIVE.codec else DETECTION.source, codec=codec),
        quality=quality,
        reasons=gate(quality),
        familiarity=level and Familiarity(1.0, 50.0, level),
        llr=llr,
    )
    detection = detector.with_stance(heard, EVEN)
    detection = decided(detection, None if half is None else (llr - half, llr + half))
    text = said(detection)
    assert ("was calibrated on" in text) <= detection.calibrated
    assert not [(a, b) for a in MEANT for b in MEANINGLESS if a in text and b in text]
    assert ("Likely" in text) == (detection.verdict in ("synthetic", "authentic"))
    assert not ("Likely" in text and ("undecided" in text or "does not decide" in text))
    assert not ("It sounds like the speech" in text and "**not a chance**" in text)
    odd = bandwidth < 4000 or clipped > 0
    assert ("longer or cleaner" in text) <= (not odd and detection.verdict == "inconclusive")
    assert ("wide-band copy" in text) <= (bandwidth == 3400.0)
    codes = [reason.code for reason in detection.reasons]
    assert len(codes) == len(set(codes))
    again, first = (detector.with_stance(d, EVEN) for d in (detection, heard))
    assert again.reasons == first.reasons


@pytest.mark.parametrize(
    ("interval", "verdict"),
    [
        *(((0.5, 3.0), "synthetic"), ((-0.1, 4.0), "inconclusive"), (None, "synthetic")),
        *(((0.0, 4.0), "inconclusive"), ((-4.0, -1.0), "synthetic")),
    ],
)
def test_an_interval_across_the_threshold_decides_nothing(interval, verdict):
    assert decided(DETECTION, interval).verdict == verdict


def windows(*llrs_of_channels):
    return tuple(
        LiveWindow(2.0 * n, 2.0 * n + 4.0, llr, 3.0, True, channel)
        for n, (llr, channel) in enumerate(llrs_of_channels)
    )


@pytest.mark.parametrize(
    ("heard", "contradict"),
    [
        ([(3.0, 1)] * 5 + [(-3.0, 2)] * 3, True),
        ([(-3.0, 1)] * 3 + [(3.0, 2)] * 5, True),
        ([(3.0, 1)] * 5 + [(-3.0, 2)] * 2, False),  # too few windows to say
        ([(3.0, 1)] * 5 + [(1.0, 2)] * 3, False),
        ([(3.0, 1)] * 5 + [(-0.5, 2)] * 3, False),  # within the band
        ([(3.0, None)] * 5 + [(-3.0, None)] * 5, False),
        ([(3.0, 1)] * 5 + [(None, 2)] * 3, False),
    ],
)
def test_channels_that_say_the_opposite_give_no_verdict_together(heard, contradict):
    sides = by_channel(windows(*heard), EVEN, (-1.0, 1.0))
    assert {n for n, _ in sides.values()} <= {2, 3, 5}
    made = decided(DETECTION, None, sides)
    assert (made.verdict == "inconclusive") == contradict
    assert ("in Detect" in words.limit(made)) == contradict
    assert words.withheld(made) == contradict
    if contradict:
        fake = next(channel for llr, channel in heard if llr > 0)
        assert f"Channel {fake} by itself is likely synthetic" in made.reasons[-1].text


def test_the_threshold_of_prior_and_costs_is_what_an_interval_must_not_cross():
    detector = HandDetector(SCORES)
    sure = detector.with_stance(DETECTION, Stance(0.9))  # threshold at -2.2
    assert decided(sure, (-1.0, 5.0)).verdict == "synthetic"
    assert decided(sure, (-3.0, 5.0)).verdict == "inconclusive"
    assert decided(DETECTION, (-1.0, 5.0)).verdict == "inconclusive"


def test_a_live_clip_of_a_detector_with_a_calibration_for_its_codec_says_so_once():
    detector = HandDetector(SCORES, calibration=MAP, by_codec={"opus": MAP})
    made = detector.judge(Clip(clip(9.0).samples, LIVE), _evidence(detector))
    assert [r.code for r in made.reasons] == ["codec_calibration"]
    assert "was calibrated on speech through that codec" in made.reasons[0].text


def _evidence(detector):
    import numpy as np

    from core.detect.detector import Evidence

    return Evidence(
        DETECTION.quality, (), 32_000, [(0, 64_000)], [3.5], [0], np.array([3.0]), np.zeros((1, 2))
    )


@pytest.mark.parametrize(
    ("near", "expected"),
    [
        (("A", "unknown(a folder)", "B"), "the nearest are A, B:"),
        (("unknown(a folder)", "A"), "the nearest is A:"),
        (("unknown(a folder)",), ""),
    ],
)
def test_generators_that_nobody_named_are_not_named(near, expected):
    found = replace(DETECTION, familiarity=Familiarity(1.0, 50.0, "familiar", near))
    text = words.familiarity_in_words(found)
    assert expected in text and "unknown" not in text and ("nearest" in text) == bool(expected)
