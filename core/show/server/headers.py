"""What every answer of the server tells the browser to refuse."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware

from core.settings import SettingsError, settings, variable

POLICY = {
    "default-src": "'self'",
    "style-src": "'self' 'unsafe-inline'",  # what Streamlit's own parts and the charts write
    "connect-src": "'self' data: blob:",  # a recording is read back as a blob
    "img-src": "'self' data: blob:",
    "media-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "worker-src": "'self' blob:",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
}
"""Content-Security-Policy of a page, but for its scripts and for who may frame it: nothing comes
from another host, and nothing is sent to one."""

OTHERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
}
"""Headers of every answer."""

MIDDLEWARE: list[Middleware] = []
"""What stands before the pages: nothing, until `send_security_headers`."""


def policy() -> str:
    """The Content-Security-Policy, with who may frame the dashboard by `Settings.frame_ancestors`.

    Raises
    ------
    SettingsError
        If that setting could not stand in a header.
    """
    ancestors = settings().frame_ancestors
    if not re.fullmatch(r"[\w'*:/.\[\] -]+", ancestors, re.ASCII):
        raise SettingsError(
            f"{variable('frame_ancestors')} is '{ancestors[:80]}', but it must be 'self', 'none' "
            "or addresses such as https://example.org, with spaces between."
        )
    rules = POLICY | {"script-src": _scripts(), "frame-ancestors": ancestors}
    return "; ".join(f"{name} {allowed}" for name, allowed in rules.items())


def _scripts() -> str:
    """The server's own, the one in Streamlit's page, components (as blobs) and Arrow's."""
    import streamlit

    page = Path(streamlit.__file__).parent / "static" / "index.html"
    inline = re.findall(r"<script>(.*?)</script>", page.read_text("utf-8"), re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in inline]
    allowed = ["'self'", *(f"'sha256-{digest}'" for digest in digests)]
    return " ".join([*allowed, "blob:", "'wasm-unsafe-eval'"])


class SecurityHeaders:
    """ASGI middleware that adds them.

    Parameters
    ----------
    app : ASGI application
        What answers.
    policy : str
        From `policy`; only pages need it.
    """

    def __init__(self, app: Any, policy: str) -> None:
        self.app = app
        self.policy = policy

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer, with the headers on top of what the answer has."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(OTHERS)
                if headers.get("content-type", "").startswith("text/html"):
                    headers["Content-Security-Policy"] = self.policy
            await send(message)

        await self.app(scope, receive, with_headers)


def send_security_headers() -> None:
    """Have the server of this process send them.

    Raises
    ------
    SettingsError
        As `policy`.
    """
    MIDDLEWARE[:] = [Middleware(SecurityHeaders, policy=policy())]
