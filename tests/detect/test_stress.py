"""The stress test counts what becomes of a verdict; its sounds are those of the conditions."""

import json
from dataclasses import replace

import numpy as np
import pytest

from core.audio import codecs
from core.audio.clip import SAMPLE_RATE
from core.audio.decoding import clip_from_samples, decode
from core.detect.decision import EVEN, Stance
from core.detect.detection import Reason
from core.detect.stress import CONDITIONS, SCHEMA, StressTest, stress
from tests.audio.conftest import SPEECH
from tests.builders import FINDING, HandDetector, clip


class Scripted(HandDetector):
    """Gives the clip's own score first and then one per condition; None is no speech at all."""

    def __init__(self, *llrs, reasons=()):
        super().__init__({})
        self.llrs = list(llrs)
        self.heard = []
        self.against = dict(reasons)

    def detect(self, clip, *, stance=EVEN, hop_s=None, progress=None, find=True):
        self.heard.append(clip)
        llr = self.llrs[min(len(self.heard), len(self.llrs)) - 1]
        self.scores = {round_hertz: [llr] for round_hertz in np.arange(0.0, 8_010.0, 10.0)}
        found = super().detect(clip, stance=stance)
        extra = self.against.get(len(self.heard))
        if extra is not None:
            found = self.with_stance(replace(found, reasons=(extra,)), stance)
        return found


THREE = ["gain-20", "gain+6", "speed-1.1"]
NARROW = Reason("low_bandwidth", "The upper band is missing.", "inconclusive")


def test_every_condition_of_the_list_is_there():
    assert set(codecs.CODECS) < set(CONDITIONS)
    assert set(CONDITIONS) - set(codecs.CODECS) == {
        *("noise-30", "noise-20", "noise-10", "room", "speed-0.9", "speed-1.1"),
        *("gain-20", "gain+6"),
    }
    assert all(id == c.id and c.label for id, c in CONDITIONS.items())


def test_no_condition_pays_for_stretches_that_nobody_is_told_of(monkeypatch):
    asked = []
    monkeypatch.setattr(
        HandDetector,
        "detect",
        lambda self, clip, *, find=True, _heard=HandDetector.detect, **options: (
            asked.append(find) or _heard(self, clip, **options)
        ),
    )
    stress(HandDetector({220.0: [3.0]}), clip(), EVEN, ["gain-20", "gain+6"])
    assert asked == [True, False, False]  # the clip itself may be synthetic in part


def test_holds_undecided_and_turns_are_told_apart():
    found = stress(Scripted(3.0, 2.0, 0.4, -2.0), clip(), EVEN, THREE)
    assert [row.outcome for row in found.rows] == ["holds", "undecided", "turns"]
    assert [row.outcome == "holds" for row in found.rows] == [True, False, False]
    assert [row.verdict for row in found.rows] == ["synthetic", "inconclusive", "authentic"]
    assert [row.llr for row in found.rows] == [2.0, 0.4, -2.0]
    assert [found.count(o) for o in ("holds", "undecided", "turns")] == [1, 1, 1]
    assert found.summary() == (
        "The verdict holds under 1 of 3 conditions; under 1 it becomes inconclusive; under 1 it "
        "turns into the opposite."
    )


class Parted(HandDetector):
    """Hears what it is given, one list of scores a window after the other."""

    def __init__(self, *heard):
        super().__init__({}, finding=FINDING)
        self.heard = list(heard)

    def detect(self, clip, **options):
        now = self.heard.pop(0)
        self.scores = {hertz: now for hertz in np.arange(0.0, 8_010.0, 10.0)}
        return super().detect(clip, **options)


def test_a_verdict_on_a_part_is_tested_around_it_and_holds_where_that_part_is_called_so():
    def part(at: int) -> list[float]:
        return [*[-3.0] * at, 4.0, 4.0, *[-3.0] * (31 - at)]

    detector = Parted(part(26), part(7), part(7), part(2), [3.0], [-3.0], [0.0])
    conditions = ["gain-20", "gain+6", "speed-1.1", "speed-0.9", "room"]
    found = stress(detector, clip(66.0), EVEN, conditions)
    assert (found.verdict, found.decided) == ("synthetic in part", True)
    assert found.from_s <= 52.0 and found.to_s >= 56.0  # not where most is spoken: in the middle
    rows = [(row.verdict, row.outcome) for row in found.rows]
    assert rows[:2] == [("synthetic in part", "holds"), ("synthetic in part", "turns")]
    assert rows[2:] == [
        ("synthetic", "turns"),
        ("authentic", "turns"),
        ("inconclusive", "undecided"),
    ]
    assert "under 3 it becomes another" in found.summary()
    assert StressTest.from_dict(json.loads(json.dumps(found.to_dict()))) == found


def test_a_part_is_the_same_at_another_speed_though_it_lies_elsewhere():
    late = [*[-3.0] * 13, 4.0, -3.0]  # 26.2 to 28.2 s of 30
    sooner = [*[-3.0] * 12, 4.0, -3.0]  # 24.2 to 26.2 s of 27.3
    elsewhere = [*[-3.0] * 8, 4.0, *[-3.0] * 6]
    detector = Parted(late, sooner, elsewhere)
    found = stress(detector, clip(30.0), EVEN, ["speed-1.1", "speed-1.1"])
    assert [row.outcome for row in found.rows] == ["holds", "turns"]


def test_a_verdict_that_always_holds():
    found = stress(Scripted(-3.0, -2.0), clip(), EVEN, THREE)
    assert found.summary() == "The verdict holds under all 3 conditions."
    assert {row.outcome for row in found.rows} == {"holds"}


def test_what_can_no_longer_be_judged_is_lost_and_said():
    found = stress(Scripted(3.0, 2.0, None), clip(), EVEN, THREE)
    assert [row.outcome for row in found.rows] == ["holds", "undecided", "undecided"]
    assert found.rows[1].note.startswith("No speech was found in this recording.")
    assert found.rows[1].llr is None
    assert "under 2 it becomes inconclusive or nothing can be judged." in found.summary()


def test_a_withheld_verdict_is_undecided_whatever_the_score_and_gives_its_reason():
    found = stress(Scripted(3.0, 5.0, reasons={2: NARROW}), clip(), EVEN, THREE)
    assert [row.outcome for row in found.rows] == ["undecided", "holds", "holds"]
    assert found.rows[0].note == NARROW.text
    assert found.rows[0].llr == 5.0


def test_an_inconclusive_clip_has_no_verdict_to_hold():
    found = stress(Scripted(0.2, 2.0, -2.0, -3.0), clip(), EVEN, THREE)
    assert not found.decided
    assert {row.outcome for row in found.rows} == {None}
    assert found.summary() == (
        "The clip is inconclusive as it is, so it has no verdict to hold. Under 3 conditions it is "
        "called synthetic once and authentic twice."
    )


def test_a_clip_that_is_not_judged_is_not_tested():
    detector = Scripted(None)
    found = stress(detector, clip(), EVEN)
    assert found.rows == ()
    assert len(detector.heard) == 1
    assert found.summary() == "The clip was not judged, so there is no verdict to test."


def test_what_cannot_be_encoded_here_says_why_and_is_not_counted(monkeypatch):
    missing = {**codecs.available(), "opus-8": "The installed FFmpeg cannot encode it."}
    monkeypatch.setattr(codecs, "available", lambda: missing)
    detector = Scripted(3.0)
    found = stress(detector, clip(), EVEN, ["8k", "opus-8"])
    assert found.rows[1].reason == missing["opus-8"]
    assert (found.rows[1].verdict, found.rows[1].llr, found.rows[1].outcome) == (None, None, None)
    assert len(found.tested) == 1
    assert len(detector.heard) == 2
    assert found.summary() == (
        "The verdict holds under all 1 condition. 1 more could not be tested here."
    )


def test_the_prior_decides_as_it_does_for_the_clip():
    found = stress(Scripted(3.0, 3.0, 0.5, 3.0), clip(), Stance(0.2), THREE)
    assert found.verdict == "synthetic"
    assert [row.outcome for row in found.rows] == ["holds", "undecided", "holds"]  # ln 4 = 1.39
    own = Scripted(3.0).detect(clip())
    assert stress(Scripted(3.0), clip(), Stance(0.01), THREE, detection=own).verdict == "authentic"


def test_the_costs_move_the_threshold_of_the_clip_and_of_every_condition():
    scores = (3.0, 3.0, 1.0, -3.0)
    dear = Stance(cost_false_accusation=9.0)  # threshold: ln 9 = 2.2
    found = stress(Scripted(*scores), clip(), dear, THREE)
    assert found.stance.threshold == pytest.approx(np.log(9))
    assert [row.verdict for row in found.rows] == ["inconclusive", "authentic", "authentic"]
    assert found.verdict == "inconclusive"  # 3.0 lies within 1 of the threshold
    own = Scripted(5.0).detect(clip())
    found = stress(Scripted(*scores[1:]), clip(), dear, THREE, detection=own)
    assert [row.outcome for row in found.rows] == ["undecided", "turns", "turns"]


def test_the_clips_own_detection_is_not_made_again():
    detector = Scripted(1.5)
    own = Scripted(3.0).detect(clip())
    found = stress(detector, clip(), EVEN, THREE, detection=own)
    assert found.llr == 3.0
    assert len(detector.heard) == 3


def test_of_a_long_clip_the_stretch_with_the_most_speech_is_compared_with_itself(monkeypatch):
    monkeypatch.setattr("core.detect.stress.run.LONGEST_S", 6.0)
    detector = Scripted(3.0, -2.0, -2.5)
    own = detector.detect(clip(20.0))
    own = replace(own, quality=replace(own.quality, speech=((0.0, 1.0), (9.0, 15.5))))
    found = stress(detector, clip(20.0), EVEN, THREE, detection=own)
    assert not found.whole
    assert (found.from_s, found.to_s) == (10.0, 16.0)
    assert found.llr == -2.0  # the stretch's own score, not the clip's
    assert detector.heard[1].duration_s == 6.0
    assert detector.heard[2].duration_s == 6.0
    assert detector.heard[-1].duration_s == pytest.approx(6.0 / 1.1, abs=0.001)


def test_progress_names_every_condition_and_may_stop_the_test():
    calls = []
    stress(Scripted(3.0), clip(), EVEN, THREE, progress=lambda *call: calls.append(call))
    assert calls == [
        *((i, 3, CONDITIONS[name].label) for i, name in enumerate(THREE)),
        (3, 3, ""),
    ]

    class Stopped(Exception):
        pass

    def stop(done, total, label):
        if done == 1:
            raise Stopped

    detector = Scripted(3.0)
    with pytest.raises(Stopped):
        stress(detector, clip(), EVEN, THREE, progress=stop)
    assert len(detector.heard) == 2


def test_what_went_through_a_codec_says_so_and_nothing_else_does():
    detector = Scripted(3.0)
    stress(detector, clip(), EVEN, ["opus-16", "gain-20"])
    assert [heard.source.codec for heard in detector.heard] == ["pcm_s16le", "opus-16", "pcm_s16le"]
    assert len({heard.source.sha256 for heard in detector.heard}) == 3


def test_the_slot_is_taken_for_each_listening_and_given_back():
    log = []

    class Slot:
        def __enter__(self):
            log.append("in")

        def __exit__(self, *error):
            log.append("out")

    stress(Scripted(3.0), clip(), EVEN, THREE, slot=Slot())
    assert log == ["in", "out"] * 4


def test_unknown_conditions_are_refused():
    with pytest.raises(ValueError, match="no condition 'teleport'"):
        stress(Scripted(3.0), clip(), EVEN, ["teleport"])


def test_a_stress_test_survives_json():
    found = stress(Scripted(3.0, 2.0, None), clip(), EVEN, ["8k", *THREE])
    data = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert data["schema"] == SCHEMA
    assert StressTest.from_dict(data) == found


@pytest.mark.parametrize("data", [{}, [], {"schema": "x"}, {"schema": SCHEMA, "rows": []}])
def test_damaged_stress_tests_are_refused(data):
    with pytest.raises(ValueError, match="saved stress test"):
        StressTest.from_dict(data)


# --- the sounds themselves -------------------------------------------------------------------

VOICE = decode(SPEECH).samples
LEVEL = float(np.sqrt(np.mean(VOICE[6_400:32_000] ** 2)))
WORKING = [name for name in CONDITIONS if codecs.available().get(name) is None]


@pytest.mark.parametrize("name", WORKING)
def test_conditions_change_the_sound_the_same_way_each_time(name):
    one, note = CONDITIONS[name].change(VOICE, LEVEL)
    again, _ = CONDITIONS[name].change(VOICE, LEVEL)
    assert np.array_equal(one, again)
    assert one.dtype == np.float32
    assert np.abs(one).max() <= 1.0
    factor = {"speed-0.9": 0.9, "speed-1.1": 1.1}.get(name, 1.0)
    assert len(one) == pytest.approx(len(VOICE) / factor, abs=1)
    if factor == 1.0:
        assert np.abs(one - VOICE).max() > 1e-3
    assert isinstance(note, str)


@pytest.mark.parametrize("snr_db", [30, 20, 10])
def test_noise_conditions_have_the_ratio_they_are_named_for(snr_db):
    noisy, _ = CONDITIONS[f"noise-{snr_db}"].change(0.2 * VOICE, 0.2 * LEVEL)
    noise = noisy.astype(np.float64) - 0.2 * VOICE
    assert 20 * np.log10(0.2 * LEVEL / np.sqrt(np.mean(noise**2))) == pytest.approx(snr_db, abs=0.1)


def test_loud_speech_is_cut_by_more_gain_and_that_is_said():
    loud = VOICE / np.abs(VOICE).max()
    changed, note = CONDITIONS["gain+6"].change(loud, 1.0)
    cut = float(np.mean(np.abs(loud) > 10 ** (-6 / 20)))
    assert note == f"{100 * cut:.2g} % of the samples were cut flat."
    assert np.abs(changed).max() == 1.0
    assert CONDITIONS["gain+6"].change(0.3 * loud, 1.0)[1] == ""


def test_the_embedded_detector_is_tested_twice_alike():
    from core.detect.registry import load_detector

    detector = load_detector()
    voice = clip_from_samples(VOICE, SAMPLE_RATE, "voice.flac")
    some = ["g711-alaw", "noise-10", "room"]
    one, two = (stress(detector, voice, EVEN, some) for _ in range(2))
    assert one.rows == two.rows
    assert one.llr == detector.detect(voice).llr
    assert len({row.llr for row in one.rows} | {one.llr}) == 4


def test_a_chosen_span_is_tested_and_nothing_outside_the_clip():
    detector = HandDetector({220.0: [3.0]})
    test = stress(detector, clip(40.0), Stance(), ["g711-mulaw"], span=(12.0, 20.0))
    assert (test.from_s, test.to_s, test.whole) == (12.0, 20.0, False)
    long = stress(detector, clip(80.0), Stance(), ["g711-mulaw"], span=(10.0, 70.0))
    assert long.from_s >= 10.0 and long.to_s == long.from_s + 30.0 <= 70.0
    assert long.asked == (10.0, 70.0) and StressTest.from_dict(long.to_dict()) == long
    for span in ((5.0, 5.5), (9.0, 3.0), (-1.0, 5.0), (30.0, 50.0), (0.0, float("nan"))):
        with pytest.raises(ValueError, match="no part that can be tested"):
            stress(detector, clip(40.0), Stance(), ["g711-mulaw"], span=span)


def test_a_summary_does_not_take_a_part_for_the_clip():
    detector = HandDetector({440.0: [0.2]})
    part = stress(detector, clip(9.0, hertz=440.0), Stance(), ["gain-20"], span=(1.0, 6.0))
    assert part.summary().startswith("The tested part is inconclusive as it is")
    whole = stress(detector, clip(9.0, hertz=440.0), Stance(), ["gain-20"])
    assert whole.summary().startswith("The clip is inconclusive as it is")
