"""The files of a model directory, changed so that a reader finds the old model or the new one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.detect.detector import DetectorError
from core.detect.model_config import read_config
from core.detect.weights import sha256_of
from core.files import atomic_write


def put(file: Path, directory: Path, name: str) -> str:
    """Move a file into a model, under its name, or with its hash where another has that name.

    The configuration that is there stays true until `write_config` replaces it.

    Parameters
    ----------
    file : pathlib.Path
        On the same file system.
    directory : pathlib.Path
        The model.
    name : str
        What it is usually called.

    Returns
    -------
    str
        Its name, for the configuration.
    """
    digest = sha256_of(file)
    target = directory / name
    if target.is_file() and sha256_of(target) != digest:
        target = target.with_stem(f"{target.stem}-{digest[:8]}")
    file.replace(target)
    return target.name


def write_config(directory: Path, config: Mapping[str, Any]) -> None:
    """Replace a configuration at once, then remove files that only the old one names.

    What it names becomes readable for all, as it is: safetensors writes for the owner alone, and a
    server may run as somebody else.
    """
    for arrays in directory.glob("*.safetensors"):
        arrays.chmod(0o644)
    try:
        old = read_config(directory)
    except DetectorError:
        old = {}
    atomic_write(directory / "config.json", json.dumps(config, indent=1) + "\n")
    for name in _named(old) - _named(config):
        (directory / name).unlink(missing_ok=True)


def _named(config: Mapping[str, Any]) -> set[str]:
    parts = [config.get(part) for part in ("weights", "familiarity", "contrast")]
    for engine in config.get("engines", {}).values():
        parts += engine["graphs"].values()
    return {Path(part["file"]).name for part in parts if part}
