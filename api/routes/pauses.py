"""Pausing everything, a tool or an event type, and going on.

What is paused is named in the body, not in the path: types of events may hold slashes.
"""

# No postponed annotations here: FastAPI reads them while the routes are made.

from fastapi import APIRouter, Request, Response

from api import shapes
from api.access import Bounds, Opened, Reader, Steerer
from api.bodies import Json, read_form
from api.forms import PauseForm, ResumeForm
from api.openapi import json_body, problems
from api.routes.operators import BODY

router = APIRouter(tags=["pauses"])

UNKNOWN = "The portfolio has no such tool or event type."


@router.get("/v1/pauses", response_model=shapes.Pauses, responses=problems())
async def list_pauses(segue: Opened, caller: Reader) -> Response:
    """What is paused, oldest first."""
    return Json({"items": await segue.pauses.list(caller.tenant)})


@router.post(
    "/v1/pauses",
    response_model=shapes.PauseShown,
    responses=problems(**BODY, s404=UNKNOWN),
    openapi_extra=json_body(PauseForm),
)
async def pause(request: Request, segue: Opened, caller: Steerer, limits: Bounds) -> Response:
    """Pause everything, a tool or an event type. It holds within a second, everywhere, until it is resumed.

    Events are accepted as ever. What is paused already stays as it is, and is the answer.
    """
    form = await read_form(request, PauseForm, limits)
    return Json(
        await segue.pauses.pause(caller.tenant, form.scope, form.name or "", by=caller.name, reason=form.reason)
    )


@router.post(
    "/v1/pauses/resume",
    response_model=shapes.Resumed,
    responses=problems(**BODY, s404=UNKNOWN),
    openapi_extra=json_body(ResumeForm),
)
async def resume(request: Request, segue: Opened, caller: Steerer, limits: Bounds) -> Response:
    """End a pause: the runs it held go on. Where there is no such pause, nothing changes."""
    form = await read_form(request, ResumeForm, limits)
    return Json(await segue.pauses.resume(caller.tenant, form.scope, form.name or "", by=caller.name))
