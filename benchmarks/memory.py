"""What a process and its children hold in memory, from outside or from within."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path


class Memory(threading.Thread):
    """Resident memory of a process and its children in MB, sampled while it runs."""

    def __init__(self, pid: int, every_s: float = 5.0) -> None:
        super().__init__(daemon=True)
        self.pid, self.every_s, self.over = pid, every_s, threading.Event()
        self.samples: list[tuple[float, float]] = []

    def __enter__(self) -> Memory:
        self.start()
        return self

    def __exit__(self, *about: object) -> None:
        self.over.set()
        self.join()

    def run(self) -> None:
        """Sample until it is over."""
        began = time.monotonic()
        while not self.samples or not self.over.wait(self.every_s):
            self.samples.append((time.monotonic() - began, self.now()))

    def now(self) -> float:
        """At this moment."""
        page = os.sysconf("SC_PAGE_SIZE")
        return sum(self._each("statm", lambda words: int(words[1]) * page)) / 1e6

    def processor_s(self) -> float:
        """Processor seconds of those that run, and of those that ended and were waited for."""
        ticks = os.sysconf("SC_CLK_TCK")
        # The name, in brackets before these, may hold spaces.
        return sum(self._each("stat", lambda words: sum(map(int, words[-39:-35])) / ticks))

    def _each(self, file: str, figure: Callable[[list[str]], float]) -> Iterator[float]:
        pending = [self.pid]
        while pending:
            process = Path(f"/proc/{pending.pop()}")
            try:
                yield figure((process / file).read_text().split())
                for task in (process / "task").iterdir():
                    pending += [int(p) for p in (task / "children").read_text().split()]
            except OSError:
                continue  # it has just ended

    def peak_bytes(self) -> int:
        """The most of all samples."""
        return round(1e6 * max(mb for _, mb in self.samples))
