"""Dead letters: runs that failed for reasons of their own, with every try. Start with `bury` and `replay`.

A letter is `retrying` while its run is to be tried again, `open` once it has failed for good, then `replayed` or
`discarded` by an operator. Its history holds the tries (`attempt at code detail`) and what operators did with it
(`state at by reason`), in order.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, TypeAlias

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    and_,
    case,
    func,
    insert,
    not_,
    or_,
    select,
    update,
)

from agent.store import assignments
from agent.store.queries import Page, Shown, iso
from agent.store.queue import enter, lock_queue
from agent.store.runs import OPEN
from agent.store.tables import dead_letters as letters
from agent.store.tables import decisions, inbox, runs
from agent.store.whole_run import show_run
from tools.types import JsonObject

LetterState: TypeAlias = Literal["retrying", "open", "replayed", "discarded"]

LONGEST_DETAIL = 4_000

# A run that was tried again and ended otherwise than failed tells nobody: its letter was taken back by that.
TAKEN_BACK = and_(letters.c.state == "retrying", runs.c.status.not_in(OPEN))
GONE = and_(TAKEN_BACK, letters.c.replays == 0)
STATE = case((TAKEN_BACK, "replayed"), else_=letters.c.state)


def note_attempt(
    connection: Connection, run: str, tenant: str, attempt: int, code: str, detail: str, now: datetime
) -> None:
    """Keep a failed try of a run that will be tried again. The run is held by the caller."""
    _put(connection, run, tenant, "retrying", code, detail, [tried(attempt, code, detail, now)], now)


def tried(attempt: int, code: str, detail: str, now: datetime) -> JsonObject:
    """A failed try, as histories have it."""
    return {"attempt": attempt, "at": iso(now), "code": code, "detail": detail}


def bury(
    connection: Connection,
    run: str,
    tenant: str,
    code: str,
    detail: str,
    history: Sequence[JsonObject],
    now: datetime,
) -> None:
    """The run, held by the caller, has failed for good; a second time changes nothing.

    `history` has its tries as `{"attempt", "at", "code", "detail"}`: those that were not noted before are added.
    """
    _put(connection, run, tenant, "open", code, detail, history, now)


def _put(
    connection: Connection,
    run: str,
    tenant: str,
    state: LetterState,
    code: str,
    detail: str,
    tries: Sequence[JsonObject],
    now: datetime,
) -> None:
    tries = [{**one, "detail": str(one.get("detail", ""))[:LONGEST_DETAIL]} for one in tries]
    told = {"state": state, "code": code, "detail": detail[:LONGEST_DETAIL]}
    row = connection.execute(select(letters).where(letters.c.run == run)).one_or_none()
    if row is None:
        connection.execute(insert(letters).values(run=run, tenant=tenant, **told, history=tries, replays=0, since=now))
    elif row.state in ("retrying", "replayed"):
        since = row.since if row.state == state else now
        history = _with_new(row.history, tries)
        connection.execute(update(letters).where(letters.c.run == run).values(**told, history=history, since=since))


def _with_new(history: Sequence[JsonObject], tries: Sequence[JsonObject]) -> list[JsonObject]:
    """Attempts are counted anew after a replay, so only those since then are the same by their number."""
    noted: set[object] = set()
    for entry in history:
        if entry.get("state") == "replayed":
            noted.clear()
        elif "attempt" in entry:
            noted.add(entry["attempt"])
    return [*history, *(one for one in tries if one["attempt"] not in noted)]


def replay(connection: Connection, tenant: str, run: str, by: str, now: datetime) -> LetterState | None:
    """Put the run of an open letter back into the queue; of any other letter nothing is changed.

    The answer is the state the letter had before; None where there is no letter. Effects of the run stay done under
    their keys; its limits count from here on.
    """
    lock_queue(connection)
    row = _hold(connection, tenant, run)
    if row is None or row["shown"] != "open":
        return None if row is None else row["shown"]
    _act(connection, row, {"state": "replayed", "at": iso(now), "by": by}, by, now)
    last = select(func.coalesce(func.max(decisions.c.number), 0)).where(decisions.c.run == run)
    queued = connection.execute(
        update(runs)
        .where(runs.c.id == run, runs.c.status.not_in(OPEN))
        .values(
            status="queued",
            segment=runs.c.segment + 1,
            after_decision=last.scalar_subquery(),
            attempts=0,
            spent_s=0.0,
            owner=None,
            held=None,
            due_at=None,
            gathers_until=None,
            expires_at=None,
            cancelled_by=None,
            segment_started_at=None,
            end_code=None,
            end_detail=None,
            closed_at=None,
        )
    )
    if queued.rowcount != 1:
        raise RuntimeError(f"the dead letter of run {run!r} is open, and so is the run")
    enter(connection, run)
    return "open"


def discard(
    connection: Connection, tenant: str, run: str, by: str, reason: str | None, now: datetime
) -> LetterState | None:
    """Give an open letter up; any other is not changed. The state it had before; None where there is no letter."""
    row = _hold(connection, tenant, run)
    if row is None:
        return None
    if row["shown"] == "open":
        _act(connection, row, {"state": "discarded", "at": iso(now), "by": by, "reason": reason}, by, now)
    state: LetterState = row["shown"]
    return state


def _hold(connection: Connection, tenant: str, run: str) -> RowMapping | None:
    """The letter, which nobody else changes before the commit."""
    connection.execute(select(runs.c.id).where(runs.c.id == run).with_for_update())
    return connection.execute(_letters(tenant).where(letters.c.run == run)).mappings().one_or_none()


def _act(connection: Connection, letter: RowMapping, act: JsonObject, by: str, now: datetime) -> None:
    assignments.forget(connection, "letter", letter["run"])
    connection.execute(
        update(letters)
        .where(letters.c.run == letter["run"])
        .values(
            state=act["state"],
            history=[*letter["history"], act],
            replays=letters.c.replays + int(act["state"] == "replayed"),
            since=now,
            changed_by=by,
            changed_at=now,
        )
    )


def list_letters(
    connection: Connection, tenant: str, state: LetterState | None, cursor: str | None, limit: int
) -> Page:
    """Dead letters of a state (None: of any), newest run first."""
    query = _letters(tenant).order_by(letters.c.run.desc()).limit(limit + 1)
    if state is not None:
        query = query.where(_is(state))
    if cursor is not None:
        query = query.where(letters.c.run < cursor)
    items = [_row(row) for row in connection.execute(query).mappings()]
    return Page(items=items[:limit], next=items[limit - 1]["run"] if len(items) > limit else None)


def find_letter(connection: Connection, tenant: str, run: str) -> Shown | None:
    """A letter as lists show it."""
    row = connection.execute(_letters(tenant).where(letters.c.run == run)).mappings().one_or_none()
    return None if row is None else _row(row)


def show_letter(connection: Connection, tenant: str, run: str) -> Shown | None:
    """A letter with its history, and its run as `record`."""
    row = connection.execute(_letters(tenant).where(letters.c.run == run)).mappings().one_or_none()
    if row is None:
        return None
    return {**_row(row), "history": row["history"], "record": show_run(connection, tenant, run)}


def _letters(tenant: str) -> Select[Any]:
    return (
        select(
            letters,
            STATE.label("shown"),
            runs.c.event_type,
            runs.c.subject,
            runs.c.source,
            inbox.c.id.label("event_id"),
        )
        .join(runs, runs.c.id == letters.c.run)
        .join(inbox, inbox.c.seq == runs.c.seq)
        .where(letters.c.tenant == tenant, not_(GONE))
    )


def _is(state: LetterState) -> ColumnElement[bool]:
    """By the stored state, which has an index, as far as it goes."""
    if state == "retrying":
        return and_(letters.c.state == state, runs.c.status.in_(OPEN))
    if state == "replayed":
        return or_(letters.c.state == state, TAKEN_BACK)
    return letters.c.state == state


def _row(row: RowMapping) -> Shown:
    return {
        "run": row["run"],
        "state": row["shown"],
        "type": row["event_type"],
        "subject": row["subject"],
        "source": row["source"],
        "event_id": row["event_id"],
        "code": row["code"],
        "detail": row["detail"],
        "attempts": sum("attempt" in entry for entry in row["history"]),
        "replays": row["replays"],
        "since": iso(row["since"]),
        "changed_by": row["changed_by"],
        "changed_at": iso(row["changed_at"]),
    }
