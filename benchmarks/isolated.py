"""What decoding apart costs: ``python -m benchmarks.isolated [--long]``.

Prints the time to the first clip from a process not yet started, and, for each example, medians of
decoding it in process and apart, in milliseconds. With ``--long`` also the time and the peak memory
of both processes for files of two and nearly three hours (Linux; files in /dev/shm).
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.memory import Memory
from core.audio.clip import Clip
from core.audio.decoding import decode
from core.audio.isolated import decode_safely

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("[1-5]-*"))
LONG = [
    ("flac 16 kHz mono", 2.0),
    ("m4a 44.1 kHz mono", 2.0),
    ("webm opus 48 kHz mono", 2.0),
    ("wav 16 kHz mono", 2.99),
]


def median_ms(work: Callable[[bytes], Clip], data: bytes) -> float:
    """Median of 31 calls."""
    taken = []
    for _ in range(31):
        start = time.perf_counter()
        work(data)
        taken.append(time.perf_counter() - start)
    return 1000 * float(np.median(taken))


def long_files() -> None:
    """Two hours and more, through the memory limit of the settings."""
    from benchmarks import decode_memory

    for kind, hours in LONG:
        decode_memory.HOURS = hours
        with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
            path = Path(folder) / "long"
            decode_memory.FILES[kind](path)
            with Memory(os.getpid(), 0.02) as memory:
                start = time.perf_counter()
                clip = decode_safely(path)
                seconds = time.perf_counter() - start
            print(
                f"{kind}, {clip.duration_s / 3600:.2f} h, {path.stat().st_size / 1e6:.0f} MB: "
                f"{seconds:.1f} s, peak of both processes {memory.peak_bytes() / 1e6:.0f} MB",
                flush=True,
            )
            del clip  # or it would count with the next


def main() -> None:
    """Measure and print."""
    start = time.perf_counter()
    decode_safely(EXAMPLES[0].read_bytes())
    print(f"first clip, process not yet started: {1000 * (time.perf_counter() - start):.0f} ms")
    for path in EXAMPLES:
        data = path.read_bytes()
        here, apart = median_ms(decode, data), median_ms(decode_safely, data)
        print(f"{path.name}: {here:.2f} ms in process, {apart:.2f} ms apart, +{apart - here:.2f}")
    if "--long" in sys.argv[1:]:
        long_files()


if __name__ == "__main__":
    main()
