"""Damaged and crafted files through the safe decode, as a page would hand them over.

``python -m benchmarks.fuzz.campaign --inputs 20000 --save FOLDER [--seed 1] [--also CORPUS]``

Each must end in a clip or an `AudioError` within 10 s and 1 GB; prints counts, the slowest, and the
peak memory of the workers, and saves what fails. Seconds are those of the wall, beside CPU seconds
of the worker, since other work on the machine lengthens the first. Ends with status 1 on a failure.
"""

from __future__ import annotations

import argparse
import collections
import hashlib
import os
import random
import struct
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.fuzz.seeds import referring, seeds
from core.audio import isolated
from core.audio.clip import AudioError
from core.audio.isolated import decode_safely

SECONDS, MEMORY = 10.0, 1e9
NUMBERS = [0, 1, 2, 7, 64, 65, 255, 256, 0x7FFF, 0xFFFF, 384_000, 0x7FFFFFFF, 0x80000000, 2**32 - 1]


def mutate(data: bytes, others: list[bytes], rng: random.Random) -> tuple[str, bytes]:
    """One of six kinds of damage, named."""
    kind = rng.choice(["cut", "bits", "header", "splice", "repeat", "remove"])
    made = bytearray(data)
    if kind == "cut":
        return kind, bytes(made[: rng.randrange(len(made))])
    if kind == "bits":
        for _ in range(rng.choice([1, 3, 10, 100, 1000])):
            made[rng.randrange(len(made))] ^= 1 << rng.randrange(8)
    elif kind == "header":
        for _ in range(rng.choice([1, 2, 4])):
            width, order = rng.choice("BHIQ"), rng.choice("<>")
            number = rng.choice(NUMBERS) & (1 << 8 * struct.calcsize(width)) - 1
            at = int(min(len(made), 2048) * rng.random() ** 2)
            made[at : at + struct.calcsize(width)] = struct.pack(order + width, number)
    elif kind == "splice":
        other = rng.choice(others)
        return kind, bytes(made[: rng.randrange(len(made))]) + other[rng.randrange(len(other)) :]
    else:
        start = rng.randrange(len(made))
        end = min(len(made), start + rng.choice([1, 4, 16, 256, 4096]))
        made[start:end] = made[start:end] * rng.choice([2, 5, 50]) if kind == "repeat" else b""
    return kind, bytes(made)


def inputs(n: int, seed: int, also: list[bytes]) -> list[tuple[str, bytes]]:
    """Crafted files first, then damaged ones."""
    whole = list(seeds().values())
    texts = [t for where in (b"/etc/passwd", b"http://127.0.0.1:9/a.wav", b"file:a.wav")
             for t in referring(where).values()]  # fmt: skip
    crafted = [("whole", d) for d in whole] + [("reference", t) for t in texts]
    crafted += [("corpus", d) for d in also]
    rng = random.Random(seed)
    damaged = [mutate(rng.choice(whole + also), whole + texts, rng)
               for _ in range(max(0, n - len(crafted)))]  # fmt: skip
    return (crafted + damaged)[:n]


def spent(pid: int) -> tuple[float, float]:
    """CPU seconds of a process so far and its peak memory in bytes (Linux)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0, 0.0
    peak = next((int(s.split()[1]) * 1024 for s in status.splitlines() if s[:6] == "VmHWM:"), 0)
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), peak


def main() -> int:
    """Run the campaign."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--save", type=Path, required=True)
    parser.add_argument("--also", type=Path, help="a folder of further files to begin from")
    options = parser.parse_args()
    options.save.mkdir(parents=True, exist_ok=True)
    also = [p.read_bytes() for p in sorted(options.also.iterdir())] if options.also else []
    counts: collections.Counter[str] = collections.Counter()
    kinds: collections.Counter[str] = collections.Counter()
    workers: set[int] = set()
    slowest = (0.0, 0.0, "")
    peak = busiest = 0.0
    failures = 0
    started = time.monotonic()
    for number, (kind, data) in enumerate(inputs(options.inputs, options.seed, also)):
        kinds[kind] += 1
        worker = isolated._POOL._idle[-1].pid if isolated._POOL._idle else 0
        workers.add(worker)
        cpu, _ = spent(worker)
        start, fault = time.monotonic(), ""
        try:
            clip = decode_safely(data, name="input")
            outcome = "clip"
            if not (len(clip.samples) and np.isfinite(clip.samples).all()):
                fault = "a clip that is none"
        except AudioError as error:
            outcome, words = error.code, str(error)
            for sign in ("died over this file", "fault of the decoder"):
                if sign in words:
                    fault = f"{words} {error.__cause__!r}"
            if "given up" in words or "more memory" in words:
                outcome = "stopped: " + ("time" if "given up" in words else "memory")
        except Exception as error:
            outcome, fault = "exception", repr(error)
        seconds = time.monotonic() - start
        after, most = spent(worker)
        peak, busiest = max(peak, most), max(busiest, after - cpu)
        if seconds > slowest[0]:
            slowest = (seconds, max(0.0, after - cpu), f"{kind} {number}")
        if seconds > SECONDS + 1 or most > MEMORY:
            fault = fault or f"{seconds:.1f} s, {most / 1e6:.0f} MB"
        counts[outcome] += 1
        if fault or outcome.startswith("stopped"):
            failures += bool(fault)
            digest = hashlib.sha256(data).hexdigest()[:12]
            (options.save / f"{number:06d}-{digest}").write_bytes(data)
            print(f"{number} {kind} ({len(data)} bytes): {fault or outcome}", flush=True)
        if number % 1000 == 999:
            print(f"{number + 1} done in {time.monotonic() - started:.0f} s", flush=True)
    total = time.monotonic() - started
    print(f"{sum(counts.values()):,} inputs in {total:.0f} s, {len(workers)} workers")
    print("kinds:", dict(kinds.most_common()))
    print("outcomes:", dict(counts.most_common()))
    print(f"slowest: {slowest[0]:.2f} s of wall, {slowest[1]:.2f} s of CPU ({slowest[2]})")
    print(f"busiest: {busiest:.2f} s of CPU; peak memory of a worker: {peak / 1e6:.0f} MB")
    print(f"failures: {failures}")
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main())
