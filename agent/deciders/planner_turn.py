"""What one decision of the Planner works with: the situation and the calls it could make. Start with `Turn`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent.actions import action_name
from agent.deciders.choosing import Chooser, Option
from agent.deciders.expecting import Expectations
from agent.deciders.filling import Filled, Filler, is_explanation, same_json
from agent.deciders.planner_fields import may_give
from agent.deciders.planner_meaning import Meanings, Similarities, in_words
from agent.deciders.planner_settings import PlannerSettings
from agent.deciders.planner_values import required
from agent.deciders.purposes import Conditions
from agent.types import Call, CallResult, Candidate, Situation
from tools.arguments import fill_defaults
from tools.types import JsonObject, Tool

MAX_PROVIDERS = 3
"""Reads in a row, each giving what the next one needs, that are looked for."""


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A call that is ready to be made."""

    call: Call
    option: Option
    filled: Filled


class Turn:
    """The working set of one decision; nothing of it outlives the decision."""

    def __init__(
        self,
        situation: Situation,
        similarities: Similarities,
        expectations: Expectations,
        settings: PlannerSettings,
    ) -> None:
        self.situation = situation
        self.settings = settings
        self.meanings = Meanings(similarities)
        self.filler = Filler(situation, self.meanings, settings)
        self.chooser = Chooser(situation, self.meanings, expectations, settings)
        self.conditions = Conditions(situation)
        self.notes: list[Candidate] = []
        """Candidates of the report."""
        self.reads = tuple(tool for tool in situation.tools if tool.governance.effect == "read")
        self.writes = tuple(tool for tool in situation.tools if tool.governance.effect == "write")

    async def plan(self, option: Option, purpose: str | None) -> Planned:
        """The option with its arguments filled as far as they could be found."""
        filled = await self.filler.fill(option.tool, purpose=purpose, chosen=option.chosen)
        call = Call(
            tool=option.tool.name,
            arguments=filled.arguments,
            action=action_name(option.tool, filled.arguments),
            purpose=purpose,
            prior=option.expected,
        )
        return Planned(call=call, option=option, filled=filled)

    async def consult(self, tools: Sequence[Tool], purpose: str | None) -> list[Call]:
        """Calls of those reads that can be filled and were not made in this run yet."""
        calls: list[Call] = []
        for tool in tools:
            if len(calls) >= self.settings.max_reads:
                break
            if tool.governance.effect != "read":
                continue
            filled = await self.filler.fill(tool, purpose=purpose, chosen={})
            if filled.complete and not self._consulted(tool, filled.arguments):
                action = action_name(tool, filled.arguments)
                calls.append(Call(tool=tool.name, arguments=filled.arguments, action=action, purpose=purpose))
        return calls

    async def providers(self, names: Sequence[str], purpose: str | None, depth: int = 0) -> list[Call]:
        """Reads that declare a result of one of those names, or give what such a read itself lacks."""
        givers = [tool for tool in self.reads if any(may_give(tool, name) for name in names)]
        calls = await self.consult(givers, purpose)
        if calls or depth >= MAX_PROVIDERS:
            return calls
        for tool in givers:
            filled = await self.filler.fill(tool, purpose=purpose, chosen={})
            if filled.missing:
                calls += await self.providers(filled.missing, purpose, depth + 1)
        return calls

    async def weighed(self, calls: Sequence[Call], text: str) -> list[Option]:
        """The options that the calls are, for the report."""
        names = {call.tool for call in calls}
        tools = [tool for tool in self.situation.tools if tool.name in names]
        actions = {call.action for call in calls}
        options = await self.chooser.weigh(tools, await self.meanings.of_tools(text, tools))
        return [option for option in options if option.action in actions]

    def made(self, tool: Tool, arguments: JsonObject) -> list[CallResult]:
        """Calls of this run that did the same: same tool, and same arguments but for explanations and defaults."""
        whole = fill_defaults(tool, arguments)
        return [
            result
            for result in self.situation.results
            if result.call.tool == tool.name and is_alike(fill_defaults(tool, result.call.arguments), whole)
        ]

    def _consulted(self, tool: Tool, arguments: JsonObject) -> bool:
        """Whether the read was made in this run about the same thing.

        Only its required arguments count: an optional one that a result brought since would make it look new for ever.
        """
        needed = required(tool.parameters)
        return any(
            result.call.tool == tool.name
            and is_alike(
                {name: value for name, value in result.call.arguments.items() if name in needed},
                {name: value for name, value in arguments.items() if name in needed},
            )
            for result in self.situation.results
        )


def is_alike(one: JsonObject, other: JsonObject) -> bool:
    """Whether two calls of a tool do the same: equal arguments, whatever their reason; null is as good as absent."""
    mine = {name: value for name, value in one.items() if value is not None and not is_explanation(name)}
    yours = {name: value for name, value in other.items() if value is not None and not is_explanation(name)}
    return mine.keys() == yours.keys() and all(same_json(value, yours[name]) for name, value in mine.items())


def spoken(action_or_tool: str) -> str:
    """An action as an operator reads it."""
    name, bracket, rest = action_or_tool.partition("[")
    return in_words(name) + (f" ({rest.rstrip(']')})" if bracket else "")


def quoted(text: str) -> str:
    """Words that are someone else's, always marked the same way."""
    return f"“{text}”"


def sentence(text: str) -> str:
    """With a capital and one full stop, whatever it ended with."""
    text = text.strip().rstrip(".")
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith(("?", "!", ".”", "?”", "!”")) else ".")


def listed(words: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else list(words))
