"""Speed and memory of detection, against the plain way: ``python -m benchmarks.detection``.

The plain way is one forward pass in PyTorch over stacked windows, in single precision. Everything
is measured in one run on two cores; speeds are medians, memory is the peak of a process of its own.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("[0-9]-*"))
CORES = 2
WINDOWS = 4
SESSIONS = 10


def row(what: str, ours: str, plain: str = "", ratio: float | None = None, note: str = "") -> dict:
    """One line of the table."""
    return {"what": what, "ours": ours, "plain": plain,
            "ratio": "" if ratio is None else f"{ratio:.2f} x", "note": note}  # fmt: skip


def together(*works: Callable[[], object], times: int = 5) -> list[float]:
    """Median seconds of each, measured in turn so that other load hits all alike."""
    spent: list[list[float]] = [[] for _ in works]
    for number in range(times + 1):
        for mine, work in zip(spent, works, strict=True):
            start = time.perf_counter()
            work()
            if number:
                mine.append(time.perf_counter() - start)
    return [statistics.median(mine) for mine in spent]


def speech(seconds: float) -> np.ndarray:
    """The examples over and over, float32 at 16 kHz."""
    from core import decode

    return np.resize(np.concatenate([decode(file).samples for file in EXAMPLES]),
                     round(16_000 * seconds))  # fmt: skip


def write_wav(path: Path, seconds: float) -> Path:
    """Such speech as a WAV file."""
    import soundfile

    soundfile.write(path, speech(seconds), 16_000, "PCM_16")
    return path


def embedded() -> list[dict]:
    """A minute of speech through every engine of the embedded detector."""
    import torch

    from core import decode, load_detector
    from core.audio.quality import measure
    from core.audio.windows import stack_windows, window_ranges

    torch.set_num_threads(CORES)
    with tempfile.TemporaryDirectory() as folder:
        clip = decode(write_wav(Path(folder) / "minute.wav", 60))
    ours, reference = load_detector(), load_detector(engine="torch")
    engines = {"by default": ours}
    if "int8" in ours.config.get("engines", {}):
        engines["8 bit"] = load_detector(engine="int8")
    engines["ONNX Runtime, single precision"] = load_detector(engine="onnx")
    engines["PyTorch, convolutions shared"] = reference
    waves = stack_windows(clip.samples, window_ranges(len(clip.samples)))

    def plain() -> None:
        measure(clip)
        for first in range(0, len(waves), 8):
            reference.engine.windows(waves[first : first + 8])

    works = [plain, lambda: measure(clip), *(lambda d=d: d.detect(clip) for d in engines.values())]
    slow, gate, *spent = together(*works)
    start = np.arange(0, 3) * 32_000
    expected = reference.raw_scores(clip.samples, [(int(s), int(s) + 64_000) for s in start])[0]
    found = []
    for (name, detector), seconds in zip(engines.items(), spent, strict=True):
        raw = detector.raw_scores(clip.samples, [(int(s), int(s) + 64_000) for s in start])[0]
        found.append(
            row(f"embedded, 60 s judged, {name}", f"{seconds:.2f} s", f"{slow:.2f} s",
                slow / seconds, f"raw scores within {np.abs(raw - expected).max():.1g}")
        )  # fmt: skip
    found.append(row("of that the speech gate", f"{gate:.2f} s"))
    wave, features = speech(3), np.zeros((4, 200, 1024), np.float32)
    single = engines["ONNX Runtime, single precision"].engine
    torch.set_num_threads(1)
    a = np.ones((2048, 2048), np.float32)
    t = torch.from_numpy(a)
    product, *parts = together(
        lambda: t @ t,
        *(lambda e=e: e.front(wave) for e in (ours.engine, single)),
        *(lambda e=e: e.encode(features) for e in (ours.engine, single)),
    )
    limit = 2 * 2048**3 / product / 1e9
    names = [f"{part}, one core, {engine}"
             for part in ("convolutions, 3 s of sound", "transformer, 4 windows")
             for engine in ("by default", "single precision")]  # fmt: skip
    work = [front_flops() * 300] * 2 + [encoder_flops() * 4] * 2
    for name, seconds, flops in zip(names, parts, work, strict=True):
        rate = flops / seconds / 1e9
        most = f"{limit:.0f} GFLOP/s in a product of matrices"
        found.append(row(name, f"{1000 * seconds:.0f} ms, {rate:.0f} G/s", most, rate / limit))
    torch.set_num_threads(CORES)
    return found


def front_flops(channels: tuple[int, ...] = (64, 64, 128, 256, 256, 256)) -> float:
    """Floating-point operations of the convolutions for 10 ms of sound."""
    total, width, before = 0.0, 161, 2
    for i, after in enumerate(channels):
        width = (width - 3) // (2 if i else 1) + 1
        total += 2 * 9 * before * after * width / (2 if i == len(channels) - 1 else 1)
        before = after
    return total


def encoder_flops(frames: int = 200, dim: int = 200, layers: int = 7, inner: int = 400) -> float:
    """Floating-point operations of projection and transformer for one window."""
    layer = 4 * dim * dim + 2 * dim * inner + 2 * frames * dim
    return 2.0 * frames * (1024 * dim + layers * layer + 2 * dim * dim)


def wav2vec2() -> list[dict]:
    """wav2vec2-base with random weights: plain, and by both engines."""
    import torch
    from safetensors.torch import save_file

    from core.audio.windows import stack_windows, window_ranges
    from core.detect.model_directory import load_directory
    from core.detect.networks.wav2vec2 import MeanPooledWav2Vec2
    from core.detect.weights import sha256_of
    from training.onnx_export import export_engines

    torch.manual_seed(0)
    torch.set_num_threads(CORES)
    samples = speech(2 * WINDOWS + 2)
    waves = stack_windows(samples, window_ranges(len(samples)))[:WINDOWS]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        weights = folder / "model.safetensors"
        save_file(MeanPooledWav2Vec2().state_dict(), weights)
        config = {
            "format": "spoofscope.model/1", "id": "wav2vec2-base", "network": {},
            "architecture": "wav2vec2-mean", "window": 64_000,
            "weights": {"file": weights.name, "sha256": sha256_of(weights)},
        }  # fmt: skip
        (folder / "config.json").write_text(json.dumps(config))
        export_engines(folder, int8=True, clips=[samples])
        plain, single, eight = (
            load_directory(folder, engine).engine for engine in ("torch", "onnx", "int8")
        )
    slow, fast, faster = together(
        *(lambda e=e: e.windows(waves) for e in (plain, single, eight)), times=3
    )
    expected = plain.windows(waves)[0]
    found = []
    for name, engine, seconds in (("fp32", single, fast), ("8 bit", eight, faster)):
        raw = engine.windows(waves)[0]
        away = np.abs(1 / (1 + np.exp(-raw)) - 1 / (1 + np.exp(-expected))).max()
        found.append(
            row(f"wav2vec2-base, a window of 4 s, {name}", f"{1000 * seconds / WINDOWS:.0f} ms",
                f"{1000 * slow / WINDOWS:.0f} ms", slow / seconds,
                f"probabilities within {away:.1g}")
        )  # fmt: skip
    return found


def aasist() -> list[dict]:
    """AASIST at its published settings, against the embedded detector on as much sound."""
    import torch

    from core import load_detector
    from core.detect.engine import TorchEngine
    from core.detect.networks.aasist import WINDOW, Aasist

    torch.manual_seed(0)
    torch.set_num_threads(CORES)
    theirs, ours = TorchEngine(Aasist().eval()), load_detector().engine
    waves = speech(WINDOWS * WINDOW / 16_000).reshape(WINDOWS, WINDOW)
    slow, fast = together(lambda: theirs.windows(waves), lambda: ours.windows(waves[:, :64_000]),
                          times=3)  # fmt: skip
    return [row("embedded, a window of 4 s alone", f"{1000 * fast / WINDOWS:.0f} ms",
                f"{1000 * slow / WINDOWS:.0f} ms (AASIST)", slow / fast)]  # fmt: skip


CHILD = """
import json, os, sys
from benchmarks.memory import Memory
with Memory(os.getpid(), 0.02) as memory:
    from core import load_detector
    from core.audio.isolated import decode_safely, prepare
    prepare()
    detector = load_detector(engine=sys.argv[2] or None)
    found = detector.detect(decode_safely(sys.argv[1]))
print(json.dumps([found.verdict, memory.peak_bytes(), 'torch' in sys.modules]))
"""


def child(code: str, *arguments: str) -> list[Any]:
    """What a process of its own prints last, as JSON."""
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def cold_start() -> list[dict]:
    """From the start of a process to its first verdict."""
    clip = str(EXAMPLES[0])
    slow, fast = together(
        lambda: child(CHILD, clip, "torch"), lambda: child(CHILD, clip, ""), times=3
    )
    return [row("embedded, process start to first verdict", f"{fast:.2f} s",
                f"{slow:.2f} s (PyTorch)", slow / fast)]  # fmt: skip


def hour() -> list[dict]:
    """Peak memory of a process that judges an hour, and of the one that decodes it."""
    with tempfile.TemporaryDirectory() as folder:
        path = write_wav(Path(folder) / "hour.wav", 3_600)
        start = time.perf_counter()
        _, peak, _ = child(CHILD, str(path), "")
        seconds = time.perf_counter() - start
    return [
        row(
            "an hour of audio, with the process that decodes",
            f"{peak / 1e6:.0f} MB, {seconds:.0f} s",
        )
    ]


CROWD = """
import json, os, sys, threading
import altair, pandas, streamlit
import streamlit.runtime
from benchmarks.memory import Memory
from core.show import cache
data = open(sys.argv[1], 'rb').read()
def visit():
    for _ in range(2):
        cache.detect(cache.read(data, 'clip'), cache.detector())
visits = [threading.Thread(target=visit) for _ in range(int(sys.argv[2]))]
with Memory(os.getpid(), 0.02) as memory:
    [v.start() for v in visits]
    [v.join() for v in visits]
print(json.dumps([memory.peak_bytes()]))
"""


def crowd() -> list[dict]:
    """Peak memory of a server where ten sessions judge a minute each, twice."""
    with tempfile.TemporaryDirectory() as folder:
        path = write_wav(Path(folder) / "minute.wav", 60)
        (peak,) = child(CROWD, str(path), str(SESSIONS))
    return [
        row(f"{SESSIONS} sessions at once, with the processes that decode", f"{peak / 1e6:.0f} MB")
    ]


def main() -> list[dict]:
    """Measure everything; print and return the rows."""
    rows = []
    for part in (embedded, wav2vec2, aasist, cold_start, hour, crowd):
        rows += part()
        print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    return rows


if __name__ == "__main__":
    main()
