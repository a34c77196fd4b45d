"""What is remembered: outcomes, episodes, their map, and those like a text."""

# No postponed annotations here: FastAPI reads them while the routes are made.

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Response

from api import shapes, shapes_memory
from api.access import Opened, Reader
from api.bodies import Json
from api.forms import MapQuery, OutcomesQuery, PageQuery, SearchQuery, ValueQuery
from api.openapi import problems
from api.routes.runs import known_form, page
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
    "/v1/memory/episodes/{episode}",
    tags=["memory"],
    response_model=shapes_memory.EpisodeStory,
    responses=problems(s404="There is no such episode."),
)
async def show_episode(segue: Opened, caller: Reader, episode: str) -> Response:
    """An episode, whole: how it was decided, what came of it, and what it was used for since."""
    return Json(await segue.memories.episode(caller.tenant, known_form("episode", episode)))


@router.get(
    "/v1/memory/map",
    tags=["memory"],
    response_model=shapes_memory.EpisodeMap,
    responses=problems(s404="There is no such event type.", s503="Memory cannot be asked now."),
)
async def map_memory(segue: Opened, caller: Reader, query: Annotated[MapQuery, Query()]) -> Response:
    """The newest episodes of an event type in two dimensions: like ones lie close."""
    # Written on a thread: 10,000 points are some 3 MB.
    return await asyncio.to_thread(Json, await segue.memories.map(caller.tenant, query.type, query.limit))


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
