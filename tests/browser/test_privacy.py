"""What watches all tests here sees what must not be, and the Content-Security-Policy refuses it."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.browser.helpers import ROOT
from tests.browser.watch import Watch


@pytest.fixture
def watch(tmp_path) -> Iterator[Watch]:
    made = Watch(tmp_path / "site")
    yield made
    made.close()


def test_the_policy_holds(visit, errors):
    page = visit("")
    fetched = "fetch('https://elsewhere.example/').then(() => 'sent', () => 'refused')"
    assert page.evaluate(fetched) == "refused"
    with page.expect_console_message(lambda said: "inline event handler" in said.text):
        page.evaluate(
            "() => { const script = document.createElement('script');"
            " script.textContent = 'window.injected = true'; document.body.append(script);"
            " document.body.insertAdjacentHTML('beforeend',"
            " '<img src=x: onerror=\"window.injected = true\">'); }"
        )
    assert page.evaluate("window.injected") is None
    assert all(any(what in error for error in errors) for what in ("connect-src", "inline script"))
    errors.clear()


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
