"""How long a request may take to arrive, and its answer to be taken.

The web server waits without end: for a head, for the rest of a body, for a client that takes no
more of an answer. Whoever opens many connections and sends a byte now and then would hold them all.
"""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from typing import Any

import h11
from uvicorn.config import HTTP_PROTOCOLS
from uvicorn.protocols.http.h11_impl import H11Protocol

from core.settings import settings

TOO_SLOW = "The request did not arrive in time. Send it again over a faster connection."
UNREADABLE = (
    "The request is no HTTP that can be read: what stands before its body is malformed, or longer "
    "than 64 kB."
)
LOOK_S = 1.0
"""How often a request under way is looked at."""


class Arrival(H11Protocol):
    """HTTP over one connection, closed where a request comes, or its answer is taken, too slowly.

    From its first byte on a request has `Settings.request_wait_s`, and a second more for every
    `Settings.request_speed_kb` that have come. WebSockets have rules of their own.
    """

    _timer: asyncio.TimerHandle | None = None
    _began = _stalled = 0.0
    _came = 0

    def connection_made(self, transport: Any) -> None:
        """Expect a first request at once."""
        super().connection_made(transport)
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is expected any more."""
        self._rest()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """More of a request; the first byte of one starts its clock."""
        answered = self.conn.our_state is h11.DONE
        if not self._came:
            self._expect()
        self._came += len(data)
        super().data_received(data)
        if answered and self.conn.their_state is h11.IDLE:  # the rest of what was answered early
            self._expect()

    def on_response_complete(self) -> None:
        """The next request may come, unless the rest of this one is still to come."""
        arrived = not self._arriving()
        super().on_response_complete()
        if arrived:
            self._expect()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """The connection is no longer this protocol's."""
        self._rest()
        super().handle_websocket_upgrade(event)

    def pause_writing(self) -> None:
        """The client takes nothing for now."""
        super().pause_writing()
        self._stalled = self.loop.time()
        self._watch()

    def resume_writing(self) -> None:
        """It does again."""
        super().resume_writing()
        self._stalled = 0.0

    def send_400_response(self, msg: str) -> None:
        """What cannot be read, in the form of every other error."""
        self._refuse(HTTPStatus.BAD_REQUEST, UNREADABLE)

    def _arriving(self) -> bool:
        return self.conn.their_state in (h11.IDLE, h11.SEND_BODY)

    def _expect(self) -> None:
        self._began, self._came = self.loop.time(), 0
        self._watch()

    def _watch(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(LOOK_S, self._look)

    def _rest(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        found, now = settings(), self.loop.time()
        if self._stalled and now - self._stalled > found.request_wait_s:
            self.transport.abort()
            return
        if self.flow.read_paused:  # it is this server that makes the client wait
            self._began += LOOK_S
        elif self._arriving():
            allowed = found.request_wait_s + self._came / (found.request_speed_kb * 1024)
            if now - self._began > allowed:
                self._refuse(HTTPStatus.REQUEST_TIMEOUT, TOO_SLOW)
                return
        elif not self._stalled:
            return
        self._watch()

    def _refuse(self, status: HTTPStatus, sentence: str) -> None:
        """End the connection; with a problem (RFC 9457) where no answer has begun."""
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True  # what works on it gives up
            cycle.message_event.set()
        begun = self._came or self.conn.their_state is not h11.IDLE
        if begun and self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            problem = {
                "type": "about:blank",
                "title": status.phrase,
                "status": status.value,
                "detail": sentence,
            }
            data = json.dumps(problem).encode()
            headers = [
                ("content-type", "application/problem+json"),
                ("content-length", str(len(data))),
                ("connection", "close"),
            ]
            for event in (
                h11.Response(status_code=status, headers=headers, reason=status.phrase.encode()),
                h11.Data(data=data),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


def limit_waiting() -> None:
    """Have the web server of this process use `Arrival`."""
    HTTP_PROTOCOLS["auto"] = f"{__name__}:{Arrival.__name__}"
