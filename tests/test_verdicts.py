"""Every verdict that exists, through everything that says something of one."""

import io
import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import get_args

import pandas as pd
import pytest

from core.api.description import document
from core.cli import detect as cli
from core.detect.agreement import ORDER, WORDS, agreement
from core.detect.decision import EVEN, Stance
from core.detect.detection import IN_PART, Detection, Reason, Verdict
from core.detect.saved import SavedError, comparison, open_saved
from core.detect.stress import StressRow
from core.show.clip import words
from core.show.detect import table
from core.show.documents import exports
from core.show.evidence.case import Case
from core.show.evidence.report import evidence_html, evidence_pdf
from core.show.figures.track_record import in_part_rate
from core.show.opinions import view as opinions
from core.show.session.clips import Entry
from core.show.stress import charts
from core.show.theme import VERDICTS
from tests.builders import BAND, FINDING, SCORES, HandDetector, calibration, clip

EVERY = get_args(Verdict)
HERTZ = dict(zip(EVERY, (220.0, 770.0, 330.0, 440.0, 550.0), strict=True))
DETECTOR = HandDetector({**SCORES, 220.0: [3.0]}, finding=FINDING)


@cache
def judged(verdict: str) -> Detection:
    """A clip with that verdict."""
    return DETECTOR.detect(clip(66.0, f"{verdict}.wav", HERTZ[verdict]))


@pytest.fixture(params=EVERY)
def made(request) -> Detection:
    found = judged(request.param)
    assert found.verdict == request.param
    return found


def test_no_two_verdicts_look_or_read_alike():
    assert list(VERDICTS) == list(ORDER) == list(WORDS) == list(EVERY)
    for of in ("word", "icon", "mark"):
        assert len({getattr(style, of) for style in VERDICTS.values()}) == len(EVERY)


def test_every_page_report_and_table_has_words_for_it(made):
    word = VERDICTS[made.verdict].word
    assert words.verdict(made).startswith(word)
    assert words.headline(made).endswith(".") and words.limit(made).endswith(".")
    assert words.difficulty(made) and (made.llr is None or words.probability_bars(made))
    assert bool(words.explanation(made)) == (made.llr is not None)
    page = evidence_html([Case(made, BAND)]).decode()
    assert words.verdict(made) in page and words.limit(made).split(".")[0] in page
    assert evidence_pdf([Case(made, BAND)]).startswith(b"%PDF")
    assert (
        word in opinions._chip("x", made, "") and word in opinions._row("embedded", made)["Verdict"]
    )
    entry = Entry(made.source.name, made.source.sha256, "upload")
    assert word in table._table([(entry, made)])["Verdict"].item()
    assert agreement({"a": made, "b": made}, {}).headline.endswith(f"{WORDS[made.verdict]}.")


def test_every_export_says_it_and_a_saved_file_opens_again(made):
    out = io.StringIO()
    cli.write_table([(Path("a.wav"), made), (Path("b.wav"), judged("synthetic"))], out)
    header, line = out.getvalue().splitlines()[:2]
    at = header.index("verdict")
    assert line[at:].startswith(made.verdict)
    assert header.index("P(synthetic)") >= at + len(made.verdict)
    out = io.StringIO()
    cli.write_csv([(Path("a.wav"), made)], out)
    for text in (out.getvalue(), exports.clips_csv([made])):
        assert pd.read_csv(io.StringIO(text))["verdict"].item() == made.verdict
    (again,) = open_saved(exports.detection_json(made).encode(), lambda id: DETECTOR)
    assert again.detection == made and not again.doubts


def test_a_stress_test_draws_it(made):
    row = StressRow("room", "Room", "room", None, made.llr, None, made.verdict, None, "")
    assert VERDICTS[made.verdict].word.lower() in charts.happens(row)


def test_the_api_names_all_of_them():
    answer = document("/api/v1")["paths"]["/detect"]["post"]["responses"]["200"]
    items = answer["content"]["application/json"]["schema"]["items"]
    assert items["properties"]["verdict"]["enum"] == list(EVERY)


def test_a_part_is_named_and_no_chance_is_given_of_it():
    made = judged(IN_PART)
    assert words.verdict(made) == "Likely synthetic in part: 30.2 to 34.2 s"
    assert words.headline(made) == (
        "The clip as a whole scores like a human voice, but 30.2 to 34.2 s scores like "
        "machine-made speech."
    )
    assert not made.gives_chance and words.chance(made) == ""
    assert "not a chance" in words.explanation(made)
    assert "of the clip as a whole" in words.probability_bars(made)
    held = json.loads(exports.detection_json(made))
    assert held["stands_out"][0]["called_synthetic"] is True
    assert 0 < held["p_spoof"] < 0.5  # of the clip as a whole, as docs/api.md says


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (("verdict",), "authentic"),
        (("stands_out", 0, "called_synthetic"), False),
        (("stands_out", 0, "called_synthetic"), 1),
        (("stands_out", 0, "bandwidth_hz"), 3_900.0),
        (("stands_out", 0, "bandwidth_hz"), None),
        (("stands_out", 0, "clipped_share"), 0.3),
        (("stands_out", 0, "clipped_share"), 2),
        (("trace",), None),
        (("calibrated",), False),
        (("schema",), "spoofscope.detection/2"),
    ],
)
def test_a_saved_file_that_says_otherwise_is_refused(field, value):
    data = judged(IN_PART).to_dict()
    *way, last = field
    place = data
    for key in way:
        place = place[key]
    place[last] = value
    with pytest.raises(SavedError, match="damaged"):
        open_saved(json.dumps(data).encode(), lambda id: DETECTOR)


def test_a_file_from_before_opens_and_is_doubted_where_it_would_be_one_today():
    data = judged(IN_PART).to_dict()
    del data["check"], data["stands_out"][0]["called_synthetic"]
    data |= {"schema": "spoofscope.detection/2", "verdict": "authentic"}
    (old,) = open_saved(json.dumps(data).encode(), lambda id: DETECTOR)
    assert old.detection.verdict == "authentic"
    assert "by its stretches this version would call it synthetic in part" in old.doubts
    (unknown,) = open_saved(json.dumps(data).encode())
    assert unknown.detection.verdict == "authentic"


@pytest.mark.parametrize(
    ("prior", "costs", "verdict"),
    [(0.5, (1, 1), IN_PART), (0.03, (1, 1), "authentic"), (0.5, (1, 100), "authentic"),
     (0.9, (1, 1), IN_PART), (0.98, (1, 1), "synthetic")],
)  # fmt: skip
def test_it_follows_from_prior_and_costs_as_that_of_a_clip_does(prior, costs, verdict):
    made = DETECTOR.with_stance(judged(IN_PART), Stance(prior, *costs))
    assert made.verdict == verdict and bool(made.parts) == (verdict == IN_PART)
    assert DETECTOR.with_stance(made, EVEN) == judged(IN_PART)


@pytest.mark.parametrize(
    ("rest", "part", "stance"),
    [(-4.5, -0.5, Stance(0.95)), (-4.5, -0.5, Stance(0.5, 20, 1)), (1.2, 5.5, Stance(0.5, 1, 20))],
)
def test_what_only_prior_or_costs_say_is_not_laid_on_the_sound(rest, part, stance):
    scores = {770.0: [*[rest] * 15, part, part, *[rest] * 15]}
    made = HandDetector(scores, finding=FINDING).detect(clip(66.0, hertz=770.0), stance=stance)
    assert made.verdict == IN_PART
    assert words.headline(made) == (
        "With the prior and the costs you set, treat 30.2 to 34.2 s as machine-made, and the clip "
        "as a whole as human."
    )


def test_nothing_else_earns_it():
    heard = clip(66.0, hertz=770.0)
    assert HandDetector(SCORES).detect(heard).verdict == "authentic"  # no rule for short windows
    assert DETECTOR.detect(heard, find=False).verdict == "authentic"
    tuned = HandDetector(SCORES, finding=FINDING)
    tuned.own_calibration = calibration()
    assert tuned.detect(heard).verdict == "authentic"
    sent = replace(heard, source=replace(heard.source, codec="opus"))
    shifted = HandDetector(SCORES, finding=FINDING)
    assert shifted.detect(sent).verdict == IN_PART
    shifted.by_codec = {"opus": replace(shifted.calibration)}  # the rule was fitted under another
    assert shifted.detect(sent).verdict == "authentic" and shifted.detect(sent).stands_out
    narrow = replace(judged(IN_PART), reasons=(Reason("low_bandwidth", "x", "inconclusive"),))
    assert DETECTOR.with_stance(narrow, EVEN).verdict == "inconclusive"
    downward = HandDetector({770.0: [*[4.0] * 15, -3.0, -3.0, *[4.0] * 15]}, finding=FINDING)
    assert downward.detect(heard).verdict == "synthetic" and downward.detect(heard).stands_out
    faint = HandDetector({770.0: [*[-3.5] * 15, 0.5, 0.5, *[-3.5] * 15]}, finding=FINDING)
    assert faint.detect(heard).stands_out[0].llr == pytest.approx(0.5)  # within the band
    assert faint.detect(heard).verdict == "authentic"


def test_a_clip_near_the_threshold_is_one_too_and_keeps_its_reason():
    near = HandDetector({770.0: [*[0.0] * 15, 6.0, 6.0, *[0.0] * 15]}, finding=FINDING)
    made = near.detect(clip(66.0, hertz=770.0))
    assert (made.verdict, made.whole) == (IN_PART, "inconclusive")
    assert [r.code for r in made.reasons] == ["near_threshold"]
    assert words.headline(made).startswith("The clip as a whole does not decide")
    (again,) = open_saved(exports.detection_json(made).encode(), lambda id: near)
    assert again.detection == made and not again.doubts


def test_how_often_it_is_right_comes_from_the_table_or_is_not_said():
    row = {"system": "embedded", "breakdown": "in_part", "n_bonafide": 37, "n_spoof": 0,
           "condition": "whole human clips of 30 to 120 s", "value": 2.7}  # fmt: skip
    part = row | {"n_bonafide": 0, "n_spoof": 32, "value": 62.5,
                  "condition": "with 4 s of synthetic speech in them"}  # fmt: skip
    longer = part | {"condition": "with 8 s of synthetic speech in them", "value": 75.0}
    other = row | {"condition": "with 8 s of another human speaker in them", "n_bonafide": 31}
    said = in_part_rate(pd.DataFrame([row, part, longer, other]), "embedded")
    assert said == (
        "How often this verdict finds a part, measured with this detector: where synthetic speech "
        "was set into human clips of 30 to 120 s, it named it in 75 % of 32 with 8 s of it, 62 % "
        "of 32 with 4 s of it. Without any, it was given to 3 % of 37 whole human clips of 30 to "
        "120 s, and to 3 % of 31 human clips with 8 s of another human speaker in them."
    )
    other_breakdown = pd.DataFrame([row | {"breakdown": "stands_out"}])
    for figures in (None, other_breakdown, pd.DataFrame([row])):
        assert in_part_rate(figures, "embedded") == ""
    assert in_part_rate(pd.DataFrame([row, part]), "embedded-fp32") == ""


def test_detectors_of_which_one_finds_a_part_do_not_contradict_each_other():
    found = agreement({"a": judged(IN_PART), "b": judged("authentic")}, {})
    assert found.headline == "1 of 2: likely synthetic in part; 1 of 2: likely authentic."
    assert not found.contradict and "rules none out" in found.meaning
    assert DETECTOR.with_stance(judged(IN_PART), EVEN) == judged(IN_PART)


def test_detectors_that_find_different_parts_confirm_nothing():
    other = HandDetector({770.0: [*[-3.0] * 25, 4.0, 4.0, *[-3.0] * 5]}, finding=FINDING)
    late = other.detect(clip(66.0, hertz=770.0))
    assert late.verdict == IN_PART
    assert "none confirms another" in agreement({"a": judged(IN_PART), "b": late}, {}).meaning
    assert "share their errors" in agreement({"a": late, "b": late}, {}).meaning
    mixed = agreement({"a": judged("synthetic"), "b": late}, {})
    assert "how much of it is synthetic" in mixed.meaning


def test_shorter_windows_are_held_against_the_clip_too():
    """They tell what stands out without a verdict, as a voice that was cut in does."""
    made = judged(IN_PART)
    assert made.trace is not None
    llrs = tuple(None if llr is None else llr + 1.0 for llr in made.trace.llrs)
    said = comparison(replace(made, trace=replace(made.trace, llrs=llrs)), made)
    assert "does not agree" in said and "shorter windows" in said


def test_a_file_that_names_another_part_than_its_clip_does_not_agree():
    made = judged(IN_PART)
    assert "the result agrees" in comparison(made, made)
    (part,) = made.stands_out
    moved = replace(made, stands_out=(replace(part, start_s=50.0, end_s=54.0),))
    said = comparison(moved, made)
    assert "does not agree" in said
    assert "what it calls synthetic (50.0 to 54.0 s, here 30.2 to 34.2 s)" in said
