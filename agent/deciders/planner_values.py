"""Values made to fit a JSON Schema without changing what they say. Start with `coerce`, then `fits`."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Final, TypeGuard

from agent.deciders.planner_meaning import tokens
from tools.jsontext import JsonError, plain_json
from tools.types import JsonObject, JsonValue
from tools.validation import violations

MAX_DEPTH = 6
MAX_ITEMS = 1_000
MAX_VALUE_DEPTH = 16
_INTEGER = re.compile(r"-?(0|[1-9]\d{0,14})", re.ASCII)
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d{1,12})?", re.ASCII)
_DATE_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}.*", re.ASCII)
_JOINT = re.compile(r"[\s_-]+")
_YES = frozenset({"true", "yes", "on"})
_NO = frozenset({"false", "no", "off"})


class Nothing(Enum):
    """No value; null is a value, nothing is not."""

    NOTHING = "nothing"


NOTHING: Final = Nothing.NOTHING


def as_schema(value: object) -> JsonObject:
    """A schema as an object; `true` and what is no schema permit anything."""
    return value if isinstance(value, Mapping) else {}


def properties(schema: JsonObject) -> dict[str, JsonObject]:
    """The declared properties."""
    found = schema.get("properties")
    return {str(name): as_schema(inner) for name, inner in found.items()} if isinstance(found, Mapping) else {}


def required(schema: JsonObject) -> tuple[str, ...]:
    """Names of the required properties."""
    found = schema.get("required")
    return tuple(str(name) for name in found) if _is_list(found) else ()


def shape(schema: JsonObject) -> JsonObject:
    """The schema without the ways of saying "or null" and without needless wrapping."""
    for _ in range(MAX_DEPTH):
        branches = _branches(schema)
        if len(branches) != 1:
            break
        rest = {key: value for key, value in schema.items() if key not in {"anyOf", "oneOf", "allOf"}}
        schema = {**branches[0], **rest}
    return schema


def kinds(schema: JsonObject) -> tuple[str, ...]:
    """The JSON types it names, without null."""
    kind = shape(schema).get("type")
    named = [kind] if isinstance(kind, str) else [str(one) for one in kind] if _is_list(kind) else []
    return tuple(one for one in named if one != "null")


def members(schema: JsonObject) -> tuple[JsonValue, ...]:
    """The values it enumerates, without null; empty when it enumerates none."""
    schema = shape(schema)
    listed = schema.get("enum")
    if _is_list(listed):
        return tuple(value for value in listed if value is not None)
    if schema.get("const") is not None:
        return (schema["const"],)
    return (True, False) if kinds(schema) == ("boolean",) else ()


def coerce(value: JsonValue, schema: JsonObject, depth: int = 0) -> JsonValue | Nothing:
    """The value in the form the schema asks for (`"12.5"` for a number, one value for a list), or nothing.

    Null and empty text are nothing. What comes back may still break bounds or formats: see `fits`.
    """
    if depth > MAX_DEPTH or value is None or value == "":
        return NOTHING
    schema = shape(schema)
    listed = schema.get("enum")
    if _is_list(listed) or "const" in schema:
        return _member(value, listed if _is_list(listed) else (schema["const"],))
    for branch in _branches(schema):
        made = coerce(value, branch, depth + 1)
        if made is not NOTHING and fits(branch, made):
            return made
    if _branches(schema):
        return NOTHING
    wanted = kinds(schema)
    if not wanted:
        return value
    for kind in wanted:
        made = _made(kind, value, schema, depth)
        if made is not NOTHING:
            return made
    return NOTHING


def fits(schema: JsonObject, value: JsonValue) -> bool:
    """Whether the value keeps every rule of the schema: type, bounds, pattern, format."""
    try:
        plain = plain_json(value, max_depth=MAX_VALUE_DEPTH)
    except JsonError:
        return False
    return not violations(schema, plain, limit=1, formats=True)


def is_text(value: object) -> bool:
    """Whether it is text with something in it."""
    return isinstance(value, str) and bool(value.strip())


def same_text(one: JsonValue, other: JsonValue) -> bool:
    """Whether two scalars are the same word, whatever their case and whatever joins their parts."""
    if isinstance(one, str) and isinstance(other, str):
        return one == other or _JOINT.sub(" ", one.casefold()).strip() == _JOINT.sub(" ", other.casefold()).strip()
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def _made(kind: str, value: JsonValue, schema: JsonObject, depth: int) -> JsonValue | Nothing:
    match kind:
        case "string":
            return _string(value, schema)
        case "integer":
            return _integer(value)
        case "number":
            return _number(value)
        case "boolean":
            return _boolean(value)
        case "array":
            return _array(value, schema, depth)
        case "object":
            return _object(value, schema, depth)
    return NOTHING


def _string(value: JsonValue, schema: JsonObject) -> JsonValue | Nothing:
    if isinstance(value, str):
        return value[:10] if schema.get("format") == "date" and _DATE_TIME.fullmatch(value[:64]) else value
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 10**18:
        return NOTHING
    return str(value)


def _integer(value: JsonValue) -> JsonValue | Nothing:
    if isinstance(value, bool):
        return NOTHING
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 2**53 else NOTHING
    return int(value) if isinstance(value, str) and _INTEGER.fullmatch(value) else NOTHING


def _number(value: JsonValue) -> JsonValue | Nothing:
    if isinstance(value, bool):
        return NOTHING
    if isinstance(value, int | float):
        return value if isinstance(value, int) or math.isfinite(value) else NOTHING
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return float(value) if "." in value else int(value)
    return NOTHING


def _boolean(value: JsonValue) -> JsonValue | Nothing:
    if isinstance(value, bool):
        return value
    word = value.strip().lower() if isinstance(value, str) else ""
    return True if word in _YES else False if word in _NO else NOTHING


def _array(value: JsonValue, schema: JsonObject, depth: int) -> JsonValue | Nothing:
    items = as_schema(schema.get("items"))
    listed = list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    if not listed or len(listed) > MAX_ITEMS:
        return NOTHING
    made = [coerce(item, items, depth + 1) for item in listed]
    kept = [item for item in made if not isinstance(item, Nothing)]
    return kept if len(kept) == len(made) else NOTHING


def _object(value: JsonValue, schema: JsonObject, depth: int) -> JsonValue | Nothing:
    if not isinstance(value, Mapping):
        return NOTHING
    declared = properties(schema)
    if not declared:
        return value
    by_words = {tokens(str(name)): inner for name, inner in value.items()}
    made: dict[str, JsonValue] = {}
    for name, inner in declared.items():
        found = coerce(value[name] if name in value else by_words.get(tokens(name)), inner, depth + 1)
        if found is not NOTHING and fits(inner, found):
            made[name] = found
    return made if made and all(name in made for name in required(schema)) else NOTHING


def _member(value: JsonValue, listed: Sequence[JsonValue]) -> JsonValue | Nothing:
    for member in listed:
        if type(member) is type(value) and member == value:
            return member
    for member in listed:
        if same_text(member, value):
            return member
    return NOTHING


def _branches(schema: JsonObject) -> list[JsonObject]:
    for key in ("anyOf", "oneOf", "allOf"):
        listed = schema.get(key)
        if _is_list(listed):
            found = [as_schema(branch) for branch in listed]
            if key == "allOf":
                return found if len(found) == 1 else []
            return [branch for branch in found if branch.get("type") != "null"]
    return []


def _is_list(value: JsonValue) -> TypeGuard[Sequence[JsonValue]]:
    return isinstance(value, Sequence) and not isinstance(value, str)
