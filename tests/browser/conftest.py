"""The whole dashboard in a real Chromium: one server and one browser for all tests here."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import soundfile
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, expect, sync_playwright

from tests.browser.helpers import PATIENCE_MS, ROOT, SPEECH

expect.set_options(timeout=PATIENCE_MS)  # busy cores are slow, not wrong


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests here, and put them first: they wait, and others run meanwhile."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker("browser")
    items.sort(key=lambda item: item.get_closest_marker("browser") is None)


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


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the dashboard runs, on its visitor's own machine; stopped after the last test."""
    log = tmp_path_factory.mktemp("server") / "log.txt"
    with serving(log, SPOOFSCOPE_OWN_MACHINE="1") as url:
        yield url


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Chromium whose microphone plays the test speech, without asking."""
    microphone = tmp_path_factory.mktemp("microphone") / "speech.wav"
    samples, rate = soundfile.read(SPEECH, dtype="int16")
    soundfile.write(microphone, samples, rate, subtype="PCM_16")
    executable = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chrome")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=executable,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--disable-background-networking",
                "--autoplay-policy=no-user-gesture-required",
                "--use-fake-device-for-media-stream",
                "--use-fake-ui-for-media-stream",
                f"--use-file-for-fake-audio-capture={microphone}",
            ],
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def tab(browser: Browser) -> Iterator[Page]:
    """One for all visits: what it has compiled of the dashboard is not compiled again."""
    context = browser.new_context(permissions=["microphone", "clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    yield page
    context.close()


@pytest.fixture
def visit(tab: Page, address: str) -> Iterator[Callable[..., Page]]:
    """Open an address of the dashboard, each time as a new visitor.

    ``visit("detect?example=1", width=390, scheme="dark")`` gives the Playwright page; a script
    error in it fails the test at its end, and so does whatever the Content-Security-Policy refused.
    """
    errors: list[str] = []

    def note(error: Error) -> None:
        errors.append(str(error))

    def listen(said: ConsoleMessage) -> None:
        if "Security Policy" in said.text:
            errors.append(said.text)

    def open_page(path: str, width: int = 1280, height: int = 900, scheme: str = "light") -> Page:
        tab.set_viewport_size({"width": width, "height": height})
        tab.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        tab.goto(f"{address}/{path}")
        tab.get_by_role("heading", level=1).first.wait_for()
        return tab

    tab.on("pageerror", note)
    tab.on("console", listen)
    yield open_page
    tab.remove_listener("pageerror", note)
    tab.remove_listener("console", listen)
    errors += tab.get_by_test_id("stException").all_inner_texts()
    assert not errors
