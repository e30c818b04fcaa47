"""What runs a detector's network: PyTorch, the reference, or ONNX Runtime.

An engine maps windows to raw scores and embeddings. Where the network allows it exactly, it also
gives the two halves apart: a front end over a whole stretch of sound, whose frames overlapping
windows share, and an encoder over the frames of each window.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from core.detect.networks import LEVEL
from core.detect.onnx_session import session
from core.settings import ENGINES as ENGINES
from core.settings import settings

if TYPE_CHECKING:
    from torch import nn


@runtime_checkable
class Engine(Protocol):
    """Runs one network; arrays in, arrays out.

    Attributes
    ----------
    samples_per_frame : int
        Samples between the front end's frames; 0 where windows share nothing.
    margin : int
        More samples than any frame looks to either side.
    batch : int
        Windows that belong into one call: bounds memory; results do not depend on it.
    at_once : int
        Calls that can do well side by side.
    """

    samples_per_frame: int
    margin: int
    batch: int
    at_once: int

    def windows(self, waves: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Windows ``[k, n]`` -> raw scores ``[k]`` and embeddings ``[k, d]``, float32."""

    def front(self, wave: np.ndarray) -> np.ndarray:
        """A wave ``[n]`` at the network's level -> frames ``[m, size]``."""

    def encode(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Frames of windows ``[k, frames, size]`` -> as `windows`."""


@runtime_checkable
class Stoppable(Protocol):
    """An engine whose calls can be ended while they are under way."""

    def give_up(self, waves: np.ndarray) -> None:
        """End the call of `Engine.windows` that hears these waves, if it is under way."""


class TorchEngine:
    """A PyTorch network as an engine.

    Parameters
    ----------
    network : torch.nn.Module
        ``forward(waves [b, n])`` gives raw scores ``[b]`` and embeddings ``[b, d]``.
    """

    batch, at_once = 8, 1  # PyTorch divides every operation among the cores itself

    def __init__(self, network: nn.Module) -> None:
        self.network: Any = network.eval()
        self.batch = int(getattr(network, "batch", TorchEngine.batch))
        self.samples_per_frame = int(getattr(self.network, "samples_per_frame", 0))
        self.margin = int(getattr(self.network, "margin", 0))

    def windows(self, waves: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self._scores(self.network, waves)

    def front(self, wave: np.ndarray) -> np.ndarray:
        import torch

        with torch.inference_mode():
            return self.network.front(torch.from_numpy(wave)[None])[0].numpy()

    def encode(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self._scores(self.network.encode, features)

    def _scores(self, run: Any, given: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        import torch

        with torch.inference_mode():
            raw, embedding = run(torch.from_numpy(given))
        return raw.float().numpy(), embedding.float().numpy()


class OnnxEngine:
    """Graphs of a model directory, run by ONNX Runtime.

    The halves of a network run on one core each and as many side by side as there are cores: no
    core waits for another after every operation. A network that is one graph uses all cores for
    every window, since its windows are large.

    Parameters
    ----------
    directory : pathlib.Path
        With the graphs and the weights that they refer to.
    files : mapping of str to str
        Names of the graphs: ``front`` and ``encoder``, or ``windows``.
    samples_per_frame, margin : int
        As in `Engine`, of a network with a front end.
    """

    def __init__(
        self, directory: Path, files: Mapping[str, str], samples_per_frame: int = 0, margin: int = 0
    ) -> None:
        whole, cores = "windows" in files, settings().threads
        self._sessions = {
            part: session(directory / name, cores if whole else 1) for part, name in files.items()
        }
        self.batch, self.at_once = (1, 1) if whole else (2, cores)
        self.samples_per_frame = samples_per_frame
        self.margin = margin

    def windows(self, waves: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if "windows" in self._sessions:
            return self._one_by_one("windows", "waves", waves)
        return self.encode(np.stack([self.front(wave) for wave in levelled(waves)]))

    def front(self, wave: np.ndarray) -> np.ndarray:
        return self._run("front", wave=wave[None])[0]

    def encode(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self._one_by_one("encoder", "features", features)

    def _one_by_one(self, part: str, name: str, given: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Scores and embeddings of windows that share nothing.

        What lies between two layers of one window stays in the processor's caches; and 8-bit
        graphs take their scales from all that they are given, which must not be a neighbour's.
        """
        found = [self._run(part, **{name: one[None]}) for one in given]
        raw, embeddings = (np.concatenate(each) for each in zip(*found, strict=True))
        return raw, embeddings

    def _run(self, part: str, **given: np.ndarray) -> list[np.ndarray]:
        return self._sessions[part].run(None, given)


def levelled(waves: np.ndarray) -> np.ndarray:
    """The networks' level without PyTorch: waves ``[k, n]``, each at `LEVEL`."""
    count = np.maximum(np.count_nonzero(waves, axis=1), 1)
    power = np.square(waves, dtype=np.float64).sum(axis=1) / count
    gain = LEVEL / np.maximum(np.sqrt(power), 1e-6)
    return waves * gain[:, None].astype(np.float32)
