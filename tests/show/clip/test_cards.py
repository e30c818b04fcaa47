"""The words around a number are right for the number."""

import json
import re
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.audio.quality import Reason
from core.detect import registry
from core.detect.calibration import posterior
from core.detect.decision import Stance
from core.detect.detection import UNDECIDED, Stretch
from core.detect.detector import DetectorError
from core.detect.registry import fetching
from core.show import serve
from core.show.clip import charts, words
from core.show.clip.charts import percent
from core.show.documents.chart import make_spec
from core.show.evidence.case import Case
from core.show.evidence.report import evidence_html
from core.show.markdown import for_visitors, plain
from tests.builders import SCORES, HandDetector, clip

DIRECTIONS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def test_a_visitor_is_not_told_the_folders_of_the_server():
    entry = registry.ENTRIES["aasist"]
    said = for_visitors(DetectorError(fetching._put_in_place(entry)))
    assert str(registry.models_home()) not in said
    assert "not on this machine" in said and "the server's folder of models" in said


def test_nothing_asks_an_outside_host_for_the_public_address(monkeypatch):
    from streamlit import net_util

    monkeypatch.setattr(net_util, "get_external_ip", lambda: 1 / 0)
    serve.disable_external_ip_lookup()
    assert net_util.get_external_ip() is None


@given(text=st.text(st.sampled_from("a\u202e\u202a\u2066\u2069\u200f\u061c<b. ")), rest=st.text())
def test_no_mark_of_direction_reorders_a_name_and_each_is_seen(text, rest):
    said = plain(text + rest)
    assert not [c for c in said if unicodedata.bidirectional(c) in DIRECTIONS]
    marks = [c for c in text + rest if unicodedata.bidirectional(c) in DIRECTIONS]
    assert said.count(r"\u\{") >= len(marks)
    assert plain("clip\u202evaw.exe") == r"clip\\u\{202e\}vaw\.exe"


def detection(hertz: float = 220.0, calibrated: bool = True, prior: float = 0.5):
    return HandDetector(SCORES, calibrated).detect(clip(9.0, hertz=hertz), stance=Stance(prior))


@pytest.mark.parametrize(
    ("p", "word"),
    [
        *((0.98, "clear"), (0.02, "clear"), (0.9, "moderate"), (0.7, "borderline")),
        *((0.6, "borderline"), (0.5, "borderline"), (None, "not scored")),
    ],
)
def test_difficulty_follows_the_likelier_side(p, word):
    assert words.difficulty(replace(detection(), p_spoof=p)) == word


def test_an_inconclusive_clip_is_uncertain_whatever_its_score():
    assert words.difficulty(replace(detection(), p_spoof=0.99, verdict="inconclusive")) == (
        "uncertain"
    )


def test_the_explanation_gives_the_ratio_and_the_frequency_under_the_prior():
    made = replace(detection(prior=0.1), llr=3.0, p_spoof=posterior(3.0, 0.1))
    text = words.explanation(made)
    assert "**20 times** as likely from synthetic as from human" in text  # e^3 = 20.09
    assert "Assuming that 10 %" in text
    assert "**69 in 100**" in text  # 20.09 / 9 odds


def test_evidence_for_a_human_voice_is_said_the_other_way_round():
    made = replace(detection(330.0), llr=-3.0, p_spoof=posterior(-3.0))
    assert "**20 times** as likely from human as from synthetic" in words.explanation(made)
    assert "**5 in 100**" in words.explanation(made)


@pytest.mark.parametrize(
    ("p", "said"),
    [
        (1e-5, "**fewer than 1 in 100**"), (0.0099, "**fewer than 1 in 100**"),
        (0.01, "about **1 in 100**"), (0.99, "about **99 in 100**"),
        (0.9901, "**more than 99 in 100**"), (1 - 1e-9, "**more than 99 in 100**"),
    ],
)  # fmt: skip
def test_a_rare_thing_is_not_called_one_in_a_hundred(p, said):
    """The words are those of `percent`, which stands beside them."""
    assert said in words.explanation(replace(detection(), p_spoof=p))
    assert ("than" in said) == (percent(p).split()[0] in ("under", "over"))


def test_even_evidence_names_no_side():
    assert "about as likely" in words.explanation(replace(detection(), llr=0.01, p_spoof=0.5025))


@pytest.mark.parametrize(
    "code", ["needs_wide_band", "unfamiliar", "near_threshold", "wide_interval"]
)
def test_no_chance_is_claimed_where_the_calibration_does_not_hold(code):
    made = replace(detection(), reasons=(Reason(code, "Why.", "inconclusive"),))
    claims = "in 100" in words.explanation(made)
    assert claims == (code in UNDECIDED)


@settings(max_examples=25)
@given(
    calibrated=st.booleans(),
    codes=st.lists(
        st.sampled_from(["unfamiliar", "needs_wide_band", "near_threshold"]), max_size=2
    ),
    false=st.sampled_from([1.0, 50.0]),
    hertz=st.sampled_from(list(SCORES)),
)
def test_nothing_calls_a_number_a_chance_that_is_none(calibrated, codes, false, hertz):
    made = HandDetector(SCORES, calibrated).detect(
        clip(9.0, hertz=hertz), stance=Stance(0.5, cost_false_accusation=false)
    )
    reasons = tuple(Reason(code, "Why.", "inconclusive") for code in codes)
    if codes and made.llr is not None:
        made = replace(made, reasons=reasons, verdict="inconclusive")
    said = [words.headline(made), words.chance(made), charts.share_name(made)]
    if made.p_spoof is not None:
        said.append(words.probability_bars(made))
        said.append(json.dumps(make_spec(charts.window_timeline, made, (-1.0, 1.0))))
    claims = re.sub("not a chance", "", " ".join(said))
    named = re.findall(r"[Cc]hance of|Probability, assuming", claims)
    meaning = (
        calibrated and made.llr is not None and not {"unfamiliar", "needs_wide_band"} & {*codes}
    )
    assert made.gives_chance == meaning == bool(words.chance(made)) == bool(named)


@pytest.mark.parametrize(("calibrated", "code"), [(True, "needs_wide_band"), (False, "none")])
def test_no_report_gives_a_chance_that_is_none(calibrated, code):
    made = HandDetector(SCORES, calibrated).detect(clip(9.0))
    made = replace(made, verdict="inconclusive", reasons=(Reason(code, "Why.", "inconclusive"),))
    made = [made, replace(made, source=replace(made.source, name="other.wav"))]
    report = evidence_html([Case(d, (-1.0, 1.0)) for d in made]).decode().split('id="data"')[0]
    assert "Chance of synthetic" not in report and f"{percent(made[0].p_spoof)}</td>" not in report


def test_an_uncalibrated_score_is_not_called_a_chance():
    text = words.explanation(detection(calibrated=False))
    assert "not calibrated" in text
    assert "in 100**" not in text


def test_nothing_is_explained_where_nothing_was_scored():
    assert words.explanation(detection(550.0)) == ""


def test_every_verdict_has_a_headline_and_its_limits():
    for hertz, verdict in ((220, "synthetic"), (330, "authentic"), (440, "inconclusive")):
        made = detection(float(hertz))
        assert made.verdict == verdict
        assert words.headline(made)
        assert words.limit(made)


def test_a_clip_with_a_part_unlike_the_rest_is_not_sent_for_a_longer_copy():
    made = HandDetector(SCORES).detect(clip(66.0, hertz=660.0))
    assert made.verdict == "inconclusive" and made.stands_out
    assert "longer" not in words.limit(made) and "Hear that part" in words.limit(made)
    assert "longer" in words.limit(replace(made, stands_out=()))


@pytest.mark.parametrize(
    ("codes", "advice"),
    [
        (["near_threshold"], "longer or cleaner"),
        (["wide_interval"], "longer or cleaner"),
        (["near_threshold", "-narrow_band"], "wide-band copy"),
        (["needs_wide_band", "-clipping"], "wide-band copy"),
        (["low_bandwidth"], "frequencies that are missing"),
        (["clipping", "-narrow_band"], "less loudly"),
        (["unfamiliar", "-missing"], "another detector"),
        (["near_threshold", "-missing"], "nothing is missing"),
    ],
)
@pytest.mark.parametrize("apart", [False, True])
def test_what_may_help_fits_the_reason(codes, advice, apart):
    reasons = tuple(
        Reason(code.removeprefix("-"), "Why.", "caution" if code[0] == "-" else "inconclusive")
        for code in codes
    )
    made = HandDetector(SCORES).detect(clip(66.0 if apart else 9.0, hertz=660.0))
    made = replace(made, verdict="inconclusive", reasons=reasons)
    if apart and codes[0] in UNDECIDED:
        advice = "Hear that part"
    kinds = [*words.ADVICE.values(), words.PART_APART, words.MORE]
    assert advice in words.limit(made)
    assert sum(kind in words.limit(made) for kind in set(kinds)) == 1


def test_weak_evidence_is_called_weak():
    firm, weak = detection(), replace(detection(), p_spoof=0.6)
    assert "weakly" not in words.headline(firm)
    assert "only weakly" in words.headline(weak)


@pytest.mark.parametrize(
    ("verdict", "there", "rest", "said"),
    [
        ("authentic", 4.0, -2.0, " But 30.0 to 35.0 s scores more like synthetic speech."),
        ("synthetic", -3.0, 2.0, " But 30.0 to 35.0 s scores more like human speech."),
        ("authentic", -6.0, -1.0, ""),
    ],
)
def test_the_headline_names_a_part_that_scores_for_the_other_side(verdict, there, rest, said):
    apart = replace(
        detection(), verdict=verdict, stands_out=(Stretch(30.0, 35.0, there, rest, 9.0),)
    )
    whole = words.headline(replace(apart, stands_out=()))
    assert words.headline(apart) == whole + said
    assert words.limit(apart).endswith(words.PART_APART)
    assert words.PART_APART not in words.limit(replace(apart, stands_out=()))


def test_both_bars_carry_their_value_for_those_who_do_not_see_them():
    bars = words.probability_bars(detection())
    assert bars.count('role="meter"') == 2
    assert 'aria-label="Synthetic"' in bars
    assert 'aria-label="Human"' in bars


def test_facts_escape_what_a_file_claims():
    made = detection()
    made = replace(made, source=replace(made.source, codec="<script>"))
    assert "<script>" not in words.facts(made)
    for fact in ("9.00 s", "42 ms", "familiar"):
        assert fact in words.facts(made)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.5, "0.50 s"), (119.99, "119.99 s"), (120.0, "2:00 min"), (3599.6, "1:00:00 h")],
)
def test_durations_are_readable(seconds, shown):
    assert words.duration(seconds) == shown
