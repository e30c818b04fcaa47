"""A server that can write nowhere still judges, and turns away what it should."""

import subprocess
from collections.abc import Iterator

import pytest
import requests
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from benchmarks import load
from core.settings import SettingsError
from core.show.server import headers


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> Iterator[str]:
    """The dashboard without a home or a folder for temporary files, uploads up to 4 MB."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME"):
            patch.setenv(name, "/proc/nowhere")
        patch.setenv("PYTHONDONTWRITEBYTECODE", "1")
        patch.setenv("SPOOFSCOPE_MAX_UPLOAD_MB", "4")
        patch.setenv("SPOOFSCOPE_API", "1")
        folder = tmp_path_factory.mktemp("server")
        server, url = load.serve(folder)
    yield url
    server.terminate()
    try:
        server.wait(60)  # it waits for what is under way
    except subprocess.TimeoutExpired:
        server.kill()
        raise
    assert "Traceback" not in (folder / "log.txt").read_text()


def test_a_visitor_gets_a_verdict(address):
    seen = load.visit(address, "clip.wav", load.clip())
    assert seen["seconds"] > 0
    assert requests.get(f"{address}/_stcore/health", timeout=10).text == "ok"


def test_an_upload_needs_the_sessions_own_token_and_has_a_size(address):
    visitor = load.Visitor(address)
    try:
        visitor.run()
        with pytest.raises(requests.HTTPError, match="413"):
            visitor.upload("large.wav", b"\0" * (5 << 20))
        visitor.token = "forged"
        with pytest.raises(requests.HTTPError, match="403"):
            visitor.upload("clip.wav", b"\0" * 1_000)
    finally:
        visitor.close()


def test_a_page_of_another_origin_opens_no_session(address):
    with (
        pytest.raises(InvalidStatus),
        connect(
            f"ws{address.removeprefix('http')}/_stcore/stream",
            origin="https://elsewhere.example",
            subprotocols=["streamlit"],
            proxy=None,
        ),
    ):
        pytest.fail("connected")


def test_every_answer_says_what_a_browser_must_refuse(address):
    page = requests.get(address, timeout=10)
    rules = dict(rule.split(" ", 1) for rule in page.headers["Content-Security-Policy"].split("; "))
    assert rules["default-src"] == rules["frame-ancestors"] == "'self'"
    hosts = [word for rule in rules.values() for word in rule.split() if "." in word or "*" in word]
    assert not hosts
    health = requests.get(f"{address}/_stcore/health", timeout=10)
    for answer in (page, health):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Permissions-Policy"].startswith("microphone=(self)")
    assert "Content-Security-Policy" not in health.headers


def test_programs_are_answered_beside_the_pages(address):
    found = requests.post(f"{address}/api/v1/detect", data=load.clip(), timeout=120)
    assert found.status_code == 200 and found.json()[0]["windows"]
    large = requests.post(f"{address}/api/v1/detect", data=b"\0" * (5 << 20), timeout=120)
    assert large.status_code == 413 and "4 MB" in large.json()["detail"]
    page = requests.get(f"{address}/api/v1/docs", timeout=10)
    assert page.headers["Content-Security-Policy"].startswith("default-src 'self'")
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    far = requests.get(f"{address}/api/v1/health", headers={"Host": "a.example"}, timeout=10)
    assert far.status_code == 403


@pytest.mark.parametrize(
    "frames", ["'none'", "https://a.example http://*.b.example:8080", "[::1]:1"]
)
def test_who_may_frame_the_dashboard_can_be_set(frames, monkeypatch):
    monkeypatch.setenv("SPOOFSCOPE_FRAME_ANCESTORS", frames)
    assert headers.policy().endswith(f"; frame-ancestors {frames}")


@pytest.mark.parametrize("frames", ["*; script-src *", "a\r\nSet-Cookie: b", "https://a, b", "é"])
def test_a_header_cannot_be_forged_by_that(frames, monkeypatch):
    monkeypatch.setenv("SPOOFSCOPE_FRAME_ANCESTORS", frames)
    with pytest.raises(SettingsError, match="must be 'self', 'none' or addresses"):
        headers.policy()
