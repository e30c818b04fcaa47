"""Every page as it is read: its title, on a telephone and wide, light and dark."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.helpers import fits, overflow, settled, wait_until
from tests.browser.test_detect_and_timeline import read_card
from tests.browser.test_your_scores import verdict

FAINT = Path(__file__).with_name("contrast.js").read_text("utf-8")
DRAWN = """dark => {
    const colour = getComputedStyle(document.querySelector("[data-testid=stApp]")).backgroundColor;
    const [red, green, blue] = colour.match(/\\d+/g).map(Number);
    const charts = [...document.querySelectorAll("[data-testid=stVegaLiteChart]")];
    return dark === (red + green + blue < 384) &&
      charts.every((chart) => !chart.checkVisibility() || chart.querySelector(".marks"));
}"""
PAGES = {
    "": "Home",
    "Detect": "Detect",
    "detect?example=1": "Detect",
    "Timeline?example=1": "Timeline",
    "Live": "Live",
    "Benchmarks": "Benchmarks",
    "Systems": "Systems",
    "Overfitting": "Overfitting",
    "Your_Scores": "Your scores",
    "Under_the_Hood": "Under the hood",
}
"""Addresses, some by the name of the page's file as they were once -> title."""


def drawn(page: Page, scheme: str) -> None:
    """Wait until all is drawn, in the colours of the scheme."""
    settled(page)
    wait_until(page, DRAWN, scheme == "dark")


def readable(page: Page, scheme: str) -> None:
    """No word is too faint to be read."""
    drawn(page, scheme)
    for _ in range(50):
        if not (faint := page.evaluate(FAINT)):
            break
        page.wait_for_timeout(200)  # what the last run drew is still there
    assert not faint


@pytest.mark.parametrize(("path", "title"), PAGES.items())
def test_a_page_fits_a_telephone_and_its_words_can_be_read_in_either_scheme(visit, path, title):
    page = visit(path, width=390)
    expect(page).to_have_title(f"{title} · Spoofscope")
    if path == "detect?example=1":
        read_card(page)
    readable(page, "light")
    assert overflow(page) <= 0
    page.set_viewport_size({"width": 1280, "height": 900})
    if not path:
        readable(page, "light")  # the navigation too, which is the same on all pages
    page.emulate_media(color_scheme="dark")
    drawn(page, "dark")
    page.keyboard.press("r")  # charts are drawn on the server, with the next run
    readable(page, "dark")
    if path == "Your_Scores":
        page.get_by_role("button", name="Start with an example").click()
        verdict(page, "example-system.csv")
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 900})
            settled(page)
            fits(page)
        readable(page, "dark")
        page.emulate_media(color_scheme="light")
        drawn(page, "light")
        page.keyboard.press("r")
        readable(page, "light")
    expect(page.get_by_test_id("stSidebarNavLink")).to_have_count(9)
    assert page.get_by_text("Page not found").count() == 0
