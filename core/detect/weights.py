"""Files of weights are those that were meant: by their hash."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.detect.model_config import DetectorError as DetectorError


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def state_sha256(model: Any) -> str:
    """Hash of a network's tensors, for weights whose file is out of reach."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


def check_readable(path: Path) -> None:
    """Refuse a file or folder that is there, and that this user may not read.

    Raises
    ------
    DetectorError
        With its name.
    """
    if os.path.exists(path) and not os.access(path, os.R_OK):
        raise DetectorError(f"{path} cannot be opened: you have no permission to read it.")


def checked_sha256(path: Path, expected: str) -> str:
    """SHA-256 of a file that must have the expected one.

    Raises
    ------
    DetectorError
        If the file is missing or another one.
    """
    if not os.path.isfile(path):
        raise DetectorError(
            f"The file {path.name} is missing from the model directory {path.parent.name}."
        )
    try:
        digest = sha256_of(path)
    except OSError as error:
        raise DetectorError(f"The file {path.name} cannot be read: {briefly(error)}") from error
    if digest != expected:
        raise DetectorError(
            f"{path.name} is not the file this detector was published with (its SHA-256 is "
            f"{digest[:12]}…, expected {expected[:12]}…). Remove it and put the right one in place."
        )
    return digest


def arrays_in(
    directory: str | Path, config: Mapping[str, Any], names: Sequence[str]
) -> dict[str, np.ndarray]:
    """The arrays of a file that a model's configuration names.

    Parameters
    ----------
    directory : path-like
        The model's folder.
    config : mapping
        With ``file``.
    names : sequence of str
        Those that there have to be.

    Raises
    ------
    ValueError
        If the file is damaged or lacks one of them.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        arrays = load_file(Path(directory) / Path(str(config["file"])).name)
    except (SafetensorError, KeyError, TypeError, AttributeError, OSError) as error:
        raise ValueError("it cannot be read as safetensors.") from error
    for name in names:
        if name not in arrays:
            raise ValueError(f"it lacks the array '{name}'.")
    return dict(arrays)


def briefly(error: BaseException) -> str:
    """The first line of a library's error, as the end of a sentence."""
    text = f"{type(error).__name__}: {error}" if isinstance(error, KeyError) else str(error)
    line = next(iter(text.strip().splitlines()), "") or type(error).__name__
    return line[:300].rstrip(".:, ") + "."
