"""The very first visitor of a fresh server may come through a deep link."""

import re

from tests.browser.helpers import PATIENCE_MS


def test_first_visitor_with_a_deep_link_finds_the_page(address, browser):
    page = browser.new_page()
    page.goto(f"{address}/detect?example=1")
    page.get_by_role("heading", name=re.compile("Likely|Inconclusive")).wait_for(
        timeout=PATIENCE_MS
    )
    assert page.get_by_text("Page not found").count() == 0
    assert page.get_by_role("link", name="Under the hood").count() == 1
    page.close()
