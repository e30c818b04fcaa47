"""Where a live take may make the server send: to its visitor, or to a TURN server.

A browser names addresses at which it might be reached (ICE candidates), and WebRTC sends packets
to each to find out. A stranger could name any, also such as only the server can reach. Where the
server can be reached itself, none of them is needed: it answers where the browser's packets come
from.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.settings import settings
from core.show.live.relay import own_urls

if TYPE_CHECKING:
    from aiortc import RTCConfiguration, RTCIceCandidate

PROXIES = ("Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via")
"""Headers that say that the connection is a proxy's and not the visitor's."""

TRANSLATED = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48")))
"""IPv6 addresses that stand for IPv4 ones (RFC 6052, RFC 8215)."""

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def visitor() -> str | None:
    """Address that this page's visitor connects from; None where a proxy stands in between."""
    if any(name in st.context.headers for name in PROXIES):
        return None
    return st.context.ip_address or "127.0.0.1"  # Streamlit's None is this machine


def may_reach(host: str, own: str | None, relayed: bool = False) -> bool:
    """Whether packets may go to a host that a visitor named.

    Parameters
    ----------
    host : str
        As in a candidate.
    own : str or None
        The visitor's own address as the server sees it, if known.
    relayed : bool
        Whether a TURN server sends them: then to public addresses, and to that of the host's own
        TURN server, where the visitor's packets come out.

    Returns
    -------
    bool
        False for every host name: nothing is looked up for a visitor.
    """
    if settings().own_machine:
        return True
    address = _address(host)
    if address is None:
        return False
    if own is not None and address in _own(own):
        return True
    return relayed and (_is_public(address) or host in own_urls().values())


def without_forbidden(sdp: str, may: Callable[[str], bool]) -> str:
    """An SDP offer without the candidates whose address is not allowed, or cannot be read.

    Lines are split and read as aiortc does. Where one is dropped, the offer no longer says that it
    is complete: a browser that is at none of the addresses can still come by itself.
    """
    from aiortc.sdp import candidate_from_sdp, parse_attr

    kept, dropped = [], False
    for line in sdp.splitlines():
        if line.startswith("a=") and parse_attr(line)[0] == "candidate":
            try:
                fine = may(candidate_from_sdp(parse_attr(line)[1] or "").ip)
            except (AssertionError, ValueError):
                fine = False
            if not fine:
                dropped = True
                continue
        kept.append(line)
    if dropped:
        kept = [line for line in kept if not line.startswith("a=end-of-candidates")]
    return "\r\n".join(kept) + "\r\n"


def restrict() -> None:
    """Have every WebRTC connection of this process ask `may_reach`; once is enough."""
    from streamlit_webrtc import component

    if getattr(component.WebRtcWorker, "guarded", False):
        return
    plain: Any = component.WebRtcWorker

    class Worker(plain):
        guarded = True

        def __init__(self, *args: Any, rtc_configuration: RTCConfiguration, **rest: Any) -> None:
            self._relayed = _relay_only(rtc_configuration)
            super().__init__(*args, rtc_configuration=rtc_configuration, **rest)

        def _may(self, host: str) -> bool:
            return may_reach(host, visitor(), self._relayed)

        def process_offer(self, sdp: str, *args: Any, **rest: Any) -> Any:
            return super().process_offer(without_forbidden(sdp, self._may), *args, **rest)

        def add_ice_candidate(self, candidate: RTCIceCandidate) -> None:
            if self._may(candidate.ip):
                super().add_ice_candidate(candidate)

    for name in ("process_offer", "add_ice_candidate", "set_ice_candidates_from_offerer"):
        if not callable(getattr(plain, name, None)):
            raise RuntimeError(f"streamlit-webrtc has no {name} to be guarded")
    component.WebRtcWorker = Worker  # type: ignore[misc, assignment]


def _relay_only(configuration: RTCConfiguration) -> bool:
    """Where there is a TURN server, send through it alone."""
    from aiortc.rtcconfiguration import RTCIceTransportPolicy

    named = (server.urls for server in configuration.iceServers or ())
    urls = [url for given in named for url in ([given] if isinstance(given, str) else given)]
    if settings().own_machine or not any(url.startswith(("turn:", "turns:")) for url in urls):
        return False
    configuration.iceTransportPolicy = RTCIceTransportPolicy.RELAY
    return True


def _address(host: str) -> _Address | None:
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def _own(own: str) -> set[_Address]:
    """The visitor's addresses: of a visitor at this machine, all of this machine's."""
    from aioice.ice import get_host_addresses

    found = _address(own)
    if found is None:
        return set()
    here = get_host_addresses(use_ipv4=True, use_ipv6=True) if found.is_loopback else []
    return {found, *(a for a in map(_address, here) if a)}


def _is_public(address: _Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and (
        address.sixtofour or address.teredo or any(address in net for net in TRANSLATED)
    ):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved
