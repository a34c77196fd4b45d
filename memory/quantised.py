"""Matrix products in whole numbers of 8 bits, three times as fast as in floating point. Start with `Quantised`.

Each token t has a scale s_t and each output n a scale w_n, so that what is computed for one token does not depend on
others:

    x_ti ~ s_t * (q_ti - z) + low        W_ni ~ w_n * v_ni
    y_tn = s_t * w_n * sum over i of (q_ti - z) * v_ni + b_n + low * w_n * sum over i of v_ni

Where outliers make one scale a token too coarse, what is left over is quantised again and added (`fine`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import numpy_helper

from memory.onnx_graph import RUNTIME, Graph, TensorProto

_LEVELS = 127
_ZERO = 128
_TINY = 1e-9
"""Least scale: of a token whose values are all zero."""


@dataclass(frozen=True)
class _Coded:
    """Values as whole numbers: `codes` less `zero`, times `scale` a token, plus `low`."""

    codes: str
    scale: str
    zero: int
    low: float = 0.0


@dataclass(kw_only=True)
class Quantised:
    """Dense layers of a graph; what several of them start from is quantised once."""

    graph: Graph
    _known: dict[tuple[str, bool], tuple[_Coded, ...]] = field(default_factory=dict)
    _zero_points: dict[int, str] = field(default_factory=dict)

    def dense(
        self,
        hidden: str,
        weight: NDArray[np.float32],
        bias: NDArray[np.float32],
        *,
        fine: bool = False,
        low: float | None = None,
    ) -> str:
        """x W^T + b, about; weight of shape (outputs, inputs). With `low` no value of x may be below it."""
        scale = np.maximum(np.abs(weight).max(1) / _LEVELS, _TINY).astype(np.float32)
        whole = np.rint(weight / scale[:, np.newaxis]).astype(np.int8)
        parts = self._coded(hidden, fine, low)
        shift = sum(part.low for part in parts) * scale * whole.sum(1, dtype=np.float32)
        weights = [self.graph.constant(whole.T), self.graph.constant(scale), self.graph.number(0, np.int8)]
        product = self._sum([self._product(part, *weights) for part in parts])
        return self.graph.add("Add", [product, self.graph.constant((bias + shift).astype(np.float32))])

    def _product(self, part: _Coded, matrix: str, scale: str, zero: str) -> str:
        one, own = self.graph.number(1), self.graph.number(part.zero, np.uint8)
        inputs = [part.codes, matrix, one, scale, own, zero]
        product = self.graph.add("MatMulIntegerToFloat", inputs, domain=RUNTIME)
        return self.graph.add("Mul", [product, part.scale])

    def _sum(self, terms: list[str]) -> str:
        return terms[0] if len(terms) == 1 else self.graph.add("Add", terms)

    def _coded(self, hidden: str, fine: bool, low: float | None) -> tuple[_Coded, ...]:
        key = (hidden, fine)
        if key not in self._known:
            first = self._around_zero(hidden) if low is None else self._above(hidden, low)
            self._known[key] = (first, self._rest(hidden, first)) if fine else (first,)
        return self._known[key]

    def _around_zero(self, hidden: str) -> _Coded:
        scale = self._scale(self.graph.add("Abs", [hidden]), _LEVELS)
        return _Coded(self._codes(hidden, scale, _ZERO), scale, _ZERO)

    def _above(self, hidden: str, low: float) -> _Coded:
        """All 256 levels for values of which few are negative, and none below `low`."""
        raised = self.graph.add("Add", [hidden, self.graph.number(-low)])
        scale = self._scale(raised, 2 * _LEVELS + 1)
        return _Coded(self._codes(raised, scale, 0), scale, 0, low)

    def _rest(self, hidden: str, first: _Coded) -> _Coded:
        """What rounding left: at most half of a level."""
        add = self.graph.add
        whole = add("Cast", [first.codes], to=TensorProto.FLOAT)
        told = add("Mul", [add("Add", [whole, self.graph.number(-first.zero)]), first.scale])
        scale = add("Mul", [first.scale, self.graph.number(0.5 / _LEVELS)])
        return _Coded(self._codes(add("Sub", [hidden, told]), scale, _ZERO), scale, _ZERO)

    def _scale(self, values: str, levels: int) -> str:
        """Of each token, so that its greatest value is the last level."""
        greatest = self.graph.add("ReduceMax", [values], axes=[-1], keepdims=1)
        return self.graph.add(
            "Max", [self.graph.add("Mul", [greatest, self.graph.number(1 / levels)]), self.graph.number(_TINY)]
        )

    def _codes(self, values: str, scale: str, zero: int) -> str:
        """Divided by the scale of the token, rounded, moved by `zero` and cut to 0 to 255."""
        add, constant = self.graph.add, self.graph.constant
        rows = add("Flatten", [values], axis=2)
        scales = add("Reshape", [scale, constant(np.array([-1], np.int64))])
        codes = add("QuantizeLinear", [rows, scales, self._zeros(scales, zero)], axis=0)
        return add("Reshape", [codes, add("Shape", [values])])

    def _zeros(self, scales: str, zero: int) -> str:
        """As many as there are tokens."""
        if zero not in self._zero_points:
            value = numpy_helper.from_array(np.array([zero], np.uint8))
            self._zero_points[zero] = self.graph.add(
                "ConstantOfShape", [self.graph.add("Shape", [scales])], value=value
            )
        return self._zero_points[zero]


def exact_here(run: Callable[[bytes, dict[str, NDArray[Any]]], NDArray[Any]]) -> bool:
    """Whether this processor multiplies whole numbers exactly: some, without VNNI, cut off what overflows 16 bits.

    `run` gives the output `y` of a serialised graph for its inputs.
    """
    size = 64
    graph = Graph()
    matrix = graph.constant(np.full((size, size), _LEVELS, np.int8))
    zeros = [graph.number(0, np.uint8), graph.number(0, np.int8)]
    graph.add("MatMulInteger", ["x", matrix, *zeros], output="y")
    model = graph.model("exact", {"x": (TensorProto.UINT8, ["rows", size])}, {"y": (TensorProto.INT32, ["rows", size])})
    answer = run(model, {"x": np.full((2, size), 255, np.uint8)})
    return bool((answer == 255 * _LEVELS * size).all())
