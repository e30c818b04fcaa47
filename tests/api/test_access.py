"""Who is answered."""

import pytest
import requests
from starlette.requests import Request

from core.api.access import Access, is_loopback, tokens_of
from core.api.problems import Problem
from core.settings import Settings, SettingsError, settings

TOKEN = "0123456789abcdef"


def request(client: str | None = "127.0.0.1", **headers: str) -> Request:
    headers = {"host": "localhost:8501"} | headers
    raw = [(k.replace("_", "-").encode(), v.encode("latin-1")) for k, v in headers.items()]
    place = None if client is None else (client, 50_000)
    return Request({"type": "http", "headers": raw, "client": place})


NEAR = [
    {},
    {"client": "::1", "host": "[::1]:8501"},
    {"client": "::ffff:127.0.0.1"},
    {"client": "127.8.9.1", "host": "127.0.0.1"},
    {"origin": "http://localhost:8501"},
]
FAR = [
    {"client": "192.0.2.7"},
    {"client": "::ffff:192.0.2.7"},
    {"client": None},
    {"client": "testclient"},
    {"x_forwarded_for": "127.0.0.1"},
    {"x_forwarded_host": "localhost"},
    {"forwarded": "for=127.0.0.1"},
    {"via": "1.1 proxy"},
    {"x_real_ip": "127.0.0.1"},
    {"cf_connecting_ip": "127.0.0.1"},
    {"host": "spoofscope.example"},
    {"host": "localhost.example:8501"},
    {"host": "127.0.0.1.example"},
    {"host": "localhost@example.org"},
    {"host": "example.org#localhost"},
    {"host": "[::1"},
    {"host": "0.0.0.0:8501"},
    {"host": ""},
    {"origin": "https://elsewhere.example"},
    {"origin": "http://localhost:3000"},
    {"origin": "null"},
]


@pytest.mark.parametrize("sent", NEAR, ids=str)
def test_without_tokens_this_machine_is_answered(sent):
    assert Access({}).caller(request(**sent))


@pytest.mark.parametrize("sent", FAR, ids=str)
def test_without_tokens_nobody_else_is(sent):
    with pytest.raises(Problem, match="only programs of its own machine") as refused:
        Access({}).caller(request(**sent))
    assert refused.value.status == 403


@pytest.mark.parametrize(
    "sent",
    [None, "", TOKEN, "Bearer", "Bearer ", f"Basic {TOKEN}", f"Bearer {TOKEN}x",
     f"Bearer {TOKEN[:-1]}", f"Bearer press:{TOKEN}", "Bearer é", f"Bearer {TOKEN},{TOKEN}"],
)  # fmt: skip
def test_with_tokens_only_a_known_one_opens(sent):
    headers = {} if sent is None else {"authorization": sent}
    with pytest.raises(Problem) as refused:
        Access({"press": TOKEN}).caller(request(**headers))
    assert refused.value.status == 401
    assert refused.value.headers["WWW-Authenticate"] == "Bearer"
    assert TOKEN not in refused.value.detail


def test_a_token_opens_from_anywhere_and_names_its_bearer():
    access = Access({"press": TOKEN, "court": TOKEN[::-1]})
    sent = {"client": "192.0.2.7", "host": "spoofscope.example", "via": "1.1 proxy"}
    assert access.caller(request(**sent, authorization=f"Bearer {TOKEN}")) == "press"
    assert access.caller(request(**sent, authorization=f"bearer {TOKEN[::-1]}")) == "court"


def test_each_caller_has_a_quota_of_its_own(monkeypatch):
    monkeypatch.setenv("SPOOFSCOPE_API_REQUESTS", "1")
    access = Access({})
    with access.place("press"), access.place("court"):
        with (
            pytest.raises(Problem, match="1 requests under way") as refused,
            access.place("press"),
        ):
            pytest.fail("answered")
        assert refused.value.status == 429
    with access.place("press"):
        pass


def test_tokens_are_read():
    assert tokens_of("") == {}
    assert tokens_of(f" press:{TOKEN} , court:{TOKEN}=, ") == {"press": TOKEN, "court": f"{TOKEN}="}


@pytest.mark.parametrize(
    "text",
    [TOKEN, f":{TOKEN}", f"press {TOKEN}", "press:short-token", f"press:{TOKEN} x", f"é:{TOKEN}",
     f"a:{TOKEN},a:{TOKEN}x", f"a:{TOKEN},b:{TOKEN}", f"press:{TOKEN}é"],
)  # fmt: skip
def test_tokens_that_cannot_be_used_are_named_by_their_place(text):
    with pytest.raises(SettingsError, match=r"^Entry [12] of SPOOFSCOPE_API_TOKENS ") as wrong:
        tokens_of(text)
    assert TOKEN not in str(wrong.value) and "short-token" not in str(wrong.value)


def test_settings_show_no_token():
    found = settings({"SPOOFSCOPE_API_TOKENS": f"press:{TOKEN}"})
    assert found.api_tokens and TOKEN not in repr(found)
    assert not Settings().api


@pytest.mark.parametrize("host", ["", "0.0.0.0", "::", "10.0.0.1", "unix:///tmp/s", "example.org"])
def test_what_other_machines_reach_is_no_loopback(host):
    assert not is_loopback(host)


@pytest.mark.parametrize("path", ["detectors", "detect", "inspect", "report"])
def test_a_server_with_tokens_asks_for_one_before_it_reads(guarded, path):
    method = "get" if path == "detectors" else "post"
    refused = requests.request(method, f"{guarded}/{path}", data=b"\0", timeout=30)
    assert refused.status_code == 401
    assert refused.json()["detail"].startswith("This server answers to tokens")
    assert not [h for h in refused.headers if h.lower().startswith("access-control")]


@pytest.mark.parametrize("path", ["health", "openapi.json", "docs"])
def test_what_holds_no_secret_needs_none(guarded, path):
    assert requests.get(f"{guarded}/{path}", timeout=30).status_code == 200
