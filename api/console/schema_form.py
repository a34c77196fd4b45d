"""A form made from a tool's JSON Schema, as data: what to ask, what was typed, what is wrong. Start with `form_of`,
then `checked`.

What is not touched stays exactly as it was, present or absent. Whatever a schema says, a form comes of it: what is no
plain text, number, truth value or short list of values is asked for as JSON.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, TypeAlias

from api.strict_json import LARGEST_INTEGER, JsonTextError, check_storable, read_json
from api.terminal import clean, line
from tools.arguments import MAX_BYTES, MAX_DEPTH, check_parameters
from tools.types import JsonObject, JsonValue

FieldKind: TypeAlias = Literal["text", "lines", "integer", "number", "choice", "json"]

MOST_FIELDS = 40
MOST_CHOICES = 100
LONGEST_CHOICE = 100
LONGEST_LINE = 120
LONGEST_TOLD = 300
LONGEST_NUMBER = 40
WHOLE: Final = ""
"""Name of the one field of a form that asks for all arguments as one JSON object."""
LEFT_OUT: Final = ""
"""Typed where a choice is not made, or an argument is not given."""

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_TYPES: Mapping[str, FieldKind] = {"string": "text", "integer": "integer", "number": "number", "boolean": "choice"}
_COUNTS = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength")
_COUNT_WORDS = ("at least", "more than", "at most", "less than", "a multiple of", "characters at least", "at most")


@dataclass(frozen=True, kw_only=True)
class Absent:
    """An argument that is not given, which is not the same as null."""


ABSENT: Final = Absent()
Given: TypeAlias = "JsonValue | Absent"


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One of the values of a short list."""

    typed: str
    label: str
    value: Given


@dataclass(frozen=True, kw_only=True)
class Field:
    """One argument that is asked for."""

    name: str
    kind: FieldKind
    required: bool
    nullable: bool
    given: Given
    typed: str
    """How what is given is written in the form before anybody touches it."""
    hint: str
    """What it means and what would be right, in words."""
    choices: tuple[Choice, ...] = ()

    @property
    def label(self) -> str:
        """Its name, fit to show."""
        return line(self.name, 80) if self.name else "Arguments"


@dataclass(frozen=True, kw_only=True)
class Form:
    """The arguments of one call, to be edited."""

    fields: tuple[Field, ...]
    kept: JsonObject
    """Bound arguments that are given: shown, and not to be edited."""
    bound: frozenset[str]
    """Names that policy fills in from the event where they are not given."""
    parameters: JsonObject


@dataclass(frozen=True, kw_only=True)
class Filled:
    """What came of a form."""

    arguments: JsonObject
    mistakes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By field's name, in words; where there are any, the arguments are not to be used."""


def form_of(parameters: JsonObject, arguments: JsonObject, bound: Collection[str]) -> Form:
    """Fields for what the schema knows and for what is given beyond it, but for what is bound."""
    kept = {name: value for name, value in arguments.items() if name in bound}
    free = {name: value for name, value in arguments.items() if name not in bound}
    known = parameters.get("properties")
    schemas = {name: one for name, one in known.items() if name not in bound} if isinstance(known, Mapping) else {}
    names = [*schemas, *(name for name in free if name not in schemas)]
    told = parameters.get("required")
    required = [name for name in told if isinstance(name, str)] if isinstance(told, list) else []
    if _is_open(parameters, known) or len(names) > MOST_FIELDS or WHOLE in names:
        hint = "All arguments that are not bound, as one JSON object."
        fields: tuple[Field, ...] = (_json(WHOLE, free, required=True, hint=hint),)
    else:
        fields = tuple(_field(name, schemas.get(name), free.get(name, ABSENT), name in required) for name in names)
    return Form(fields=fields, kept=kept, bound=frozenset(bound), parameters=parameters)


def _is_open(parameters: JsonObject, known: JsonValue) -> bool:
    """Whether the schema may ask for arguments that it does not name in one plain list."""
    if isinstance(known, Mapping) and known:
        return False
    return parameters.get("additionalProperties") is not False or any(key in parameters for key in ("anyOf", "allOf"))


def _field(name: str, schema: JsonValue, given: Given, required: bool) -> Field:
    shape, nullable = _unwrapped(schema)
    hint = _hint(schema, shape, required)
    choices = _choices(shape, given, required, nullable)
    if choices:
        typed = next((one.typed for one in choices if _same(one.value, given)), LEFT_OUT)
        asked = Field(
            name=name, kind="choice", required=required, nullable=nullable, given=given, typed=typed, hint=hint
        )
        return replace(asked, choices=choices)
    told = shape.get("type")
    kind: FieldKind = _TYPES.get(told, "json") if isinstance(told, str) else "json"
    if kind == "text" and isinstance(given, str) and (len(given) > LONGEST_LINE or "\n" in given):
        kind = "lines"
    if kind == "choice" or not _fits(kind, given):
        return _json(name, given, required=required, hint=hint, nullable=nullable)
    typed = "" if given is None or isinstance(given, Absent) else given if isinstance(given, str) else json.dumps(given)
    return Field(name=name, kind=kind, required=required, nullable=nullable, given=given, typed=typed, hint=hint)


def _json(name: str, given: Given, *, required: bool, hint: str, nullable: bool = False) -> Field:
    typed = "" if isinstance(given, Absent) else pretty(given)
    told = hint if name == WHOLE else f"{hint} As JSON.".strip()
    return Field(name=name, kind="json", required=required, nullable=nullable, given=given, typed=typed, hint=told)


def pretty(value: JsonValue) -> str:
    """JSON for people: indented, with whatever could mislead the eye escaped."""
    return plain_json(json.dumps(value, indent=2, ensure_ascii=False))


def plain_json(text: str) -> str:
    """JSON text with whatever is no plain character escaped; it still means the same."""
    return "".join(char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in text)


def _fits(kind: FieldKind, given: Given) -> bool:
    """Whether what is given can be written in such a field as it is."""
    if isinstance(given, Absent) or given is None:
        return True
    if kind in ("integer", "number"):
        return isinstance(given, int | float) and not isinstance(given, bool)
    if kind in ("text", "lines"):
        return isinstance(given, str) and clean(given) == given and all(c.isprintable() or c == "\n" for c in given)
    return False


def _unwrapped(schema: JsonValue) -> tuple[Mapping[str, Any], bool]:
    """The schema without "or null", and whether null was permitted."""
    if not isinstance(schema, Mapping):
        return {}, False
    told = schema.get("type")
    if isinstance(told, list):
        others = [one for one in told if one != "null"]
        return ({**schema, "type": others[0]} if len(others) == 1 else {}), "null" in told
    for key in ("anyOf", "oneOf"):
        branches = schema.get(key)
        if isinstance(branches, list):
            others = [one for one in branches if not (isinstance(one, Mapping) and one.get("type") == "null")]
            inner = others[0] if len(others) == 1 and isinstance(others[0], Mapping) else {}
            return inner, len(others) < len(branches)
    return schema, told == "null"


def _choices(shape: Mapping[str, Any], given: Given, required: bool, nullable: bool) -> tuple[Choice, ...]:
    """The values of a short list, and what else may be chosen; none where a list does not suit."""
    values = [shape["const"]] if "const" in shape else shape.get("enum")
    if not isinstance(values, list):
        values = [True, False] if shape.get("type") == "boolean" else []
    if not values or len(values) > MOST_CHOICES or any(isinstance(one, Mapping | list) for one in values):
        return ()
    if any(isinstance(one, str) and len(one) > LONGEST_CHOICE for one in values):
        return ()
    if nullable and None not in values:
        values = [*values, None]
    made = [Choice(typed=f"{index}", label=_label(one), value=one) for index, one in enumerate(values)]
    if isinstance(given, Absent) or not required:
        made.insert(0, Choice(typed=LEFT_OUT, label="left out" if not required else "choose", value=ABSENT))
    if not any(_same(one.value, given) for one in made):
        if isinstance(given, Mapping | list) or (isinstance(given, str) and len(given) > LONGEST_CHOICE):
            return ()
        made.append(Choice(typed="given", label=f"{_label(given)} (not in the list)", value=given))
    return tuple(made)


def _label(value: Given) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return line(value, LONGEST_CHOICE) if isinstance(value, str) and value else line(json.dumps(value), LONGEST_CHOICE)


def _same(one: Given, other: Given) -> bool:
    return type(one) is type(other) and one == other


def _hint(schema: JsonValue, shape: Mapping[str, Any], required: bool) -> str:
    """What the schema says of it."""
    outer = schema if isinstance(schema, Mapping) else {}
    described = outer.get("description") or shape.get("description")
    told = [line(described, LONGEST_TOLD)] if isinstance(described, str) else []
    bounds = [
        f"{word} {line(shape[key], 30)}"
        for key, word in zip(_COUNTS, _COUNT_WORDS, strict=True)
        if isinstance(shape.get(key), int | float)
    ]
    told += [f"Right: {', '.join(bounds)}."] if bounds else []
    told += [f"Format: {line(shape['format'], 30)}."] if isinstance(shape.get("format"), str) else []
    default = outer.get("default", shape.get("default"))
    if not required:
        known = isinstance(default, str | int | float)
        told.append(f"Left out, it is {line(_label(default), 60)}." if known else "May be left out.")
    return " ".join(told)


def checked(form: Form, typed: Mapping[str, str]) -> Filled:
    """What was typed, held against the schema too."""
    found = filled(form, typed)
    if found.mistakes:
        return found
    messages = check_parameters(form.parameters, found.arguments)
    filled_in = [f"arguments.{name} is missing." for name in form.bound if name not in form.kept]
    left = [one for one in messages if not any(one.startswith(start) for start in filled_in)]
    return Filled(arguments=found.arguments, mistakes=by_field(form, left))


def filled(form: Form, typed: Mapping[str, str]) -> Filled:
    """The arguments as they were typed, by field's name; a field that is not in it was not touched."""
    arguments: dict[str, JsonValue] = {}
    mistakes: dict[str, tuple[str, ...]] = {}
    for one in form.fields:
        try:
            value = _read(one, typed.get(one.name, one.typed))
        except JsonTextError as error:
            mistakes[one.name] = (str(error),)
            continue
        if one.name == WHOLE and isinstance(value, Mapping):
            arguments |= value
        elif not isinstance(value, Absent):
            arguments[one.name] = value
    stolen = [name for name in arguments if name in form.kept]
    if stolen:
        mistakes[WHOLE] = (f"{line(stolen[0], 80)} is bound to the event and cannot be given here",)
    return Filled(arguments={**arguments, **form.kept}, mistakes=mistakes)


def _read(one: Field, typed: str) -> Given:
    """What was typed, as a value. Raises `JsonTextError`, which says what would be right."""
    if _lines(typed) == _lines(one.typed):
        return one.given
    check_storable(typed, "the text")
    if one.kind == "choice":
        for choice in one.choices:
            if choice.typed == typed:
                return choice.value
        raise JsonTextError("this is not in the list")
    if not typed.strip() and not (one.kind in ("text", "lines") and typed):
        return _emptied(one)
    if one.kind in ("text", "lines"):
        return _lines(typed)
    if one.kind == "json":
        return _read_json(one, typed)
    return _read_number(one, typed.strip())


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n")


def _emptied(one: Field) -> Given:
    if one.name == WHOLE:
        return {}
    if one.required and one.kind in ("text", "lines"):
        return ""
    return None if one.required and one.nullable else ABSENT


def _read_number(one: Field, typed: str) -> JsonValue:
    right = "a whole number such as 3" if one.kind == "integer" else "a number such as 12.5, with a point"
    if len(typed) > LONGEST_NUMBER or not _NUMBER.fullmatch(typed):
        raise JsonTextError(f"{line(typed, 40)} is no number. Right: {right}.")
    value: int | float = float(typed) if any(char in typed for char in ".eE") else int(typed)
    if isinstance(value, float) and math.isfinite(value) and one.kind == "integer" and value.is_integer():
        value = int(value)
    if not math.isfinite(value) or (isinstance(value, int) and abs(value) > LARGEST_INTEGER):
        raise JsonTextError(f"{line(typed, 40)} is too large")
    return value


def _read_json(one: Field, typed: str) -> JsonValue:
    body = typed.encode()
    if len(body) > MAX_BYTES:
        raise JsonTextError(f"{len(body)} bytes of JSON. Right: at most {MAX_BYTES}.")
    value: JsonValue = read_json(body, depth=MAX_DEPTH)
    check_storable(value, "the text")
    if one.name == WHOLE and not isinstance(value, Mapping):
        raise JsonTextError("this is no JSON object. Right: {...}")
    return value


def by_field(form: Form, messages: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """What `check_parameters` found, by the name of the field it speaks of; what speaks of none under `WHOLE`."""
    names = sorted((one.name for one in form.fields if one.name), key=len, reverse=True)
    found: dict[str, tuple[str, ...]] = {}
    for message in messages:
        rest = message.removeprefix("arguments.")
        name = next((one for one in names if _speaks_of(rest, one)), WHOLE) if rest != message else WHOLE
        told = rest.removeprefix(name).lstrip(": ") if name else message
        found[name] = (*found.get(name, ()), f"It {told}" if told.startswith("is ") else told)
    return found


def _speaks_of(rest: str, name: str) -> bool:
    return rest.startswith(name) and rest[len(name) : len(name) + 1] in (".", "[", ":", " ", "")
