"""What there is to see: runs, tools."""

# No postponed annotations here: FastAPI reads them while the routes are made.

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from agent.errors import NotFound
from agent.store.queries import Page, RunFilter
from api import shapes
from api.access import Opened, Reader, Steerer
from api.bodies import Json
from api.event_stream import MEDIA_TYPE as STREAM
from api.event_stream import EventStream, last_seen
from api.forms import RunsQuery, StreamQuery
from api.openapi import problems

router = APIRouter()

LONGEST_ID = 200


def page(found: Page) -> Response:
    """One page of a list."""
    return Json({"items": found.items, "next": found.next})


def known_form(what: str, name: str) -> str:
    """A name from a path; one that no row can have is not even looked for. Raises `NotFound`."""
    if len(name) > LONGEST_ID or not name.isascii() or not name.isprintable():
        raise NotFound(f"there is no {what} {name[:80]!r}")
    return name


@router.get("/v1/runs", tags=["runs"], response_model=shapes.RunPage, responses=problems())
async def list_runs(segue: Opened, caller: Reader, query: Annotated[RunsQuery, Query()]) -> Response:
    """Runs, newest first."""
    wanted = RunFilter(status=query.status, event_type=query.type, subject=query.subject, source=query.source)
    return page(await segue.runs(caller.tenant, wanted, query.cursor, query.limit))


@router.get(
    "/v1/runs/{run}", tags=["runs"], response_model=shapes.RunShown, responses=problems(s404="There is no such run.")
)
async def show_run(segue: Opened, caller: Reader, run: str) -> Response:
    """A run, whole: decisions with every candidate, effects, approvals, evidence, outcomes."""
    return Json(await segue.run(caller.tenant, known_form("run", run)))


@router.get(
    "/v1/runs/{run}/stream",
    tags=["runs"],
    response_class=Response,
    responses={
        **problems(s404="There is no such run.", s503="Too many streams are open, or Segue is closing."),
        200: {"description": "Events named status, decision, effect, approval, end.", "content": {STREAM: {}}},
        204: {"description": "The run has ended, and all of it was told."},
    },
)
async def stream_run(
    request: Request, segue: Opened, caller: Reader, query: Annotated[StreamQuery, Query()], run: str
) -> Response:
    """A run as server-sent events, until it has ended; goes on after the event named by `Last-Event-ID`."""
    name = known_form("run", run)
    seen = last_seen(request, name, query.last_event_id)
    progress = await segue.news(caller.tenant, name, seen)
    if progress.ended and not any(one.kind == "end" for one in progress.news):
        # What makes a browser stop asking.
        return Response(status_code=204)
    return EventStream(segue, segue.watching.begin(name), tenant=caller.tenant, seen=seen)


@router.post(
    "/v1/runs/{run}/cancel",
    tags=["runs"],
    response_model=shapes.RunShown,
    responses=problems(s404="There is no such run.", s409="It has ended otherwise."),
)
async def cancel_run(segue: Opened, caller: Steerer, run: str) -> Response:
    """Begin no effect of the run any more; a call in flight is waited for. Takes no body; again changes nothing."""
    return Json(await segue.cancel(caller.tenant, known_form("run", run), by=caller.name))


@router.get("/v1/tools", tags=["tools"], response_model=shapes.Tools, responses=problems())
async def list_tools(segue: Opened, caller: Reader) -> Response:
    """Registered tools with their schemas and governance."""
    return Json({"items": segue.tools()})
