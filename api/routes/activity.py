"""Who did what."""

# No postponed annotations here: FastAPI reads them while the routes are made.

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.access import Opened, Reader
from api.exporting import MEDIA_TYPES, exported
from api.forms import ActivityQuery
from api.openapi import problems
from api.routes.runs import page
from api.shapes_activity import ActivityPage

router = APIRouter(tags=["activity"])


@router.get(
    "/v1/activity",
    response_model=ActivityPage,
    responses={**problems(), 200: {"content": {media: {} for media in MEDIA_TYPES.values()}}},
)
async def list_activity(segue: Opened, caller: Reader, query: Annotated[ActivityQuery, Query()]) -> Response:
    """What people did by any door, newest first, and what Segue switched by itself; or all of it as a file."""
    if query.format != "json":
        return exported(segue, caller.tenant, query.wanted(), query.format)
    cursor = None if query.cursor is None else int(query.cursor)
    return page(await segue.activity.page(caller.tenant, query.wanted(), cursor, query.limit))
