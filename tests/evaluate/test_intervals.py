"""Intervals: how often they hold the truth, known answers, properties, pairing, bad input."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.coverage import Setting, coverage, false_positives
from benchmarks.coverage_tables import counted, exact, tables
from core.evaluate import influence as inf
from core.evaluate import intervals as iv
from core.evaluate import metrics as m
from core.evaluate.ends import KNOWN, ends_of, quantile, spread, two_sided
from core.evaluate.sample import Sample, Units, codes_of
from core.evaluate.tables import load
from core.files import ROOT

TANDEM = m.TandemConstants(0.0254559, 0.9150441, 0.3803262)
EVERY = {
    "eer": (inf.eer, lambda t: t.eer().rate),
    "min_dcf": (inf.min_dcf(), lambda t: t.min_dcf().cost),
    "act_dcf": (inf.act_dcf(), lambda t: t.act_dcf().cost),
    "min_tdcf": (inf.min_tdcf(TANDEM), lambda t: t.min_tdcf(TANDEM).cost),
    "min_tdcf_2019": (inf.min_tdcf(TANDEM, 2019), lambda t: t.min_tdcf(TANDEM, form=2019).cost),
    "cllr": (inf.cllr(), lambda t: t.cllr()),
    "min_cllr": (inf.min_cllr, lambda t: t.min_cllr()),
    "auc": (inf.auc, lambda t: t.auc()),
}
METRICS = {name: metric for name, (metric, _) in EVERY.items()}
SCORES = st.lists(st.integers(-5, 5), min_size=2, max_size=25)


def gaussians(seed, n_bona=300, n_spoof=900):
    rng = np.random.default_rng(seed)
    return rng.normal(-1, 1, n_bona), rng.normal(1, 1, n_spoof)


def sample(bona, spoof, units=None):
    is_spoof = np.arange(len(bona) + len(spoof)) >= len(bona)
    scores = np.concatenate((bona, spoof)).astype(float)
    return Sample(scores, is_spoof, Units.of(units, is_spoof))


@pytest.mark.parametrize(
    ("setting", "apart"),
    [
        (Setting(0, 50, 200), 2.0),
        (Setting(5, 50, 200, 0.2), 2.0),
        (Setting(8, 200, 800, 0.2), 2.0),
        (Setting(0, 300, 1200), 0.3),  # close to chance, where minima lie on their bound
    ],
)
def test_intervals_hold_the_truth_as_often_as_they_say(setting, apart):
    # Of 200 intervals at 95 %, fewer than 179 hold the truth in 1 of 2,000 cases.
    rows = coverage(setting, apart, 200, seed=3)
    assert {r["metric"]: r["percent"] for r in rows if r["percent"] < 89.5} == {}


def test_the_document_shows_what_was_measured():
    text = (ROOT / "docs" / "evaluation.md").read_text()
    assert [name for name, table in tables().items() if table not in text] == []
    assert [name for name, sentence in counted().items() if sentence not in text] == []
    rows = load("coverage")
    held = rows[rows["what"] == "held"].dropna(subset="percent")
    assert held["percent"].min() > 90 and (held["percent"] < 93).sum() < 12
    apart = rows[rows["what"] == "told apart"]
    assert apart["percent"].max() < 8


def test_equal_systems_are_seldom_told_apart():
    rows = false_positives(Setting(8, 200, 800, 0.4), 2.0, 200, seed=3)
    assert {r["metric"]: r["percent"] for r in rows if r["percent"] > 10.5} == {}


@settings(max_examples=60, deadline=None)
@given(SCORES, SCORES)
def test_figures_are_those_of_the_metrics_and_lie_in_their_intervals(bona, spoof):
    data = sample(bona, spoof)
    for name, (metric, plain) in EVERY.items():
        linear = metric(data.tally)
        assert linear.value == pytest.approx(plain(data.tally), abs=1e-9), name
        for counts, moves in (
            (data.tally.bonafide, linear.bonafide),
            (data.tally.spoof, linear.spoof),
        ):
            assert counts @ moves == pytest.approx(0, abs=1e-6), name
        found = iv.interval(linear, data)
        if found.low is not None:
            assert linear.low - 1e-12 <= found.low <= found.value <= found.high, name
            assert found.high <= linear.high + 1e-12, name


@pytest.mark.parametrize("name", ["eer", "min_dcf", "act_dcf", "cllr", "auc"])
def test_influence_is_how_the_figure_moves(name):
    # More weight on the human trials above a score, against what the influence promises.
    bona, spoof = gaussians(1, 20_000, 20_000)
    metric, plain = EVERY[name]
    tally = m.Tally.of(2 * bona, 2 * spoof)  # the scores are then log-likelihood ratios
    linear = metric(tally)
    above, times = tally.values > -1.2, 50
    counts = tally.bonafide * (times + above)
    promised = counts @ linear.bonafide / counts.sum()
    tilted = m.Tally(tally.values, counts, times * tally.spoof)
    assert plain(tilted) - plain(tally) == pytest.approx(promised, rel=0.1)


def test_width_is_that_of_the_formula():
    bona, spoof = gaussians(1, 2_000, 2_000)
    got = iv.intervals(bona, spoof)["eer"]
    # At a threshold that floats, the rate varies about as sqrt(p (1 - p) / (n + k)).
    expected = 2 * 1.96 * np.sqrt(0.1587 * 0.8413 / 4_000)
    assert got.high - got.low == pytest.approx(expected, rel=0.1)


def test_the_areas_variance_is_delongs():
    rng = np.random.default_rng(2)
    bona, spoof = rng.normal(0, 1, 30), rng.normal(1, 1, 50)
    v10 = np.array([np.mean(bona < s) for s in spoof])
    v01 = np.array([np.mean(spoof > b) for b in bona])
    delong = v10.var(ddof=1) / 50 + v01.var(ddof=1) / 30
    data = sample(bona, spoof)
    variance, _ = spread(data.sums(inf.auc(data.tally)))
    # A jackknife's is more by about n / (n - 1).
    assert delong < variance < 1.05 * delong


def test_direction_does_not_matter():
    bona, spoof = gaussians(2)
    found = iv.intervals(bona, spoof, METRICS)
    assert iv.intervals(-bona, -spoof, METRICS, higher="bonafide") == found
    assert found["min_cllr"].low is None and "monotone" in found["min_cllr"].why


@settings(max_examples=20, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_trials_and_the_names_of_speakers_do_not_matter(random):
    bona, spoof = gaussians(3, 60, 90)
    speakers = [i % 7 for i in range(60)], [i % 9 for i in range(90)]
    found = iv.intervals(bona, spoof, METRICS, speakers=speakers)
    turn = random.sample(range(60), 60), random.sample(range(90), 90)
    again = iv.intervals(
        bona[turn[0]],
        spoof[turn[1]],
        METRICS,
        speakers=tuple([f"s{-s[i]}" for i in t] for s, t in zip(speakers, turn, strict=True)),
    )
    for name, one in found.items():
        assert again[name].unit == "speaker"
        if one.low is not None:
            assert (again[name].low, again[name].high) == pytest.approx((one.low, one.high))


def test_trials_of_one_speaker_count_together():
    rng = np.random.default_rng(3)
    voices = rng.normal(0, 1, 12)
    speaker = np.repeat(np.arange(12), 50)
    bona = -1 + voices[speaker] + rng.normal(0, 0.3, 600)
    spoof = 1 + voices[speaker] + rng.normal(0, 0.3, 600)
    by_trial = iv.intervals(bona, spoof)["eer"]
    by_speaker = iv.intervals(bona, spoof, speakers=(speaker, speaker))["eer"]
    assert (by_trial.unit, by_speaker.unit) == ("trial", "speaker")
    assert by_trial.value == by_speaker.value
    assert by_speaker.high - by_speaker.low > 3 * (by_trial.high - by_trial.low)


def test_every_trial_twice_by_the_same_speaker_says_no_more():
    bona, spoof = gaussians(4, 40, 80)
    who = np.arange(40), np.arange(80)
    once = iv.intervals(bona, spoof, METRICS, speakers=who)["auc"]
    twice = iv.intervals(
        np.tile(bona, 2), np.tile(spoof, 2), METRICS, speakers=tuple(np.tile(w, 2) for w in who)
    )["auc"]
    assert (twice.low, twice.high) == pytest.approx((once.low, once.high))


def moved(found):
    """How far an interval's middle lies from the figure in log-odds, and half its length."""
    low, value, high = (np.log(p / (1 - p)) for p in (found.low, found.value, found.high))
    return (low + high) / 2 - value, (high - low) / 2


def test_an_interval_by_speaker_moves_towards_more_errors():
    rng = np.random.default_rng(6)
    who = np.repeat(np.arange(8), 50)
    voices = rng.normal(0, 1, 8)[who]
    bona, spoof = -3 + voices + rng.normal(0, 1, 400), 3 + voices + rng.normal(0, 1, 400)
    by_trial = iv.intervals(bona, spoof, METRICS)
    by_speaker = iv.intervals(bona, spoof, METRICS, speakers=(who, who))
    for name, sign in (("eer", 1), ("auc", -1)):
        assert moved(by_trial[name])[0] == pytest.approx(0, abs=0.01)
        shift, half = moved(by_speaker[name])
        # 1.5 squared standard errors, of which half the length is about two to four.
        assert 0.02 * half**2 < sign * shift < 0.4 * half**2
    # Of an area a class is as good as the other, so turned scores have the turned interval.
    turned = iv.intervals(spoof, bona, METRICS, speakers=(who, who))["auc"]
    area = by_speaker["auc"]
    assert (1 - turned.high, 1 - turned.low) == pytest.approx((area.low, area.high))


def test_only_what_is_not_known_of_independent_trials_takes_the_t_quantile():
    linear = inf.act_dcf()(sample(*gaussians(11, 200, 200)).tally)
    linear = replace(linear, symmetric=True)  # whose lower end is no count's
    twice, lengths = 2 * linear.variance, []
    for clustered in (False, True):
        low, high = ends_of(linear, twice, 4, (5, 5), clustered)
        shares = (np.array([low, high]) - linear.low) / (linear.high - linear.low)
        lengths.append(np.diff(np.log(shares / (1 - shares))).item())
    normal, t = quantile(0.975, np.inf), quantile(0.975, 4)
    longer = np.sqrt((KNOWN * normal**2 + (2 - KNOWN) * t**2) / (normal**2 + t**2))
    assert lengths[1] / lengths[0] == pytest.approx(longer) and longer > 1.1


def test_a_minimum_of_speakers_moves_towards_more_errors_too():
    bona, spoof = gaussians(11, 200, 200)
    linear = inf.min_dcf()(sample(bona, spoof).tally)
    alone, by_speaker = (
        ends_of(linear, linear.variance, np.inf, (8, 8), clustered) for clustered in (False, True)
    )
    assert by_speaker[0] > alone[0] and by_speaker[1] > alone[1]


def test_a_minimum_of_speakers_is_tested_by_what_they_contribute():
    bona, spoof = gaussians(11, 200, 200)
    scores, truth = np.concatenate((bona, spoof)), np.arange(400) >= 200
    other = scores + np.random.default_rng(1).normal(0, 0.3, 400)
    who = np.arange(400) % 20
    pair = [Sample(s, truth, Units.of(who, truth)) for s in (other, scores)]
    costs = [inf.min_dcf()(s.tally) for s in pair]
    variance, _ = spread(pair[0].sums(costs[0]) - pair[1].sums(costs[1]))
    t = abs(costs[0].value - costs[1].value) / np.sqrt(variance)
    found = iv.paired(other, scores, truth, METRICS, speakers=who)["min_dcf"]
    assert found.p_value == pytest.approx(two_sided(t, 19))


def test_speakers_without_a_name_stand_alone_and_few_are_not_taken_for_many():
    assert codes_of(["a", None, "a", "", float("nan"), "b"]).tolist() == [0, -1, 0, -1, -1, 1]
    spoof = np.arange(12) >= 6
    codes = np.array([0, 1, 2, 3, 4, 4, 0, 1, 2, 3, 4, -1])
    assert Units.of(codes, spoof).unit == "speaker"
    few = Units.of(np.minimum(codes, 3), spoof)
    assert (few.unit, few.few) == ("trial", 4)
    assert "4 speakers" in few.caution
    one_has_all = np.array([0] * 95 + [1, 2, 3, 4, 5] * 2)
    assert Units.of(one_has_all, np.arange(105) >= 95).unit == "trial"
    nobody = Units.of(np.full(12, -1), spoof)
    assert (nobody.unit, nobody.caution) == ("trial", "")


@pytest.mark.parametrize("name", ["eer", "auc", "min_dcf", "act_dcf"])
def test_no_errors_are_not_taken_for_none_to_come(name):
    bona, spoof = np.full(50, -20.0) - np.arange(50), np.full(200, 20.0) + np.arange(200)
    found = iv.intervals(bona, spoof, METRICS)[name]
    bound = 1 - 0.025 ** (1 / 50)  # 7.1 %: the rule of three with 3.7
    width = found.high - found.low
    assert width == pytest.approx(bound * (0.95 / 0.5 if "dcf" in name else 1))
    speakers = np.arange(50) % 10, np.arange(200) % 10
    known = iv.intervals(bona, spoof, METRICS, speakers=speakers)[name]
    assert known.high - known.low > 3 * width  # ten voices say less than fifty trials


def test_few_errors_have_about_the_ends_of_an_exact_interval():
    # One of 300 people and 4 of 1,200 fakes: Clopper and Pearson say 0.01 to 1.84 % of the people.
    bona, spoof = -5 - np.arange(300) / 300, 5 + np.arange(1200) / 1200
    bona[0], spoof[:4] = 1.0, (0.9, 0.8, 0.7, 0.6)
    found = iv.intervals(bona, spoof, METRICS)["eer"]
    assert found.value == pytest.approx(1 / 300)
    assert 0.0003 < found.low < 0.0015 and 0.008 < found.high < 0.0184
    # A rate that varies as one error does begins between its exact lower end and its mid-P one.
    rate = inf.Linear(0.01, bona, spoof, 0.01)
    low, _ = ends_of(rate, 1e-4, np.inf, (100, 100))
    assert 0.01 * 0.0253 < low <= 0.01 * 0.108


def test_cllr_whose_errors_were_not_seen_has_none():
    bona, spoof = np.full(50, -6.0) - np.arange(50) / 50, np.full(200, 6.0)
    found = iv.intervals(bona, spoof, METRICS)["cllr"]
    assert found.low is None and "wrong side" in found.why
    seen = iv.intervals(np.append(bona, 1.0), np.append(spoof, -1.0), METRICS)["cllr"]
    assert seen.low is not None


def test_clopper_and_pearson_known_answer():
    # Of ten with a rate of a half, only 0, 1, 9 and 10 errors have an interval beside it.
    assert exact(10, 0.5) == pytest.approx(1 - 22 / 1024)
    assert exact(1, 0.3) == pytest.approx(1)


def test_a_band_is_the_curves_and_that_of_single_rates():
    bona, spoof = gaussians(5)
    grid = np.array([0.0005, 0.05, 0.1, 0.2])
    data = sample(bona, spoof, np.arange(1200) % 40)
    values, low, high = iv.band(data, grid)
    curve = m.Tally.of(bona, spoof).det()
    assert np.isnan(low[0])  # not one of 900 fakes passes there
    for i, rate in enumerate(grid[1:], 1):
        assert values[i] == curve.p_miss[curve.p_fa <= rate].min()
        single = iv.interval(inf.miss_at(rate)(data.tally), data)
        assert (low[i], high[i]) == pytest.approx((single.low, single.high))
    packed = iv.band(sample(*gaussians(5, 3000, 9000)), grid[1:])
    whole = sample(*gaussians(5, 3000, 9000))
    single = iv.interval(inf.miss_at(0.1)(whole.tally), whole)
    assert packed[2][1] - packed[1][1] == pytest.approx(single.high - single.low, rel=0.15)


def test_paired_difference_sees_what_separate_intervals_hide():
    bona, spoof = gaussians(8, 500, 500)
    rng = np.random.default_rng(9)
    scores = np.concatenate((bona, spoof))
    worse = scores + rng.normal(0, 0.5, 1_000)
    truth = np.arange(1_000) >= 500
    found = iv.paired(worse, scores, truth, METRICS)
    assert found["eer"].value == pytest.approx(
        m.Tally.of(worse[:500], worse[500:]).eer().rate - m.Tally.of(bona, spoof).eer().rate
    )
    assert found["auc"].p_value < 0.05
    assert found["auc"].high < 0
    back = iv.paired(scores, worse, truth, METRICS)["auc"]
    assert (back.value, back.p_value) == pytest.approx((-found["auc"].value, found["auc"].p_value))

    same = iv.paired(scores, -scores, truth, higher=("spoof", "bonafide"))["eer"]
    assert (same.value, same.low, same.high, same.p_value) == (0, 0, 0, 1)


def test_pairing_by_speaker_uses_speakers_and_tests_only_enough_of_them():
    bona, spoof = gaussians(10, 60, 60)
    scores = np.concatenate((bona, spoof))
    other = scores + np.random.default_rng(0).normal(0, 1, 120)
    truth = np.arange(120) >= 60
    speakers = [f"s{i % 10}" for i in range(120)]
    assert iv.paired(scores, other, truth, speakers=speakers)["eer"].unit == "speaker"
    few = iv.paired(scores, other, truth, speakers=[s[:1] + "01"[s > "s4"] for s in speakers])
    assert few["eer"].p_value is None and few["eer"].low is not None


def test_holm_known_answer_and_order():
    # Holm (1979) on four p-values: .01*4, .02*3, .03*2 (raised to .06), .04*1 (raised to .06).
    np.testing.assert_allclose(iv.holm([0.03, 0.01, 0.04, 0.02]), [0.06, 0.04, 0.06, 0.06])
    np.testing.assert_allclose(iv.holm([0.9, 0.8]), [1, 1])
    np.testing.assert_allclose(iv.holm([0.04, np.nan, 0.02]), [0.04, np.nan, 0.04])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: iv.intervals([], [1]), "no bona fide"),
        (lambda: iv.intervals([1], [2], speakers=(["a"], [])), "one speaker for every"),
        (lambda: iv.paired([1, 2], [1], [False, True]), "one score for every"),
        (lambda: iv.paired([1, 2], [1, 2], [False, True], speakers=["a"]), "one speaker"),
    ],
)
def test_bad_input_says_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call()
