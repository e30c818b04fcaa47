"""Other encoders than the embedded detector's, to be measured on the same data by the same trainer.

Each is a front, which turns waves into features over time, and one and the same head: attentive
mean and deviation over time, then a linear layer. The fronts are Whisper-tiny's encoder as a turn
detector carries it, DistillMOS's network left as published, and a small residual network that
starts from nothing. ``python -m core.train.alternatives`` asks what a mean of several would give.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.detect.model import LEVEL, level

if TYPE_CHECKING:
    import torch

    from core.train.recipe import DevSet

PREFIX = "alternative-"
"""How the names of these architectures begin."""

TURN_DETECTOR = "2bb026316b14a660486a75b1733cd3fbab8c2fd0314dc9af7be49f8cca967e4f"
"""SHA-256 of ``smart-turn-v3.2-cpu.onnx`` in the PyPI package pipecat-ai (BSD-2-Clause)."""


def network(recipe: Mapping[str, Any], start: str | Path | None = None) -> torch.nn.Module:
    """The network of a recipe, with the weights it starts from.

    Parameters
    ----------
    recipe : mapping
        Its ``architecture`` is one of `build`'s; ``start.file`` names the weights to start from,
        ``training.frozen`` how many parts of the front from the bottom keep theirs.
    start : path-like, optional
        Weights instead of the recipe's: ``.safetensors`` of the whole network, or what the front
        is published as.

    Returns
    -------
    torch.nn.Module

    Raises
    ------
    ValueError
        If settings or weights do not fit the architecture.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from core.train.recipe import SpectrumMask

    model: Any = build(recipe["architecture"], dict(recipe.get("network", {})))
    start = start or recipe.get("start", {}).get("file")
    if start and not Path(start).is_file():
        raise ValueError(f"There is no file {start}. Name the weights to start from by --start.")
    if start and str(start).endswith(".safetensors"):
        try:
            model.load_state_dict(load_file(start))
        except (RuntimeError, SafetensorError) as error:
            raise ValueError(f"{start} does not fit {recipe['architecture']}: {error}") from error
    elif start:
        model.front.load(start)
    model.front.mask = SpectrumMask(recipe.get("mask", {}), int(recipe.get("seed", 0)))
    model.front.freeze(int(recipe.get("training", {}).get("frozen", 0)))
    return model


def build(architecture: str, settings: dict[str, Any]) -> torch.nn.Module:
    """Make an untrained network.

    Parameters
    ----------
    architecture : str
        ``alternative-whisper``, ``alternative-distillmos`` or ``alternative-cnn``.
    settings : dict
        ``dropout`` before the last layer while training; the others are the front's own, see
        `whisper_front` and `residual_front`.

    Returns
    -------
    torch.nn.Module
        As `core.detect.model.build` promises; ``front`` gives features ``[b, t, d]`` of waves that
        are normalised in level, ``encode`` takes them to ``(raw, embedding)``.

    Raises
    ------
    ValueError
        If no such architecture is known or a setting is unknown to it.
    """
    fronts = {
        PREFIX + "whisper": whisper_front,
        PREFIX + "distillmos": distillmos_front,
        PREFIX + "cnn": residual_front,
    }
    if architecture not in fronts:
        raise ValueError(f"There is no architecture {architecture!r}, only {', '.join(fronts)}.")
    settings = dict(settings)
    dropout = float(settings.pop("dropout", 0.0))
    try:
        return _pooled(fronts[architecture](**settings), dropout)
    except TypeError as error:
        raise ValueError(f"{architecture}: {error}") from error


def _pooled(front: Any, dropout: float) -> torch.nn.Module:
    """A front and the head that all of them share."""
    import torch
    from torch import nn

    class Pooled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.front = front
            self.attention = nn.Sequential(nn.Linear(front.size, 128), nn.Tanh(), nn.Linear(128, 1))
            self.dropout = nn.Dropout(dropout)
            self.head = nn.Linear(2 * front.size, 1)

        def encode(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            weight = self.attention(features).float().softmax(1)
            x = features.float()
            mean = (weight * x).sum(1)
            variance = (weight * (x - mean[:, None]).square()).sum(1)
            embedding = torch.cat([mean, (variance + 1e-5).sqrt()], 1)
            with torch.autocast(embedding.device.type, enabled=False):
                raw = self.head(self.dropout(embedding)).squeeze(1)
            return raw, embedding

        def forward(self, waves: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return self.encode(self.front(level(waves)))

    return Pooled()


def whisper_front(
    width: int = 384,
    layers: int = 4,
    heads: int = 6,
    feedforward: int = 1536,
    frames: int = 400,
) -> torch.nn.Module:
    """Whisper's encoder: log mel spectra every 10 ms, two convolutions, a transformer.

    Parameters
    ----------
    width, layers, heads, feedforward : int
        Size of the transformer; by default that of Whisper-tiny.
    frames : int
        Positions it knows, 20 ms each. Shorter input gets the last ones, where the turn detector
        has its speech; longer input is an error.

    Returns
    -------
    torch.nn.Module
        Waves ``[b, n]`` -> features ``[b, n / 320, width]``.
    """
    import torch
    from torch import nn
    from torch.nn import functional
    from transformers import WhisperConfig, WhisperFeatureExtractor
    from transformers.models.whisper.modeling_whisper import WhisperEncoder

    fft, hop = 400, 160

    class WhisperFront(nn.Module):
        size = width

        def __init__(self) -> None:
            super().__init__()
            self.encoder = WhisperEncoder(
                WhisperConfig(
                    d_model=width,
                    encoder_layers=layers,
                    encoder_attention_heads=heads,
                    encoder_ffn_dim=feedforward,
                    max_source_positions=frames,
                )
            )
            self.mask: Any = None
            filters = WhisperFeatureExtractor(feature_size=80).mel_filters  # [bins, 80]
            self.filters: torch.Tensor
            self.window: torch.Tensor
            self.register_buffer(
                "filters", torch.from_numpy(np.asarray(filters, np.float32)), persistent=False
            )
            self.register_buffer("window", torch.hann_window(fft), persistent=False)

        def load(self, file: str | Path) -> None:
            from core.detect.detector import sha256_of

            if sha256_of(Path(file)) != TURN_DETECTOR:
                raise ValueError(
                    f"{file} is not smart-turn-v3.2-cpu.onnx of the package pipecat-ai 1.14.0."
                )
            start = "inner.encoder."
            state = {
                name.removeprefix(start): torch.tensor(value)
                for name, value in dequantised(file).items()
                if name.startswith(start)
            }
            self.encoder.load_state_dict(state)

        def freeze(self, parts: int) -> None:
            """Keep the convolutions (one part) and so many layers less one as they are."""
            encoder = self.encoder
            for part in [nn.ModuleList([encoder.conv1, encoder.conv2]), *encoder.layers][:parts]:
                part.requires_grad_(False)

        def spectrum(self, waves: torch.Tensor) -> torch.Tensor:
            x = waves / LEVEL  # unit variance, as the turn detector hears it
            x = torch.stft(x, fft, hop, window=self.window, return_complex=True)
            x = self.filters.T @ x[..., :-1].abs().square()
            x = x.clamp_min(1e-10).log10()
            return (torch.maximum(x, x.amax((1, 2), keepdim=True) - 8) + 4) / 4

        def forward(self, waves: torch.Tensor) -> torch.Tensor:
            with torch.autocast(waves.device.type, enabled=False):
                x = self.spectrum(waves.float())
            if self.training and self.mask is not None:
                x = self.mask(x[:, None])[:, 0]
            encoder = self.encoder  # its own forward insists on 8 s
            x = functional.gelu(encoder.conv1(x))
            x = functional.gelu(encoder.conv2(x)).transpose(1, 2)
            if x.shape[1] > frames:
                raise ValueError(f"{x.shape[1]} frames are more than this encoder's {frames}.")
            x = x + encoder.embed_positions.weight[frames - x.shape[1] :]
            for layer in encoder.layers:
                x = layer(x, None)
            return encoder.layer_norm(x)

    return WhisperFront()


def distillmos_front() -> torch.nn.Module:
    """DistillMOS up to its pooling; it is only ever used as published.

    Returns
    -------
    torch.nn.Module
        Waves ``[b, n]`` -> features ``[b, n / 320, 200]``.
    """
    from torch import nn

    from core.detect.model import build as build_embedded

    class DistillMosFront(nn.Module):
        size = 200

        def __init__(self) -> None:
            super().__init__()
            self.inner: Any = build_embedded("spectral-transformer", {})
            self.inner.pool = nn.Identity()  # so that `encode` gives features over time
            self.inner.head = nn.Identity()
            self.mask: Any = None

        def load(self, file: str | Path) -> None:
            from core.train.initial import load_distillmos

            whole: Any = build_embedded("spectral-transformer", {})
            load_distillmos(whole, file)
            self.inner.load_state_dict(
                {k: v for k, v in whole.state_dict().items() if k in self.inner.state_dict()}
            )

        def freeze(self, parts: int) -> None:
            self.requires_grad_(False)

        def forward(self, waves: torch.Tensor) -> torch.Tensor:
            return self.inner.encode(self.inner.front(waves))[1]

    return DistillMosFront()


def residual_front(
    channels: Sequence[int] = (24, 32, 64, 96, 128), width: int = 128
) -> torch.nn.Module:
    """A residual network over log power spectra of 257 bins that are spaced evenly, every 10 ms.

    Parameters
    ----------
    channels : sequence of int
        Channels of the first convolution and of each residual block. All halve the frequency
        axis; the first and the third block halve the time axis too.
    width : int
        Features a frame.

    Returns
    -------
    torch.nn.Module
        Waves ``[b, n]`` -> features ``[b, n / 640, width]``.
    """
    import torch
    from torch import nn

    fft, length, hop = 512, 400, 160

    class Block(nn.Module):
        def __init__(self, before: int, after: int, stride: tuple[int, int]) -> None:
            super().__init__()
            self.main = nn.Sequential(
                nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after),
                nn.ReLU(), nn.Conv2d(after, after, 3, 1, 1, bias=False), nn.BatchNorm2d(after),
            )  # fmt: skip
            self.short = nn.Sequential(
                nn.AvgPool2d(stride, stride, ceil_mode=True),
                nn.Conv2d(before, after, 1, bias=False),
                nn.BatchNorm2d(after),
            )

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.relu(self.main(x) + self.short(x))

    class ResidualFront(nn.Module):
        size = width

        def __init__(self) -> None:
            super().__init__()
            first, bins = channels[0], -(-(fft // 2 + 1) // 2)
            steps: list[nn.Module] = [
                nn.Conv2d(1, first, (7, 3), (2, 1), (3, 1), bias=False),
                nn.BatchNorm2d(first),
                nn.ReLU(),
            ]
            for i, (before, after) in enumerate(itertools.pairwise(channels)):
                steps.append(Block(before, after, (2, 2 if i in (0, 2) else 1)))
                bins = -(-bins // 2)
            self.blocks = nn.Sequential(*steps)
            self.project = nn.Linear(channels[-1] * bins, width)
            self.mask: Any = None
            self.window: torch.Tensor
            self.register_buffer("window", torch.hann_window(length), persistent=False)

        def load(self, file: str | Path) -> None:
            raise ValueError(f"This network starts from nothing, so {file} cannot be its start.")

        def freeze(self, parts: int) -> None:
            if parts:
                raise ValueError("A network that starts from nothing has no parts to freeze.")

        def spectrum(self, waves: torch.Tensor) -> torch.Tensor:
            x = torch.stft(waves, fft, hop, length, self.window, return_complex=True)
            x = x[..., :-1].abs().square().clamp_min(1e-10).log10()
            x = torch.maximum(x, x.amax((1, 2), keepdim=True) - 8)
            return (x - x.mean((1, 2), keepdim=True)) / 2

        def forward(self, waves: torch.Tensor) -> torch.Tensor:
            with torch.autocast(waves.device.type, enabled=False):
                x = self.spectrum(waves.float())[:, None]
            if self.training and self.mask is not None:
                x = self.mask(x)
            x = self.blocks(x.contiguous(memory_format=torch.channels_last))
            return self.project(x.flatten(1, 2).transpose(1, 2))

    return ResidualFront()


def dequantised(file: str | Path) -> dict[str, np.ndarray]:
    """Weights of a quantised ONNX graph, in float, under the names that PyTorch gave them.

    Exporters keep the names of biases and of norms, but store a linear layer's weight transposed
    and without a name. It gets its name from the bias that is added to its product, or, where it
    has none, as the keys of Whisper's attention, from the norm before it.

    Parameters
    ----------
    file : path-like
        ONNX with ``DequantizeLinear`` on stored integers, per tensor or per channel.

    Returns
    -------
    dict of str to numpy.ndarray
        float32; linear weights as ``[out, in]``.

    Raises
    ------
    ValueError
        If the file is no ONNX graph, or a weight in it cannot be named.
    """
    import onnx
    from google.protobuf.message import DecodeError
    from onnx import numpy_helper

    try:
        graph = onnx.load(file).graph
    except DecodeError as error:
        raise ValueError(f"{file} is no ONNX graph.") from error
    stored = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    values = {k: v for k, v in stored.items() if v.dtype == np.float32}
    made = {output: node for node in graph.node for output in node.output}
    used = {name: node for node in graph.node for name in node.input}  # the last one suffices
    for node in graph.node:
        if node.op_type == "DequantizeLinear" and node.input[0] in stored:
            axis = next((a.i for a in node.attribute if a.name == "axis"), 1)
            values[node.output[0]] = _floats(*(stored[i] for i in node.input), axis=axis)
    passing = ("QuantizeLinear", "DequantizeLinear")
    found = {k: v for k, v in values.items() if k.endswith((".weight", ".bias"))}
    for node in graph.node:
        if node.op_type not in ("Conv", "Gemm", "MatMul") or node.input[1] not in values:
            continue
        weight = values[node.input[1]]
        if node.op_type != "MatMul":
            found[node.input[2].removesuffix("bias") + "weight"] = weight
            continue
        after = used.get(node.output[0])
        while after is not None and after.op_type in passing:
            after = used.get(after.output[0])
        biases = [i for i in after.input if i in found] if after is not None else []
        before = made.get(node.input[0])
        while before is not None and before.op_type in passing:
            before = made.get(before.input[0])
        if after is not None and after.op_type == "Add" and biases:
            name = biases[0].removesuffix("bias") + "weight"
        elif before is not None and before.op_type == "LayerNormalization":
            name = before.input[1].replace("_layer_norm.weight", ".k_proj.weight")
        else:
            raise ValueError(f"{file}: nothing says which layer {node.input[1]} belongs to.")
        found[name] = np.ascontiguousarray(weight.T)
    return found


def _floats(integers: np.ndarray, scale: np.ndarray, zero: Any = 0, *, axis: int = 1) -> np.ndarray:
    """What ONNX's DequantizeLinear gives, for one scale or one a slice along ``axis``."""
    shape = [1] * integers.ndim
    if scale.size > 1:
        shape[axis] = -1
    zeros = np.broadcast_to(zero, scale.shape).astype(np.int64).reshape(shape)
    return ((integers.astype(np.int64) - zeros) * scale.reshape(shape)).astype(np.float32)


def dev_scores(folder: str | Path, dev: DevSet) -> np.ndarray:
    """Scores of the dev clips, calibrated on them.

    Parameters
    ----------
    folder : path-like
        A model directory, or what training by a recipe has left.
    dev : DevSet
        Windows to score.

    Returns
    -------
    numpy.ndarray
        Log-likelihood ratios, shape ``[clips]``. The calibration has two parameters and moves no
        error rate of one network by itself; it makes several comparable.

    Raises
    ------
    ValueError
        If the folder holds no network.
    """
    from safetensors.torch import load_file

    from core.detect.detector import checked_sha256
    from core.detect.model import build as build_embedded
    from core.evaluate.metrics import affine_calibration
    from core.train.recipe import score_windows

    folder = Path(folder)
    if (folder / "config.json").is_file():
        config = json.loads((folder / "config.json").read_text("utf-8"))
        weights = folder / Path(config["weights"]["file"]).name
        checked_sha256(weights, config["weights"]["sha256"])
    elif (folder / "best.safetensors").is_file():
        config = json.loads((folder / "recipe.json").read_text("utf-8"))
        weights = folder / "best.safetensors"
    else:
        raise ValueError(f"{folder} holds neither a model nor what training has left.")
    make = build if config["architecture"].startswith(PREFIX) else build_embedded
    model = make(config["architecture"], config.get("network", {}))
    model.load_state_dict(load_file(weights))
    raw = score_windows(model, dev.windows)
    clips = np.bincount(dev.clip, raw) / np.bincount(dev.clip)
    scale, offset = affine_calibration(clips[dev.label == 0], clips[dev.label == 1])
    return scale * clips + offset


def main(arguments: Sequence[str] | None = None) -> int:
    """Print dev figures of networks, and of the mean of the first and each other one."""
    import pandas as pd

    from core.evaluate.intervals import paired
    from core.train.protocols import read_corpus
    from core.train.recipe import dev_set, figures

    parser = argparse.ArgumentParser(prog="python -m core.train.alternatives", description=__doc__)
    parser.add_argument("networks", nargs="+", metavar="DIR", help="models, or trained recipes")
    parser.add_argument("--corpus", nargs="+", default=["build/corpus"], metavar="DIR")
    options = parser.parse_args(arguments)
    try:
        index = pd.concat([read_corpus(i) for i in options.corpus], ignore_index=True)
        dev = dev_set(index)
        scores = {Path(n).name: dev_scores(n, dev) for n in options.networks}
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    first = next(iter(scores))
    rows = dict(scores)
    rows |= {f"{first} + {n}": (scores[first] + s) / 2 for n, s in scores.items() if n != first}
    if len(scores) > 2:
        rows["all"] = np.mean(list(scores.values()), 0)
    print(f"{'':40} pooled within   mean   pooled minus the first's (95 %)")
    for name, llr in rows.items():
        found = figures(llr, dev.label, dev.source)
        parts = (found[k] for k in ("eer_pooled", "eer_within", "eer"))
        line = f"{name:40}" + "".join(f"{v:7.1f}" for v in parts)
        if name != first:
            apart = paired(llr, scores[first], dev.label == 1)["eer"]
            line += f"{100 * apart.value:9.1f} ({100 * apart.low:.1f} to {100 * apart.high:.1f})"
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
