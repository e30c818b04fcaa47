"""Files of weights that a person names: read safely, put into a network, or refused in words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def read_tensors(path: str | Path) -> dict[str, torch.Tensor]:
    """Named tensors of a safetensors file.

    Raises
    ------
    ValueError
        If it is none, or damaged.
    OSError
        If it cannot be opened.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    with open(path, "rb"):  # what is not there is said as of any file
        pass
    try:
        return load_file(path)
    except SafetensorError as error:
        raise ValueError(f"{path} cannot be read as weights (.safetensors).") from error


def read_checkpoint(path: str | Path) -> Any:
    """What `torch.save` wrote; only weights and plain values are made of it.

    Raises
    ------
    ValueError
        If it is no such file, or holds more than weights.
    OSError
        If it cannot be opened.
    """
    import torch

    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:  # damaged bytes meet every kind of error in there
        raise ValueError(f"{path} cannot be read as a checkpoint of PyTorch (.pt).") from error


def put_into(
    network: torch.nn.Module, tensors: Mapping[str, torch.Tensor], name: str | Path
) -> None:
    """Give a network all its weights.

    Raises
    ------
    ValueError
        With the file's ``name``, if they are not those of this network.
    """
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise ValueError(f"{name} holds weights of another network.") from error
