"""The networks as ONNX graphs whose weights stay in the model's safetensors file.

A graph refers to tensors by their place in that file, so that one pinned file of weights serves
every engine; what has to be transposed, scaled or joined is said by nodes over them, which the
runtime folds when it loads the graph.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

OPSET = 20
FLOAT, DOUBLE = 1, 11
"""Types by the numbers that ONNX gives them."""


class Graph:
    """An ONNX graph under construction.

    Parameters
    ----------
    weights : pathlib.Path
        The safetensors file with the network's tensors, beside which the graph will lie.
    """

    def __init__(self, weights: Path) -> None:
        with weights.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            self._header: dict[str, Any] = json.loads(file.read(length))
        self._file, self._start = weights.name, 8 + length
        self._nodes: list[Any] = []
        self._initializers: dict[str, Any] = {}
        self._single: dict[str, str] = {}

    def weight(self, name: str) -> str:
        """A tensor of the weights file, by name, in single precision.

        Raises
        ------
        ValueError
            If the file has no such tensor of float32 or float16.
        """
        from onnx import TensorProto

        found = self._header.get(name, {})
        kinds = {"F32": TensorProto.FLOAT, "F16": TensorProto.FLOAT16}
        if found.get("dtype") not in kinds:
            raise ValueError(f"{self._file} has no tensor {name} of float32 or float16")
        kind = kinds[found["dtype"]]
        if name not in self._initializers:
            start, end = found["data_offsets"]
            tensor = TensorProto(name=name, data_type=kind, dims=found["shape"])
            tensor.data_location = TensorProto.EXTERNAL
            place = {"location": self._file, "offset": self._start + start, "length": end - start}
            for key, value in place.items():
                tensor.external_data.add(key=key, value=str(value))
            self._initializers[name] = tensor
            self._single[name] = name
            if kind != TensorProto.FLOAT:  # the runtime does this once, when it loads the graph
                self._single[name] = self.node("Cast", name, to=TensorProto.FLOAT)
        return self._single[name]

    def constant(self, value: Any, kind: type = np.float32) -> str:
        """An array that is kept in the graph itself."""
        from onnx import numpy_helper

        name = f"constant{len(self._initializers)}"
        self._initializers[name] = numpy_helper.from_array(np.asarray(value, kind), name)
        return name

    def integers(self, *values: int) -> str:
        """Shapes, axes and indices, int64 ``[n]``."""
        return self.constant(values, np.int64)

    def node(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """One operation with one output, whose name is returned."""
        return self.nodes(kind, *inputs, outputs=1, domain=domain, **attributes)[0]

    def nodes(
        self, kind: str, *inputs: str, outputs: int, domain: str = "", **attributes: Any
    ) -> list[str]:
        """One operation with several outputs."""
        from onnx import helper

        name = f"{kind}{len(self._nodes)}"
        names = [f"{name}.{i}" for i in range(outputs)]
        self._nodes.append(
            helper.make_node(kind, inputs, names, name=name, domain=domain, **attributes)
        )
        return names

    def linear(self, x: str, name: str) -> str:
        """``torch.nn.Linear`` over the last axis."""
        return self.affine(x, f"{name}.weight", f"{name}.bias")

    def affine(self, x: str, weight: str, bias: str) -> str:
        """``x @ weight.T + bias``, by the names of tensors."""
        turned = self.node("Transpose", self.weight(weight), perm=[1, 0])
        return self.node("Add", self.node("MatMul", x, turned), self.weight(bias))

    def layer_norm(self, x: str, name: str, epsilon: float = 1e-5) -> str:
        """``torch.nn.LayerNorm`` over the last axis."""
        scale, bias = self.weight(f"{name}.weight"), self.weight(f"{name}.bias")
        return self.node("LayerNormalization", x, scale, bias, axis=-1, epsilon=epsilon)

    def batch_norm(self, x: str, name: str, epsilon: float = 1e-5) -> str:
        """``torch.nn.BatchNorm1d`` in evaluation mode, over the last axis."""
        spread = self.node("Add", self.weight(f"{name}.running_var"), self.constant(epsilon))
        scale = self.node("Div", self.weight(f"{name}.weight"), self.node("Sqrt", spread))
        mean = self.node("Mul", self.weight(f"{name}.running_mean"), scale)
        shift = self.node("Sub", self.weight(f"{name}.bias"), mean)
        return self.node("Add", self.node("Mul", x, scale), shift)

    def attention(self, *query_key_value: str, heads: int) -> str:
        """Scaled dot-product attention of ``[b, t, size]`` in several heads."""
        return self.node(
            "MultiHeadAttention", *query_key_value, domain="com.microsoft", num_heads=heads
        )

    def model(
        self, inputs: Mapping[str, Sequence[int | str]], outputs: Mapping[str, tuple[str, int]]
    ) -> Any:
        """The finished graph.

        Parameters
        ----------
        inputs : mapping of str to sequence
            Shape of each float32 input; words for sizes that vary.
        outputs : mapping of str to (str, int)
            For each output the node's output that it is, and how many axes it has.

        Returns
        -------
        onnx.ModelProto
        """
        from onnx import TensorProto, helper

        for name, (given, _) in outputs.items():
            self._nodes.append(helper.make_node("Identity", [given], [name], name=name))
        single = TensorProto.FLOAT
        graph = helper.make_graph(
            self._nodes,
            "network",
            [helper.make_tensor_value_info(k, single, v) for k, v in inputs.items()],
            [
                helper.make_tensor_value_info(k, single, [f"{k}{i}" for i in range(axes)])
                for k, (_, axes) in outputs.items()
            ],
            list(self._initializers.values()),
        )
        sets = [helper.make_opsetid("", OPSET), helper.make_opsetid("com.microsoft", 1)]
        return helper.make_model(graph, opset_imports=sets, ir_version=10)


def spectral_front(
    weights: Path, channels: Sequence[int] = (64, 64, 128, 256, 256, 256), **_: Any
) -> Any:
    """The convolutions of `core.detect.networks.spectral_transformer`.

    Parameters
    ----------
    weights : pathlib.Path
        The network's tensors.
    channels : sequence of int
        The network's own setting.

    Returns
    -------
    onnx.ModelProto
        From ``wave [1, n]`` at the network's level, ``n`` a multiple of 160, to
        ``features [frames, size]``.
    """
    hop, length, bins = 160, 320, 161
    g = Graph(weights)
    pad = (length - hop) // 2
    x = g.node("Pad", "wave", g.integers(0, pad, 0, pad), mode="reflect")
    x = g.node("Reshape", x, g.integers(-1, hop))
    ends = g.integers(-1), g.integers(2**31)
    x = g.node(
        "Concat",
        g.node("Slice", x, g.integers(0), ends[0], g.integers(0)),
        g.node("Slice", x, g.integers(1), ends[1], g.integers(0)),
        axis=1,
    )
    # In double precision, as in PyTorch: the compression below lifts whatever rounding leaves in
    # bands that hold nothing.
    turn = 2 * np.pi * np.arange(length) / length
    table = g.constant(np.concatenate([np.cos(turn), -np.sin(turn)]), np.float64)
    angle = g.node("Mod", g.node("Mul", g.integers(*range(bins)), g.constant(
        np.arange(length)[:, None], np.int64)), g.integers(length))  # fmt: skip
    both = g.node("Concat", angle, g.node("Add", angle, g.integers(length)), axis=1)
    hann = g.constant((0.5 - 0.5 * np.cos(turn))[:, None], np.float64)
    basis = g.node("Mul", g.node("Gather", table, both), hann)
    x = g.node("MatMul", g.node("Cast", x, to=DOUBLE), basis)
    x = g.node("Transpose", g.node("Cast", x, to=FLOAT), perm=[1, 0])
    x = g.node("Reshape", x, g.integers(1, 2, bins, -1))
    power = g.node("ReduceSumSquare", x, g.integers(1), keepdims=1)
    power = g.node("Max", power, g.constant(1e-24))
    # |x| to the power of -0.7; Exp and Log are vectorised where Pow is not
    gain = g.node("Exp", g.node("Mul", g.node("Log", power), g.constant(-0.35)))
    x = g.node("Mul", x, gain)
    for i in range(len(channels)):
        name = f"front.cnn.{2 * i}"
        stride = [2 if i else 1, 2 if i == len(channels) - 1 else 1]
        x = g.node(
            "Conv", x, g.weight(f"{name}.weight"), g.weight(f"{name}.bias"),
            kernel_shape=[3, 3], strides=stride, pads=[0, 1, 0, 1],
        )  # fmt: skip
        x = g.node("LeakyRelu", x, alpha=0.1)
    x = g.node("Transpose", x, perm=[0, 3, 1, 2])
    x = g.node("Reshape", x, g.integers(-1, *_flat(channels)))
    return g.model({"wave": [1, "n"]}, {"features": (x, 2)})


def _flat(channels: Sequence[int]) -> tuple[int]:
    """Size of a frame of features."""
    width = 161
    for i in range(len(channels)):
        width = (width - 3) // (2 if i else 1) + 1
    return (channels[-1] * width,)


def spectral_encoder(
    weights: Path,
    frames: int,
    dim: int = 200,
    heads: int = 8,
    layers: int = 7,
    max_frames: int = 384,
    **_: Any,
) -> Any:
    """The transformer and head of `core.detect.networks.spectral_transformer`.

    Parameters
    ----------
    weights : pathlib.Path
        The network's tensors.
    frames : int
        Frames of the longest window; shorter ones are taken as well.
    dim, heads, layers, max_frames : int
        The network's own settings.

    Returns
    -------
    onnx.ModelProto
        From ``features [k, frames, size]`` to ``raw [k]`` and ``embedding [k, 2 * dim]``.
    """
    from core.detect.networks import positions

    g = Graph(weights)
    x = g.linear(g.batch_norm("features", "norm_features"), "project")
    given = g.node("Shape", "features", start=1, end=2)
    places = g.constant(positions(frames, dim, max_frames))
    x = g.node("Add", x, g.node("Slice", places, g.integers(0), given, g.integers(1)))
    for i in range(layers):
        name = f"encoder.layers.{i}"
        joined = g.affine(x, f"{name}.self_attn.in_proj_weight", f"{name}.self_attn.in_proj_bias")
        parts = g.nodes("Split", joined, outputs=3, axis=-1, num_outputs=3)
        y = g.linear(g.attention(*parts, heads=heads), f"{name}.self_attn.out_proj")
        x = g.layer_norm(g.node("Add", x, y), f"{name}.norm1")
        y = g.node("Relu", g.linear(x, f"{name}.linear1"))
        x = g.layer_norm(g.node("Add", x, g.linear(y, f"{name}.linear2")), f"{name}.norm2")
    x = g.batch_norm(x, "norm_encoder")
    weight = g.linear(g.node("Relu", g.linear(x, "pool.linear1")), "pool.linear2")
    weight = g.node("Softmax", weight, axis=1)
    over_time = g.integers(1)
    mean = g.node("ReduceSum", g.node("Mul", weight, x), over_time, keepdims=1)
    away = g.node("Sub", x, mean)
    spread = g.node("Mul", weight, g.node("Mul", away, away))
    spread = g.node("ReduceSum", spread, over_time, keepdims=0)
    spread = g.node("Sqrt", g.node("Add", spread, g.constant(1e-5)))
    embedding = g.node("Concat", g.node("Squeeze", mean, over_time), spread, axis=1)
    raw = g.node("Squeeze", g.linear(embedding, "head"), over_time)
    size = g._header["project.weight"]["shape"][1]
    return g.model(
        {"features": ["k", "frames", size]}, {"raw": (raw, 1), "embedding": (embedding, 2)}
    )


def mean_pooled_wav2vec2(weights: Path, window: int, network: Mapping[str, Any]) -> Any:
    """The network of `core.detect.networks.wav2vec2.MeanPooledWav2Vec2`.

    Everything is laid out time by channels, so that convolutions are products of matrices. The
    group norm after the first is affine in its few inputs once their mean and covariance over the
    window are known, so it goes into that convolution's weights.

    Parameters
    ----------
    weights : pathlib.Path
        The network's tensors.
    window : int
        Samples of one window.
    network : mapping
        Fields of `transformers.Wav2Vec2Config` that differ from wav2vec2-base.

    Returns
    -------
    onnx.ModelProto
        From ``waves [k, window]`` to ``raw [k]`` and ``embedding [k, d]``.

    Raises
    ------
    ValueError
        If the configuration is none of those that wav2vec2-base's kind has.
    """
    from transformers import Wav2Vec2Config

    c = Wav2Vec2Config(**network)
    if c.feat_extract_norm != "group" or c.do_stable_layer_norm or c.conv_bias:
        raise ValueError("only wav2vec2 networks of the kind of wav2vec2-base have a graph")
    g = Graph(weights)
    over_time = g.integers(1)

    # [k, n] -> [k, t, stride] -> [k, t, taps] -> [k, t, channels]
    extractor = "backbone.feature_extractor.conv_layers"
    x = g.node("Unsqueeze", "waves", g.integers(2))
    count = window
    for i, (size, taps, stride) in enumerate(
        zip(c.conv_dim, c.conv_kernel, c.conv_stride, strict=True)
    ):
        before = 1 if i == 0 else c.conv_dim[i - 1]
        out = (count - taps) // stride + 1
        x = _stretches(g, x, count, before, taps, stride, out)
        kernel = g.node("Transpose", g.weight(f"{extractor}.{i}.conv.weight"), perm=[2, 1, 0])
        kernel = g.node("Reshape", kernel, g.integers(taps * before, size))
        if i == 0:
            norm = f"{extractor}.0.layer_norm"
            mean = g.node("ReduceMean", x, over_time, keepdims=1)
            x = g.node("Sub", x, mean)
            covariance = g.node("MatMul", g.node("Transpose", x, perm=[0, 2, 1]), x)
            covariance = g.node("Mul", covariance, g.constant(1 / out))
            spread = g.node("Mul", g.node("MatMul", covariance, kernel), kernel)
            spread = g.node("ReduceSum", spread, over_time, keepdims=1)
            spread = g.node("Sqrt", g.node("Add", spread, g.constant(1e-5)))
            kernel = g.node("Mul", kernel, g.node("Div", g.weight(f"{norm}.weight"), spread))
            x = g.node("Add", g.node("MatMul", x, kernel), g.weight(f"{norm}.bias"))
        else:
            x = g.node("MatMul", x, kernel)
        x = g.node("Gelu", x)
        count = out

    projection, epsilon = "backbone.feature_projection", c.layer_norm_eps
    x = g.layer_norm(x, f"{projection}.layer_norm", epsilon)
    x = g.linear(x, f"{projection}.projection")
    encoder = "backbone.encoder"
    conv = f"{encoder}.pos_conv_embed.conv"
    direction = g.weight(f"{conv}.parametrizations.weight.original1")
    length = g.node("ReduceL2", direction, g.integers(0, 1), keepdims=1)
    kernel = g.node("Mul", direction, g.node(
        "Div", g.weight(f"{conv}.parametrizations.weight.original0"), length
    ))  # fmt: skip
    taps = c.num_conv_pos_embeddings
    y = g.node(
        "Conv", g.node("Transpose", x, perm=[0, 2, 1]), kernel, g.weight(f"{conv}.bias"),
        group=c.num_conv_pos_embedding_groups, pads=[taps // 2, taps // 2 - 1 + taps % 2],
    )  # fmt: skip
    x = g.node("Add", x, g.node("Gelu", g.node("Transpose", y, perm=[0, 2, 1])))
    x = g.layer_norm(x, f"{encoder}.layer_norm", epsilon)
    for i in range(c.num_hidden_layers):
        layer = f"{encoder}.layers.{i}"
        parts = [g.linear(x, f"{layer}.attention.{k}_proj") for k in "qkv"]
        y = g.linear(
            g.attention(*parts, heads=c.num_attention_heads), f"{layer}.attention.out_proj"
        )
        x = g.layer_norm(g.node("Add", x, y), f"{layer}.layer_norm", epsilon)
        y = g.node("Gelu", g.linear(x, f"{layer}.feed_forward.intermediate_dense"))
        y = g.linear(y, f"{layer}.feed_forward.output_dense")
        x = g.layer_norm(g.node("Add", x, y), f"{layer}.final_layer_norm", epsilon)
    embedding = g.node("ReduceMean", x, over_time, keepdims=0)
    bona_fide, spoof = g.nodes(
        "Split", g.linear(embedding, "classifier"), outputs=2, axis=1, num_outputs=2
    )
    raw = g.node("Squeeze", g.node("Sub", spoof, bona_fide), over_time)
    return g.model({"waves": ["k", window]}, {"raw": (raw, 1), "embedding": (embedding, 2)})


def _stretches(g: Graph, x: str, count: int, size: int, taps: int, stride: int, out: int) -> str:
    """What a strided convolution sees, ``[k, count, size]`` -> ``[k, out, taps * size]``.

    Rows of ``stride`` frames side by side, so that nothing is copied frame by frame.
    """
    rows = math.ceil(count / stride)
    if rows * stride != count:
        x = g.node("Pad", x, g.integers(0, 0, 0, 0, rows * stride - count, 0))
    x = g.node("Reshape", x, g.integers(-1, rows, stride * size))
    parts = []
    for row in range(math.ceil(taps / stride)):
        width = min(stride, taps - row * stride) * size
        starts, ends = g.integers(row, 0), g.integers(row + out, width)
        parts.append(g.node("Slice", x, starts, ends, g.integers(1, 2)))
    return parts[0] if len(parts) == 1 else g.node("Concat", *parts, axis=2)
