"""8-bit graphs: convolutions with ranges measured on speech, products of matrices as they come.

Weights take 7 of their 8 bits: processors without instructions for 8-bit products add pairs of them
in 16 bits, which full ones would overflow, so scores would depend on the processor.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from core.detect.engine import levelled

PERCENTILE = 99.999
"""Share of the values between two layers that their range covers: single peaks would coarsen all
others. On dev clips this halved the change of raw scores against whole ranges."""


def quantise(folder: Path, files: Mapping[str, str], waves: np.ndarray) -> dict[str, str]:
    """Make 8-bit graphs from those of single precision.

    Weights become signed integers by output channel, what lies between layers unsigned ones. The
    spectrum and the first convolution, which has two channels to hear all of it by, stay as they
    are.

    Parameters
    ----------
    folder : pathlib.Path
        With the graphs; the new ones are written there.
    files : mapping of str to str
        Names of the graphs by part.
    waves : numpy.ndarray
        Windows of speech, float32 ``[k, n]``, by which ranges are measured.

    Returns
    -------
    dict
        Names of the 8-bit engine's graphs by part.
    """
    from onnxruntime.quantization import (
        CalibrationMethod,
        QuantType,
        quantize_dynamic,
        quantize_static,
    )

    made: dict[str, str] = {}
    for part in files:
        made[part] = f"{part}-int8.onnx"
        given = folder / f"{part}-folded.onnx"
        _fold(folder / files[part], given)
        types = {"weight_type": QuantType.QInt8, "per_channel": True, "reduce_range": True}
        if part == "front":
            quantize_static(
                given,
                folder / made[part],
                _Waves(levelled(waves)),
                op_types_to_quantize=["Conv", "LeakyRelu"],
                nodes_to_exclude=_first(given),
                activation_type=QuantType.QUInt8,
                calibrate_method=CalibrationMethod.Percentile,
                # one window after another: what lies between all layers is large
                extra_options={"CalibPercentile": PERCENTILE, "CalibStridedMinMax": 1},
                **types,
            )
        else:
            quantize_dynamic(
                given,
                folder / made[part],
                op_types_to_quantize=["MatMul"],
                extra_options={"DefaultTensorType": 1},  # float32
                **types,
            )
    return made


def _fold(given: Path, folded: Path) -> None:
    """Compute what is constant, so that every product of matrices has its weights at hand."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(folded)
    onnxruntime.InferenceSession(str(given), options, providers=["CPUExecutionProvider"])


def _first(path: Path) -> list[str]:
    """Names of the nodes that make the spectrum, and of the first convolution on it."""
    import onnx

    nodes = onnx.load(path, load_external_data=False).graph.node
    activations = [i for i, node in enumerate(nodes) if node.op_type == "LeakyRelu"]
    return [node.name for node in nodes[: activations[0] + 1]]


class _Waves:
    """Hands waves to the calibration one by one."""

    def __init__(self, waves: np.ndarray) -> None:
        self._waves, self._rest = waves, iter(waves)

    def __len__(self) -> int:
        return len(self._waves)

    def set_range(self, start_index: int, end_index: int) -> None:
        self._rest = iter(self._waves[start_index:end_index])

    def get_next(self) -> dict[str, np.ndarray] | None:
        wave = next(self._rest, None)
        return None if wave is None else {"wave": wave[None]}
