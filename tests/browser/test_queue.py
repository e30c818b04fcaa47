"""Visitors who wait for others see where they stand, and move up when one goes away."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import serving
from tests.browser.helpers import PATIENCE_MS, ROOT, SPEECH


def test_the_place_in_the_queue_is_shown_and_moves(browser, tmp_path):
    gate = tmp_path / "go"
    with serving(
        tmp_path / "log.txt",
        (str(ROOT / "tests" / "browser" / "held.py"),),
        GATE=str(gate),
        PYTHONPATH=str(ROOT),
        SPOOFSCOPE_CONCURRENT_INFERENCES="1",
        SPOOFSCOPE_QUEUE_LENGTH="2",
    ) as url:

        def visitor(expected: str):
            page = browser.new_page()
            page.set_default_timeout(PATIENCE_MS)
            page.goto(f"{url}/detect")
            page.locator("input[type=file]").first.set_input_files(str(SPEECH))
            expect(page.get_by_text(expected)).to_be_visible(timeout=PATIENCE_MS)
            return page

        first = visitor("Listening to")
        second = visitor("You are number 1 of 1 in the queue.")
        third = visitor("You are number 2 of 2 in the queue.")
        fourth = visitor("Try again in a minute.")
        second.close()
        expect(third.get_by_text("You are number 1 of 1 in the queue.")).to_be_visible(
            timeout=PATIENCE_MS
        )
        first.close()  # its turn is given back in the middle of the analysis
        expect(third.get_by_text("Listening to")).to_be_visible(timeout=PATIENCE_MS)
        gate.touch()
        for page in (third, fourth):
            if page is fourth:
                page.get_by_role("button", name="Try again").click()
            expect(page.locator(".st-key-detect-result-card").get_by_role("heading")).to_have_text(
                re.compile("Likely|Inconclusive"), timeout=PATIENCE_MS
            )
            page.close()
