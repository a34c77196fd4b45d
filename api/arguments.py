"""The arguments of a tool as rows to read: name, kind, whether it is needed, what it is. Start with `rows_of`.

Schemas are foreign: whatever is in them is cut and shown as text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.terminal import compact, line

MOST = 200
"""Arguments shown."""
LONGEST = 300
VALUES = 12
_KINDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "yes or no",
    "null": "nothing",
    "object": "object",
}
_BOUNDS = (
    ("minimum", "at least {}"),
    ("exclusiveMinimum", "above {}"),
    ("maximum", "at most {}"),
    ("exclusiveMaximum", "below {}"),
    ("minLength", "{} characters or more"),
    ("maxLength", "up to {} characters"),
    ("minItems", "{} or more"),
    ("maxItems", "up to {}"),
)


@dataclass(frozen=True, kw_only=True)
class Argument:
    """One argument in words."""

    name: str
    kind: str
    """`text, up to 20 characters`, `list of whole numbers`, `one of: a, b`."""
    needed: bool
    about: str


def rows_of(parameters: Mapping[str, Any]) -> list[Argument]:
    """The arguments of a tool, by its JSON Schema, in their order."""
    properties = parameters.get("properties")
    needed = parameters.get("required") or ()
    named = list(properties.items())[:MOST] if isinstance(properties, Mapping) else []
    return [
        Argument(name=line(name, 80), kind=kind_of(schema), needed=name in needed, about=_about(schema))
        for name, schema in named
    ]


def kind_of(schema: object, depth: int = 0) -> str:
    """What a value must be."""
    if not isinstance(schema, Mapping) or depth > 3:
        return "anything"
    if "const" in schema:
        return f"exactly {compact(schema['const'], 60)}"
    values = schema.get("enum")
    if isinstance(values, Sequence) and not isinstance(values, str):
        more = f" and {len(values) - VALUES} more" if len(values) > VALUES else ""
        return f"one of: {', '.join(_value(one) for one in values[:VALUES])}{more}"
    for several in ("anyOf", "oneOf"):
        branches = schema.get(several)
        if isinstance(branches, Sequence) and not isinstance(branches, str):
            found = dict.fromkeys(kind_of(one, depth + 1) for one in branches[:VALUES])
            return line(" or ".join(found), LONGEST)
    kind = schema.get("type")
    kinds = kind if isinstance(kind, list) else [kind]
    return ", ".join((" or ".join(_one(str(one), schema, depth) for one in kinds), *_bounds(schema)))


def _one(kind: str, schema: Mapping[str, Any], depth: int) -> str:
    if kind == "array":
        return f"list of {kind_of(schema.get('items'), depth + 1)}"
    if kind == "string" and isinstance(schema.get("format"), str):
        return f"text ({line(schema['format'], 30)})"
    if kind == "object" and isinstance(schema.get("properties"), Mapping):
        fields = [line(name, 40) for name in schema["properties"]]
        more = f" and {len(fields) - VALUES} more" if len(fields) > VALUES else ""
        return f"object with {', '.join(fields[:VALUES])}{more}"
    return _KINDS.get(kind, "anything")


def _bounds(schema: Mapping[str, Any]) -> list[str]:
    found = [words.format(f"{schema[key]:g}") for key, words in _BOUNDS if _is_number(schema.get(key))]
    if "default" in schema and schema["default"] is not None:
        found.append(f"{_value(schema['default'])} if left out")
    return found


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _value(value: object) -> str:
    return line(value, 40) if isinstance(value, str) else compact(value, 40)


def _about(schema: object) -> str:
    said = schema.get("description") if isinstance(schema, Mapping) else None
    return line(said, LONGEST) if isinstance(said, str) else ""
