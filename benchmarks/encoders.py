"""Large encoders in 8-bit integers against PyTorch: ``python -m benchmarks.encoders``.

Weights are random, of the published shapes: speed and memory do not depend on what they hold, and
published ones never ran here. Both ways hear the same windows in turn, in one run; memory is the
peak of a process of its own that loads and scores one window. Writes
data/results/encoder_speed.csv; where other work ran beside, its load average says so, and only the
ratio counts.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.detection import row, speech, together
from core.evaluate.tables import RESULTS, TABLES
from core.plain import csv_text

if TYPE_CHECKING:
    from core.detect.networks.over_encoder import OverEncoder

ROOT = Path(__file__).resolve().parents[1]
TABLE = RESULTS / "encoder_speed.csv"
COLUMNS = tuple(TABLES["encoder_speed"].columns)
COMMAND = "python -m benchmarks.encoders"
CORES, TIMES, WINDOWS = 2, 3, 2

SIZES = {
    "XLS-R 300M": (1024, 24, 4096, "xlsr-aasist"),
    "wav2vec 2.0 Base (95 M)": (768, 12, 3072, "antideepfake"),
}

CHILD = """
import json, re, sys
import numpy as np
from core.detect.eight_bit import load_int8
from pathlib import Path
detector = load_int8(Path(sys.argv[1]), 'x', 'X')
detector.engine.windows(np.zeros((1, int(sys.argv[2])), np.float32))
status = open('/proc/self/status').read()  # the most that a parent held counts elsewhere
print(int(re.search(r'VmHWM:\\s+(\\d+) kB', status)[1]) * 1024)
"""


def network(width: int, layers: int, inner: int, kind: str) -> OverEncoder:
    """One of a published size with random weights."""
    import torch
    from transformers import Wav2Vec2Config

    from core.detect.networks.encoder import HEADS, Encoder
    from core.detect.networks.heads.graphs import GraphsOverStates
    from core.detect.networks.heads.pooled import Pooled
    from core.detect.networks.over_encoder import OverEncoder

    torch.manual_seed(0)
    first = width > 768
    below = Encoder(
        Wav2Vec2Config(
            hidden_size=width, num_hidden_layers=layers, num_attention_heads=HEADS[width],
            intermediate_size=inner, conv_bias=first, feat_extract_norm="layer" if first else
            "group", do_stable_layer_norm=first, mask_time_prob=0.0, mask_feature_prob=0.0,
        )
    )  # fmt: skip
    if kind == "xlsr-aasist":
        graphs = GraphsOverStates(width, 128, [32, 32, 64, 64, 64, 64], 128, (64, 32))
        return OverEncoder(below, graphs, False).eval()
    return OverEncoder(below, Pooled(width), True).eval()


def measured(name: str) -> dict:
    """One row."""
    import torch

    from core.detect.eight_bit import load_int8
    from training.onnx_encoder import eight_bit

    width, layers, inner, kind = SIZES[name]
    torch.set_num_threads(CORES)
    made = network(width, layers, inner, kind)
    length = 64_600
    samples = speech(2 * WINDOWS + 4)
    waves = np.stack([samples[i * 32_000 : i * 32_000 + length] for i in range(WINDOWS)])
    with tempfile.TemporaryDirectory() as folder:
        out = eight_bit(made, kind, "0" * 64, Path(folder) / "int8")
        detector = load_int8(out, "x", "X")

        def plain() -> np.ndarray:
            with torch.inference_mode():
                return made(torch.from_numpy(waves[:1]))[0].numpy()

        slow, fast = together(plain, lambda: detector.engine.windows(waves[:1]), times=TIMES)
        with torch.inference_mode():
            expected = np.concatenate(
                [made(torch.from_numpy(wave[None]))[0].numpy() for wave in waves]
            )
        found = detector.engine.windows(waves)[0]
        away = np.abs(1 / (1 + np.exp(-expected)) - 1 / (1 + np.exp(-found))).max()
        size = sum(file.stat().st_size for file in out.iterdir())
        done = subprocess.run(
            [sys.executable, "-c", CHILD, str(out), str(length)],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
    return {
        "encoder": name,
        "head": kind,
        "parameters": sum(p.numel() for p in made.parameters()),
        "window_s": round(length / 16_000, 2),
        "cores": CORES,
        "plain_s": round(slow, 3),
        "int8_s": round(fast, 3),
        "ratio": round(slow / fast, 2),
        "largest_difference": float(f"{away:.2g}"),
        "peak_mb": round(json.loads(done.stdout) / 1e6),
        "file_mb": round(size / 1e6),
        "weights": "random",
        "kind": "measured",
        "source": COMMAND,
        "note": f"a window in turn, by PyTorch in single precision and by 8-bit integers; load "
        f"average {os.getloadavg()[0]:.0f}",
    }


def rows() -> list[dict]:
    """The same for the table of all speeds."""
    found = []
    for name in SIZES:
        one = measured(name)
        found.append(
            row(
                f"{name}, a window of {one['window_s']} s in 8-bit integers",
                f"{one['int8_s']:.2f} s",
                f"{one['plain_s']:.2f} s",
                one["ratio"],
                f"chances within {one['largest_difference']:g}, peak {one['peak_mb']} MB; random "
                "weights",
            )
        )
    return found


def main() -> None:
    """Measure, write the table and print it."""
    made = []
    for name in SIZES:
        made.append(measured(name))
        print(*made[-1].values(), flush=True)
        TABLE.write_text(csv_text(COLUMNS, (one.values() for one in made)), "utf-8")


if __name__ == "__main__":
    main()
