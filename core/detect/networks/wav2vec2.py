"""Detectors built on `transformers`: the published wav2vec2-base system, any audio classifier."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoFeatureExtractor,
    AutoModelForAudioClassification,
    Wav2Vec2Config,
    Wav2Vec2Model,
)

from core.audio.clip import SAMPLE_RATE
from core.detect.model_config import too_large
from core.detect.networks.classes import class_indices

ANCHOR = "backbone.feature_projection.projection.weight"
"""A tensor by whose name the mean-pooled network is known."""


class RateError(ValueError):
    """A model of sound at another sample rate than clips have here."""


class MeanPooledWav2Vec2(nn.Module):
    """Wav2Vec2Model, mean over time of its last hidden state, and a linear head of two classes.

    The published reference system: class 0 is bona fide, class 1 spoof, no attention mask and no
    amplitude normalisation.

    Parameters
    ----------
    network : mapping, optional
        Fields of `transformers.Wav2Vec2Config` that differ from wav2vec2-base.

    Raises
    ------
    ValueError
        If a field is none of such an encoder.
    """

    def __init__(self, network: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        # Other fields could name code to run or files to fetch.
        other = set(network or {}) - set(Wav2Vec2Config.__annotations__)
        if other:
            raise ValueError(f"'{min(other)}' is no setting of a wav2vec2 encoder")
        config = Wav2Vec2Config(**(network or {}))
        self.backbone = Wav2Vec2Model(config)
        self.classifier = nn.Linear(config.hidden_size, 2)

    def forward(self, waves: Tensor) -> tuple[Tensor, Tensor]:
        """Windows ``[b, n]`` -> log-odds of spoof ``[b]`` and embeddings ``[b, d]``."""
        embedding = self.backbone(waves).last_hidden_state.mean(dim=1)
        logits = self.classifier(embedding)
        return logits[:, 1] - logits[:, 0], embedding


def with_weights(
    tensors: Mapping[str, Tensor], network: Mapping[str, Any] | None = None
) -> nn.Module:
    """The mean-pooled network with these weights.

    Parameters
    ----------
    tensors : mapping of str to torch.Tensor
        By the network's own names, of any version of torch.
    network : mapping, optional
        As for `MeanPooledWav2Vec2`.

    Returns
    -------
    torch.nn.Module
        In evaluation mode.

    Raises
    ------
    ValueError
        If they do not fit; the message goes on after a file's name.
    """
    model = MeanPooledWav2Vec2(network)
    try:
        model.load_state_dict(_with_current_names(tensors, set(model.state_dict())))
    except RuntimeError as error:
        raise ValueError(
            "has tensors of a wav2vec2 encoder, which do not fit wav2vec2-base with a linear head "
            "of two classes."
        ) from error
    return model.eval()


def _with_current_names(state: Mapping[str, Any], wanted: set[str]) -> dict[str, Any]:
    """Rename weight-norm tensors where the checkpoint was written by another torch version."""
    old_new = (
        ("conv.weight_g", "conv.parametrizations.weight.original0"),
        ("conv.weight_v", "conv.parametrizations.weight.original1"),
    )
    renamed: dict[str, Any] = {}
    for key, value in state.items():
        name = key
        for old, new in old_new:
            if name not in wanted and name.endswith(old):
                name = name.removesuffix(old) + new
            elif name not in wanted and name.endswith(new):
                name = name.removesuffix(new) + old
        renamed[name] = value
    return renamed


def audio_classifier(
    name_or_path: str,
    labels: Mapping[str, str] | None = None,
    local_only: bool = False,
) -> nn.Module:
    """Any `transformers` audio classifier as a detector.

    Parameters
    ----------
    name_or_path : str
        A hub id, or a directory with ``config.json`` and ``model.safetensors``.
    labels : mapping, optional
        As for `class_indices`.
    local_only : bool
        Never reach for the network.

    Returns
    -------
    torch.nn.Module
        ``forward(waves [b, n])`` gives log-odds of spoof ``[b]`` and mean-pooled hidden states
        ``[b, d]``; in evaluation mode.

    Raises
    ------
    LabelError
        If the classes cannot be mapped.
    RateError
        If it hears another sample rate.
    OSError, ValueError
        If the model cannot be found, fetched or understood.
    """
    where = {"local_files_only": local_only, "trust_remote_code": False}
    config = AutoConfig.from_pretrained(name_or_path, **where)
    bona_fide, spoof = class_indices(config.id2label, labels)
    try:
        extractor = AutoFeatureExtractor.from_pretrained(name_or_path, **where)
    except Exception:  # none, or one that cannot be made
        extractor = None
    rate = getattr(extractor, "sampling_rate", None) or getattr(config, "sampling_rate", None)
    if rate not in (None, SAMPLE_RATE):
        raise RateError(
            f"'{name_or_path}' was made for sound at {rate} Hz; here it would hear {SAMPLE_RATE} "
            "Hz, and its scores would mean nothing. Take a model made for 16 kHz."
        )
    config.transformers_weights = None  # it may name an index, whose shards may lie anywhere
    if os.path.isdir(name_or_path):
        _check_fit(config, Path(name_or_path) / "model.safetensors")
    classifier = AutoModelForAudioClassification.from_pretrained(
        name_or_path, config=config, use_safetensors=True, **where
    ).eval()
    return AudioClassifier(classifier, extractor, bona_fide, spoof).eval()


class AudioClassifier(nn.Module):
    """A classifier of `transformers` whose outputs mean bona fide or spoof.

    Parameters
    ----------
    classifier : torch.nn.Module
        Gives logits ``[b, classes]`` and hidden states.
    extractor : callable or None
        Prepares waves for it.
    bona_fide, spoof : list of int
        Its outputs, from `core.detect.networks.classes.class_indices`.
    """

    def __init__(
        self, classifier: nn.Module, extractor: Any, bona_fide: list[int], spoof: list[int]
    ) -> None:
        super().__init__()
        self.classifier, self._extractor = classifier, extractor
        self._bona_fide, self._spoof = bona_fide, spoof

    def forward(self, waves: Tensor) -> tuple[Tensor, Tensor]:
        """Windows ``[b, n]`` -> log-odds of spoof ``[b]`` and mean hidden states ``[b, d]``."""
        if self._extractor is not None:
            inputs = self._extractor(
                list(waves.cpu().numpy()), sampling_rate=SAMPLE_RATE, return_tensors="pt"
            )
            inputs.pop("attention_mask", None)
            inputs = {key: value.to(waves.device) for key, value in inputs.items()}
        else:
            inputs = {"input_values": waves}
        out = self.classifier(**inputs, output_hidden_states=True)
        raw = torch.logsumexp(out.logits[:, self._spoof], 1) - torch.logsumexp(
            out.logits[:, self._bona_fide], 1
        )
        return raw, out.hidden_states[-1].mean(dim=1)


def _check_fit(config: Any, weights: Path) -> None:
    """Refuse a configuration that asks for more than its weights hold, before it gets memory.

    Raises
    ------
    OSError, ValueError
        If there are no such weights, or fewer.
    """
    if not os.path.isfile(weights):
        raise OSError(f"There is no {weights}.")
    wrong = too_large(
        {k: v for k, v in config.to_dict().items() if k in type(config).__annotations__}
    )
    if wrong:
        raise ValueError(wrong)
    with torch.device("meta"):
        planned = AutoModelForAudioClassification.from_config(config, trust_remote_code=False)
    if sum(p.numel() for p in planned.parameters()) > weights.stat().st_size:
        raise ValueError(f"{weights} holds fewer weights than its configuration names.")
