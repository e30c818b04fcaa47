"""A model directory -> a detector: ``config.json`` and the files it names, checked by hash."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from core.audio.windows import HOP, WINDOW
from core.detect.calibration import Calibration
from core.detect.contrast import load as contrast_in
from core.detect.decision import Decision
from core.detect.detection import Reason
from core.detect.engine import OnnxEngine, TorchEngine
from core.detect.familiarity import load as familiarity_in
from core.detect.feeds import Feed
from core.detect.finer import Blend, Finding
from core.detect.model_config import DetectorError as DetectorError
from core.detect.model_config import checked_config, file_in
from core.detect.networks import build
from core.settings import settings

if TYPE_CHECKING:
    from torch import nn


from core.detect.detector import Detector
from core.detect.weights import briefly, checked_sha256

logger = logging.getLogger(__name__)

_Part = TypeVar("_Part")


def load_directory(directory: str | Path, engine: str | None = None) -> Detector:
    """Load a model directory: ``config.json`` and the files it names, checked by hash.

    Parameters
    ----------
    directory : path-like
        The model directory.
    engine : str, optional
        One of `core.detect.engine.ENGINES`. By default what ``SPOOFSCOPE_ENGINE`` says, else
        the configuration's ``default_engine``, else ``onnx`` where the directory has graphs,
        else ``torch``.

    Notes
    -----
    The calibration belongs to the precision of the default engine, and so do id and name. An
    engine of another precision gives scores of its own: it has a name of its own, and its
    detections say how far its scores were from the others when it was made.

    Raises
    ------
    DetectorError
        If the directory is not a model of this format, has no such engine, or its files are
        not those that its configuration names.
    """
    directory = Path(directory)
    config = checked_config(directory)
    weights = file_in(directory, config["weights"]["file"])
    digest = checked_sha256(weights, config["weights"]["sha256"])
    offered = config.get("engines") or {}
    engine = engine or settings().engine or None
    default = str(config.get("default_engine") or ("onnx" if "onnx" in offered else "torch"))
    engine = engine or default
    if engine != "torch" and engine not in offered:
        has = ", ".join([*offered, "torch"])
        raise DetectorError(
            f"The model in {directory.name} has no engine called '{engine}'; it has {has}."
        )
    id, name = str(config["id"]), str(config.get("name", config["id"]))
    if engine == "int8":  # its graphs hold weights of their own
        digest = _sha256_of_all(offered[engine])
    caution = None
    if (engine == "int8") != (default == "int8"):
        short, words = ("int8", "8-bit") if engine == "int8" else ("fp32", "single precision")
        id, name = f"{id}-{short}", f"{name}, {words}"
        caution = _other_precision(words, offered.get("int8") or {})
    familiarity = _arrays(
        directory, config, "familiarity", familiarity_in, "The familiarity measure"
    )
    contrast = _arrays(
        directory, config, "contrast", contrast_in, "What holds windows against the rest of a clip"
    )
    calibration = config.get("calibration")
    decision = config.get("decision") or {}
    band = decision.get("inconclusive_llr", (0.0, 0.0))
    logger.info("loading detector %s by engine %s", id, engine)
    return Detector(
        id=id,
        name=name,
        network=(
            TorchEngine(_torch_network(directory, config, weights))
            if engine == "torch"
            else onnx_engine(directory, offered[engine])
        ),
        weights_sha256=digest,
        calibration=Calibration(**calibration) if calibration else None,
        by_codec={
            codec: Calibration(**values)
            for codec, values in (config.get("calibration_by_codec") or {}).items()
        },
        decision=Decision(
            (float(band[0]), float(band[1])), bool(decision.get("needs_wide_band", False))
        ),
        feed=Feed(int(config.get("window", WINDOW)), int(config.get("hop", HOP))),
        familiarity=familiarity,
        config=config,
        caution=caution,
        finding=Finding.from_config(config["stands_out"], contrast)
        if config.get("stands_out")
        else None,
        blend=Blend.from_config(config["shorter"]) if config.get("shorter") else None,
    )


def _arrays(
    directory: Path,
    config: Mapping[str, Any],
    part: str,
    load: Callable[[Path, Mapping[str, Any]], _Part],
    what: str,
) -> _Part | None:
    """A part that a configuration names with its file of arrays; None where it names none."""
    entry = config.get(part)
    if not entry:
        return None
    checked_sha256(file_in(directory, entry["file"]), entry["sha256"])
    try:
        return load(directory, entry)
    except ValueError as error:
        raise DetectorError(f"{what} in {directory.name} is damaged: {error}") from error


def _torch_network(directory: Path, config: Mapping[str, Any], weights: Path) -> nn.Module:
    """The network of a model directory, with its weights, in PyTorch."""
    import torch
    from safetensors import SafetensorError, safe_open
    from safetensors.torch import load_file

    try:
        # Without memory first: settings could ask for more of it than there is.
        with torch.device("meta"):
            wanted = build(config["architecture"], config["network"]).state_dict()
        with safe_open(weights, "pt") as held:
            found = {name: held.get_slice(name).get_shape() for name in held.keys()}  # noqa: SIM118
        for name in wanted.keys() ^ found.keys():
            raise ValueError(f"'{name}' is either in the network or among its weights")
        for name, tensor in wanted.items():
            if list(tensor.shape) != list(found[name]):
                raise ValueError(f"'{name}' has another shape")
        network = build(config["architecture"], config["network"])
        network.load_state_dict(load_file(weights))
    except (SafetensorError, KeyError, TypeError, AttributeError, AssertionError, IndexError,
            ValueError, RuntimeError, ArithmeticError) as error:  # fmt: skip
        raise DetectorError(
            f"The model in {directory.name} does not fit its configuration: {briefly(error)}"
        ) from error
    return network


def onnx_engine(directory: Path, offered: Mapping[str, Any]) -> OnnxEngine:
    """The graphs that a configuration names under ``engines``, checked by hash.

    Raises
    ------
    DetectorError
        If a graph is missing, another one, or cannot be run.
    """
    files = {part: file_in(directory, g["file"]).name for part, g in offered["graphs"].items()}
    for part, name in files.items():
        checked_sha256(directory / name, offered["graphs"][part]["sha256"])
    try:
        return OnnxEngine(
            directory,
            files,
            int(offered.get("samples_per_frame", 0)),
            int(offered.get("margin", 0)),
        )
    except Exception as error:  # the runtime's own errors have no common base but this
        raise DetectorError(
            f"ONNX Runtime cannot run the graphs of {directory.name}: {briefly(error)}"
        ) from error


def _sha256_of_all(offered: Mapping[str, Any]) -> str:
    """One hash for several graphs that hold their own weights."""
    hashes = "".join(str(graph["sha256"]) for _, graph in sorted(offered["graphs"].items()))
    return hashlib.sha256(hashes.encode()).hexdigest()


def _other_precision(words: str, eight_bit: Mapping[str, Any]) -> Reason:
    """What to say of scores from an engine whose precision the calibration was not fitted on."""
    away = (eight_bit.get("raw_away") or {}).get("mean")
    fitted = "single precision" if words == "8-bit" else "8-bit"
    return Reason(
        "other_precision",
        f"The network ran in {words}, and its scores were calibrated in {fitted}"
        + ("." if away is None else f": raw scores differ by {away:.2f} on average."),
        "caution",
    )
