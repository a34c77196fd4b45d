"""Approvals: an operator's one answer to one call or question. Start with `answer`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, and_, func, select, update

from agent.canonical import digest
from agent.store import assignments
from agent.store.decisions import Verdict, save_call
from agent.store.queue import lock_queue, wake
from agent.store.tables import approvals, calls, runs
from agent.types import Call
from tools.types import JsonObject


@dataclass(frozen=True, kw_only=True)
class Approval:
    """What an operator is asked: one call, bound to its exact arguments, or one question."""

    id: str
    tenant: str
    run: str
    decision: int
    index: int
    kind: Literal["call", "question"]
    tool: str | None
    arguments: JsonObject | None
    question: JsonObject | None
    state: Literal["pending", "approved", "rejected"]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An operator's answer, already checked by policy."""

    approval: Approval
    approved: bool
    calls: tuple[Call, ...]
    """What is to be done: the approved call with the arguments the operator saw or edited; several for a question."""
    declined: tuple[Call, ...]
    """What a question offered and the operator turned down."""
    reason: str | None
    by: str


class AlreadyAnswered(Exception):
    """Somebody answered first."""


def find(connection: Connection, tenant: str, approval: str) -> Approval | None:
    """The approval of that id, if the tenant has it."""
    row = (
        connection.execute(select(approvals).where(approvals.c.id == approval, approvals.c.tenant == tenant))
        .mappings()
        .one_or_none()
    )
    if row is None:
        return None
    return Approval(
        id=row["id"],
        tenant=row["tenant"],
        run=row["run"],
        decision=row["decision"],
        index=row["position"],
        kind=row["kind"],
        tool=row["tool"],
        arguments=row["arguments"],
        question=row["question"],
        state=row["state"],
    )


def hold(connection: Connection, tenant: str, approval: str) -> Approval | None:
    """The approval as it stands once its run is held: until the commit nobody else answers, parks or closes it."""
    found = find(connection, tenant, approval)
    if found is None:
        return None
    lock_queue(connection)
    connection.execute(select(runs.c.id).where(runs.c.id == found.run).with_for_update())
    return find(connection, tenant, approval)


def answer(connection: Connection, given: Answer, now: datetime) -> None:
    """Write the answer to an approval that is held and wake the run. Raises `AlreadyAnswered` for a second answer."""
    approval = given.approval
    changed = connection.execute(
        update(approvals)
        .where(approvals.c.id == approval.id, approvals.c.state == "pending")
        .values(
            state="approved" if given.approved else "rejected",
            answered_by=given.by,
            reason=given.reason,
            answered_at=now,
            **_bound(given),
        )
    )
    if changed.rowcount != 1:
        raise AlreadyAnswered(f"approval {approval.id!r} was already answered")
    assignments.forget(connection, "approval", approval.id)
    if approval.kind == "call":
        _edit_call(connection, given)
    else:
        _add_calls(connection, given)
    wake(connection, approval.run, now)


def _bound(given: Answer) -> dict[str, object]:
    if given.approval.kind == "question" or not given.approved:
        return {}
    (call,) = given.calls
    return {"arguments": call.arguments, "arguments_hash": digest(call.arguments)}


def _edit_call(connection: Connection, given: Answer) -> None:
    approval = given.approval
    for call in given.calls:
        connection.execute(
            update(calls)
            .where(
                and_(
                    calls.c.run == approval.run,
                    calls.c.decision == approval.decision,
                    calls.c.position == approval.index,
                )
            )
            .values(arguments=call.arguments, action=call.action)
        )


def _add_calls(connection: Connection, given: Answer) -> None:
    why = given.reason or "turned down by an operator"
    verdicts = [Verdict(call=call, verdict="permitted", why=None, decided_by="operator") for call in given.calls]
    verdicts += [Verdict(call=call, verdict="rejected", why=why, decided_by="operator") for call in given.declined]
    add_calls(connection, given.approval, verdicts)


def add_calls(connection: Connection, approval: Approval, verdicts: Sequence[Verdict]) -> None:
    """Add an operator's calls, permitted or refused, to the decision the approval belongs to."""
    last = connection.execute(
        select(func.coalesce(func.max(calls.c.position), -1)).where(
            calls.c.run == approval.run, calls.c.decision == approval.decision
        )
    ).scalar_one()
    for offset, verdict in enumerate(verdicts, start=last + 1):
        save_call(connection, approval.run, approval.decision, offset, verdict)
