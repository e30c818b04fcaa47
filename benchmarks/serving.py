"""What one core serves: ``python -m benchmarks.serving [--update]``.

Starts the dashboard with the API on one core and sends clips of two lengths, two at a time, in
three rounds each. A round's processor time, the server's and that of its workers, is what a clip
costs; the least of the three is kept, since other work on the machine can only make it more. A
minute of a core divided by that is how many clips it serves. ``--update`` writes
``data/results/serving.csv``.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

from benchmarks import load
from benchmarks.memory import Memory
from core.files import ROOT

TABLE = ROOT / "data" / "results" / "serving.csv"
LENGTHS_S = {4.0: 15, 30.0: 6}
"""Seconds of a clip, and how many are sent in a round."""
ROUNDS = 3
COMMAND = "python -m benchmarks.serving --update"


def measured() -> list[dict[str, object]]:
    """One row a length of clip."""
    os.environ |= {"SPOOFSCOPE_API": "1"}
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder:
        cores = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {max(cores)})
        try:
            server, address = load.serve(Path(folder))
        finally:
            os.sched_setaffinity(0, cores)
        try:
            for length, clips in LENGTHS_S.items():
                data = load.clip(length)

                def ask(_: int, data: bytes = data) -> None:
                    answer = requests.post(f"{address}/api/v1/detect", data=data, timeout=600)
                    answer.raise_for_status()

                costs, processes = [], Memory(server.pid)
                with ThreadPoolExecutor(2) as two:
                    list(two.map(ask, range(4)))  # loads the detector, warms it up
                    for _ in range(ROUNDS):
                        before = processes.processor_s()
                        list(two.map(ask, range(clips)))
                        costs.append((processes.processor_s() - before) / clips)
                rows.append(
                    {
                        "clip_s": length,
                        "clips": clips * ROUNDS,
                        "processor_s": round(min(costs), 3),
                        "clips_a_minute": round(60 / min(costs)),
                        "load": round(os.getloadavg()[0], 1),
                        "kind": "measured",
                        "source": COMMAND,
                    }
                )
                print(rows[-1], [round(cost, 3) for cost in costs], flush=True)
        finally:
            server.terminate()
            server.wait(60)
    return rows


def main() -> int:
    """Measure, and write the table where asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--update", action="store_true", help=f"write {TABLE.relative_to(ROOT)}")
    wanted = parser.parse_args()
    rows = measured()
    if wanted.update:
        with TABLE.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows[0], lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
