"""What is known of one thing that waits: what is asked, why, about whom, how like cases ended. Start with `read_item`.

Data only; `api.console.inbox.pane` shows it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agent.errors import NotFound
from agent.operating.cases import Case, Endings, endings
from agent.service import Segue
from agent.store.pauses import Pause, Scope
from agent.store.queries import Shown
from agent.store.waits import WaitKind
from api.console.inbox.endings import WAITING, pause_ended, words_of
from api.console.words import moment_of
from api.routes.runs import known_form
from api.terminal import line
from tools.types import JsonObject

EXAMPLES = 3
SCOPES: Mapping[str, Scope] = {"all": "all", "tool": "tool", "event": "event"}


@dataclass(frozen=True, kw_only=True)
class Happened:
    """The event that the run handles."""

    type: str
    description: str
    data: JsonObject
    events: int
    """Handled together by the run; the data is the latest one's."""


@dataclass(frozen=True, kw_only=True)
class Why:
    """The decision it comes from."""

    reason: str
    decided_by: str
    purpose: str | None


@dataclass(frozen=True, kw_only=True)
class LikeCases:
    """How like cases of an action ended."""

    action: str
    ended: Endings
    examples: tuple[Case, ...]
    """Bad ones among them where there are any."""
    none_because: str | None
    """Why there are none."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A call that somebody may permit or choose."""

    tool: str
    arguments: JsonObject
    action: str
    purpose: str | None
    known: Shown | None
    """The tool as it is registered; None where it is not any more."""


@dataclass(frozen=True, kw_only=True)
class Item:
    """One thing that waits for a person, or did when it was read."""

    kind: WaitKind
    id: str
    title: str
    since: datetime
    row: Shown
    """As the API shows it."""
    run: str | None = None
    subject: str | None = None
    happened: Happened | None = None
    why: Why | None = None
    calls: tuple[Wanted, ...] = ()
    """The call that is asked for, the options of a question, or the call that is in doubt."""
    others: tuple[str, ...] = ()
    """Of a question: names of what else is permitted."""
    bound: frozenset[str] = frozenset()
    """Names of arguments that are the event's own."""
    cases: tuple[LikeCases, ...] = ()
    held: int = 0
    ended: str | None = None
    """Who answered what and when; None while it waits."""


async def read_item(segue: Segue, tenant: str, kind: WaitKind, id: str) -> Item:
    """Everything that is shown of it. Raises `NotFound`."""
    if kind == "pause":
        return await _pause(segue, tenant, id)
    name = known_form({"effect": "effect", "letter": "dead letter"}.get(kind, "approval"), id)
    if kind == "letter":
        return await _letter(segue, tenant, name)
    row = await _row(segue, tenant, kind, name)
    run = await segue.run(tenant, row["run"])
    number = row["decision"] if kind != "effect" else _number(name)
    decision = next((one for one in run["decisions"] if one["number"] == number), None)
    kind = "effect" if kind == "effect" else row["kind"]
    calls = _calls(segue, row, decision)
    event = segue.portfolio.events.get(run["event"]["type"])
    return Item(
        kind=kind,
        id=name,
        title=_title(kind, row, run["event"]["subject"]),
        since=moment_of(row["started_at" if kind == "effect" else "created_at"]),
        row=row,
        run=run["id"],
        subject=run["event"]["subject"],
        happened=_happened(segue, run),
        why=None if decision is None else _why(decision, calls),
        calls=calls,
        others=tuple(sorted(event.allow)) if event is not None and kind == "question" else (),
        bound=frozenset() if event is None else frozenset(event.bind),
        cases=await _cases(segue, tenant, run, number, calls),
        ended=words_of(kind, row, run, segue.desk.now()),
    )


async def ended(segue: Segue, tenant: str, item: Item) -> str | None:
    """Who answered what and when by now; None while it still waits. One row is read while it does."""
    now = segue.desk.now()
    if item.kind == "pause":
        standing, _ = await segue.desk.pause(tenant, *split(item.id))
        return pause_ended(item.row, standing)
    row = await _row(segue, tenant, item.kind, item.id)
    if row["state"] in WAITING:
        return None
    run = await segue.run(tenant, row["run"])
    row = await segue.dead.show(tenant, item.id) if item.kind == "letter" else row
    return words_of(item.kind, row, run, now, shown=item.row)


async def _row(segue: Segue, tenant: str, kind: WaitKind, name: str) -> Shown:
    if kind == "letter":
        return await segue.desk.letter(tenant, name)
    return await (segue.desk.effect(tenant, name) if kind == "effect" else segue.approval(tenant, name))


def _number(key: str) -> int:
    """The decision that an effect's key names."""
    _, _, rest = key.partition(":")
    number = rest.partition(":")[0]
    return int(number) if number.isdecimal() else 0


def _title(kind: WaitKind, row: Shown, subject: str) -> str:
    about = line(subject, 80)
    if kind == "question":
        return f"A question about {about}"
    tool = line(row["tool"], 80)
    return f"Did {tool} happen for {about}?" if kind == "effect" else f"Call {tool} for {about}?"


def _happened(segue: Segue, run: Shown) -> Happened:
    event = run["event"]
    kind = segue.portfolio.events.get(event["type"])
    described = kind.description if kind is not None else "The portfolio has this event type no more."
    return Happened(type=event["type"], description=described, data=event["data"], events=run["events"])


def _why(decision: Shown, calls: Sequence[Wanted]) -> Why:
    purpose = next((one.purpose for one in calls if one.purpose), None)
    return Why(reason=decision["reason"], decided_by=decision["decided_by"], purpose=purpose)


def _calls(segue: Segue, row: Shown, decision: Shown | None) -> tuple[Wanted, ...]:
    tools = {one["name"]: one for one in segue.tools()}
    if row.get("kind") == "question":
        return tuple(
            Wanted(
                tool=one["tool"],
                arguments=one["arguments"],
                action=one.get("action") or one["tool"],
                purpose=one.get("purpose"),
                known=tools.get(one["tool"]),
            )
            for one in row["options"]
        )
    made = [] if decision is None else decision["calls"]
    same = [one for one in made if one["tool"] == row["tool"]]
    call: Mapping[str, Any] = next((one for one in same if one["arguments"] == row["arguments"]), {})
    return (
        Wanted(
            tool=row["tool"],
            arguments=row["arguments"],
            action=call.get("action") or row["tool"],
            purpose=call.get("purpose"),
            known=tools.get(row["tool"]),
        ),
    )


async def _cases(segue: Segue, tenant: str, run: Shown, number: int, calls: Sequence[Wanted]) -> tuple[LikeCases, ...]:
    """Of each action once, from what memory told that decision."""
    found = next((one for one in await segue.desk.evidence(run["id"]) if one["number"] == number), None)
    evidence: Mapping[str, Any] = (found or {}).get("evidence") or {}
    actions = list(dict.fromkeys(one.action for one in calls))
    names = {name for action in actions for name in evidence.get(action, {}).get("episodes", ())}
    known = await segue.desk.cases(tenant, sorted(names))
    return tuple(
        _of_action(
            action, [known[name] for name in evidence.get(action, {}).get("episodes", ()) if name in known], found
        )
        for action in actions
    )


def _of_action(action: str, cases: Sequence[Case], found: Shown | None) -> LikeCases:
    judged = [one for one in cases if not one.revoked and one.of(action) is not None]
    worst_first = sorted(judged, key=lambda one: one.of(action) or 0.0)
    chosen = {one.run: one for one in [*judged[: EXAMPLES - 1], *worst_first[:1], *judged, *cases]}
    return LikeCases(
        action=action,
        ended=endings(cases, action),
        examples=tuple(list(chosen.values())[:EXAMPLES]),
        none_because=None if cases else _none_because(found),
    )


def _none_because(found: Shown | None) -> str:
    if found is not None and found["degraded"]:
        return f"Memory could not be asked: {line(found['degraded'], 200)}."
    if found is not None and found["arm"] == "control":
        return "It was decided without memory, so that runs with memory can be compared."
    return "Memory knows none with an outcome yet."


async def _letter(segue: Segue, tenant: str, name: str) -> Item:
    row = await segue.dead.show(tenant, name)
    run = row["record"]
    return Item(
        kind="letter",
        id=name,
        title=f"The run about {line(row['subject'], 80)} failed for good",
        since=moment_of(row["since"]),
        row=row,
        run=name,
        subject=row["subject"],
        happened=_happened(segue, run),
        ended=words_of("letter", row, run, segue.desk.now()),
    )


async def _pause(segue: Segue, tenant: str, id: str) -> Item:
    scope, name = split(id)
    standing, held = await segue.desk.pause(tenant, scope, name)
    if standing is None:
        raise NotFound(f"there is no pause of {line(id, 80)!r}; it may have ended")
    return Item(
        kind="pause",
        id=id,
        title=f"{paused(standing)} is paused",
        since=standing.since,
        row={"scope": scope, "name": name, "by": standing.by, "reason": standing.reason, "since": standing.since},
        held=held,
    )


def split(id: str) -> tuple[Scope, str]:
    """Scope and name of a pause, from what `runs.held` calls it. Raises `NotFound`."""
    word, _, name = id.partition(":")
    if word not in SCOPES or "\x00" in name:
        raise NotFound(f"there is no pause of {line(id, 80)!r}")
    return SCOPES[word], name


def paused(pause: Pause) -> str:
    """What it holds, as a sentence begins."""
    if pause.scope == "all":
        return "Everything"
    return f"{'Tool' if pause.scope == 'tool' else 'Event type'} {line(pause.name, 80)}"
