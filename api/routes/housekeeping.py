"""Housekeeping of memory: tidying now, and having back what was forgotten."""

# No postponed annotations here: FastAPI reads them while the routes are made.

from fastapi import APIRouter, Request, Response

from api import shapes_memory as shapes
from api.access import Bounds, Governor, Opened
from api.bodies import Json, read_form
from api.forms import KeepForm, TidyForm
from api.openapi import json_body, problems
from api.routes.operators import BODY
from api.routes.runs import known_form

router = APIRouter(tags=["memory"])


@router.post(
    "/v1/memory/tidy",
    response_model=shapes.TidiedKinds,
    responses=problems(**BODY, s404="There is no such event type.", s503="Memory cannot be asked now."),
    openapi_extra=json_body(TidyForm),
)
async def tidy_memory(request: Request, segue: Opened, caller: Governor, limits: Bounds) -> Response:
    """Gather like episodes and forget what is old, harmful or unused, for some seconds; it is done by itself too.

    What is not finished goes on when it is asked for again.
    """
    form = await read_form(request, TidyForm, limits)
    return Json({"items": await segue.housekeeping.tidy(caller.tenant, form.type, dry_run=form.dry_run)})


@router.post(
    "/v1/memory/episodes/{episode}/keep",
    response_model=shapes.KeptEpisode,
    responses=problems(**BODY, s404="There is no such episode.", s409="It is not forgotten: another speaks for it."),
    openapi_extra=json_body(KeepForm),
)
async def keep_episode(request: Request, segue: Opened, caller: Governor, limits: Bounds, episode: str) -> Response:
    """Let a forgotten episode speak again, and never be forgotten any more; of one that speaks nothing changes."""
    name = known_form("episode", episode)
    await read_form(request, KeepForm, limits)
    return Json(await segue.housekeeping.keep(caller.tenant, name, by=caller.name))
