"""Networks over an encoder in 8-bit integers: a folder that `training.onnx_encoder` wrote."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from core.detect.detector import Detector
from core.detect.feeds import FEEDS
from core.detect.model_config import DetectorError
from core.detect.weights import briefly, checked_sha256

FORMAT = "spoofscope.int8/1"
GRAPH, WEIGHTS, HEAD = FILES = ("encoder.onnx", "encoder.weights", "head.safetensors")
SAYS = "int8.json"


def load_int8(folder: Path, id: str, name: str) -> Detector:
    """A network whose encoder runs in 8-bit integers, as an uncalibrated detector.

    Its hash is of these files, not of the weights that they were made from: scores differ a little,
    so a calibration of one does not hold for the other.

    Parameters
    ----------
    folder : pathlib.Path
        With the graph, the head and what they are.
    id, name : str
        For programs and for people, of the network in single precision.

    Raises
    ------
    DetectorError
        If it is not there, or not what it says.
    """
    if not os.path.isfile(folder / SAYS):
        raise DetectorError(
            f"'{id}' is not here in 8-bit integers. Make it once: python -m training quantise {id}"
        )
    try:
        says: Any = json.loads((folder / SAYS).read_text("utf-8"))
        network, files = str(says["network"]), dict(says["files"])
        if says["format"] != FORMAT or network not in FEEDS or set(files) != set(FILES):
            raise ValueError("it is of another form")
        hashes = [checked_sha256(folder / file, str(files[file])) for file in FILES]
    except DetectorError:
        raise
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DetectorError(f"What {folder.name} holds is damaged: {briefly(error)}") from error
    from core.detect.networks.graph_encoder import over_graph

    try:
        made = over_graph(folder / GRAPH, folder / HEAD, network)
    except Exception as error:  # the runtime's own errors have no common base but this
        raise DetectorError(f"ONNX Runtime cannot run {folder.name}: {briefly(error)}") from error
    return Detector(
        id=f"{id}-int8",
        name=f"{name}, 8-bit",
        network=made,
        weights_sha256=hashlib.sha256("".join(hashes).encode()).hexdigest(),
        feed=FEEDS[network],
    )
