"""What an address remembers of what a visitor brought, and what a page says after a reload."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.show.figures.known_detectors import name_of
from core.show.navigation import address
from tests.pages.test_detect import upload

PAGES = Path(__file__).resolve().parents[2] / "pages"
LOSSES = [
    ("Detect", "clip"),
    ("Timeline", "clip"),
    ("Live", "take"),
    ("Your_Scores", "score file"),
]


@pytest.fixture(autouse=True)
def no_browser(monkeypatch):
    """Live's component finds none."""
    for module in ("component", "shutdown"):
        monkeypatch.setattr(f"streamlit_webrtc.{module}.get_this_session_info", lambda: None)


def open_page(name: str, **query: str) -> AppTest:
    page = AppTest.from_file(str(PAGES / f"{name}.py"), default_timeout=60)
    for key, value in query.items():
        page.query_params[key] = value
    page.run()
    assert not page.exception
    return page


@pytest.mark.parametrize(("name", "what"), LOSSES)
def test_a_reload_that_loses_something_says_what_and_how_to_bring_it_again(detector, name, what):
    said = f"The {what} that was here is gone"
    assert not any(said in info.value for info in open_page(name).info)
    found = [info.value for info in open_page(name, kept="1").info]
    assert sum(said in text and address.LOST[what] in text for text in found) == 1


def test_what_a_visitor_brought_is_noted_and_what_they_let_go_of_is_not(detector, examples):
    page = upload(open_page("Detect"), "human.wav")
    assert page.query_params["kept"] == "1"
    next(b for b in page.button if b.label == "Forget all clips").click().run()
    assert not page.info and "kept" not in page.query_params
    page.button(key="detect-example-2").click().run()
    assert (page.query_params.get("example"), page.query_params.get("kept")) == ("2", None)


@pytest.mark.parametrize(("name", "what"), LOSSES)
def test_what_this_visit_let_go_of_is_not_called_lost(detector, name, what):
    page = open_page(name)
    page.session_state["address-held"] = True
    page.query_params["kept"] = "1"  # the back button
    page.run()
    assert not any("is gone" in info.value for info in page.info)
    assert "kept" not in page.query_params


NOWHERE = [
    ("Detect", {"example": "99"}, "99"),
    ("Timeline", {"example": "99"}, "99"),
    ("Timeline", {"example": "one", "from": "3"}, "one**, **from=3"),
    ("Timeline", {"from": "3", "to": "4"}, "from=3**, **to=4"),
    ("Timeline", {"example": "1", "from": "nan", "to": "4"}, "from=nan**, **to=4"),
    ("Timeline", {"example": "1", "from": "900", "to": "905"}, "from=900**, **to=905"),
    ("Benchmarks", {"view": "nothing"}, "nothing"),
    ("Benchmarks", {"view": "Side by side", "cells": "nothing"}, "nothing"),
    ("Benchmarks", {"view": "Error trade-off", "prior": "100"}, "prior=100"),
    ("Benchmarks", {"view": "Error trade-off", "cost_missed_fake": "x"}, "cost\\_missed\\_fake=x"),
    ("Benchmarks", {"view": "Error trade-off", "c_fa": "1000"}, "c\\_fa=1000"),
    *(
        ("Systems", {name: "nothing"}, "nothing")
        for name in ("arena", "front", "reporter", "figure", "corpora", "order", "over", "along")
    ),
    ("Systems", {"least": "11"}, "least=11"),
    ("Systems", {"arena": "Generalisation", "seen": "nothing"}, "nothing"),
    ("Systems", {"arena": "Generalisation", "unseen": "nothing"}, "nothing"),
    ("Under_the_Hood", {"hood": "nothing"}, "nothing"),
    ("Under_the_Hood", {"hood-detector": "nothing"}, "nothing"),
]


@pytest.mark.parametrize(("name", "asked", "said"), NOWHERE)
def test_what_an_address_names_and_is_not_here_is_said(detector, examples, name, asked, said):
    lost = [i.value for i in open_page(name, **asked).info if "no such choice here" in i.value]
    assert len(lost) == 1 and f"The address names **{said}**" in lost[0].replace(
        "\N{WORD JOINER}", ""
    )


@pytest.mark.parametrize("name", sorted({name for name, _, _ in NOWHERE}))
def test_an_address_without_a_question_has_nothing_said_of_it(detector, examples, name):
    empty = {key: "" for of, asked, _ in NOWHERE if of == name for key in asked}
    for asked in ({}, empty):
        assert not [i for i in open_page(name, **asked).info if "The address" in i.value]


TWICE = [
    ("Under_the_Hood", "hood", ["References", "nothing", "model card"], "Model card"),
    ("Under_the_Hood", "hood-detector", ["aasist-l", "aasist"], name_of("aasist")),
    ("Benchmarks", "view", ["Generators", "significance"], "Significance"),
    ("Systems", "arena", ["Table", "Contradictions"], "Contradictions"),
    ("Systems", "least", ["3", "4"], "4"),
    ("Systems", "least", ["\uff14"], "4"),
    ("Systems", "least", ["1_0"], "10"),
    ("Timeline", "example", ["1", "2"], "2"),
]


@pytest.mark.parametrize(("name", "key", "asked", "shown"), TWICE)
def test_an_address_says_afterwards_what_is_shown(detector, examples, name, key, asked, shown):
    assert open_page(name, **{key: asked}).query_params[key] == shown


@pytest.mark.parametrize(
    ("name", "key", "asked"),
    [("Under_the_Hood", "hood", ["References", "nothing"]), ("Systems", "least", ["4", "nothing"])],
)
def test_what_else_an_address_named_is_said_once(detector, name, key, asked):
    page = open_page(name, **{key: asked})
    assert page.query_params[key] == asked[0]
    (said,) = [i.value for i in page.info if "The address" in i.value]
    assert asked[1] in said
    assert not [i for i in page.run().info if "The address" in i.value]


@pytest.mark.parametrize("other", [{"c_miss": "3"}, {"view": "significance"}])
def test_an_old_name_that_is_left_out_is_said_where_the_page_begins_anew(detector, other):
    (said,) = [
        i.value for i in open_page("Benchmarks", c_fa="x", **other).info if "names" in i.value
    ]
    assert "c\\_fa=x" in said.replace("\N{WORD JOINER}", "")


@pytest.mark.parametrize(("name", "key"), [("Systems", "corpora"), ("Benchmarks", "benchmark")])
def test_values_of_a_choice_of_several_all_stay(detector, name, key):
    two = open_page(name).multiselect(key=key).options[:2]
    page = open_page(name, **{key: [value.upper() for value in two]})
    assert page.session_state[key] == two == page.query_params[key]


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ({"from": "-5", "to": "1e9"}, ("0", "8")),
        ({"from": "6.004", "to": "2"}, ("2", "6")),
        ({"from": "nan", "to": "2"}, (None, None)),
        ({"from": ["1", "2"], "to": "5"}, ("2", "5")),
    ],
)
def test_the_address_of_a_part_says_afterwards_which_is_shown(detector, examples, asked, shown):
    page = open_page("Timeline", example="1", **asked)
    assert (page.query_params.get("from"), page.query_params.get("to")) == shown
