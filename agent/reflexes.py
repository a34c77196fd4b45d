"""What the reflex spares and what it costs in success, as operators see it. Start with `spared`."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from statistics import fmean, variance

from agent.portfolio.model import Portfolio
from agent.store.queries import Shown
from agent.store.reflex import Noted, NotedDecision
from memory.rewards import combined
from memory.student import t_95

LEAST = 5
"""Runs on either side from which a difference is told: two that earned the same would seem to leave no doubt."""


def spared(noted: Noted, portfolio: Portfolio, event_type: str | None) -> list[Shown]:
    """By event type: those that have a reflex, and those that had one when something was decided."""
    found: dict[str, list[NotedDecision]] = defaultdict(list)
    for one in noted.decisions:
        found[one.event_type].append(one)
    on = {name for name, kind in portfolio.events.items() if kind.learning.reflex and event_type in (None, name)}
    return [_of_type(name, found[name], noted, portfolio) for name in sorted(on | found.keys())]


def _of_type(name: str, made: Sequence[NotedDecision], noted: Noted, portfolio: Portfolio) -> Shown:
    kind = portfolio.events.get(name)
    settings = kind.learning.reflex if kind is not None else None
    used = [one for one in made if one.role == "used"]
    checked = [one for one in made if one.role == "checked"]
    by_reflex = {one.run for one in used}
    by_check = {one.run for one in checked} - by_reflex
    by_model = {one.run for one in made} - by_reflex
    earned = {
        run: reward
        for run in by_reflex | by_model
        for reward in [combined(noted.rewards.get(run, {}), portfolio.goals)]
        if reward is not None
    }
    rewards = [[earned[run] for run in sorted(runs) if run in earned] for runs in (by_reflex, by_check, by_model)]
    return {
        "event_type": name,
        "reflex": None if settings is None else asdict(settings),
        "runs": {"reflex": len(by_reflex), "checked": len(by_check), "model": len(by_model)},
        "decisions": {
            "reflex": len(used),
            "checked": len(checked),
            "agreed": sum(one.agrees is True for one in checked),
            "model": len(made) - len(used),
        },
        "gave_way": dict(Counter(one.gave_way for one in made if one.gave_way).most_common()),
        "model_calls_saved": len(used),
        "tokens_saved": sum(one.spared for one in used),
        "tokens_used": sum(one.tokens for one in made),
        "reward": {
            "reflex": _mean(rewards[0]),
            "checked": _mean(rewards[1]),
            "model": _mean(rewards[2]),
            "difference": _difference(rewards[0], rewards[1]),
        },
    }


def _mean(rewards: Sequence[float]) -> Shown:
    return {"runs": len(rewards), "mean": round(fmean(rewards), 4) if rewards else None}


def _difference(reflex: Sequence[float], checked: Sequence[float]) -> Mapping[str, float] | None:
    """Of the means, with its 95 % interval (Welch 1947); None for too few runs on either side."""
    if min(len(reflex), len(checked)) < LEAST:
        return None
    parts = [variance(one) / len(one) for one in (reflex, checked)]
    total = math.fsum(parts)
    mean = fmean(reflex) - fmean(checked)
    if not total:
        return {"mean": round(mean, 4), "low": round(mean, 4), "high": round(mean, 4)}
    freedom = total**2 / math.fsum(part**2 / (len(one) - 1) for part, one in zip(parts, (reflex, checked), strict=True))
    spread = t_95(freedom) * math.sqrt(total)
    return {"mean": round(mean, 4), "low": round(mean - spread, 4), "high": round(mean + spread, 4)}
