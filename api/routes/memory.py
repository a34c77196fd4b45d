"""What is remembered: outcomes, episodes, and those like a text."""

# No postponed annotations here: FastAPI reads them while the routes are made.

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api import shapes
from api.access import Opened, Reader
from api.bodies import Json
from api.forms import OutcomesQuery, PageQuery, SearchQuery, ValueQuery
from api.openapi import problems
from api.routes.runs import page
from api.shapes_values import Values
from memory.valuing import POLICIES

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
    "/v1/memory/value",
    tags=["memory"],
    response_model=Values,
    responses=problems(s404="There is no such event type."),
)
async def value_policies(segue: Opened, caller: Reader, query: Annotated[ValueQuery, Query()]) -> Response:
    """What other ways to choose would have earned, from logged choices and the rewards of their runs."""
    policies = tuple(POLICIES) if query.policy is None else (query.policy,)
    return Json(await segue.memories.valuations.value(caller.tenant, query.type, policies))
