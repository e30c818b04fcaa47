"""Visitors with a small file of hours of silence: ``python -m benchmarks.long_visits``.

A FLAC of three hours of silence has half a megabyte, and 690 MB of samples once it is decoded.
Visitors bring it one after another, then as many at once, and keep their tabs open; then all close
them. Prints the seconds to each verdict, the processor seconds of all, and the server's resident
memory in MB, with its processes: the most, idle with open tabs, and after the tabs were closed.
Who is asked to wait, since others' sound takes the room (``SPOOFSCOPE_SOUND_MEMORY_MB``), asks
again; the wait counts. Ends with status 1 where a visit has no verdict.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import soundfile

from benchmarks.load import Visitor, clip, serve, visit
from benchmarks.memory import Memory
from core.audio.clip import SAMPLE_RATE
from core.settings import settings

PATIENCE_S = 1_200.0
"""In which somebody who is asked to wait asks again."""

AGAIN_S = 30.0

MARGIN_S = 30.0
"""After the time that a session or a sound is kept, looks for what is over included."""


def silence(hours: float) -> bytes:
    """A FLAC, 16 kHz mono."""
    minute = np.zeros(60 * SAMPLE_RATE, np.int16)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "silence.flac"
        with soundfile.SoundFile(path, "w", SAMPLE_RATE, 1, "PCM_16", format="FLAC") as file:
            for _ in range(round(60 * hours)):
                file.write(minute)
        return path.read_bytes()


class Tabs:
    """Visitors who bring the same file and stay."""

    def __init__(self, address: str, data: bytes) -> None:
        self.address, self.data = address, data
        self.open: list[Visitor] = []
        self.seconds: list[float] = []
        self.failures: list[str] = []
        self.waits = 0

    def bring(self, name: str) -> None:
        """Open a tab and wait for the verdict on the file."""
        visitor = Visitor(self.address)
        self.open.append(visitor)
        try:
            visitor.run()
            began = time.monotonic()
            visitor.upload(name, self.data)
            while not visitor.verdict_at:
                if time.monotonic() - began > PATIENCE_S:
                    raise TimeoutError("There was no verdict.")
                self.waits += 1
                time.sleep(AGAIN_S)
                visitor.again()
            self.seconds.append(round(visitor.verdict_at - began, 1))
        except Exception as error:  # every failed visit is a finding, whatever it is
            self.failures.append(f"{type(error).__name__}: {error}")

    def close(self) -> None:
        """All of them."""
        while self.open:
            self.open.pop().close()


def main() -> int:
    """Print the measurements as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visits", type=int, default=4)
    parser.add_argument("--hours", type=float, default=3.0, help="of silence in the file")
    wanted = parser.parse_args()
    data = silence(wanted.hours)
    with tempfile.TemporaryDirectory() as folder:
        server, address = serve(Path(folder))
        try:
            visit(address, "first.wav", clip())  # loads the detector
            with Memory(server.pid, 0.1) as memory:
                found: dict[str, object] = {
                    "file (MB)": round(len(data) / 1e6, 2),
                    "before": round(memory.now()),
                }
                tabs = Tabs(address, data)
                found |= stay(tabs, memory, "one after another", wanted.visits)
                found |= stay(tabs, memory, "at once", wanted.visits, at_once=True)
                time.sleep(settings().session_keep_s + MARGIN_S)
                found["90 s after the last tab was closed"] = round(memory.now())
        finally:
            server.terminate()
            server.wait(30)
    print(json.dumps(found | {"failures": tabs.failures}, indent=2), flush=True)
    return int(bool(tabs.failures))


def stay(
    tabs: Tabs, memory: Memory, how: str, visits: int, at_once: bool = False
) -> dict[str, object]:
    """So many visits, a rest with open tabs, and the end of them; MB and seconds."""
    first, tabs.seconds, tabs.waits = len(memory.samples), [], 0
    began_s = memory.processor_s()
    threads = [threading.Thread(target=tabs.bring, args=(f"{i}.flac",)) for i in range(visits)]
    for thread in threads:
        thread.start()
        if not at_once:
            thread.join()
    for thread in threads:
        thread.join()
    took_s = memory.processor_s() - began_s
    most = max(mb for _, mb in memory.samples[first:])
    time.sleep(settings().sound_idle_s + MARGIN_S)
    idle = memory.now()
    tabs.close()
    return {
        f"{how}: seconds to a verdict": tabs.seconds,
        f"{how}: processor seconds": round(took_s),
        f"{how}: asked to wait": tabs.waits,
        f"{how}: most": round(most),
        f"{how}: idle, tabs open": round(idle),
    }


if __name__ == "__main__":
    raise SystemExit(main())
