"""Worker processes: each decodes the next file while it scores one; crashed ones are restarted."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from collections import deque
from collections.abc import Generator, Sequence
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from queue import Queue
from threading import Thread
from typing import Any

from core.interrupts import held_back
from core.score.judging import THREADS, failed, judge, one_thread, read
from core.score.manifest import Item

AHEAD = 2
"""Files in one worker's hands: one being scored, one being decoded."""

DIED = (
    "The process that worked on this file died twice, the second time on this file alone: it may "
    "need more memory than there is."
)


def run(
    items: Sequence[Item],
    detector: str,
    settings: dict[str, Any],
    processes: int | None,
    engine: str | None = None,
) -> Generator[tuple[Item, list[dict[str, Any]]], None, None]:
    """Rows of files, in the order in which they are finished.

    Parameters
    ----------
    items : sequence of Item
        What to score.
    detector : str
        For `core.detect.registry.load_detector`.
    settings : dict
        See `core.score.judging.judge`.
    processes : int, optional
        Workers, at least one; one per core by default.
    engine : str, optional
        For `core.detect.registry.load_detector`.

    Yields
    ------
    (Item, list of dict)
        Each item once.
    """
    queue = deque(items)
    alone: deque[Item] = deque()  # in hand when a worker died: each gets a worker for itself
    count = min(processes or os.cpu_count() or 1, len(items))
    workers = [_Worker(detector, settings, engine) for _ in range(count)]
    try:
        while queue or alone or any(w.hand for w in workers):
            for worker in workers:
                worker.fill(queue, alone)
            ready = wait([w.pipe for w in workers if w.hand])
            for worker in workers:
                if worker.pipe not in ready:
                    continue
                try:
                    rows = worker.pipe.recv()
                except (EOFError, OSError):
                    if worker.single:
                        yield worker.hand.popleft(), failed(settings, DIED)
                    alone.extend(worker.hand)
                    worker.restart()
                    continue
                yield worker.hand.popleft(), rows
    finally:
        for worker in workers:
            worker.stop()


class _Worker:
    """One process and what it has in hand."""

    def __init__(self, detector: str, settings: dict[str, Any], engine: str | None) -> None:
        self._given = (detector, settings, engine)
        self._start()

    def _start(self) -> None:
        self.hand: deque[Item] = deque()
        self.single = False
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(theirs, *self._given), daemon=True)
        before = {name: os.environ.get(name) for name in THREADS}
        os.environ.update(THREADS)  # read by libraries as the new process loads them
        try:
            resource_tracker.ensure_running()  # whose start would let interrupts through again
            with held_back():
                self._process.start()
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name)
                else:
                    os.environ[name] = value
        theirs.close()

    def fill(self, queue: deque[Item], alone: deque[Item]) -> None:
        """Hand over files until there is enough in hand."""
        if not self.hand:
            if not self._process.is_alive():
                self.restart()
            self.single = bool(alone)
            if alone:
                self._give(alone.popleft())
        while queue and not self.single and len(self.hand) < AHEAD and not (alone and self.hand):
            self._give(queue.popleft())

    def _give(self, item: Item) -> None:
        self.hand.append(item)
        with contextlib.suppress(OSError):  # it died; its pipe says so when it is read
            self.pipe.send(item.file)

    def restart(self) -> None:
        self.stop()
        self._start()

    def stop(self) -> None:
        self.pipe.close()
        self._process.kill()
        self._process.join()


def _work(pipe: Connection, detector: str, settings: dict[str, Any], engine: str | None) -> None:
    one_thread()
    from core.detect.registry import load_detector

    loaded = load_detector(detector, engine=engine, code=True)
    clips: Queue[Any] = Queue(1)

    def decode_ahead() -> None:
        try:
            while True:
                clips.put(read(pipe.recv(), settings))
        except (EOFError, OSError):
            os._exit(0)  # the parent is gone

    Thread(target=decode_ahead, daemon=True).start()
    while True:
        pipe.send(judge(loaded, clips.get(), settings))
