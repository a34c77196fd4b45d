"""What senders, store and tools say after a storm, compared. Start with `examine`."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

import sqlalchemy as sa

from tests.durability.storm_load import Sent

HONOURS = frozenset({"note_case"})
"""Tools that act once per key."""


@dataclass(frozen=True, kw_only=True)
class Store:
    """The rows a storm leaves, read from the tables themselves."""

    runs: Mapping[str, Mapping[str, Any]]
    """By id, in the order of the inbox; each with its event, when it first decided, and when it was closed."""
    inbox: int
    episodes: Counter[str]
    effects: Sequence[Mapping[str, Any]]

    @classmethod
    def read(cls, url: str) -> Store:
        """Of a Segue that was stopped."""
        engine = sa.create_engine(url)
        with engine.connect() as connection:

            def rows(query: str) -> list[Mapping[str, Any]]:
                return [dict(row) for row in connection.execute(sa.text(query)).mappings()]

            first = "(SELECT min(decided_at) FROM decisions WHERE decisions.run = runs.id)"
            runs = rows(
                f"SELECT runs.id, runs.subject, runs.status, runs.seq, runs.closed_at, inbox.id AS event, "
                f"{first} AS began_at FROM runs JOIN inbox ON inbox.seq = runs.seq ORDER BY runs.seq"
            )
            store = cls(
                runs={row["id"]: row for row in runs},
                inbox=rows("SELECT count(*) AS many FROM inbox")[0]["many"],
                episodes=Counter(row["id"] for row in rows("SELECT id FROM episodes")),
                effects=rows("SELECT key, run, tool, state, settled_by FROM effects"),
            )
        engine.dispose()
        return store


@dataclass
class Findings:
    """What came out."""

    runs: int
    effects: int
    resent: int
    repeated: int
    """Deliveries under a key that the tool knew already, at tools that honour keys."""
    violations: list[str] = field(default_factory=list)


def examine(events: int, sent: Sent, store: Store, notes: Sequence[Mapping[str, Any]]) -> Findings:
    """Compare; `notes` is every delivery at the tools, in order."""
    keys = Counter(note["key"] for note in notes if note["tool"] in HONOURS)
    found = Findings(
        runs=len(store.runs),
        effects=len(store.effects),
        resent=sent.resent,
        repeated=sum(keys.values()) - len(keys),
    )
    found.violations.extend(
        [
            *_answers(events, sent, store),
            *_runs(events, store),
            *_effects(store, notes),
            *_order(store),
        ]
    )
    return found


def _answers(events: int, sent: Sent, store: Store) -> list[str]:
    """Every event was taken, always as the same run, and that run is its own."""
    wrong = [f"answered oddly: {odd}" for odd in sent.odd]
    if len(sent.runs) != events:
        wrong.append(f"{len(sent.runs)} of {events} events got a 202")
    for event, named in sent.runs.items():
        if len(named) != 1:
            wrong.append(f"{event} was answered with several runs: {named}")
        wrong += [
            f"{event} was promised run {run}, which the store does not have for it"
            for run in named
            if run not in store.runs or store.runs[run]["event"] != event
        ]
    return wrong


def _runs(events: int, store: Store) -> list[str]:
    """As many runs as events, each at its end with its one episode."""
    wrong = []
    if not events == len(store.runs) == store.inbox:
        wrong.append(f"{events} events made {store.inbox} rows of the inbox and {len(store.runs)} runs")
    for run, row in store.runs.items():
        if row["status"] != "done":
            wrong.append(f"run {run} of {row['event']} is {row['status']}")
        if store.episodes[run] != 1:
            wrong.append(f"run {run} of {row['event']} has {store.episodes[run]} episodes")
    if len(store.episodes) != len(store.runs):
        wrong.append(f"{len(store.episodes)} episodes of {len(store.runs)} runs")
    return wrong


def _effects(store: Store, notes: Sequence[Mapping[str, Any]]) -> list[str]:
    """At the tools: once per key where keys are ignored, once per case everywhere; and the ledger tells the truth."""
    wrong = []
    deliveries = Counter(note["key"] for note in notes if note["tool"] not in HONOURS)
    wrong += [f"key {key} was delivered {many} times" for key, many in deliveries.items() if many > 1]
    acted = Counter((note["tool"], note["case"]) for note in notes if note["acted"])
    wrong += [f"{tool} acted {many} times on {case}" for (tool, case), many in acted.items() if many > 1]
    happened = {note["key"] for note in notes}
    done = {row["key"] for row in store.effects if row["state"] == "done"}
    wrong += [f"effect {key} is done, yet no tool knows it" for key in sorted(done - happened)]
    wrong += [f"the tool acted under {key}, yet the ledger does not say so" for key in sorted(happened - done)]
    open_ = [row for row in store.effects if row["state"] in ("claimed", "unknown")]
    wrong += [f"effect {row['key']} was left {row['state']}" for row in open_]
    finished = {(row["run"], row["tool"]) for row in store.effects if row["state"] == "done"}
    tools = {row["tool"] for row in store.effects}
    # A call that was cut off, and cut off again when the operator asked for it: the run ends, and says so.
    cut_off = Counter(
        (row["run"], row["tool"]) for row in store.effects if row["settled_by"] and row["state"] == "failed"
    )
    wrong += [
        f"run {run} ended without {tool}"
        for run in store.runs
        for tool in sorted(tools)
        if (run, tool) not in finished and cut_off[run, tool] < 2
    ]
    return wrong


def _order(store: Store) -> list[str]:
    """A run begins after every earlier run of its subject was closed, unless that one had to wait for the operator."""
    parked = {row["run"] for row in store.effects if row["settled_by"] is not None}
    subjects: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in store.runs.values():
        subjects[row["subject"]].append(row)
    wrong = []
    for rows in subjects.values():
        for earlier, later in pairwise(rows):
            if not (earlier["began_at"] and later["began_at"]):
                continue
            if _moment(later["began_at"]) < _moment(earlier["began_at"]):
                wrong.append(f"{later['event']} began before {earlier['event']}, which came first")
            elif earlier["id"] not in parked and _moment(later["began_at"]) < _moment(earlier["closed_at"]):
                wrong.append(f"{later['event']} began while {earlier['event']} of the same subject was going")
    return wrong


def _moment(value: str | datetime) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else value
