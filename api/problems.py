"""Every error of the HTTP door as RFC 9457 problem+json. Start with `TABLE`: one row per domain error."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnection
from starlette.exceptions import HTTPException
from starlette.responses import Response

from agent.accepting import BatchError
from agent.errors import Conflict, NotFound, Refused
from agent.pressure import Overloaded
from agent.watching import TooManyWatchers
from api.mistakes import in_words
from memory.recall import MemoryUnavailable

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
TYPE = "urn:segue:problem:"
MOST_ERRORS = 20
LONGEST_DETAIL = 2_000


class Malformed(Exception):
    """The request cannot be read: no JSON, no CloudEvent."""


class TooLarge(Exception):
    """The body, or the batch in it, is larger than is taken."""


class TooSlow(Exception):
    """The body did not arrive in time."""


class Busy(Exception):
    """As much is going on at once as may be."""


class Unavailable(Exception):
    """This server was started without what is asked for."""


class UnsupportedMediaType(Exception):
    """The body is in a format that is not taken here."""


class Unauthorized(Exception):
    """No key, or one that is not known."""


class Forbidden(Exception):
    """The key lacks a scope, or a browser asks on behalf of another site."""


class Misdirected(Exception):
    """The request is for a host this is not."""


class Invalid(Exception):
    """The request can be read but does not have the form it must have; carries what is wrong by field."""

    def __init__(self, errors: Sequence[Mapping[str, Any]]) -> None:
        shown = [f"{error['field']}: {error['detail']}" for error in errors[:MOST_ERRORS]]
        super().__init__("; ".join(shown))
        self.errors = [dict(error) for error in errors[:MOST_ERRORS]]

    @classmethod
    def of(cls, error: ValidationError | RequestValidationError) -> Invalid:
        """What pydantic found, without the values that were sent."""
        return cls(
            [
                {"field": ".".join(str(part) for part in found["loc"]) or "body", "detail": in_words(found["msg"])}
                for found in error.errors()
            ]
        )


@dataclass(frozen=True, kw_only=True)
class Kind:
    """How one sort of error is answered."""

    status: int
    name: str
    title: str
    headers: Mapping[str, str] = field(default_factory=dict)


TABLE: Mapping[type[Exception], Kind] = {
    Malformed: Kind(status=400, name="malformed", title="The request cannot be read"),
    Unauthorized: Kind(
        status=401,
        name="unauthorized",
        title="A known API key is needed",
        headers={"www-authenticate": 'Bearer realm="segue"'},
    ),
    Forbidden: Kind(status=403, name="forbidden", title="Not permitted"),
    NotFound: Kind(status=404, name="not-found", title="There is no such thing"),
    TooSlow: Kind(status=408, name="too-slow", title="The body took too long", headers={"connection": "close"}),
    Conflict: Kind(status=409, name="conflict", title="The state does not allow it any more"),
    TooLarge: Kind(status=413, name="too-large", title="The request is too large", headers={"connection": "close"}),
    UnsupportedMediaType: Kind(status=415, name="unsupported-media-type", title="This format is not taken"),
    Misdirected: Kind(status=421, name="misdirected", title="The request is for another host"),
    Invalid: Kind(status=422, name="invalid", title="The request is not as it must be"),
    Refused: Kind(status=422, name="refused", title="Policy refuses it"),
    Overloaded: Kind(status=429, name="overloaded", title="The queue is full"),
    Busy: Kind(
        status=503,
        name="busy",
        title="Too much at once",
        headers={"retry-after": "1", "connection": "close"},
    ),
    Unavailable: Kind(status=503, name="unavailable", title="Not available here"),
    TooManyWatchers: Kind(
        status=503, name="too-many-streams", title="Too many streams are open", headers={"retry-after": "5"}
    ),
    MemoryUnavailable: Kind(status=503, name="memory-unavailable", title="Memory cannot be asked now"),
}
"""From an error to its answer. `BatchError` has a kind of its own: see `EVENTS`."""

EVENTS: Mapping[str, Kind] = {
    "invalid": Kind(status=422, name="event-invalid", title="An event is not acceptable; none was stored"),
    "conflict": Kind(
        status=409, name="event-conflict", title="An event is known with another content; none was stored"
    ),
}
UNEXPECTED = Kind(status=500, name="internal", title="Segue made a mistake; its log says more")
STORE_UNAVAILABLE = Kind(
    status=503,
    name="store-unavailable",
    title="The store cannot be read or written now; try again",
    headers={"retry-after": "1"},
)
STORE_FAILED = (OperationalError, InterfaceError, NoConnection)
"""The database is away, locked or full: whatever was asked may be asked again."""
NOT_READY = Kind(status=503, name="not-ready", title="Segue cannot work at the moment")


def problem(kind: Kind, detail: str, **more: Any) -> Response:
    """One problem; text that came from outside is cut and made encodable."""
    body = {"type": TYPE + kind.name, "title": kind.title, "status": kind.status, "detail": detail[:LONGEST_DETAIL]}
    text = json.dumps({**body, **more}, ensure_ascii=False)
    return Response(
        text.encode("utf-8", "backslashreplace"),
        status_code=kind.status,
        media_type=MEDIA_TYPE,
        headers=dict(kind.headers),
    )


def install(app: FastAPI) -> None:
    """Answer every known error of the app by the table."""
    for error in TABLE:
        app.add_exception_handler(error, _by_table)
    for failed in STORE_FAILED:
        app.add_exception_handler(failed, _store)
    app.add_exception_handler(BatchError, _batch)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)


def of(error: Exception) -> Response:
    """The answer to an error of the table."""
    kind = next((TABLE[known] for known in type(error).__mro__ if known in TABLE), UNEXPECTED)
    if isinstance(error, Invalid):
        return problem(kind, str(error), errors=error.errors)
    if isinstance(error, Overloaded):
        return problem(replace(kind, headers={"retry-after": str(error.retry_after_s)}), str(error))
    return problem(kind, str(error))


async def _by_table(_request: Request, error: Exception) -> Response:
    return of(error)


async def _batch(_request: Request, error: Exception) -> Response:
    if not isinstance(error, BatchError):
        raise error
    errors = [{"index": index, "detail": detail[:LONGEST_DETAIL]} for index, detail in sorted(error.errors.items())]
    single = error.errors.get(0) if len(error.errors) == 1 else None
    detail = single or f"{len(errors)} events of the batch cannot be accepted; see errors"
    return problem(EVENTS[error.kind], detail, errors=errors)


async def _store(request: Request, error: Exception) -> Response:
    why = store_failure(error)
    log.error("%s %s was not carried out: %s", request.method, ascii(request.url.path), why)
    return problem(STORE_UNAVAILABLE, why)


def store_failure(error: Exception) -> str:
    """What the database says, without the statement and the values in it."""
    said = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    first = str(said).strip().partition("\n")[0]
    return f"{type(said).__name__}: {first}"[:500] if isinstance(error, SQLAlchemyError) else type(error).__name__


async def _validation(_request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    return of(Invalid.of(error))


async def _http(_request: Request, error: Exception) -> Response:
    """Starlette's own errors: unknown routes, wrong methods."""
    if not isinstance(error, HTTPException):
        raise error
    title = HTTPStatus(error.status_code).phrase
    name = title.lower().replace(" ", "-")
    kind = Kind(status=error.status_code, name=name, title=title, headers=error.headers or {})
    return problem(kind, str(error.detail))
