"""A run as a timeline that reads as a story: data, no elements. Start with `look`, then `story`.

What a step says is foreign text where it comes from events, tools and models: it is cut and cleaned here, and shown as
text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlencode

from agent.errors import NotFound
from agent.operating.cases import Case
from agent.service import Segue
from agent.store.queries import Shown
from api.console.gate import MOUNT
from api.console.plain import said
from api.console.run_judged import outcome_step, reward_step
from api.console.run_step import Grid, Step, facts_of
from api.console.run_words import END_WORDS, VERDICTS, decided, wanted
from api.console.words import at, moment_of, number, span
from api.terminal import line

CASES = 5
"""Like cases of an action that are told one by one."""
WORDS = 2_000


@dataclass(frozen=True, kw_only=True)
class Told:
    """Everything that is known of a run."""

    run: Shown
    evidence: Sequence[Shown] = ()
    cases: Mapping[str, Case] = field(default_factory=dict)
    reward: float | None = None
    letter: Shown | None = None
    """The dead letter that its failure is, or was."""


async def look(segue: Segue, tenant: str, run: str) -> Told:
    """Read it. Raises `NotFound`."""
    shown = await segue.run(tenant, run)
    evidence = await segue.desk.evidence(run)
    names = {name for one in evidence for told in (one["evidence"] or {}).values() for name in told["episodes"]}
    return Told(
        run=shown,
        evidence=evidence,
        cases=await segue.desk.cases(tenant, sorted(names | {run})),
        reward=(await segue.desk.rewards([run])).get(run),
        letter=await _letter(segue, tenant, run) if shown["status"] == "failed" else None,
    )


async def _letter(segue: Segue, tenant: str, run: str) -> Shown | None:
    try:
        return await segue.desk.letter(tenant, run)
    except NotFound:
        return None


def story(told: Told) -> list[Step]:
    """In the order in which it happened."""
    run, before = told.run, None
    steps = [_event(run)]
    evidence = {one["number"]: one for one in told.evidence}
    for decision in run["decisions"]:
        known = evidence.get(decision["number"])
        if known is not None and known["evidence"] != before:
            steps.append(_recalled(told, decision, known))
            before = known["evidence"]
        steps.append(_decision(decision))
        steps += sorted(_came_of_it(run, decision["number"]), key=lambda step: step.at or "")
    return [
        *steps,
        *_waits(run),
        *_end(told),
        *map(outcome_step, run["outcomes"]),
        *reward_step(told.cases.get(run["id"]), told.reward),
    ]


def _event(run: Shown) -> Step:
    event = run["event"]
    gathered = tuple(
        (at(moment_of(one["time"])), line(one["source"], 80), said(one["data"], 300)) for one in run["gathered"]
    )
    grids = (Grid(head=("time", "source", "data"), rows=gathered, label="All events of the run"),) if gathered else ()
    return Step(
        key="event",
        kind="event",
        title=f"{line(event['type'], 120)} about {line(event['subject'], 120)}",
        at=run["created_at"],
        lines=(f"From {line(event['source'], 200)}, it happened {at(moment_of(event['time']))}.",),
        facts=facts_of(event["data"]),
        grids=grids,
        value=event,
    )


def _recalled(told: Told, decision: Shown, known: Shown) -> Step:
    key, evidence = f"recalled-{decision['number']}", known["evidence"] or {}
    if not evidence:
        why = f"Memory could not be asked: {line(known['degraded'], 300)}." if known["degraded"] else ""
        control = "It is decided without memory, so that runs with memory can be compared."
        nothing = why or (control if known["arm"] == "control" else "Memory knew nothing like it with an outcome.")
        return Step(key=key, kind="recalled", title="Nothing was recalled", at=decision["decided_at"], lines=(nothing,))
    rows, cases = [], []
    for action, one in sorted(evidence.items()):
        found = [told.cases[name] for name in one["episodes"] if name in told.cases]
        rows.append((line(action, 120), f"{one['success']:.2f}", f"{one['failure']:.2f}", number(len(one["episodes"]))))
        if found:
            cases.append((action, tuple(found[:CASES]), len(found) - CASES))
    return Step(
        key=key,
        kind="recalled",
        title="Memory recalled like cases",
        at=decision["decided_at"],
        grids=(Grid(head=("action", "for it", "against it", "cases"), rows=tuple(rows), label="What memory said"),),
        cases=tuple(cases),
    )


def _decision(decision: Shown) -> Step:
    lines = [line(decision["reason"], WORDS)]
    if decision["degraded"]:
        lines.append(f"Memory could not be asked: {line(decision['degraded'], 300)}.")
    if decision["swayed"] and decision["arm"] != "control":
        lines.append("Memory changed what was decided.")
    if decision["lessons"]:
        lines.append(f"It was shown {number(len(decision['lessons']))} lessons.")
    if decision["tokens"]:
        lines.append(f"It took {number(decision['tokens'])} tokens.")
    return Step(
        key=f"decision-{decision['number']}",
        kind="decision",
        title=f"{decided(decision['decided_by'])} {wanted(decision)}",
        at=decision["decided_at"],
        lines=tuple(one for one in lines if one),
        grids=tuple(_weighed(decision)),
        value=decision,
    )


def _weighed(decision: Shown) -> Iterator[Grid]:
    calls = decision["calls"]
    if calls:
        yield Grid(
            head=("call", "arguments", "to", "asked for by", "verdict"),
            rows=tuple(
                (
                    line(one["action"], 120),
                    said(one["arguments"], 300),
                    line(one["purpose"] or "-", 120),
                    line(one["decided_by"], 60),
                    VERDICTS.get(one["verdict"], one["verdict"]) + (f": {line(one['why'], 300)}" if one["why"] else ""),
                )
                for one in calls
            ),
            label="Calls",
        )
    weighed = sorted(decision["candidates"], key=lambda one: (line(one["purpose"] or ""), -float(one["score"])))
    if weighed:
        head = ("", "candidate", "to", "score", "without memory", "for it", "against it", "chance", "why not")
        rows = [_candidate(one) for one in weighed]
        # A column in which nobody has anything would only hide the others.
        kept = [place for place in range(len(head)) if any(row[place] for row in rows)]
        yield Grid(
            head=tuple(head[place] for place in kept),
            rows=tuple(tuple(row[place] for place in kept) for row in rows),
            marked=tuple(bool(one["chosen"]) for one in weighed),
            label=f"What was weighed ({number(len(weighed))})",
            opened=False,
        )


def _candidate(one: Shown) -> tuple[str, ...]:
    evidence, score, prior = one["evidence"], f"{one['score']:.2f}", f"{one['prior']:.2f}"
    chance = one.get("propensity")
    why_not = line(one["why_not"] or "", 300)
    return (
        "chosen" if one["chosen"] else "" if one["permitted"] else "not permitted",
        line(one["action"], 120),
        line(one["purpose"] or "-", 120),
        score,
        prior if prior != score else "",
        f"{evidence['success']:.2f}" if evidence["success"] else "",
        f"{evidence['failure']:.2f}" if evidence["failure"] else "",
        f"{chance:.0%}" if chance is not None and chance < 1 else "",
        why_not,
    )


def _came_of_it(run: Shown, decision: int) -> Iterator[Step]:
    for one in run["approvals"]:
        if one["decision"] == decision:
            yield _approval(one)
    for one in run["effects"]:
        if one["key"].split(":")[1:2] == [str(decision)]:
            yield _effect(one)


def _approval(one: Shown) -> Step:
    question = one["kind"] == "question"
    lines = [line(one["question"], WORDS)] if question else []
    if one["state"] != "pending":
        took = (moment_of(one["answered_at"]) - moment_of(one["created_at"])).total_seconds()
        why = f", saying: {line(one['reason'], 500)}" if one["reason"] else ""
        lines.append(f"{line(one['answered_by'], 80)} {one['state']} it after {span(max(0.0, took))}{why}.")
    options = tuple((line(option["tool"], 120), said(option["arguments"], 300)) for option in one.get("options") or ())
    return Step(
        key=f"approval-{one['id']}",
        kind="approval",
        title="A person is asked" if question else f"{line(one['tool'], 120)} needs an approval",
        at=one["created_at"],
        state=one["state"],
        lines=tuple(lines),
        facts=() if question else facts_of(one["arguments"]),
        grids=(Grid(head=("tool", "arguments"), rows=options, label="Options"),) if options else (),
        links=((("Answer it in the inbox", _inbox("approval", one["id"])),) if one["state"] == "pending" else ()),
        value=one,
    )


def _inbox(kind: Literal["approval", "effect", "letter"], name: str) -> str:
    return f"{MOUNT}/inbox?{urlencode([(kind, name)])}"


def _effect(one: Shown) -> Step:
    result, ended = one.get("result"), one["ended_at"]
    preview = result if isinstance(result, Mapping) and result.get("large") is True and "preview" in result else None
    given = "; ".join(f"{name}: {value}" for name, value in facts_of(one["arguments"])) or "no arguments"
    facts = [("with", line(given, 1_000))]
    if one["state"] == "done":
        shown = said(result, 400)
        if preview is not None:
            shown = f"{number(preview['bytes'])} bytes, it begins {said(preview['preview'], 200)}"
        facts.append(("result", shown))
    if one.get("error"):
        facts.append(("error", line(one["error"], 1_000)))
    if ended is not None:
        facts.append(("took", span(max(0.0, (moment_of(ended) - moment_of(one["started_at"])).total_seconds()))))
    facts += [("attempts", number(one["attempts"])), ("key", one["key"])]
    if "verified" in one:
        facts.append(("its own result is worth", f"{one['verified']:.2f} of 1"))
    if one.get("settled"):
        why = f", saying: {line(one['settled']['reason'], 500)}" if one["settled"]["reason"] else ""
        facts.append(("settled by", f"{line(one['settled']['by'], 80)}{why}"))
    doubt = one["state"] == "unknown"
    lines = ("Nobody knows whether it happened. It is not tried again, and the like of it waits.",) if doubt else ()
    return Step(
        key=one["key"],
        kind="effect",
        title=f"{line(one['tool'], 120)} was called",
        at=one["started_at"],
        state=one["state"],
        lines=lines,
        facts=tuple(facts),
        links=((("Show it in the inbox", _inbox("effect", one["key"])),) if doubt else ()),
        value={name: one[name] for name in ("arguments", "result", "error") if name in one},
        settles=doubt,
        whole=preview is not None,
    )


def _waits(run: Shown) -> Iterator[Step]:
    lines, status = [], run["status"]
    if run["cancelled_by"] and run["closed_at"] is None:
        lines.append(f"{line(run['cancelled_by'], 80)} cancels it: a call in flight is waited for, no other begins.")
    if run["held"]:
        lines.append(f"It is held by a pause of {line(run['held'], 120)}.")
    if run["attempts"] and run["closed_at"] is None:
        lines.append(f"{number(run['attempts'])} of its tries failed before.")
    if status == "queued" and not run["held"]:
        due = f" It starts at {run['due_at']}." if run["due_at"] else ""
        lines.append(f"It waits for its turn: runs about one subject go one at a time.{due}")
    links = [
        (f"Approve or reject {line(one['tool'] or 'it', 80)}", _inbox("approval", one["id"]))
        if one["kind"] == "call"
        else ("Answer the question", _inbox("approval", one["id"]))
        for one in run["approvals"]
        if one["state"] == "pending"
    ]
    doubts = [one for one in run["effects"] if one["state"] == "unknown"]
    lines += [f"It waits until {line(one['tool'], 80)} is settled: did it happen or not?" for one in doubts]
    if status == "waiting" and links:
        lines.append("It waits for a person, and does not hold up others meanwhile.")
    if lines or links:
        words = {"waiting": "Waits for a person", "running": "Goes on", "queued": "Waits for its turn"}
        title = words.get(status, "Something is still open")
        yield Step(key="waits", kind="waits", title=title, state=status, lines=tuple(lines), links=tuple(links))


def _end(told: Told) -> Iterator[Step]:
    run = told.run
    end = run["end"]
    if end is None:
        return
    code = str(end["code"])
    lines = [END_WORDS.get(code, f"It ended with the code {line(code, 64)}.")]
    if end["detail"] and all(end["detail"] != one["reason"] for one in run["decisions"][-1:]):
        lines.append(line(end["detail"], WORDS))
    letter = told.letter is not None and told.letter["state"] == "open"
    yield Step(
        key="end",
        kind="end",
        title=f"The run is {run['status']}",
        at=run["closed_at"],
        state=run["status"],
        lines=tuple(lines),
        links=(("Replay or discard it in the inbox", _inbox("letter", run["id"])),) if letter else (),
    )
