"""What is written down of acts whose lines take more than a word. Start with `note_answer`."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from agent.acts import Thing, of_run
from agent.doors import Doer
from agent.store import activity
from agent.store.approvals import Answer
from agent.store.inbox import Accepted, Incoming
from agent.store.ledger import Effect


def note_answer(connection: Connection, done_by: Doer, answer: Answer) -> None:
    """Which tools an operator said yes or no to, and which of the arguments shown were edited: names, no values."""
    approval = answer.approval
    tools = dict.fromkeys(call.tool for call in answer.calls) or ([approval.tool] if approval.tool else [])
    activity.write(
        connection,
        done_by,
        "approved" if answer.approved else "rejected",
        Thing(kind="approval", id=approval.id, run=approval.run),
        asked=approval.kind,
        tool=", ".join(tools) or None,
        edited=_edited(answer) or None,
        reason=answer.reason,
    )


def _edited(answer: Answer) -> list[str]:
    approval = answer.approval
    if approval.kind == "question" or not answer.approved:
        return []
    shown, given = approval.arguments or {}, answer.calls[0].arguments
    return sorted(name for name in shown.keys() | given.keys() if shown.get(name) != given.get(name))


def note_settled(connection: Connection, done_by: Doer, effect: Effect, reason: str | None) -> None:
    """What became of which call; not its result."""
    about = Thing(kind="effect", id=effect.key, run=effect.run)
    activity.write(connection, done_by, "settled", about, tool=effect.tool, state=effect.state, reason=reason)


def note_sent(connection: Connection, done_by: Doer, accepted: Sequence[Accepted], sent: Sequence[Incoming]) -> None:
    """Each event that was not known before; not its data."""
    for one, incoming in zip(accepted, sent, strict=True):
        if not one.duplicate:
            about = of_run(one.run) if one.run is not None else Thing(kind="outcome", id=one.outcome or "")
            activity.write(connection, done_by, "event_sent", about, type=incoming.event.type)
