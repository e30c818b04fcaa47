"""Progress as server-sent events, for who asks with ``Accept: text/event-stream``.

``progress`` events say what is being done, the last one is ``result`` or ``problem``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import Any

import anyio
from anyio import to_thread
from starlette.responses import Response

from core.api.problems import problem_of
from core.api.work import ClientGone, Job

TICK_S = 0.5
"""Shortest time between two events of progress."""

KIND = "text/event-stream"


class Events(Response):
    """Work that tells of itself while it is done.

    Parameters
    ----------
    do : callable
        Returns JSON; run in a thread.
    job : Job
        Its state is told; it is given up when the client leaves.

    Attributes
    ----------
    held : contextlib.ExitStack
        Closed when all is said.
    """

    media_type = KIND

    def __init__(self, do: Callable[[Job], str | bytes], job: Job) -> None:
        super().__init__()
        del self.headers["content-length"]
        self.do, self.job = do, job
        self.held = ExitStack()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer."""
        with self.held:
            async with anyio.create_task_group() as tasks:
                done = anyio.Event()
                tasks.start_soon(self._watch, receive)
                tasks.start_soon(self._work, done)
                try:
                    await self._tell(done, send)
                finally:
                    self.job.gone.set()
                tasks.cancel_scope.cancel()

    async def _watch(self, receive: Callable[[], Awaitable[Any]]) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.job.gone.set()

    async def _work(self, done: anyio.Event) -> None:
        try:
            limiter = anyio.CapacityLimiter(math.inf)
            found = await to_thread.run_sync(self.do, self.job, limiter=limiter)
            self.last = event("result", str(found))
        except ClientGone:
            self.last = b""
        except Exception as error:
            self.last = event("problem", json.dumps(problem_of(error).body()))
        done.set()

    async def _tell(self, done: anyio.Event, send: Callable[[Any], Awaitable[None]]) -> None:
        async def say(data: bytes, more: bool = True) -> None:
            await send({"type": "http.response.body", "body": data, "more_body": more})

        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        before: object = None
        while not done.is_set():
            with anyio.move_on_after(TICK_S):
                await done.wait()
            state = self.job.state
            if state and state is not before:
                before = state
                await say(event("progress", json.dumps(state)))
        await say(self.last, more=False)


def event(name: str, text: str) -> bytes:
    """One event whose data are a text, which may have lines."""
    lines = "".join(f"data: {line}\n" for line in text.split("\n"))
    return f"event: {name}\n{lines}\n".encode()
