"""A session of ONNX Runtime on the CPU, set up for a server that judges many clips at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def session(path: Path, threads: int = 1) -> Any:
    """An ONNX Runtime session on the CPU.

    Parameters
    ----------
    path : pathlib.Path
        A graph; the weights it refers to lie beside it.
    threads : int
        Cores that one operation uses.

    Returns
    -------
    onnxruntime.InferenceSession
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Threads that wait in a loop would take the cores from other sessions.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Memory of one long stretch must not stay with the process for good.
    options.enable_cpu_mem_arena = False
    return onnxruntime.InferenceSession(
        str(path),
        options,
        providers=["CPUExecutionProvider"],
        # An addition and a layer norm are several times as fast one after the other.
        disabled_optimizers=["SkipLayerNormFusion"],
    )
