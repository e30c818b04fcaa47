"""How long the pages of figures take: ``python -m benchmarks.figure_pages``.

On the server a page's script is run again and again in one process, as for a visitor who comes
back; in a real Chromium the clock runs from a click to the changed page.
"""

from __future__ import annotations

import json
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ATTACKS = ["A07", "A08", "A09", "A10", "A11", "A12", "A13"]
SHOWN = re.compile(r"[\d,]+ figures shown above")
"""What stands over the table of all figures that are drawn, however many there are."""


def median_ms(work: Callable[[], object], times: int = 9) -> float:
    """Median milliseconds of a few runs, the first left out."""
    work()
    spent = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        spent.append(time.perf_counter() - start)
    return round(1000 * statistics.median(spent), 1)


def on_the_server() -> dict[str, float]:
    """Script time of every page and view, and of filters never set before."""
    from streamlit.testing.v1 import AppTest

    found = {}
    views = ("Systems", "Attacks and codecs", "Generators", "Error trade-off", "Significance")
    for view in views:
        at = AppTest.from_file(str(ROOT / "pages" / "Benchmarks.py"), default_timeout=60)
        at.query_params["view"] = view
        found[f"Benchmarks, {view}"] = median_ms(at.run)
        if view == "Attacks and codecs":
            attacks = iter(ATTACKS)

            def narrow(at: AppTest = at, attacks: Iterator[str] = attacks) -> None:
                at.multiselect(key="attack").set_value([next(attacks)]).run()

            found["a filter set for the first time"] = median_ms(narrow, len(ATTACKS) - 1)
    for name in ("Home.py", "pages/Overfitting.py", "pages/Under_the_Hood.py"):
        at = AppTest.from_file(str(ROOT / name), default_timeout=60)
        found[Path(name).stem] = median_ms(at.run)
    return found


def in_a_browser() -> dict[str, float]:
    """From a click in the navigation or on a bar to the page at rest."""
    from playwright.sync_api import sync_playwright

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "streamlit", "run", "Home.py", "--server.headless=true"),
            *(f"--server.port={port}", "--server.fileWatcherType=none"),
        ],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    found = {}
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"http://localhost:{port}/_stcore/health").read()
                break
            except OSError:
                time.sleep(0.25)
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
            )
            page = chromium.new_page(viewport={"width": 1280, "height": 1400})
            page.goto(f"http://localhost:{port}")
            rest = '[data-test-script-state="notRunning"]'

            def switch(name: str) -> None:
                page.get_by_test_id("stSidebarNavLink").filter(has_text="Home").click()
                page.get_by_role("heading", name="Is this voice human?").wait_for()
                page.locator(rest).wait_for()
                clock.append(time.perf_counter())
                page.get_by_test_id("stSidebarNavLink").filter(has_text=name).click()
                page.get_by_role("heading", name=name, level=1, exact=True).wait_for()
                page.locator(rest).wait_for()
                clock.append(time.perf_counter())

            for name in ("Benchmarks", "Overfitting", "Under the hood"):
                spent = []
                for _ in range(6):
                    clock: list[float] = []
                    switch(name)
                    spent.append(clock[1] - clock[0])
                found[f"to {name}"] = round(1000 * statistics.median(spent[1:]), 1)

            spent = []
            for _ in range(6):
                start = time.perf_counter()
                page.get_by_test_id("stSidebarNavLink").filter(has_text="Home").click()
                page.get_by_role("heading", name="Is this voice human?").wait_for()
                page.locator(rest).wait_for()
                spent.append(time.perf_counter() - start)
                switch("Under the hood")
            found["to Home"] = round(1000 * statistics.median(spent[1:]), 1)

            link = f"http://localhost:{port}/benchmarks?view=Attacks+and+codecs"
            page.goto(f"{link}&benchmark=ASVspoof+2021+LA+eval")
            page.get_by_role("heading", name=SHOWN).wait_for()
            page.locator(rest).wait_for()
            spent = []
            for attack in ATTACKS:
                bar = page.locator(f'path[aria-label*="name: {attack};"]').first
                bar.scroll_into_view_if_needed()
                page.wait_for_timeout(700)
                box = bar.bounding_box() or {"x": 0, "y": 0, "width": 0, "height": 0}
                start = time.perf_counter()
                page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
                page.get_by_text(f"Filtered by: ASVspoof 2021 LA eval, {attack}.").wait_for()
                page.locator(rest).wait_for()
                spent.append(time.perf_counter() - start)
            found["a click on a bar"] = round(1000 * statistics.median(spent), 1)
            chromium.close()
    finally:
        server.terminate()
        server.wait(10)
    return found


def main() -> None:
    """Print medians in milliseconds as JSON."""
    print(json.dumps({"server": on_the_server(), "browser": in_a_browser()}, indent=2))


if __name__ == "__main__":
    main()
