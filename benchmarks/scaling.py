"""How speed and memory grow: ``python -m benchmarks scaling``, some three minutes on idle cores.

Files a second of an archive by one worker and by two (and by two of Ray's, where it is installed);
time and memory of clips of 4 s to an hour, each in a process of its own; and one loaded detector
that 1 to 10 sessions use at once. Memory is that of the process and of those that decode for it,
and pages that they share count in each. Everything is measured in one run.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.detection import EXAMPLES, child, row, write_wav

FILES = 100
LENGTHS = {"4 s": 4, "a minute": 60, "ten minutes": 600, "an hour": 3600}
SESSIONS = (1, 2, 5, 10)
SESSION_S = 30

CLIP = """
import json, os, sys, time
from benchmarks.memory import Memory
from core import load_detector
from core.audio.isolated import decode_safely, prepare
prepare()
detector = load_detector()
with Memory(os.getpid(), 0.02) as memory:
    start = time.perf_counter()
    detector.detect(decode_safely(sys.argv[1]))
    seconds = time.perf_counter() - start
print(json.dumps([seconds, memory.peak_bytes()]))
"""

CROWD = """
import json, os, sys, threading, time
from benchmarks.memory import Memory
from core import load_detector
from core.audio.isolated import decode_safely
detector = load_detector()
detector.detect(decode_safely(sys.argv[1]))
def visit():
    for _ in range(2):
        detector.detect(decode_safely(sys.argv[1]))
visits = [threading.Thread(target=visit) for _ in range(int(sys.argv[2]))]
with Memory(os.getpid(), 0.02) as memory:
    start = time.perf_counter()
    [v.start() for v in visits]
    [v.join() for v in visits]
    seconds = time.perf_counter() - start
print(json.dumps([seconds, memory.peak_bytes()]))
"""


def rate(engine: str, workers: int) -> tuple[float, float]:
    """Files a second once every worker is at work, and seconds until the first row."""
    from core import load_detector
    from core.score import on_ray, pool
    from core.score.judging import identity
    from core.score.manifest import Item

    settings = {
        **identity(load_detector()), "prior": 0.5, "hop_s": None, "windows": False, "version": "",
    }  # fmt: skip
    files = [EXAMPLES[i % len(EXAMPLES)] for i in range(FILES)]
    items = [Item(str(i), file.name, str(file)) for i, file in enumerate(files)]
    run = on_ray.run if engine == "ray" else pool.run
    start = time.perf_counter()
    times = [time.perf_counter() for _ in run(items, "embedded", settings, workers)]
    begin = FILES // 10
    return (FILES - begin) / (times[-1] - times[begin - 1]), times[0] - start


def archives() -> list[dict]:
    """An archive of short files by one worker and by two."""
    one, first = rate("processes", 1)
    plain = f"{one:.2f} files a second, one process"
    found = [row("archive, one process", f"{one:.2f} files a second",
                 note=f"first row after {first:.1f} s")]  # fmt: skip
    kinds = {"processes": "processes"}
    if importlib.util.find_spec("ray"):
        kinds["ray"] = "workers of Ray"
    for engine, name in kinds.items():
        two, first = rate(engine, 2)
        found.append(row(f"archive, two {name}", f"{two:.2f} files a second", plain, two / one,
                         f"first row after {first:.1f} s"))  # fmt: skip
    return found


def lengths() -> list[dict]:
    """Clips of growing length, each in a process of its own."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for name, length in LENGTHS.items():
            path = write_wav(Path(folder) / "clip.wav", length)
            seconds, peak = child(CLIP, str(path))
            found.append(row(f"a clip of {name}", f"{seconds:.2f} s, {peak / 1e6:.0f} MB",
                             note=f"{length / seconds:.0f} times real time"))  # fmt: skip
    return found


def crowds() -> list[dict]:
    """Sessions at once on one loaded detector, each with two clips of half a minute."""
    found = []
    alone = 0.0
    with tempfile.TemporaryDirectory() as folder:
        path = write_wav(Path(folder) / "clip.wav", SESSION_S)
        for number in SESSIONS:
            seconds, peak = child(CROWD, str(path), str(number))
            speed = 2 * number * SESSION_S / seconds
            alone = alone or speed
            found.append(
                row(f"sessions at once on one detector: {number}",
                    f"{speed:.0f} s of sound a second, {peak / 1e6:.0f} MB",
                    f"{alone:.0f} s of sound a second, one session", speed / alone,
                    f"a clip of {SESSION_S} s after {seconds / 2:.2f} s")
            )  # fmt: skip
    return found


def main() -> list[dict]:
    """Measure everything; print and return the rows."""
    from benchmarks.__main__ import machine, table

    rows = []
    for part in (archives, lengths, crowds):
        start = time.perf_counter()
        rows += part()
        print(f"{part.__name__}: {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
    print(table(rows, machine()))
    return rows


if __name__ == "__main__":
    main()
