"""Intervals of three classes, and of trials of unequal weight: known answers and coverage."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import coverage_kinds as bench
from core.evaluate import influence as inf
from core.evaluate import metrics as m
from core.evaluate import segments as sg
from core.evaluate.grouped import Share, grouped_interval
from core.evaluate.intervals import interval
from core.evaluate.sample import Sample, Units
from core.evaluate.tables import load
from core.evaluate.trials import SpoofAwareTrials
from core.evaluate.verification_intervals import Sure
from core.files import ROOT

few = st.lists(st.tuples(st.integers(-3, 3), st.integers(0, 9)), min_size=4, max_size=25)


@given(few, few)
@settings(max_examples=60, deadline=None)
def test_of_two_classes_it_is_the_interval_of_two_classes(bona, spoof):
    scores, who = np.array([*bona, *spoof]).T
    is_spoof = np.arange(len(scores)) >= len(bona)
    units = Units.of(who, is_spoof)
    data = Sample(scores.astype(float), is_spoof, units)
    linear = inf.eer(data.tally)
    known = interval(linear, data)
    shares = [
        Share(moves[data.level[chosen]], units.codes[chosen])
        for chosen, moves in ((~is_spoof, linear.bonafide), (is_spoof, linear.spoof))
    ]
    found = grouped_interval(linear, shares, units.unit)
    if linear.value > 0:  # without an error the bound is by the class with fewer units
        assert (found.low, found.high) == (
            (None, None) if known.low is None else pytest.approx((known.low, known.high))
        )
    assert found.why == known.why
    # A trial that weighs two is two trials of one unit.
    if units.unit == "speaker":
        doubled = [Share(s.moves, s.units, np.full(len(s.moves), 2.0)) for s in shares]
        assert grouped_interval(linear, doubled, "speaker").high == pytest.approx(found.high)


def verification(**columns):
    kinds = {"target": 150, "nontarget": 400, "spoof": 400}
    return SpoofAwareTrials(
        pd.DataFrame({"kind": np.repeat(list(kinds), list(kinds.values())), **columns}), {}
    )


def test_an_adcf_of_impostors_who_are_alike_is_a_dcf():
    rng = np.random.default_rng(2)
    score = np.concatenate((rng.normal(3, 1, 150), rng.normal(0, 1, 800)))
    costs = m.AdcfCosts(0.5, 0.25, 0.25, 1, 1, 1)
    trials = verification(sasv=score)
    cost = m.cheapest_adcf(m.spoof_aware_curve(*trials.of("sasv").values()), costs)
    found = Sure(trials).min_adcf(cost, costs)
    is_spoof = np.arange(950) >= 150
    data = Sample(-score, is_spoof, Units.of(None, is_spoof))
    plain = interval(inf.min_dcf(m.Costs(0.5, 1, 1))(data.tally), data)
    assert found.value == pytest.approx(plain.value)
    assert (found.low, found.high) == pytest.approx((plain.low, plain.high), rel=0.03)


def test_the_teer_spreads_as_far_as_when_trials_are_drawn_again():
    rng = np.random.default_rng(4)
    trials = bench.verification((0, 150, 400, 400), rng)

    def point(table):
        of = [{k: g[r].to_numpy() for k, g in table.groupby("kind")} for r in ("asv", "cm")]
        bona = np.concatenate((of[1]["target"], of[1]["nontarget"]))
        asv = m.spoof_aware_curve(*(of[0][k] for k in bench.KINDS))
        return m.Tandem(asv, m.Tally.of(-bona, -of[1]["spoof"]).det()).concurrent_eer()

    drawn = []
    for seed in range(80):
        again = trials.table.groupby("kind").sample(frac=1, replace=True, random_state=seed)
        drawn.append(100 * point(again).value)
    found = Sure(trials).concurrent_eer(point(trials.table))
    error = (found.high - found.low) / 2 / 1.96
    assert error == pytest.approx(np.std(drawn), rel=0.3)
    assert found.low < found.value < found.high


def test_intervals_of_other_kinds_hold_the_truth_as_often_as_they_say(monkeypatch):
    # Of 60 intervals at 95 %, fewer than 50 hold the truth in 1 of 2,000 cases.
    monkeypatch.setattr(bench, "VERIFICATION", ((8, 80, 200, 200),))
    monkeypatch.setattr(bench, "FILES", (20,))
    monkeypatch.setattr(bench, "MANY", 4_000)
    rows = bench.measured(60)
    assert (rows["runs"] >= 55).all()
    assert rows[rows["percent"] < 83].empty


def test_a_range_eer_of_few_files_has_no_interval():
    found = bench.within(4, np.random.default_rng(0))
    assert "fewer than five files" in found.range_eer().why
    assert sg.figures(found)["note"].iloc[0].startswith("No interval")
    more = bench.within(20, np.random.default_rng(0)).range_eer()
    assert more.low < more.value < more.high and more.unit == "speaker"


def test_the_document_shows_what_was_measured():
    text = (ROOT / "docs" / "evaluation.md").read_text()
    rows = load("coverage_kinds")
    for _, group in rows.groupby("what", sort=False):
        assert bench.table(group) in text
    assert rows["percent"].min() > 85
    true = bench.true_verification()
    assert f"min a-DCF {true['min_adcf']:.3f}, SV-EER {true['sv_eer']:.1f} %" in text
    assert f"SPF-EER {true['spf_eer']:.1f} %, t-EER {true['teer']:.1f} %" in text
    assert f"countermeasure {true['cm_eer']:.1f} %" in text
