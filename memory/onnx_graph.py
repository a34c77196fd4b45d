"""An ONNX graph while it is put together. Start with `Graph`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

_OPSET = 17
_IR_VERSION = 10
RUNTIME = "com.microsoft"
"""Domain of the operators that only onnxruntime knows."""

Shape: TypeAlias = tuple[int, Sequence[int | str]]
"""Element type and dimensions, those of varying size by name."""


@dataclass(kw_only=True)
class Graph:
    """Nodes and constants while they are collected; every node gives one named output."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    def constant(self, value: NDArray[Any]) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def number(self, value: float, kind: type[np.generic] = np.float32) -> str:
        return self.constant(np.array(value, kind))

    def add(self, op: str, inputs: list[str], *, output: str | None = None, **attributes: Any) -> str:
        name = output or f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], **attributes))
        return name

    def dense(self, hidden: str, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> str:
        """x W^T + b; weight of shape (outputs, inputs)."""
        product = self.add("MatMul", [hidden, self.constant(weight.T)])
        return self.add("Add", [product, self.constant(bias)])

    def model(self, name: str, inputs: Mapping[str, Shape], outputs: Mapping[str, Shape]) -> bytes:
        """Serialised; the same graph gives the same bytes."""
        made = helper.make_model(
            helper.make_graph(self.nodes, name, _infos(inputs), _infos(outputs), self.constants),
            opset_imports=[helper.make_opsetid("", _OPSET), helper.make_opsetid(RUNTIME, 1)],
            ir_version=_IR_VERSION,
        )
        return bytes(made.SerializeToString(deterministic=True))


def _infos(side: Mapping[str, Shape]) -> list[onnx.ValueInfoProto]:
    return [helper.make_tensor_value_info(one, kind, shape) for one, (kind, shape) in side.items()]


__all__ = ["RUNTIME", "Graph", "Shape", "TensorProto"]
