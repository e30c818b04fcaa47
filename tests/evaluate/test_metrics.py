"""Metrics against known answers, brute force and properties."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.detect import decision
from core.evaluate import metrics as m
from core.evaluate.metrics import costs

# Scores (higher = bona fide), then EER, minDCF, actDCF, Cllr by the ASVspoof 5 definitions.
KNOWN = [
    ([1, 2, 3], [-3, -2, -1], 0, 0, 0, 0.23505207544333684),
    ([-0.5, 1, 2, 3], [-3, -2, -1, 0.5], 0.25, 0.25, 0.25, 0.5276130652126819),
    ([0.2, 1.5, 2.5, 4], [-4, -3, -2, -1, -0.5, 0, 0.5, 3], 0.25, 0.25, 0.5, 0.6753615346568068),
    ([-1, -2, -3], [1, 2, 3], 1, 1, 2.9, 3.1204421572212637),
]

# Few distinct values, so that ties within and across classes are common.
tied = st.lists(st.integers(-6, 6).map(lambda v: v / 2), min_size=1, max_size=25)
directions = st.sampled_from(["spoof", "bonafide"])


@pytest.mark.parametrize(("bona", "spoof", "eer", "min_dcf", "act_dcf", "cllr"), KNOWN)
def test_known_answers(bona, spoof, eer, min_dcf, act_dcf, cllr):
    assert m.eer(bona, spoof, higher="bonafide").rate == pytest.approx(eer, abs=1e-9)
    assert m.min_dcf(bona, spoof, higher="bonafide").cost == pytest.approx(min_dcf, abs=1e-9)
    actual = m.act_dcf(bona, spoof, higher="bonafide")
    assert actual.cost == pytest.approx(act_dcf, abs=1e-9)
    assert actual.threshold == pytest.approx(-0.6418538861723947, abs=1e-12)
    assert m.cllr(bona, spoof, higher="bonafide") == pytest.approx(cllr, abs=1e-9)


@pytest.mark.parametrize(("bona", "spoof", "eer", "min_dcf", "act_dcf", "cllr"), KNOWN)
def test_known_answers_the_other_way_round(bona, spoof, eer, min_dcf, act_dcf, cllr):
    bona, spoof = -np.array(bona, float), -np.array(spoof, float)
    assert m.eer(bona, spoof).rate == pytest.approx(eer, abs=1e-9)
    assert m.min_dcf(bona, spoof).cost == pytest.approx(min_dcf, abs=1e-9)
    assert m.act_dcf(bona, spoof).cost == pytest.approx(act_dcf, abs=1e-9)
    assert m.cllr(bona, spoof) == pytest.approx(cllr, abs=1e-9)


@pytest.mark.parametrize(("spread", "limit"), [(2, 0.1586553), (4, 0.2524925)])
def test_gaussians_in_the_limit(spread, limit):
    from scipy.stats import norm

    grid = (np.arange(400_000) + 0.5) / 400_000
    rate = m.eer(norm.ppf(grid, 2, 2), norm.ppf(grid, -2, spread), higher="bonafide").rate
    assert rate == pytest.approx(limit, abs=5e-6)


@pytest.mark.parametrize("n_bona", [1, 2, 7])
@pytest.mark.parametrize("higher", ["spoof", "bonafide"])
def test_all_equal_scores_say_nothing(n_bona, higher):
    bona, spoof = np.full(n_bona, 0.25), np.full(3, 0.25)
    assert m.eer(bona, spoof, higher=higher).rate == 0.5
    assert m.auc(bona, spoof, higher=higher) == 0.5
    assert m.min_dcf(bona, spoof, higher=higher).cost == pytest.approx(1)
    assert m.min_cllr(bona, spoof, higher=higher) == pytest.approx(1)


def test_tied_scores_move_together():
    # Two of four bona fide trials share a score with two of four spoofed ones.
    curve = m.det_curve([0, 0, 1, 1], [1, 1, 2, 2])
    np.testing.assert_allclose(curve.p_miss, [1, 0.5, 0, 0])
    np.testing.assert_allclose(curve.p_fa, [0, 0, 0.5, 1])
    assert list(curve.threshold) == [-math.inf, 0, 1, 2]


def brute_rates(bona, spoof, threshold):
    """Error rates of "spoof where the score exceeds the threshold", by counting."""
    bona, spoof = np.asarray(bona), np.asarray(spoof)
    return np.mean(bona > threshold), np.mean(spoof <= threshold)


@given(tied, tied)
def test_curve_and_minimum_equal_brute_force(bona, spoof):
    curve = m.det_curve(bona, spoof)
    thresholds = [-math.inf, *sorted({*bona, *spoof})]
    assert list(curve.threshold) == thresholds
    rates = [brute_rates(bona, spoof, t) for t in thresholds]
    np.testing.assert_allclose(np.c_[curve.p_miss, curve.p_fa], rates, atol=1e-15)

    costs = m.Costs(p_spoof=0.3, c_miss=2, c_fa=3)
    smallest = min(2 * 0.7 * miss + 3 * 0.3 * fa for miss, fa in rates) / 0.9
    assert m.min_dcf(bona, spoof, costs).cost == pytest.approx(smallest, abs=1e-12)

    gaps = [abs(miss - fa) for miss, fa in rates]
    close = [sum(r) / 2 for r, g in zip(rates, gaps, strict=True) if g < min(gaps) + 1e-12]
    assert min(abs(m.eer(bona, spoof).rate - value) for value in close) < 1e-12


@given(tied, tied, directions)
def test_thresholds_do_what_they_say(bona, spoof, higher):
    sign = 1 if higher == "spoof" else -1
    rate, threshold = m.eer(bona, spoof, higher=higher)
    rates = brute_rates(sign * np.array(bona), sign * np.array(spoof), sign * threshold)
    assert np.mean(rates) == pytest.approx(rate, abs=1e-12)
    costs = m.Costs(0.2, 1, 2)
    best = m.min_dcf(bona, spoof, costs, higher=higher)
    miss, fa = brute_rates(sign * np.array(bona), sign * np.array(spoof), sign * best.threshold)
    assert (0.8 * miss + 0.4 * fa) / 0.4 == pytest.approx(best.cost, abs=1e-12)


@given(tied, tied)
def test_turning_scores_and_direction_round_changes_nothing(bona, spoof):
    back_b, back_s = [-v for v in bona], [-v for v in spoof]
    for metric in (m.eer, m.min_dcf, m.act_dcf):
        here, there = metric(bona, spoof), metric(back_b, back_s, higher="bonafide")
        assert here[0] == there[0]
        assert here[1] == -there[1]
    for metric in (m.auc, m.cllr, m.min_cllr):
        assert metric(bona, spoof) == metric(back_b, back_s, higher="bonafide")


@given(tied, tied)
def test_order_preserving_maps_change_no_ranking_metric(bona, spoof):
    def bend(values):
        return np.sinh(np.asarray(values)) * 3 + 7

    assert m.eer(bona, spoof).rate == m.eer(bend(bona), bend(spoof)).rate
    assert m.min_dcf(bona, spoof).cost == m.min_dcf(bend(bona), bend(spoof)).cost
    assert m.auc(bona, spoof) == m.auc(bend(bona), bend(spoof))
    assert m.min_cllr(bona, spoof) == pytest.approx(m.min_cllr(bend(bona), bend(spoof)))
    constants = m.TandemConstants(0.0254559, 0.9150441, 0.3803262)
    straight = m.Tally.of(bona, spoof).min_tdcf(constants).cost
    assert straight == m.Tally.of(bend(bona), bend(spoof)).min_tdcf(constants).cost


@given(tied, tied)
def test_bounds_and_orderings(bona, spoof):
    assert 0 <= m.eer(bona, spoof).rate <= 1
    assert 0 <= m.min_dcf(bona, spoof).cost <= 1
    assert m.min_dcf(bona, spoof).cost <= m.act_dcf(bona, spoof).cost + 1e-12
    best, actual = m.min_cllr(bona, spoof), m.cllr(bona, spoof)
    assert -1e-12 <= best <= min(1, actual) + 1e-9
    assert m.auc(bona, spoof) + m.auc(spoof, bona) == pytest.approx(1)
    pairs = [(s > b) + 0.5 * (s == b) for s in spoof for b in bona]
    assert m.auc(bona, spoof) == pytest.approx(np.mean(pairs))


@given(tied, tied, st.integers(2, 4))
def test_repeating_every_trial_changes_no_figure(bona, spoof, times):
    assert m.eer(bona * times, spoof * times).rate == m.eer(bona, spoof).rate
    assert m.cllr(bona * times, spoof * times) == pytest.approx(m.cllr(bona, spoof))
    assert m.min_cllr(bona * times, spoof * times) == pytest.approx(m.min_cllr(bona, spoof))


@settings(max_examples=30)
@given(st.integers(0, 10**6))
def test_affine_calibration_recovers_a_known_map(seed):
    rng = np.random.default_rng(seed)
    # Two unit Gaussians at +-1 have the ratio 2x exactly.
    bona, spoof = rng.normal(-1, 1, 4_000), rng.normal(1, 1, 4_000)
    scale, offset = m.affine_calibration(bona, spoof)
    assert scale == pytest.approx(2, abs=0.25)
    assert offset == pytest.approx(0, abs=0.2)
    moved = m.affine_calibration(-(bona * 5 + 3), -(spoof * 5 + 3), higher="bonafide")
    assert moved.scale == pytest.approx(-scale / 5, rel=1e-5)
    assert moved.offset == pytest.approx(offset - 3 * scale / 5, rel=1e-4, abs=1e-4)


def test_affine_calibration_is_the_best_affine_map():
    rng = np.random.default_rng(4)
    tally = m.Tally.of(rng.normal(0, 1, 300), rng.normal(1.5, 2, 500))
    best = tally.affine_calibration()
    lowest = tally.cllr(best)
    for da in (-1e-3, 0, 1e-3):
        for db in (-1e-3, 0, 1e-3):
            assert tally.cllr(m.Affine(best.scale + da, best.offset + db)) >= lowest - 1e-12
    assert tally.min_cllr() <= lowest <= 1


def test_separable_and_constant_scores_calibrate_without_overflow():
    assert m.Tally.of([0, 1], [2, 3]).cllr(m.affine_calibration([0, 1], [2, 3])) < 1e-3
    assert m.affine_calibration([1, 1], [1]) == m.Affine(0, 0)


def test_infinite_ratios_cost_nothing_when_right_and_everything_when_wrong():
    assert m.cllr([-math.inf, -math.inf], [math.inf]) == 0
    assert m.cllr([-1, math.inf], [1]) == math.inf
    assert m.eer([-math.inf], [math.inf]).rate == 0


def test_tandem_constants_of_asvspoof():
    # 2021 LA, A07 without codec: the rates that give the published constants.
    p_miss = 0.02
    rates = m.AsvRates(p_miss, (0.03051131804159184 - 0.9405 * p_miss) / 0.095, 0.938880706921944)
    c0, c1, c2 = m.tandem_constants(rates)
    assert c0 == pytest.approx(0.03051131804159184, abs=1e-12)
    assert c1 == pytest.approx(0.9099886819584082, abs=1e-12)
    assert c2 == pytest.approx(0.469440353460972, abs=1e-12)


def test_min_tdcf_forms():
    constants = m.TandemConstants(0.0254559, 0.9150441, 0.3803262)
    perfect = m.Tally.of([-1, -2], [1, 2])
    assert perfect.min_tdcf(constants).cost == pytest.approx(0.0254559 / (0.0254559 + 0.3803262))
    assert perfect.min_tdcf(constants, form=2019).cost == 0
    reversed_ = m.Tally.of([1, 2], [-1, -2])
    assert reversed_.min_tdcf(constants).cost == pytest.approx(1)
    assert reversed_.min_tdcf(constants, form=2019).cost == pytest.approx(1)
    # One of two bona fide trials is worse than every spoof: reject half of the bona fide trials
    # (.915 / 2) or accept every spoof (.38): the latter is cheaper.
    half = m.Tally.of([-1, 3], [1, 2])
    assert half.min_tdcf(constants, form=2019).cost == pytest.approx(1)
    rates = m.AsvRates(0.1, 0.05, 0.5)
    assert m.min_tdcf([3, 1], [-1, 2], rates, higher="bonafide") == m.Tally.of(
        [3, 1], [-1, 2], higher="bonafide"
    ).min_tdcf(m.tandem_constants(rates))


def test_asv_rates_at_the_equal_error_threshold():
    target, nontarget = [1, 2, 3, 4], [-2, -1, 0, 1.5]
    rate, threshold = m.asv_threshold(target, nontarget)
    assert (rate, threshold) == (0.25, 1)  # the highest rejected score, which is then accepted
    assert m.asv_rates(target, nontarget, [0, 2], threshold) == m.AsvRates(0, 0.25, 0.5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: m.eer([], [1]), "no bona fide trial"),
        (lambda: m.eer([1], []), "no spoofed trial"),
        (lambda: m.eer([1, math.nan], [1]), "1 scores of bona fide"),
        (lambda: m.eer([1], [0], higher="up"), "direction"),
        (lambda: m.Costs(p_spoof=0), "between 0 and 1"),
        (lambda: m.Costs(p_spoof=1e-320), "between 0 and 1"),
        (lambda: m.Costs(p_spoof=math.nan), "between 0 and 1"),
        (lambda: m.Costs(c_fa=0), "above 0"),
        (lambda: m.Costs(c_fa=math.inf), "above 0"),
        (lambda: m.Costs(c_miss=math.nan), "above 0"),
        (lambda: m.AdcfCosts(p_target=math.nan), "sum to 1"),
        (lambda: m.AdcfCosts(c_miss=1e308), "above 0"),
        (lambda: m.TandemCosts(p_spoof=math.nan), "sum to 1"),
        (lambda: m.AsvRates(0.1, 1.2, 0), "between 0 and 1"),
        (lambda: m.TandemCosts(p_spoof=0.2), "sum to 1"),
        (lambda: m.tandem_constants(m.AsvRates(1, 1, 0.5)), "check its error rates"),
        (lambda: m.Tally.of([0], [1]).min_tdcf(m.TandemConstants(0, 1, 0)), "undefined"),
        (lambda: m.Tally.of([0], [1]).min_tdcf(m.TandemConstants(0, 1, 1), form=2020), "2019"),
        (lambda: m.affine_calibration([0, math.inf], [1]), "Infinite"),
    ],
)
def test_bad_input_says_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_priors_and_costs_have_one_range_for_verdicts_and_for_figures():
    assert (decision.PRIORS, decision.COSTS) == (costs.PRIORS, costs.COSTS)
