"""Programs and a visitor at once: ``python -m benchmarks.load_api [--clients 20] [--minutes 5]``.

Starts the dashboard with the API on loopback. Each client has a token of its own and sends a 30 s
clip again and again until the time is over; one visitor uploads to Detect meanwhile, as
`benchmarks.load` does. Prints times to an answer, how evenly clients were served, failures and the
server's resident memory. Ends with status 1 where anything failed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import requests

from benchmarks import load
from benchmarks.memory import Memory


class Clients:
    """Programs side by side, each with its token."""

    def __init__(self, address: str, tokens: list[str], minutes: float) -> None:
        self.address, self.data = f"{address}/api/v1/detect", load.clip()
        self.until = time.monotonic() + 60 * minutes
        self.seconds: list[list[float]] = [[] for _ in tokens]
        self.failures: list[str] = []
        self.threads = [
            threading.Thread(target=self._work, args=each) for each in enumerate(tokens)
        ]

    def _work(self, number: int, token: str) -> None:
        with requests.Session() as http:
            http.trust_env = False
            http.headers["Authorization"] = f"Bearer {token}"
            while time.monotonic() < self.until:
                began = time.monotonic()
                try:
                    answer = http.post(self.address, data=self.data, timeout=load.PATIENCE_S)
                    if answer.status_code != 200 or not answer.json()[0]["windows"]:
                        raise RuntimeError(f"{answer.status_code}: {answer.text[:200]}")
                    self.seconds[number].append(time.monotonic() - began)
                except Exception as error:  # every failed request is a finding, whatever it is
                    self.failures.append(f"{type(error).__name__}: {error}")


def main() -> int:
    """Print the measurements as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=5.0)
    wanted = parser.parse_args()
    tokens = [f"token-of-the-client-{n:03d}" for n in range(wanted.clients)]
    os.environ |= {
        "SPOOFSCOPE_API": "1",
        "SPOOFSCOPE_API_TOKENS": ",".join(f"c{n}:{token}" for n, token in enumerate(tokens)),
    }
    with tempfile.TemporaryDirectory() as folder:
        server, address = load.serve(Path(folder))
        try:
            load.visit(address, "first.wav", load.clip())  # loads the detector
            memory = Memory(server.pid, 1.0)
            before = memory.now()
            clients = Clients(address, tokens, wanted.minutes)
            visitor = load.Users(address, 1, 0, wanted.minutes)
            began = time.monotonic()
            with memory:
                for thread in (*clients.threads, *visitor.threads):
                    thread.start()
                for thread in (*clients.threads, *visitor.threads):
                    thread.join()
            took = time.monotonic() - began
            busy = os.getloadavg()
        finally:
            server.terminate()
            server.wait(60)
        log = (Path(folder) / "log.txt").read_text("utf-8", "replace")
    found: dict[str, Any] = {
        "clients": wanted.clients,
        "seconds of each clip": load.CLIP_S,
        "minutes": round(took / 60, 1),
        "programs": _times([s for each in clients.seconds for s in each]),
        "visitor": _times([visit["seconds"] for visit in visitor.done]),
        "answers of a client, least and most": [f(map(len, clients.seconds)) for f in (min, max)],
        "failures": [*clients.failures, *visitor.failures],
        "resident before (MB)": round(before, 1),
        "resident at most (MB)": round(max(mb for _, mb in memory.samples), 1),
        "resident at the end (MB)": round(memory.samples[-1][1], 1),
        "errors in the log": log.count("Traceback"),
        "cores": len(os.sched_getaffinity(0)),
        "load average of the machine, 15 minutes": round(busy[2], 1),
    }
    print(json.dumps(found, indent=2), flush=True)
    return int(bool(found["failures"]) or found["errors in the log"] > 0)


def _times(seconds: list[float]) -> dict[str, float | int]:
    ordered = sorted(seconds)
    cuts = load.vigintiles(ordered)
    return {
        "answers": len(ordered),
        "p50 (s)": round(cuts[9], 1) if cuts else -1,
        "p95 (s)": round(cuts[18], 1) if cuts else -1,
        "longest (s)": round(ordered[-1], 1) if ordered else -1,
    }


if __name__ == "__main__":
    sys.exit(main())
