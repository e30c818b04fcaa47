"""One system on several data sets: known answers by set, pooled, on average and carried over."""

from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest

from benchmarks.several import table
from core.evaluate import analysis as an
from core.evaluate.metrics import Tally
from core.evaluate.tables.loading import ROOT, load
from core.evaluate.trials import Trials, TrialsError

PHI = NormalDist().cdf


def one_set(shift, distance, n=1000, speakers=10, seed=0, prefix=""):
    """Normal scores as quantiles: an EER of Phi(-distance / 2) at ``shift + distance / 2``."""
    at = [NormalDist().inv_cdf((i + 0.5) / n) for i in range(n)]
    spoof = np.arange(2 * n) >= n
    return Trials(
        pd.DataFrame(
            {
                "trial": [f"{prefix}{i}" for i in range(2 * n)],
                "label": np.where(spoof, "spoof", "bonafide"),
                "score": np.r_[at, at] + shift + distance * spoof,
                "speaker": [
                    f"p{i}" for i in np.random.default_rng(seed).integers(speakers, size=2 * n)
                ],
            }
        )
    )


@pytest.fixture(scope="module")
def found():
    trials = an.stacked(
        [("A", one_set(0, 2, prefix="a")), ("B", one_set(1, 2)), ("C", one_set(0, 3, prefix="c"))]
    )
    return an.by_data_set(an.prepare(trials, "spoof"))


def value(found, name, metric="eer"):
    rows = found.figures[found.figures["metric"] == metric].set_index("condition")
    return rows.loc[name]


def test_each_set_has_its_own_known_error_and_the_mean_counts_each_once(found):
    known = {"A": 100 * PHI(-1), "B": 100 * PHI(-1), "C": 100 * PHI(-1.5)}
    for name, eer in known.items():
        assert value(found, name)["value"] == pytest.approx(eer, abs=0.1)
    mean = value(found, an.MEAN)
    assert mean["value"] == pytest.approx(sum(known.values()) / 3, abs=0.1)
    assert mean["low"] < mean["value"] < mean["high"]
    # A set whose scores lie higher makes the pool worse than any set is on average.
    assert value(found, an.POOLED)["value"] > mean["value"] + 1


def test_a_threshold_carried_over_errs_as_the_formula_says(found):
    carried = found.carried.set_index(["taken_from", "applied_to"])
    same = carried.loc[("A", "A")]
    assert same["error"] == pytest.approx(value(found, "A")["value"])
    there = carried.loc[("A", "B")]  # B lies one standard deviation higher
    assert there["threshold"] == pytest.approx(1, abs=0.01)
    assert there["p_miss"] == pytest.approx(50, abs=0.2)
    assert there["p_fa"] == pytest.approx(100 * PHI(-2), abs=0.1)
    assert there["error"] == pytest.approx((there["p_miss"] + there["p_fa"]) / 2)
    assert there["low"] < there["error"] < there["high"]
    assert set(found.carried["taken_from"]) == {"A", "B", "C", an.POOLED}


def test_the_mean_of_one_set_twice_is_that_set_with_its_interval():
    """The same speakers in both, so nothing more is known than from one."""
    one = one_set(0, 2)
    twice = an.stacked([("A", one), ("B", one)])
    assert "2,000 trials" not in twice.problems[0].sentence  # all four thousand
    found = an.by_data_set(an.prepare(twice, "spoof"))
    for metric in ("eer", "min_dcf", "act_dcf", "cllr", "auc"):
        own, mean = value(found, "A", metric), value(found, an.MEAN, metric)
        assert mean["value"] == pytest.approx(own["value"])
        width = own["high"] - own["low"]
        assert mean["high"] - mean["low"] == pytest.approx(width, rel=0.35)


def test_other_speakers_in_the_second_set_make_the_mean_surer():
    second = one_set(0, 2, seed=1)
    second.table["speaker"] = "q" + second.table["speaker"]
    apart = an.by_data_set(an.prepare(an.stacked([("A", one_set(0, 2)), ("B", second)]), "spoof"))
    own, mean = value(apart, "A"), value(apart, an.MEAN)
    assert mean["high"] - mean["low"] < 0.85 * (own["high"] - own["low"])


def test_a_column_names_data_sets_and_a_set_of_one_class_is_said():
    table = one_set(0, 2).table.assign(corpus=lambda t: np.arange(len(t)) % 3)
    table.loc[(table["corpus"] == 2) & (table["label"] == "spoof"), "corpus"] = 1
    data = an.prepare(Trials(table), "spoof")
    found = an.by_data_set(data, "corpus")
    assert "2 has no fake" in found.problems[0].sentence
    chosen = (table["corpus"] == 1).to_numpy()
    scores, spoof = table["score"].to_numpy()[chosen], (table["label"] == "spoof")[chosen]
    tally = Tally.of(scores[~spoof], scores[spoof])
    assert value(found, "1")["value"] == pytest.approx(100 * tally.eer().rate)
    with pytest.raises(TrialsError, match="no column 'where'"):
        an.by_data_set(data, "where")
    with pytest.raises(TrialsError, match="Fewer than two values"):
        an.by_data_set(an.prepare(Trials(table[chosen].assign(corpus=1)), "spoof"), "corpus")


def test_a_set_that_runs_the_other_way_is_said():
    other = one_set(0, 2, prefix="b")
    other.table["score"] *= -1
    data = an.prepare(an.stacked([("A", one_set(0, 2)), ("B", other)]), "spoof")
    assert "On B the scores rank the classes worse" in an.by_data_set(data).problems[0].sentence


def test_sets_are_stacked_with_their_names_and_what_does_not_fit_is_refused():
    first, second = one_set(0, 2, n=3), one_set(1, 2, n=3)
    both = an.stacked([("A", first), ("B", second)])
    assert both.table["trial"].is_unique and both.table["trial"].iloc[0] == "A/0"
    assert list(both.table[an.DATA_SET]) == ["A"] * 6 + ["B"] * 6
    with pytest.raises(TrialsError, match="Two files are called A"):
        an.stacked([("A", first), ("A", second)])
    unlabelled = Trials(second.table.drop(columns="label"))
    with pytest.raises(TrialsError, match="B has no labels"):
        an.stacked([("A", first), ("B", unlabelled)])
    ways = Trials(first.table, (), "spoof"), Trials(second.table, (), "bonafide")
    odd = an.stacked([("A", ways[0]), ("B", ways[1])])
    assert odd.higher is None and "run different ways" in odd.problems[-1].sentence


def test_an_error_free_set_leaves_room_in_the_mean():
    clean = one_set(0, 20, n=50, prefix="b")
    data = an.prepare(an.stacked([("A", one_set(0, 2)), ("B", clean)]), "spoof")
    mean = value(an.by_data_set(data), an.MEAN)
    assert mean["value"] == pytest.approx(100 * PHI(-1) / 2, abs=0.1)
    assert mean["low"] < mean["value"] < mean["high"]


def test_the_document_shows_what_was_measured():
    rows = load("several")
    assert table(rows) in (ROOT / "docs" / "evaluation.md").read_text("utf-8")
    held = rows["what"].str.endswith("held")
    assert rows.loc[held, "percent"].min() >= 93
    assert rows.loc[~held, "percent"].max() <= 5
