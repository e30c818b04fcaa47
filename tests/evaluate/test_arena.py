"""Systems on corpora as others print them: every cell is a row, means are fair."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.evaluate import arena as a
from core.evaluate import tables as t

TABLE = t.load("arena")
SYSTEMS = t.load("arena_systems")
CORPORA = t.load("arena_corpora")
JOINED = a.joined(TABLE, SYSTEMS, CORPORA)


def test_the_table_is_wide_and_every_row_says_where_it_stands():
    assert TABLE["system"].nunique() >= 25
    assert TABLE["benchmark"].nunique() >= 20
    assert (TABLE["source"].str.len() > 15).all()
    assert set(TABLE["system"]) == set(SYSTEMS["system"])
    assert TABLE[["low", "high"]].isna().all().all()


def test_a_copied_figure_is_that_of_the_table_it_was_copied_from():
    here = TABLE[TABLE["source"].isin(t.load("published_eer")["source"])]
    there = t.load("published_eer").query("breakdown == 'overall' and metric == 'eer'")
    values = {
        (row.source, row.benchmark.removesuffix(" eval"), row.value) for row in there.itertuples()
    }
    assert len(here) > 10
    assert {(r.source, r.benchmark, r.value) for r in here.itertuples()} <= values


def test_seen_follows_from_the_training_data():
    seen = JOINED.set_index(["system", "benchmark"])["seen"].groupby(level=[0, 1]).first()
    assert seen["AASIST", "ASVspoof 2019 LA"] == a.SEEN
    assert seen["AASIST", "In-the-Wild"] == a.UNSEEN
    assert seen["Spectra-AASIST3", "In-the-Wild"] == a.UNSTATED
    assert seen["wav2vec2-base stage 2 (published)", "WaveFake"] == a.UNSEEN
    assert seen["AASIST", "ASVspoof 2021 DF"] == a.RELATED
    assert set(CORPORA["benchmark"]) | set(CORPORA["made_from"]) <= set(TABLE["benchmark"])


def test_the_known_contradiction_stands_with_all_its_sources():
    rows = a.contradictions(JOINED)
    worst = rows[rows["system"].eq("DF Arena 1B") & rows["benchmark"].eq("ASVspoof 2019 LA")]
    assert worst["value"].tolist() == [1.06, 1.14, 43.793]
    assert worst["reported_by"].nunique() == 3
    assert rows["difference"].is_monotonic_decreasing
    assert (rows.groupby(a.CELL)["value"].agg(lambda v: v.max() - v.min()) >= a.APART).all()


@pytest.mark.parametrize(
    ("which", "value"), [("authors", 1.14), ("others", 1.06), ("lowest", 1.06), ("highest", 43.793)]
)
def test_which_figure_stands_for_a_cell(which, value):
    cell = a.cells(JOINED, which).set_index(["system", "benchmark"])
    row = cell.loc["DF Arena 1B", "ASVspoof 2019 LA"]
    assert (row["value"], row["n_figures"]) == (value, 3)
    assert row["all_figures"].count(" % by ") == 3


rows = st.lists(
    st.tuples(
        st.sampled_from("abcd"),
        st.sampled_from("wxyz"),
        st.sampled_from(t.REPORTED_KINDS),
        st.floats(0, 100),
    ),
    min_size=1,
    max_size=30,
)


def frame(found) -> pd.DataFrame:
    made = pd.DataFrame(found, columns=["system", "benchmark", "kind", "value"])
    return made.assign(reported_by="somebody", seen=a.UNSEEN)


@given(rows, st.sampled_from(["authors", "others", "lowest", "highest"]))
def test_every_cell_is_a_row_and_there_is_one_each(found, which):
    table = frame(found)
    made = a.cells(table, which)
    assert not made.duplicated(a.CELL).any()
    assert set(map(tuple, made[a.CELL].to_numpy())) == set(map(tuple, table[a.CELL].to_numpy()))
    assert (table.loc[made.index, ["value", "kind"]] == made[["value", "kind"]]).all().all()
    assert made["n_figures"].sum() == len(table)


@given(rows, st.sets(st.sampled_from("wxyz"), min_size=1))
def test_a_mean_is_given_only_where_no_corpus_is_missing(found, over):
    made = a.cells(frame(found))
    ranks = a.ranking(made, sorted(over))
    for row in ranks.itertuples():
        mine = made[made["system"].eq(row.system) & made["benchmark"].isin(over)]["value"]
        assert row.missing == len(over) - len(mine)
        assert row.mean == pytest.approx(mine.mean()) if not row.missing else row.mean != row.mean
    assert ranks["missing"].is_monotonic_increasing
    assert ranks["mean"].dropna().is_monotonic_increasing


def test_every_contradiction_is_one_row_that_says_who_says_what():
    made = a.corrections(a.contradictions(JOINED)).set_index(["system", "corpus"])
    assert made.index.is_unique
    worst = made.loc["DF Arena 1B", "ASVspoof 2019 LA"]
    assert [f"{v:g} %" in worst["said"] for v in (1.06, 1.14, 43.793)] == [True] * 3
    assert worst["points apart"] == pytest.approx(42.733)


def test_inside_and_outside_of_one_corpus_each():
    both = a.inside_and_outside(a.cells(JOINED), "ASVspoof 2019 LA", "In-the-Wild")
    aasist = both.set_index("system").loc["AASIST"]
    assert (aasist["inside"], aasist["outside"]) == (0.83, 43.01)
    trained = SYSTEMS.set_index("system").loc[both["system"], "trained_on"]
    assert (trained != "").all() and not trained.str.contains("In-the-Wild").any()


def test_outside_holds_nothing_that_was_in_training_or_is_made_from_it():
    made = a.inside_and_outside(a.cells(JOINED))
    assert made["outside"].is_monotonic_increasing and set(made["way"]) == set(a.WAYS)
    from_ = CORPORA.groupby("benchmark")["made_from"].agg(set)
    cells = a.cells(JOINED).set_index(["system", "benchmark"])["value"]
    for row in made.itertuples():
        on = _corpora(row.outside_on, row.system, cells)
        trained = set(row.trained_on.split("; "))
        assert not trained & set(on)
        assert not [c for c in on if from_.get(c, set()) & trained]
        assert row.outside == pytest.approx(cells.loc[[(row.system, c) for c in on]].median())


def _corpora(said, system, cells):
    """The corpora of a text; some names hold commas."""
    known = sorted(cells.loc[system].index, key=len, reverse=True)
    found = []
    while said:
        name = next(c for c in known if said.startswith(c))
        found.append(name)
        said = said[len(name) :].removeprefix(", ")
    return found


def test_the_published_system_is_among_those_that_were_tuned_on_one_corpus():
    """What its page says of it beside the others."""
    made = a.inside_and_outside(a.cells(JOINED)).set_index("system")
    own = made.loc["wav2vec2-base stage 2 (published)"]
    assert (own["inside"], own["outside"], own["way"]) == (5.55, 26.33, a.WAYS[2])
    assert made.loc["DF Arena 1B", "way"] == a.WAYS[3]
    assert made.loc["WavLM Large (Spoof-SUPERB)", "way"] == a.WAYS[1]
    medians = made.groupby("way")["outside"].median()
    assert medians[list(a.WAYS)].is_monotonic_decreasing
