"""The door by which a world's events reach a Segue of this process. Start with `Door`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from agent.accepting import BatchError
from agent.events import RawEvent
from agent.service import Segue

TENANT = "default"


class Door:
    """`POST /v1/events` for one event at a time; shut until a Segue is behind it."""

    def __init__(self) -> None:
        self.segue: Segue | None = None
        self.app = Starlette(routes=[Route("/v1/events", self._take, methods=["POST"])])

    async def send(self, event: dict[str, Any]) -> str | None:
        """Hand an event over; the id of its run, None for an outcome. Raises `BatchError`."""
        if self.segue is None:
            raise RuntimeError("no Segue is behind the door yet")
        (accepted,) = await self.segue.accept(TENANT, [as_raw(event)])
        return accepted.run

    async def _take(self, request: Request) -> JSONResponse:
        if self.segue is None:
            return JSONResponse({"detail": "not open yet"}, status_code=503)
        try:
            run = await self.send(await request.json())
        except BatchError as error:
            return JSONResponse({"detail": str(error)}, status_code=422)
        return JSONResponse({"run": run}, status_code=202)


def as_raw(event: dict[str, Any]) -> RawEvent:
    """A structured CloudEvent as Segue takes it in."""
    return RawEvent(
        source=event["source"],
        id=event["id"],
        type=event["type"],
        subject=event["subject"],
        time=datetime.fromisoformat(event["time"]),
        data=event["data"],
    )
