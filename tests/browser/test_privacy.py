"""A visit to every page, watched: nothing is written or logged, and nobody outside is asked."""

import re
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import psutil
import pytest
import soundfile
from playwright.sync_api import expect

from tests.browser.conftest import serving
from tests.browser.helpers import PATIENCE_MS, ROOT, SPEECH, go_to

pytestmark = pytest.mark.browser
NAME = "marker-7f3a-of-a-visitor"
PAGES = ("Detect", "Timeline", "Live", "Benchmarks", "Overfitting", "Your scores", "Under the hood")
TOOLS = {".git", ".venv", "__pycache__"} | {f".{t}_cache" for t in ("pytest", "ruff", "mypy")}


def files(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file below, with size and time of change; what tools keep for themselves left out."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_file() and not TOOLS & set(path.relative_to(folder).parts):
            about = path.stat()
            found[str(path)] = (about.st_size, about.st_mtime_ns)
    return found


def outside(server: psutil.Process) -> set[str]:
    """Hosts beyond this machine's loopback that the server or a child of it has a socket to."""
    found = set()
    for process in [server, *server.children(recursive=True)]:
        try:
            sockets = process.net_connections()
        except psutil.NoSuchProcess:
            continue
        remote = {s.raddr.ip for s in sockets if s.raddr}
        found |= {ip for ip in remote if not ip.startswith("127.") and ip != "::1"}
    return found


def large_clip(folder: Path) -> Path:
    """More than 1 MB, from where on web servers like to write uploads to the disk."""
    samples, rate = soundfile.read(SPEECH, dtype="int16")
    path = folder / f"{NAME}.wav"
    soundfile.write(path, np.resize(samples, 600_000), rate)
    assert path.stat().st_size > 1_100_000
    return path


def test_a_tour_leaves_nothing_behind_and_calls_nobody(browser, tmp_path):
    home, temporary, site = (tmp_path / name for name in ("home", "tmp", "site"))
    for folder in (home, temporary, site):
        folder.mkdir()
    shutil.copy(Path(__file__).with_name("watched.py"), site / "sitecustomize.py")
    watched, log = tmp_path / "watched.txt", tmp_path / "log.txt"
    clip = large_clip(tmp_path)
    asked: list[str] = []
    with serving(
        log,
        HOME=str(home),
        TMPDIR=str(temporary),
        PYTHONPATH=str(site),
        PYTHONDONTWRITEBYTECODE="1",
        WATCHED=str(watched),
    ) as url:
        page = browser.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("request", lambda request: asked.append(request.url))
        page.goto(url)
        page.get_by_role("heading", level=1).first.wait_for()
        page.locator("[data-test-script-state=notRunning]").wait_for()
        places = (ROOT, home, temporary)
        before = [files(place) for place in places]
        logged = log.read_text()
        port = urlsplit(url).port
        server = next(
            child
            for child in psutil.Process().children()
            if any(s.laddr.port == port for s in child.net_connections() if s.status == "LISTEN")
        )
        reached: set[str] = set()
        for name in PAGES:
            go_to(page, name)
            if name == "Detect":
                page.locator("input[type=file]").first.set_input_files(str(clip))
                heading = page.locator(".st-key-result-card").get_by_role("heading")
                expect(heading).to_have_text(re.compile("Likely|Inconclusive"))
                page.get_by_text("Evidence report", exact=True).click()
                page.get_by_role("button", name="Prepare report").click()
                expect(page.get_by_role("button", name="Report (HTML)")).to_be_visible()
            if name == "Timeline":
                page.get_by_role("slider", name="Position in the clip").wait_for()
            page.locator("[data-test-script-state=notRunning]").wait_for()
            reached |= outside(server)
        page.close()
        after = [files(place) for place in places]
        said = log.read_text()
    for place, old, new in zip(places, before, after, strict=True):
        assert new == old, place
    assert said == logged  # not a word while the visitor was there
    assert NAME not in said
    assert watched.is_file()
    noted = watched.read_text().splitlines()
    assert not noted
    assert not reached
    hosts = {urlsplit(address).hostname for address in asked if address.startswith(("http", "ws"))}
    assert hosts == {"localhost"}
