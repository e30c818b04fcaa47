"""The Systems page: its views, its order, deep links, empty states, what is downloaded."""

from functools import cache
from itertools import cycle
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.evaluate import arena, tables
from core.show.systems.words import VIEWS, WHICH
from tests.pages.words import assert_plain

PAGE = str(Path(__file__).resolve().parents[2] / "pages" / "Systems.py")
FIGURES = tables.load("arena")


def run(**query):
    at = AppTest.from_file(PAGE, default_timeout=60)
    for name, value in query.items():
        at.query_params[name] = value
    at.run()
    assert not at.exception
    return at


@cache
def seen(view):
    """A view as it is opened, for tests that only read it."""
    return run(arena=view)


def wide(at):
    return at.dataframe[0].value


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_shows_figures_and_no_error(view):
    at = seen(view)
    assert not at.error and not at.info
    assert_plain(at)
    assert bool(at.get("vega_lite_chart")) == (view != "Table")
    tables = [table.value for table in at.dataframe]
    names = {"source", "sources", "source, outside"}
    sources = [table[name] for table in tables for name in names & set(table)]
    assert bool(sources) == (view != "Heat map")
    assert all(source.str.len().gt(0).all() for source in sources)
    assert any(f"{len(FIGURES)} figures" in c.value for c in at.caption)


def test_by_default_the_mean_orders_only_those_that_have_every_corpus():
    at = seen("Table")
    table = wide(at)
    whole = table[table["missing"] == 0]
    assert 10 < len(whole) < len(table)
    assert whole.index.tolist() == list(range(len(whole)))
    assert whole["mean"].is_monotonic_increasing
    assert table["mean"].isna().sum() == len(table) - len(whole)
    assert any(f"{len(whole)} systems of {len(table)} have all 4" in c.value for c in at.caption)


def test_every_cell_of_the_table_is_a_row():
    known = {(r.system, r.benchmark, r.value) for r in FIGURES.itertuples()}
    table = wide(run(arena="Table", least="1")).set_index("system")
    cells = table.drop(columns=["mean", "missing"]).stack().dropna()
    assert len(cells) > 300
    assert {(system, corpus, value) for (system, corpus), value in cells.items()} <= known


def test_a_corpus_orders_the_rows():
    at = run(arena="Table")
    at.selectbox(key="order").set_value("In-the-Wild").run()
    values = wide(at)["In-the-Wild"]
    assert values.dropna().is_monotonic_increasing
    assert values.isna().tolist() == sorted(values.isna())
    assert any(c.value.startswith("Sorted by the EER on In-the-Wild") for c in at.caption)


def test_a_click_in_the_heat_map_orders_by_its_corpus(monkeypatch):
    at = run()
    at.session_state["systems-heat"] = {"selection": {"pick": [{"benchmark": "DFADD"}]}}
    monkeypatch.setattr("streamlit.session_state", at.session_state)
    from core.show.systems.view import sort_by_click

    sort_by_click()
    assert at.session_state["order"] == "DFADD"


def test_a_deep_link_restores_what_is_shown():
    at = run(
        arena="Table", corpora="HABLA", order="HABLA", figure="The highest", least="1",
        front="raw waveform",
    )  # fmt: skip
    table = wide(at)
    assert table.columns.tolist() == ["system", "mean", "missing", "HABLA"]
    assert table["system"].tolist() == ["AASIST-L", "AASIST", "RawTFNet"]
    assert at.selectbox(key="figure").value == "highest"


def test_which_of_several_figures_stands_can_be_chosen():
    for which, value in (("authors", 1.14), ("others", 1.06), ("highest", 43.793)):
        table = wide(run(arena="Table", figure=WHICH[which])).set_index("system")
        assert table.loc["DF Arena 1B", "ASVspoof 2019 LA"] == value


def test_contradictions_stand_with_all_their_sources():
    rows = seen("Contradictions").dataframe[1].value
    worst = rows.head(3)
    assert set(worst["system"]) == {"DF Arena 1B"}
    assert worst["EER (%)"].tolist() == [1.06, 1.14, 43.793]
    assert worst["source"].nunique() == 3


@pytest.mark.parametrize("along", ["Way of training", "Parameters", "Year", "Error in training"])
def test_generalisation_shows_the_published_system_among_all(along):
    at = run(arena="Generalisation", along=along)
    points = at.dataframe[0].value.set_index("system")
    assert len(points) > 50
    assert points.loc["wav2vec2-base stage 2 (published)", "EER outside training"] == 26.33
    spec = str(at.get("vega_lite_chart")[0].proto.spec)
    assert "wav2vec2-base" in spec and "26.33 %" in spec


def test_generalisation_on_chosen_corpora():
    at = run(arena="Generalisation", seen="ASVspoof 2019 LA", unseen="In-the-Wild")
    points = at.dataframe[0].value.set_index("system")
    assert points.loc["AASIST", ["EER in training", "EER outside training"]].tolist() == [
        0.83,
        43.01,
    ]
    assert set(points["outside: corpora"]) == {"In-the-Wild"}
    assert "ASVspoof 2021 LA" not in at.selectbox(key="unseen").options[:3]


def test_every_contradiction_is_a_row_of_the_corrections():
    at = seen("Contradictions")
    made = at.dataframe[0].value
    assert not made.duplicated(["system", "corpus"]).any()
    assert len(at.dataframe[1].value) > len(made) > 20


def test_nothing_matching_says_so():
    at = run(front="audio language model", reporter="published")
    assert "Remove a filter" in at.info[0].value
    assert "Remove a filter" in run(
        arena="Contradictions", front="audio language model"
    ).info[0].value  # fmt: skip
    assert run(
        arena="Generalisation", front="audio language model", reporter="published"
    ).info  # fmt: skip


ODD = ["1" * 5_000, "-1", "1e999", "nan", "<script>alert(1)</script>", "\0", "\ufeff1", ""]


@pytest.mark.parametrize(
    ("view", "value"), [*zip(ODD, ODD, strict=True), *zip(cycle(VIEWS), ODD, strict=False)]
)
def test_an_address_that_holds_anything_else_shows_the_page(view, value):
    names = ("corpora", "front", "reporter", "figure", "order", "over", "least", "seen", "unseen")
    run(arena=view, along=value, **dict.fromkeys(names, value))


def test_a_changed_table_changes_the_page(results):
    import pandas as pd

    rows = pd.read_csv(results / "arena.csv")
    here = rows["system"].eq("AASIST") & rows["benchmark"].eq("In-the-Wild")
    rows.loc[here, "value"] = 12.34
    rows.to_csv(results / "arena.csv", index=False)
    table = wide(run(arena="Table")).set_index("system")
    assert table.loc["AASIST", "In-the-Wild"] == 12.34


def test_what_is_hatched_is_said_in_the_rows():
    rows = seen("Table").dataframe[1].value
    mine = rows[rows["system"].eq("AASIST")].set_index("corpus")["seen"]
    assert set(mine["ASVspoof 2019 LA"]) == {arena.SEEN}
    assert mine["In-the-Wild"] == arena.UNSEEN
