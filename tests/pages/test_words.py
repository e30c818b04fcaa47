"""No page shows a visitor the name of a column, of a key, or of a missing value.

Pages that show figures whatever a visitor brings are held to it where their views are.
"""

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.test_detect import FILES, upload
from tests.pages.test_detect import PAGE as DETECT
from tests.pages.test_live import open_take, show, speech  # noqa: F401
from tests.pages.test_live import page as live  # noqa: F401
from tests.pages.test_timeline import PAGE as TIMELINE
from tests.pages.test_your_scores import BARE, KEY, start
from tests.pages.test_your_scores import show as turn
from tests.pages.words import assert_plain, raw

VIEWS = (
    *("Figures", "Trade-off", "Scores", "Breakdown", "Worst trials"),
    *("Second file", "Published systems"),
)


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


def test_your_scores():
    page = start()
    page.button(key="scores-example").click().run()
    for view in VIEWS:
        assert_plain(turn(page, view))
    assert_plain(start(scores=("bare.txt", BARE)), 5)
    assert_plain(start(scores=("bare.txt", BARE), protocol=("key.txt", KEY)))
