"""The head SLS: every layer of the encoder, weighed by what it holds.

Zhang et al., "Audio deepfake detection with self-supervised XLS-R and SLS classifier", ACM MM 2024
(doi:10.1145/3664647.3681345).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d, selu


class WeighedLayers(nn.Module):
    """A gate per layer from its mean over time; the gated layers summed, pooled and classified.

    Parameters
    ----------
    width : int
        Of the encoder.
    flat : int
        Values after pooling, which fix the number of frames.
    hidden : int
        Size of the hidden layer.
    """

    every_layer = True

    def __init__(self, width: int, flat: int, hidden: int) -> None:
        super().__init__()
        self.first_bn = nn.BatchNorm2d(1)
        self.fc0 = nn.Linear(width, 1)
        self.fc1 = nn.Linear(flat, hidden)
        self.fc3 = nn.Linear(hidden, 2)

    @classmethod
    def sized(cls, tensors: Mapping[str, Tensor]) -> WeighedLayers:
        """One that these tensors fit."""
        hidden, flat = tensors["fc1.weight"].shape
        return cls(tensors["fc0.weight"].shape[1], flat, hidden)

    def forward(self, layers: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """States ``[b, t, width]`` of each layer -> logits ``[b, 2]``, embeddings ``[b, hidden]``.

        The published network gives the logarithms of a softmax of these logits.
        """
        every = torch.stack(list(layers), 1)
        gates = torch.sigmoid(self.fc0(every.mean(2)))
        x = (every * gates[..., None]).sum(1)
        x = max_pool2d(selu(self.first_bn(x[:, None])), 3).flatten(1)
        embedding = selu(self.fc1(x))
        return selu(self.fc3(embedding)), embedding
