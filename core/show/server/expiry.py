"""What a closed tab leaves is freed in time, also where nobody comes after.

Streamlit keeps the session of a tab that went away, so that a browser that lost its connection can
come back, and looks for those that are over only when another one ends. Here a thread looks.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
import time
from typing import TYPE_CHECKING

from core.settings import settings
from core.show.server.clip_store import STORE

if TYPE_CHECKING:
    from streamlit.runtime import Runtime

EVERY_S = 5.0
"""Time between two looks. A session waits one to be seen as left, and its downloads one more."""

PATIENCE = 5
"""Looks in a row that may fail before it is logged."""

_started = threading.Lock()


def start() -> None:
    """Begin to look, once a process; also before there is a server."""
    if _started.acquire(blocking=False):
        threading.Thread(target=_run, name="expiry", daemon=True).start()


def _run() -> None:
    from streamlit.runtime import Runtime

    expiry = Expiry()
    while True:
        time.sleep(min(EVERY_S, max(0.2, settings().session_keep_s / 4)))
        STORE.drop_idle(settings().sound_idle_s)
        if Runtime.exists():
            expiry.look(Runtime.instance())


class Expiry:
    """What is known of sessions without a browser, from look to look."""

    def __init__(self) -> None:
        self._left: dict[str, float] = {}
        self._again = False
        self._failures = 0

    def look(self, runtime: Runtime) -> None:
        """Close what was left ``session_keep_s`` ago and free what it held.

        Where Streamlit's inner parts are not those used here that is logged, once, and Streamlit's
        own way remains. A server that is just starting fails a look or two as well.
        """
        try:
            loop = runtime.stopped.get_loop()  # type: ignore[attr-defined]
            if not isinstance(loop, asyncio.AbstractEventLoop):
                raise TypeError(f"no event loop, but {type(loop).__name__}")
            closed = asyncio.run_coroutine_threadsafe(self._close(runtime), loop).result(60)
            self._failures = 0
            if closed or self._again:
                gc.collect()  # what sessions hold refers to itself
            self._again = closed
        except Exception:
            self._failures += 1
            if self._failures == PATIENCE:
                logging.getLogger(__name__).exception("closed sessions wait for the next visitor")

    async def _close(self, runtime: Runtime) -> bool:
        """On the server's event loop, because sessions are safe nowhere else; whether any was."""
        from streamlit import get_option

        # Streamlit lists no session beyond its own limit, and then nobody can close it.
        keep_s = min(
            settings().session_keep_s, get_option("server.disconnectedSessionTTL") - 3 * EVERY_S
        )
        now, sessions = time.monotonic(), runtime._session_mgr.list_sessions()
        gone = {info.session.id: info.session for info in sessions if info.client is None}
        self._left = {id: self._left.get(id, now) for id in gone}
        over = [id for id, since in self._left.items() if now - since >= keep_s]
        for id in over:
            runtime.close_session(id)
            gone[id].session_state.clear()  # Streamlit's loop holds its last session until the next
        # Streamlit frees downloads at the second call, and what a script that was still
        # running left not at all.
        if over or self._again or not sessions:
            runtime.media_file_mgr.remove_orphaned_files()
        return bool(over)
