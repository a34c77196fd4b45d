"""Outcomes that operators give of a run."""

# No postponed annotations here: FastAPI reads them while the routes are made.

from fastapi import APIRouter, Request, Response

from agent.judging import GivenOutcome, thumb
from api import shapes_sources
from api.access import Bounds, Opened, Steerer
from api.bodies import Json, read_form
from api.forms import OutcomeForm
from api.openapi import json_body, problems
from api.routes.operators import BODY
from api.routes.runs import known_form

router = APIRouter(tags=["runs"])


@router.post(
    "/v1/runs/{run}/outcome",
    status_code=202,
    response_model=shapes_sources.OutcomeAccepted,
    responses=problems(
        **BODY,
        s404="There is no such run.",
        s409="The run has decided nothing, or the id is known with another content.",
        s422="The body is not as it must be, or the data does not fit the outcome type.",
    ),
    openapi_extra=json_body(OutcomeForm),
)
async def give_outcome(request: Request, segue: Opened, caller: Steerer, limits: Bounds, run: str) -> Response:
    """Say what became of exactly this run: an outcome of a type of the portfolio, or a thumb up or down.

    It is stored when this is answered, graded soon after, and takes the place of what was said before. A thumb counts
    for the goals that no outcome has graded, and for less than an outcome.
    """
    name = known_form("run", run)
    form = await read_form(request, OutcomeForm, limits)
    return Json(await segue.judging.outcome(caller.tenant, name, _given(form, caller.name)), 202)


def _given(form: OutcomeForm, by: str) -> GivenOutcome:
    if form.thumb is not None:
        return thumb(form.thumb, form.reason, id=form.id, by=by)
    return GivenOutcome(type=form.type or "", data=form.data or {}, id=form.id, by=by)
