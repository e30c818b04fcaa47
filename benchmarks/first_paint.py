"""From the start of the server to Home in a browser, then from page to page.

``python -m benchmarks.first_paint``; left out where there is no Chromium.
"""

from __future__ import annotations

import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from benchmarks.detection import row

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("Detect", "Benchmarks", "Overfitting", "Under the hood")


def main() -> list[dict]:
    """Measure, and return rows of the table."""
    chromium = shutil.which("chromium")
    if chromium is None:
        return []
    from playwright.sync_api import sync_playwright

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 1400})
        start = time.perf_counter()
        server = subprocess.Popen(
            [sys.executable, "-m", "core.show.serve", "--server.headless=true",
             f"--server.port={port}", "--server.fileWatcherType=none"],
            cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            for _ in range(600):
                try:
                    urllib.request.urlopen(f"http://localhost:{port}/_stcore/health").read()
                    break
                except OSError:
                    time.sleep(0.05)
            page.goto(f"http://localhost:{port}")
            page.get_by_role("heading", name="Is this voice human?").wait_for()
            found = [row("server start to Home in Chromium",
                         f"{time.perf_counter() - start:.1f} s")]  # fmt: skip
            rest = '[data-test-script-state="notRunning"]'
            for name in PAGES:
                spent = []
                for _ in range(4):
                    start = time.perf_counter()
                    page.get_by_test_id("stSidebarNavLink").filter(has_text=name).click()
                    page.get_by_role("heading", name=name, level=1, exact=True).wait_for()
                    page.locator(rest).wait_for()
                    spent.append(time.perf_counter() - start)
                    page.get_by_test_id("stSidebarNavLink").filter(has_text="Home").click()
                    page.get_by_role("heading", name="Is this voice human?").wait_for()
                    page.locator(rest).wait_for()
                again = f"{1000 * statistics.median(spent[1:]):.0f} ms"
                found.append(row(f"switch to {name}", again,
                                 note=f"first time {1000 * spent[0]:.0f} ms"))  # fmt: skip
        finally:
            server.terminate()
            server.wait(10)
            browser.close()
    return found


if __name__ == "__main__":
    print(*main(), sep="\n")
