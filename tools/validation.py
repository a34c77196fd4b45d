"""Checking a JSON value against a schema within bounds. Start with `violations`.

jsonschema does the work, with three keywords of ours: `pattern` runs on pydantic's linear-time expressions, so that a
schema cannot stall the process; `uniqueItems` compares in one pass; references are never fetched.
"""

from __future__ import annotations

import itertools
import json
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any, Final

from jsonschema import Draft202012Validator, FormatChecker, validators
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from pydantic_core import SchemaError as CoreSchemaError
from pydantic_core import SchemaValidator, core_schema
from pydantic_core import ValidationError as CoreValidationError
from referencing import Registry
from referencing.exceptions import Unresolvable

from tools.types import JsonObject, JsonValue

CHECKED_FORMATS: Final = (
    *("date", "date-time", "time", "duration", "email", "uuid", "ipv4", "ipv6"),
    *("uri", "hostname"),
)

_FORMATS: Final = FormatChecker(CHECKED_FORMATS)
_NOTHING_ELSE: Final[Registry[Any]] = Registry()
"""The schemas a reference may lead to beside its own."""

MOST_MADE = 1024
_MADE: Final[OrderedDict[tuple[int, bool], tuple[JsonObject, Validator]]] = OrderedDict()
"""By the schema's identity; holding the schema keeps that from being another's."""


def violations(schema: JsonObject, value: JsonValue, *, limit: int, formats: bool) -> list[ValidationError]:
    """The first `limit` places where the plain JSON value breaks the resolved schema.

    `formats`: whether `date-time`, `email` and their like are checked too. Never raises.
    """
    validator = _validator(schema, formats=formats)
    try:
        return list(itertools.islice(validator.iter_errors(value), limit))
    except (RecursionError, ArithmeticError, Unresolvable) as error:
        return [ValidationError(f"cannot be checked against its schema: {error}", instance=value, schema=dict(schema))]


def _validator(schema: JsonObject, *, formats: bool) -> Validator:
    """Made once for a schema, which nobody changes: that takes longer than checking a small value."""
    key = (id(schema), formats)
    known = _MADE.get(key)
    if known is None or known[0] is not schema:
        made = _BoundedValidator(schema, registry=_NOTHING_ELSE, format_checker=_FORMATS if formats else None)
        known = _MADE[key] = (schema, made)
        if len(_MADE) > MOST_MADE:
            _MADE.popitem(last=False)
    return known[1]


def pattern_is_safe(pattern: str) -> bool:
    """Whether the expression can be matched in linear time (no look-around, no back references, not huge)."""
    try:
        _matcher(pattern)
    except CoreSchemaError:
        return False
    return True


def _matcher(pattern: str) -> SchemaValidator:
    return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))


def _check_pattern(validator: Any, pattern: str, instance: object, schema: object) -> Iterator[ValidationError]:
    if not isinstance(instance, str):
        return
    try:
        _matcher(pattern).validate_python(instance)
    except CoreValidationError:
        yield ValidationError(f"{instance!r} does not match {pattern!r}")
    except CoreSchemaError:
        return


def _check_unique(validator: Any, unique: bool, instance: object, schema: object) -> Iterator[ValidationError]:
    if not unique or not isinstance(instance, list):
        return
    if len({json.dumps(item, sort_keys=True) for item in instance}) < len(instance):
        yield ValidationError("the list has the same value twice")


_BoundedValidator: Final[type[Validator]] = validators.extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {"pattern": _check_pattern, "uniqueItems": _check_unique}
)
