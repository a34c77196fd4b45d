"""Arguments of a tool, checked before anything is sent. Start with `check_arguments`."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from typing import cast

from jsonschema.exceptions import ValidationError, best_match

from tools.errors import shorten
from tools.jsontext import JsonError, json_text, plain_json
from tools.types import JsonObject, JsonValue, Tool
from tools.validation import violations

MAX_BYTES = 64 * 1024
MAX_DEPTH = 20
MAX_MESSAGES = 12
MAX_MESSAGE = 300


def check_arguments(tool: Tool, arguments: object) -> tuple[str, ...]:
    """What is wrong with the arguments, each with path, mistake and what would be right; empty when all is well.

    Never raises: a value of any kind, size or depth is either right or described, in at most 12 messages of at most
    300 characters.
    """
    return check_parameters(tool.parameters, arguments)


def check_parameters(parameters: JsonObject, arguments: object) -> tuple[str, ...]:
    """The same for a tool of which only the schema of its arguments is at hand."""
    if not isinstance(arguments, Mapping):
        return (f"arguments: {_kind(arguments)} was given. Right: an object with the tool's arguments.",)
    try:
        plain = plain_json(arguments, max_depth=MAX_DEPTH)
    except JsonError as error:
        return (shorten(f"arguments: {error}. Right: JSON at most {MAX_DEPTH} levels deep.", MAX_MESSAGE),)
    size = len(json_text(plain))
    if size > MAX_BYTES:
        return (f"arguments: {size} bytes of JSON. Right: at most {MAX_BYTES}.",)
    found = violations(parameters, plain, limit=MAX_MESSAGES, formats=True)
    messages = [message for error in found for message in _messages(error)]
    return tuple(shorten(message, MAX_MESSAGE) for message in dict.fromkeys(messages[:MAX_MESSAGES]))


def fill_defaults(tool: Tool, arguments: JsonObject) -> dict[str, JsonValue]:
    """The arguments with the tool's declared defaults where an argument is absent (a default of null adds nothing)."""
    filled = dict(arguments)
    properties = tool.parameters.get("properties")
    if isinstance(properties, Mapping):
        for name, schema in properties.items():
            if name not in filled and isinstance(schema, Mapping) and schema.get("default") is not None:
                filled[name] = schema["default"]
    return filled


def _messages(error: ValidationError) -> list[str]:
    """One violation in words; an unknown or missing name gets a message of its own."""
    error = _most_telling(error)
    path = _path(error)
    schema = error.schema if isinstance(error.schema, Mapping) else {}
    properties = schema.get("properties")
    known = [str(name) for name in properties] if isinstance(properties, Mapping) else []
    if error.validator == "required" and isinstance(error.instance, Mapping):
        return [
            f"{path}.{name} is missing. Right: {_expected((properties or {}).get(name))}."
            for name in cast("list[str]", error.validator_value)
            if name not in error.instance
        ]
    if error.validator == "additionalProperties" and error.validator_value is False:
        return [
            f"{path}.{name} is not known. Right: {_suggestion(name, known)}."
            for name in cast("Mapping[str, JsonValue]", error.instance)
            if name not in known
        ]
    wrong = _wrong(error)
    return [f"{path}: {wrong}. Right: {_expected(schema)}."]


def _most_telling(error: ValidationError) -> ValidationError:
    if error.validator in {"anyOf", "oneOf"} and error.context:
        non_null = [inner for inner in error.context if inner.validator_value != "null"]
        if len({inner.schema_path[0] for inner in non_null}) == 1:
            best = best_match(non_null)
            return _most_telling(best) if best is not None else error
    return error


def _wrong(error: ValidationError) -> str:
    shown = shorten(json.dumps(error.instance, ensure_ascii=False, default=repr), 80)
    match error.validator:
        case "type":
            return f"{shown} is {_kind(error.instance)}"
        case "enum" | "const":
            return f"{shown} is not one of the values"
        case "format":
            return f"{shown} is no {error.validator_value}"
        case "anyOf" | "oneOf":
            return f"{shown} fits none of the forms"
        case "pattern" | "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf":
            return f"{shown} breaks {error.validator} {error.validator_value}"
        case "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties":
            return f"{shown} breaks {error.validator} {error.validator_value}"
        case _:
            return shorten(error.message, 120)


def _expected(schema: object) -> str:
    """A schema in a few words."""
    if not isinstance(schema, Mapping) or not schema:
        return "any value"
    if "const" in schema:
        return json.dumps(schema["const"])
    if isinstance(schema.get("enum"), list):
        return shorten("one of " + ", ".join(json.dumps(value) for value in schema["enum"]), 150)
    for key in ("anyOf", "oneOf"):
        if isinstance(schema.get(key), list):
            return shorten(" or ".join(_expected(branch) for branch in schema[key]), 150)
    kind = schema.get("type", "any value")
    words = [" or ".join(kind) if isinstance(kind, list) else str(kind)]
    words += [f"format {schema['format']}"] if "format" in schema else []
    words += [
        f"{key} {schema[key]}"
        for key in (
            *("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf", "pattern"),
            *("minLength", "maxLength", "minItems", "maxItems"),
        )
        if key in schema
    ]
    text = shorten(", ".join(words), 120)
    return f"{text} ({shorten(str(schema['description']), 100)})" if schema.get("description") else text


def _suggestion(name: object, known: list[str]) -> str:
    near = difflib.get_close_matches(str(name)[:100], known, n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    return "one of " + ", ".join(known) if known else "no arguments at all"


def _path(error: ValidationError) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path)
    return shorten("arguments" + "".join(steps), 120)


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list() | tuple():
            return "an array"
        case Mapping():
            return "an object"
        case _:
            return f"a {type(value).__name__}"
