"""Visitors of a host that knows Streamlit only: the first, those who wait, and one who leaves."""

import re
import time
import urllib.error
import urllib.request
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.conftest import Host
from tests.browser.helpers import SPEECH


def test_the_very_first_visitor_may_come_by_the_name_of_a_pages_file(host: Host, tab: Page) -> None:
    page = tab.context.new_page()
    page.goto(f"{host.url}/Under_the_Hood")
    page.get_by_role("heading", name="Under the hood", level=1).wait_for()
    page.get_by_test_id("stSidebarNavLink").nth(8).wait_for()
    expect(page).to_have_title("Under the hood · Spoofscope")
    assert page.get_by_role("dialog").count() == 0
    assert page.request.get(f"{host.url}/api/v1/health").json() == {"status": "ok"}
    page.close()


def visitor(host: Host, tab: Page, expected: str) -> Page:
    """Brings a clip, and is told something."""
    page = tab.context.new_page()
    page.goto(f"{host.url}/detect")
    page.locator("input[type=file]").first.set_input_files(str(SPEECH))
    expect(page.get_by_text(expected)).to_be_visible()
    return page


def judged(page: Page) -> None:
    verdict = page.locator(".st-key-detect-result-card").get_by_role("heading")
    expect(verdict).to_have_text(re.compile("Likely|Inconclusive"))


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


def test_the_place_in_the_queue_is_shown_and_moves_and_nothing_is_left(
    host: Host, tab: Page
) -> None:
    host.gate.unlink()
    first = visitor(host, tab, "Listening to")
    second = visitor(host, tab, "You are number 1 of 1 in the queue.")
    third = visitor(host, tab, "You are number 2 of 2 in the queue.")
    fourth = visitor(host, tab, "Try again in a minute.")
    second.close()
    expect(third.get_by_text("You are number 1 of 1 in the queue.")).to_be_visible()
    first.close()  # its turn is given back in the middle of the analysis
    expect(third.get_by_text("Listening to")).to_be_visible()
    host.gate.touch()
    judged(third)
    fourth.get_by_role("button", name="Try again").click()
    judged(fourth)

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
