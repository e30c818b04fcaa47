"""Live takes under load: ``python -m benchmarks.live [--seconds 30] [--soak 1200] [--speed 10]``.

Five takes at once, fed in real time with speech through one pass of Opus, each read twice a second
as its page would: the time from the arrival of sound to the first reading with a score for it,
windows left out, frames lost, and the share of a core that it took. Then one take that is fed
faster than real time: its memory, minute by minute of sound. Ends with status 1 where the median
latency exceeds 1.5 s, a stream does not keep up, a frame is lost or memory grows after the tenth
minute.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import resource
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import soxr

from core import decode, load_detector
from core.audio.clip import SAMPLE_RATE
from core.audio.codecs import encode_decode
from core.detect.stream import Take
from core.settings import settings

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "4-hard-audiobook-ogg.ogg"
STREAMS = 5
SLOTS = 2
RATE, FRAME = 48_000, 960
REFRESH_S = 0.5
CEILING_S = 1.5
GROWTH_MB = 15.0
"""What the process may grow after the ring is full; the allocator's own ups and downs."""


def speech() -> np.ndarray:
    """The example through Opus, stereo int16 ``[n, 2]`` at 48 kHz."""
    samples = soxr.resample(encode_decode(decode(EXAMPLE).samples, "opus-24"), SAMPLE_RATE, RATE)
    mono = np.rint(samples * 32767).clip(-32768, 32767).astype(np.int16)
    return np.ascontiguousarray(np.stack([mono, mono], axis=1))


def frames(samples: np.ndarray, offset: int = 0) -> Iterator[av.AudioFrame]:
    """Frames of 20 ms without end, the samples over and over."""
    for number in range(sys.maxsize):
        rows = (offset + number * FRAME + np.arange(FRAME)) % len(samples)
        frame = av.AudioFrame.from_ndarray(samples[rows].reshape(1, -1), "s16", "stereo")
        frame.sample_rate, frame.pts, frame.time_base = RATE, number * FRAME, Fraction(1, RATE)
        yield frame


def play(takes: list[Take], samples: np.ndarray, seconds: float, speed: float = 1.0) -> None:
    """Feed takes side by side, as one event loop would."""
    sources = [frames(samples, 31_337 * i) for i in range(len(takes))]
    began = time.monotonic()
    for number in range(round(seconds * RATE / FRAME)):
        time.sleep(max(0.0, began + number * FRAME / RATE / speed - time.monotonic()))
        for take, source in zip(takes, sources, strict=True):
            take.push(next(source))


class Viewer(threading.Thread):
    """What the page does: reads a take twice a second, and keeps it from being let go of."""

    def __init__(self, take: Take, seconds: float = REFRESH_S) -> None:
        super().__init__(daemon=True)
        self.take = take
        self.seconds = seconds
        self.latencies: list[float] = []
        self.over = threading.Event()

    def run(self) -> None:
        """Read until it is over."""
        while not self.over.wait(self.seconds):
            self.take.touch()
            shot = self.take.snapshot()
            if shot.latency_s is not None:
                self.latencies.append(shot.latency_s)


def together(detector: Any, slots: AbstractContextManager[Any], seconds: float) -> dict[str, Any]:
    """Five takes at once in real time."""
    takes = [Take(lambda: detector, slots) for _ in range(STREAMS)]
    viewers = [Viewer(take) for take in takes]
    for viewer in viewers:
        viewer.start()
    spent, began = time.process_time(), time.monotonic()
    play(takes, speech(), seconds)
    wall = time.monotonic() - began
    cores = (time.process_time() - spent) / wall
    time.sleep(2 * REFRESH_S)
    shots = [take.snapshot() for take in takes]
    for viewer in viewers:
        viewer.over.set()
    for take in takes:
        take.discard()
    return {
        "streams": STREAMS,
        "seconds": seconds,
        "median latency (s)": _median([x for viewer in viewers for x in viewer.latencies]),
        "median latency of each (s)": [_median(viewer.latencies) for viewer in viewers],
        "windows scored": [len(shot.windows) for shot in shots],
        "windows left out": [shot.skipped for shot in shots],
        "frames lost": [shot.lost for shot in shots],
        "cores busy": round(cores, 2),
    }


def _median(seconds: list[float]) -> float | None:
    return round(statistics.median(seconds), 2) if seconds else None


def soak(detector: Any, seconds: float, speed: float) -> dict[str, Any]:
    """Memory of one long take; its sound arrives faster than it would be spoken."""
    take = Take(lambda: detector)
    viewer = Viewer(take)
    viewer.start()
    samples = speech()
    source = frames(samples)
    resident = {}
    began = time.monotonic()
    for number in range(round(seconds * RATE / FRAME)):
        time.sleep(max(0.0, began + number * FRAME / RATE / speed - time.monotonic()))
        take.push(next(source))
        if (number + 1) % (60 * RATE // FRAME) == 0:
            gc.collect()
            resident[(number + 1) * FRAME // RATE // 60] = round(resident_mb(), 1)
    shot = take.snapshot()
    viewer.over.set()
    take.discard()
    full = [mb for minute, mb in resident.items() if minute > settings().live_keep_s / 60]
    return {
        "seconds of sound": seconds,
        "times real time": speed,
        "resident memory by minute (MB)": resident,
        "growth after the ring is full (MB)": round(full[-1] - full[0], 1) if full else None,
        "sound kept (s)": round(shot.seconds - shot.kept_from_s, 1),
        "windows kept": len(shot.windows),
        "windows left out": shot.skipped,
        "frames lost": shot.lost,
    }


def resident_mb() -> float:
    """Resident memory of this process in megabytes (its peak where the system tells no more)."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
    except (OSError, ValueError):
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def main() -> int:
    """Print the measurements as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0, help="of five takes at once")
    parser.add_argument("--soak", type=float, default=1_200.0, help="seconds of the long take")
    parser.add_argument("--speed", type=float, default=10.0, help="of the long take")
    wanted = parser.parse_args()
    detector = load_detector()
    detector.detect(decode(EXAMPLE))  # what a first inference costs extra is not a stream's
    found = {}
    if wanted.seconds > 0:
        slots = threading.BoundedSemaphore(SLOTS)
        found["together"] = together(detector, slots, wanted.seconds)
        print(json.dumps(found["together"], indent=2), flush=True)
    if wanted.soak > 0:
        found["soak"] = soak(detector, wanted.soak, wanted.speed)
        print(json.dumps(found["soak"], indent=2), flush=True)
    while any(thread.name.startswith("live-") for thread in threading.enumerate()):
        time.sleep(0.1)  # an inference that is cut off would end the process badly
    return int(not passed(found))


def passed(found: dict[str, Any]) -> bool:
    """Whether all of it lies within the limits."""
    ok = not any(any(np.atleast_1d(part["frames lost"])) for part in found.values())
    if "together" in found:
        five = found["together"]
        median = five["median latency (s)"]
        ok &= median is not None and median <= CEILING_S and not any(five["windows left out"])
    if "soak" in found and found["soak"]["growth after the ring is full (MB)"] is not None:
        ok &= found["soak"]["growth after the ring is full (MB)"] <= GROWTH_MB
    return bool(ok)


if __name__ == "__main__":
    sys.exit(main())
