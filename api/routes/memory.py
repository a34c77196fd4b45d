"""What is remembered: outcomes, episodes, and those like a text."""

# No postponed annotations here: FastAPI reads them while the routes are made.

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api import shapes
from api.access import Opened, Reader
from api.bodies import Json
from api.forms import OutcomesQuery, PageQuery, ReflexQuery, SearchQuery
from api.openapi import problems
from api.reflex_shapes import ReflexList
from api.routes.runs import page

router = APIRouter()


@router.get("/v1/outcomes", tags=["memory"], response_model=shapes.OutcomePage, responses=problems())
async def list_outcomes(segue: Opened, caller: Reader, query: Annotated[OutcomesQuery, Query()]) -> Response:
    """Outcomes, newest first, with the run each was joined to and its rewards."""
    return page(await segue.memories.outcomes(caller.tenant, query.state, query.cursor, query.limit))


@router.get("/v1/memory/episodes", tags=["memory"], response_model=shapes.EpisodePage, responses=problems())
async def list_episodes(segue: Opened, caller: Reader, query: Annotated[PageQuery, Query()]) -> Response:
    """Episodes, oldest first, with the rewards known by now."""
    return page(await segue.memories.episodes(caller.tenant, query.cursor, query.limit))


@router.get(
    "/v1/memory/search",
    tags=["memory"],
    response_model=shapes.FoundEpisodes,
    responses=problems(s404="There is no such event type.", s503="Memory cannot be asked now."),
)
async def search_memory(segue: Opened, caller: Reader, query: Annotated[SearchQuery, Query()]) -> Response:
    """The episodes of an event type most like a text, most similar first."""
    return Json({"items": await segue.memories.search(caller.tenant, query.type, query.text, query.k)})


@router.get(
    "/v1/memory/reflex",
    tags=["memory"],
    response_model=ReflexList,
    responses=problems(s404="There is no such event type."),
)
async def show_reflex(segue: Opened, caller: Reader, query: Annotated[ReflexQuery, Query()]) -> Response:
    """By event type: decisions of the reflex and of the model, what was spared, and the rewards of both."""
    return Json({"items": await segue.memories.reflex(caller.tenant, query.type)})
