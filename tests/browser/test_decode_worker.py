"""A recording; and a process that decodes dies with a file in hand: another one decodes it."""

import re

import psutil
from playwright.sync_api import expect

from tests.browser.helpers import ROOT, settled


def workers() -> set[psutil.Process]:
    """The processes that decode for a server of these tests."""
    return {
        process
        for server in psutil.Process().children()
        for process in server.children()
        if "core.audio.worker" in process.cmdline()
    }


def test_the_page_survives_its_decoder(visit, server):
    example = next((ROOT / "examples").glob("1-*"))
    page = visit("detect")
    card = page.locator(".st-key-detect-result-card")
    judged = re.compile("Likely|Inconclusive")
    page.get_by_role("tab", name="Record").click()
    page.get_by_role("button", name="Record", exact=True).click()
    page.get_by_text(re.compile(r"^00:0[3-9]$")).first.wait_for()
    page.get_by_role("button", name="Stop recording").click()
    expect(card.get_by_role("heading")).to_have_text(judged)
    expect(card).to_contain_text(re.compile(r"Duration\s*[2-9]"))
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
    expect(card.get_by_role("heading")).to_have_text(judged)
    assert workers() - before
    server.watch.look()
    assert any("core.audio.worker" in note for note in server.watch.notes)  # it watches them too
