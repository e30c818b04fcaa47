"""Published networks over a wav2vec 2.0 encoder: XLS-R and its kin, and a head.

A checkpoint holds both, or a head whose encoder comes apart. All of them give the logit of spoof
first and that of bona fide second.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm, pad

from core.detect.feeds import FEEDS
from core.detect.networks.encoder import SHORTEST, Encoder, config_of, parts, without_memory
from core.detect.networks.heads.conformer import Conformer
from core.detect.networks.heads.ecapa import Ecapa
from core.detect.networks.heads.graphs import FourBranches, GraphsOverStates
from core.detect.networks.heads.layers import WeighedLayers
from core.detect.networks.heads.nested import Nested
from core.detect.networks.heads.pooled import Pooled

HEADS: Mapping[str, type[Any]] = {
    "xlsr-aasist": GraphsOverStates,
    "xlsr-sls": WeighedLayers,
    "nes2net-x": Nested,
    "xlsr-conformer-tcm": Conformer,
    "spectra-0": Ecapa,
    "spectra-aasist": FourBranches,
    "antideepfake": Pooled,
}

ANCHORS: Mapping[str, tuple[str, ...]] = {
    "xlsr-aasist": ("LL.weight", "pos_S"),
    "xlsr-sls": ("fc0.weight", "fc1.weight", "fc3.weight"),
    "nes2net-x": ("Nested_Res2Net_TDNN.bn.weight",),
    "xlsr-conformer-tcm": ("LL.weight", "conformer.class_token"),
    "spectra-0": ("bridge.mlp.0.weight", "ecapa_tdnn.fc6.weight"),
    "spectra-aasist": ("bridge.mlp.0.weight", "aasist.pos_T"),
    "antideepfake": ("proj_fc.weight",),
}
"""Tensors by whose names a head is known."""

ENCODER_ALONE: Mapping[str, tuple[str, ...]] = {
    "encoder": ("encoder.layer_norm.weight", "encoder.layers.0.final_layer_norm.weight"),
}
"""Tensors of an encoder in either naming."""


class OverEncoder(nn.Module):
    """A head over an encoder.

    Parameters
    ----------
    encoder : Encoder
        Gives hidden states.
    head : torch.nn.Module
        One of `HEADS`.
    normalised : bool
        Whether each wave is brought to mean 0 and variance 1.
    """

    batch = 2
    """Waves at once: more take memory and save no time on processors."""

    def __init__(self, encoder: Encoder, head: nn.Module, normalised: bool = False) -> None:
        super().__init__()
        self.encoder, self.head, self.normalised = encoder, head, normalised

    def logits(self, waves: Tensor) -> tuple[Tensor, Tensor]:
        """Waves ``[b, n]`` -> logits of spoof and bona fide ``[b, 2]``, embeddings ``[b, d]``."""
        if self.normalised:
            waves = layer_norm(waves, waves.shape[-1:])
        if waves.shape[1] < SHORTEST:
            waves = pad(waves, (0, SHORTEST - waves.shape[1]))
        every = getattr(self.head, "every_layer", False)
        return self.head(self.encoder.layers(waves) if every else self.encoder(waves))

    def forward(self, waves: Tensor) -> tuple[Tensor, Tensor]:
        """Waves ``[b, n]`` -> log-odds of spoof ``[b]`` and embeddings ``[b, d]``."""
        logits, embedding = self.logits(waves)
        return logits[:, 0] - logits[:, 1], embedding


def with_weights(
    head: str, tensors: Mapping[str, Tensor], encoder: Mapping[str, Tensor] | None = None
) -> OverEncoder:
    """The network that tensors fit, with these weights.

    Parameters
    ----------
    head : str
        One of `HEADS`.
    tensors : mapping of str to torch.Tensor
        Of the head, and of the encoder unless that is given apart; the encoder's by the names of
        fairseq or of transformers.
    encoder : mapping, optional
        Tensors of the encoder, where they come apart.

    Returns
    -------
    OverEncoder
        In evaluation mode. It may share memory with the tensors.

    Raises
    ------
    ValueError
        If they do not fit; the message goes on after a file's name.
    """
    inside, outside = parts(tensors)
    if encoder is not None:
        if inside:
            raise ValueError("holds its encoder, so none is to be given beside it.")
        inside, rest = parts(encoder)
        if rest or not inside:
            raise ValueError("was given an encoder that is none, or more than one.")
    if not inside:
        raise ValueError(
            f"holds the head of {head} and no encoder. Put it into a folder with the file of its "
            "encoder, and name the folder."
        )
    kind = HEADS[head]
    if hasattr(kind, "renamed"):
        outside = kind.renamed(outside)
    below = without_memory(config_of(inside))
    try:
        with torch.device("meta"):
            above = kind.sized(outside)
    except (KeyError, IndexError, ValueError, RuntimeError, ZeroDivisionError) as error:
        raise ValueError(f"has no whole head of {head}.") from error
    _fill(below.model, inside, "encoder")
    _fill(above, outside, f"head of {head}")
    return OverEncoder(below, above, FEEDS[head].normalised).eval()


def _fill(network: nn.Module, tensors: Mapping[str, Tensor], what: str) -> None:
    """Give a network these tensors in place of its own.

    Raises
    ------
    ValueError
        If one is missing, too many, or of another shape.
    """
    wanted = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    if missing := sorted(wanted.keys() - tensors.keys()):
        raise ValueError(f"has an incomplete {what}: it lacks '{missing[0][:80]}'.")
    if further := sorted(tensors.keys() - wanted.keys()):
        raise ValueError(f"has more than a known {what}: '{further[0][:80]}' belongs to none.")
    for name, shape in wanted.items():
        if tuple(tensors[name].shape) != shape:
            raise ValueError(f"has a {what} of another shape at '{name[:80]}'.")
    given = {k: v.float() if v.is_floating_point() else v for k, v in tensors.items()}
    network.load_state_dict(given, assign=True)
