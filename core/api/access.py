"""Who is answered: the bearers of tokens, or programs on this machine where there are none."""

from __future__ import annotations

import hmac
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from core.api.problems import Problem
from core.settings import SettingsError, settings, variable

SHORTEST = 16
"""Characters of the shortest token that is taken."""

FORWARDING = re.compile(r"forwarded|x-forwarded.*|via|x-real-ip|x-client-ip|.*connecting-ip")
"""Headers that a proxy adds: the request may come from elsewhere then."""

NO_TOKEN = "This server answers to tokens: send 'Authorization: Bearer TOKEN'."
WRONG_TOKEN = "This token is not known here."
ELSEWHERE = (
    "Without tokens this server answers only programs of its own machine that ask it directly, "
    "under the name localhost. Whoever runs it can set tokens."
)


def tokens_of(text: str) -> dict[str, str]:
    """Names and their tokens from ``name:token,name:token``.

    Raises
    ------
    SettingsError
        With a sentence that holds no token.
    """
    found: dict[str, str] = {}
    pairs = [pair.strip() for pair in text.split(",") if pair.strip()]
    for place, pair in enumerate(pairs, 1):
        name, _, token = pair.partition(":")
        if not re.fullmatch(r"[\w.-]{1,64}", name, re.ASCII) or not re.fullmatch(
            rf"[A-Za-z0-9._~+/=-]{{{SHORTEST},}}", token
        ):
            raise SettingsError(
                f"Entry {place} of {variable('api_tokens')} is not name:token. A name has letters, "
                f"digits, '.', '_' or '-'; a token has at least {SHORTEST} letters, digits or "
                "'._~+/=-', as from: python -c 'import secrets; print(secrets.token_urlsafe(32))'"
            )
        if name in found or token in found.values():
            raise SettingsError(
                f"Entry {place} of {variable('api_tokens')} has the name or the token of another."
            )
        found[name] = token
    return found


def is_loopback(host: str) -> bool:
    """Whether a host, without a port, is this machine's loopback and nothing else."""
    host = host.strip("[]").rstrip(".").lower()
    if host == "localhost":
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


def _host_of(netloc: str) -> str:
    try:
        return urlsplit(f"//{netloc}").hostname or ""
    except ValueError:
        return ""


class Access:
    """The rules.

    Parameters
    ----------
    tokens : mapping of str to str
        By name; without any, only this machine is answered.
    """

    def __init__(self, tokens: Mapping[str, str]) -> None:
        self._tokens = {name: token.encode() for name, token in tokens.items()}
        self._asking: Counter[str] = Counter()

    @property
    def by_token(self) -> bool:
        """Whether there are tokens."""
        return bool(self._tokens)

    def caller(self, request: HTTPConnection) -> str:
        """Who asks: a token's name, or an address of this machine.

        Raises
        ------
        Problem
            401 without a token that is known, 403 from elsewhere where there are none.
        """
        if self._tokens:
            return self._bearer(request)
        self.check_local(request)
        return request.client.host if request.client else ""

    def check_local(self, request: HTTPConnection) -> None:
        """Refuse what does not come straight from this machine.

        A page of another site, opened in a browser on this machine, gets here by a name of its own
        that leads to loopback (its ``Host`` tells) or by the right one (its ``Origin`` tells).

        Raises
        ------
        Problem
            403.
        """
        hosts, origins = request.headers.getlist("host"), request.headers.getlist("origin")
        near = (
            request.client is not None
            and is_loopback(request.client.host)
            and not any(FORWARDING.fullmatch(name) for name in request.headers)
            and len(hosts) == 1
            and is_loopback(_host_of(hosts[0]))
            and all(origin.split("://")[-1] == hosts[0] for origin in origins)
        )
        if not near:
            raise Problem(403, ELSEWHERE, "elsewhere")

    def _bearer(self, request: HTTPConnection) -> str:
        given = request.headers.getlist("authorization")
        kind, _, token = (given[0] if len(given) == 1 else "").partition(" ")
        ask = {"WWW-Authenticate": "Bearer"}
        if kind.lower() != "bearer" or not token.strip():
            raise Problem(401, NO_TOKEN, "token", ask)
        held = token.strip().encode()
        names = [n for n, known in self._tokens.items() if hmac.compare_digest(held, known)]
        if not names:
            raise Problem(401, WRONG_TOKEN, "token", ask)
        return names[0]

    @contextmanager
    def place(self, caller: str) -> Iterator[None]:
        """One of the caller's requests at a time, for the ``with`` block; event loop only.

        Raises
        ------
        Problem
            429 where as many as are allowed are under way.
        """
        most = settings().api_requests
        if self._asking[caller] >= most:
            raise Problem(
                429,
                f"You have {most} requests under way, which is all that is answered at a time. "
                "Wait for one of them.",
                "quota",
                {"Retry-After": "5"},
            )
        self._asking[caller] += 1
        try:
            yield
        finally:
            self._asking[caller] -= 1
            if not self._asking[caller]:
                del self._asking[caller]
