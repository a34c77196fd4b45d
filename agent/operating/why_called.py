"""Why a tool was called: the decision behind it, who made it, its score and the cases that score rests on.

Start with `why_called`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from agent.operating import asked
from agent.operating.cases import told_cases
from agent.operating.types import Asker, Card, Found
from agent.operating.wording import lines, number, plain, rows, said, span, values, when
from agent.service import Segue
from agent.store.chat_queries import ToolSearch
from agent.store.queries import Shown
from agent.types import REFLEX
from tools.types import JsonObject

MOST = 20
TOLD = 2
RIVALS = 3


async def search(segue: Segue, asker: Asker, arguments: JsonObject) -> ToolSearch:
    """Which calls are asked about."""
    given = asked.needed(arguments, "tool", "the name of a tool or of an action")
    subject, run = asked.text(arguments, "subject"), asked.id_(arguments, "run")
    wanted = ToolSearch(
        tool=await asked.known_action(segue, asker, given),
        subject=None if subject is None else await asked.known_subject(segue, asker, subject),
        run=run,
        window=asked.window(arguments, segue.desk.now()),
    )
    if wanted.run is not None:
        await segue.run(asker.tenant, wanted.run)
    return wanted


def about(wanted: ToolSearch, now: datetime) -> str:
    """The search in words, to stand behind a sentence."""
    window = wanted.window
    parts = [
        "" if wanted.subject is None else f" for {plain(wanted.subject)}",
        "" if wanted.run is None else f" in run {wanted.run}",
        "" if window.since is None and window.until is None else f" {span(window.since, window.until, now)}",
    ]
    return "".join(parts)


async def why_called(segue: Segue, asker: Asker, arguments: JsonObject) -> Found:
    """The latest calls of the tool, with what was behind each."""
    now = segue.desk.now()
    wanted = await search(segue, asker, arguments)
    found = await segue.desk.calls(asker.tenant, wanted, MOST)
    done = [one for one in found.items if one["state"] is not None]
    tool, where = plain(wanted.tool), about(wanted, now)
    if not found.items:
        words = f"{tool} was not called{where}, and no decision asked for it."
        return Found(data=rows([]), words=words, suggestions=(f"why was {tool} not used?", f"show {tool}"))
    told = done or found.items
    if done:
        asked_for = f"asked for {found.total} times" if found.total > MOST else f"called {number(len(done), 'time')}"
        head = f"{tool} was {asked_for}{where}{f'; the latest {TOLD} calls' if len(done) > TOLD else ''}:"
    else:
        head = f"{tool} was asked for{where}, but not carried out:"
    stories = [line for one in told[:TOLD] for line in await _story(segue, asker, one, now)]
    return Found(
        data=rows([_row(one) for one in found.items], found.total),
        words=lines(head, stories),
        cards=tuple(Card(kind="run", id=one["run"], title=f"{plain(one['action'])}") for one in told[:TOLD]),
        suggestions=(f"explain run {told[0]['run']}", f"how did like cases of run {told[0]['run']} end?"),
    )


async def _story(segue: Segue, asker: Asker, call: Shown, now: datetime) -> list[str]:
    weighed: Sequence[Shown] = call["candidates"]
    mine = next((one for one in weighed if one["action"] == call["action"] and one["chosen"]), None)
    names = [] if mine is None else list(mine["episodes"])
    known = await segue.desk.cases(asker.tenant, names)
    cases = [known[name] for name in names if name in known]
    purpose = f"  It was to serve: {said(call['purpose'])}." if call["purpose"] else ""
    return [
        _call(call, now),
        f"  {_who(call)}: {said(call['reason'])}.",
        purpose,
        *_approval(call),
        *_score(call, mine, weighed),
        *(told_cases(cases, call["action"], now) if mine is not None else []),
    ]


def _call(call: Shown, now: datetime) -> str:
    what = f"{plain(call['action'])} {values(call['arguments'])}"
    where = f"in run {call['run']} about {plain(call['subject'])} ({plain(call['event_type'])})"
    if call["state"] is None:
        why = {
            "refused": "refused by policy",
            "rejected": "turned down by an operator",
            "approval": "it needs approval",
        }
        verdict = why.get(call["verdict"], "not carried out yet")
        return f"{what} {where}, {when(call['decided_at'], now)}: {verdict}{_because(call['why'])}."
    ended = {"unknown": "unknown, nobody knows whether it happened", "claimed": "it is going on"}
    state = ended.get(call["state"], call["state"])
    return f"{what} {where}, {when(call['started_at'], now)}: {state}{_because(call['error'])}."


def _because(why: str | None) -> str:
    return f", {said(why)}" if why else ""


def _who(call: Shown) -> str:
    by = plain(call["decided_by"])
    if by == "operator":
        return "An operator asked for it in answer to a question"
    if by == REFLEX:
        return "A proven plan was used again (reflex), without asking the model"
    return "The Planner decided it" if by == "planner" else f"{by} decided it"


def _approval(call: Shown) -> list[str]:
    if call["answer"] in (None, "pending"):
        return ["  It waits for an operator's approval."] if call["answer"] else []
    return [f"  {plain(call['answered_by'])} {call['answer']} it{_because(call['answer_reason'])}."]


def _score(call: Shown, mine: Shown | None, weighed: Sequence[Shown]) -> list[str]:
    if mine is None:
        return ["  No score is on record: it was not weighed against others."]
    rivals = sorted(
        (one for one in weighed if one["purpose"] == mine["purpose"] and not one["chosen"] and one["permitted"]),
        key=lambda one: -float(one["score"]),
    )
    told = [f"{plain(one['action'])} {one['score']:.2f}" for one in rivals[:RIVALS]]
    beside = f"; beside it: {', '.join(told)}" if told else "; nothing else was weighed for it"
    chance = mine.get("propensity")
    by_chance = f" It was taken by chance of {chance:.0%}, to explore." if chance is not None and chance < 0.5 else ""
    return [f"  Its score was {mine['score']:.2f} (expected without memory {mine['prior']:.2f}){beside}.{by_chance}"]


def _row(call: Shown) -> dict[str, Any]:
    names = ("run", "subject", "event_type", "action", "arguments", "purpose", "reason", "decided_by", "verdict", "why")
    more = ("state", "error", "answer", "answered_by")
    mine = next((one for one in call["candidates"] if one["action"] == call["action"]), None)
    scored = {} if mine is None else {name: mine[name] for name in ("score", "prior", "evidence")}
    at = call["decided_at"].isoformat()
    return {**{name: call[name] for name in (*names, *more) if call[name] is not None}, **scored, "at": at}
