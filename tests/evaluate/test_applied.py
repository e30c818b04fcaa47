"""APE and Tippett plots against what is known of them."""

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from core.evaluate.analysis import applied_error, error_at, misleading, tippett
from core.evaluate.metrics import Tally
from training.published import convex_hull

FEW = st.sampled_from([-np.inf, -2.0, -0.5, 0.0, 0.5, 1.0, 3.0, np.inf])
SCORES = hnp.arrays(float, st.integers(1, 12), elements=FEW)
NORMAL = NormalDist()


def gaussian(d, n=20_000):
    """Log-likelihood ratios of two classes at a distance of d standard deviations."""
    at = np.array([NORMAL.inv_cdf((i + 0.5) / n) for i in range(n)])
    return Tally.of(d * at - d * d / 2, d * at + d * d / 2)


@given(SCORES, SCORES, st.floats(-6, 6))
def test_the_actual_error_is_that_of_bayes_decisions_and_the_minimum_that_of_any_threshold(
    bona, spoof, odds
):
    prior = 1 / (1 + np.exp(-odds))

    def error(threshold):
        return (1 - prior) * np.mean(bona > threshold) + prior * np.mean(spoof <= threshold)

    tally = Tally.of(bona, spoof)
    actual, least = error_at(tally, np.array([odds]))
    assert actual[0] == pytest.approx(error(-odds))
    cuts = tally.det()
    best = ((1 - prior) * cuts.p_miss + prior * cuts.p_fa).min()
    assert least[0] == pytest.approx(best)


def test_the_areas_are_cllr_and_min_cllr():
    rng = np.random.default_rng(1)
    tally = Tally.of(rng.normal(-1, 2, 300), rng.normal(2, 1, 400))
    odds = np.linspace(-60, 60, 240_001)
    actual, least = (np.trapezoid(e, odds) / (2 * np.log(2)) for e in error_at(tally, odds))
    assert actual == pytest.approx(tally.cllr(), abs=1e-4)
    assert least == pytest.approx(tally.min_cllr(), abs=1e-4)


def test_the_highest_minimum_is_where_the_hull_has_equal_errors():
    rng = np.random.default_rng(2)
    tally = Tally.of(rng.normal(0, 1, 200), rng.normal(1.5, 1, 300))
    _, least = error_at(tally, np.linspace(-7, 7, 20_001))
    fa, miss = np.array(convex_hull(tally.det())).T
    at = int(np.flatnonzero(miss <= fa)[0])
    gap = (miss - fa)[at - 1 : at + 1]
    share = gap[0] / (gap[0] - gap[1])
    equal = fa[at - 1] + share * (fa[at] - fa[at - 1])
    assert least.max() == pytest.approx(equal, abs=1e-5)


@pytest.mark.parametrize("d", [1.0, 2.5])
def test_calibrated_normal_scores_lie_where_the_formula_says(d):
    frame = applied_error(gaussian(d), points=15, reach=3.5)
    lines = {what: part["error"].to_numpy() for what, part in frame.groupby("what")}
    odds = frame.loc[frame["what"] == "actual", "log_odds"].to_numpy()
    prior = 1 / (1 + np.exp(-odds))
    known = np.array(
        [
            p * NORMAL.cdf(-x / d - d / 2) + (1 - p) * NORMAL.cdf(x / d - d / 2)
            for p, x in zip(prior, odds, strict=True)
        ]
    )
    assert lines["actual"] == pytest.approx(known, abs=1e-4)
    assert lines["minimum"] == pytest.approx(known, abs=2e-4)
    assert lines["no detector"] == pytest.approx(np.minimum(prior, 1 - prior))


@given(SCORES, SCORES)
def test_tippett_lines_are_the_shares_above(bona, spoof):
    tally = Tally.of(bona, spoof)
    frame = tippett(tally)
    for label, scores in (("bona fide", bona), ("spoofed", spoof)):
        part = frame[frame["label"] == label]
        values = part["llr"] * np.log(10)
        known = [np.mean(scores > v + 1e-9) for v in values]
        assert part["above"].tolist() == pytest.approx(known)
    assert misleading(tally) == pytest.approx((np.mean(bona > 0), np.mean(spoof < 0)))


def test_many_scores_are_thinned_and_their_ends_kept():
    tally = gaussian(2.0)
    frame = tippett(tally, points=100)
    assert len(frame) <= 204
    fakes = frame[frame["label"] == "spoofed"]
    assert fakes["above"].iloc[-1] == 0
    x = fakes["llr"].to_numpy() * np.log(10)
    known = [1 - NORMAL.cdf(v / 2 - 1) for v in x]
    assert fakes["above"].to_numpy() == pytest.approx(known, abs=1e-4)
