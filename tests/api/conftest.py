"""The API alone, on a port of this machine."""

import contextlib
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from core.api.access import Access
from core.api.routes import api

TOKENS = {"press": "a-token-of-the-press", "court": "a-token-of-the-court"}


@contextlib.contextmanager
def serving(tokens: dict[str, str], grace_s: int = 10) -> Iterator[str]:
    """Its address, until the end; requests under way have so long then."""
    app = Starlette(routes=[Mount("/api/v1", api(Access(tokens)))])
    server = uvicorn.Server(
        uvicorn.Config(app, port=0, log_level="error", timeout_graceful_shutdown=grace_s)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/api/v1"
    finally:
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Without tokens."""
    with serving({}) as found:
        yield found


@pytest.fixture(scope="module")
def guarded() -> Iterator[str]:
    """With the tokens above."""
    with serving(TOKENS) as found:
        yield found
