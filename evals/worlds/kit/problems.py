"""Errors as problem+json (RFC 9457): the same shape for everything a world refuses."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException


class ProblemError(Exception):
    """A request that cannot be served; says what was asked, what is wrong, what would be right."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


def problem(status: int, detail: str, **more: object) -> JSONResponse:
    """The answer for an error."""
    detail = detail.encode("utf-8", "replace").decode()
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, **more}
    return JSONResponse(body, status_code=status, media_type="application/problem+json")


def answer_to(error: ProblemError | RequestValidationError | HTTPException) -> Response:
    """Turn an expected error into its answer."""
    if isinstance(error, ProblemError):
        return problem(error.status, error.detail)
    if isinstance(error, RequestValidationError):
        faults = [f"{'.'.join(str(p) for p in fault['loc'])}: {fault['msg']}" for fault in error.errors()[:20]]
        return problem(422, "; ".join(faults)[:2000])
    return problem(error.status_code, str(error.detail))


def install(app: FastAPI) -> None:
    """Answer every expected error of the app as problem+json."""

    async def handle(_: Request, error: Exception) -> Response:
        if isinstance(error, ProblemError | RequestValidationError | HTTPException):
            return answer_to(error)
        raise error

    for kind in (ProblemError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, handle)
