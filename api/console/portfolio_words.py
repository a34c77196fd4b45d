"""Chains, steps and tools as the pages of the portfolio show them, as data. Start with `steps_of`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agent.operating.tool_figures import quantile
from agent.operating.tool_use import WeekOfTools, day_by_day
from agent.portfolio.model import Chain
from agent.store.figures import ToolCount
from agent.store.queries import Shown
from agent.store.tool_use import DayOfTool
from api.console.run_filter import Asked, address
from api.console.system_words import breaker_in_words, by_whom
from api.console.trend import Series
from api.console.words import number, share, span
from api.terminal import line

WEEK_DAYS = 7


@dataclass(frozen=True, kw_only=True)
class Stop:
    """Why runs went no further than a step, and where they are listed."""

    state: str
    says: str
    address: str


@dataclass(frozen=True, kw_only=True)
class StepShown:
    """A step of a chain: who performs it, and how it went in the last seven days."""

    name: str
    description: str
    tools: tuple[str, ...]
    person: str
    """What a person does there; empty where nobody does."""
    use: str
    stops: tuple[Stop, ...]

    @property
    def nobody(self) -> bool:
        """Whether neither tool nor person is known to perform it."""
        return not self.tools and not self.person


def steps_of(chain: Chain, tools: Sequence[Shown], week: WeekOfTools) -> list[StepShown]:
    """The chain's steps in order."""
    found = []
    for step in chain.steps:
        own = [tool for tool in tools if tool["step"] == step.name]
        names = tuple(str(tool["name"]) for tool in own)
        counts = [week.counts[name] for name in names if name in week.counts]
        found.append(
            StepShown(
                name=step.name,
                description=step.description,
                tools=names,
                person=_person(own, week),
                use=_used(week.runs.get(step.name, 0), counts),
                stops=tuple(_stops(names, week)),
            )
        )
    return found


def _person(tools: Sequence[Shown], week: WeekOfTools) -> str:
    answered = sum(week.stops[tool["name"]].answered for tool in tools if tool["name"] in week.stops)
    asked = any(tool["risk"] == "high" for tool in tools)
    if not (answered or asked):
        return ""
    if not answered:
        return "a person approves each call"
    times = f"answered {number(answered)} {'time' if answered == 1 else 'times'} this week"
    return f"a person approves; {times}" if asked else f"a person {times}"


def _used(runs: int, counts: Sequence[ToolCount]) -> str:
    if not runs:
        return "no run came here this week"
    ended, done = sum(one.done + one.bad for one in counts), sum(one.done for one in counts)
    succeeded = f", {share(done, ended)} of the calls done" if ended else ""
    return f"{number(runs)} {'run' if runs == 1 else 'runs'} this week{succeeded}"


def _stops(names: Sequence[str], week: WeekOfTools) -> list[Stop]:
    known = [(name, week.stops[name]) for name in names if name in week.stops]
    found = []
    for status, says in (("failed", "failed here"), ("stopped", "stopped here"), ("waiting", "wait here")):
        by_tool = {name: getattr(stops, status) for name, stops in known if getattr(stops, status)}
        for name, count in by_tool.items():
            words = says.replace("wait ", "waits ") if count == 1 else says
            which = f", at {line(name, 60)}" if len(by_tool) > 1 else ""
            where = address(Asked(status=status, tool=name, when="week"))
            found.append(Stop(state=status, says=f"{number(count)} {words}{which}", address=where))
    return found


def kind_of(tool: Mapping[str, Any]) -> str:
    """What it is to the company, in one line."""
    parts = [
        "only reads" if tool["effect"] == "read" else f"changes something, {tool['risk']} risk",
        f"owner {line(tool['owner'], 60)}" if tool["owner"] else "no owner",
        "may be repeated" if tool["idempotent"] else "",
        "waits for an approval" if tool["risk"] == "high" else "",
    ]
    return "; ".join(part for part in parts if part)


def use_of(count: ToolCount | None) -> str:
    """Calls of the week, how many succeeded, and how long they take."""
    if count is None or not count.calls:
        return "not called this week"
    ended = count.done + count.bad
    took = f", half of them within {span(quantile(count.seconds, 0.5))}" if count.seconds else ""
    calls = "call" if count.calls == 1 else "calls"
    return f"{number(count.calls)} {calls} this week, {share(count.done, ended)} done{took}"


def health_of(tool: Shown, pause: Shown | None, now: datetime) -> tuple[str, str, str]:
    """State, its word, and why."""
    if pause is not None:
        return "paused", "paused", by_whom(pause, now)
    if tool["breaker"] is not None:
        return "failed", "left alone", breaker_in_words(tool["breaker"], now)
    return "done", "well", ""


def calls_by_day(days: Mapping[str, DayOfTool], now: datetime, number_: int) -> Series:
    """To draw."""
    found = day_by_day(days, now, number_)
    values = tuple(float(day.done + day.bad) for _, day in found)
    return Series(what="Calls", span="days", begins=tuple(at for at, _ in found), values=values)


def by_unit(tools: Sequence[Shown], steps: Sequence[str]) -> list[tuple[str, list[tuple[str, list[Shown]]]]]:
    """Unit -> step -> tools; units by name, steps in the order of the chains, those without one last."""
    found = []
    for unit in sorted({str(tool["unit"]) for tool in tools}, key=lambda one: (not one, one)):
        mine = [tool for tool in tools if tool["unit"] == unit]
        order = [*(step for step in steps if any(tool["step"] == step for tool in mine)), None]
        groups = [(step or "", [tool for tool in mine if tool["step"] == step]) for step in order]
        found.append((unit, [(step, group) for step, group in groups if group]))
    return found


def governance(tool: Shown) -> list[tuple[str, str]]:
    """What the company says of it, in words."""
    high = "every call waits for a person's approval of its exact arguments"
    changes = {
        "low": "changes something, low risk: it is called without asking",
        "medium": "changes something, medium risk: it is called without asking, and nothing is tried out with it",
        "high": f"changes something, high risk: {high}",
    }
    reads = "only reads" if tool["risk"] != "high" else f"only reads, high risk: {high}"
    again = "yes: it answers a repeated key without acting again, so a call in doubt is repeated"
    harmless = "yes: it only reads, so a call in doubt is repeated"
    never = "no: a call in doubt is never repeated blindly; a person settles it"
    repeated = harmless if tool["effect"] == "read" else again if tool["idempotent"] else never
    return [
        ("Effect and risk", reads if tool["effect"] == "read" else changes[tool["risk"]]),
        ("May be repeated", repeated),
        ("Answers within", span(tool["timeout_s"])),
        ("Owner", line(tool["owner"], 200) or "nobody is named"),
        ("Unit", line(tool["unit"], 200) or "none is named"),
        ("Step", line(tool["step"], 80) if tool["step"] else "performs no step of a chain"),
        (
            "Event types that may call it",
            ", ".join(line(one, 80) for one in tool["events"]) or "none: list it under 'allow'",
        ),
        ("Chosen in it", ", ".join(line(one, 80) for one in tool["choice"]) or "nothing"),
        ("Source", line(tool["source"], 80)),
    ]
