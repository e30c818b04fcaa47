"""Bootstrap intervals: coverage, agreement with plain resampling, pairing, bad input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.evaluate import intervals as iv
from core.evaluate import metrics as m

RANKING = {
    "eer": lambda t: t.eer().rate,
    "min_dcf": lambda t: t.min_dcf().cost,
    "min_cllr": lambda t: t.min_cllr(),
    "auc": lambda t: t.auc(),
}


def gaussians(seed, n_bona=300, n_spoof=900):
    rng = np.random.default_rng(seed)
    return rng.normal(-1, 1, n_bona), rng.normal(1, 1, n_spoof)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(0, 6), min_size=1, max_size=20),
    st.lists(st.integers(0, 6), min_size=1, max_size=20),
    st.integers(0, 99),
)
def test_a_weighted_tally_equals_the_repeated_trials(bona, spoof, seed):
    bona, spoof = np.array(bona, float), np.array(spoof, float)
    scores = np.concatenate((bona, spoof))
    is_spoof = np.arange(len(scores)) >= len(bona)
    weights = next(iv._draws(is_spoof, None, 1, seed))
    ranking = iv._Ranking(scores, is_spoof, "spoof")
    counted = ranking.tally(weights[ranking.order])
    repeated = m.Tally.of(np.repeat(bona, weights[~is_spoof]), np.repeat(spoof, weights[is_spoof]))
    for metric in RANKING.values():
        assert metric(counted) == pytest.approx(metric(repeated), abs=1e-9)
    assert counted.act_dcf() == repeated.act_dcf()
    assert counted.cllr() == pytest.approx(repeated.cllr())


def test_interval_covers_the_true_rate_about_as_often_as_it_says():
    true = 0.15865525393145707  # unit Gaussians at +-1
    covered = 0
    for seed in range(60):
        interval = iv.intervals(*gaussians(seed), replicates=200, seed=seed)["eer"]
        covered += interval.low <= true <= interval.high
    assert covered >= 50


def test_width_matches_the_normal_approximation():
    bona, spoof = gaussians(1, 2_000, 2_000)
    got = iv.intervals(bona, spoof, replicates=500)["eer"]
    # At a threshold that floats, the rate varies about as sqrt(p (1 - p) / (n + k)).
    expected = 2 * 1.96 * np.sqrt(0.1587 * 0.8413 / 4_000)
    assert got.high - got.low == pytest.approx(expected, rel=0.25)


def test_same_seed_same_interval_and_direction_does_not_matter():
    bona, spoof = gaussians(2)
    first = iv.intervals(bona, spoof, RANKING, replicates=50, seed=7)
    assert first == iv.intervals(bona, spoof, RANKING, replicates=50, seed=7)
    assert first != iv.intervals(bona, spoof, RANKING, replicates=50, seed=8)
    turned = iv.intervals(-bona, -spoof, RANKING, higher="bonafide", replicates=50, seed=7)
    assert first == turned


def test_trials_of_one_speaker_are_drawn_together():
    rng = np.random.default_rng(3)
    voices = rng.normal(0, 1, 12)
    speaker = np.repeat(np.arange(12), 50)
    bona = -1 + voices[speaker] + rng.normal(0, 0.3, 600)
    spoof = 1 + voices[speaker] + rng.normal(0, 0.3, 600)
    by_trial = iv.intervals(bona, spoof, replicates=200)["eer"]
    by_speaker = iv.intervals(bona, spoof, speakers=(speaker, speaker), replicates=200)["eer"]
    assert (by_trial.unit, by_speaker.unit) == ("trial", "speaker")
    assert by_trial.value == by_speaker.value
    assert by_speaker.high - by_speaker.low > 2 * (by_trial.high - by_trial.low)


def test_trials_without_a_speaker_are_units_of_their_own():
    codes = iv._codes(["a", None, "a", "", float("nan"), "b"])
    assert codes[0] == codes[2]
    assert len(set(codes)) == 5


def test_every_draw_has_both_classes():
    # Only one of three speakers has bona fide speech.
    units = np.array([0, 1, 2, 2])
    is_spoof = np.array([False, True, True, True])
    draws = list(iv._draws(is_spoof, units, 100, 0))
    assert len(draws) == 100
    assert all(w[~is_spoof].sum() and w[is_spoof].sum() for w in draws)


def test_a_det_band_encloses_its_curve():
    bona, spoof = gaussians(5)
    grid = np.array([0.05, 0.1, 0.2])
    band = iv.intervals(bona, spoof, {"miss": iv.miss_at(grid)}, replicates=100)["miss"]
    curve = m.det_curve(bona, spoof)
    for rate, low, value, high in zip(grid, band.low, band.value, band.high, strict=True):
        assert value == curve.p_miss[curve.p_fa <= rate].min()
        assert low <= value <= high


def test_calibrated_cllr_equals_the_definition():
    bona, spoof = gaussians(6)
    affine = m.Affine(1.7, -0.2)
    metric = iv.calibrated_cllr(affine)
    for pair in ((bona, spoof), (bona[:50], spoof[:50])):
        tally = m.Tally.of(*pair)
        assert metric(tally) == pytest.approx(tally.cllr(affine), abs=1e-12)


def test_paired_difference_sees_what_separate_intervals_hide():
    bona, spoof = gaussians(8, 500, 500)
    rng = np.random.default_rng(9)
    scores = np.concatenate((bona, spoof))
    worse = scores + rng.normal(0, 0.5, 1_000)
    truth = np.arange(1_000) >= 500
    found = iv.paired(worse, scores, truth, RANKING, replicates=300)
    assert found["eer"].value == pytest.approx(
        m.eer(worse[:500], worse[500:]).rate - m.eer(bona, spoof).rate
    )
    assert found["auc"].p_value < 0.05
    assert found["auc"].high < 0

    same = iv.paired(scores, -scores, truth, higher=("spoof", "bonafide"), replicates=50)["eer"]
    assert (same.value, same.low, same.high, same.p_value) == (0, 0, 0, 1)


def test_pairing_by_speaker_uses_speakers():
    bona, spoof = gaussians(10, 60, 60)
    scores = np.concatenate((bona, spoof))
    found = iv.paired(
        scores,
        scores * 2,
        np.arange(120) >= 60,
        speakers=[f"s{i % 10}" for i in range(120)],
        replicates=30,
    )["eer"]
    assert (found.unit, found.value, found.low, found.high) == ("speaker", 0, 0, 0)


def test_interval_from_counts_of_a_published_rate():
    low, high = iv.eer_interval(0.0909, 14_816, 133_359)  # 9.09 % +- 0.24
    assert (round(100 * low, 2), round(100 * high, 2)) == (8.85, 9.33)
    assert iv.eer_interval(0, 10, 10) == (0, 0)


def test_holm_known_answer_and_order():
    # Holm (1979) on four p-values: .01*4, .02*3, .03*2 (raised to .06), .04*1 (raised to .06).
    np.testing.assert_allclose(iv.holm([0.03, 0.01, 0.04, 0.02]), [0.06, 0.04, 0.06, 0.06])
    np.testing.assert_allclose(iv.holm([0.9, 0.8]), [1, 1])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: iv.intervals([], [1]), "no bona fide"),
        (lambda: iv.intervals([1], [2], speakers=(["a"], [])), "one speaker for every"),
        (lambda: iv.intervals([1], [2], replicates=0), "at least one"),
        (lambda: iv.paired([1, 2], [1], [False, True]), "one score for every"),
        (lambda: iv.paired([1, 2], [1, 2], [False, True], speakers=["a"]), "one speaker"),
    ],
)
def test_bad_input_says_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call()
