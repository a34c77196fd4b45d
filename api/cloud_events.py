"""CloudEvents 1.0 over HTTP: from headers and body to `RawEvent`s, by the `cloudevents` SDK. Start with `receive`.

The SDK is lenient where a door must not be: it invents a missing id, time and version, takes duplicate names and NaN,
and turns unreadable JSON into text. So the text is read strictly first; what the SDK is given can only be well-formed.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Literal
from urllib.parse import unquote_to_bytes

from cloudevents.core.base import BaseCloudEvent
from cloudevents.core.bindings.http import HTTPMessage, from_binary, from_structured
from cloudevents.core.exceptions import BaseCloudEventException
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from fastapi import Request

from agent.accepting import BatchError
from agent.events import RawEvent
from agent.slices import Slices
from api.bodies import Limits, is_json, media_type, read_body
from api.intake import Taken
from api.problems import Malformed, TooLarge, UnsupportedMediaType
from api.strict_json import JsonTextError, read_json

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
PREFIX = "ce-"
LONG_TEXT = 64 * 1024
"""Bytes of a body beyond which it is parsed on a thread."""

REQUIRED = ("specversion", "id", "source", "type")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)
EARLIEST, LATEST = 1970, 2999
"""Years of events: calculating with others would leave what a date can be."""
_SDK_ERRORS = (BaseCloudEventException, ValueError, TypeError, OverflowError)


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """What one request brought."""

    mode: Literal["structured", "binary", "batch"]
    events: tuple[RawEvent, ...]


async def receive(request: Request, limits: Limits, taken: Taken) -> Delivery:
    """Read the events of a request.

    Raises `Malformed`, `TooLarge`, `TooSlow`, `Busy`, `UnsupportedMediaType`; `BatchError` for malformed events of a
    batch.
    """
    headers = request.headers.raw
    mode = _mode(headers)
    body = await read_body(request, limits, taken)
    if mode == "binary":
        return Delivery(mode=mode, events=(_binary(headers, body, limits),))
    if len(body) < LONG_TEXT:
        value = _json(body, limits)
    else:
        # Some ten milliseconds for the largest: too long for the event loop, and one call cannot be sliced.
        value = await asyncio.to_thread(_json, body, limits)
    if mode == "structured":
        return Delivery(mode=mode, events=(_structured(value, limits),))
    return Delivery(mode=mode, events=await _batch(value, limits))


def _mode(headers: Sequence[tuple[bytes, bytes]]) -> Literal["structured", "binary", "batch"]:
    encodings = {value.strip().lower() for name, value in headers if name == b"content-encoding"}
    if encodings - {b"identity"}:
        raise UnsupportedMediaType("compressed bodies are not taken; send the body as it is")
    types = [value.decode("latin-1") for name, value in headers if name == b"content-type"]
    if len(types) > 1:
        raise Malformed("the header Content-Type is there twice")
    media = media_type(types[0]) if types else None
    if media == STRUCTURED:
        return "structured"
    if media == BATCH:
        return "batch"
    if media is not None and media.startswith("application/cloudevents"):
        raise UnsupportedMediaType(f"{media[:80]!r} is not taken; send {STRUCTURED} or {BATCH}")
    if any(name.startswith(PREFIX.encode()) for name, _ in headers):
        if media is None or is_json(media):
            return "binary"
        raise UnsupportedMediaType(f"event data of type {media[:80]!r} is not taken; send application/json")
    raise UnsupportedMediaType(
        f"this is no CloudEvent: send {STRUCTURED}, {BATCH}, or JSON data with the attributes in ce- headers"
    )


async def _batch(value: Any, limits: Limits) -> tuple[RawEvent, ...]:
    if not isinstance(value, list):
        raise Malformed("a batch is a JSON array of CloudEvents")
    if len(value) > limits.batch:
        raise TooLarge(f"the batch has {len(value)} events; at most {limits.batch} are taken")
    events: list[RawEvent] = []
    errors: dict[int, str] = {}
    slices = Slices()
    for index, item in enumerate(value):
        await slices.rest()
        try:
            events.append(_structured(item, limits))
        except (Malformed, UnsupportedMediaType) as error:
            errors[index] = str(error)
    if errors:
        raise BatchError("invalid", errors)
    return tuple(events)


def _structured(value: Any, limits: Limits) -> RawEvent:
    if not isinstance(value, dict):
        raise Malformed("a CloudEvent is a JSON object")
    given = {name: item for name, item in value.items() if item is not None}
    _check_attributes({name: item for name, item in given.items() if name not in {"data", "data_base64"}})
    if "data_base64" in given:
        _check_base64(given)
    message = HTTPMessage(headers={"content-type": STRUCTURED}, body=json.dumps(given).encode())
    event = _by_sdk(lambda: from_structured(message, JSONFormat(), CloudEvent))
    declared = event.get_datacontenttype()
    if declared is not None and not is_json(media_type(declared)):
        raise UnsupportedMediaType(f"event data of type {declared[:80]!r} is not taken; send application/json")
    data: Any = event.get_data()
    return _raw(event, given, _json(data, limits) if isinstance(data, bytes) else data)


def _check_base64(given: dict[str, Any]) -> None:
    encoded = given["data_base64"]
    if "data" in given:
        raise Malformed("the event has both 'data' and 'data_base64'; send one of them")
    try:
        base64.b64decode(encoded if isinstance(encoded, str) else "?", validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed("'data_base64' is not base64 text") from error


def _binary(headers: Sequence[tuple[bytes, bytes]], body: bytes, limits: Limits) -> RawEvent:
    attributes: dict[str, str] = {}
    for header, value in headers:
        name = header.decode("latin-1").lower()
        if not name.startswith(PREFIX):
            continue
        if name in attributes:
            raise Malformed(f"the header {name!r} is there twice")
        attributes[name] = _header_text(name, value)
    given = {name.removeprefix(PREFIX): _decoded(name, value) for name, value in attributes.items()}
    if {"data", "datacontenttype"} & given.keys():
        raise Malformed(
            "the data is the body and its type is Content-Type; ce-data and ce-datacontenttype do not exist"
        )
    _check_attributes(given)
    if body:
        _json(body, limits)
    # The SDK reads data as JSON only if the type is spelled its way; that it is JSON has been checked.
    message = HTTPMessage(headers={**attributes, "content-type": "application/json"}, body=body)
    event = _by_sdk(lambda: from_binary(message, JSONFormat(), CloudEvent))
    return _raw(event, given, event.get_data())


def _header_text(name: str, value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed(f"the header {name!r} is not UTF-8; percent-encode it") from error


def _decoded(name: str, value: str) -> str:
    try:
        return unquote_to_bytes(value).decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed(f"the header {name!r} is not percent-encoded UTF-8") from error


def _check_attributes(given: dict[str, Any]) -> None:
    """What the SDK would let pass, invent or stumble over."""
    missing = [name for name in REQUIRED if name not in given]
    if missing:
        raise Malformed(f"required attributes are missing: {', '.join(missing)}")
    for name, value in given.items():
        if not isinstance(value, str | bool | int):
            raise Malformed(f"attribute {name[:80]!r} is no string, number or truth value")
    if given["specversion"] != "1.0":
        raise Malformed(f"specversion {str(given['specversion'])[:40]!r} is not taken; send '1.0'")
    if "time" in given:
        _check_time(given["time"])


def _check_time(value: object) -> None:
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise Malformed("attribute 'time' is no RFC 3339 time with a zone, like 2026-01-31T12:00:00Z")
    if not EARLIEST <= int(value[:4]) <= LATEST:
        raise Malformed(f"attribute 'time' is not between {EARLIEST} and {LATEST}: {value[:40]!r}")


def _by_sdk(read: Callable[[], BaseCloudEvent]) -> BaseCloudEvent:
    try:
        return read()
    except _SDK_ERRORS as error:
        raise Malformed(f"not a CloudEvent: {str(error)[:500]}") from error


def _raw(event: BaseCloudEvent, given: dict[str, Any], data: object) -> RawEvent:
    time = event.get_time()
    return RawEvent(
        source=event.get_source(),
        id=event.get_id(),
        type=event.get_type(),
        subject=event.get_subject(),
        # Without one the SDK says "now", and a redelivery would look like another event.
        time=time.astimezone(UTC) if time is not None and "time" in given else None,
        data=data,
    )


def _json(body: bytes, limits: Limits) -> Any:
    try:
        return read_json(body, depth=limits.depth)
    except JsonTextError as error:
        raise Malformed(str(error)) from error
