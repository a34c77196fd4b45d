"""Dead letters: runs that failed for reasons of their own, and what operators do with them."""

# No postponed annotations here: FastAPI reads them while the routes are made.

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api import shapes_dead_letters
from api.access import Bounds, Opened, Reader, Steerer
from api.bodies import Json, read_form
from api.forms import DeadLettersQuery, DiscardForm
from api.openapi import json_body, problems
from api.routes.operators import BODY
from api.routes.runs import known_form, page

router = APIRouter(tags=["dead letters"])

NONE = "There is no such dead letter."


@router.get("/v1/dead-letters", response_model=shapes_dead_letters.DeadLetterPage, responses=problems())
async def list_dead_letters(segue: Opened, caller: Reader, query: Annotated[DeadLettersQuery, Query()]) -> Response:
    """Dead letters, newest run first; those that are open, unless `state` says otherwise."""
    state = None if query.state == "all" else query.state
    return page(await segue.dead.list(caller.tenant, state, query.cursor, query.limit))


@router.get("/v1/dead-letters/{run}", response_model=shapes_dead_letters.DeadLetterShown, responses=problems(s404=NONE))
async def show_dead_letter(segue: Opened, caller: Reader, run: str) -> Response:
    """One dead letter: every try, what operators did with it, and the run's own record."""
    return Json(await segue.dead.show(caller.tenant, known_form("dead letter", run)))


@router.post(
    "/v1/dead-letters/{run}/replay",
    response_model=shapes_dead_letters.DeadLetterRow,
    responses=problems(s404=NONE, s409="It was discarded."),
)
async def replay_dead_letter(segue: Opened, caller: Steerer, run: str) -> Response:
    """Handle the run again. What it did stays done; its limits count anew. Takes no body.

    A letter that was replayed already, or whose run is being tried again anyway, stays as it is and is the answer.
    """
    return Json(await segue.dead.replay(caller.tenant, known_form("dead letter", run), by=caller.name))


@router.post(
    "/v1/dead-letters/{run}/discard",
    response_model=shapes_dead_letters.DeadLetterRow,
    responses=problems(**BODY, s404=NONE, s409="It was replayed, or its run is being tried again."),
    openapi_extra=json_body(DiscardForm),
)
async def discard_dead_letter(request: Request, segue: Opened, caller: Steerer, limits: Bounds, run: str) -> Response:
    """Give the letter up; it is kept with its history. One that was discarded already is the answer."""
    name = known_form("dead letter", run)
    form = await read_form(request, DiscardForm, limits)
    return Json(await segue.dead.discard(caller.tenant, name, by=caller.name, reason=form.reason))
