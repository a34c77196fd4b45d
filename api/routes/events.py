"""Events in: `POST /v1/events`, and which types there are."""

# No postponed annotations here: FastAPI reads them while the routes are made.

from fastapi import APIRouter, Request, Response

from agent.store.inbox import Accepted
from api import shapes
from api.access import Opened, Reader, authorized, needs
from api.bodies import Json
from api.cloud_events import receive
from api.openapi import EVENT_BODY, problems

router = APIRouter(tags=["events"])


@router.post(
    "/v1/events",
    status_code=202,
    response_model=shapes.AcceptedEvents,
    responses=problems(
        s408="The body came too slowly.",
        s409="An event is known with another content; none was stored.",
        s413="The body or the batch is too large.",
        s415="No CloudEvent in JSON.",
        s422="An event is not acceptable; none was stored.",
        s429="The queue is full; none was stored. Retry-After says when to send it again.",
        s503="Too many requests are being taken in at once; none was stored. Retry-After says when to try again.",
    ),
    openapi_extra=EVENT_BODY | needs("events"),
)
async def send_events(request: Request) -> Response:
    """Accept one CloudEvent (structured or binary) or a batch, all or nothing.

    Accepted events are stored: a run is started for each, whatever happens to the server. The same event again (same
    source, id and content) gets the same run. A full queue still takes outcomes and events that are known already.
    """
    # Asked for here, not by dependencies: solving those takes as long as all that stands below.
    caller = await authorized(request, "events")
    opened = request.app.state
    with opened.intake.taking() as taken:
        delivery = await receive(request, opened.limits, taken)
        accepted = await opened.segue.accept(caller.tenant, delivery.events)
    return Json({"accepted": [_shown(one) for one in accepted]}, 202)


@router.get("/v1/event-types", response_model=shapes.EventTypes, responses=problems())
async def list_event_types(segue: Opened, caller: Reader) -> Response:
    """Event and outcome types of the portfolio with their schemas."""
    return Json({"items": segue.event_types()})


def _shown(accepted: Accepted) -> dict[str, object]:
    named = {"run": accepted.run} if accepted.run is not None else {"outcome": accepted.outcome}
    return {"source": accepted.source, "id": accepted.id, **named, "duplicate": accepted.duplicate}
