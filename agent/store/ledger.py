"""The ledger's rows: claim before a call, result after it, settlement by an operator. Start with `claim`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, bindparam, exists, select, update

from agent.canonical import like as like_of
from agent.store import assignments
from agent.store.dialects import unless_there
from agent.store.large import Stored, put
from agent.store.prepared import Prepared
from agent.store.queue import lock_queue, wake
from agent.store.runs import MINE, Start, held_by, hold
from agent.store.tables import calls, effects, runs
from agent.types import EffectState
from tools.types import JsonObject


@dataclass(frozen=True, kw_only=True)
class Effect:
    """One tool call as the ledger knows it."""

    key: str
    """Idempotency key, `{run}:{decision}:{index}`; sent to the tool."""
    tenant: str
    run: str
    decision: int
    index: int
    tool: str
    subject: str
    arguments: JsonObject
    like: str | None
    """Hash of tool, arguments and subject; None for reads, which block nothing."""
    state: EffectState
    event_type: str = ""
    """Of the run's event; only `asked` knows it."""
    error: str | None = None


@dataclass(frozen=True, kw_only=True)
class Claim:
    """How a claim ended."""

    kind: Literal["fresh", "known", "blocked"]
    """`fresh`: send now. `known`: the key was there before. `blocked`: its like is in doubt."""
    effect: Effect
    """The row under the key; for `blocked` the one that blocks."""


class SettlementError(Exception):
    """An effect that cannot be settled: it is not there (`missing`) or not unknown (`conflict`)."""

    def __init__(self, kind: Literal["missing", "conflict"], detail: str) -> None:
        super().__init__(detail)
        self.kind = kind


# Built once, as they stand on the path of every call.
EFFECT = select(
    effects.c.key,
    effects.c.tenant,
    effects.c.run,
    effects.c.decision,
    effects.c.position.label("index"),
    effects.c.tool,
    effects.c.subject,
    effects.c.arguments,
    effects.c.like,
    effects.c.state,
    effects.c.error,
)
FIND = Prepared(EFFECT.where(effects.c.key == bindparam("effect")))
FOUND = Prepared(EFFECT.where(effects.c.run == bindparam("run"), effects.c.decision == bindparam("decision")))
CLAIM = Prepared(
    unless_there(effects, "result", "large_result", "error", "verified", "settled_by", "settled_reason", "ended_at")
)
IN_DOUBT = Prepared(
    select(effects.c.key).where(
        effects.c.tenant == bindparam("tenant"),
        effects.c.like == bindparam("like"),
        effects.c.state.in_(("claimed", "unknown")),
    )
)
FINISH = Prepared(
    {
        # In the same statement: the run is held while its effect is written.
        name: update(effects)
        .where(effects.c.key == bindparam("effect"), effects.c.state == "claimed", exists(held))
        .values(
            state=bindparam("new_state"),
            result=bindparam("result"),
            large_result=bindparam("large_result"),
            error=bindparam("error"),
            attempts=bindparam("attempts"),
            verified=bindparam("own_result"),
            ended_at=bindparam("ended_at"),
        )
        # SQLite knows no lock of a row, and Python does not count what a statement changed that begins with WITH.
        for name, held in (("sqlite", MINE), ("postgresql", select(MINE.cte("mine"))))
    }
)
ASKED = Prepared(
    select(
        calls.c.position,
        calls.c.tool,
        calls.c.arguments,
        calls.c.verdict,
        runs.c.tenant,
        runs.c.subject,
        runs.c.event_type,
    )
    .join(runs, runs.c.id == calls.c.run)
    .where(calls.c.run == bindparam("run"), calls.c.decision == bindparam("decision"))
)


def effect_key(run: str, decision: int, index: int) -> str:
    """The idempotency key of a call."""
    return f"{run}:{decision}:{index}"


def asked(connection: Connection, run: str, decision: int, *, reads: frozenset[str]) -> Mapping[int, Effect | None]:
    """The effect each call of a decision would have; None for a refused one. `reads`: tools that only read."""
    rows = ASKED.on(connection, {"run": run, "decision": decision})
    return {
        row.position: None
        if row.verdict in ("refused", "rejected")
        else Effect(
            key=effect_key(run, decision, row.position),
            tenant=row.tenant,
            run=run,
            decision=decision,
            index=row.position,
            tool=row.tool,
            subject=row.subject,
            arguments=row.arguments,
            event_type=row.event_type,
            like=None if row.tool in reads else like_of(row.tool, row.arguments, row.subject),
            state="claimed",
        )
        for row in rows
    }


def found(connection: Connection, run: str, decision: int) -> Mapping[int, Effect]:
    """The effects of a decision's calls so far, by the call's index."""
    rows = FOUND.on(connection, {"run": run, "decision": decision}).mappings()
    return {row["index"]: Effect(**row) for row in rows}


def claim(connection: Connection, wanted: Sequence[Effect], owner: str, now: datetime) -> tuple[Claim, ...]:
    """Claim keys of a run that is held and that has none of them, before anything is sent; a claim each."""
    told: dict[str, Claim] = {}
    fresh: dict[str, Effect] = {}
    likes: dict[str, Effect] = {}
    for effect in wanted:
        blocking = _in_doubt(connection, effect.tenant, effect.like) or likes.get(effect.like or "")
        if blocking is not None:
            told[effect.key] = Claim(kind="blocked", effect=blocking)
            continue
        fresh[effect.key] = effect
        if effect.like is not None:
            likes[effect.like] = effect
    if fresh:
        rows = [_claimed(effect, owner, now) for effect in fresh.values()]
        lost = CLAIM.many(connection, rows) != len(rows)
        told |= {key: _look(connection, effect) if lost else _fresh(effect) for key, effect in fresh.items()}
    return tuple(told[effect.key] for effect in wanted)


def _fresh(effect: Effect) -> Claim:
    return Claim(kind="fresh", effect=effect)


def _look(connection: Connection, effect: Effect) -> Claim:
    """Whether a claim was made: another run may have claimed its like at the same moment."""
    if find(connection, effect.key) is not None:
        return _fresh(effect)
    blocking = _in_doubt(connection, effect.tenant, effect.like)
    if blocking is None:
        raise RuntimeError(f"claim of {effect.key!r} failed, yet nothing stands in its way")
    return Claim(kind="blocked", effect=blocking)


def _claimed(effect: Effect, owner: str, now: datetime) -> dict[str, object]:
    return {
        "key": effect.key,
        "tenant": effect.tenant,
        "run": effect.run,
        "decision": effect.decision,
        "position": effect.index,
        "tool": effect.tool,
        "subject": effect.subject,
        "arguments": effect.arguments,
        "like": effect.like,
        "state": "claimed",
        "attempts": 0,
        "owner": owner,
        "started_at": now,
    }


def finish(
    connection: Connection,
    start: Start,
    effect: Effect,
    *,
    state: EffectState,
    result: Stored,
    error: str | None,
    attempts: int,
    verified: float | None,
    now: datetime,
) -> EffectState:
    """Write how the call ended; how it has ended, as an end that is there already stands. Raises `Superseded`."""
    ended = {
        "new_state": state,
        "result": result.value,
        "large_result": result.digest,
        "error": error,
        "attempts": attempts,
        "own_result": verified,
        "ended_at": now,
    }
    if FINISH.on(connection, {"effect": effect.key, **held_by(start), **ended}).rowcount == 1:
        put(connection, effect.tenant, result, now)
        return state
    hold(connection, start)
    known = find(connection, effect.key)
    if known is None:
        raise LookupError(f"no effect {effect.key!r}")
    return known.state


def finish_late(
    connection: Connection, key: str, *, result: Stored, attempts: int, verified: float | None, now: datetime
) -> None:
    """An answer that a worker got after its run was taken from it is still what became of the call."""
    lock_queue(connection)
    effect = find(connection, key)
    changed = connection.execute(
        update(effects)
        .where(effects.c.key == key, effects.c.state.in_(("claimed", "unknown")), effects.c.settled_by.is_(None))
        .values(
            state="done",
            result=result.value,
            large_result=result.digest,
            error=None,
            attempts=attempts,
            verified=verified,
            ended_at=now,
        )
    )
    if changed.rowcount != 1 or effect is None:
        return
    put(connection, effect.tenant, result, now)
    if effect.state == "unknown":
        assignments.forget(connection, "effect", key)
        wake(connection, effect.run, now)


def refuse_call(connection: Connection, run: str, decision: int, index: int, why: str) -> None:
    """A permitted call that found its like in doubt at the last moment becomes a refused one."""
    connection.execute(
        update(calls)
        .where(calls.c.run == run, calls.c.decision == decision, calls.c.position == index)
        .values(verdict="refused", why=why)
    )


def settle_effect(
    connection: Connection,
    tenant: str,
    key: str,
    *,
    state: Literal["done", "failed"],
    result: Stored,
    reason: str | None,
    by: str,
    now: datetime,
) -> Effect:
    """An operator says what became of an unknown effect. Raises `SettlementError`."""
    lock_queue(connection)
    effect = find(connection, key)
    if effect is None or effect.tenant != tenant:
        raise SettlementError("missing", f"no effect {key!r}")
    connection.execute(select(runs.c.id).where(runs.c.id == effect.run).with_for_update())
    effect = find(connection, key) or effect
    changed = connection.execute(
        update(effects)
        .where(effects.c.key == key, effects.c.state == "unknown")
        .values(
            state=state,
            result=result.value if state == "done" else None,
            large_result=result.digest if state == "done" else None,
            error=None if state == "done" else (reason or "settled by an operator: it did not happen"),
            settled_by=by,
            settled_reason=reason,
            ended_at=now,
        )
    )
    if changed.rowcount != 1:
        raise SettlementError("conflict", f"effect {key!r} is {effect.state}; only an unknown effect can be settled")
    if state == "done":
        put(connection, tenant, result, now)
    settled = find(connection, key)
    if settled is None:
        raise LookupError(f"no effect {key!r}")
    assignments.forget(connection, "effect", key)
    wake(connection, effect.run, now)
    return settled


def find(connection: Connection, key: str) -> Effect | None:
    """The effect under a key, without its result: whoever goes on with a run reads its history."""
    rows = FIND.on(connection, {"effect": key}).mappings()
    return Effect(**rows[0]) if rows else None


def _in_doubt(connection: Connection, tenant: str, like: str | None) -> Effect | None:
    if like is None:
        return None
    row = IN_DOUBT.on(connection, {"tenant": tenant, "like": like}).one_or_none()
    return None if row is None else find(connection, row.key)
