"""JSON Schemas of events and outcomes: whether one can be used, and which fields it lists.

Start with `check_schema`; `find_field` is for schemas it accepted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Literal, TypeAlias

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from referencing.exceptions import Unresolvable

from agent.portfolio.mistakes import MistakeList, Place, shown
from tools.types import JsonObject

Lookup: TypeAlias = Literal["known", "open"] | frozenset[str]
"""Whether a schema knows a field: yes; it does not say; or no, and these are the fields it knows there."""

_DIALECT = re.compile(r"https?://json-schema\.org/draft/2020-12/schema#?\Z")
_TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")
_SCHEMA_MAPS = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_SCHEMA_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_SCHEMAS = ("items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames")
_MORE_SCHEMAS = ("unevaluatedProperties", "unevaluatedItems", "contentSchema")
_MAX_HOPS = 30


def check_schema(schema: JsonObject, place: Place, mistakes: MistakeList) -> bool:
    """Whether events can be validated with this schema (Draft 2020-12, objects, local references only)."""
    before = len(mistakes)
    try:
        _check_rules(json.dumps(schema))
    except SchemaError as error:
        where = place.at(*error.absolute_path)
        problem, hint = error.message[:200], "Correct it by JSON Schema 2020-12."
        if error.absolute_path and error.absolute_path[-1] == "type":
            problem, hint = f"{shown(error.instance)} is no type", f"Use one of: {', '.join(_TYPES)}."
        mistakes.add(where, f"not a JSON Schema: {problem}", hint)
        return False
    except (RecursionError, OverflowError):
        mistakes.add(place, "the schema is nested too deep or has too large a number in a pattern", "Make it smaller.")
        return False
    if schema.get("type", "object") != "object":
        mistakes.add(place.at("type"), f"data of events is an object, not {shown(schema['type'])}", "Use type: object.")
    for part, where in _parts(schema, place, 0):
        _check_part(schema, part, where, mistakes)
    if len(mistakes) == before:
        _check_use(schema, place, mistakes)
    return len(mistakes) == before


@lru_cache(maxsize=256)
def _check_rules(text: str) -> None:
    """Raises `SchemaError`. What is sound is remembered by its text: types share schemas, and files are read again."""
    Draft202012Validator.check_schema(json.loads(text))


def find_field(schema: JsonObject, fields: Sequence[str]) -> Lookup:
    """Whether a schema that `check_schema` accepted lists the field at this path."""
    return _find(schema, schema, tuple(fields), _MAX_HOPS)


def _parts(schema: object, place: Place, depth: int) -> Iterator[tuple[JsonObject, Place]]:
    """The schema and all schemas in it."""
    if not isinstance(schema, Mapping) or depth > 100:
        return
    yield schema, place
    for key in _SCHEMA_MAPS:
        below = schema.get(key)
        for name, part in below.items() if isinstance(below, Mapping) else ():
            yield from _parts(part, place.at(key, str(name)), depth + 1)
    for key in _SCHEMA_LISTS:
        listed = schema.get(key)
        for index, part in enumerate(listed if isinstance(listed, list) else ()):
            yield from _parts(part, place.at(key, index), depth + 1)
    for key in (*_SCHEMAS, *_MORE_SCHEMAS):
        yield from _parts(schema.get(key), place.at(key), depth + 1)


def _check_part(root: JsonObject, part: JsonObject, place: Place, mistakes: MistakeList) -> None:
    dialect = part.get("$schema")
    if dialect is not None and not (isinstance(dialect, str) and _DIALECT.match(dialect)):
        hint = "Leave $schema out, or use https://json-schema.org/draft/2020-12/schema."
        mistakes.add(place.at("$schema"), f"the dialect {shown(dialect)} is not supported", hint)
    if part is not root and "$id" in part:
        mistakes.add(place.at("$id"), "a schema inside a schema has an $id of its own", "Remove it.")
    for key in ("$ref", "$dynamicRef"):
        if key in part and _resolve(root, part[key]) is None:
            problem = f"the reference {shown(part[key])} leads nowhere in this schema"
            mistakes.add(place.at(key), problem, "Use a local reference, as in #/$defs/address.")


def _check_use(schema: JsonObject, place: Place, mistakes: MistakeList) -> None:
    """Try it: references that go in a circle show only when used."""
    try:
        Draft202012Validator(dict(schema)).is_valid({})
    except RecursionError:
        mistakes.add(place, "its references go in a circle", "Let each reference lead to something.")
    except (Unresolvable, ValueError, TypeError, AttributeError, LookupError, re.error) as error:
        mistakes.add(place, f"it cannot be used: {str(error)[:200]}", "Correct it by JSON Schema 2020-12.")


def _resolve(root: JsonObject, reference: object) -> object:
    """The part of the schema a local reference leads to, or None."""
    if reference == "#":
        return root
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return None
    value: object = root
    for step in reference[2:].split("/"):
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, Mapping) and name in value:
            value = value[name]
        elif isinstance(value, list) and name.isdecimal() and name.isascii() and int(name[:9]) < len(value):
            value = value[int(name[:9])]
        else:
            return None
    return value if isinstance(value, Mapping | bool) else None


def _find(root: JsonObject, schema: object, fields: tuple[str, ...], hops: int) -> Lookup:
    if not fields:
        return "known"
    if not isinstance(schema, Mapping) or hops == 0:
        return "open"
    answers = [_find_here(root, schema, fields, hops)]
    if "$ref" in schema:
        answers.append(_find(root, _resolve(root, schema["$ref"]), fields, hops - 1))
    for key in ("allOf", "anyOf", "oneOf"):
        parts = schema.get(key)
        answers += [_find(root, part, fields, hops - 1) for part in (parts if isinstance(parts, list) else ())]
    return _widest([answer for answer in answers if answer is not None])


def _find_here(root: JsonObject, schema: JsonObject, fields: tuple[str, ...], hops: int) -> Lookup | None:
    """What `properties` and `items` of one schema say; None if they say nothing."""
    properties = schema.get("properties")
    if isinstance(properties, Mapping):
        if fields[0] in properties:
            return _find(root, properties[fields[0]], fields[1:], hops - 1)
        if schema.get("additionalProperties", False) is not False or "patternProperties" in schema:
            return "open"
        return frozenset(properties)
    if fields[0].isdecimal() and isinstance(schema.get("items"), Mapping):
        return _find(root, schema["items"], fields[1:], hops - 1)
    if schema.get("type") in ("string", "number", "integer", "boolean", "null"):
        return frozenset()
    return None


def _widest(answers: Sequence[Lookup]) -> Lookup:
    if not answers or "open" in answers:
        return "known" if "known" in answers else "open"
    if "known" in answers:
        return "known"
    return frozenset().union(*(answer for answer in answers if isinstance(answer, frozenset)))
