"""Checkpoint files as people save them: which network's weights a file holds, by tensor names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

DEPTH = 4
"""Dicts within dicts that are searched."""

AVERAGED = {"ema", "swa", "avg", "average", "averaged", "shadow"}
"""Words in the name of weights that are a moving average of those in training."""


IGNORED = (
    *(
        f"numpy.{core}.multiarray.{made}"
        for core in ("core", "_core")
        for made in ("scalar", "_reconstruct")
    ),
    "numpy.dtype",
    "numpy.ndarray",
    "argparse.Namespace",
    *(f"pathlib{part}.{kind}Path" for part in ("", "._local") for kind in ("Posix", "Windows")),
)
"""What people save beside weights: measurements, options and paths. None of it is made."""


class _Ignored:
    """Stands where a checkpoint holds one of `IGNORED`, and keeps nothing of it."""

    def __new__(cls, *_: Any) -> _Ignored:
        return super().__new__(cls)

    def __setstate__(self, _: Any) -> None:
        pass


@dataclass(frozen=True)
class Weights:
    """The tensors of one network.

    Attributes
    ----------
    network : str
        Which network, by a name of `read`'s ``anchors``.
    tensors : dict of str to torch.Tensor
        By the network's own names.
    averaged : bool
        Whether they are a moving average that stood beside the weights in training.
    """

    network: str
    tensors: dict[str, Tensor]
    averaged: bool


def read(path: Path, anchors: Mapping[str, tuple[str, ...]]) -> Weights:
    """The weights of a known network, wherever in a checkpoint they stand.

    Names decide: a container of any name (``state_dict``, ``model_state_dict``, ...) and a prefix
    before every name (``module.``, ``model.``, ``ema_model.``, ...) are seen through. Of weights in
    training and their moving average, the average is taken, as evaluations of such systems do.

    Parameters
    ----------
    path : pathlib.Path
        A safetensors file by its suffix; any other is read as one of `torch.save`, with
        ``weights_only=True``; what of `IGNORED` it holds is left out.
    anchors : mapping of str to tuple of str
        Network to names of tensors by which it is known. Where those of several networks are there,
        the one with the most is meant; a network inside another is part of it.

    Returns
    -------
    Weights
        Of the one network that was found.

    Raises
    ------
    ValueError
        If the file cannot be read safely, or holds no known network, or several.
    """
    content = _content(path)
    found: dict[tuple[str, str], Weights] = {}
    first = ""
    for container, state in _states(content, "", DEPTH, set()):
        first = first or next(iter(state))
        for prefix, network in _networks(state, anchors).items():
            named = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
            words = set(re.split(r"[\W_]+", f"{container}.{prefix}".lower()))
            found[container, prefix] = Weights(network, named, bool(words & AVERAGED))
    if not found:
        held = f"tensors of another kind ('{first[:60]}' is one)" if first else "no named tensors"
        raise ValueError(
            f"{path.name} holds {held}. Networks that can be loaded from one file are AASIST, "
            "AASIST-L, a wav2vec2 encoder named 'backbone' with a linear head 'classifier', and "
            "those over XLS-R and its kin that `python -m core detectors` lists; a transformers "
            "audio classifier loads from its folder."
        )
    averaged = [weights for weights in found.values() if weights.averaged]
    chosen = averaged or list(found.values())
    if len(chosen) > 1:
        names = ", ".join(f"'{(a + '.' + b).strip('.')[:60]}'" for a, b in list(found)[:5])
        raise ValueError(
            f"{path.name} holds several networks ({names}). Save the one that is to judge in a "
            "file of its own."
        )
    (one,) = chosen
    return Weights(one.network, one.tensors, one.averaged and len(found) > 1)


def _networks(state: Mapping[str, Any], anchors: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Which networks are in a state, by the prefix of their names."""
    best: dict[str, tuple[int, str]] = {}
    for network, names in anchors.items():
        for key in state:
            if key != names[0] and not key.endswith(f".{names[0]}"):
                continue
            prefix = key.removesuffix(names[0])
            if all(prefix + name in state for name in names):
                best[prefix] = max(best.get(prefix, (0, "")), (len(names), network))
    inner = {p for p in best for outer in best if p != outer and p.startswith(outer)}
    return {prefix: network for prefix, (_, network) in best.items() if prefix not in inner}


def _content(path: Path) -> Any:
    import torch

    try:
        if path.suffix.lower() == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        with path.open("rb") as file:
            zipped = file.read(4) == b"PK\3\4"  # what torch wrote before 1.6 cannot be mapped
        # Each name leads to the stand-in, so that not even NumPy's own code reads what a file says.
        with torch.serialization.safe_globals([(_Ignored, name) for name in IGNORED]):
            return torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
    except Exception as error:  # damaged bytes meet every kind of error in there
        raise ValueError(
            f"{path.name} is not a checkpoint that can be read safely: it is damaged, or holds "
            "more than weights. Fetch it again from its publisher, or save the network's "
            "state_dict() alone."
        ) from error


def _states(
    content: Any, name: str, depth: int, seen: set[int]
) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """Every dict of named tensors, with the names of the dicts around it."""
    import torch

    if not isinstance(content, dict) or id(content) in seen or not depth:
        return
    seen.add(id(content))
    named = {k: v for k, v in content.items() if isinstance(k, str)}
    tensors = {k: v for k, v in named.items() if isinstance(v, torch.Tensor)}
    if tensors:
        yield name, tensors
    for key, value in named.items():
        yield from _states(value, f"{name}.{key}".strip("."), depth - 1, seen)
