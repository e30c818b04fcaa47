"""What the browser tests share."""

from __future__ import annotations

import time
from pathlib import Path

import soundfile
import soxr
from playwright.sync_api import Page, TimeoutError

from core.audio.clip import SAMPLE_RATE
from core.audio.decoding import decode

ROOT = Path(__file__).resolve().parents[2]
SPEECH = ROOT / "tests" / "data" / "speech.flac"
READER = ROOT / "examples" / "4-hard-audiobook-ogg.ogg"
"""What the microphone of the tests' browser hears."""

NAME = "marker-7f3a-of-a-visitor"
"""In the names of files whose way is watched."""

GIVEN = (NAME, SPEECH.name, "gap.webm", "mine.csv", "theirs.csv", "Your recording", "Live take")
"""What visitors' files are called."""

PATIENCE_MS = 90_000
"""The first analysis on a cold machine loads the detector, and cores may be busy."""


def microphone(path: Path, sound: Path) -> list[str]:
    """Flags by which Chromium's fake microphone plays a file over and over, without asking."""
    samples = soxr.resample(decode(sound).samples, SAMPLE_RATE, 48_000)
    soundfile.write(path, samples, 48_000, subtype="PCM_16")
    return [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={path}",
    ]


def go_to(page: Page, name: str) -> None:
    """Follow a link of the navigation, a second time where the first click was lost.

    A component that reports itself while its page is being left makes Streamlit run the page that
    is being left again, in place of the next one. Live's does so in the moment it appears.
    """
    link = page.get_by_test_id("stSidebarNavLink").filter(has_text=name)
    heading = page.get_by_role("heading", name=name, level=1, exact=True)
    try:
        link.click(timeout=30_000)
        heading.wait_for(timeout=15_000)
    except TimeoutError:
        settled(page)
        link.click()
        heading.wait_for()


def settled(page: Page) -> None:
    """Wait until the page has been run to its end; Streamlit loses a Back that comes before."""
    page.locator("[data-test-script-state=notRunning]").wait_for(state="attached")


def wait_until(page: Page, function: str, arg: object = None) -> None:
    """Wait until a function of JavaScript is true; Playwright's own way asks the page to `eval`."""
    until = time.monotonic() + PATIENCE_MS / 1000
    while not page.evaluate(function, arg):
        assert time.monotonic() < until, function
        page.wait_for_timeout(100)


OVERFLOW = (
    "() => { const main = document.querySelector('[data-testid=stMain]');"
    " return Math.max(main.scrollWidth - main.clientWidth,"
    " document.documentElement.scrollWidth - window.innerWidth); }"
)


def overflow(page: Page) -> int:
    """Pixels by which the page is wider than its window."""
    return page.evaluate(OVERFLOW)


def fits(page: Page) -> None:
    """Wait until the page is no wider than its window: charts follow a new width later."""
    wait_until(page, f"() => ({OVERFLOW})() <= 0")
