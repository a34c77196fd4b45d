"""Sends an event for an operator, once it is confirmed. Start with `propose_event`, then `send_event`."""

from __future__ import annotations

from typing import Any

from agent.accepting import BatchError
from agent.events import EventError, RawEvent, parse_event
from agent.ids import new_id
from agent.operating import asked
from agent.operating.types import Asker, Card, Found, Proposal
from agent.operating.wording import exact, listed, plain, small
from agent.portfolio.mistakes import suggest
from agent.portfolio.model import EventType, OutcomeType
from agent.pressure import Overloaded
from agent.service import Segue
from tools.arguments import check_arguments
from tools.errors import ToolError
from tools.types import Governance, JsonObject, Tool

SOURCE = "/segue/chat"
TOOL = "send_event"
NAMED = 6


async def propose_event(segue: Segue, asker: Asker, arguments: JsonObject) -> Proposal:
    """A complete event that fits its type's schema, under a new id."""
    kind = _kind(segue, asked.needed(arguments, "type", "one of " + _names(segue)))
    subject = asked.needed(arguments, "subject", "what the event is about, such as a customer or a machine")
    data = arguments.get("data")
    data = {} if data is None else data
    _check_data(kind, data)
    event = {
        "source": SOURCE,
        "id": f"{plain(asker.name, 64)}/{new_id()}",
        "type": kind.name,
        "subject": subject,
        "data": data,
    }
    _check_event(segue, kind, event)
    return Proposal(
        tool=TOOL,
        arguments=event,
        title=f"Send: {kind.name} about {plain(subject)}",
        consequence=await _consequence(segue, asker, kind, event),
        cards=(Card(kind="event", id=kind.name, title=plain(kind.description), detail=small(event)),),
    )


def _names(segue: Segue) -> str:
    return ", ".join([*sorted(segue.portfolio.events), *sorted(segue.portfolio.outcomes)]) or "none: there are no types"


def _kind(segue: Segue, name: str) -> EventType | OutcomeType:
    kinds: dict[str, EventType | OutcomeType] = {**segue.portfolio.events, **segue.portfolio.outcomes}
    kind = kinds.get(name)
    if kind is None:
        hint = suggest(plain(name), kinds, "The portfolio has no event types.")
        raise ToolError(f"there is no event type {plain(name)!r}. {hint}")
    return kind


def _check_data(kind: EventType | OutcomeType, data: object) -> None:
    """Raises `ToolError` with every mistake: which field, what is wrong, what would be right."""
    form = Tool(
        name=TOOL, description="", parameters=kind.schema, returns=None, source="segue", governance=Governance()
    )
    mistakes = [
        "data" + one.removeprefix("arguments") if one.startswith("arguments") else one
        for one in check_arguments(form, data)
    ]
    if mistakes:
        raise ToolError(f"the event's data does not fit {kind.name}. {' '.join(mistakes)} {_fields(kind)}".strip())


def _fields(kind: EventType | OutcomeType) -> str:
    properties: Any = kind.schema.get("properties") or {}
    required: Any = kind.schema.get("required") or ()
    names = [f"{plain(name)}{' (needed)' if name in required else ''}" for name in properties]
    return f"Its fields: {', '.join(names[:20])}." if names else ""


def _raw(event: JsonObject) -> RawEvent:
    source, name, kind, subject = (str(event[one]) for one in ("source", "id", "type", "subject"))
    return RawEvent(source=source, id=name, type=kind, subject=subject, time=None, data=event["data"])


def _check_event(segue: Segue, kind: EventType | OutcomeType, event: JsonObject) -> None:
    try:
        parse_event(_raw(event), {kind.name: kind.schema}, segue.desk.now())
    except EventError as error:
        raise ToolError(f"the event cannot be sent: {error}") from None


async def _consequence(segue: Segue, asker: Asker, kind: EventType | OutcomeType, event: JsonObject) -> str:
    what = f"Sends {kind.name} about {plain(event['subject'])} with the data {exact(event['data'])}"
    if isinstance(kind, OutcomeType):
        return f"{what}: an outcome, which starts no run; it is joined to the run it belongs to and graded."
    names = sorted(plain(name) for name in kind.allow)
    tools = listed(names[:NAMED]) if len(names) <= NAMED else f"{', '.join(names[:NAMED])} or {len(names) - NAMED} more"
    held = ""
    for scope, name in (("all", ""), ("event", kind.name)):
        pause, _ = await segue.desk.pause(asker.tenant, "all" if scope == "all" else "event", name)
        if pause is not None:
            held = f" It waits at first, as {'everything' if scope == 'all' else kind.name} is paused."
    calls = f"It may call {tools}: really, as for any event." if names else "It may call no tool."
    return f"{what}, and starts a run. {calls}{held}"


async def send_event(segue: Segue, asker: Asker, arguments: JsonObject) -> Found:
    """Send the confirmed event, once: its id makes a second time the same event. Raises `ToolError` then."""
    asked.permit(asker, "events")
    try:
        (accepted,) = await segue.accept(asker.tenant, [_raw(arguments)], by=asker.name)
    except BatchError as error:
        raise ToolError(f"the event was not accepted: {error}") from None
    except Overloaded as error:
        raise ToolError(f"the event was not accepted: {error}. Try again in {error.retry_after_s} s.") from None
    if accepted.duplicate:
        made = f"run {accepted.run}" if accepted.run else f"outcome {accepted.outcome}"
        raise ToolError(f"this event was sent already, it is {made}; ask for a new one to send another")
    kind, subject = plain(arguments["type"]), plain(arguments["subject"])
    if accepted.run is None:
        words = f"Sent: the outcome {kind} about {subject} ({accepted.outcome}). It is joined to its run in a moment."
        return Found(data={"outcome": accepted.outcome, "id": arguments["id"]}, words=words)
    return Found(
        data={"run": accepted.run, "id": arguments["id"], "source": SOURCE},
        words=f"Sent: {kind} about {subject}. Its run is {accepted.run}.",
        cards=(Card(kind="run", id=accepted.run, title=f"{kind} about {subject}"),),
        suggestions=(f"explain run {accepted.run}", f"what happened with {subject} today?"),
    )
