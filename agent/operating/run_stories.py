"""A run as a short story, and as a long one. Start with `short` and `whole`; both take what `Segue.run` shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from agent.operating.types import Card
from agent.operating.wording import SHORT, as_moment, listed, number, plain, said, seconds, small, values, when
from agent.store.queries import Shown
from tools.types import JsonObject

FACTS = 4
"""Fields of an event that are told."""
STEPS = 8
"""Effects that a short story tells."""


def short(run: Shown, reward: float | None, now: datetime) -> list[str]:
    """The event in words, what was decided by whom and why, what was done, what waits, and what came of it."""
    told = [_head(run, now)]
    told += [f"  {line}" for one in run["decisions"] if (line := _decided(one)) is not None]
    effects = run["effects"]
    told += [f"  {effect_line(one)}" for one in effects[:STEPS]]
    if len(effects) > STEPS:
        told.append(f"  and {number(len(effects) - STEPS, 'effect')} more")
    told += [f"  {line}" for line in (*_refused(run), *_waits(run), *_ended(run, reward))]
    return told


def whole(run: Shown, reward: float | None, recalled: Sequence[str], now: datetime) -> list[str]:
    """The same with everything that is known; `recalled` is what memory had to say."""
    told = [_head(run, now), *(f"  {line}" for line in recalled)]
    for decision in run["decisions"]:
        told.append(f"  Decision {decision['number']}: {_decided(decision) or 'nothing more was wanted.'}")
        told += [f"    {line}" for line in _asked(decision)]
    told += [f"  {effect_line(one)}{_details(one)}" for one in run["effects"]]
    told += [f"  {line}" for line in (*_answers(run, now), *_waits(run), *_ended(run, reward), *_outcomes(run))]
    return told


def _head(run: Shown, now: datetime) -> str:
    event = run["event"]
    batch = f", {number(run['events'], 'event')} together" if run["events"] > 1 else ""
    head = f"Run {run['id']} ({run['status']}), {when(run['created_at'], now)}: "
    return f"{head}{plain(event['type'])} about {plain(event['subject'])}{batch}{_facts(event['data'])}."


def _facts(data: Mapping[str, Any]) -> str:
    facts = [f"{plain(name, 40)} {values(value, SHORT)}" for name, value in list(data.items())[:FACTS]]
    more = f" and {number(len(data) - FACTS, 'more field')}" if len(data) > FACTS else ""
    return f", {', '.join(facts)}{more}" if facts else ""


def _decided(decision: Shown) -> str | None:
    """None where a decision only says that nothing is left to do."""
    if decision["kind"] == "finish" and decision["number"] > 1:
        return None
    wanted = [plain(call["action"]) for call in decision["calls"] if call["decided_by"] != "operator"]
    if decision["kind"] == "ask":
        what = "asked an operator"
    else:
        what = f"wanted {listed(wanted)}" if wanted else "wanted nothing done"
    return f"{plain(decision['decided_by'])} {what}: {said(decision['reason'])}."


def _asked(decision: Shown) -> list[str]:
    """Each call with policy's word on it."""
    told = []
    for call in decision["calls"]:
        purpose = f" to {said(call['purpose'], SHORT)}" if call["purpose"] else ""
        why = f": {said(call['why'])}" if call["why"] else ""
        verdict = {"approval": "needs an approval"}.get(call["verdict"], call["verdict"])
        told.append(f"{plain(call['action'])} {values(call['arguments'])}{purpose}, {verdict}{why}.")
    if decision["degraded"]:
        told.append(f"Memory could not be asked: {said(decision['degraded'])}.")
    return told


def effect_line(effect: Shown) -> str:
    """What was called and how it ended."""
    call = f"{plain(effect['tool'])} {values(effect['arguments'])}"
    state = effect["state"]
    if state == "done":
        ended = f"done, it answered {values(effect.get('result'))}"
    elif state == "claimed":
        ended = "is going on"
    elif state == "unknown":
        ended = f"unknown, nobody knows whether it happened: {said(effect.get('error') or 'no answer')}"
    else:
        ended = f"failed: {said(effect.get('error') or 'no error was given')}"
    settled = effect.get("settled")
    by = f", settled by {plain(settled['by'])}" if settled else ""
    return f"{call}: {ended}{by}."


def _details(effect: Shown) -> str:
    began, ended = as_moment(effect["started_at"]), as_moment(effect["ended_at"])
    took = "" if began is None or ended is None else f" It took {seconds((ended - began).total_seconds())}"
    tries = f" in {number(effect['attempts'], 'attempt')}" if effect["attempts"] > 1 else ""
    verified = f" By its own result it earned {effect['verified']:.2f}." if "verified" in effect else ""
    key = f" Its key is {effect['key']}."
    return (f"{took}{tries}." if took else "") + verified + key


def _refused(run: Shown) -> list[str]:
    turned_down = [call for one in run["decisions"] for call in one["calls"] if call["verdict"] == "refused"]
    return [f"{plain(call['action'])} was refused: {said(call['why'])}." for call in turned_down[:STEPS]]


def _answers(run: Shown, now: datetime) -> list[str]:
    """What operators have answered."""
    told = []
    for one in run["approvals"]:
        if one["state"] != "pending":
            what = plain(one["tool"]) if one["kind"] == "call" else f"the question {said(one['question'])}"
            why = f", saying {said(one['reason'])}" if one["reason"] else ""
            by = plain(one["answered_by"])
            told.append(f"{by} {one['state']} {what} {when(one['answered_at'], now)}{why}.")
    return told


def _waits(run: Shown) -> list[str]:
    told = []
    for one in run["approvals"]:
        if one["state"] == "pending" and one["kind"] == "call":
            told.append(f"Waits for the approval {one['id']} of {plain(one['tool'])} {values(one['arguments'])}.")
        elif one["state"] == "pending":
            told.append(f"Waits for an answer to {said(one['question'])} ({one['id']}).")
    unknown = [one["key"] for one in run["effects"] if one["state"] == "unknown"]
    return told + [f"Waits until the unknown effect {key} is settled." for key in unknown]


def _ended(run: Shown, reward: float | None) -> list[str]:
    told = []
    if run["cancelled_by"]:
        told.append(f"Cancelled by {plain(run['cancelled_by'])}.")
    elif run["held"]:
        told.append(f"Held by the pause of {plain(run['held'])}.")
    elif run["end"] is not None and run["status"] not in ("done", "cancelled"):
        told.append(f"It ended as {run['status']} ({plain(run['end']['code'])}): {said(run['end']['detail'])}.")
    if reward is not None:
        kinds = listed(sorted({plain(one["type"]) for one in run["outcomes"]}))
        told.append(f"Outcome{f' by {kinds}' if kinds else ''}: reward {reward:.2f} of 1.")
    elif run["closed_at"] is not None and run["decisions"]:
        told.append("No outcome has come yet.")
    return told


def _outcomes(run: Shown) -> list[str]:
    told = []
    for one in run["outcomes"]:
        graded = listed([f"{plain(goal)} {reward:.2f}" for goal, reward in sorted(one["rewards"].items())])
        silent = " Its source is revoked, so that it does not count." if one["revoked"] else ""
        told.append(f"{plain(one['type'])} said {values(one['data'])}: {graded or 'no goal was graded'}.{silent}")
    return told


def row(run: Shown, reward: float | None) -> JsonObject:
    """As compact JSON."""
    event = run["event"]
    found: JsonObject = {
        "run": run["id"],
        "status": run["status"],
        "event": {"type": event["type"], "subject": event["subject"], "time": event["time"], "data": event["data"]},
        "decisions": [
            {"by": one["decided_by"], "reason": one["reason"], "calls": [call["action"] for call in one["calls"]]}
            for one in run["decisions"]
        ],
        "effects": [
            {name: one.get(name) for name in ("tool", "arguments", "state", "result", "error", "key")}
            for one in run["effects"]
        ],
        "waits_for": [one["id"] for one in run["approvals"] if one["state"] == "pending"],
        "end": run["end"],
        "reward": reward,
    }
    kept: JsonObject = small(found)
    return kept


def card(run: Shown) -> Card:
    """For clients that show it."""
    event = run["event"]
    title = f"{plain(event['type'])} about {plain(event['subject'])}"
    return Card(kind="run", id=run["id"], title=title, detail={"status": run["status"], "at": run["created_at"]})
