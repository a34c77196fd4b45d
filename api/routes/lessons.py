"""Lessons: what was distilled, reworded or retired, and distilling now."""

# No postponed annotations here: FastAPI reads them while the routes are made.

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api import shapes_lessons as shapes
from api.access import Bounds, Governor, Opened, Reader
from api.bodies import Json, read_form
from api.forms import DistilForm, EditLessonForm, LessonsQuery, RetireForm
from api.openapi import json_body, problems
from api.routes.operators import BODY
from api.routes.runs import known_form, page

router = APIRouter(tags=["memory"])

UNKNOWN = "There is no such lesson."


@router.get("/v1/memory/lessons", response_model=shapes.LessonPage, responses=problems())
async def list_lessons(segue: Opened, caller: Reader, query: Annotated[LessonsQuery, Query()]) -> Response:
    """Lessons, newest first; those that stand, unless `state` says otherwise."""
    state = None if query.state == "all" else query.state
    return page(await segue.lessons.page(caller.tenant, query.type, state, query.cursor, query.limit))


@router.post(
    "/v1/memory/lessons/distil",
    response_model=shapes.DistilledKinds,
    responses=problems(**BODY, s404="There is no such event type.", s503="Memory cannot be asked now."),
    openapi_extra=json_body(DistilForm),
)
async def distil_lessons(request: Request, segue: Opened, caller: Governor, limits: Bounds) -> Response:
    """Distil now. It is done in the background too, as outcomes come."""
    form = await read_form(request, DistilForm, limits)
    return Json({"items": await segue.lessons.distil(caller.tenant, form.type)})


@router.get("/v1/memory/lessons/{lesson}", response_model=shapes.LessonShown, responses=problems(s404=UNKNOWN))
async def show_lesson(segue: Opened, caller: Reader, lesson: str) -> Response:
    """One version of a lesson."""
    return Json(await segue.lessons.show(caller.tenant, known_form("lesson", lesson)))


@router.post(
    "/v1/memory/lessons/{lesson}/edit",
    response_model=shapes.LessonShown,
    responses=problems(**BODY, s404=UNKNOWN, s409="It has a later version."),
    openapi_extra=json_body(EditLessonForm),
)
async def edit_lesson(request: Request, segue: Opened, caller: Governor, limits: Bounds, lesson: str) -> Response:
    """A new version in other words; the counts are added. A retired lesson stands again."""
    name = known_form("lesson", lesson)
    form = await read_form(request, EditLessonForm, limits)
    return Json(await segue.lessons.edit(caller.tenant, name, form.text, by=caller.name))


@router.post(
    "/v1/memory/lessons/{lesson}/retire",
    response_model=shapes.LessonShown,
    responses=problems(**BODY, s404=UNKNOWN, s409="It is retired already, or has a later version."),
    openapi_extra=json_body(RetireForm),
)
async def retire_lesson(request: Request, segue: Opened, caller: Governor, limits: Bounds, lesson: str) -> Response:
    """Show it no more. What an operator has retired is not distilled again, nor anything narrower."""
    name = known_form("lesson", lesson)
    form = await read_form(request, RetireForm, limits)
    return Json(await segue.lessons.retire(caller.tenant, name, by=caller.name, reason=form.reason))
