"""What the page says of one thing that waits, above what can be done about it. Start with `tell`."""

from __future__ import annotations

from datetime import datetime

from nicegui import ui

from agent.operating.cases import Case
from agent.stories import GOOD
from api.console.frame import link, when
from api.console.gate import MOUNT
from api.console.inbox.parts import exactly, facts, text
from api.console.inbox.reading import Happened, Item, LikeCases, Wanted
from api.console.plain import prose
from api.console.schema_form import pretty
from api.console.words import number, span
from api.terminal import line

MOST_FACTS = 12
LONGEST_FACT = 300
LONGEST_SAID = 1_000


def tell(item: Item, now: datetime) -> None:
    """What is asked, why, about whom, and how like cases ended."""
    _asked(item)
    if item.why is not None:
        with _part("Why"):
            _said(item.why.reason)
            purpose = f", to {line(item.why.purpose, 200)}" if item.why.purpose else ""
            ui.label(f"Decided by {line(item.why.decided_by, 80)}{purpose}.").classes("sg-quiet")
    if item.happened is not None:
        with _part("About"):
            _about(item, item.happened)
    if item.kind in ("call", "question", "effect"):
        with _part("How like cases ended"):
            for cases in item.cases:
                _cases(cases, now, named=len(item.cases) > 1)
            if not item.cases:
                ui.label("The question names no call that could have like cases.").classes("sg-quiet")


def _part(title: str) -> ui.element:
    made = ui.element("section").classes("sg-part")
    with made:
        text("h3", title)
    return made


def _said(words: str) -> None:
    ui.label(line(words, LONGEST_SAID)).classes("sg-said")


def _asked(item: Item) -> None:
    with _part("What is asked"):
        if item.kind == "question":
            _said(item.row["question"])
        elif item.kind in ("call", "effect"):
            _call(item, item.calls[0])
        elif item.kind == "letter":
            _said(item.row["detail"])
            ui.label(f"Whether it is handled again, or given up. {_tries(item)}")
            _history(item)
        else:
            ui.label(f"Whether the {number(item.held)} {'run' if item.held == 1 else 'runs'} it holds may go on.")
            reason = item.row["reason"]
            by = line(item.row["by"], 80)
            ui.label(f"Paused by {by}" + (f", saying: {line(reason, 500)}" if reason else ", without a reason."))
        if item.kind == "effect":
            error = line(item.row.get("error") or "it gave no answer", LONGEST_SAID)
            ui.label(f"Nobody knows whether it happened: {error}")


def _call(item: Item, call: Wanted) -> None:
    described = "The tool is not registered any more." if call.known is None else prose(call.known["description"], 500)
    ui.label(described)
    arguments = call.arguments.items()
    note = "the event's own"
    facts([(line(name, 80), exactly(value), note if name in item.bound else "") for name, value in arguments])
    if not call.arguments:
        ui.label("It is called without arguments.").classes("sg-quiet")
    if call.known is not None:
        owned = [f"owned by {line(call.known['owner'], 80)}"] if call.known["owner"] else []
        risk = [f"risk: {line(call.known['risk'], 20)}"]
        ui.label(", ".join([f"Tool {line(call.tool, 80)}", *owned, *risk])).classes("sg-quiet sg-small")


def _tries(item: Item) -> str:
    tries = item.row["attempts"]
    again = f", it was replayed {number(item.row['replays'])} times before" if item.row["replays"] else ""
    return f"It was tried {number(tries)} {'time' if tries == 1 else 'times'}{again} ({line(item.row['code'], 40)})."


def _history(item: Item) -> None:
    with ui.element("details"):
        text("summary", "Every try")
        for one in item.row["history"][-20:]:
            if "attempt" in one:
                told = f"Try {one['attempt']}, {one['at']}: {line(one['code'], 40)}, {line(one['detail'], 300)}"
            else:
                reason = f", saying: {line(one['reason'], 300)}" if one.get("reason") else ""
                told = f"{line(one['state'], 20)} by {line(one['by'], 80)}, {one['at']}{reason}"
            ui.label(told).classes("sg-small")


def _about(item: Item, happened: Happened) -> None:
    with ui.element("div").classes("sg-row"):
        text("strong", line(item.subject or "", 200))
        link("Open the run", f"{MOUNT}/runs/{item.run}")
    together = f" ({number(happened.events)} events together; these are the latest one's fields)"
    ui.label(f"{line(happened.description, 300)}{together if happened.events > 1 else ''}")
    rows = list(happened.data.items())
    facts([(line(name, 80), line(exactly(value), LONGEST_FACT), "") for name, value in rows[:MOST_FACTS]])
    with ui.element("details"):
        text("summary", f"{line(happened.type, 80)} as JSON")
        text("pre", pretty(happened.data)).classes("sg-exact")


def _cases(cases: LikeCases, now: datetime, *, named: bool) -> None:
    of = f"{line(cases.action, 80)}: " if named else ""
    if cases.none_because is not None:
        ui.label(f"{of}{cases.none_because}").classes("sg-quiet")
        return
    total = cases.ended.total
    ui.label(f"{of}Of {number(total)} like {'case' if total == 1 else 'cases'} {cases.ended.words()}.")
    with ui.element("div").classes("sg-list"):
        for one in cases.examples:
            _case(one, cases.action, now)


def _case(case: Case, action: str, now: datetime) -> None:
    reward = case.of(action)
    with ui.element("div").classes("sg-item"):
        if case.revoked or reward is None:
            ui.label("source revoked" if case.revoked else "no outcome").classes("sg-state")
        else:
            ui.label("well" if reward >= GOOD else "badly").classes(
                f"sg-state {'sg-good' if reward >= GOOD else 'sg-bad'}"
            )
        done = ", ".join(line(one, 60) for one in case.done) or "nothing was done"
        turned = f"; turned down: {', '.join(line(one, 60) for one in case.declined)}" if case.declined else ""
        with ui.element("div").classes("sg-grow"):
            link(line(case.subject, 80), f"{MOUNT}/runs/{case.run}")
            told = "" if reward is None else f", reward {reward:.2f} of 1"
            ui.label(f"{done}{turned}{told}").classes("sg-quiet sg-small")
        when(case.closed_at, now)


def waited(since: datetime, now: datetime) -> str:
    """`waits for 12 min`."""
    return f"waits for {span(max(0.0, (now - since).total_seconds()))}"
