"""An encoder of wav2vec 2.0's kin as an 8-bit graph, tensor by tensor from its weights.

Products of matrices by weights are in 8-bit integers: weights by output column, what they meet by
the whole of it, as it comes. Convolutions, norms and attention stay in single precision.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from core.detect.eight_bit import WEIGHTS
from core.detect.weights import sha256_of

OPSET = 20
SMALL, PAGE = 1 << 10, 1 << 12
"""Bytes of a tensor that stays in the graph, and to whose multiples others begin beside it."""

LARGEST = 63
"""Of a weight: 7 of 8 bits, see `training.onnx_int8`."""


class _Graph:
    """Nodes and tensors under construction."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.tensors: list[Any] = []
        self.beside = bytearray()

    def constant(self, value: Any, kind: Any = np.float32) -> str:
        from onnx import numpy_helper

        name = f"w{len(self.tensors)}"
        array = np.ascontiguousarray(value, kind)
        if array.nbytes < SMALL:
            self.tensors.append(numpy_helper.from_array(array, name))
        else:
            self.tensors.append(self._beside(name, array))
        return name

    def _beside(self, name: str, array: np.ndarray) -> Any:
        """A tensor in the file of weights, which the runtime maps and does not read twice."""
        from onnx import TensorProto, helper

        self.beside += bytes(-len(self.beside) % PAGE)
        place = {"location": WEIGHTS, "offset": len(self.beside), "length": array.nbytes}
        tensor = TensorProto(
            name=name, data_type=helper.np_dtype_to_tensor_dtype(array.dtype), dims=array.shape
        )
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in place.items():
            tensor.external_data.add(key=key, value=str(value))
        self.beside += array.tobytes()
        return tensor

    def node(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        from onnx import helper

        name = f"n{len(self.nodes)}"
        self.nodes.append(
            helper.make_node(kind, inputs, [name], name=name, domain=domain, **attributes)
        )
        return name

    def linear(self, x: str, weight: np.ndarray, bias: np.ndarray) -> str:
        """``x @ weight.T + bias`` in 8-bit integers."""
        scale = np.maximum(np.abs(weight).max(axis=1), 1e-12) / LARGEST
        whole = np.rint(weight / scale[:, None]).astype(np.int8).T
        return self.node(
            "DynamicQuantizeMatMul", x, self.constant(whole, np.int8), self.constant(scale),
            self.constant(np.zeros(len(scale)), np.int8), self.constant(bias),
            domain="com.microsoft",
        )  # fmt: skip

    def norm(self, x: str, scale: np.ndarray, bias: np.ndarray, epsilon: float) -> str:
        scaled = self.constant(scale), self.constant(bias)
        return self.node("LayerNormalization", x, *scaled, axis=-1, epsilon=epsilon)

    def turned(self, x: str) -> str:
        """``[b, size, t]`` to ``[b, t, size]``, or back."""
        return self.node("Transpose", x, perm=[0, 2, 1])


def encoder_graph(model: Any, every_layer: bool = False) -> tuple[bytes, bytes]:
    """The graph of a `transformers.Wav2Vec2Model`.

    Parameters
    ----------
    model : transformers.Wav2Vec2Model
        With its weights, as `core.detect.networks.encoder.Encoder` holds it.
    every_layer : bool
        Whether it gives what each layer gives, else the last hidden states alone.

    Returns
    -------
    (bytes, bytes)
        The graph, from ``waves [1, n]`` to ``[1, t, width]``, and its file of weights.
    """
    from onnx import TensorProto, helper

    config = model.config
    state = model.state_dict()

    def w(name: str) -> np.ndarray:
        return state[name].float().numpy()

    def pair(name: str) -> tuple[np.ndarray, np.ndarray]:
        return w(f"{name}.weight"), w(f"{name}.bias")

    g, epsilon, first = _Graph(), config.layer_norm_eps, config.do_stable_layer_norm
    x = g.node("Unsqueeze", "waves", g.constant([1], np.int64))
    for i, stride in enumerate(config.conv_stride):
        at = f"feature_extractor.conv_layers.{i}"
        bias = [g.constant(w(f"{at}.conv.bias"))] if config.conv_bias else []
        x = g.node("Conv", x, g.constant(w(f"{at}.conv.weight")), *bias, strides=[stride])
        if config.feat_extract_norm == "layer":
            x = g.turned(g.norm(g.turned(x), *pair(f"{at}.layer_norm"), 1e-5))
        elif i == 0:
            scaled = (g.constant(one) for one in pair(f"{at}.layer_norm"))
            x = g.node("InstanceNormalization", x, *scaled, epsilon=1e-5)
        x = g.node("Gelu", x)
    x = g.norm(g.turned(x), *pair("feature_projection.layer_norm"), epsilon)
    x = g.linear(x, *pair("feature_projection.projection"))
    kernel = model.encoder.pos_conv_embed.conv.weight.detach().float().numpy()
    taps = kernel.shape[-1]
    y = g.node(
        "Conv", g.turned(x), g.constant(kernel),
        g.constant(w("encoder.pos_conv_embed.conv.bias")),
        group=config.num_conv_pos_embedding_groups, pads=[taps // 2, taps // 2 - 1 + taps % 2],
    )  # fmt: skip
    x = g.node("Add", x, g.node("Gelu", g.turned(y)))
    if not first:
        x = g.norm(x, *pair("encoder.layer_norm"), epsilon)
    found = []
    for i in range(config.num_hidden_layers):
        at = f"encoder.layers.{i}"
        norms = pair(f"{at}.layer_norm"), pair(f"{at}.final_layer_norm")
        y = g.norm(x, *norms[0], epsilon) if first else x
        parts = [g.linear(y, *pair(f"{at}.attention.{k}_proj")) for k in "qkv"]
        y = g.node(
            "MultiHeadAttention", *parts, domain="com.microsoft",
            num_heads=config.num_attention_heads,
        )  # fmt: skip
        x = g.node("Add", x, g.linear(y, *pair(f"{at}.attention.out_proj")))
        if not first:
            x = g.norm(x, *norms[0], epsilon)
        y = g.norm(x, *norms[1], epsilon) if first else x
        y = g.node("Gelu", g.linear(y, *pair(f"{at}.feed_forward.intermediate_dense")))
        x = g.node("Add", x, g.linear(y, *pair(f"{at}.feed_forward.output_dense")))
        if not first:
            x = g.norm(x, *norms[1], epsilon)
        found.append(x)
    if not every_layer:
        found = [g.norm(x, *pair("encoder.layer_norm"), epsilon) if first else x]
    names = [f"states{i}" for i in range(len(found))]
    nodes = [helper.make_node("Identity", [a], [b]) for a, b in zip(found, names, strict=True)]
    single = TensorProto.FLOAT
    graph = helper.make_graph(
        [*g.nodes, *nodes],
        "encoder",
        [helper.make_tensor_value_info("waves", single, [1, "n"])],
        [helper.make_tensor_value_info(n, single, [1, "t", config.hidden_size]) for n in names],
        g.tensors,
    )
    sets = [helper.make_opsetid("", OPSET), helper.make_opsetid("com.microsoft", 1)]
    made = helper.make_model(graph, opset_imports=sets, ir_version=10)
    return made.SerializeToString(), bytes(g.beside)


def eight_bit(network: Any, kind: str, weights_sha256: str, out: Path) -> Path:
    """Write a network over an encoder as a folder with an 8-bit graph and its head.

    Parameters
    ----------
    network : core.detect.networks.over_encoder.OverEncoder
        In single precision.
    kind : str
        Name of its head.
    weights_sha256 : str
        Of the weights that it was made from.
    out : pathlib.Path
        The folder.

    Returns
    -------
    pathlib.Path
        The same.
    """
    from safetensors.torch import save_file

    from core.detect.eight_bit import FILES, FORMAT, GRAPH, HEAD, SAYS
    from core.files import atomic_write

    out.mkdir(parents=True, exist_ok=True)
    every = getattr(network.head, "every_layer", False)
    graph, weights = encoder_graph(network.encoder.model, every)
    atomic_write(out / GRAPH, graph)
    atomic_write(out / WEIGHTS, weights)
    head = {k: v.contiguous() for k, v in network.head.state_dict().items()}
    save_file(head, out / HEAD)
    says = {
        "format": FORMAT,
        "network": kind,
        "made_from": weights_sha256,
        "files": {name: sha256_of(out / name) for name in FILES},
    }
    atomic_write(out / SAYS, json.dumps(says, indent=1) + "\n")
    return out
