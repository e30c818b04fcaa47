"""A process that decodes dies in the middle of a visitor's file: another one decodes it."""

import re

import psutil
from playwright.sync_api import expect

from tests.browser.helpers import ROOT, SPEECH, settled


def workers() -> set[psutil.Process]:
    """The processes that decode for a server of these tests."""
    return {
        process
        for server in psutil.Process().children()
        for process in server.children()
        if "core.audio.worker" in process.cmdline()
    }


def test_the_page_survives_its_decoder(visit):
    example = next((ROOT / "examples").glob("1-*"))
    page = visit("detect")
    field = page.locator("input[type=file]").first
    verdict = page.locator(".st-key-detect-result-card").get_by_role("heading")
    judged = re.compile("Likely|Inconclusive")
    field.set_input_files(str(SPEECH))
    expect(verdict).to_have_text(judged)
    settled(page)
    before = workers()
    for worker in before:
        worker.suspend()  # so that one has the next file in hand for as long as is needed
    page.get_by_role("button", name=re.compile("Forget")).first.click()
    expect(page.get_by_text("Nothing to judge yet")).to_be_visible()
    page.locator("input[type=file]").first.set_input_files(str(example))
    expect(page.get_by_text(f"Reading {example.name}")).to_be_visible()
    assert workers() == before
    for worker in before:
        worker.kill()
    expect(verdict).to_have_text(judged)
    assert workers() - before
