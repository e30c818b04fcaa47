"""What is read in a browser: titles, the verdict on a telephone, contrast, what a reload loses."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from core.show.navigation.address import LOST
from tests.browser.helpers import PATIENCE_MS, settled
from tests.browser.test_detect_and_timeline import card, read_card, upload

FAINT = Path(__file__).with_name("contrast.js").read_text("utf-8")
PAGES = {
    "": "Home",
    "detect?example=1": "Detect",
    "timeline?example=1": "Timeline",
    "live": "Live",
    "benchmarks": "Benchmarks",
    "systems": "Systems",
    "overfitting": "Overfitting",
    "your-scores": "Your scores",
    "under-the-hood": "Under the hood",
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_has_a_title_and_words_that_can_be_read(browser, address, scheme):
    page = browser.new_page(color_scheme=scheme, viewport={"width": 1280, "height": 900})
    page.set_default_timeout(PATIENCE_MS)
    faint = {}
    for path, title in PAGES.items():
        page.goto(f"{address}/{path}")
        page.get_by_role("heading", level=1).first.wait_for()
        expect(page).to_have_title(f"{title} · Spoofscope")
        if path.startswith("detect"):
            read_card(page)
        settled(page)
        page.wait_for_timeout(1_500)  # charts are drawn after the script
        if found := page.evaluate(FAINT):
            faint[title] = found
    page.close()
    assert not faint


def test_on_a_telephone_the_verdict_is_in_the_first_screen_and_a_reload_says_what_it_lost(visit):
    page = visit("Detect", width=390)
    page.set_viewport_size({"width": 390, "height": 844})
    upload(page)
    read_card(page)
    verdict = card(page).get_by_role("heading")
    expect(verdict).to_be_in_viewport(ratio=1)
    box = verdict.bounding_box()
    assert box["y"] + box["height"] <= 844
    assert page.locator("[data-testid=stMain]").evaluate("main => main.scrollTop") == 0
    page.reload()
    expect(page.get_by_text(LOST["clip"])).to_be_visible()
