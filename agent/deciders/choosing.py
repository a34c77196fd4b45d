"""Which tool serves a purpose best: candidates, prior, score. Start with `weigh`, then `means_a_write`."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from agent.actions import NOTHING, action_name
from agent.deciders.expecting import Expectations
from agent.deciders.filling import same_json
from agent.deciders.planner_meaning import Meanings, in_words, tokens
from agent.deciders.planner_settings import PlannerSettings
from agent.deciders.planner_values import as_schema, fits, members, properties
from agent.types import Candidate, Situation
from memory.scoring import prior as softmax
from memory.scoring import scores
from memory.types import ActionEvidence
from tools.types import JsonObject, JsonValue, Tool

_INQUIRY = frozenset({"see", "look", "check", "consult", "read", "understand", "learn", "know", "determine", "verify"})
_INQUIRY |= {"inspect", "review", "identify", "gather", "examine", "lookup"}
_TIE = 1e-9


class Option(NamedTuple):
    """One action as it was weighed for one purpose."""

    tool: Tool
    chosen: Mapping[str, JsonValue]
    """Values of the tool's `choice` arguments."""
    action: str
    cosine: float
    prior: float
    expected: float
    """Its part of the priors of all that were weighed with it."""
    evidence: ActionEvidence | None
    score: float

    def candidate(self, *, purpose: str | None, why_not: str | None, propensity: float | None = None) -> Candidate:
        """What the report shows of it; chosen when there is no reason why not."""
        return Candidate(
            action=self.action,
            tool=self.tool.name,
            purpose=purpose,
            permitted=True,
            prior=self.prior,
            success=self.evidence.success if self.evidence else 0.0,
            failure=self.evidence.failure if self.evidence else 0.0,
            episodes=self.evidence.episodes if self.evidence else (),
            score=self.score,
            chosen=why_not is None,
            why_not=why_not,
            propensity=propensity,
        )


class Chooser:
    """Weighs actions within one decision."""

    def __init__(
        self, situation: Situation, meanings: Meanings, expectations: Expectations, settings: PlannerSettings
    ) -> None:
        self._situation = situation
        self._meanings = meanings
        self._expectations = expectations
        self._settings = settings

    async def weigh(
        self, tools: Sequence[Tool], cosines: Mapping[str, float], texts: Sequence[str] = ()
    ) -> list[Option]:
        """Every action of the tools, best first: by score, meaning, what the situation says of it, as declared.

        The cosines are those to a purpose, or else to the event, which `texts` tell in its own words.
        """
        settings = self._settings
        expected = await self._expected(tools, cosines, texts)
        best = max(expected.values(), default=0.0)
        # So small a difference from a purpose tells nothing; counted, it would keep the runner-up from being tried.
        margin = 0.0 if texts else settings.equal_margin
        levelled = {name: best if cosine >= best - margin else cosine for name, cosine in expected.items()}
        meant = softmax(levelled, settings.memory.temperature)
        rivals: list[tuple[Tool, JsonObject, str]] = []
        priors: dict[str, float] = {}
        for tool in tools:
            for chosen in variants(tool, self._situation.bound, settings.max_variants):
                action = action_name(tool, chosen)
                rivals.append((tool, chosen, action))
                priors[action] = meant[tool.name]
        evidence = {action: known for action in priors for known in [self._sound(action)] if known is not None}
        total = math.fsum(priors.values())
        reached = scores(priors, evidence, settings.memory)
        options = [
            Option(
                tool=tool,
                chosen=chosen,
                action=action,
                cosine=cosines[tool.name],
                prior=priors[action],
                expected=priors[action] / total if total else 0.0,
                evidence=evidence.get(action),
                score=reached[action],
            )
            for tool, chosen, action in rivals
        ]
        return await self._ordered(options, expected)

    async def _expected(
        self, tools: Sequence[Tool], cosines: Mapping[str, float], texts: Sequence[str]
    ) -> Mapping[str, float]:
        if texts:
            called = [tool for tool in tools if tool is not NOTHING]
            known = await self._expectations.of(self._meanings, texts, called)
            return {tool.name: known.get(tool.name, self._settings.memory.nothing) for tool in tools}
        return {tool.name: cosines[tool.name] for tool in tools}

    def _sound(self, action: str) -> ActionEvidence | None:
        known = self._situation.evidence.get(action)
        if known is None or not (math.isfinite(known.success + known.failure + known.surprise)):
            return None
        return known

    async def _ordered(self, options: list[Option], expected: Mapping[str, float]) -> list[Option]:
        if not options:
            return []
        best = max(option.score for option in options)
        tied = [option for option in options if option.score >= best - _TIE]
        pull: dict[str, tuple[bool, float]] = {}
        if len(tied) > 1:
            meant = await self._meanings.of(
                self._situation.text, {option.action: _variant_text(option) for option in tied}
            )
            pull = {option.action: (not self._named_by_event(option), -meant[option.action]) for option in tied}
        untied = True, 0.0
        # What is still equal keeps the order in which it was declared.
        keys = [
            (-round(option.score, 9), -expected[option.tool.name], pull.get(option.action, untied), row)
            for row, option in enumerate(options)
        ]
        return [options[key[-1]] for key in sorted(keys)]

    def _named_by_event(self, option: Option) -> bool:
        """Whether a field of the event has the very name of a choice argument, and its value."""
        by_words = {tokens(str(name)): value for name, value in self._situation.event.data.items()}
        return bool(option.chosen) and any(
            same_json(by_words.get(tokens(name)), value) for name, value in option.chosen.items()
        )

    def is_write(self, purpose: str, tools: Sequence[Tool], cosines: Mapping[str, float]) -> bool:
        """Whether the purpose means that something is to be done, not only looked up."""
        reads = [cosines[tool.name] for tool in tools if tool.governance.effect == "read"]
        writes = [cosines[tool.name] for tool in tools if tool.governance.effect == "write"]
        if not reads or not writes:
            return bool(writes)
        needed = self._settings.inquiry_shift if is_inquiry(purpose) else -self._settings.write_slack
        return max(writes) >= max(reads) + needed

    def is_strong(self, option: Option) -> bool:
        """Whether like episodes alone are reason enough for the action."""
        known = option.evidence
        return (
            known is not None
            and known.success + known.failure >= self._settings.strong_mass
            and option.score >= self._settings.strong_score
            and len(set(known.episodes)) >= self._settings.strong_episodes
        )


def is_inquiry(purpose: str) -> bool:
    """Whether the purpose starts with a word of looking: `check ...`, `find out ...`."""
    words = in_words(purpose[:100]).split()
    if tuple(words[:2]) in {("find", "out"), ("get", "to")}:
        return words[:2] == ["find", "out"] or words[2:3] == ["know"]
    return bool(words) and words[0] in _INQUIRY and words[1:2] not in (["after"], ["to"], ["in"], ["for"])


def variants(tool: Tool, bound: Mapping[str, JsonValue], most: int) -> list[JsonObject]:
    """Every combination of the values the schema enumerates for its `choice` arguments; at least one, maybe empty."""
    if not tool.governance.choice:
        return [{}]
    declared = properties(tool.parameters)
    names: list[str] = []
    values: list[list[JsonValue]] = []
    for name in tool.governance.choice:
        schema = as_schema(declared.get(name))
        listed = [bound[name]] if bound.get(name) is not None else list(members(schema))
        usable = [value for value in listed if fits(schema, value)]
        if usable:
            names.append(name)
            values.append(usable)
    combinations = itertools.islice(itertools.product(*values), most)
    return [dict(zip(names, combination, strict=True)) for combination in combinations]


def _variant_text(option: Option) -> str:
    said = ", ".join(f"{in_words(name)} {in_words(str(value))}" for name, value in option.chosen.items())
    return f"{in_words(option.tool.name)}: {said or option.tool.description}"
