"""The `/_world` routes by which a demo or a test steers and observes a world. Start with `world_routes`."""

import asyncio
import contextlib
import json
import secrets
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Query
from pydantic import BaseModel, ConfigDict, Field

from evals.worlds.kit.faults import Fault, Faults, Mode
from evals.worlds.kit.problems import ProblemError
from evals.worlds.kit.rules import Rules
from evals.worlds.kit.sender import Sender
from evals.worlds.kit.store import Store, as_json, get_meta, set_meta, wipe
from evals.worlds.kit.timeline import advance, now_h

Seed = Annotated[int, Query(ge=-(2**53), le=2**53)]


class FaultRequest(BaseModel):
    """`POST /_world/fault`."""

    model_config = ConfigDict(extra="forbid")
    tool: str = Field(max_length=200)
    mode: Mode | Literal["off"]
    seconds: float = Field(default=30.0, ge=0, le=3600, allow_inf_nan=False)
    times: int | None = Field(default=None, ge=1, le=1_000_000)


@dataclass(frozen=True, kw_only=True)
class _World:
    """What the routes work on."""

    rules: Rules
    store: Store
    faults: Faults
    sender: Sender
    turn: asyncio.Lock
    tools: frozenset[str]

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[sqlite3.Connection]:
        """The store, when it is our turn."""
        async with self.turn:
            with self.store.transaction() as db:
                yield db


def world_routes(
    *, rules: Rules, store: Store, faults: Faults, sender: Sender, turn: asyncio.Lock, tools: frozenset[str]
) -> APIRouter:
    """State, ledger, events, time, faults, arranging, reset."""
    router = APIRouter(prefix="/_world", include_in_schema=False)
    world = _World(rules=rules, store=store, faults=faults, sender=sender, turn=turn, tools=tools)
    _add_views(router, world)
    _add_events(router, world)
    _add_faults(router, world)
    _add_beginnings(router, world)
    return router


def _add_views(router: APIRouter, world: _World) -> None:
    @router.get("/state")
    async def state() -> dict[str, Any]:
        async with world.transaction() as db:
            return {**_kit_state(db), "faults": world.faults.shown(), **world.rules.state(db)}

    @router.get("/ledger")
    async def ledger() -> list[dict[str, Any]]:
        async with world.transaction() as db:
            rows = db.execute("SELECT * FROM ledger ORDER BY id").fetchall()
        return [_ledger_row(row) for row in rows]


def _add_events(router: APIRouter, world: _World) -> None:
    rules = world.rules

    @router.get("/events")
    async def events(
        type_: Annotated[str, Query(alias="type", max_length=200)],
        n: Annotated[int, Query(ge=1, le=1000)] = 5,
        seed: Seed = 0,
    ) -> list[dict[str, Any]]:
        if type_ not in rules.event_types:
            raise ProblemError(422, f"Unknown event type {type_!r}. Known: {', '.join(rules.event_types)}.")
        async with world.transaction() as db:
            return [_made(db, rules, type_, seed, number) for number in range(n)]

    @router.post("/advance")
    async def move_on(hours: Annotated[float, Query(ge=0, le=8760, allow_inf_nan=False)] = 1.0) -> dict[str, Any]:
        async with world.transaction() as db:
            advance(db, hours, rules.happen)
            now = now_h(db)
        sent = await world.sender.flush()
        async with world.transaction() as db:
            return {"hours": hours, "sent": sent, "pending": _outbox(db)["pending"], "now": now}


def _add_faults(router: APIRouter, world: _World) -> None:
    @router.post("/fault")
    async def fault(request: FaultRequest) -> dict[str, Any]:
        if request.tool != "*" and request.tool not in world.tools:
            raise ProblemError(422, f"Unknown tool {request.tool!r}. Known: *, {', '.join(sorted(world.tools))}.")
        if request.mode == "off":
            world.faults.remove(request.tool)
        else:
            world.faults.put(request.tool, Fault(mode=request.mode, seconds=request.seconds, left=request.times))
        return {"faults": world.faults.shown()}


def _add_beginnings(router: APIRouter, world: _World) -> None:
    @router.post("/arrange")
    async def arrange(given: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
        async with world.transaction() as db:
            world.rules.arrange(db, given)
        return {"arranged": sorted(given)}

    @router.post("/reset")
    async def reset(seed: Seed = 0) -> dict[str, Any]:
        async with world.transaction() as db:
            begin(db, world.rules, seed)
        world.faults.remove("*")
        return {"seed": seed, "now": 0.0}


def begin(db: sqlite3.Connection, rules: Rules, seed: int) -> None:
    """Empty the world and fill it anew."""
    wipe(db)
    set_meta(db, "seed", str(seed))
    set_meta(db, "now_h", "0.0")
    set_meta(db, "life", secrets.token_hex(3))
    rules.found(db, seed=seed)


def _made(db: sqlite3.Connection, rules: Rules, type_: str, seed: int, number: int) -> dict[str, Any]:
    known = "SELECT event FROM made WHERE type = ? AND seed = ? AND number = ?"
    row = db.execute(known, (type_, seed, number)).fetchone()
    if row is not None:
        return dict(json.loads(row["event"]))
    event = dict(rules.make_event(db, type_=type_, seed=seed, number=number))
    db.execute("INSERT INTO made VALUES(?, ?, ?, ?)", (type_, seed, number, as_json(event)))
    return event


def _kit_state(db: sqlite3.Connection) -> dict[str, Any]:
    refused = db.execute("SELECT event, error FROM outbox WHERE state = 'refused' ORDER BY id DESC LIMIT 20").fetchall()
    return {
        "now": now_h(db),
        "seed": int(get_meta(db, "seed") or 0),
        "outbox": _outbox(db),
        "refused_events": [{"id": json.loads(row["event"])["id"], "error": row["error"]} for row in refused],
    }


def _outbox(db: sqlite3.Connection) -> dict[str, int]:
    rows = db.execute("SELECT state, count(*) AS n FROM outbox GROUP BY state").fetchall()
    return {"pending": 0, "sent": 0, "refused": 0} | {row["state"]: row["n"] for row in rows}


def _ledger_row(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "key": row["key"],
        "tool": row["tool"],
        "arguments": json.loads(row["arguments"]),
        "delivered_at": row["delivered_at"],
        "applied": bool(row["applied"]),
    }
