"""What other ways to choose would have earned, from the decisions on record. Start with `Valuations.value`.

Each run with an outcome gives, for each purpose, its first choice among rivals: the candidates that could have been
taken with their probabilities, which of them was, and the run's reward by the goals' present weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import fmean
from typing import Any

from sqlalchemy import Connection

from agent.errors import NotFound
from agent.portfolio.model import Portfolio
from agent.store import logged
from agent.store.database import Database
from agent.store.queries import Shown
from memory.rewards import combined
from memory.valuing import POLICIES, Choice, Estimate, PolicyName, Rival, ValuingError, value

MOST_RUNS = 5_000
"""Latest graded runs looked at."""
DIGITS = 4
NOTHING_EXPLORED = (
    "Nothing was explored, so that the log never takes anything else. "
    "Say `learning: {explore: 0.05}` at the event type, and wait for outcomes."
)


@dataclass
class _Purpose:
    choices: list[Choice] = field(default_factory=list)
    unexplored: int = 0
    """Choices that could have come out in one way only, though there were rivals."""


class Valuations:
    """Values policies from the log."""

    def __init__(self, database: Database, portfolio: Portfolio) -> None:
        self._database = database
        self._portfolio = portfolio

    async def value(self, tenant: str, event_type: str, policies: Sequence[PolicyName]) -> Shown:
        """By purpose and policy: the estimates with 95 % intervals, or why there are none. Raises `NotFound`."""
        if event_type not in self._portfolio.events:
            raise NotFound(f"there is no event type {event_type!r}")

        def look(connection: Connection) -> tuple[int, Mapping[str, _Purpose]]:
            return self._gather(logged.weighed(connection, tenant, event_type, MOST_RUNS))

        runs, found = await self._database.read(look)
        items = [_valued(purpose or None, found[purpose], policy) for purpose in sorted(found) for policy in policies]
        return {"type": event_type, "graded_runs": runs, "refused": None if items else _nothing(runs), "items": items}

    def _gather(self, runs: Iterator[logged.Weighed]) -> tuple[int, Mapping[str, _Purpose]]:
        count = 0
        found: dict[str, _Purpose] = {}
        for run in runs:
            reward = combined(run.rewards, self._portfolio.goals)
            if reward is None:
                continue
            count += 1
            for purpose, rivals, taken in first_choices(run.decisions):
                of = found.setdefault(purpose, _Purpose())
                if min(rival.propensity for rival in rivals) > 0:
                    of.choices.append(Choice(rivals=rivals, taken=taken, reward=reward))
                else:
                    of.unexplored += 1
        return count, found


def first_choices(
    decisions: Sequence[Sequence[Mapping[str, Any]]],
) -> Iterator[tuple[str, tuple[Rival, ...], str]]:
    """Of a run: for each purpose, empty for none, the first choice among rivals, and what was taken."""
    seen: set[str] = set()
    for candidates in decisions:
        drawn: dict[str, list[Mapping[str, Any]]] = {}
        for one in candidates:
            # Decisions from before there were propensities say nothing.
            if one.get("propensity") is not None:
                drawn.setdefault(one["purpose"] or "", []).append(one)
        for purpose, could in drawn.items():
            taken = [one["action"] for one in could if one["chosen"]]
            if purpose not in seen and taken and len(could) > 1:
                yield purpose, tuple(_rival(one) for one in could), taken[0]
            seen.add(purpose)


def _rival(candidate: Mapping[str, Any]) -> Rival:
    return Rival(
        action=candidate["action"],
        propensity=candidate["propensity"],
        prior=candidate["prior"],
        score=candidate["score"],
    )


def _valued(purpose: str | None, of: _Purpose, policy: PolicyName) -> Shown:
    shown: Shown = {
        "purpose": purpose,
        "policy": policy,
        "choices": len(of.choices),
        "unexplored": of.unexplored,
        "mean_reward": round(fmean(one.reward for one in of.choices), DIGITS) if of.choices else None,
        "effective_sample_size": None,
        "ips": None,
        "snips": None,
        "doubly_robust": None,
        "refused": None,
    }
    if not of.choices:
        return {**shown, "refused": NOTHING_EXPLORED}
    try:
        found = value(of.choices, POLICIES[policy])
    except ValuingError as error:
        return {**shown, "refused": str(error)}
    return {
        **shown,
        "effective_sample_size": round(found.effective, 1),
        "ips": _shown(found.ips),
        "snips": _shown(found.snips),
        "doubly_robust": _shown(found.doubly_robust),
    }


def _shown(estimate: Estimate) -> Mapping[str, float]:
    return {name: round(number, DIGITS) for name, number in asdict(estimate).items()}


def _nothing(runs: int) -> str:
    if not runs:
        return "No run of this type has an outcome yet."
    return "In no run with an outcome was there a choice among several actions for one purpose."
