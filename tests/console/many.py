"""A store with as many runs as one likes, written through the real tables. Start with `write_many`.

The past of the shop of `tests.console.shop`: a run a minute until `until`, each with its event, decision, call,
effect, episode and, in two of three, an outcome; one in ten decided without memory. The index is given the newest
episodes, with vectors near those of a few texts, since embedding each of them would take minutes.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Connection, Table, insert

from agent.store.database import Database
from agent.store.tables import calls, decisions, effects, episodes, inbox, outcomes, rewards, runs
from memory.embedding import Embedder
from memory.index import EpisodeIndex

TYPE = "customer.upset"
SOURCES = ("/shop", "/shop", "/shop", "/app", "/kiosk")
RARE = "/fax"
"""Of one run in a thousand."""
TEXTS = tuple(
    f"the {what} {how}"
    for what in ("parcel", "refund", "order", "invoice", "voucher", "return")
    for how in ("is late", "came twice", "is broken", "never came", "is too dear")
)
SLICE = 5_000


@dataclass(frozen=True, kw_only=True)
class Many:
    """What was written."""

    number: int
    newest: str
    oldest: str
    rare: int
    """Runs of the rare source."""


def name_of(place: int) -> str:
    """The id of the run at a place from 1 on, in the form of an id."""
    return f"01{place:024d}"


def write_many(connection: Connection, number: int, until: datetime) -> Many:
    """Write so many runs, the last one closed at `until`. Takes some ten seconds for 100,000."""
    draw = random.Random(number)
    for start in range(1, number + 1, SLICE):
        places = range(start, min(number + 1, start + SLICE))
        rows = [_rows(place, until - timedelta(minutes=number - place), draw) for place in places]
        _insert(connection, inbox, [one["outcome"] for one in rows if "outcome" in one])
        for table in (inbox, runs, decisions, calls, effects, episodes, outcomes, rewards):
            _insert(connection, table, [one[table.name] for one in rows if table.name in one])
    return Many(number=number, newest=name_of(number), oldest=name_of(1), rare=number // 1_000)


def _insert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        connection.execute(insert(table), list(rows))


def _rows(place: int, at: datetime, draw: random.Random) -> dict[str, dict[str, Any]]:
    run, subject = name_of(place), f"c-{place % 5_000}"
    source = RARE if place % 1_000 == 0 else SOURCES[draw.randrange(len(SOURCES))]
    text, arm = f"{TEXTS[draw.randrange(len(TEXTS))]}, case {place}", "control" if draw.random() < 0.1 else "memory"
    shared = {"tenant": "default", "subject": subject, "source": source}
    failed = draw.random() < 0.02
    event = {"seq": 2 * place - 1, "id": f"e-{place}", "type": TYPE, "time": at, "data": {"message": text}}
    row = {"id": run, "seq": 2 * place - 1, "event_type": TYPE, "status": "failed" if failed else "done"}
    ended = {"end_code": "finished", "end_detail": "nothing more to do", "closed_at": at, "decided_by": "planner"}
    decision = {"run": run, "number": 1, "kind": "act", "reason": "to calm the customer", "decided_by": "planner"}
    asked = {"run": run, "decision": 1, "position": 0, "tool": "pause_mail", "arguments": {"customer": subject}}
    taken = {"action": "pause_mail", "tool": "pause_mail", "decided_by": "planner", "propensity": 1.0, "prior": 0.6}
    made = {
        "inbox": {**shared, **event, "body_hash": run, "received_at": at, "run": run},
        "runs": {**shared, **row, **ended, "created_at": at, "in_line": False},
        "decisions": {**decision, "candidates": [], "evidence": {}, "decided_at": at, "arm": arm, "swayed": True},
        "calls": {**asked, "action": "pause_mail", "propensity": 1.0, "decided_by": "planner", "verdict": "permitted"},
        "effects": {**asked, "key": f"{run}:1:0", "tenant": "default", "subject": subject, "state": "done"}
        | {"result": {"paused": True}, "attempts": 1, "started_at": at, "ended_at": at},
        "episodes": {**shared, "id": run, "event_id": f"e-{place}", "event_type": TYPE, "text": text}
        | {"features": {"tier": draw.choice(("gold", "silver"))}, "actions": [taken], "declined": []}
        | {"decided_by": "planner", "trust": 1.0, "closed_at": at, "indexed": True, "left_out": False}
        | {"arm": arm, "memory_share": 0.9, "swayed": True},
    }
    if place % 3 and not failed:
        made |= _judged(place, at, shared, draw.random() < (0.8 if arm == "memory" else 0.6))
    return made


def _judged(place: int, at: datetime, shared: Mapping[str, Any], good: bool) -> dict[str, dict[str, Any]]:
    run, name, seq = name_of(place), f"02{place:024d}", 2 * place
    event = {"seq": seq, "id": f"o-{place}", "type": "customer.stayed", "time": at, "data": {"loyalty": float(good)}}
    row = {"id": name, "tenant": "default", "seq": seq, "type": "customer.stayed", "subject": shared["subject"]}
    return {
        "outcome": {**shared, **event, "body_hash": name, "received_at": at, "outcome": name},
        "outcomes": {**row, "state": "joined", "run": run, "created_at": at, "joined_at": at, "source": "/shop"},
        "rewards": {"outcome": name, "goal": "loyalty", "run": run, "reward": float(good)},
    }


async def lay_out_many(data: Path, number: int, until: datetime, embedder: Embedder) -> Many:
    """Into a data directory that has its empty tables: the store, and the index of the newest episodes."""
    database = Database(f"sqlite:///{data / 'segue.sqlite'}")
    await database.open()
    try:
        written = await database.write(lambda connection: write_many(connection, number, until), long=True)
        await _index(data, database, embedder)
    finally:
        await database.aclose()
    return written


async def _index(data: Path, database: Database, embedder: Embedder) -> None:
    known = dict(zip(TEXTS, embedder.embed(list(TEXTS)), strict=True))
    draw = np.random.default_rng(7)
    index = await EpisodeIndex.open(data / "index")
    try:
        for part in await database.read(lambda connection: list(_newest(connection))):
            vectors = np.stack([known[text.partition(",")[0]] for _, text in part])
            vectors = vectors + draw.normal(0.0, 0.02, vectors.shape)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            await index.add("default", TYPE, [name for name, _ in part], vectors.astype(np.float32))
    finally:
        await index.aclose()


INDEXED = 12_000
"""Newest episodes that are put into the index: more than a map shows; all would take minutes."""


def _newest(connection: Connection) -> Iterator[list[tuple[str, str]]]:
    query = episodes.select().with_only_columns(episodes.c.id, episodes.c.text)
    rows = [(row.id, row.text) for row in connection.execute(query.order_by(episodes.c.id.desc()).limit(INDEXED))]
    for start in range(0, len(rows), 1_000):
        yield rows[start : start + 1_000]
