"""Small networks over an encoder, and checkpoints of them in the names in which they are published.

`official` makes them from the state of our own networks; that the names are the authors' is what
the known answers of test_over_encoder.py rest on.
"""

import re

import torch
from transformers import Wav2Vec2Config

from core.detect.networks.encoder import Encoder
from core.detect.networks.heads.conformer import Conformer, Sizes
from core.detect.networks.heads.ecapa import Bridge, Ecapa, Network
from core.detect.networks.heads.graphs import Branches, FourBranches, GraphsOverStates
from core.detect.networks.heads.layers import WeighedLayers
from core.detect.networks.heads.nested import Nested
from core.detect.networks.heads.pooled import Pooled
from core.detect.networks.over_encoder import OverEncoder

PREFIXES = {
    "xlsr-aasist": "ssl_model.model.",
    "xlsr-sls": "ssl_model.model.",
    "nes2net-x": "ssl_model.model.",
    "xlsr-conformer-tcm": "ssl_model.model.",
    "antideepfake": "m_ssl.model.",
    "spectra-0": "ssl_encoder.model.",
    "spectra-aasist": "ssl_encoder.model.",
}

TINY = {"width": 32, "ff": 24, "convolutions": 8, "final": 8}
CUT = {"width": 1024, "ff": 64, "convolutions": 32, "final": 32}
"""Sizes of an encoder: to be quick, and to fit the sizes that authors' modules have."""


def encoder(width, ff, convolutions, final, *, layered=True, heads=None):
    """An encoder of two layers."""
    del final
    return Encoder(
        Wav2Vec2Config(
            hidden_size=width,
            num_hidden_layers=2,
            num_attention_heads=heads or {32: 2, 768: 12}.get(width, 16),
            intermediate_size=ff,
            conv_dim=[convolutions] * 7,
            conv_bias=layered,
            feat_extract_norm="layer" if layered else "group",
            do_stable_layer_norm=layered,
            num_conv_pos_embedding_groups=16 if width > 32 else 4,
            num_conv_pos_embeddings=128 if width > 32 else 16,
            mask_time_prob=0.0,
            mask_feature_prob=0.0,
        )
    )


def head(kind, width, frames=201):
    """A head in the published sizes over an encoder of 1,024, and in small ones over others."""
    full = width == 1024
    channels = [32, 32, 64, 64, 64, 64] if full else [4, 4, 6, 6, 6, 6]
    dims, bands, hidden = ((64, 32), 128, 128) if full else ((6, 5), 24, 8)
    if kind == "xlsr-aasist":
        return GraphsOverStates(width, bands, channels, hidden, dims)
    if kind == "spectra-aasist":
        network = Branches(400, bands, channels, hidden, dims)
        return FourBranches(Bridge(width, bands, bands), network)
    if kind == "spectra-0":
        sizes = (128, 128, 1536, 256, 128) if full else (12, 16, 10, 6, 4)
        return Ecapa(Bridge(width, sizes[0], sizes[0]), Network(*sizes))
    if kind == "xlsr-sls":
        return WeighedLayers(width, (frames // 3) * (width // 3), 1024 if full else 12)
    if kind == "nes2net-x":
        return Nested(width, 8, 8, 128) if full else Nested(width, 4, 2, 8)
    if kind == "xlsr-conformer-tcm":
        sizes = Sizes(width, 144, 4, 4, 576, 288, 31, 10_000)
        return Conformer(sizes if full else Sizes(width, 8, 2, 2, 12, 10, 5, 500))
    return Pooled(width)


def network(kind, sizes=TINY, *, seed=0, **options):
    """A random one, all of whose tensors decide what comes out."""
    torch.manual_seed(seed)
    below = encoder(**sizes, **options)
    made = OverEncoder(below, head(kind, sizes["width"]), kind == "antideepfake")
    for module in made.modules():
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 1.5)
    return made.eval()


def fairseq_names(state, sizes, *, layered=True):
    """An encoder's state by fairseq's names, with what only pretraining uses."""
    norm = (
        r"feature_extractor.conv_layers.\1.2.1."
        if layered
        else r"feature_extractor.conv_layers.\1.2."
    )
    conv = r"encoder\.pos_conv_embed\.conv\."
    old = (
        (r"feature_extractor\.conv_layers\.(\d+)\.conv\.", r"feature_extractor.conv_layers.\1.0."),
        (r"feature_extractor\.conv_layers\.(\d+)\.layer_norm\.", norm),
        (r"feature_projection\.layer_norm\.", "layer_norm."),
        (r"feature_projection\.projection\.", "post_extract_proj."),
        (rf"{conv}parametrizations\.weight\.original0", "encoder.pos_conv.0.weight_g"),
        (rf"{conv}parametrizations\.weight\.original1", "encoder.pos_conv.0.weight_v"),
        (rf"{conv}bias", "encoder.pos_conv.0.bias"),
        (r"(encoder\.layers\.\d+\.)layer_norm\.", r"\1self_attn_layer_norm."),
        (r"(encoder\.layers\.\d+\.)attention\.", r"\1self_attn."),
        (r"(encoder\.layers\.\d+\.)feed_forward\.intermediate_dense\.", r"\1fc1."),
        (r"(encoder\.layers\.\d+\.)feed_forward\.output_dense\.", r"\1fc2."),
    )  # fmt: skip
    renamed = {}
    for name, value in state.items():
        for pattern, new in old:
            name, count = re.subn(f"^{pattern}", new, name)
            if count:
                break
        renamed[name] = value
    width, final = sizes["width"], sizes["final"]
    renamed |= {
        "mask_emb": torch.zeros(width),
        "quantizer.vars": torch.zeros(1, 640, final // 2),
        "quantizer.weight_proj.weight": torch.zeros(640, sizes["convolutions"]),
        "quantizer.weight_proj.bias": torch.zeros(640),
        "project_q.weight": torch.zeros(final, final),
        "project_q.bias": torch.zeros(final),
        "final_proj.weight": torch.zeros(final, width),
        "final_proj.bias": torch.zeros(final),
    }
    return renamed


def official(kind, made, naming, sizes=TINY, *, layered=True):
    """A network's state as its authors would save it: ``(of the head, of the encoder)``."""
    below = made.encoder.model.state_dict()
    if naming == "fairseq":
        below = fairseq_names(below, sizes, layered=layered)
    prefix = PREFIXES[kind]
    return made.head.state_dict(), {prefix + name: value for name, value in below.items()}
