"""The head of AntiDeepfake: the mean over time, and a linear layer.

Ge et al., "Post-training for deepfake speech detection", ASRU 2025 (arXiv:2506.21090).
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn


class Pooled(nn.Module):
    """Mean over time and a linear layer.

    Parameters
    ----------
    width : int
        Of the encoder.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj_fc = nn.Linear(width, 2)

    @classmethod
    def sized(cls, tensors: Mapping[str, Tensor]) -> Pooled:
        """One that these tensors fit."""
        return cls(tensors["proj_fc.weight"].shape[1])

    def forward(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """States ``[b, t, width]`` -> logits ``[b, 2]`` and embeddings ``[b, width]``."""
        embedding = states.mean(1)
        return self.proj_fc(embedding), embedding
