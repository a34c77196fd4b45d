"""Runs written straight into a store, as long ago as a test wants them. Start with `write_run`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, insert

from agent.store.large import Stored, put
from agent.store.tables import (
    approvals,
    calls,
    dead_letters,
    decisions,
    effects,
    episodes,
    inbox,
    outcomes,
    rewards,
    runs,
)

NOW = datetime(2026, 6, 1, tzinfo=UTC)
QUARTER = NOW - timedelta(days=90)


def write_run(
    connection: Connection,
    name: str,
    *,
    days_ago: int = 100,
    status: str = "done",
    effect: str = "done",
    result: Stored | None = None,
    graded: bool = False,
    events: int = 1,
) -> None:
    """A run of subject and id `name` with one decision, call, approval, effect and dead letter, and an episode.

    `graded`: an outcome was joined to it. `events`: how many events share it.
    """
    at = NOW - timedelta(days=days_ago)
    seqs = [_write_event(connection, f"{name}-{number}", name, at, run=name) for number in range(events)]
    shared = {"tenant": "default", "run": name}
    call = {"run": name, "decision": 1, "position": 0, "tool": "look_up", "arguments": {"customer": name}}
    stored = result or Stored(value={"tier": "gold"})
    ended = {"closed_at": at} if status in ("done", "stopped", "failed", "cancelled") else {}
    connection.execute(
        insert(runs).values(
            id=name,
            tenant="default",
            seq=seqs[0],
            event_type="customer.upset",
            subject=name,
            status=status,
            events=events,
            created_at=at,
            **ended,
        )
    )
    connection.execute(
        insert(decisions).values(
            run=name, number=1, kind="act", reason="why", decided_by="script", candidates=[], evidence={}, decided_at=at
        )
    )
    connection.execute(
        insert(calls).values(**call, action="look_up", propensity=1.0, decided_by="script", verdict="permitted")
    )
    connection.execute(
        insert(approvals).values(
            id=f"a-{name}", **shared, decision=1, position=0, kind="call", state="approved", created_at=at
        )
    )
    connection.execute(
        insert(effects).values(
            key=f"{name}:1:0",
            tenant="default",
            **call,
            subject=name,
            state=effect,
            result=stored.value,
            large_result=stored.digest,
            started_at=at,
        )
    )
    put(connection, "default", stored, at)
    connection.execute(
        insert(dead_letters).values(**shared, state="open", code="boom", detail="it broke", history=[], since=at)
    )
    _write_memory(connection, name, at, graded=graded)


def _write_event(connection: Connection, id: str, subject: str, at: datetime, *, run: str | None) -> int:
    written = connection.execute(
        insert(inbox).values(
            tenant="default",
            source="/tests",
            id=id,
            type="customer.upset",
            subject=subject,
            time=at,
            data={"message": "it broke " * 20},
            body_hash=f"hash of {id}",
            received_at=at,
            run=run,
        )
    )
    (seq,) = written.inserted_primary_key or (0,)
    return int(seq)


def _write_memory(connection: Connection, name: str, at: datetime, *, graded: bool) -> None:
    connection.execute(
        insert(episodes).values(
            id=name,
            tenant="default",
            source="/tests",
            event_id=f"{name}-0",
            event_type="customer.upset",
            subject=name,
            text="it broke",
            features={},
            actions=[],
            declined=[],
            decided_by="script",
            trust=1.0,
            closed_at=at,
        )
    )
    if graded:
        seq = _write_event(connection, f"{name}-outcome", name, at, run=None)
        connection.execute(
            insert(outcomes).values(
                id=f"o-{name}",
                tenant="default",
                seq=seq,
                type="customer.stayed",
                subject=name,
                state="joined",
                run=name,
                created_at=at,
            )
        )
        connection.execute(insert(rewards).values(outcome=f"o-{name}", goal="loyalty", run=name, reward=0.5))
