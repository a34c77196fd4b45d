"""What is remembered: outcomes, episodes, their map, and those like a text."""

# No postponed annotations here: FastAPI reads them while the routes are made.

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api import shapes, shapes_memory, shapes_uplift
from api.access import Bounds, Governor, Opened, Reader
from api.bodies import Json, read_form
from api.forms import (
    ChangesQuery,
    CurveQuery,
    MapQuery,
    OutcomesQuery,
    PageQuery,
    ReflexQuery,
    SearchQuery,
    SwitchForm,
    UpliftQuery,
    ValueQuery,
)
from api.openapi import json_body, problems
from api.routes.operators import BODY
from api.routes.runs import known_form, page
from api.shapes_changes import Changes
from api.shapes_curve import Curve
from api.shapes_reflex import ReflexList
from api.shapes_values import Values
from memory.valuing import POLICIES

router = APIRouter()


@router.get("/v1/outcomes", tags=["memory"], response_model=shapes.OutcomePage, responses=problems())
async def list_outcomes(segue: Opened, caller: Reader, query: Annotated[OutcomesQuery, Query()]) -> Response:
    """Outcomes, newest first, with the run each was joined to and its rewards."""
    return page(await segue.memories.outcomes(caller.tenant, query.state, query.cursor, query.limit))


@router.get("/v1/memory/episodes", tags=["memory"], response_model=shapes_memory.EpisodePage, responses=problems())
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
    response_model=shapes_memory.FoundEpisodes,
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


@router.get(
    "/v1/memory/uplift",
    tags=["memory"],
    response_model=shapes_uplift.Uplifts,
    responses=problems(s404="There is no such event type."),
)
async def show_uplift(segue: Opened, caller: Reader, query: Annotated[UpliftQuery, Query()]) -> Response:
    """What memory does to rewards, per event type: runs with it beside those that decide without it."""
    return Json({"items": await segue.uplifts.list(caller.tenant, query.type)})


@router.get(
    "/v1/memory/curve",
    tags=["memory"],
    response_model=Curve,
    responses=problems(s404="There is no such event type, or goal."),
)
async def show_curve(segue: Opened, caller: Reader, query: Annotated[CurveQuery, Query()]) -> Response:
    """What the runs of an event type earned as time went by, with memory and without: means with 95 % intervals."""
    return Json(await segue.memories.curves.curve(caller.tenant, query.type, query.goal, query.by))


@router.get("/v1/memory/switches", tags=["memory"], response_model=shapes_uplift.Switches, responses=problems())
async def list_switches(segue: Opened, caller: Reader) -> Response:
    """The last switch of every event type whose memory was ever switched off, oldest first."""
    return Json({"items": await segue.switches.list(caller.tenant)})


@router.post(
    "/v1/memory/switches",
    tags=["memory"],
    response_model=shapes_uplift.SwitchShown,
    responses=problems(**BODY, s404="The portfolio has no such event type."),
    openapi_extra=json_body(SwitchForm),
)
async def switch_memory(request: Request, segue: Opened, caller: Governor, limits: Bounds) -> Response:
    """Switch memory off for an event type, or on again, for runs that have not decided anything yet.

    What is in that state already stays as it is, and is the answer.
    """
    form = await read_form(request, SwitchForm, limits)
    return Json(await segue.switches.switch(caller.tenant, form.type, form.state, by=caller.name, reason=form.reason))


@router.get(
    "/v1/memory/changes",
    tags=["memory"],
    response_model=Changes,
    responses=problems(s404="There is no such event type."),
)
async def list_changes(segue: Opened, caller: Reader, query: Annotated[ChangesQuery, Query()]) -> Response:
    """Actions that turn out otherwise than they used to, latest first: what was learned of them before counts half."""
    return Json({"items": await segue.drifting.list(caller.tenant, query.type)})


@router.get(
    "/v1/memory/reflex",
    tags=["memory"],
    response_model=ReflexList,
    responses=problems(s404="There is no such event type."),
)
async def show_reflex(segue: Opened, caller: Reader, query: Annotated[ReflexQuery, Query()]) -> Response:
    """By event type: decisions of the reflex and of the model, what was spared, and the rewards of both."""
    return Json({"items": await segue.memories.reflex(caller.tenant, query.type)})
