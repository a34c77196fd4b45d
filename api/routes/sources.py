"""Sources of what is remembered: which there are, revoking one, and trusting it again.

The source is named in the body, not in the path: sources are URIs.
"""

# No postponed annotations here: FastAPI reads them while the routes are made.

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api import shapes_sources
from api.access import Bounds, Governor, Opened, Reader
from api.bodies import Json, read_form
from api.forms import RevocationForm, SourcesQuery
from api.openapi import json_body, problems
from api.routes.operators import BODY
from api.routes.runs import page

router = APIRouter(tags=["memory"])

UNKNOWN = "Nothing ever came from such a source."


@router.get("/v1/memory/sources", response_model=shapes_sources.SourcePage, responses=problems())
async def list_sources(segue: Opened, caller: Reader, query: Annotated[SourcesQuery, Query()]) -> Response:
    """Sources of events and outcomes by name, with how much of memory came from each."""
    return page(await segue.sources.list(caller.tenant, query.state, query.cursor, query.limit))


@router.post(
    "/v1/memory/revocations",
    response_model=shapes_sources.SourceChanged,
    responses=problems(**BODY, s404=UNKNOWN),
    openapi_extra=json_body(RevocationForm),
)
async def revoke_source(request: Request, segue: Opened, caller: Governor, limits: Bounds) -> Response:
    """Let nothing that came, or will come, from a source speak in any decision, until it is restored.

    Its episodes and outcomes are kept. What is revoked already stays as it is, and is the answer.
    """
    form = await read_form(request, RevocationForm, limits)
    return Json(await segue.sources.revoke(caller.tenant, form.source, by=caller.name, reason=form.reason))


@router.post(
    "/v1/memory/revocations/restore",
    response_model=shapes_sources.SourceChanged,
    responses=problems(**BODY, s404=UNKNOWN),
    openapi_extra=json_body(RevocationForm),
)
async def restore_source(request: Request, segue: Opened, caller: Governor, limits: Bounds) -> Response:
    """Let a revoked source speak again, with all that came from it meanwhile; of another nothing changes."""
    form = await read_form(request, RevocationForm, limits)
    return Json(await segue.sources.restore(caller.tenant, form.source, by=caller.name, reason=form.reason))
