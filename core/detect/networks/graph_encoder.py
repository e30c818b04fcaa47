"""A wav2vec 2.0 encoder as an ONNX graph, under a head in PyTorch."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from core.detect.feeds import FEEDS
from core.detect.networks.over_encoder import HEADS, OverEncoder
from core.detect.onnx_session import session
from core.settings import settings


class GraphEncoder(nn.Module):
    """Runs an encoder's graph where `core.detect.networks.encoder.Encoder` would run.

    Parameters
    ----------
    path : pathlib.Path
        The graph: ``waves [b, n]`` to its last hidden states, or to those of every layer.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._session = session(path, settings().threads)

    def _run(self, waves: Tensor) -> list[Tensor]:
        # One by one: 8-bit scales come from all that is given, which must not be a neighbour's.
        found = [self._session.run(None, {"waves": wave[None].numpy()}) for wave in waves]
        return [
            torch.cat([torch.from_numpy(one) for one in part]) for part in zip(*found, strict=True)
        ]

    def forward(self, waves: Tensor) -> Tensor:
        """Waves ``[b, n]`` -> last hidden states ``[b, t, width]``."""
        return self._run(waves)[-1]

    def layers(self, waves: Tensor) -> list[Tensor]:
        """What each layer gives, ``[b, t, width]``."""
        return self._run(waves)


def over_graph(graph: Path, head: Path, network: str) -> OverEncoder:
    """A network whose encoder is a graph.

    Parameters
    ----------
    graph, head : pathlib.Path
        The encoder's graph, and the head's tensors as safetensors.
    network : str
        One of `core.detect.networks.over_encoder.HEADS`.
    """
    tensors = load_file(head)
    with torch.device("meta"):
        above = HEADS[network].sized(tensors)
    above.load_state_dict(tensors, assign=True)
    made = OverEncoder(GraphEncoder(graph), above, FEEDS[network].normalised)  # type: ignore[arg-type]
    return made.eval()
