"""What a process and its children hold in memory, from outside or from within."""

from __future__ import annotations

import os
import threading
import time
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
        while not self.over.wait(self.every_s):
            self.samples.append((time.monotonic() - began, self.now()))

    def now(self) -> float:
        """At this moment."""
        page = os.sysconf("SC_PAGE_SIZE")
        total, pending = 0, [self.pid]
        while pending:
            process = Path(f"/proc/{pending.pop()}")
            try:
                total += int((process / "statm").read_text().split()[1]) * page
                for task in (process / "task").iterdir():
                    pending += [int(p) for p in (task / "children").read_text().split()]
            except OSError:
                continue  # it has just ended
        return total / 1e6

    def peak_bytes(self) -> int:
        """The most of all samples."""
        return round(1e6 * max(mb for _, mb in self.samples))
