"""What operators do: answer approvals and questions, settle effects nobody is sure of."""

# No postponed annotations here: FastAPI reads them while the routes are made.

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from agent.service import GivenAnswer, GivenCall
from api import shapes
from api.access import Approver, Bounds, Opened, Reader, Steerer
from api.bodies import Json, read_form
from api.forms import AnswerForm, ApprovalsQuery, EffectsQuery, SettleForm
from api.openapi import json_body, problems
from api.routes.runs import known_form, page

router = APIRouter()

BODY = {"s408": "The body came too slowly.", "s413": "The body is too large.", "s415": "The body is not JSON."}


@router.get("/v1/approvals", tags=["approvals"], response_model=shapes.ApprovalPage, responses=problems())
async def list_approvals(segue: Opened, caller: Reader, query: Annotated[ApprovalsQuery, Query()]) -> Response:
    """Approvals and questions, newest first; those that wait, unless `state` says otherwise."""
    state = None if query.state == "all" else query.state
    return page(await segue.approvals(caller.tenant, state, query.cursor, query.limit))


@router.get(
    "/v1/approvals/{approval}",
    tags=["approvals"],
    response_model=shapes.ApprovalShown,
    responses=problems(s404="There is no such approval."),
)
async def show_approval(segue: Opened, caller: Reader, approval: str) -> Response:
    """One approval."""
    return Json(await segue.approval(caller.tenant, known_form("approval", approval)))


@router.post(
    "/v1/approvals/{approval}",
    tags=["approvals"],
    response_model=shapes.ApprovalShown,
    responses=problems(
        **BODY,
        s404="There is no such approval.",
        s409="It was already answered.",
        s422="The body is not as it must be, or policy refuses the call.",
    ),
    openapi_extra=json_body(AnswerForm),
)
async def answer_approval(request: Request, segue: Opened, caller: Approver, limits: Bounds, approval: str) -> Response:
    """Answer once. An approval is bound to the exact arguments shown, or to those sent with the answer.

    A call that policy refuses is refused here too; the approval then stays open.
    """
    name = known_form("approval", approval)
    form = await read_form(request, AnswerForm, limits)
    given = GivenAnswer(
        approved=form.answer == "approve",
        arguments=form.arguments,
        tool=form.tool,
        calls=tuple(GivenCall(tool=call.tool, arguments=call.arguments) for call in form.calls or ()),
        reason=form.reason,
        by=caller.name,
    )
    return Json(await segue.answer(caller.tenant, name, given))


@router.get("/v1/effects", tags=["effects"], response_model=shapes.EffectPage, responses=problems())
async def list_effects(segue: Opened, caller: Reader, query: Annotated[EffectsQuery, Query()]) -> Response:
    """Tool calls in the ledger, newest first."""
    return page(await segue.effects(caller.tenant, query.state, query.cursor, query.limit))


@router.get(
    "/v1/effects/{key}/result",
    tags=["effects"],
    response_model=Any,
    responses=problems(s404="There is no such effect.", s409="The effect is not done."),
)
async def show_result(segue: Opened, caller: Reader, key: str) -> Response:
    """The result of an effect, whole; other answers show only an excerpt of a large one."""
    return Json(await segue.effect_result(caller.tenant, known_form("effect", key)))


@router.post(
    "/v1/effects/{key}/settle",
    tags=["effects"],
    response_model=shapes.EffectShown,
    responses=problems(**BODY, s404="There is no such effect.", s409="The effect is not unknown."),
    openapi_extra=json_body(SettleForm),
)
async def settle_effect(request: Request, segue: Opened, caller: Steerer, limits: Bounds, key: str) -> Response:
    """Say what became of an effect whose state is `unknown`; its run goes on, and its like is no longer blocked."""
    name = known_form("effect", key)
    form = await read_form(request, SettleForm, limits)
    return Json(
        await segue.settle(
            caller.tenant, name, state=form.state, result=form.result, reason=form.reason, by=caller.name
        )
    )
