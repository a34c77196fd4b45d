"""What is new about a run for one who has seen so much of it. Start with `news`.

Everything is read from the rows that are there anyway. Effects and approvals are told in every stage, also in those
that were over before anybody looked; of the run's status only the newest is known.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, TypeAlias

from sqlalchemy import Column, ColumnElement, Connection, Row, Table, Text, bindparam, case, cast, func, select, tuple_

from agent.seen import ANSWERED, ASKED, BEGINNING, CLAIMED, ENDED_CALL, SETTLED, Seen, Standing
from agent.store.queries import Shown, iso
from agent.store.tables import approvals, calls, decisions, effects, runs

LARGEST_VALUE = 4_096
"""Characters of arguments or of a result that is told; `large` stands for a longer one."""
LONGEST_WORDS = 2_000

NewsKind: TypeAlias = Literal["status", "decision", "approval", "effect", "end"]
_RANKS: Mapping[str, int] = {"began": 0, "decision": 1, "approval": 2, "effect": 3, "status": 4, "end": 5}


@dataclass(frozen=True, kw_only=True)
class News:
    """One thing that happened to a run."""

    kind: NewsKind
    data: Shown
    seen: Seen
    """What has been seen once this was told."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """A run as one sees it who follows it."""

    news: tuple[News, ...]
    ended: bool


@dataclass(frozen=True, kw_only=True)
class _Change:
    kind: NewsKind
    at: datetime
    rank: int
    data: Shown
    decision: int = 0
    position: int = 0
    stage: int = 0
    standing: Standing = BEGINNING

    def order(self) -> tuple[bool, bool, datetime, int, int, int, int]:
        """By time, then by kind; where the run stands now comes last, unless it is what it began with."""
        last = self.kind == "end", self.kind == "status" and self.rank != _RANKS["began"]
        return *last, self.at, self.rank, self.decision, self.position, self.stage

    def after(self, seen: Seen) -> Seen:
        """What has been seen once this was told too."""
        match self.kind:
            case "decision":
                return replace(seen, decisions=self.decision)
            case "effect":
                return seen.with_effect(self.decision, self.position, self.stage)
            case "approval":
                return seen.with_approval(self.decision, self.position, self.stage)
            case _:
                return replace(seen, standing=self.standing)


def _columns(table: Table, *names: str) -> list[Column[Any]]:
    return [table.c[name] for name in names]


def _number_of(column: Any) -> Any:
    """How many of a run's rows have this column, as part of a query of runs."""
    table = column.table
    return select(func.count(column)).where(table.c.run == runs.c.id).scalar_subquery()


# Built once: asked again and again while somebody follows.
MARKS = select(
    runs.c.id,
    runs.c.status,
    runs.c.segment,
    runs.c.attempts,
    runs.c.held,
    select(func.max(decisions.c.number)).where(decisions.c.run == runs.c.id).scalar_subquery(),
    _number_of(effects.c.key),
    _number_of(effects.c.ended_at),
    _number_of(effects.c.settled_by),
    _number_of(approvals.c.id),
    _number_of(approvals.c.answered_at),
).where(runs.c.id.in_(bindparam("runs", expanding=True)))
RUN = select(runs).where(runs.c.id == bindparam("run"), runs.c.tenant == bindparam("tenant"))
NEW_DECISIONS = (
    select(*_columns(decisions, "number", "kind", "reason", "decided_by", "tokens", "degraded", "decided_at"))
    .where(decisions.c.run == bindparam("run"), decisions.c.number > bindparam("seen"))
    .order_by(decisions.c.number)
)
THEIR_CALLS = (
    select(*_columns(calls, "decision", "position", "tool", "action", "purpose", "verdict", "why"))
    .where(calls.c.run == bindparam("run"), calls.c.decision > bindparam("seen"))
    .order_by(calls.c.decision, calls.c.position)
)
EFFECTS = select(*_columns(effects, "decision", "position", "state", "settled_by", "started_at", "ended_at")).where(
    effects.c.run == bindparam("run"), effects.c.decision <= bindparam("newest")
)
APPROVALS = select(
    *_columns(
        approvals,
        "id",
        "decision",
        "position",
        "kind",
        "tool",
        "state",
        "answered_by",
        "reason",
        "created_at",
        "answered_at",
    )
).where(approvals.c.run == bindparam("run"), approvals.c.decision <= bindparam("newest"))


def marks(connection: Connection, followed: Sequence[str]) -> Mapping[str, Hashable]:
    """Of each run a mark that is another one when there is news about it."""
    return {row[0]: tuple(row) for row in connection.execute(MARKS, {"runs": list(followed)})}


def news(connection: Connection, tenant: str, run: str, seen: Seen) -> Progress | None:
    """What the holder of `seen` has not been told, in the order of telling; None for an id that is no run's."""
    # The run first: where a reader sees commits of others meanwhile, all that came before its end is seen after it.
    row = connection.execute(RUN, {"run": run, "tenant": tenant}).one_or_none()
    if row is None:
        return None
    changes = list(_decisions(connection, run, seen.decisions))
    newest = max([seen.decisions, *(change.decision for change in changes)])
    decided = {change.decision: change.at for change in changes}
    changes += _effects(connection, run, seen, newest, decided)
    changes += _approvals(connection, run, seen, newest, decided)
    standing = Standing(status=row.status, segment=row.segment, attempts=row.attempts, held=row.held is not None)
    if standing != seen.standing:
        changes.append(_standing(row, standing, first=not seen.standing.status))
    told = []
    for change in sorted(changes, key=_Change.order):
        seen = change.after(seen)
        told.append(News(kind=change.kind, data={"run": run, **change.data}, seen=seen))
    return Progress(news=tuple(told), ended=standing.ended)


def _standing(row: Row[Any], standing: Standing, *, first: bool) -> _Change:
    shown: Shown = {"status": standing.status}
    if standing.ended:
        at = row.closed_at or row.created_at
        shown |= {"code": row.end_code, "detail": _words(row.end_detail), "at": iso(at)}
        return _Change(kind="end", at=at, rank=_RANKS["end"], data=shown, standing=standing)
    at, rank = row.created_at, _RANKS["status"]
    if standing.status == "running" and row.segment_started_at is not None:
        at, rank = row.segment_started_at, _RANKS["began"]
    elif standing.status == "queued" and first and standing.segment == 0:
        rank = _RANKS["began"]
    shown |= {"segment": standing.segment, "attempts": standing.attempts, "held": row.held, "due_at": iso(row.due_at)}
    return _Change(kind="status", at=at, rank=rank, data=shown, standing=standing)


def _decisions(connection: Connection, run: str, seen: int) -> Iterator[_Change]:
    found = connection.execute(NEW_DECISIONS, {"run": run, "seen": seen}).all()
    asked: dict[int, list[Shown]] = {}
    for call in connection.execute(THEIR_CALLS, {"run": run, "seen": seen}) if found else ():
        shown = {"index": call.position, "tool": call.tool, "action": call.action, "purpose": call.purpose}
        asked.setdefault(call.decision, []).append({**shown, "verdict": call.verdict, "why": _words(call.why)})
    at: datetime | None = None
    for row in found:
        # A clock that was set back must not turn the order round: the last number stands for all before it.
        at = row.decided_at if at is None else max(at, row.decided_at)
        data = {
            "number": row.number,
            "kind": row.kind,
            "reason": _words(row.reason),
            "decided_by": row.decided_by,
            "tokens": row.tokens,
            "degraded": _words(row.degraded),
            "calls": asked.get(row.number, []),
            "at": iso(row.decided_at),
        }
        yield _Change(kind="decision", at=at, rank=_RANKS["decision"], data=data, decision=row.number)


def _effects(
    connection: Connection, run: str, seen: Seen, newest: int, decided: Mapping[int, datetime]
) -> Iterator[_Change]:
    found = connection.execute(EFFECTS, {"run": run, "newest": newest}).all()
    new = [row for row in found if _effect_stage(row) > seen.effect(row.decision, row.position)]
    details = _details(connection, run, [(row.decision, row.position) for row in new])
    for row in new:
        at = max(row.started_at, decided.get(row.decision, row.started_at))
        detail = details[row.decision, row.position]
        for stage in range(seen.effect(row.decision, row.position) + 1, _effect_stage(row) + 1):
            if stage != CLAIMED:
                at = max(at, row.ended_at)
            yield _Change(
                kind="effect",
                at=at,
                rank=_RANKS["effect"],
                data=_effect(row, detail, stage),
                decision=row.decision,
                position=row.position,
                stage=stage,
            )


def _effect_stage(row: Row[Any]) -> int:
    if row.settled_by is not None:
        return SETTLED
    return CLAIMED if row.state == "claimed" else ENDED_CALL


def _effect(row: Row[Any], detail: Row[Any], stage: int) -> Shown:
    shown: Shown = {"key": detail.key, "decision": row.decision, "index": row.position, "tool": detail.tool}
    if stage == CLAIMED:
        return {**shown, "state": "claimed", **_value("arguments", detail.arguments), "at": iso(row.started_at)}
    if stage == ENDED_CALL and row.settled_by is not None:
        # Only what was unknown is ever settled; when the call ended is not kept.
        return {**shown, "state": "unknown", "at": None}
    shown |= {"state": row.state, "attempts": detail.attempts, "at": iso(row.ended_at)}
    if row.state == "done":
        large = detail.large_result is not None
        shown |= {"result": None, "large": True} if large else _value("result", detail.result)
    if detail.error is not None:
        shown["error"] = _words(detail.error)
    return shown if stage == ENDED_CALL else {**shown, "settled_by": row.settled_by}


def _details(connection: Connection, run: str, wanted: Sequence[tuple[int, int]]) -> Mapping[tuple[int, int], Row[Any]]:
    """The wide columns, of those effects only that are told, and no long values."""
    if not wanted:
        return {}
    query = select(
        *_columns(effects, "decision", "position", "key", "tool", "attempts", "error", "large_result"),
        _short(effects.c.arguments).label("arguments"),
        _short(effects.c.result).label("result"),
    ).where(effects.c.run == run, tuple_(effects.c.decision, effects.c.position).in_(wanted))
    found: Sequence[Any] = connection.execute(query).all()
    return {(row.decision, row.position): row for row in found}


def _short(column: ColumnElement[Any]) -> ColumnElement[str | None]:
    text = cast(column, Text)
    return case((column.is_(None), None), (func.length(text) <= LARGEST_VALUE, text), else_="")


def _value(name: str, text: str | None) -> Shown:
    if text == "":
        return {name: None, "large": True}
    return {name: None if text is None else json.loads(text)}


def _approvals(
    connection: Connection, run: str, seen: Seen, newest: int, decided: Mapping[int, datetime]
) -> Iterator[_Change]:
    for row in connection.execute(APPROVALS, {"run": run, "newest": newest}):
        stage_now = ASKED if row.state == "pending" else ANSWERED
        at = max(row.created_at, decided.get(row.decision, row.created_at))
        shown: Shown = {
            "approval": row.id,
            "decision": row.decision,
            "index": row.position,
            "kind": row.kind,
            "tool": row.tool,
        }
        for stage in range(seen.approval(row.decision, row.position) + 1, stage_now + 1):
            data = {**shown, "state": "pending", "at": iso(row.created_at)}
            if stage == ANSWERED:
                at = max(at, row.answered_at or at)
                data |= {"state": row.state, "answered_by": row.answered_by, "reason": _words(row.reason)}
                data["at"] = iso(row.answered_at)
            yield _Change(
                kind="approval",
                at=at,
                rank=_RANKS["approval"],
                data=data,
                decision=row.decision,
                position=row.position,
                stage=stage,
            )


def _words(text: str | None) -> str | None:
    return None if text is None else text[:LONGEST_WORDS]
