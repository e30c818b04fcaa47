"""How long a big score file takes and what memory: ``python -m benchmarks.scores [ROWS ...]``.

Each size runs in a process of its own: reading the file, joining nothing, detecting the direction,
every pooled figure with intervals, the breakdown by attack, and what the charts need.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time

import numpy as np


def made(rows: int) -> bytes:
    """A score file in the form of ASVspoof 2019 with this many trials, 1 in 40 bona fide."""
    rng = np.random.default_rng(0)
    spoof = np.arange(rows) % 40 != 0
    scores = np.where(spoof, rng.normal(-2, 1.5, rows), rng.normal(2, 1.5, rows))
    return "".join(
        f"DF_E_{i:07d} {f'A{7 + i % 13:02d} spoof' if fake else '- bonafide'} {score:.6f}\n"
        for i, (fake, score) in enumerate(zip(spoof.tolist(), scores.tolist(), strict=True))
    ).encode()


def measure(rows: int) -> dict[str, float]:
    """Seconds of each step, and the peak of memory in MB, for one file."""
    from core.evaluate import analysis
    from core.evaluate.trials import direction, guess_layout, read_table, tidy

    data = made(rows)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result: dict[str, float] = {"rows": rows, "file_mb": round(len(data) / 1e6)}
    wall, cpu = time.perf_counter(), time.process_time()

    def step(name: str) -> None:
        nonlocal wall, cpu
        result[f"{name}_s"] = round(time.perf_counter() - wall, 2)
        result[f"{name}_cpu_s"] = round(time.process_time() - cpu, 2)
        wall, cpu = time.perf_counter(), time.process_time()

    frame = read_table(data, "scores.txt")
    trials = tidy(frame, guess_layout(frame))
    step("read_and_check")
    prepared = analysis.prepare(trials, direction(trials).higher)
    analysis.overall(prepared)
    analysis.suspicions(prepared)
    step("figures")
    analysis.histogram(prepared)
    analysis.reliability(prepared)
    analysis.worst(prepared)
    step("charts")
    analysis.by_column(prepared, "attack")
    step("by_attack")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result |= {"before_mb": round(before / 1e3), "peak_mb": round(peak / 1e3)}
    return result


def main() -> None:
    """Print one JSON object a size."""
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(measure(int(sys.argv[2]))))
        return
    for rows in sys.argv[1:] or ["600000", "5000000"]:
        command = [sys.executable, "-m", "benchmarks.scores", "--one", rows]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
