"""Which TURN server carries a live take where a browser cannot reach this server by itself."""

from __future__ import annotations

import base64
import hmac
import os
import re
import time
from typing import Any

import streamlit as st

from core.settings import SettingsError, settings, variable

LASTS_S = 6 * 3600
"""Credentials are good for this long, and for up to twice as long."""

_PAIRS = (
    ("CLOUDFLARE_TURN_KEY_ID", "CLOUDFLARE_TURN_KEY_API_TOKEN"),
    ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"),
)
_URL = re.compile(
    r"turns?:(?P<host>\[[0-9a-f:.]+\]|[\w.-]+)(:\d{1,5})?(\?transport=(udp|tcp))?", re.I | re.A
)


def own_urls() -> dict[str, str]:
    """The host's own TURN server: its URLs, and the host in each.

    Raises
    ------
    SettingsError
        If one is no URL of a TURN server, or the secret is missing.
    """
    found = settings()
    urls = {}
    for url in filter(None, map(str.strip, found.turn_url.split(","))):
        match = _URL.fullmatch(url)
        if match is None:
            raise SettingsError(
                f"{variable('turn_url')} has '{url[:80]}', but it must be like "
                "turn:turn.example.org:3478?transport=udp."
            )
        urls[url] = match["host"].strip("[]")
    if bool(urls) != bool(found.turn_secret):
        raise SettingsError(
            f"{variable('turn_url')} and {variable('turn_secret')} go together: set both or none."
        )
    return urls


def credentials(secret: str, now: float) -> tuple[str, str]:
    """A name and its password for a while, as coturn's ``use-auth-secret`` checks them.

    Parameters
    ----------
    secret : str
        Shared with the TURN server.
    now : float
        Seconds since 1970. The same for `LASTS_S` at a time, so that a page can be drawn again.

    Notes
    -----
    J. Uberti, "A REST API For Access To TURN Services", draft-uberti-behave-turn-rest-00.
    """
    name = f"{(int(now) // LASTS_S + 2) * LASTS_S}:spoofscope"
    digest = hmac.digest(secret.encode(), name.encode(), "sha1")
    return name, base64.b64encode(digest).decode()


def rtc_configuration() -> dict[str, Any] | None:
    """ICE servers: the host's own; none on this machine; else the component's own search.

    A hub token counts only as a secret of this app: in a shell it is there for other things.
    """
    if urls := own_urls():
        name, password = credentials(settings().turn_secret, time.time())
        server = {"urls": list(urls), "username": name, "credential": password}
        return {"iceServers": [server]}
    pairs = any(all(os.environ.get(name) for name in pair) for pair in _PAIRS)
    return None if pairs or _secret("HF_TOKEN") else {"iceServers": []}


def _secret(name: str) -> bool:
    try:
        return bool(st.secrets.get(name))
    except FileNotFoundError:  # there is no file of secrets
        return False
