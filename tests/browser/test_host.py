"""Visitors of a host that knows Streamlit only: the first, those who wait, and one who leaves."""

import re
import time
import urllib.error
import urllib.request
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.conftest import Host
from tests.browser.helpers import ROOT, SPEECH, go_to, overflow, settled


def visitor(host: Host, tab: Page, expected: str, file: Path = SPEECH) -> Page:
    """Brings a clip, and is told something."""
    page = tab.context.new_page()
    page.goto(f"{host.url}/detect")
    return bring_clip(page, expected, file)


def bring_clip(page: Page, expected: str, file: Path = SPEECH) -> Page:
    page.locator("input[type=file]").first.set_input_files(str(file))
    expect(page.get_by_text(expected)).to_be_visible()
    return page


def judged(page: Page) -> None:
    verdict = page.locator(".st-key-detect-result-card").get_by_role("heading")
    expect(verdict).to_have_text(re.compile("Likely|Inconclusive"))


def second_opinion(page: Page) -> None:
    """Two detectors side by side: on a visitor's own machine folders may be named."""
    page.set_viewport_size({"width": 390, "height": 900})
    settled(page)
    page.get_by_text("Settings", exact=True).click()
    page.get_by_role("button", name="Another detector").click()
    field = page.get_by_label(re.compile("Hub id"))
    field.fill(str(ROOT / "data" / "models" / "embedded"))
    field.press("Enter")
    page.get_by_role("button", name="Ask this one too").click()
    expect(page.get_by_role("heading", name="Second opinions")).to_be_visible()
    expect(page.get_by_text("this is less than that many")).to_be_visible()
    assert overflow(page) <= 0


def status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def left(log: Path) -> list[int]:
    """Sessions, files, uploads and bytes of sound at the last look."""
    lines = [line for line in log.read_text().splitlines() if line.startswith("LEFT ")]
    return [int(n) for n in lines[-1].split()[1:]] if lines else []


def test_the_first_may_come_by_a_files_name_a_queue_moves_and_nothing_is_left(
    host: Host, tab: Page
) -> None:
    first = tab.context.new_page()
    first.goto(f"{host.url}/Under_the_Hood")
    first.get_by_role("heading", name="Under the hood", level=1).wait_for()
    first.get_by_test_id("stSidebarNavLink").nth(8).wait_for()
    expect(first).to_have_title("Under the hood · Spoofscope")
    assert first.get_by_role("dialog").count() == 0
    assert first.request.get(f"{host.url}/api/v1/health").json() == {"status": "ok"}

    host.gate.unlink()
    go_to(first, "Detect")
    bring_clip(first, "Listening to")
    second = visitor(host, tab, "You are number 1 of 1 in the queue.")
    third = visitor(host, tab, "You are number 2 of 2 in the queue.")
    example = next((ROOT / "examples").glob("1-*"))
    fourth = visitor(host, tab, "Try again in a minute.", example)
    second.close()
    expect(third.get_by_text("You are number 1 of 1 in the queue.")).to_be_visible()
    first.close()  # its turn is given back in the middle of the analysis
    expect(third.get_by_text("Listening to")).to_be_visible()
    host.gate.touch()
    judged(third)
    fourth.get_by_role("button", name="Try again").click()
    judged(fourth)
    second_opinion(fourth)

    audio = fourth.locator("audio[src]").first
    audio.wait_for(state="attached")
    sound = audio.evaluate("audio => audio.src")
    assert status(sound) == 200
    assert all(left(host.log))
    third.close()
    fourth.close()
    until = time.monotonic() + 30
    while left(host.log) != [0, 0, 0, 0] and time.monotonic() < until:
        time.sleep(0.2)  # nobody asks the server for anything meanwhile
    assert left(host.log) == [0, 0, 0, 0]
    assert status(sound) == 404
