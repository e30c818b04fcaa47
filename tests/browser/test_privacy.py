"""A visitor's own clip, take and scores, watched: nothing is written or logged, nobody is asked.

Nothing on a page breaks the Content-Security-Policy, under which every page works. What the other
tests here visit is held to all that too, in `visit` and where their server stops.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import psutil
import pytest
import soundfile
from playwright.sync_api import Browser, Page, expect

from core.evaluate.example_scores import example
from tests.browser.conftest import Server
from tests.browser.helpers import PATIENCE_MS, ROOT, SPEECH, go_to, settled, wait_until
from tests.browser.watch import Watch

NAME = "marker-7f3a-of-a-visitor"
PAGES = ("Detect", "Timeline", "Live", "Your scores")  # those that get something of a visitor's
BROKEN = """
window.broken = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.broken.push(`${event.violatedDirective}: ${event.blockedURI}`));
"""
TOOLS = {".git", ".hypothesis", ".venv", "__pycache__"}
TOOLS |= {f".{tool}_cache" for tool in ("pytest", "ruff", "mypy")}
TEMPORARY = Path("/tmp")  # where a worker that decodes would write: it is told of no other folder


def files(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file below, with size and time of change; what tools keep for themselves left out."""
    found = {}
    for at, folders, names in os.walk(folder):
        folders[:] = set(folders) - TOOLS
        for path in (os.path.join(at, name) for name in set(names) - TOOLS):
            about = os.stat(path)
            found[path] = (about.st_size, about.st_mtime_ns)
    return found


@pytest.fixture
def watch(tmp_path) -> Iterator[Watch]:
    made = Watch(tmp_path / "site")
    yield made
    made.close()


class Processes:
    """The server and whatever it has started, looked at from outside every now and then."""

    def __init__(self, port: int) -> None:
        self._server = next(
            child
            for child in psutil.Process().children()
            if any(s.laddr.port == port for s in child.net_connections() if s.status == "LISTEN")
        )
        self.pids: set[int] = set()
        self.reached: set[str] = set()
        self.written: set[str] = set()

    def look(self) -> None:
        """Hosts beyond this machine that they have a socket to, files that they hold to write."""
        own = {a.address for known in psutil.net_if_addrs().values() for a in known}
        for process in [self._server, *self._server.children(recursive=True)]:
            try:
                self.pids.add(process.pid)
                remote = {s.raddr.ip for s in process.net_connections() if s.raddr}
                held = {file.path for file in process.open_files() if file.mode != "r"}
            except psutil.Error:
                continue
            self.reached |= {ip for ip in remote - own if not ip.startswith("127.")}
            self.written |= held


def large_clip(folder: Path) -> Path:
    """More than 1 MB, from where on web servers like to write uploads to the disk."""
    samples, rate = soundfile.read(SPEECH, dtype="int16")
    path = folder / f"{NAME}.wav"
    soundfile.write(path, np.resize(samples, 600_000), rate)
    assert path.stat().st_size > 1_100_000
    return path


def judged(page: Page) -> None:
    heading = page.locator(".st-key-detect-result-card").get_by_role("heading")
    expect(heading).to_have_text(re.compile("Likely|Inconclusive"))


def use_detect(page: Page, clip: Path) -> None:
    """An upload, its report, the detection saved and opened again, and a recording."""
    page.locator("input[type=file]").first.set_input_files(str(clip))
    judged(page)
    page.get_by_text("Evidence report", exact=True).click()
    page.get_by_role("button", name="Prepare report").click()
    expect(page.get_by_role("button", name="Report (HTML)")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="JSON", exact=True).click()
    saved = Path(download.value.path()).read_bytes()
    page.get_by_text("Open a saved detection", exact=True).click()
    page.locator(".st-key-detect-saved input[type=file]").set_input_files(
        {"name": f"{NAME}.json", "mimeType": "application/json", "buffer": saved}
    )
    expect(page.get_by_text("A saved file holds no sound")).to_be_visible()
    page.get_by_text("Another clip", exact=True).click()
    page.get_by_role("tab", name="Record").click()
    page.get_by_role("button", name="Record", exact=True).click()
    page.get_by_text(re.compile(r"^00:0[3-9]$")).first.wait_for()
    page.get_by_role("button", name="Stop recording").click()
    expect(page.get_by_text("Your recording.wav").first).to_be_visible()
    settled(page)
    judged(page)
    expect(page.locator(".st-key-detect-result-card")).to_contain_text(
        re.compile(r"Duration\s*[2-9]")
    )


def use_live(page: Page) -> None:
    """A take, started and stopped."""
    webrtc = page.frame_locator("iframe[title*=webrtc]")
    webrtc.get_by_role("button", name="Start").click()
    expect(page.locator(".st-key-live-verdict")).to_contain_text("over this take")
    webrtc.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Open in Detect")).to_be_visible()


def use_scores(page: Page) -> None:
    """A file of scores, and what it says."""
    page.locator(".st-key-scores-upload-scores input[type=file]").set_input_files(
        {"name": f"{NAME}.csv", "mimeType": "text/plain", "buffer": example()}
    )
    heading = page.get_by_role("heading", name=re.compile(rf"{NAME}.csv: EER [\d.]+ %"))
    expect(heading).to_be_visible()


def try_the_policy(page: Page) -> None:
    """Nothing has broken it so far; it holds what it is for."""
    for frame in page.frames:
        assert frame.evaluate("window.broken") == []
    outcome = page.evaluate(
        "() => fetch('https://elsewhere.example/').then(() => 'sent', () => 'refused')"
    )
    assert outcome == "refused"
    page.evaluate(
        "() => { document.body.insertAdjacentHTML('beforeend',"
        " '<img src=x: onerror=\"window.injected = true\">');"
        " const script = document.createElement('script');"
        " script.textContent = 'window.injected = true'; document.body.append(script); }"
    )
    wait_until(
        page,
        "() => ['connect-src', 'script-src-attr', 'script-src-elem']"
        ".every(what => window.broken.some(text => text.startsWith(what)))",
    )
    assert page.evaluate("window.injected") is None


def test_a_tour_leaves_nothing_behind_calls_nobody_and_keeps_to_the_policy(
    server: Server, browser: Browser, tmp_path: Path
) -> None:
    clip = large_clip(tmp_path)
    asked: list[str] = []
    page = browser.new_page(permissions=["microphone"])  # a visitor whose cache is empty
    page.set_default_timeout(PATIENCE_MS)
    page.add_init_script(BROKEN)
    page.on("request", lambda request: asked.append(request.url))
    answer = page.request.get(server.url)
    assert "default-src 'self';" in answer.headers["content-security-policy"]
    page.goto(server.url)
    page.get_by_role("heading", level=1).first.wait_for()
    settled(page)
    places = (ROOT, server.home, server.temporary)
    before = [files(place) for place in places]
    beside = set(os.listdir(TEMPORARY))
    logged = server.log.read_text()
    processes = Processes(urlsplit(server.url).port)
    for name in PAGES:
        go_to(page, name)
        if name == "Detect":
            use_detect(page, clip)
        if name == "Timeline":
            page.get_by_role("slider", name="Position in the clip").wait_for()
        if name == "Live":
            use_live(page)
        if name == "Your scores":
            use_scores(page)
        settled(page)
        processes.look()
    hosts = {urlsplit(at).hostname for at in asked if at.startswith(("http", "ws"))}
    try_the_policy(page)
    page.close()
    new = set(os.listdir(TEMPORARY)) - beside
    said = server.log.read_text()
    for place, old in zip(places, before, strict=True):
        assert files(place) == old, place
    marks = re.compile("|".join([NAME, *(rf"\b{pid}\b" for pid in processes.pids)]))
    assert not {name for name in new if marks.search(name)}  # other programs write there too
    assert processes.written <= {str(server.log)}
    assert said == logged  # not a word while the visitor was there
    assert NAME not in said
    server.watch.look()
    assert any("core.audio.worker" in note for note in server.watch.notes)
    assert not processes.reached
    assert hosts == {"localhost"}


@pytest.mark.parametrize(
    ("line", "noted"),
    [
        ("open('kept', 'w')", "write 'kept'"),
        ("import socket; socket.create_connection(('192.0.2.1', 9))", "look up '192.0.2.1'"),
        ("import socket; socket.socket().connect(('192.0.2.1', 9))", "connect ('192.0.2.1', 9)"),
        ("import socket; socket.getaddrinfo('example.org', 80)", "look up 'example.org'"),
        ("from core.audio import confined; confined.shut(); open('kept', 'w')", "write 'kept'"),
    ],
)
def test_what_must_not_be_would_be_seen(tmp_path, watch, line, noted):
    own = os.environ | {"HOME": str(tmp_path)} | watch.environment
    own["PYTHONPATH"] += f"{os.pathsep}{ROOT}"
    done = subprocess.run(
        [sys.executable, "-c", line], cwd=tmp_path, env=own, capture_output=True, check=False
    )
    watch.look()
    start, *rest = watch.notes
    assert start.startswith("start")
    assert noted in rest
    assert (done.returncode == 0) == (line == "open('kept', 'w')")  # hosts are refused too
