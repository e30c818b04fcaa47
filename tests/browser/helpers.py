"""What the browser tests share."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parents[2]
SPEECH = ROOT / "tests" / "data" / "speech.flac"

PATIENCE_MS = 90_000
"""The first analysis on a cold machine loads the detector."""


def overflow(page: Page) -> int:
    """Pixels by which the page is wider than its window."""
    return page.evaluate(
        "() => { const main = document.querySelector('[data-testid=stMain]');"
        " return Math.max(main.scrollWidth - main.clientWidth,"
        " document.documentElement.scrollWidth - window.innerWidth); }"
    )
