"""Schemas from outside, turned into self-contained JSON Schema 2020-12. Start with `SchemaResolver.resolve`.

Local references are put in place; a reference back into itself is cut and then permits anything, so the result is
never stricter than the original. Keywords are taken from a list and checked, all others dropped, because
what remains is given to validators and to models. `pattern` stays only where it can be matched in linear time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeGuard
from urllib.parse import unquote

from tools.errors import shorten
from tools.types import JsonObject, JsonValue
from tools.validation import pattern_is_safe

MAX_NODES = 20_000
MAX_DEPTH = 40
MAX_TEXT = 2_000

TYPES: Final = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})
ONE_SCHEMA: Final = frozenset(
    {
        *("not", "if", "then", "else", "items", "contains", "propertyNames"),
        *("additionalProperties", "unevaluatedItems", "unevaluatedProperties"),
    }
)
SCHEMA_LISTS: Final = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
SCHEMA_MAPS: Final = frozenset({"properties", "dependentSchemas"})
COUNTS: Final = (
    *("minLength", "maxLength", "minItems", "maxItems"),
    *("minProperties", "maxProperties", "minContains", "maxContains"),
)
ANNOTATIONS: Final = frozenset({"description", "default", "examples", "deprecated", "readOnly", "writeOnly"})


class SchemaError(Exception):
    """A schema cannot be used; the text says where and why."""


class SchemaResolver:
    """Resolves the schemas of one document."""

    def __init__(self, document: JsonObject, *, most: int | None = None) -> None:
        """`most`: nodes that all its schemas together may make; None: each one is bounded, not their sum."""
        self._document = document
        self._left = most

    def resolve(self, schema: JsonValue) -> dict[str, JsonValue]:
        """The schema without references. Raises `SchemaError`, also when it grows beyond `MAX_NODES`."""
        return _Walk(self).schema(schema, (), 0)

    def count(self, nodes: int) -> None:
        """So many nodes were made. Raises `SchemaError` when that is too many for one document."""
        if self._left is not None:
            self._left -= nodes
            if self._left < 0:
                raise SchemaError("the document's schemas are too large together")

    def look_up(self, reference: JsonValue) -> JsonValue:
        """What a local reference (`#/components/...`) points at, one step. Raises `SchemaError`."""
        if not isinstance(reference, str) or not reference.startswith("#/"):
            raise SchemaError(f"reference {_show(reference)} leaves the document; only '#/...' is followed")
        target: JsonValue = self._document
        for part in reference[2:].split("/"):
            key = unquote(part).replace("~1", "/").replace("~0", "~")
            if not isinstance(target, Mapping) or key not in target:
                raise SchemaError(f"reference {_show(reference)} points at nothing")
            target = target[key]
        return target


class _Walk:
    """One resolution: counts the nodes it makes, and the cycles it cut."""

    def __init__(self, resolver: SchemaResolver) -> None:
        self._resolver = resolver
        self._nodes = 0
        self._cuts = 0

    def schema(self, node: JsonValue, seen: tuple[str, ...], depth: int) -> dict[str, JsonValue]:
        self._count(1)
        if depth > MAX_DEPTH:
            raise SchemaError(f"nested more than {MAX_DEPTH} deep")
        if isinstance(node, bool):
            return {} if node else {"not": {}}
        if not isinstance(node, Mapping):
            raise SchemaError(f"{_show(node)} is no schema; a schema is an object")
        if "$ref" in node:
            return self._reference(node, seen, depth)
        resolved: dict[str, JsonValue] = {}
        for key, value in node.items():
            self._keyword(resolved, key, value, seen, depth)
        return _in_todays_dialect(resolved, node)

    def _reference(self, node: JsonObject, seen: tuple[str, ...], depth: int) -> dict[str, JsonValue]:
        reference = node["$ref"]
        if reference in seen:
            self._cuts += 1
            return {}
        target = self.schema(self._resolver.look_up(reference), (*seen, str(reference)), depth + 1)
        beside = self.schema({key: value for key, value in node.items() if key != "$ref"}, seen, depth + 1)
        if set(beside) <= ANNOTATIONS:
            return {**target, **beside}
        return {"allOf": [target, beside]}

    def _keyword(
        self, resolved: dict[str, JsonValue], key: str, value: JsonValue, seen: tuple[str, ...], depth: int
    ) -> None:
        cuts = self._cuts
        if key in ONE_SCHEMA:
            resolved[key] = value if isinstance(value, bool) else self.schema(value, seen, depth + 1)
            if key in {"not", "if"} and self._cuts > cuts:
                # A cut schema permits anything, so its opposite would forbid what the original permits.
                del resolved[key]
        elif key in SCHEMA_LISTS:
            if not isinstance(value, list) or not value:
                raise SchemaError(f"{key!r} must be a list of schemas, not {_show(value)}")
            resolved_list: list[JsonValue] = [self.schema(item, seen, depth + 1) for item in value]
            # With a cut branch that permits anything, "exactly one" could no longer hold.
            resolved["anyOf" if key == "oneOf" and self._cuts > cuts and "anyOf" not in resolved else key] = (
                resolved_list
            )
        elif key in SCHEMA_MAPS:
            if not isinstance(value, Mapping):
                raise SchemaError(f"{key!r} must map names to schemas, not {_show(value)}")
            resolved[key] = {name: self.schema(item, seen, depth + 1) for name, item in value.items()}
        elif key in PLAIN_KEYWORDS:
            self._plain_keyword(resolved, key, value)

    def _plain_keyword(self, resolved: dict[str, JsonValue], key: str, value: JsonValue) -> None:
        if key in {"exclusiveMinimum", "exclusiveMaximum"} and isinstance(value, bool):
            return
        expected, holds = PLAIN_KEYWORDS[key]
        if not holds(value):
            raise SchemaError(f"{key!r} must be {expected}, not {_show(value)}")
        self._count(_nodes_of(value))
        if key == "description":
            value = shorten(str(value), MAX_TEXT)
        if key == "pattern" and not pattern_is_safe(str(value)):
            return
        resolved[key] = value

    def _count(self, nodes: int) -> None:
        self._resolver.count(nodes)
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            raise SchemaError(f"larger than {MAX_NODES} nodes with its references in place")


def _in_todays_dialect(resolved: dict[str, JsonValue], node: JsonObject) -> dict[str, JsonValue]:
    """What OpenAPI 3.0 says in its own way (`nullable`, boolean bounds), said in 2020-12."""
    for bound, limit in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if node.get(bound) is True and limit in resolved:
            resolved[bound] = resolved.pop(limit)
    if "patternProperties" in node:
        # Names by pattern are left to the tool: their expressions would run unbounded in the validator.
        for key in ("additionalProperties", "unevaluatedProperties"):
            resolved.pop(key, None)
    if node.get("nullable") is True:
        notes = {key: resolved.pop(key) for key in list(resolved) if key in ANNOTATIONS}
        return {"anyOf": [resolved, {"type": "null"}], **notes} if resolved else notes
    return resolved


def _nodes_of(value: JsonValue) -> int:
    if isinstance(value, Mapping):
        return 1 + sum(_nodes_of(item) for item in value.values())
    if isinstance(value, list):
        return 1 + sum(_nodes_of(item) for item in value)
    return 1


def _show(value: JsonValue) -> str:
    return shorten(repr(value), 80)


def _is_type(value: JsonValue) -> bool:
    if isinstance(value, list):
        return bool(value) and all(isinstance(item, str) and item in TYPES for item in value)
    return isinstance(value, str) and value in TYPES


def _is_number(value: JsonValue) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: JsonValue) -> bool:
    return _is_number(value) and value >= 0 and value == int(value)


def _is_names(value: JsonValue) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_text(value: JsonValue) -> bool:
    return isinstance(value, str)


def _is_flag(value: JsonValue) -> bool:
    return isinstance(value, bool)


def _is_list(value: JsonValue) -> bool:
    return isinstance(value, list)


def _is_name_lists(value: JsonValue) -> bool:
    return isinstance(value, Mapping) and all(_is_names(item) for item in value.values())


def _is_anything(value: JsonValue) -> bool:
    return True


PLAIN_KEYWORDS: Final[Mapping[str, tuple[str, Callable[[JsonValue], bool]]]] = {
    "type": (f"one or several of {', '.join(sorted(TYPES))}", _is_type),
    "enum": ("a list of values", lambda value: isinstance(value, list) and bool(value)),
    "const": ("a value", _is_anything),
    "default": ("a value", _is_anything),
    "examples": ("a list of values", _is_list),
    "description": ("a text", _is_text),
    "format": ("a text", _is_text),
    "pattern": ("a regular expression", _is_text),
    "minimum": ("a number", _is_number),
    "maximum": ("a number", _is_number),
    "exclusiveMinimum": ("a number", _is_number),
    "exclusiveMaximum": ("a number", _is_number),
    "multipleOf": ("a number above 0", lambda value: _is_number(value) and value > 0),
    **dict.fromkeys(COUNTS, ("a whole number, 0 or more", _is_count)),
    "uniqueItems": ("true or false", _is_flag),
    "deprecated": ("true or false", _is_flag),
    "readOnly": ("true or false", _is_flag),
    "writeOnly": ("true or false", _is_flag),
    "required": ("a list of names", _is_names),
    "dependentRequired": ("a map of lists of names", _is_name_lists),
}
