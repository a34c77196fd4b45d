"""Why a tool was not used, from what decisions weighed. Start with `why_not`.

By run: it was used; policy refused it; another did better; it was weighed and left; nothing meant it; it was never
weighed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from agent.operating import asked
from agent.operating.cases import told_cases
from agent.operating.desk import LATEST_DECISIONS
from agent.operating.types import Asker, Card, Found
from agent.operating.why_called import about, search
from agent.operating.wording import lines, listed, number, plain, rows, said, when
from agent.service import Segue
from agent.store.chat_queries import ToolSearch
from agent.store.queries import Shown
from tools.types import JsonObject

Why: TypeAlias = Literal["used", "refused", "outdone", "left", "not_relevant", "not_allowed", "never_weighed"]
TOLD = 2
ROWS = 20
COUNTED = {
    "refused": "refused by policy",
    "outdone": "outdone by another",
    "left": "weighed and left",
    "not_relevant": "not relevant",
    "not_allowed": "not allowed for the event type",
    "never_weighed": "never weighed",
}


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What became of the tool in one run."""

    why: Why
    decision: Shown
    """The one that tells it best."""
    mine: Shown | None = None
    """The candidate of it there."""
    rival: Shown | None = None
    """What was chosen instead."""


async def why_not(segue: Segue, asker: Asker, arguments: JsonObject) -> Found:
    """In how many runs it was used, and why it was not in the others; the latest of these in full."""
    now = segue.desk.now()
    wanted = await search(segue, asker, arguments)
    made = await segue.desk.decisions(asker.tenant, wanted, LATEST_DECISIONS)
    used = {
        one["run"] for one in (await segue.desk.calls(asker.tenant, wanted, ROWS)).items if one["state"] is not None
    }
    tool, where = plain(wanted.tool), about(wanted, now)
    if not made:
        words = f"Nothing was decided{where}, so nothing could be used. Ask without a time or a subject."
        return Found(data=rows([]), words=words, suggestions=("what happened today?", "what can you do?"))
    told = by_run(segue, wanted, made, used)
    others = [one for one in told if one.why != "used"]
    head = _head(tool, where, told, others, full=len(made) == LATEST_DECISIONS)
    latest: dict[Why, Verdict] = {}
    for one in others:
        latest.setdefault(one.why, one)
    full = [*latest.values()][:TOLD]
    stories = [line for one in full for line in await _story(segue, asker, wanted.tool, one, now)]
    return Found(
        data=rows([_row(one) for one in others[:ROWS]], len(others), used=len(told) - len(others)),
        words=lines(
            head,
            stories,
            _known_actions(wanted, made),
            await _elsewhere(segue, asker, wanted, {one.decision["run"] for one in told}, now),
            await _now(segue, asker, wanted.tool),
        ),
        cards=tuple(Card(kind="run", id=one.decision["run"], title=f"{tool}: {COUNTED[one.why]}") for one in full),
        suggestions=_suggestions(tool, others),
    )


def by_run(segue: Segue, wanted: ToolSearch, made: Sequence[Shown], used: set[str]) -> list[Verdict]:
    """What became of a tool in each run that these decisions are of, latest first; `used` are runs that called it."""
    runs: dict[str, list[Shown]] = {}
    for decision in made:
        runs.setdefault(decision["run"], []).insert(0, decision)
    return [_verdict(segue, wanted.tool, decisions, run in used) for run, decisions in runs.items()]


def _verdict(segue: Segue, tool: str, decisions: Sequence[Shown], was_used: bool) -> Verdict:
    weighed = [(one, mine) for one in decisions for mine in one["candidates"] if tool in (mine["action"], mine["tool"])]
    chosen = next((pair for pair in weighed if pair[1]["chosen"]), None)
    if was_used or chosen is not None:
        return Verdict(why="used", decision=chosen[0] if chosen else decisions[0])
    for decision, mine in weighed:
        if not mine["permitted"]:
            return Verdict(why="refused", decision=decision, mine=mine)
    for decision, mine in weighed:
        rival = next(
            (one for one in decision["candidates"] if one["chosen"] and one["purpose"] == mine["purpose"]), None
        )
        if rival is not None:
            return Verdict(why="outdone", decision=decision, mine=mine, rival=rival)
    if weighed:
        decision, mine = max(weighed, key=lambda pair: float(pair[1]["score"]))
        return Verdict(why="left" if mine["score"] > 0 else "not_relevant", decision=decision, mine=mine)
    kind = segue.portfolio.events.get(decisions[0]["event_type"])
    allowed = kind is not None and asked.base_of(tool) in kind.allow
    return Verdict(why="never_weighed" if allowed else "not_allowed", decision=decisions[0])


def _head(tool: str, where: str, told: Sequence[Verdict], others: Sequence[Verdict], *, full: bool) -> str:
    used = [one.decision["run"] for one in told if one.why == "used"]
    of = f" (of the latest {LATEST_DECISIONS} decisions)" if full else ""
    if not others:
        return f"{tool} was used in {len(told)} of {number(len(told), 'run')}{where}{of}, at last in run {used[0]}."
    counted = [
        f"{COUNTED[why]} in {sum(one.why == why for one in others)}"
        for why in COUNTED
        if any(one.why == why for one in others)
    ]
    also = f" It was used in {number(len(used), 'run')}, at last in run {used[0]}." if used else ""
    return f"{tool} was not used in {len(others)} of {number(len(told), 'run')}{where}{of}: {listed(counted)}.{also}"


async def _story(segue: Segue, asker: Asker, tool: str, told: Verdict, now: datetime) -> list[str]:
    decision, mine, rival = told.decision, told.mine, told.rival
    run = f"Run {decision['run']} about {plain(decision['subject'])}, {when(decision['decided_at'], now)}"
    if mine is None:
        kind = plain(decision["event_type"])
        why = {
            "not_allowed": f"the portfolio does not allow {plain(asked.base_of(tool))} for events of type {kind}.",
            "never_weighed": f"it is allowed for {kind}, but {plain(decision['decided_by'])} did not weigh it"
            f"{_off_the_playbook(segue, tool, decision['event_type'])}.",
        }
        return [f"{run}: {why[told.why]}"]
    purpose = f" for {said(mine['purpose'])}" if mine["purpose"] else ""
    why_not = f" Why not: {said(mine['why_not'])}." if mine["why_not"] else ""
    if rival is None:
        left = _left(told, mine, purpose)
        behind = [] if told.why != "left" else await _behind(segue, asker, [mine], now)
        return [f"{run}: {left}{why_not}", *behind]
    better = "" if rival["score"] >= mine["score"] else ", though the score was higher"
    return [
        f"{run}: {plain(rival['action'])} was chosen{purpose}{better}, with a score of {rival['score']:.2f} beside "
        f"{mine['score']:.2f} of {plain(mine['action'])} (expected without memory {rival['prior']:.2f} and "
        f"{mine['prior']:.2f}).{why_not}",
        *await _behind(segue, asker, [mine, rival], now),
    ]


def _off_the_playbook(segue: Segue, tool: str, event_type: str) -> str:
    """Why nobody weighed it: no purpose names its step."""
    kind = segue.portfolio.events.get(event_type)
    step = next((one["step"] for one in segue.tools() if one["name"] == asked.base_of(tool)), None)
    if kind is None or kind.playbook is None or any(one.step == step for one in kind.playbook):
        return ""
    return f": no purpose of the playbook names its step {plain(step)}" if step else ": it performs no step"


def _left(told: Verdict, mine: Shown, purpose: str) -> str:
    """What became of it where nothing else was chosen in its place."""
    action, by = plain(mine["action"]), plain(told.decision["decided_by"])
    if told.why == "refused":
        return f"{action}{purpose} was not permitted."
    if told.why == "not_relevant":
        return f"{by} did not find {action} relevant."
    return f"{by} weighed {action}{purpose}, with a score of {mine['score']:.2f}, and left it."


async def _behind(segue: Segue, asker: Asker, candidates: Sequence[Shown], now: datetime) -> list[str]:
    """The cases behind their scores."""
    known = await segue.desk.cases(asker.tenant, [name for one in candidates for name in one["episodes"]])
    told: list[str] = []
    for one in candidates:
        cases = [known[name] for name in one["episodes"] if name in known]
        told += told_cases(cases, one["action"], now, most=3)
    return told


async def _elsewhere(segue: Segue, asker: Asker, wanted: ToolSearch, looked_at: set[str], now: datetime) -> str:
    """Where it was used besides the runs that were asked about."""
    if wanted == ToolSearch(tool=wanted.tool):
        return ""
    called = (await segue.desk.calls(asker.tenant, ToolSearch(tool=wanted.tool), ROWS)).items
    others = [one for one in called if one["state"] is not None and one["run"] not in looked_at]
    if not others:
        return ""
    last = others[0]
    where = f"run {last['run']} about {plain(last['subject'])}, {when(last['decided_at'], now)}"
    return f"Elsewhere {plain(wanted.tool)} was used, at last in {where}."


def _known_actions(wanted: ToolSearch, made: Sequence[Shown]) -> str:
    """Where an action that nobody weighed is asked for, which of its tool there are."""
    weighed = {one["action"] for decision in made for one in decision["candidates"]}
    base = asked.base_of(wanted.tool)
    if wanted.tool == base or wanted.tool in weighed:
        return ""
    same = sorted(plain(one) for one in weighed if asked.base_of(one) == base and one != base)
    return f"Of {plain(base)} these were weighed: {listed(same[:8])}." if same else ""


async def _now(segue: Segue, asker: Asker, action: str) -> str:
    """What keeps it from being called at present."""
    name = asked.base_of(action)
    pause, _ = await segue.desk.pause(asker.tenant, "tool", name)
    resting = next((one["breaker"] for one in segue.tools() if one["name"] == name and one["breaker"]), None)
    if pause is not None:
        return f"At present {plain(name)} is paused by {plain(pause.by)}."
    return f"At present {plain(name)} is left alone after {resting['failures']} failures in a row." if resting else ""


def _row(told: Verdict) -> JsonObject:
    decision = told.decision
    found: dict[str, object] = {"run": decision["run"], "subject": decision["subject"], "why": told.why}
    for name, one in (("candidate", told.mine), ("chosen", told.rival)):
        if one is not None:
            kept = ("action", "purpose", "permitted", "score", "prior", "evidence", "why_not")
            found[name] = {key: one[key] for key in kept} | {"cases": len(one["episodes"])}
    return found  # type: ignore[return-value]


def _suggestions(tool: str, others: Sequence[Verdict]) -> tuple[str, ...]:
    if not others:
        return (f"why was {tool} called?",)
    return (f"explain run {others[0].decision['run']}", f"show {tool}", f"why was {tool} called?")
