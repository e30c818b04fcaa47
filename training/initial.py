"""Start the embedded network from the published DistillMOS weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def load_distillmos(model: torch.nn.Module, checkpoint: str | Path) -> list[str]:
    """Copy the weights of a DistillMOS checkpoint into a spectral transformer.

    The two batch normalisations that DistillMOS applies to its features one after the other are
    merged into one with the same output. The head is new and keeps its random weights.

    Parameters
    ----------
    model : torch.nn.Module
        From `core.detect.networks.build`, by the name ``spectral-transformer``.
    checkpoint : path-like
        ``distill_mos_v7.pt`` of the PyPI package distillmos (MIT licence).

    Returns
    -------
    list of str
        Parameters that the checkpoint does not set.

    Raises
    ------
    ValueError
        If the file is no such checkpoint.
    """
    from training.weights import read_checkpoint

    saved = read_checkpoint(checkpoint)
    if not isinstance(saved, dict) or "model" not in saved:
        raise ValueError(f"{checkpoint} is no DistillMOS checkpoint.")
    state = saved["model"]
    old = "transformer_pool_attn."
    new: dict[str, torch.Tensor] = {}
    names = (
        ("cnn.cnn.", "front.cnn."),
        (old + "transformer.linear_proj.", "project."),
        (old + "transformer.transformer_encoder.layers.", "encoder.layers."),
        (old + "norm_trans.", "norm_encoder."),
        (old + "pool.linear1.", "pool.linear1."),
        (old + "pool.linear2.", "pool.linear2."),
    )
    for key, value in state.items():
        for before, after in names:
            if key.startswith(before):
                new[after + key.removeprefix(before)] = value
    try:
        new.update(_merged_norm(state, old + "norm_input.", old + "transformer.norm."))
        # their features are ordered channel by channel, as flattening [channel, frequency] gives
        missing, unexpected = model.load_state_dict(new, strict=False)
    except (KeyError, RuntimeError) as error:
        raise ValueError(f"{checkpoint} does not fit this network: {error}") from error
    if unexpected:
        raise ValueError(f"{checkpoint} does not fit this network: {unexpected[0]}")
    return list(missing)


def _merged_norm(
    state: dict[str, torch.Tensor], first: str, second: str, eps: float = 1e-5
) -> dict[str, torch.Tensor]:
    """One batch normalisation that does what two in a row do."""
    g1, b1, m1, v1 = (state[first + n] for n in ("weight", "bias", "running_mean", "running_var"))
    g2, b2, m2, v2 = (state[second + n] for n in ("weight", "bias", "running_mean", "running_var"))
    scale = g2 / (v2 + eps).sqrt()
    return {
        "norm_features.weight": g1 * scale,
        "norm_features.bias": (b1 - m2) * scale + b2,
        "norm_features.running_mean": m1,
        "norm_features.running_var": v1,
        "norm_features.num_batches_tracked": state[first + "num_batches_tracked"],
    }
