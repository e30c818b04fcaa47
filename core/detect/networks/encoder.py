"""The encoder of wav2vec 2.0 in any size, from tensors in fairseq's names or transformers'.

What its tensors do not say is known of every encoder that was published: the strides of its
convolutions, the number of its attention heads by its width, and that layers are normalised first
where every convolution is (XLS-R, MMS, wav2vec 2.0 Large on several corpora), else last.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from transformers import Wav2Vec2Config, Wav2Vec2Model

FIRST_CONVOLUTION = re.compile(r"(.*\.|)feature_extractor\.conv_layers\.0\.(0|conv)\.weight")
"""By this tensor an encoder is found among others: in fairseq's names, or in transformers'."""

HEADS = {768: 12, 1024: 16, 1280: 16, 1920: 16}
"""Attention heads by width."""

KERNELS, STRIDES = (10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2)
"""Of the convolutions; together they see `SHORTEST` samples."""

SHORTEST = 400

_OF_PRETRAINING = re.compile(
    r"(mask_emb|masked_spec_embed|label_embs_concat)$|(quantizer|input_quantizer|project_q|"
    r"project_inp|final_proj|target_glu|adapter_layer)\."
)

_FAIRSEQ = tuple(
    (re.compile(f"^{old}"), new)
    for old, new in (
        (r"feature_extractor\.conv_layers\.(\d+)\.0\.", r"feature_extractor.conv_layers.\1.conv."),
        (
            r"feature_extractor\.conv_layers\.(\d+)\.2\.(?:1\.)?",
            r"feature_extractor.conv_layers.\1.layer_norm.",
        ),
        (r"layer_norm\.", "feature_projection.layer_norm."),
        (r"post_extract_proj\.", "feature_projection.projection."),
        (r"encoder\.pos_conv\.0\.", "encoder.pos_conv_embed.conv."),
        (r"encoder\.layers\.(\d+)\.self_attn\.", r"encoder.layers.\1.attention."),
        (r"encoder\.layers\.(\d+)\.self_attn_layer_norm\.", r"encoder.layers.\1.layer_norm."),
        (r"encoder\.layers\.(\d+)\.fc1\.", r"encoder.layers.\1.feed_forward.intermediate_dense."),
        (r"encoder\.layers\.(\d+)\.fc2\.", r"encoder.layers.\1.feed_forward.output_dense."),
    )
)

_WEIGHT_NORM = {
    "conv.weight_g": "conv.parametrizations.weight.original0",
    "conv.weight_v": "conv.parametrizations.weight.original1",
}


class Encoder(nn.Module):
    """A wav2vec 2.0 encoder of `transformers`.

    Parameters
    ----------
    config : transformers.Wav2Vec2Config
        Its sizes.
    """

    def __init__(self, config: Wav2Vec2Config) -> None:
        super().__init__()
        self.model = Wav2Vec2Model(config)
        self.width = int(config.hidden_size)

    def forward(self, waves: Tensor) -> Tensor:
        """Waves ``[b, n]`` -> its last hidden states ``[b, t, width]``."""
        return self.model(waves).last_hidden_state

    def layers(self, waves: Tensor) -> list[Tensor]:
        """What each layer gives, ``[b, t, width]``, before the norm that follows the last."""
        encoder = self.model.encoder
        features = self.model.feature_extractor(waves).transpose(1, 2)
        x = self.model.feature_projection(features)[0]
        x = x + encoder.pos_conv_embed(x)
        if not self.model.config.do_stable_layer_norm:
            x = encoder.layer_norm(x)
        found = []
        for layer in encoder.layers:
            x = layer(x)
            x = x[0] if isinstance(x, tuple) else x
            found.append(x)
        return found


def parts(tensors: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """What belongs to an encoder, by transformers' names, and what does not.

    Parameters
    ----------
    tensors : mapping of str to torch.Tensor
        Of a whole network, of a head alone or of an encoder alone.

    Returns
    -------
    (dict, dict)
        The first is empty where there is no encoder; what only pretraining used is left out.

    Raises
    ------
    ValueError
        If there are two encoders; the message goes on after a file's name.
    """
    found = [match for name in tensors if (match := FIRST_CONVOLUTION.fullmatch(name))]
    if len(found) > 1:
        raise ValueError("has two wav2vec 2.0 encoders, and only networks over one are known.")
    if not found:
        return {}, dict(tensors)
    prefix, fairseq = found[0][1], found[0][2] == "0"
    inside, outside = {}, {}
    for name, value in tensors.items():
        if not name.startswith(prefix) or (not prefix and not _is_of_encoder(name)):
            outside[name] = value
            continue
        own = name.removeprefix(prefix)
        if not _OF_PRETRAINING.match(own):
            inside[_current(own) if fairseq else _normed(own)] = value
    return inside, outside


def _is_of_encoder(name: str) -> bool:
    """Whether a name without any prefix may be one of an encoder."""
    first = name.split(".")[0]
    return bool(_OF_PRETRAINING.match(name)) or first in {
        "feature_extractor", "feature_projection", "encoder", "post_extract_proj", "layer_norm",
    }  # fmt: skip


def _current(name: str) -> str:
    for pattern, new in _FAIRSEQ:
        name, count = pattern.subn(new, name)
        if count:
            break
    return _normed(name)


def _normed(name: str) -> str:
    for old, new in _WEIGHT_NORM.items():
        if name.endswith(old):
            return name.removesuffix(old) + new
    return name


def config_of(tensors: Mapping[str, Tensor]) -> Wav2Vec2Config:
    """The sizes of an encoder, from its tensors.

    Parameters
    ----------
    tensors : mapping of str to torch.Tensor
        As `parts` gives them.

    Raises
    ------
    ValueError
        If they are of no published kind; the message goes on after a file's name.
    """

    def shape(name: str) -> tuple[int, ...]:
        if name not in tensors:
            raise ValueError(f"has a wav2vec 2.0 encoder that lacks '{name}'.")
        return tuple(tensors[name].shape)

    convolutions = [
        shape(f"feature_extractor.conv_layers.{i}.conv.weight") for i in range(len(KERNELS))
    ]
    if tuple(size[-1] for size in convolutions) != KERNELS:
        raise ValueError("has an encoder with other convolutions than wav2vec 2.0.")
    (width,) = shape("encoder.layer_norm.weight")
    if width not in HEADS:
        sizes = ", ".join(map(str, HEADS))
        raise ValueError(
            f"has an encoder of width {width}. A file does not hold the number of attention heads, "
            f"which is known for widths {sizes}."
        )
    layered = "feature_extractor.conv_layers.1.layer_norm.weight" in tensors
    _, group, kernel = shape("encoder.pos_conv_embed.conv.parametrizations.weight.original1")
    fields: dict[str, Any] = {
        "hidden_size": width,
        "num_attention_heads": HEADS[width],
        "num_hidden_layers": len(
            {name.split(".")[2] for name in tensors if name.startswith("encoder.layers.")}
        ),
        "intermediate_size": shape("encoder.layers.0.feed_forward.intermediate_dense.weight")[0],
        "conv_dim": [size[0] for size in convolutions],
        "conv_kernel": list(KERNELS),
        "conv_stride": list(STRIDES),
        "conv_bias": "feature_extractor.conv_layers.0.conv.bias" in tensors,
        "feat_extract_norm": "layer" if layered else "group",
        "do_stable_layer_norm": layered,
        "num_conv_pos_embeddings": kernel,
        "num_conv_pos_embedding_groups": width // group,
        "mask_time_prob": 0.0,  # no vector for masked frames, which only training has
        "mask_feature_prob": 0.0,
        "apply_spec_augment": False,
        "layerdrop": 0.0,
    }
    return Wav2Vec2Config(**fields)


def without_memory(config: Wav2Vec2Config) -> Encoder:
    """An encoder whose tensors hold nothing yet."""
    with torch.device("meta"):
        return Encoder(config)
