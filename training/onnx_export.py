"""Graphs of a model directory for ONNX Runtime, checked against PyTorch before they count."""

from __future__ import annotations

import math
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.audio.windows import stack_windows, window_ranges
from core.detect.engine import OnnxEngine
from core.detect.model_config import read_config
from core.detect.model_directory import load_directory
from core.detect.weights import sha256_of
from training.model_files import put, write_config

TOLERANCE = 1e-3
"""Largest difference of a raw score from PyTorch's with which a graph is written."""

MOST_WINDOWS = 64
"""Windows of the check at most, evenly chosen from all that the clips have."""

INT8_TOLERANCE = 1.0
"""The same for 8-bit graphs, as the mean over the windows of the check."""


class ExportError(ValueError):
    """Graphs that do not do what the network does; the message is a sentence for people."""


def export_engines(
    directory: str | Path, *, int8: bool = False, clips: Sequence[np.ndarray] = ()
) -> dict[str, Any]:
    """Write the ONNX graphs of a model directory and name them in its configuration.

    The graphs refer to the weights in the directory's safetensors file; 8-bit ones hold their own.
    They are made in a temporary folder, run there on the same windows as the network in PyTorch,
    and moved into the directory only where the scores agree.

    Parameters
    ----------
    directory : path-like
        A model directory.
    int8 : bool
        Write 8-bit graphs too, with ranges of values as they occur in the clips.
    clips : sequence of numpy.ndarray
        Speech, float32 ``[n]`` at 16 kHz, for the check and for calibration; at least one.

    Returns
    -------
    dict
        For each engine the largest and the mean difference of a window's raw score.

    Raises
    ------
    ExportError
        If scores differ by more than is allowed; nothing is written then.
    DetectorError
        If the directory is no model of this project's format.
    ValueError
        If the architecture has no graph, or there are no clips.
    """
    directory = Path(directory)
    config = read_config(directory)
    reference = load_directory(directory, "torch")
    if not clips:
        raise ValueError("Name clips of speech to check the graphs with.")
    waves = np.concatenate([_windows(clip, reference.window) for clip in clips])
    waves = waves[:: math.ceil(len(waves) / MOST_WINDOWS)]
    expected = np.concatenate([reference.engine.windows(wave[None])[0] for wave in waves])
    offered: dict[str, Any] = {}
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(dir=directory) as temporary:
        folder = Path(temporary)
        weights = folder / Path(str(config["weights"]["file"])).name
        shutil.copyfile(directory / weights.name, weights)
        graphs = _graphs(weights, config)
        for part, model in graphs.items():
            (folder / f"{part}.onnx").write_bytes(model.SerializeToString())
        kinds = {"onnx": {part: f"{part}.onnx" for part in graphs}}
        if int8:
            from training.onnx_int8 import quantise

            kinds["int8"] = quantise(folder, kinds["onnx"], waves)
        for kind, files in kinds.items():
            engine = OnnxEngine(folder, files, reference.engine.samples_per_frame,
                                reference.engine.margin)  # fmt: skip
            away = np.abs(engine.windows(waves)[0] - expected)
            found[kind] = {"windows": len(away), "largest": float(away.max()),
                           "mean": float(away.mean())}  # fmt: skip
            wrong = away.mean() > INT8_TOLERANCE if kind == "int8" else away.max() > TOLERANCE
            if wrong or not np.isfinite(away).all():
                raise ExportError(
                    f"The graphs of engine '{kind}' were not written: their raw scores differ from "
                    f"PyTorch's by up to {away.max():.2g} ({away.mean():.2g} on average)."
                )
            offered[kind] = {
                "samples_per_frame": reference.engine.samples_per_frame,
                "margin": reference.engine.margin,
                "raw_away": found[kind],
                "graphs": {
                    part: {"file": name, "sha256": sha256_of(folder / name)}
                    for part, name in files.items()
                },
            }
        names: dict[str, str] = {}  # engines may share a graph
        for kind in offered.values():
            for graph in kind["graphs"].values():
                name = graph["file"]
                if name not in names:
                    names[name] = put(folder / name, directory, name)
                graph["file"] = names[name]
    config["engines"] = {**config.get("engines", {}), **offered}
    write_config(directory, config)
    return found


def _graphs(weights: Path, config: Mapping[str, Any]) -> dict[str, Any]:
    """The graphs of a network, by part."""
    from core.detect.networks import SAMPLES_PER_FRAME
    from training.onnx_graphs import mean_pooled_wav2vec2, spectral_encoder, spectral_front

    window, network = int(config["window"]), config["network"]
    if config["architecture"] == "wav2vec2-mean":
        return {"windows": mean_pooled_wav2vec2(weights, window, network)}
    if config["architecture"] == "spectral-transformer" and window % SAMPLES_PER_FRAME == 0:
        return {
            "front": spectral_front(weights, **network),
            "encoder": spectral_encoder(weights, window // SAMPLES_PER_FRAME, **network),
        }
    raise ValueError(f"The architecture {config['architecture']} has no ONNX graph.")


def _windows(samples: np.ndarray, window: int) -> np.ndarray:
    """Windows of a clip, side by side."""
    return stack_windows(samples, window_ranges(len(samples), window, window), window)
