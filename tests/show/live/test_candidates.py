"""A visitor cannot make the server send to whom they like."""

import asyncio
import types

import pytest
from aiortc import RTCConfiguration, RTCIceServer, RTCPeerConnection, RTCSessionDescription
from aiortc.rtcconfiguration import RTCIceTransportPolicy
from aiortc.sdp import SessionDescription, candidate_from_sdp
from hypothesis import given
from hypothesis import strategies as st
from streamlit_webrtc import component

from core.show.live import candidates
from core.show.live.candidates import may_reach, restrict, without_forbidden
from tests.loops import run_apart

STRANGE = [
    *("127.0.0.1", "127.1.2.3", "0.0.0.0", "169.254.169.254", "10.0.0.1", "172.16.0.1"),
    *("192.168.1.1", "100.64.0.1", "224.0.0.251", "239.1.1.1", "255.255.255.255", "240.0.0.1"),
    *("192.0.2.1", "198.18.0.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::fb"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "2002:7f00:1::", "64:ff9b::7f00:1"),
    *("2001:0:7f00:1::", "2001:db8::1", "localhost", "metadata.internal", "printer.local"),
    *("example.org", "2130706433", "0x7f000001", "127.1", "0177.0.0.1", "", "a" * 300),
]
PUBLIC = ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:93.184.216.34"]
OWN = "93.184.216.35"


@pytest.mark.parametrize("host", STRANGE)
@pytest.mark.parametrize("relayed", [False, True])
def test_what_is_not_on_the_public_net_is_refused(host, relayed):
    assert not may_reach(host, OWN, relayed)
    assert not may_reach(host, None, relayed)


@pytest.mark.parametrize("host", PUBLIC)
def test_a_public_address_is_reached_by_a_turn_server_only(host):
    assert not may_reach(host, OWN)
    assert may_reach(host, OWN, relayed=True)


@pytest.mark.parametrize(
    ("own", "host"),
    [
        (OWN, OWN),
        (OWN, f"::ffff:{OWN}"),
        (f"::ffff:{OWN}", OWN),
        ("192.168.1.7", "192.168.1.7"),
        ("fd00::7", "fd00:0:0::7"),
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
    ],
)
def test_a_visitors_own_address_is_reached_wherever_it_is(own, host):
    assert may_reach(host, own)


def test_who_sits_at_this_machine_is_reached_at_all_of_its_addresses(monkeypatch):
    monkeypatch.setattr("aioice.ice.get_host_addresses", lambda **kinds: ["10.1.2.3"])
    assert may_reach("10.1.2.3", "127.0.0.1")
    assert not may_reach("10.1.2.4", "127.0.0.1")
    assert not may_reach("10.1.2.3", "10.1.2.9")


@pytest.mark.parametrize("host", STRANGE)
def test_on_ones_own_machine_nothing_is_refused(host, monkeypatch):
    monkeypatch.setenv("SPOOFSCOPE_OWN_MACHINE", "1")
    assert may_reach(host, None)


@given(st.ip_addresses(), st.booleans())
def test_no_address_of_any_kind_is_reached_directly_unless_it_is_ones_own(address, relayed):
    reached = may_reach(str(address), None, relayed)
    assert not reached or (relayed and address.is_global and not address.is_multicast)


@pytest.mark.parametrize(
    ("headers", "address", "expected"),
    [
        ({}, None, "127.0.0.1"),
        ({}, "192.168.1.7", "192.168.1.7"),
        ({"X-Forwarded-For": "8.8.8.8"}, None, None),
        ({"Via": "1.1 proxy"}, "10.0.0.1", None),
        ({"Forwarded": "for=8.8.8.8"}, None, None),
    ],
)
def test_behind_a_proxy_nobodys_address_is_known(headers, address, expected, monkeypatch):
    context = types.SimpleNamespace(headers=headers, ip_address=address)
    monkeypatch.setattr(candidates.st, "context", context)
    assert candidates.visitor() == expected


def line(host: str, kind: str = "host") -> str:
    return f"candidate:1 1 udp 2130706431 {host} 50000 typ {kind}"


@pytest.fixture(scope="module")
def offer() -> str:
    """What a peer offers, without its candidates."""

    async def make():
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        peer.addTransceiver("audio")
        await peer.setLocalDescription(await peer.createOffer())
        sdp = peer.localDescription.sdp
        await peer.close()
        return sdp

    return without_forbidden(run_apart(make()), lambda host: False)


def test_an_offer_that_names_strangers_names_none_afterwards(offer):
    crafted = [
        *(f"a={line(host, kind)}" for host in STRANGE for kind in ("host", "srflx", "relay")),
        *(
            "a=candidate:",
            "a=candidate:1 1 udp",
            "a=candidate",
            "a=candidate:1 x udp 1 1.1.1.1 1 typ",
        ),
        *(f"a=candidate:1\t1 udp 1 {host} 9 typ\xa0host" for host in STRANGE),
        "a=end-of-candidates",
    ]
    for ends in ("\r\n", "\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028"):
        made = without_forbidden(
            offer + ends.join([*crafted, f"a={line(OWN)}", ""]), lambda h: h == OWN
        )
        media = SessionDescription.parse(made).media
        assert [c.ip for m in media for c in m.ice_candidates] == [OWN]
        assert not any(m.ice_candidates_complete for m in media)


def test_an_offer_without_strangers_stays_as_it_was(offer):
    whole = offer + f"a={line(OWN)}\r\na=end-of-candidates\r\n"
    assert without_forbidden(whole, lambda host: True) == whole


@pytest.fixture
def worker(monkeypatch):
    """The guard around a worker that only notes what came to it."""
    came = []

    class Plain:
        def __init__(self, rtc_configuration):
            self.configuration = rtc_configuration

        def process_offer(self, sdp, type_, timeout=None):
            came.extend(c.ip for m in SessionDescription.parse(sdp).media for c in m.ice_candidates)

        def add_ice_candidate(self, candidate):
            came.append(candidate.ip)

        set_ice_candidates_from_offerer = component.WebRtcWorker.set_ice_candidates_from_offerer

    monkeypatch.setattr(component, "WebRtcWorker", Plain)
    monkeypatch.setattr(candidates, "visitor", lambda: OWN)
    restrict()
    restrict()  # once more changes nothing
    assert component.WebRtcWorker.__mro__[1] is Plain

    def make(*urls):
        servers = [RTCIceServer(urls=list(urls))] if urls else []
        made = component.WebRtcWorker(rtc_configuration=RTCConfiguration(iceServers=servers))
        made._added_ice_candidate_ids = set()
        return made, came

    return make


def test_every_way_by_which_a_visitor_names_addresses_is_guarded(worker, offer):
    made, came = worker()
    named = [*STRANGE, *PUBLIC, OWN]
    made.process_offer(offer + "".join(f"a={line(host)}\r\n" for host in named), "offer", 10)
    assert came == [OWN]
    trickled = {str(n): {"candidate": line(host), "sdpMid": "0"} for n, host in enumerate(named)}
    made.set_ice_candidates_from_offerer(trickled)
    assert came == [OWN, OWN]
    assert made.configuration.iceTransportPolicy == RTCIceTransportPolicy.ALL


def test_where_there_is_a_turn_server_everything_goes_through_it(worker):
    made, came = worker("stun:a.example", "turn:b.example?transport=udp")
    assert made.configuration.iceTransportPolicy == RTCIceTransportPolicy.RELAY
    for host in [*STRANGE, *PUBLIC]:
        try:
            made.add_ice_candidate(candidate_from_sdp(line(host)[10:]))
        except AssertionError:  # an empty host is no candidate
            assert host == ""
    assert came == PUBLIC


def test_another_streamlit_webrtc_inside_is_refused_and_not_left_unguarded(monkeypatch):
    monkeypatch.setattr(component, "WebRtcWorker", type("Other", (), {}))
    with pytest.raises(RuntimeError, match="to be guarded"):
        restrict()


def test_a_peer_that_named_no_address_is_found_by_where_it_comes_from(offer):
    async def meet():
        caller, answerer = (
            RTCPeerConnection(RTCConfiguration(iceServers=[])),
            RTCPeerConnection(RTCConfiguration(iceServers=[])),
        )
        caller.addTransceiver("audio")
        await caller.setLocalDescription(await caller.createOffer())
        sdp = without_forbidden(caller.localDescription.sdp, lambda host: False)
        await answerer.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        await answerer.setLocalDescription(await answerer.createAnswer())
        await caller.setRemoteDescription(answerer.localDescription)
        for _ in range(200):
            if answerer.connectionState == "connected":
                break
            await asyncio.sleep(0.05)
        state = answerer.connectionState
        await caller.close()
        await answerer.close()
        return state

    assert run_apart(meet()) == "connected"
