"""From a CloudEvent's attributes to an `Event` fit to be stored: all that is hostile stops at `parse_event`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from jsonschema.exceptions import ValidationError

from agent.canonical import digest
from agent.storable import NotStorable, check_json, check_text
from agent.types import Event
from tools.types import JsonObject, JsonValue
from tools.validation import violations

MAX_ATTRIBUTE = 1024
"""Bytes: PostgreSQL's index holds `source` and `id` together in 2,704."""
MAX_ERRORS = 5

OWN = "urn:segue:"
"""How sources begin that are Segue's own, such as its operators; nobody else can send in their name."""


class EventError(Exception):
    """An event that is not acceptable; says what is wrong and what would be right."""


@dataclass(frozen=True, kw_only=True)
class RawEvent:
    """The attributes of a CloudEvent as its SDK read them."""

    source: str
    id: str
    type: str
    subject: str | None
    time: datetime | None
    data: object


def parse_event(raw: RawEvent, schemas: Mapping[str, JsonObject], now: datetime) -> tuple[Event, str]:
    """The event and the hash of its content. Raises `EventError`."""
    for name in ("source", "id", "type", "subject"):
        _check_attribute(name, getattr(raw, name))
    if raw.type not in schemas:
        raise EventError(f"event type {raw.type!r} is unknown. Known types: {', '.join(sorted(schemas)) or 'none'}.")
    data = {} if raw.data is None else raw.data
    if not isinstance(data, dict):
        raise EventError("data must be a JSON object (content type application/json)")
    try:
        check_json(data, "data")
    except NotStorable as error:
        raise EventError(str(error)) from None
    _check_schema(data, schemas[raw.type])
    subject = raw.subject if raw.subject else f"{raw.source}#{raw.id}"
    time = None if raw.time is None else _aware(raw.time)
    content: JsonValue = [raw.type, subject, None if time is None else time.isoformat(), data]
    event = Event(source=raw.source, id=raw.id, type=raw.type, subject=subject, time=time or now, data=data)
    return event, digest(content)


def _aware(moment: datetime) -> datetime:
    try:
        return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).astimezone(UTC)
    except OverflowError:
        raise EventError("attribute 'time' lies outside the years 1 to 9999 in UTC") from None


def _check_attribute(name: str, value: object) -> None:
    if value is None and name == "subject":
        return
    if not isinstance(value, str) or (not value and name != "subject"):
        raise EventError(f"attribute {name!r} must be a non-empty string")
    try:
        check_text(value, name)
    except NotStorable as error:
        raise EventError(str(error)) from None
    if len(value.encode()) > MAX_ATTRIBUTE:
        raise EventError(f"attribute {name!r} is longer than {MAX_ATTRIBUTE} bytes of UTF-8")


def _check_schema(data: JsonObject, schema: JsonObject) -> None:
    problems = [_shown(error) for error in violations(schema, data, limit=MAX_ERRORS, formats=True)]
    if problems:
        raise EventError("data does not fit the event type's schema: " + "; ".join(problems))


def _shown(error: ValidationError) -> str:
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)
    return f"data{where[:200]}: {error.message[:300]}"
