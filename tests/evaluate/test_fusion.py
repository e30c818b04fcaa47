"""Fusion of systems: known answers, and nothing measured on what it was learnt from."""

from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from core.evaluate import analysis as an
from core.evaluate import fusion
from core.evaluate.metrics import Tally
from core.evaluate.trials import Trials, TrialsError

PHI = NormalDist().cdf


def table(scores, spoof, speakers=None, **columns):
    frame = pd.DataFrame(
        {
            "trial": [f"t{i}" for i in range(len(spoof))],
            "label": np.where(spoof, "spoof", "bonafide"),
            "score": scores,
            **columns,
        }
    )
    return frame if speakers is None else frame.assign(speaker=speakers)


def systems(scores, spoof, speakers=None, **columns):
    """Systems whose scores are the columns of an array."""
    first = an.prepare(Trials(table(scores[:, 0], spoof, speakers, **columns)), "spoof")
    others = [
        (f"s{i}", Trials(table(scores[:, i], spoof)), "spoof") for i in range(1, scores.shape[1])
    ]
    return an.together(first, "s0", others)


def independent(seed, distances, n=4000, speakers=40):
    rng = np.random.default_rng(seed)
    spoof = np.arange(n) % 2 == 0
    scores = rng.normal(size=(n, len(distances))) + spoof[:, None] * np.array(distances)
    return scores, spoof, [f"p{i}" for i in rng.integers(speakers, size=n)]


def eer(result, system):
    rows = result.figures[(result.figures["metric"] == "eer")].set_index("system")
    return rows.loc[system]


def test_one_system_is_calibrated_as_by_affine_calibration():
    rng = np.random.default_rng(0)
    bona, spoof = rng.normal(-1, 2, 300), rng.normal(1, 1, 500)
    affine = Tally.of(bona, spoof).affine_calibration()
    found = fusion.learn(np.r_[bona, spoof][:, None], np.arange(800) >= 300)
    assert (found.weights[0], found.offset) == pytest.approx(tuple(affine), abs=1e-4)


def test_weights_are_those_of_two_normal_classes():
    """Of equal spread S: weights inv(S) (m1 - m0), at 0 half way between."""
    rng = np.random.default_rng(1)
    spread = np.array([[1.0, 0.6], [0.6, 2.0]])
    means = np.array([[0.0, 1.0], [1.5, 2.0]])
    spoof = np.arange(200_000) % 2 == 0
    scores = rng.multivariate_normal([0, 0], spread, len(spoof)) + means[spoof.astype(int)]
    found = fusion.learn(scores, spoof)
    known = np.linalg.solve(spread, means[1] - means[0])
    assert found.weights == pytest.approx(known, abs=0.03)
    assert found.offset == pytest.approx(-known @ means.mean(axis=0), abs=0.03)


def test_two_independent_systems_reach_the_known_error():
    scores, spoof, speakers = independent(2, (2.0, 2.0), 20_000)
    result = an.fuse(systems(scores, spoof, speakers))
    for name in (an.LOGISTIC, an.EQUAL):
        row = eer(result, name)
        assert row["value"] == pytest.approx(100 * PHI(-(2**0.5)), abs=0.5)
        assert row["low"] < 100 * PHI(-(2**0.5)) < row["high"]
    gain = an.best_alone(result, "eer")
    assert gain["high"] < 0 and gain["p_value"] < 0.001
    assert gain["difference"] == pytest.approx(100 * (PHI(-(2**0.5)) - PHI(-1)), abs=1)
    weights = result.weights["weight"].to_numpy()
    assert weights[0] == pytest.approx(weights[1], rel=0.1)


def test_a_second_system_that_knows_nothing_gains_nothing():
    scores, spoof, speakers = independent(3, (2.0, 0.0))
    result = an.fuse(systems(scores, spoof, speakers))
    gain = an.best_alone(result, "eer")
    assert gain["low"] <= 0 <= gain["high"] and gain["p_value"] > 0.05
    assert abs(result.weights["weight"].iloc[1]) < 0.1
    cllr = result.figures[result.figures["metric"] == "cllr"].set_index("system")["value"]
    assert cllr[an.LOGISTIC] == pytest.approx(cllr["s0"], abs=0.01)


def test_nothing_is_judged_by_what_it_taught():
    """The judged trials' own labels are turned around, and their ratios stay as they were."""
    scores, spoof, _ = independent(4, (1.5, 1.0), 600)
    part = ["dev" if i % 3 else "eval" for i in range(600)]
    judged = np.array(part) == "eval"
    given = systems(scores, spoof, subset=part)
    plan = an.split(given.first, "subset", "dev", "eval")
    before = an.fuse(given, plan).llr
    other = systems(scores, np.where(judged, ~spoof, spoof), subset=part)
    after = an.fuse(other, an.split(other.first, "subset", "dev")).llr
    assert np.isnan(before[~judged]).all()
    assert (before[judged] == after[judged]).all()


def test_learning_from_one_part_gives_the_weights_of_that_part():
    scores, spoof, _ = independent(5, (1.5, 1.0), 900)
    dev = np.arange(900) % 3 > 0
    given = systems(scores, spoof, subset=np.where(dev, "dev", "eval"))
    result = an.fuse(given, an.split(given.first, "subset", "dev"))
    way = fusion.learn(scores[dev], spoof[dev])
    assert result.llr[~dev] == pytest.approx(way.apply(scores[~dev]))
    assert (result.n_bonafide, result.n_spoof) == (int((~spoof[~dev]).sum()), spoof[~dev].sum())


@given(
    hnp.arrays(np.int64, st.integers(20, 80), elements=st.integers(-1, 12)),
    st.randoms(use_true_random=False),
)
def test_a_speaker_is_in_one_fold_and_every_fold_can_be_learnt_without(speakers, random):
    spoof = np.array([random.random() < 0.5 for _ in speakers])
    spoof[:10] = [True, False] * 5
    found, apart = fusion.folds(speakers, spoof)
    for fold in np.unique(found):
        rest = spoof[found != fold]
        assert rest.any() and not rest.all()
    if apart:
        for speaker in set(speakers) - {-1}:
            assert len(set(found[speakers == speaker])) == 1


def test_folds_hold_about_as_much_of_either_class():
    rng = np.random.default_rng(6)
    spoof = rng.random(3000) < 0.8
    found, apart = fusion.folds(rng.integers(60, size=3000), spoof)
    assert apart
    for label in (spoof, ~spoof):
        sizes = np.bincount(found[label]) / label.sum()
        assert sizes == pytest.approx([0.2] * 5, abs=0.03)


def test_few_speakers_are_said():
    scores, spoof, _ = independent(7, (1.5, 1.0), 400)
    one = an.fuse(systems(scores, spoof, ["p"] * 400))
    assert "Too few speakers" in one.problems[0].sentence
    assert np.isnan(an.best_alone(one, "eer")["p_value"])
    assert "not known" in an.fuse(systems(scores, spoof)).problems[0].sentence


def test_infinite_scores_count_as_the_farthest():
    scores, spoof, speakers = independent(8, (2.0, 1.0), 400)
    scores[3, 0], scores[4, 1] = np.inf, -np.inf
    result = an.fuse(systems(scores, spoof, speakers))
    assert np.isfinite(result.llr).all()
    assert any("2 trials have an infinite score" in p.sentence for p in result.problems)


def test_what_cannot_be_fused_says_why():
    scores, spoof, _ = independent(9, (2.0, 1.0), 60)
    with pytest.raises(TrialsError, match="at least two systems"):
        an.fuse(systems(scores[:, :1], spoof))
    given = systems(scores, spoof, subset=np.where(spoof, "a", "b"))
    with pytest.raises(TrialsError, match="there is: a, b"):
        an.split(given.first, "subset", "dev")
    with pytest.raises(TrialsError, match="lack a class"):
        an.fuse(given, an.split(given.first, "subset", "a"))
    with pytest.raises(TrialsError, match="two different values"):
        an.split(given.first, "subset", "a", "a")
    with pytest.raises(TrialsError, match="no column 'where'"):
        an.split(given.first, "where", "a")


def test_systems_are_joined_by_name_and_what_is_missing_is_said():
    scores, spoof, speakers = independent(10, (2.0, 1.0, 0.5), 300)
    first = an.prepare(Trials(table(scores[:, 0], spoof, speakers)), "spoof")
    second = table(-scores[:, 1], spoof).iloc[::-1].iloc[:200]
    third = table(scores[:, 2], spoof)
    found = an.together(
        first, "x", [("x", Trials(second), "bonafide"), ("z", Trials(third), "spoof")]
    )
    assert found.names == ("x", "x [2]", "z")
    assert found.scores == pytest.approx(scores[100:])
    assert "100 trials of x are not in every file" in found.problems[-1].sentence
    figures, det, marks = an.side_by_side(found)
    value = figures[(figures["system"] == "x [2]") & (figures["metric"] == "eer")]["value"].iloc[0]
    tally = Tally.of(scores[100:, 1][~spoof[100:]], scores[100:, 1][spoof[100:]])
    assert value == pytest.approx(100 * tally.eer().rate)
    assert set(det["system"]) == set(marks["system"]) == set(found.names)
    costs = marks[marks["system"] == "x [2]"].set_index("point")["cost"]
    assert float(costs["lowest cost"]) == pytest.approx(tally.min_dcf().cost, abs=1e-4)
    assert float(costs["Bayes threshold"]) == pytest.approx(tally.act_dcf().cost, abs=1e-4)
