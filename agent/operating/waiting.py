"""What waits for an operator, oldest first, and what each answer would do. Start with `waiting`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from agent.operating import asked
from agent.operating.desk import Waiting
from agent.operating.types import Asker, Card, Found
from agent.operating.wording import exact, lines, listed, number, plain, rows, said, when
from agent.service import Segue
from agent.store.pauses import Pause
from agent.store.queries import Shown
from tools.types import JsonObject

MOST = 20
TOLD = 10


async def waiting(segue: Segue, asker: Asker, arguments: JsonObject) -> Found:
    """Approvals with their exact arguments, questions, unknown effects and dead letters."""
    now = segue.desk.now()
    given = asked.text(arguments, "subject")
    subject = None if given is None else await asked.known_subject(segue, asker, given)
    found = await segue.desk.waiting(asker.tenant, subject, MOST)
    items = _in_order(found)
    about = "" if subject is None else f" about {plain(subject)}"
    paused = [_pause(one, now) for one in found.pauses]
    if not items:
        words = lines(f"Nothing{about} waits for you.", paused)
        return Found(
            data=rows([], 0), words=words, suggestions=("what happened today?", "what did we learn this week?")
        )
    told = [f"{index}. {_line(one, now)}{_holder(one)}" for index, one in enumerate(items[:TOLD], start=1)]
    left = found.total - len(told)
    more = f"And {left} more; ask about one subject, or look with segue approvals, effects and dead." if left else ""
    verb = "waits" if found.total == 1 else "wait"
    return Found(
        data=rows([_row(one) for one in items], found.total),
        words=lines(f"{number(found.total, 'thing')}{about} {verb} for you, oldest first:", told, more, paused),
        cards=tuple(_card(one) for one in items[:TOLD]),
        suggestions=_suggestions(items),
    )


def _in_order(found: Waiting) -> list[Shown]:
    """All of them by how long they wait."""
    mixed = [
        *({**one, "what": one["kind"], "waits_since": one["created_at"]} for one in found.approvals.items),
        *({**one, "what": "effect", "waits_since": one["started_at"]} for one in found.effects.items),
        *({**one, "what": "letter", "waits_since": one["since"]} for one in found.letters.items),
    ]
    kept = sorted(mixed, key=lambda one: str(one["waits_since"]))[:MOST]
    return [{**one, "assigned_to": found.holders.get(_name(one))} for one in kept]


def _name(one: Shown) -> str:
    return str(one["key"] if one["what"] == "effect" else one["run"] if one["what"] == "letter" else one["id"])


def _holder(one: Shown) -> str:
    return f" {plain(one['assigned_to'])} takes care of it." if one["assigned_to"] is not None else ""


def _line(one: Shown, now: datetime) -> str:
    age = when(one["waits_since"], now)
    if one["what"] == "call":
        call = f"{plain(one['tool'])} {exact(one['arguments'])}"
        return (
            f"Approval {one['id']} for {plain(one['subject'])}, {age}: {call} (run {one['run']}). Yes: it is called "
            "once with exactly these arguments. No: it is not called, and the run goes on without it. No deadline: the "
            "run waits until somebody answers."
        )
    if one["what"] == "question":
        return f"Question {one['id']} for {plain(one['subject'])}, {age}: {said(one['question'])} {_options(one)}"
    if one["what"] == "effect":
        call = f"{plain(one['tool'])} {exact(one['arguments'])}"
        return (
            f"Unknown effect {one['key']} for {plain(one['subject'])}, {age}: {call} (run {one['run']}). Nobody knows "
            f"whether it happened: {said(one.get('error') or 'no answer')}. It is not tried again. Look at the tool, "
            "then settle it: as done, and it counts as carried out; as failed, and it may be called anew. Until then "
            "the same call is blocked."
        )
    return (
        f"Dead letter: run {one['run']} about {plain(one['subject'])} ({plain(one['type'])}) failed for good, {age}, "
        f"after {number(one['attempts'], 'try', 'tries')} ({plain(one['code'])}): {said(one['detail'])}. Handle it "
        f"again with segue dead replay {one['run']}, or give it up with segue dead discard."
    )


def _options(one: Shown) -> str:
    options = one["options"]
    run = f"(run {one['run']}). No deadline: the run waits until somebody answers."
    if not options:
        return f"It offers nothing to choose; answer it with segue approvals {run}"
    told = listed([f"{plain(option['tool'])} {exact(option['arguments'], 200)}" for option in options[:3]], "or")
    missing = f" It lacks {listed([plain(name) for name in one['missing']])}." if one["missing"] else ""
    return f"Yes: {told}.{missing} No: none of these is called {run}"


def _pause(one: Pause, now: datetime) -> str:
    what = (
        "Everything" if one.scope == "all" else f"{'Tool' if one.scope == 'tool' else 'Event type'} {plain(one.name)}"
    )
    why = f", saying {said(one.reason)}" if one.reason else ""
    return f"{what} is paused by {plain(one.by)} {when(one.since, now)}{why}."


def _row(one: Shown) -> dict[str, Any]:
    names = ("what", "id", "key", "run", "subject", "tool", "arguments", "question", "options", "missing", "error")
    more = ("code", "detail", "waits_since", "assigned_to")
    return {name: one[name] for name in (*names, *more) if one.get(name) is not None}


def _card(one: Shown) -> Card:
    detail = {"run": one["run"], "since": one["waits_since"]}
    if one["what"] in ("call", "question"):
        title = f"{plain(one['tool'] or 'question')} for {plain(one['subject'])}"
        return Card(kind="approval", id=one["id"], title=title, detail=detail)
    if one["what"] == "effect":
        title = f"{plain(one['tool'])} for {plain(one['subject'])}"
        return Card(kind="effect", id=one["key"], title=title, detail=detail)
    return Card(kind="run", id=one["run"], title=f"dead letter about {plain(one['subject'])}", detail=detail)


def _suggestions(items: list[Shown]) -> tuple[str, ...]:
    first = items[0]
    ask = [f"explain run {first['run']}", f"how did like cases of run {first['run']} end?"]
    if first["what"] == "call":
        ask.insert(0, f"approve {first['id']}")
    elif first["what"] == "effect":
        ask.insert(0, f"settle {first['key']} as done")
    return tuple(ask)
