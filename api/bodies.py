"""Request bodies within bounds, and answers that can always be written. Start with `read_body`, `read_form`, `Json`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.responses import Response

from api.intake import Taken
from api.problems import Invalid, Malformed, TooLarge, TooSlow, UnsupportedMediaType
from api.strict_json import JsonTextError, check_storable, read_json

Form = TypeVar("Form", bound=BaseModel)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a request may be at most."""

    body_bytes: int = 1024 * 1024
    batch: int = 500
    """Events in one batch."""
    depth: int = 40
    """Levels of nesting of a whole body; the data of an event has a stricter limit of its own."""
    seconds: float = 30.0
    """Within which a body must have arrived."""
    requests: int = 256
    """Requests with events that are being taken in at once."""
    memory_bytes: int = 32 * 1024 * 1024
    """Of all bodies that are held at once."""


class Json(Response):
    """JSON that can be written whatever the store holds: halves of surrogate pairs become escapes."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """UTF-8 JSON text."""
        text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)
        return text.encode("utf-8", "backslashreplace")


async def read_body(request: Request, limits: Limits, taken: Taken | None = None) -> bytes:
    """The whole body, counted while it comes. Raises `TooLarge`, `TooSlow`, `Busy`."""
    announced = request.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and int(announced[:20]) > limits.body_bytes:
        raise TooLarge(f"the body has {announced[:20]} bytes; at most {limits.body_bytes} are taken")
    body = bytearray()
    try:
        async with asyncio.timeout(limits.seconds):
            async for chunk in request.stream():
                body += chunk
                if taken is not None:
                    taken.more(len(chunk))
                if len(body) > limits.body_bytes:
                    raise TooLarge(f"the body has more than {limits.body_bytes} bytes")
    except TimeoutError as error:
        raise TooSlow(f"the body did not arrive within {limits.seconds:g} s") from error
    return bytes(body)


async def read_form(request: Request, form: type[Form], limits: Limits) -> Form:
    """An operator's JSON body. Raises the errors of `read_body`, `UnsupportedMediaType`, `Malformed`, `Invalid`."""
    media = media_type(request.headers.get("content-type", "application/json"))
    if not is_json(media):
        raise UnsupportedMediaType(f"content type {media[:80]!r} is not taken here; send application/json")
    body = await read_body(request, limits)
    try:
        value = read_json(body, depth=limits.depth)
        check_storable(value)
    except JsonTextError as error:
        raise Malformed(str(error)) from error
    try:
        return form.model_validate(value)
    except ValidationError as error:
        raise Invalid.of(error) from error


def media_type(content_type: str) -> str:
    """The type without its parameters, in lower case. Raises `UnsupportedMediaType` for a charset that is not UTF-8."""
    essence, _, parameters = content_type.partition(";")
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        charset = value.strip().strip('"').lower()
        if name.strip().lower() == "charset" and charset not in {"utf-8", "utf8", "us-ascii"}:
            raise UnsupportedMediaType(f"charset {charset[:40]!r} is not taken; send UTF-8")
    return essence.strip().lower()


def is_json(media: str) -> bool:
    """Whether a media type (lower case, without parameters) says that its content is JSON."""
    kind, _, subtype = media.partition("/")
    return bool(kind) and (subtype == "json" or subtype.endswith("+json"))


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is no JSON value")
