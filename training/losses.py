"""What training minimises."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from training import processes

if TYPE_CHECKING:
    import torch

Loss = Callable[["torch.Tensor", "torch.Tensor"], "torch.Tensor"]


def pair_loss(ranking: float, smoothing: float) -> Loss:
    """Cross-entropy with smoothed labels, plus a ranking loss within every pair.

    Parameters
    ----------
    ranking : float
        Weight of ``log(1 + exp(human - synthetic))``, the logistic ranking loss of a pair.
    smoothing : float
        How far targets lie from 0 and 1.

    Returns
    -------
    callable
        From raw scores ``[2 b]`` and labels ``[2 b]``, human and synthetic in turn.
    """
    from torch.nn import functional

    def loss(raw: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        if not len(raw):
            return raw.sum()
        target = labels * (1 - 2 * smoothing) + smoothing
        value = functional.binary_cross_entropy_with_logits(raw, target)
        pair = raw.view(-1, 2)
        return value + ranking * functional.softplus(pair[:, 0] - pair[:, 1]).mean()

    return loss


def weighted_loss(bonafide: float, spoof: float) -> Loss:
    """Class-weighted cross-entropy, as torch's with ``weight``: divided by the sum of weights.

    Of two logits only their difference matters, which is the raw score. Of several processes each
    gives its part of one loss, so that their mean is the loss of the whole batch.
    """
    from torch.nn import functional

    def loss(raw: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        weight = labels * spoof + (1 - labels) * bonafide
        each = functional.binary_cross_entropy_with_logits(raw, labels, reduction="none")
        return (weight * each).sum() / processes.mean(weight.sum())

    return loss


def part_loss(scores: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of the parts of windows against how much of each is synthetic.

    Parameters
    ----------
    scores : torch.Tensor
        Raw scores of parts, ``[b, p]``.
    share : torch.Tensor
        Synthetic share of each part, 0 to 1; negative where nothing is heard, which does not count.
    """
    from torch.nn import functional

    heard = share >= 0
    if not heard.any():
        return scores.sum() * 0
    return functional.binary_cross_entropy_with_logits(scores[heard], share[heard])


def family_loss(logits: torch.Tensor, family: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of the families of windows; a negative number is no family."""
    from torch.nn import functional

    known = family >= 0
    if not known.any():
        return logits.sum() * 0
    return functional.cross_entropy(logits[known], family[known], label_smoothing=0.1)
