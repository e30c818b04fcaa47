"""The API before the pages, where it is switched on."""

import subprocess
import sys
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from core.api import mount
from core.settings import SettingsError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def streamlit(monkeypatch):
    """Streamlit's options in a test."""
    options = {"server.address": "127.0.0.1", "server.baseUrlPath": ""}
    monkeypatch.setattr(mount, "get_option", options.get)
    return options


def client() -> TestClient:
    page = Route("/{path:path}", lambda _: PlainTextResponse("page"))
    made = Starlette(routes=[*mount.routes(), page])
    return TestClient(made, base_url="http://localhost", client=("127.0.0.1", 1))


def test_it_is_off_by_default(streamlit):
    assert client().get("/api/v1/health").text == "page"


@pytest.mark.parametrize("base", ["", "voices", "/voices/of/"])
def test_it_answers_behind_the_base_of_the_pages(streamlit, monkeypatch, base):
    monkeypatch.setenv("SPOOFSCOPE_API", "1")
    streamlit["server.baseUrlPath"] = base
    root = f"/{base.strip('/')}".rstrip("/")
    assert client().get(f"{root}/api/v1/health").json() == {"status": "ok"}
    assert client().get(f"{root}/api/v1").url.path == f"{root}/api/v1/docs"
    assert client().get(f"{root}/api/v1/nothing").json()["status"] == 404
    assert client().get("/Detect").text == "page"


@pytest.mark.parametrize("address", [None, "0.0.0.0", "::", "192.0.2.1", "unix:///tmp/s"])
def test_it_does_not_start_for_other_machines_without_tokens(streamlit, monkeypatch, address):
    monkeypatch.setenv("SPOOFSCOPE_API", "1")
    streamlit["server.address"] = address
    with pytest.raises(SettingsError, match=r"^The API would answer to other machines"):
        mount.routes()
    monkeypatch.setenv("SPOOFSCOPE_API_TOKENS", "press:a-token-of-the-press")
    assert client().get("/api/v1/detectors").status_code == 401


def test_wrong_tokens_end_the_start(streamlit, monkeypatch):
    monkeypatch.setenv("SPOOFSCOPE_API", "1")
    monkeypatch.setenv("SPOOFSCOPE_API_TOKENS", "press")
    with pytest.raises(SettingsError, match=r"^Entry 1 of SPOOFSCOPE_API_TOKENS "):
        mount.routes()


@pytest.mark.parametrize("start", [["core.show.serve"], ["streamlit", "run", "Home.py"]])
@pytest.mark.parametrize("secret", [False, True])
def test_a_real_start_ends_with_the_sentence(monkeypatch, tmp_path, start, secret):
    if secret:
        monkeypatch.setenv("HOME", str(tmp_path))
        (tmp_path / ".streamlit").mkdir()
        (tmp_path / ".streamlit" / "secrets.toml").write_text('SPOOFSCOPE_API = "1"')
    else:
        monkeypatch.setenv("SPOOFSCOPE_API", "1")
    options = ["--server.headless=true", "--server.port=0", "--server.fileWatcherType=none"]
    line = [sys.executable, "-m", *start, *options]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode and done.stderr.strip().splitlines()[-1] == mount.OPEN, done.stderr
    assert "Traceback" not in done.stderr
