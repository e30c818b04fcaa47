"""Your scores in a real browser: upload, map a column, compare two files, take the report away."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, TimeoutError, expect

from core.evaluate.example_scores import example
from tests.browser.helpers import PATIENCE_MS, settled


def give(page: Page, field: str, name: str, data: bytes) -> None:
    page.locator(f".st-key-scores-upload-{field} input[type=file]").set_input_files(
        {"name": name, "mimeType": "text/plain", "buffer": data}
    )


def verdict(page: Page, name: str) -> None:
    heading = page.get_by_role("heading", name=re.compile(rf"{re.escape(name)}: EER [\d.]+ %"))
    expect(heading).to_be_visible(timeout=PATIENCE_MS)


def test_upload_map_compare_and_download(visit: Callable[..., Page]) -> None:
    page = visit("your-scores")
    # Names that say nothing, so the page has to ask what is what.
    odd = example().replace(b"trial,speaker,attack,codec,label,score", b"a,b,c,d,e,f", 1)
    give(page, "scores", "mine.csv", odd)
    expect(page.get_by_text("Say which column of mine.csv is what")).to_be_visible(
        timeout=PATIENCE_MS
    )
    # What is still being drawn closes a list that is open.
    settled(page)
    speaker = page.get_by_role("combobox", name=re.compile("Speaker"))
    choice = page.get_by_role("option", name="b", exact=True)
    for _ in range(6):
        speaker.click()
        try:
            choice.click(timeout=5_000)
            break
        except TimeoutError:
            page.keyboard.press("Escape")
    page.get_by_role("button", name="Use these columns").click()
    verdict(page, "mine.csv")
    expect(page.get_by_text("trials of one speaker count together").first).to_be_visible()

    settled(page)  # a file given while a page is run is lost
    give(page, "second", "theirs.csv", example(1))
    expect(page.get_by_role("button", name="Remove theirs.csv")).to_be_visible()
    settled(page)
    page.get_by_role("radio", name="Other systems", exact=True).or_(
        page.get_by_role("button", name="Other systems", exact=True)
    ).first.click()
    expect(page.get_by_text("5,000 trials in common")).to_be_visible(timeout=PATIENCE_MS)
    settled(page)  # what a run leaves behind stands there until it ends
    with page.expect_download() as download:
        page.get_by_role("button", name="Report (HTML)").click()
    report = Path(download.value.path()).read_text("utf-8")
    assert "Evaluation of mine.csv" in report
    assert "<svg" in report
    assert "Against theirs.csv" in report
