"""A fair queue: so many at a time, the others in turn, and everyone knows their place.

Knows no Streamlit. One owner who queues many times waits between the others (round robin); owners
who queue once are served in the order in which they came.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

TICK_S = 0.5
"""Longest time between two calls of ``waiting``: in one of them a page learns that it is gone."""


class TooBusy(RuntimeError):
    """The queue is full; the message is a sentence for visitors."""


@dataclass(frozen=True)
class Place:
    """Where someone stands in the queue: ``position`` of ``length``, 1 being the next.

    What the others have done to their clips, ``doing``, is for people.
    """

    position: int
    length: int
    doing: str = "judged"

    def in_words(self) -> str:
        """For the visitor."""
        return (
            f"Other clips are being {self.doing}. You are number "
            f"{self.position} of {self.length} in the queue."
        )


@dataclass(eq=False)
class _Ticket:
    owner: Hashable
    round: int  # that of the fair order: an owner's tickets lie in rounds of their own
    number: int  # in the order of arrival


class FairQueue:
    """The queue.

    Parameters
    ----------
    at_once : int
        How many hold a turn at the same time.
    longest : int
        How many may wait.
    doing : str
        What is done to clips in a turn, as a participle, for people.
    """

    def __init__(self, at_once: int, longest: int, doing: str = "judged") -> None:
        self.at_once = at_once
        self.longest = longest
        self.doing = doing
        self._changed = threading.Condition()
        self._numbers = itertools.count()
        self._round = 0  # of the ticket served last
        self._waiting: list[_Ticket] = []
        self._running: list[_Ticket] = []

    @contextmanager
    def turn(
        self,
        owner: Hashable,
        waiting: Callable[[Place], object] | None = None,
        patient: bool = False,
    ) -> Iterator[None]:
        """Wait for a turn and hold it for the time of the ``with`` block.

        Parameters
        ----------
        owner : hashable
            Who asks, for the fair order.
        waiting : callable, optional
            Called with one's `Place` at once, when it changes and every `TICK_S`, in the caller's
            thread and without a lock. Whatever it raises gives the place in the queue up.
        patient : bool
            Whether to queue even where the queue is full.

        Raises
        ------
        TooBusy
            If the queue is full.
        """
        ticket = self._join(owner, patient)
        try:
            wait_s = 0.0
            while not self._enter(ticket, wait_s):
                if waiting is not None:
                    waiting(self._place(ticket))
                wait_s = TICK_S
            yield
        finally:
            self._leave(ticket)

    def length(self) -> int:
        """How many wait."""
        with self._changed:
            return len(self._waiting)

    def running(self) -> int:
        """How many hold a turn."""
        with self._changed:
            return len(self._running)

    def _join(self, owner: Hashable, patient: bool) -> _Ticket:
        with self._changed:
            free = len(self._running) < self.at_once and not self._waiting
            if not (free or patient) and len(self._waiting) >= self.longest:
                clips = "1 clip is" if self.at_once == 1 else f"{self.at_once:,} clips are"
                raise TooBusy(
                    f"This server is busy: {clips} being {self.doing}, "
                    f"{len(self._waiting):,} more wait, and the queue is full. Try again in a "
                    "minute."
                )
            own = [t.round for t in (*self._waiting, *self._running) if t.owner == owner]
            ticket = _Ticket(owner, max([self._round, *own]) + 1, next(self._numbers))
            self._waiting.append(ticket)
            self._waiting.sort(key=lambda t: (t.round, t.number))
            self._changed.notify_all()
            return ticket

    def _enter(self, ticket: _Ticket, wait_s: float) -> bool:
        with self._changed:
            if not self._may(ticket):
                self._changed.wait(wait_s)
            if not self._may(ticket):
                return False
            self._waiting.remove(ticket)
            self._running.append(ticket)
            self._round = max(self._round, ticket.round)
            self._changed.notify_all()
            return True

    def _may(self, ticket: _Ticket) -> bool:
        return len(self._running) < self.at_once and self._waiting[0] is ticket

    def _place(self, ticket: _Ticket) -> Place:
        with self._changed:
            return Place(self._waiting.index(ticket) + 1, len(self._waiting), self.doing)

    def _leave(self, ticket: _Ticket) -> None:
        with self._changed:
            held = self._running if ticket in self._running else self._waiting
            held.remove(ticket)
            self._changed.notify_all()


class QueuedTurn:
    """`FairQueue.turn` for one owner, as a context manager that can be entered again and again.

    Parameters are those of `FairQueue.turn`. One thread at a time may hold it.
    """

    def __init__(
        self,
        queue: FairQueue,
        owner: Hashable,
        waiting: Callable[[Place], object] | None = None,
        patient: bool = False,
    ) -> None:
        self._enter = lambda: queue.turn(owner, waiting, patient)

    def __enter__(self) -> None:
        self._turn = self._enter()
        self._turn.__enter__()

    def __exit__(self, *about: object) -> None:
        self._turn.__exit__(*about)  # type: ignore[arg-type]
