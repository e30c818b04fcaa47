"""Which TURN server carries a live take."""

import base64
import hashlib
import hmac

import pytest

from core.settings import SettingsError
from core.show.live import candidates, relay

URLS = "turn:192.168.1.7:3478?transport=udp, turns:[2001:db8::1]:5349"


def test_no_outside_host_is_asked_unless_a_turn_server_is_set_up(monkeypatch):
    names = ("CLOUDFLARE_TURN_KEY_ID", "CLOUDFLARE_TURN_KEY_API_TOKEN", "HF_TOKEN")
    for name in names:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(relay.st, "secrets", {})
    none = {"iceServers": []}
    assert relay.rtc_configuration() == none
    monkeypatch.setenv("HF_TOKEN", "for other things")
    monkeypatch.setenv("CLOUDFLARE_TURN_KEY_ID", "half a pair")
    assert relay.rtc_configuration() == none
    monkeypatch.setenv("CLOUDFLARE_TURN_KEY_API_TOKEN", "the other half")
    assert relay.rtc_configuration() is None
    monkeypatch.delenv("CLOUDFLARE_TURN_KEY_ID")
    monkeypatch.setattr(relay.st, "secrets", {"HF_TOKEN": "of this app"})
    assert relay.rtc_configuration() is None


def test_the_hosts_own_server_comes_first_with_credentials_that_end(monkeypatch):
    monkeypatch.setenv("SPOOFSCOPE_TURN_URL", URLS)
    monkeypatch.setenv("SPOOFSCOPE_TURN_SECRET", "shared")
    (server,) = relay.rtc_configuration()["iceServers"]
    assert server["urls"] == URLS.split(", ")
    name, password = relay.credentials("shared", 1e9)
    ends = int(name.split(":")[0])
    assert relay.LASTS_S < ends - 1e9 <= 2 * relay.LASTS_S
    digest = hmac.new(b"shared", name.encode(), hashlib.sha1).digest()
    assert base64.b64decode(password) == digest


def test_packets_may_go_to_the_hosts_own_server_and_to_nothing_beside_it(monkeypatch):
    monkeypatch.setenv("SPOOFSCOPE_TURN_URL", URLS)
    monkeypatch.setenv("SPOOFSCOPE_TURN_SECRET", "shared")
    assert candidates.may_reach("192.168.1.7", None, relayed=True)
    assert not candidates.may_reach("192.168.1.7", None)
    assert not candidates.may_reach("192.168.1.8", None, relayed=True)


@pytest.mark.parametrize(
    ("url", "secret"),
    [("turn:a", ""), ("", "shared"), ("stun:a", "shared"), ("turn:a b", "shared"),
     ("turn:a?transport=sctp", "shared"), ("https://a", "shared")],
)  # fmt: skip
def test_what_is_half_set_or_no_turn_server_stops_the_start(monkeypatch, url, secret):
    monkeypatch.setenv("SPOOFSCOPE_TURN_URL", url)
    monkeypatch.setenv("SPOOFSCOPE_TURN_SECRET", secret)
    with pytest.raises(SettingsError, match="SPOOFSCOPE_TURN_URL"):
        relay.own_urls()
