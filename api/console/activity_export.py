"""The files that the page of activity offers: what is filtered, of whoever is signed in. Start with `router`."""

# No postponed annotations here: FastAPI reads them while the routes are made.

from datetime import UTC, datetime
from typing import Literal, cast

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.access import Opened
from api.console.activity_filter import EXPORT, read, wanted
from api.console.run_filter import FilterError
from api.console.sessions import Session, Sessions
from api.exporting import exported
from api.problems import Invalid

router = APIRouter(include_in_schema=False)


@router.get(EXPORT)
async def export(request: Request, segue: Opened, format: Literal["csv", "jsonl"]) -> Response:
    """All lines that the filter in the address finds."""
    sessions = cast("Sessions", request.app.state.console_sessions)
    caller = sessions.require(cast("Session", request.scope["state"]["console"]), "read")
    try:
        filter_ = wanted(read(request.query_params).newest(), datetime.now(UTC))
    except FilterError as error:
        raise Invalid([{"field": "query", "detail": str(error)}]) from error
    return exported(segue, caller.tenant, filter_, format)
