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
    assert m.Tally.of(bona, spoof, higher="bonafide").eer().rate == pytest.approx(eer, abs=1e-9)
    assert m.Tally.of(bona, spoof, higher="bonafide").min_dcf().cost == pytest.approx(
        min_dcf, abs=1e-9
    )
    actual = m.Tally.of(bona, spoof, higher="bonafide").act_dcf()
    assert actual.cost == pytest.approx(act_dcf, abs=1e-9)
    assert actual.threshold == pytest.approx(-0.6418538861723947, abs=1e-12)
    assert m.Tally.of(bona, spoof, higher="bonafide").cllr() == pytest.approx(cllr, abs=1e-9)


@pytest.mark.parametrize(("bona", "spoof", "eer", "min_dcf", "act_dcf", "cllr"), KNOWN)
def test_known_answers_the_other_way_round(bona, spoof, eer, min_dcf, act_dcf, cllr):
    bona, spoof = -np.array(bona, float), -np.array(spoof, float)
    assert m.Tally.of(bona, spoof).eer().rate == pytest.approx(eer, abs=1e-9)
    assert m.Tally.of(bona, spoof).min_dcf().cost == pytest.approx(min_dcf, abs=1e-9)
    assert m.Tally.of(bona, spoof).act_dcf().cost == pytest.approx(act_dcf, abs=1e-9)
    assert m.Tally.of(bona, spoof).cllr() == pytest.approx(cllr, abs=1e-9)


@pytest.mark.parametrize(("spread", "limit"), [(2, 0.1586553), (4, 0.2524925)])
def test_gaussians_in_the_limit(spread, limit):
    from scipy.stats import norm

    grid = (np.arange(400_000) + 0.5) / 400_000
    rate = (
        m.Tally.of(norm.ppf(grid, 2, 2), norm.ppf(grid, -2, spread), higher="bonafide").eer().rate
    )
    assert rate == pytest.approx(limit, abs=5e-6)


@pytest.mark.parametrize("n_bona", [1, 2, 7])
@pytest.mark.parametrize("higher", ["spoof", "bonafide"])
def test_all_equal_scores_say_nothing(n_bona, higher):
    bona, spoof = np.full(n_bona, 0.25), np.full(3, 0.25)
    assert m.Tally.of(bona, spoof, higher=higher).eer().rate == 0.5
    assert m.Tally.of(bona, spoof, higher=higher).auc() == 0.5
    assert m.Tally.of(bona, spoof, higher=higher).min_dcf().cost == pytest.approx(1)
    assert m.Tally.of(bona, spoof, higher=higher).min_cllr() == pytest.approx(1)


def test_tied_scores_move_together():
    # Two of four bona fide trials share a score with two of four spoofed ones.
    curve = m.Tally.of([0, 0, 1, 1], [1, 1, 2, 2]).det()
    np.testing.assert_allclose(curve.p_miss, [1, 0.5, 0, 0])
    np.testing.assert_allclose(curve.p_fa, [0, 0, 0.5, 1])
    assert list(curve.threshold) == [-math.inf, 0, 1, 2]


def brute_rates(bona, spoof, threshold):
    """Error rates of "spoof where the score exceeds the threshold", by counting."""
    bona, spoof = np.asarray(bona), np.asarray(spoof)
    return np.mean(bona > threshold), np.mean(spoof <= threshold)


@given(tied, tied)
def test_curve_and_minimum_equal_brute_force(bona, spoof):
    curve = m.Tally.of(bona, spoof).det()
    thresholds = [-math.inf, *sorted({*bona, *spoof})]
    assert list(curve.threshold) == thresholds
    rates = [brute_rates(bona, spoof, t) for t in thresholds]
    np.testing.assert_allclose(np.c_[curve.p_miss, curve.p_fa], rates, atol=1e-15)

    costs = m.Costs(p_spoof=0.3, c_miss=2, c_fa=3)
    smallest = min(2 * 0.7 * miss + 3 * 0.3 * fa for miss, fa in rates) / 0.9
    assert m.Tally.of(bona, spoof).min_dcf(costs).cost == pytest.approx(smallest, abs=1e-12)

    gaps = [abs(miss - fa) for miss, fa in rates]
    close = [sum(r) / 2 for r, g in zip(rates, gaps, strict=True) if g < min(gaps) + 1e-12]
    assert min(abs(m.Tally.of(bona, spoof).eer().rate - value) for value in close) < 1e-12


@given(tied, tied, directions)
def test_thresholds_do_what_they_say(bona, spoof, higher):
    sign = 1 if higher == "spoof" else -1
    rate, threshold = m.Tally.of(bona, spoof, higher=higher).eer()
    rates = brute_rates(sign * np.array(bona), sign * np.array(spoof), sign * threshold)
    assert np.mean(rates) == pytest.approx(rate, abs=1e-12)
    costs = m.Costs(0.2, 1, 2)
    best = m.Tally.of(bona, spoof, higher=higher).min_dcf(costs)
    miss, fa = brute_rates(sign * np.array(bona), sign * np.array(spoof), sign * best.threshold)
    assert (0.8 * miss + 0.4 * fa) / 0.4 == pytest.approx(best.cost, abs=1e-12)


@given(tied, tied)
def test_turning_scores_and_direction_round_changes_nothing(bona, spoof):
    back_b, back_s = [-v for v in bona], [-v for v in spoof]
    here, there = m.Tally.of(bona, spoof), m.Tally.of(back_b, back_s, higher="bonafide")
    for metric in (m.Tally.eer, m.Tally.min_dcf, m.Tally.act_dcf):
        assert metric(here)[0] == metric(there)[0]
        assert metric(here)[1] == -metric(there)[1]
    for metric in (m.Tally.auc, m.Tally.cllr, m.Tally.min_cllr):
        assert metric(here) == metric(there)


@given(tied, tied)
def test_order_preserving_maps_change_no_ranking_metric(bona, spoof):
    def bend(values):
        return np.sinh(np.asarray(values)) * 3 + 7

    straight, bent = m.Tally.of(bona, spoof), m.Tally.of(bend(bona), bend(spoof))
    assert straight.eer().rate == bent.eer().rate
    assert straight.min_dcf().cost == bent.min_dcf().cost
    assert straight.auc() == bent.auc()
    assert straight.min_cllr() == pytest.approx(bent.min_cllr())
    constants = m.TandemConstants(0.0254559, 0.9150441, 0.3803262)
    assert straight.min_tdcf(constants).cost == bent.min_tdcf(constants).cost


@given(tied, tied)
def test_bounds_and_orderings(bona, spoof):
    assert 0 <= m.Tally.of(bona, spoof).eer().rate <= 1
    assert 0 <= m.Tally.of(bona, spoof).min_dcf().cost <= 1
    assert m.Tally.of(bona, spoof).min_dcf().cost <= m.Tally.of(bona, spoof).act_dcf().cost + 1e-12
    best, actual = m.Tally.of(bona, spoof).min_cllr(), m.Tally.of(bona, spoof).cllr()
    assert -1e-12 <= best <= min(1, actual) + 1e-9
    assert m.Tally.of(bona, spoof).auc() + m.Tally.of(spoof, bona).auc() == pytest.approx(1)
    pairs = [(s > b) + 0.5 * (s == b) for s in spoof for b in bona]
    assert m.Tally.of(bona, spoof).auc() == pytest.approx(np.mean(pairs))


@given(tied, tied, st.integers(2, 4))
def test_repeating_every_trial_changes_no_figure(bona, spoof, times):
    assert m.Tally.of(bona * times, spoof * times).eer().rate == m.Tally.of(bona, spoof).eer().rate
    assert m.Tally.of(bona * times, spoof * times).cllr() == pytest.approx(
        m.Tally.of(bona, spoof).cllr()
    )
    assert m.Tally.of(bona * times, spoof * times).min_cllr() == pytest.approx(
        m.Tally.of(bona, spoof).min_cllr()
    )


@settings(max_examples=30)
@given(st.integers(0, 10**6))
def test_affine_calibration_recovers_a_known_map(seed):
    rng = np.random.default_rng(seed)
    # Two unit Gaussians at +-1 have the ratio 2x exactly.
    bona, spoof = rng.normal(-1, 1, 4_000), rng.normal(1, 1, 4_000)
    scale, offset = m.Tally.of(bona, spoof).affine_calibration()
    assert scale == pytest.approx(2, abs=0.25)
    assert offset == pytest.approx(0, abs=0.2)
    turned = m.Tally.of(-(bona * 5 + 3), -(spoof * 5 + 3), higher="bonafide")
    moved = turned.affine_calibration()  # of its values, which run towards spoof
    assert moved.scale == pytest.approx(scale / 5, rel=1e-5)
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
    separable = m.Tally.of([0, 1], [2, 3])
    assert separable.cllr(separable.affine_calibration()) < 1e-3
    assert m.Tally.of([1, 1], [1]).affine_calibration() == m.Affine(0, 0)


def test_infinite_ratios_cost_nothing_when_right_and_everything_when_wrong():
    assert m.Tally.of([-math.inf, -math.inf], [math.inf]).cllr() == 0
    assert m.Tally.of([-1, math.inf], [1]).cllr() == math.inf
    assert m.Tally.of([-math.inf], [math.inf]).eer().rate == 0


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


def test_asv_rates_at_the_equal_error_threshold():
    target, nontarget = [1, 2, 3, 4], [-2, -1, 0, 1.5]
    rate, threshold = m.asv_threshold(target, nontarget)
    assert (rate, threshold) == (0.25, 1)  # the highest rejected score, which is then accepted
    assert m.asv_rates(target, nontarget, [0, 2], threshold) == m.AsvRates(0, 0.25, 0.5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: m.Tally.of([], [1]).eer(), "no bona fide trial"),
        (lambda: m.Tally.of([1], []).eer(), "no spoofed trial"),
        (lambda: m.Tally.of([1, math.nan], [1]).eer(), "1 scores of bona fide"),
        (lambda: m.Tally.of([1], [0], higher="up").eer(), "direction"),
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
        (lambda: m.Tally.of([0, math.inf], [1]).affine_calibration(), "Infinite"),
    ],
)
def test_bad_input_says_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_priors_and_costs_have_one_range_for_verdicts_and_for_figures():
    assert (decision.PRIORS, decision.COSTS) == (costs.PRIORS, costs.COSTS)
