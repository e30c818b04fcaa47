"""The ``config.json`` of a model directory, checked before anything that it names is used.

A directory may come from anybody: every field is of the kind that the code takes for granted, and
every file that it names lies in the directory itself.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.audio.clip import SAMPLE_RATE
from core.audio.windows import WINDOW
from core.detect.outlier import EXCESS_FIELDS

FORMAT = "spoofscope.model/1"

MOST_BYTES = 16 << 20
"""Largest configuration that is read; the embedded detector's has 7 kB."""

LONGEST_WINDOW = 60 * SAMPLE_RATE
MOST_LAYERS, LARGEST_SETTING = 100, 65_536
"""What a network can be made of before it is known whether its weights fit."""

PARTS = ({"front", "encoder"}, {"windows"})
"""Graphs that an engine has."""


class DetectorError(ValueError):
    """A detector that cannot be loaded or used; the message is a sentence for people."""


def read_config(directory: Path) -> dict[str, Any]:
    """The configuration of a model directory, as it stands.

    Raises
    ------
    DetectorError
        If it is missing, not JSON, or of another format.
    """
    path = file_in(directory, "config.json")
    if not os.path.isfile(path):
        raise DetectorError(f"There is no config.json in the model directory {directory.name}.")
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ValueError("too large")
        config = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DetectorError(
            f"The config.json of {directory.name} cannot be read as JSON."
        ) from error
    if not isinstance(config, dict) or config.get("format") != FORMAT:
        raise DetectorError(f"The config.json of {directory.name} is not of the format {FORMAT}.")
    return config


def is_project_model(directory: Path) -> bool:
    """Whether a directory holds a model of this project's own format."""
    try:
        read_config(directory)
    except DetectorError:
        return False
    return True


def checked_config(directory: Path) -> dict[str, Any]:
    """A configuration of which every field is of its type and within its range.

    Raises
    ------
    DetectorError
        As `read_config`, or with the first field that is of another kind.
    """
    config = read_config(directory)
    wrong = _wrong(config)
    if wrong:
        raise DetectorError(f"The config.json of {directory.name} is damaged: {wrong}.")
    return config


def file_in(directory: Path, name: str) -> Path:
    """A file of a directory, by its name alone; links must not lead out of the directory.

    Raises
    ------
    DetectorError
        If it lies elsewhere.
    """
    path = directory / Path(name).name
    try:
        inside = path.resolve().is_relative_to(directory.resolve())
    except (OSError, RuntimeError, ValueError):  # links in a ring, names that no file can have
        inside = False
    if not inside:
        raise DetectorError(
            f"'{Path(name).name}', which the model in {directory.name} needs, lies outside of its "
            "directory. Put the file itself there, not a link."
        )
    return path


def too_large(network: Mapping[str, Any]) -> str:
    """Which of a network's settings would make it larger than any model's; empty where none."""
    for key, value in network.items():
        most = MOST_LAYERS if "layers" in key else LARGEST_SETTING
        several = value if isinstance(value, list) else [value]
        if len(several) > 64 or not all(
            v is None or isinstance(v, str) or _number(v, most) for v in several
        ):
            return f"its network's '{key[:40]}' is no setting that a network could have"
    return ""


def _wrong(config: Mapping[str, Any]) -> str:
    """What in a configuration is not of its kind; empty where nothing."""
    if not _text(config.get("id")):
        return "its 'id' is no name"
    for key in ("name", "architecture", "default_engine", "licence"):
        if not _text(config.get(key, "")):
            return f"its '{key}' is no text"
    files = [config.get("weights")]
    measure = config.get("familiarity")
    contrast = config.get("contrast")
    files += [entry for entry in (measure, contrast) if entry]
    offered = config.get("engines") or {}
    if not isinstance(offered, dict):
        return "its 'engines' are no list of engines by name"
    for name, engine in offered.items():
        graphs = engine.get("graphs") if isinstance(engine, dict) else None
        if not isinstance(graphs, dict) or set(graphs) not in PARTS:
            return f"its engine '{name[:40]}' has not the graphs that an engine has"
        files += graphs.values()
        away = engine.get("raw_away") or {}
        sizes = [engine.get("samples_per_frame", 0), engine.get("margin", 0)]
        if not all(_whole(n, 0, SAMPLE_RATE) for n in sizes) or not isinstance(away, dict):
            return f"a number of its engine '{name[:40]}' is out of range"
        if away.get("mean") is not None and not _number(away["mean"]):
            return f"a number of its engine '{name[:40]}' is out of range"
    if not all(_names_a_file(file) for file in files):
        return "a file is not named with its SHA-256"
    window, hop = config.get("window", SAMPLE_RATE), config.get("hop", SAMPLE_RATE)
    if not _whole(window, SAMPLE_RATE // 10, LONGEST_WINDOW) or not _whole(
        hop, SAMPLE_RATE // 20, LONGEST_WINDOW
    ):
        return "its window or its hop is out of range"
    if config.get("window") and config.get("hop") and hop > window:
        return "its hop is longer than its window"
    special = config.get("calibration_by_codec") or {}
    if not isinstance(special, dict):
        return "its calibrations are no list by codec"
    ours = [config["calibration"]] if config.get("calibration") else []
    if not all(map(_calibrates, [*ours, *special.values()])):
        return "a calibration is damaged"
    decision = config.get("decision") or {}
    band = decision.get("inconclusive_llr", [0, 0]) if isinstance(decision, dict) else None
    if not isinstance(band, list) or len(band) != 2 or not all(_number(edge) for edge in band):
        return "its decision has no band of two numbers"
    if band[0] > band[1]:
        return "its decision's band is upside down"
    if measure and not all(_number(measure.get(key, 0), 100) for key in ("edge", "unfamiliar")):
        return "its familiarity is out of range"
    if config.get("stands_out") and not _finds(config["stands_out"], config):
        return "what it says of stretches that stand out is damaged"
    if contrast and not _contrasts(contrast):
        return "what holds windows against the rest of a clip is damaged"
    if config.get("shorter") and not _blends(config["shorter"], config):
        return "what shorter windows count for is damaged"
    lists = [config.get("training_families", []), (measure or {}).get("families", [])]
    if not all(isinstance(names, list) and all(map(_text, names)) for names in lists):
        return "its families are no list of names"
    network = config.get("network", {})
    return too_large(network) if isinstance(network, dict) else "its 'network' has no settings"


def _calibrates(found: Any) -> bool:
    return (
        isinstance(found, dict)
        and set(found) == {"scale", "offset", "llr_limit", "fitted_on"}
        and all(_number(found[key]) for key in ("scale", "offset", "llr_limit"))
        and found["llr_limit"] > 0
        and _text(found["fitted_on"])
    )


def _finds(found: Any, config: Mapping[str, Any]) -> bool:
    """Whether shorter windows fit the detector's own, and the rule is made of numbers."""
    if not isinstance(found, dict) or set(found) != {"window", "hop", "fitted_on", *EXCESS_FIELDS}:
        return False
    return (
        _fits(found, config)
        and all(_number(found[key]) and found[key] >= 0 for key in EXCESS_FIELDS)
        and _text(found["fitted_on"])
    )


def _blends(found: Any, config: Mapping[str, Any]) -> bool:
    """Whether shorter windows fit the detector's own, and are those that find stretches."""
    if not isinstance(found, dict) or set(found) != {"window", "hop", "share"}:
        return False
    others = config.get("stands_out") or found
    alike = all(found[key] == others[key] for key in ("window", "hop"))
    return alike and _fits(found, config) and _number(found["share"], 1) and found["share"] >= 0


def _contrasts(found: Mapping[str, Any]) -> bool:
    """Whether the numbers are in range; it is there before what stands out is fitted."""
    return _whole(found.get("run"), 1, 100) and all(
        _number(found.get(key), 100) and found[key] >= 0 for key in ("least", "beyond")
    )


def _fits(found: Mapping[str, Any], config: Mapping[str, Any]) -> bool:
    return _whole(found["window"], SAMPLE_RATE // 4, config.get("window", WINDOW)) and _whole(
        found["hop"], SAMPLE_RATE // 20, found["window"]
    )


def _names_a_file(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and _text(entry.get("file"), 255)
        and bool(entry["file"])
        and isinstance(entry.get("sha256"), str)
        and re.fullmatch(r"[0-9a-f]{64}", entry["sha256"]) is not None
    )


def _text(value: Any, most: int = 2_000) -> bool:
    """Whether this is a text that can be shown and written."""
    if not isinstance(value, str) or len(value) > most or "\0" in value:
        return False
    try:
        return len(value.encode()) <= 2 * most
    except UnicodeEncodeError:  # half a character
        return False


def _number(value: Any, most: float = 1e9) -> bool:
    return isinstance(value, (bool, int, float)) and abs(value) <= most


def _whole(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
