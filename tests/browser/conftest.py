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
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.helpers import PATIENCE_MS, ROOT, SPEECH

expect.set_options(timeout=PATIENCE_MS)  # busy cores are slow, not wrong


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
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


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the dashboard runs; it is stopped after the last test."""
    with serving(tmp_path_factory.mktemp("server") / "log.txt") as url:
        yield url


@pytest.fixture(scope="module")
def own_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A dashboard whose visitor may name models of the machine it runs on."""
    log = tmp_path_factory.mktemp("own") / "log.txt"
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


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """Open a page of the dashboard by its name in the navigation.

    ``visit("Detect", width=390, scheme="dark")`` gives the Playwright page; a script error in it
    fails the test at its end, and so does whatever the Content-Security-Policy refused.
    """
    opened: list[Page] = []
    errors: list[str] = []

    def open_page(name: str, width: int = 1280, scheme: str = "light") -> Page:
        page = browser.new_page(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,  # type: ignore[arg-type]
            permissions=["microphone"],
        )
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on(
            "console",
            lambda said: errors.append(said.text) if "Security Policy" in said.text else None,
        )
        opened.append(page)
        page.goto(address)
        page.get_by_role("heading", level=1).first.wait_for()
        if width < 768:
            page.get_by_test_id("stExpandSidebarButton").click()
        page.get_by_test_id("stSidebarNavLink").filter(has_text=name).click()
        page.get_by_role("heading", name=name, level=1, exact=True).wait_for()
        if width < 768 and page.get_by_test_id("stSidebarCollapseButton").is_visible():
            page.get_by_test_id("stSidebarCollapseButton").get_by_role("button").click()
        return page

    yield open_page
    errors += [
        text for page in opened for text in page.get_by_test_id("stException").all_inner_texts()
    ]
    for page in opened:
        page.close()
    assert not errors
