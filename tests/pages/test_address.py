"""What an address remembers of what a visitor brought, and what a page says after a reload."""

import re
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


SYSTEMS = ("arena", "front", "reporter", "figure", "corpora", "order", "over", "along")
BENCHMARKS = (
    *("view", "cells", "metric", "system", "benchmark", "attack", "codec", "vocoder", "training"),
    *("bandwidth", "kind", "compare", "compare_on", "first", "second"),
)
NOWHERE = [
    ("Detect", {"example": "99"}, "99"),
    ("Detect", {"example": ["1", "99"]}, "99"),
    *((name, {"kept": "nothing"}, "kept=nothing") for name, _ in LOSSES),
    ("Timeline", {"example": "99"}, "99"),
    ("Timeline", {"example": "one", "from": "3"}, "one**, **from=3"),
    ("Timeline", {"from": "3", "to": "4"}, "from=3**, **to=4"),
    ("Timeline", {"example": "1", "from": "nan", "to": "4"}, "from=nan**, **to=4"),
    ("Timeline", {"example": "1", "from": ["2", "x"], "to": "4"}, "from=x"),
    ("Timeline", {"example": "1", "from": "900", "to": "905"}, "from=900**, **to=905"),
    ("Benchmarks", dict.fromkeys(BENCHMARKS, "nothing"), "nothing"),
    ("Benchmarks", {"prior": "100"}, "prior=100"),
    ("Benchmarks", {"view": "Error trade-off", "cost_missed_fake": "x"}, "cost_missed_fake=x"),
    ("Benchmarks", {"cost_false_accusation": "2.5"}, "cost_false_accusation=2.5"),
    ("Benchmarks", {"view": "Error trade-off", "c_fa": "1000"}, "c_fa=1000"),
    ("Systems", dict.fromkeys(SYSTEMS, "nothing"), "nothing"),
    ("Systems", {"least": "11"}, "least=11"),
    ("Systems", {"least": ["4", "5.5"]}, "least=5.5"),
    ("Systems", {"arena": "Generalisation", "seen": "a", "unseen": "b"}, "a**, **b"),
    ("Systems", {"front": "nothing", "least": ["3", "4"]}, "nothing"),
    (
        "Systems",
        {"arena": "Generalisation", "front": "nothing", "seen": ["median", "MEDIAN"]},
        "nothing",
    ),
    ("Under_the_Hood", {"hood": "a", "hood-detector": "b"}, "a**, **b"),
    ("Under_the_Hood", {"hood": "nothing", "hood-detector": ["aasist", "aasist-l"]}, "nothing"),
]
"""A page, an address, and what of it is not here."""


def lost_on(page: AppTest) -> list[str]:
    said = [i.value for i in page.info if "no such choice here" in i.value]
    return [text.replace("\N{WORD JOINER}", "").replace("\\", "") for text in said]


@pytest.mark.parametrize(("name", "asked", "said"), NOWHERE)
def test_what_an_address_names_and_is_not_here_is_said_once_and_taken_out(
    detector, examples, name, asked, said
):
    page = open_page(name, **asked)
    (lost,) = lost_on(page)
    assert f"The address names **{said}**" in lost
    gone = {value.rpartition("=")[2] for value in said.split("**, **")}
    left = [[held] if isinstance(held, str) else held for held in page.query_params.values()]
    assert not gone & {value for held in left for value in held}
    assert not lost_on(page.run()) and not page.exception


def test_a_name_that_other_choices_leave_none_for_is_said_and_taken_out():
    twice = {"view": "Significance", "first": "RawGAT-ST add", "second": "RawGAT-ST add"}
    page = open_page("Benchmarks", **twice)
    assert "**RawGAT-ST add**" in lost_on(page)[0]
    assert "first" in page.query_params and "second" not in page.query_params
    assert not lost_on(page.run())


def test_every_choice_that_an_address_holds_is_tried():
    bound = r'key="(\w+)",\s+bind="query-params"'
    files = (f for room in ("core/show", "pages") for f in (PAGES.parent / room).rglob("*.py"))
    found = {key for file in files for key in re.findall(bound, file.read_text("utf-8"))}
    assert found and found <= {key for _, asked, _ in NOWHERE for key in asked}


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
