"""What only a browser shows of the pages of figures: clicks, the address, Back, downloads."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, expect

from tests.browser.helpers import go_to, settled


def click_mark(page: Page, label: str) -> None:
    """Click the middle of a bar or cell, found by what it says to a screen reader."""
    settled(page)  # what a run has yet to draw above it would move it
    mark = page.locator(f'[data-testid="stVegaLiteChart"] path[aria-label*="{label}"]').first
    mark.scroll_into_view_if_needed()
    box = mark.bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def back(page: Page) -> None:
    settled(page)
    page.go_back()


def choices(url: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(url).query)


def count(page: Page, words: str) -> None:
    heading = page.get_by_role("heading", name=re.compile(words))
    expect(heading).to_be_visible()


def test_clicks_filter_and_order_charts_are_saved_and_an_address_brings_it_back(
    visit: Callable[..., Page],
) -> None:
    page = visit("benchmarks?view=Attacks+and+codecs&benchmark=ASVspoof+2021+LA+eval")
    count(page, "131 figures shown above")
    click_mark(page, "name: A10;")
    count(page, "9 figures chosen, of 117 shown above")
    click_mark(page, "name: alaw")
    count(page, "1 figure chosen, of")
    expect(
        page.get_by_text("Filtered by: ASVspoof 2021 LA eval, A10, G.711 A-law.")
    ).to_be_visible()
    page.wait_for_url(lambda url: "attack=A10" in url and "codec=G.711" in url)
    click_mark(page, "gsm, A12:")
    page.wait_for_url(lambda url: "attack=A12" in url and "codec=GSM" in url)
    kept = page.url

    page = visit("systems")
    expect(page.get_by_text(re.compile("Sorted by the mean over"))).to_be_visible()
    click_mark(page, "AASIST on DECRO")
    expect(page.get_by_text(re.compile("Sorted by the EER on DECRO"))).to_be_visible()
    page.wait_for_url(re.compile("order=DECRO"))
    save = page.get_by_role("button", name="Save").first
    settled(page)
    save.evaluate("button => button.scrollIntoView({block: 'center'})")
    save.click()
    starts = {"CSV": b'"system",', "PNG": b"\x89PNG", "SVG": b"<svg"}
    for kind, start in starts.items():
        # Charts above it may still grow, and its popover goes where it goes.
        save.evaluate("button => button.scrollIntoView({block: 'center'})")
        with page.expect_download() as waiting:
            page.get_by_test_id("stPopoverBody").get_by_role("button", name=kind).click()
        with open(waiting.value.path(), "rb") as file:
            assert file.read(len(start)) == start
    page.keyboard.press("Escape")
    page.get_by_role("radio", name="Contradictions").click()
    page.wait_for_url(re.compile("arena=Contradictions"))
    contradictions = page.get_by_text(re.compile("none was corrected"))
    expect(contradictions).to_be_visible()
    settled(page)
    page.get_by_role("button", name="Copy link to this view").click()
    expect(page.get_by_role("status").filter(has_text="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == page.url

    page.goto(kept.replace("Attacks", "attacks"))  # an address may name what it holds by its key
    count(page, "1 figure chosen, of")
    filtered = page.get_by_text("Filtered by: ASVspoof 2021 LA eval, A12, GSM.")
    expect(filtered).to_be_visible()
    page.wait_for_url(lambda url: choices(url) == choices(kept))
    page.get_by_role("button", name="Reset").click()
    count(page, r"\d{3} figures shown above")
    page.wait_for_url(lambda url: "attack" not in url)
    back(page)
    expect(filtered).to_be_visible()
    back(page)
    expect(contradictions).to_be_visible()


def test_every_choice_is_one_entry_of_the_history_also_at_once_and_back_undoes_it(
    visit: Callable[..., Page],
) -> None:
    page = visit("detect")
    go_to(page, "Your scores")
    start = page.evaluate("history.length")
    page.evaluate(  # a choice made in the moment it appears
        """() => {
          const observer = new MutationObserver(() => {
            const all = [...document.querySelectorAll("button")];
            const choice = all.find((b) => b.textContent.includes("Attacks and codecs"));
            if (!choice) return;
            observer.disconnect();
            choice.dispatchEvent(new PointerEvent("pointerdown", { bubbles: true }));
            choice.click();
          });
          observer.observe(document.body, { childList: true, subtree: true });
        }"""
    )
    go_to(page, "Benchmarks")
    page.wait_for_url(re.compile("view=Attacks"))
    page.get_by_role("combobox", name="Benchmarks").click()
    page.get_by_role("option", name="ASVspoof 2021 LA eval").click()
    page.keyboard.press("Escape")
    page.wait_for_url(re.compile("benchmark=ASVspoof"))
    chosen = page.get_by_text("Filtered by: ASVspoof 2021 LA eval.")
    expect(chosen).to_be_visible()
    go_to(page, "Your scores")
    assert page.evaluate("history.length") <= start + 4  # the way back below needs all of them
    back(page)
    expect(chosen).to_be_visible()
    expect(page.get_by_role("radio", name="Attacks and codecs")).to_be_checked()
    back(page)
    expect(page.get_by_text("Nothing filtered.")).to_be_visible()
    expect(page.get_by_role("radio", name="Attacks and codecs")).to_be_checked()
    back(page)
    expect(page.get_by_role("radio", name="Systems", exact=True)).to_be_checked()
    settled(page)
    page.go_forward()
    expect(page.get_by_role("radio", name="Attacks and codecs")).to_be_checked()
    back(page)
    expect(page.get_by_role("radio", name="Systems", exact=True)).to_be_checked()
    for before in ("Your scores", "Detect"):
        back(page)
        page.get_by_role("heading", name=before, level=1).wait_for()
