"""No page shows a visitor the name of a column, of a key, or of a missing value."""

import re

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.test_benchmarks import VIEWS as BENCHMARKS
from tests.pages.test_benchmarks import run
from tests.pages.test_detect import FILES, upload
from tests.pages.test_detect import PAGE as DETECT
from tests.pages.test_home import HOME
from tests.pages.test_live import open_take, show, speech  # noqa: F401
from tests.pages.test_live import page as live  # noqa: F401
from tests.pages.test_overfitting import PAGE as OVERFITTING
from tests.pages.test_systems import VIEWS as SYSTEMS
from tests.pages.test_systems import run as show_systems
from tests.pages.test_timeline import PAGE as TIMELINE
from tests.pages.test_under_the_hood import PAGE as HOOD
from tests.pages.test_your_scores import BARE, KEY, start
from tests.pages.test_your_scores import show as turn
from tests.pages.words import raw, read

FIELD = re.compile(r"false alarm|cost of a miss\b|\bmisses\b(?! them)", re.IGNORECASE)
"""The field's words for the errors that pages call missed fakes and false accusations."""

VIEWS = (
    *("Figures", "Trade-off", "Scores", "Breakdown", "Worst trials"),
    *("Second file", "Published systems"),
)


def assert_plain(page: AppTest, least: int = 20) -> None:
    assert not page.exception
    texts = list(read(page))
    assert len(texts) >= least
    found = {(kind, *raw(text), text[:160]) for kind, text in texts if raw(text)}
    assert not found, "\n".join(map(str, sorted(found)))
    assert not [text for _, text in texts if FIELD.search(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("eer_percent", ["eer_percent"]),
        ("of public\\_samples, test", ["public_samples"]),
        ("None", ["None"]),
        ("nan %", ["nan"]),
        ("None of these, non_e", ["None", "non_e"]),
        ("by `python -m core x_y` in data/results/x_y.csv, a_b.csv, [so](z_z)", []),
        ("A detector knows nothing", []),
    ],
)
def test_raw_names_are_found_and_code_is_not(text, found):
    assert raw(text) == found


@pytest.mark.parametrize("name", ["human.wav", "silent.wav", "broken.wav", ""])
def test_detect_and_timeline(detector, monkeypatch, name):
    page = AppTest.from_file(DETECT, default_timeout=60).run()
    names = [name] if name else [*FILES]
    upload(page, *names)
    assert_plain(page)
    timeline = AppTest.from_file(TIMELINE, default_timeout=60)
    for key, value in page.session_state.to_dict().items():
        if str(key).startswith("spoofscope."):
            timeline.session_state[key] = value
    assert_plain(timeline.run(), 2)


def test_live(live, open_take, speech):  # noqa: F811
    show(live, None, playing=False)
    assert_plain(live, 5)
    show(live, open_take(speech[: 6 * 48_000]), playing=True)
    assert_plain(live)


@pytest.mark.parametrize("view", BENCHMARKS)
def test_benchmarks(view):
    assert_plain(run(view=view))


@pytest.mark.parametrize("view", SYSTEMS)
def test_systems(view):
    assert_plain(show_systems(arena=view))


@pytest.mark.parametrize("path", [HOME, OVERFITTING, HOOD])
def test_pages_without_a_file(path):
    assert_plain(AppTest.from_file(path, default_timeout=120).run())


def test_your_scores():
    page = start()
    page.button(key="scores-example").click().run()
    for view in VIEWS:
        assert_plain(turn(page, view))
    assert_plain(start(scores=("bare.txt", BARE)), 5)
    assert_plain(start(scores=("bare.txt", BARE), protocol=("key.txt", KEY)))
