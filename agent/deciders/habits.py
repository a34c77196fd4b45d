"""What is usually done about a kind of event, read off graded runs. Start with `learn_habits`.

Where the portfolio gives no playbook, runs that an outcome was joined to take its place: what they served, after what,
and when. Only facts count that were known before the deed: the event's fields and results of earlier calls.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from agent.deciders.habit_rules import LEAST, Rule, Sample, learn_rule
from agent.deciders.known import Known, knowledge
from agent.types import CallResult, PastRun, Purpose
from tools.types import Tool

LEAST_RUNS = 8
"""Graded runs from which there is something usual."""
MOST_HABITS = 24
BEFORE = 0.8
"""Share of the runs with both from which one thing comes before the other."""
_ACTED = frozenset({"done", "failed", "unknown"})


@dataclass(frozen=True, kw_only=True)
class Habit:
    """One thing that runs of the kind did."""

    purpose: Purpose
    """With the condition under which they did it."""
    doubtful: Purpose | None
    """With the condition under which like runs do not agree."""
    tools: frozenset[str]
    """What served it."""
    writes: bool
    after: frozenset[str]
    """Texts of the purposes that are served before."""
    runs: int
    """Graded runs it was learned from."""


def learn_habits(past: Sequence[PastRun], tools: Sequence[Tool]) -> tuple[Habit, ...] | None:
    """What those runs did with the tools, in the order they did it; None when there are too few of them."""
    if len(past) < LEAST_RUNS:
        return None
    by_name = {tool.name: tool for tool in tools}
    served = _served(past, by_name)
    subjects = frozenset(run.subject for run in past)
    known = [knowledge(run, subjects) for run in past]
    usual = sorted(served.values(), key=lambda one: -len(one.first))[:MOST_HABITS]
    return tuple(_habit(one, served.values(), known, by_name) for one in sorted(usual, key=lambda one: one.place))


@dataclass(frozen=True, kw_only=True)
class _Served:
    """One purpose over all runs."""

    text: str
    step: str
    tools: frozenset[str]
    writes: bool
    first: Mapping[str, int]
    """Run -> number of the decision that first served it."""
    place: tuple[float, str]
    """For sorting: when it came, usually."""


def _served(past: Sequence[PastRun], tools: Mapping[str, Tool]) -> Mapping[str, _Served]:
    calls: dict[str, list[tuple[str, CallResult]]] = {}
    for run in past:
        for result in run.results:
            known = tools.get(result.call.tool)
            if known is not None and known.governance.step is not None and result.state in _ACTED:
                # A tool that no purpose was noted for is used for what it is there for.
                calls.setdefault(result.call.purpose or known.description, []).append((run.id, result))
    found: dict[str, _Served] = {}
    for text, made in calls.items():
        writes = [one for one in made if tools[one[1].call.tool].governance.effect == "write"]
        own = writes or made
        first: dict[str, int] = {}
        for run_id, result in own:
            first[run_id] = min(result.decision, first.get(run_id, result.decision))
        found[text] = _Served(
            text=text,
            step=statistics.mode(str(tools[result.call.tool].governance.step) for _, result in own),
            tools=frozenset(result.call.tool for _, result in own),
            writes=bool(writes),
            first=first,
            place=(statistics.fmean(first.values()), text),
        )
    return found


def _habit(own: _Served, served: Collection[_Served], known: Sequence[Known], tools: Mapping[str, Tool]) -> Habit:
    before = [other for other in served if other is not own and other.writes and _precedes(other, own)]
    known_first = _tools_before(own, known)
    later = frozenset(tool for other in before for tool in other.tools)
    samples = [
        Sample(
            facts=one.before(own.first.get(one.run.id), known_first),
            done=one.run.id in own.first,
            reward=one.run.reward,
            trust=one.run.weight,
        )
        for one in known
    ]
    rule = learn_rule(samples, later & known_first, _counted(own, tools, known_first))
    return Habit(
        purpose=Purpose(text=own.text, step=own.step, when=rule.do),
        doubtful=_doubtful(own, rule),
        tools=own.tools,
        writes=own.writes,
        after=frozenset(other.text for other in before),
        runs=len(known),
    )


def _counted(own: _Served, tools: Mapping[str, Tool], before: frozenset[str]) -> frozenset[str]:
    """Reads of the same step, which tell what there is to act on."""
    return frozenset(
        name
        for name in before
        if name in tools and tools[name].governance.effect == "read" and tools[name].governance.step == own.step
    )


def _doubtful(own: _Served, rule: Rule) -> Purpose | None:
    return None if rule.doubtful == "false" else Purpose(text=own.text, step=own.step, when=rule.doubtful)


def _precedes(one: _Served, other: _Served) -> bool:
    both = one.first.keys() & other.first.keys()
    earlier = sum(one.first[run] < other.first[run] for run in both)
    return len(both) >= LEAST and earlier >= BEFORE * len(both)


def _tools_before(own: _Served, known: Sequence[Known]) -> frozenset[str]:
    """Tools whose results are known before it is served; what only followed from it cannot tell when to do it."""
    earlier: Counter[str] = Counter()
    both: Counter[str] = Counter()
    for one in known:
        at = own.first.get(one.run.id)
        if at is not None:
            both.update({tool for _, tool, _ in one.results})
            earlier.update({tool for number, tool, _ in one.results if number < at})
    return frozenset(tool for tool, count in both.items() if earlier[tool] >= BEFORE * count) - own.tools
