"""The whole dashboard in a real Chromium: one browser and two servers for the tests of a process.

One is watched from its start to its end; the other runs as on a host that knows Streamlit only.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Error,
    Page,
    Request,
    expect,
    sync_playwright,
)

from tests.browser.helpers import GIVEN, NAME, PATIENCE_MS, READER, ROOT, microphone
from tests.browser.watch import Processes, Watch, files

expect.set_options(timeout=PATIENCE_MS)  # busy cores are slow, not wrong

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--force-prefers-reduced-motion",  # what turns while one waits is not painted
)


TEMPORARY = Path("/tmp")  # where a worker that decodes would write: it is told of no other folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests here."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker("browser")


@contextlib.contextmanager
def serving(
    log: Path, program: tuple[str, ...] = ("-m", "core.show.serve"), **environment: str
) -> Iterator[str]:
    """A dashboard of its own, stopped at the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = {
        "server.port": port,
        "server.headless": "true",
        "server.address": "127.0.0.1",
        "server.fileWatcherType": "none",
        "logger.enableRich": "false",  # so that an uncaught error has a line of its own
    }
    command = [sys.executable, *program]
    command += [f"--{name}={value}" for name, value in options.items()]
    with log.open("w") as out:
        server = subprocess.Popen(
            command, cwd=ROOT, env=os.environ | environment, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        url = f"http://localhost:{port}"
        for _ in range(480):
            try:
                urllib.request.urlopen(f"{url}/_stcore/health", timeout=1).read()
                break
            except OSError:
                if server.poll() is not None:
                    pytest.fail(f"The server stopped: {log.read_text()[-2000:]}")
                time.sleep(0.25)
        else:
            pytest.fail("The server did not answer within two minutes.")
        yield url
        assert "Uncaught app execution" not in log.read_text(), log.read_text()[-4000:]
    finally:
        server.terminate()
        server.wait(60)


@dataclass(frozen=True)
class Server:
    """Where it is, and what watches it."""

    url: str
    watch: Watch
    processes: Processes


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The dashboard, stopped after the last test: until then it kept to itself what it was given.

    It wrote nothing and held nothing open to write, said nothing of visitors, and asked nobody.
    """
    folder = tmp_path_factory.mktemp("server")
    log, home, temporary = (folder / name for name in ("log.txt", "home", "tmp"))
    home.mkdir()
    temporary.mkdir()
    watch = Watch(folder / "site")
    before, beside = files(ROOT), set(os.listdir(TEMPORARY))
    with serving(log, HOME=str(home), TMPDIR=str(temporary), **watch.environment) as url:
        processes = Processes(urlsplit(url).port)
        yield Server(url, watch, processes)
        said = log.read_text()
    new = set(os.listdir(TEMPORARY)) - beside
    watch.look()
    watch.close()
    started = [note for note in watch.notes if note.startswith("start")]
    assert watch.notes == started
    assert any("core.show.serve" in note for note in started)
    assert not [*home.iterdir(), *temporary.iterdir(), *(files(ROOT) - before)]
    marks = re.compile("|".join([NAME, *(rf"\b{pid}\b" for pid in processes.pids)]))
    assert not {name for name in new if marks.search(name)}  # other programs write there too
    assert processes.written <= {str(log)}
    assert not processes.reached
    assert not [name for name in GIVEN if name in said]
    # Streamlit has a stamped line for what its threads and fragments miss; nothing else says a word
    said = re.sub(r"(?m)^[\d-]{10} [\d:]{8}\.\d{3} .*\n", "", said)
    banner = r"\s*You can now view your Streamlit app in your browser\.\s*URL: \S+\s*"
    assert re.fullmatch(banner, said), said[-4000:]


@pytest.fixture(scope="session")
def address(server: Server) -> str:
    return server.url


@dataclass(frozen=True)
class Host:
    """Another server: where it is, what it says, and the file without which it listens on."""

    url: str
    log: Path
    gate: Path


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """The dashboard as a host starts it that knows Streamlit only, with one place to listen.

    What a visitor leaves is kept for two seconds, and the visitor is on the machine's own server.
    """
    folder = tmp_path_factory.mktemp("host")
    log, gate = folder / "log.txt", folder / "go"
    gate.touch()
    program = str(Path(__file__).with_name("hosted.py"))
    own = {
        "GATE": str(gate),
        "PYTHONPATH": str(ROOT),
        "SPOOFSCOPE_API": "1",
        "SPOOFSCOPE_CONCURRENT_INFERENCES": "1",
        "SPOOFSCOPE_OWN_MACHINE": "1",
        "SPOOFSCOPE_QUEUE_LENGTH": "2",
        "SPOOFSCOPE_SESSION_KEEP_S": "2",
    }
    with serving(log, (program,), **own) as url:
        yield Host(url, log, gate)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Chromium whose microphone plays a reader, without asking."""
    heard = microphone(tmp_path_factory.mktemp("microphone") / "reader.wav", READER)
    executable = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chrome")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=executable,
            args=[*FLAGS, "--autoplay-policy=no-user-gesture-required", *heard],
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def tab(browser: Browser) -> Iterator[Page]:
    """One for all visits: what it has compiled of the dashboard is not compiled again.

    A visitor beside it is a `tab.context.new_page()`, which shares what was loaded.
    """
    context = browser.new_context(permissions=["microphone", "clipboard-read", "clipboard-write"])
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    yield page
    context.close()


@pytest.fixture
def errors() -> list[str]:
    """What went wrong in the tab: `visit` fills it, and fails where it is not empty in the end."""
    return []


@pytest.fixture
def visit(tab: Page, server: Server, errors: list[str]) -> Iterator[Callable[..., Page]]:
    """Open an address of the dashboard, each time as a new visitor.

    ``visit("detect?example=1", width=390, scheme="dark")`` gives the Playwright page; a script
    error in it fails the test at its end, and so does whatever the Content-Security-Policy refused
    or was asked of another host.
    """

    def note(error: Error) -> None:
        errors.append(str(error))

    def listen(said: ConsoleMessage) -> None:
        if "Security Policy" in said.text:
            errors.append(said.text)

    def ask(request: Request) -> None:
        if request.url.startswith(("http", "ws")) and urlsplit(request.url).hostname != "localhost":
            errors.append(request.url)

    def open_page(path: str, width: int = 1280, height: int = 900, scheme: str = "light") -> Page:
        tab.set_viewport_size({"width": width, "height": height})
        tab.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        tab.goto(f"{server.url}/{path}")
        tab.get_by_role("heading", level=1).first.wait_for()
        return tab

    tab.on("pageerror", note)
    tab.on("console", listen)
    tab.on("request", ask)
    yield open_page
    server.processes.look()
    server.watch.look()  # a full pipe takes no more notes
    tab.remove_listener("request", ask)
    tab.remove_listener("pageerror", note)
    tab.remove_listener("console", listen)
    errors += tab.get_by_test_id("stException").all_inner_texts()
    assert not errors
