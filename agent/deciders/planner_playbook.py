"""One purpose of a playbook: what it needs next. Start with `PurposePlanner.next_for`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from agent.deciders.choosing import Option
from agent.deciders.exploring import Explorer
from agent.deciders.filling import Filled
from agent.deciders.planner_fields import may_give
from agent.deciders.planner_turn import Planned, Turn, listed, quoted, sentence, spoken
from agent.deciders.purposes import Standing, judge, standing
from agent.store.history import NONSENSE
from agent.types import Call, CallResult, Purpose, Question
from tools.types import Tool

Kind: TypeAlias = Literal["closed", "skip", "wait", "read", "write", "ask"]


@dataclass(frozen=True, kw_only=True)
class Next:
    """What a purpose needs next, and why."""

    kind: Kind
    purpose: Purpose | None
    """None: what evidence or meaning adds of its own."""
    why: str
    calls: tuple[Call, ...] = ()
    planned: Planned | None = None
    options: tuple[Option, ...] = ()
    """What was weighed for it."""
    question: Question | None = None
    chances: Mapping[str, float] = field(default_factory=dict)
    """With which probability each action was taken; empty where nothing is drawn."""
    explored: bool = False
    """Another action than the best is tried."""


@dataclass(frozen=True, kw_only=True)
class _Weighed:
    """A purpose with the tools that may serve it."""

    purpose: Purpose
    writes: bool
    step: tuple[Tool, ...]
    standing: Standing
    options: tuple[Option, ...]


class PurposePlanner:
    """Works out the next thing for each purpose of one decision's playbook."""

    def __init__(self, turn: Turn, playbook: Sequence[Purpose], *, sure: bool = True) -> None:
        """Not `sure`: an operator is asked whether what is found is to be done, so that nothing is explored."""
        self._turn = turn
        self._playbook = tuple(playbook)
        self._sure = sure

    async def next_for(self, purpose: Purpose) -> Next:
        """Closed, skipped, waiting, or the reads, the call or the question it needs now."""
        turn = self._turn
        step = tuple(tool for tool in turn.situation.tools if tool.governance.step == purpose.step)
        if not step:
            return Next(kind="skip", purpose=purpose, why=f"no permitted tool performs the step {quoted(purpose.step)}")
        cosines = await turn.meanings.of_tools(purpose.text, step)
        writes = turn.chooser.is_write(purpose.text, step, cosines)
        where = standing(purpose, turn.situation, writes=writes)
        if where.state not in {"open", "failed"}:
            return Next(kind="closed", purpose=purpose, why=where.in_words)
        untold = await self._condition(purpose, step)
        if untold is not None:
            return untold
        effect = "write" if writes else "read"
        rivals = await self._rivals(purpose, [tool for tool in step if tool.governance.effect == effect], cosines)
        options = tuple(await turn.chooser.weigh(rivals, cosines))
        weighed = _Weighed(purpose=purpose, writes=writes, step=step, standing=where, options=options)
        if writes:
            reads = await turn.consult(await self._by_meaning(purpose.text, turn.reads, step), purpose.text)
            if reads:
                return Next(
                    kind="read",
                    purpose=purpose,
                    why="what is known is looked up first",
                    calls=tuple(reads),
                    options=options,
                )
        return await self._serve(weighed)

    async def _by_meaning(self, text: str, tools: Sequence[Tool], step: Sequence[Tool]) -> list[Tool]:
        """The step's own tools among them, those that mean the text best first."""
        own = [tool for tool in tools if tool in step]
        cosines = await self._turn.meanings.of_tools(text, own)
        return sorted(own, key=lambda tool: -cosines[tool.name])

    async def _condition(self, purpose: Purpose, step: Sequence[Tool]) -> Next | None:
        """None when the condition holds; else the skip, the wait, or the reads that may tell."""
        truth, problem = self._turn.conditions.truth(purpose.when)
        if truth == "true":
            return None
        if truth == "false":
            return Next(kind="skip", purpose=purpose, why="its condition does not hold")
        if truth == "broken":
            return Next(kind="skip", purpose=purpose, why=f"its condition cannot be told: {problem}")
        reads = await self._turn.consult([*step, *self._tellers(purpose)], purpose.text)
        if reads:
            unique = {call.action: call for call in reads}
            return Next(kind="read", purpose=purpose, why="its condition needs it", calls=tuple(unique.values()))
        return Next(kind="wait", purpose=purpose, why=f"its condition could not be told: {problem}")

    def _tellers(self, purpose: Purpose) -> list[Tool]:
        """Permitted reads whose results the condition reads, by tool, by step or by a field they declare."""
        paths = self._turn.conditions.reads(purpose.when or "")
        names = {path[1] for path in paths if len(path) > 1 and path[0] == "results"}
        steps = {path[1] for path in paths if len(path) > 1 and path[0] == "steps"}
        features = {path[1] for path in paths if len(path) > 1 and path[0] == "features"}
        return [
            tool
            for tool in self._turn.reads
            if tool.name in names
            or tool.governance.step in steps
            or any(may_give(tool, feature) for feature in features)
        ]

    def _is_needed(self, read: str) -> bool:
        """Whether a condition of the playbook waits for what the read tells."""
        return any(read in {tool.name for tool in self._tellers(other)} for other in self._playbook)

    def _is_taken_over(self, tool: str) -> bool:
        """Whether a condition of the playbook asks if the tool failed."""
        return any(("failed", tool) in self._turn.conditions.reads(other.when or "") for other in self._playbook)

    async def _rivals(self, purpose: Purpose, tools: Sequence[Tool], cosines: Mapping[str, float]) -> list[Tool]:
        """The tools compared for a purpose: not those that another purpose of the step means, nor those far from it."""
        if not tools:
            return []
        best = max(tools, key=lambda tool: cosines[tool.name])
        others = [other for other in self._playbook if other.step == purpose.step and other.text != purpose.text]
        taken: set[str] = set()
        for other in others:
            theirs = await self._turn.meanings.of_tools(other.text, tools)
            owner = max(tools, key=lambda tool: theirs[tool.name])
            if owner.name != best.name and theirs[owner.name] > cosines[owner.name]:
                taken.add(owner.name)
        floor = cosines[best.name] - self._turn.settings.rival_margin
        evidence = {known.partition("[")[0] for known in self._turn.situation.evidence}
        return [
            tool for tool in tools if tool.name not in taken and (cosines[tool.name] >= floor or tool.name in evidence)
        ]

    async def _serve(self, weighed: _Weighed) -> Next:
        """The best action that can be made; after a failure another tool that means nearly the same."""
        turn, purpose = self._turn, weighed.purpose
        failed = {result.call.tool for result in weighed.standing.failed}
        barred: list[str] = []
        first: Planned | None = None
        for option in weighed.options:
            tried = failed | ({first.option.tool.name} if first else set())
            if option.tool.name in tried or not self._is_near(option, weighed, tried):
                continue
            planned = await turn.plan(option, purpose.text)
            if planned.filled.barred:
                barred.extend(planned.filled.barred)
                failed.add(option.tool.name)
                continue
            before = judge(turn.made(option.tool, planned.call.arguments), reads=not weighed.writes)
            if planned.filled.complete and before.state not in {"open", "failed"}:
                return Next(kind="closed", purpose=purpose, why=f"the same call is {before.in_words}")
            surer = await turn.providers(planned.filled.guessed, purpose.text) if weighed.writes else []
            if planned.filled.complete and before.state == "open" and surer:
                why = f"{listed(planned.filled.guessed)} may be found more surely"
                return Next(kind="read", purpose=purpose, why=why, calls=tuple(surer), options=weighed.options)
            if planned.filled.complete and before.state == "open":
                return await self._make(weighed, planned)
            if planned.filled.complete:
                failed.add(option.tool.name)
                weighed = _with_failed(weighed, before)
                continue
            if not weighed.standing.failed:
                first = first or planned
                if weighed.writes:
                    break
        if first is not None:
            return await self._unfilled(weighed, first)
        if weighed.standing.failed:
            return await self._ask_again(weighed)
        why = f"the event does not carry {listed(sorted(set(barred)))}" if barred else "no tool of the step serves it"
        return Next(kind="skip", purpose=purpose, why=why, options=weighed.options)

    async def _make(self, weighed: _Weighed, planned: Planned) -> Next:
        """Make the call; of a write now and then another one, unless one for the purpose failed already."""
        purpose, why = weighed.purpose, _why(planned, weighed.options)
        plain = Next(
            kind="write" if weighed.writes else "read",
            purpose=purpose,
            why=why,
            planned=planned,
            calls=(planned.call,),
            options=weighed.options,
        )
        if not weighed.writes or weighed.standing.failed or not self._sure:
            return plain
        draw = await Explorer(self._turn).draw(planned, weighed.options, purpose.text)
        return replace(
            plain,
            why=draw.why(why, self._turn.situation.explore),
            planned=draw.planned,
            calls=(draw.planned.call,),
            chances=draw.chances,
            explored=draw.explored,
        )

    def _is_near(self, option: Option, weighed: _Weighed, tried: set[str]) -> bool:
        """Whether the tool means the purpose nearly as well as what was tried before it."""
        before = [other.cosine for other in weighed.options if other.tool.name in tried]
        return not before or option.cosine >= max(before) - self._turn.settings.nearly_margin

    async def _unfilled(self, weighed: _Weighed, planned: Planned) -> Next:
        """The best action lacks something: look it up, leave it when there is nothing to act on, else ask."""
        purpose, filled = weighed.purpose, planned.filled
        reads = await self._turn.providers(filled.missing, purpose.text)
        if reads:
            return Next(
                kind="read",
                purpose=purpose,
                why=f"{listed(filled.missing)} must be found first",
                calls=tuple(reads),
                options=weighed.options,
            )
        if filled.emptied:
            return Next(kind="skip", purpose=purpose, why="nothing there to act on", options=weighed.options)
        name = spoken(planned.call.tool)
        lacks = _lacks(filled)
        question = Question(
            text=sentence(f"To {quoted(purpose.text)}: {name} {lacks}"),
            options=(planned.call,),
            missing=filled.missing,
        )
        return Next(kind="ask", purpose=purpose, why=f"{name} {lacks}", question=question, options=weighed.options)

    async def _ask_again(self, weighed: _Weighed) -> Next:
        """Nothing else means the purpose: the operator decides whether it is tried again, or with another choice."""
        turn, purpose, last = self._turn, weighed.purpose, weighed.standing.failed[-1]
        if any(result.decided_by == "operator" for result in weighed.standing.failed):
            return Next(kind="closed", purpose=purpose, why="what the operator asked for did not work")
        if self._is_taken_over(last.call.tool):
            return Next(kind="closed", purpose=purpose, why="it did not work, and another purpose provides for that")
        offered = [
            Call(tool=last.call.tool, arguments=last.call.arguments, action=last.call.action, purpose=purpose.text)
        ]
        tried = {result.call.action for result in weighed.standing.failed}
        for option in weighed.options:
            if option.tool.name == last.call.tool and option.action not in tried:
                planned = await turn.plan(option, purpose.text)
                offered += [planned.call] if planned.filled.complete else []
        why = f"{spoken(last.call.action)} {_ended(last.state)}: {(last.error or 'no reason given')[:300]}"
        if not weighed.writes and not self._is_needed(last.call.tool):
            return Next(kind="skip", purpose=purpose, why=why, options=weighed.options)
        question = Question(
            text=f"{sentence(f'To {quoted(purpose.text)}: {why}')} {what_now(last, turn)}",
            options=tuple(offered[: turn.settings.max_options]),
        )
        return Next(kind="ask", purpose=purpose, why=why, question=question, options=weighed.options)


def _with_failed(weighed: _Weighed, before: Standing) -> _Weighed:
    """The purpose after another purpose's like call turned out to have failed."""
    return _Weighed(
        purpose=weighed.purpose,
        writes=weighed.writes,
        step=weighed.step,
        standing=Standing(state="failed", failed=(*weighed.standing.failed, *before.failed)),
        options=weighed.options,
    )


def _why(planned: Planned, options: Sequence[Option]) -> str:
    """Why this action, in a few words."""
    option = planned.option
    if option.evidence is not None and option.evidence.episodes:
        return f"score {option.score:.2f} from {len(option.evidence.episodes)} like episodes"
    if len(options) == 1:
        return "no other tool of the step means it"
    rivals = any(other.evidence is not None and other.evidence.surprise for other in options)
    return f"score {option.score:.2f} by meaning" + (" and by how its rivals did" if rivals else "")


def _lacks(filled: Filled) -> str:
    """Why a call cannot be made as it is."""
    if not filled.missing:
        return f"does not take what was found: {'; '.join(filled.problems)[:300]}"
    unfit = [name for name in filled.missing if name in filled.unfit]
    if not unfit:
        return f"needs {listed(filled.missing)}, which neither the event nor an earlier result gives"
    return f"needs {listed(filled.missing)}, and does not take what was found for {listed(unfit)}"


def what_now(last: CallResult, turn: Turn) -> str:
    """What an operator is asked after a call that did not work; one that may have acted is not repeated."""
    writes = {tool.name for tool in turn.writes}
    if last.call.tool in writes and last.state == "failed" and (last.error or "").startswith(NONSENSE):
        return (
            "It may have been done all the same, so it is not repeated in this run. "
            "What shall be done instead, if anything?"
        )
    return "Shall it be tried again?"


def _ended(state: str) -> str:
    return {"failed": "failed", "refused": "was refused", "unknown": "gave no clear answer"}.get(state, state)
