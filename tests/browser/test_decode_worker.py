"""A process that decodes dies in the middle of a visitor's file: another one decodes it."""

import re

import psutil
from playwright.sync_api import expect

from tests.browser.conftest import serving
from tests.browser.helpers import PATIENCE_MS, ROOT, SPEECH


def workers() -> list[psutil.Process]:
    """The processes that decode for the server of this test."""
    return [
        process
        for server in psutil.Process().children()
        for process in server.children()
        if "core.audio.worker" in process.cmdline()
    ]


def test_the_page_survives_its_decoder(browser, tmp_path):
    example = next((ROOT / "examples").glob("1-*"))
    with serving(tmp_path / "log.txt") as url:
        page = browser.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(f"{url}/detect")
        field = page.locator("input[type=file]").first
        verdict = page.locator(".st-key-detect-result-card").get_by_role("heading")
        judged = re.compile("Likely|Inconclusive")
        before = set(workers())
        field.set_input_files(str(SPEECH))
        expect(verdict).to_have_text(judged, timeout=PATIENCE_MS)
        (worker,) = set(workers()) - before
        worker.suspend()  # so that it has the next file in hand for as long as is needed
        page.get_by_role("button", name=re.compile("Forget")).first.click()
        expect(page.get_by_text("Nothing to judge yet")).to_be_visible()
        page.locator("input[type=file]").first.set_input_files(str(example))
        expect(page.get_by_text(f"Reading {example.name}")).to_be_visible(timeout=PATIENCE_MS)
        worker.kill()
        expect(verdict).to_have_text(judged, timeout=PATIENCE_MS)
        (new,) = set(workers()) - before
        assert new != worker
        page.close()
