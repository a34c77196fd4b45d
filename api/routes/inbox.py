"""What waits for a person: a line of each, and who takes care of it."""

# No postponed annotations here: FastAPI reads them while the routes are made.

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from agent.assigning import KINDS, shown
from agent.store.assignments import Kind
from agent.store.queries import Shown, iso
from agent.store.waits import KINDS as WAITS
from agent.store.waits import Head, Whose
from api import shapes_inbox
from api.access import Access, Bounds, Opened, Reader, Steerer
from api.bodies import Json, read_form
from api.forms_inbox import AssignForm, InboxQuery
from api.openapi import json_body, problems
from api.routes.operators import BODY
from api.routes.runs import known_form

router = APIRouter(tags=["inbox"])


@router.get("/v1/inbox", response_model=shapes_inbox.Inbox, responses=problems())
async def list_inbox(segue: Opened, caller: Reader, query: Annotated[InboxQuery, Query()]) -> Response:
    """Approvals, questions, effects in doubt, dead letters, and pauses that hold runs: the oldest first."""
    kinds = WAITS if query.kind is None else (query.kind,)
    whose = {"all": None, "mine": Whose(name=caller.name), "nobody": Whose(name=None)}[query.whose]
    found = await segue.desk.heads(caller.tenant, kinds, query.limit, whose)
    return Json({"items": [_shown(one) for one in found]})


@router.post(
    "/v1/inbox/{kind}/{item}/assign",
    response_model=shapes_inbox.AssignmentShown,
    responses=problems(
        **BODY,
        s404="There is no such thing.",
        s409="Somebody else has it, or it waits no more.",
        s422="The body is not as it must be, or who is named may not answer it.",
    ),
    openapi_extra=json_body(AssignForm),
)
async def assign(request: Request, segue: Opened, caller: Steerer, limits: Bounds, kind: Kind, item: str) -> Response:
    """Say who takes care of something that waits: `to` a name, null for nobody, and left out for oneself.

    Whoever may answer it still can. Where somebody has it, `from` names them; otherwise the answer says who it is.
    """
    name = known_form({"approval": "approval", "effect": "effect", "letter": "dead letter"}[kind], item)
    form = await read_form(request, AssignForm, limits)
    to = form.to if "to" in form.model_fields_set else caller.name
    access: Access = request.app.state.access
    if to is not None:
        access.check_answers(caller.tenant, kind, to)
    has = await segue.assigning.assign(caller.tenant, kind, name, to=to, held_by=form.held_by, by=caller.name)
    return Json({"kind": kind, "id": name, "assigned": shown(has)})


def _shown(head: Head) -> Shown:
    return {
        "kind": head.kind,
        "assigned_as": KINDS.get(head.kind),
        "id": head.id,
        "since": iso(head.since),
        "run": head.run,
        "subject": head.subject,
        "type": head.event_type,
        "tool": head.tool,
        "says": head.says,
        "held": head.held,
        "assigned": shown(head.assigned),
    }
