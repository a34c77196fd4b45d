"""What a reflex spares, and what it costs in success. Start with `play_reflex`.

A world is played with a chat model that follows rules, once asked at every decision and once with a reflex, on the
same events with the same luck. Compared is the second half; intervals are over seeds, never over events.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

import yaml

from agent.service import Segue
from evals.bench.marks import Mark, at_least
from evals.intervals import as_json, mean_spread
from evals.learning.reflex_stages import STAGES, Stage
from evals.learning.rules import RULES
from evals.learning.scripted import ScriptedModel
from evals.seasons.company import Company, open_company
from evals.seasons.door import TENANT
from evals.workers import open_workers
from evals.worlds.kit.loopback import on_loopback

Arm = Literal["asked", "reflex"]
ARMS: tuple[Arm, ...] = ("asked", "reflex")
REFLEX: Mapping[str, float] = {"checked": 0.05, "episodes": 5, "lower": 0.6, "margin": 0.1}
"""As in the portfolio; `lower` is what the rules earn, less what luck takes in few runs."""
EVENTS = 300
"""Of a stream, unless asked for otherwise."""
SAVED = 80.0
"""The mark: percent of the model's calls in the second half."""


@dataclass(frozen=True, kw_only=True)
class Half:
    """Half a stream in one arm."""

    model_calls: int
    tokens: int
    reward: float
    """Mean over the affairs that had outcomes, by the goals' weights."""


@dataclass(frozen=True, kw_only=True)
class Stream:
    """One stream as it went."""

    seed: int
    arm: Arm
    halves: tuple[Half, Half]
    checks: int
    """Decisions in which the model was asked to check the reflex."""
    agreed: int


@dataclass(frozen=True, kw_only=True)
class HalfFigures:
    """Half of the streams in both arms, over seeds."""

    asked: Half
    reflex: Half
    saved_percent: float
    """Of the model's calls."""
    tokens_saved_percent: float
    low: float
    high: float
    """Of the difference in mean reward, with the reflex less without."""

    @property
    def difference(self) -> float:
        """In mean reward."""
        return self.reflex.reward - self.asked.reward

    def as_json(self) -> dict[str, Any]:
        """As the report shows it."""
        return {
            "asked": asdict(self.asked),
            "reflex": asdict(self.reflex),
            "saved_percent": round(self.saved_percent, 1),
            "tokens_saved_percent": round(self.tokens_saved_percent, 1),
            "reward_difference": {
                "mean": round(self.difference, 4),
                "low": as_json(self.low, 4),
                "high": as_json(self.high, 4),
            },
        }


@dataclass(frozen=True, kw_only=True)
class ReflexFigures:
    """Streams with and without a reflex, summed up."""

    stage: Stage
    seeds: tuple[int, ...]
    events: int
    first: HalfFigures
    second: HalfFigures
    checks: int
    agreed: int

    @property
    def marks(self) -> tuple[Mark, ...]:
        """What must be reached. No loss: the upper end of the difference's interval is not below 0."""
        single = "one seed has no interval" if len(self.seeds) < 2 else None
        high = None if single else self.second.high
        return (
            at_least("model calls saved in the second half", SAVED, self.second.saved_percent, unit=" %"),
            at_least("no loss in reward: upper end of the difference", 0.0, high, why=single),
        )

    @property
    def held(self) -> bool:
        """Whether no mark was missed."""
        return all(mark.state != "failed" for mark in self.marks)

    def as_json(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {
            "segue_eval": "reflex",
            "version": 1,
            "world": self.stage.world,
            "seeds": list(self.seeds),
            "events": self.events,
            "reflex": dict(REFLEX),
            "first_half": self.first.as_json(),
            "second_half": self.second.as_json(),
            "checks": self.checks,
            "checks_agreed": self.agreed,
            "marks": [mark.as_json() for mark in self.marks],
            "held": self.held,
        }


def play_reflex(
    world: str,
    seeds: Sequence[int],
    events: int = EVENTS,
    progress: Callable[[int], object] = lambda _: None,
) -> ReflexFigures:
    """Play both arms of every seed; `progress` gets 1 for each stream that ended. Raises `ValueError`. Blocks."""
    if world not in STAGES:
        raise ValueError(f"No reflex is measured in {world!r}. Give one of {', '.join(STAGES)}.")
    stage = STAGES[world]
    if not seeds or len(set(seeds)) != len(seeds):
        raise ValueError("Give at least one seed, and each only once.")
    if events < 2 * stage.batch or events % (2 * stage.batch):
        raise ValueError(f"{events} events have no halves of whole batches. Give a multiple of {2 * stage.batch}.")
    played: list[Stream] = []
    with open_workers(len(seeds) * len(ARMS)) as pool:
        for done in as_completed([pool.submit(play, world, seed, arm, events) for seed in seeds for arm in ARMS]):
            played.append(done.result())
            progress(1)
    return summed_up(stage, seeds, events, played)


def summed_up(stage: Stage, seeds: Sequence[int], events: int, played: Sequence[Stream]) -> ReflexFigures:
    """The figures of streams that were played, both arms of every seed."""
    by_arm = {arm: {one.seed: one for one in played if one.arm == arm} for arm in ARMS}
    pairs = [(by_arm["asked"][seed], by_arm["reflex"][seed]) for seed in seeds]
    return ReflexFigures(
        stage=stage,
        seeds=tuple(seeds),
        events=events,
        first=_both([(one.halves[0], other.halves[0]) for one, other in pairs]),
        second=_both([(one.halves[1], other.halves[1]) for one, other in pairs]),
        checks=sum(one.checks for one in played),
        agreed=sum(one.agreed for one in played),
    )


def _both(pairs: Sequence[tuple[Half, Half]]) -> HalfFigures:
    asked, reflex = _together([one for one, _ in pairs]), _together([other for _, other in pairs])
    gains = [other.reward - one.reward for one, other in pairs]
    spread = mean_spread(gains)
    return HalfFigures(
        asked=asked,
        reflex=reflex,
        saved_percent=_saved(asked.model_calls, reflex.model_calls),
        tokens_saved_percent=_saved(asked.tokens, reflex.tokens),
        low=fmean(gains) - spread,
        high=fmean(gains) + spread,
    )


def _together(halves: Sequence[Half]) -> Half:
    return Half(
        model_calls=sum(one.model_calls for one in halves),
        tokens=sum(one.tokens for one in halves),
        reward=fmean(one.reward for one in halves),
    )


def _saved(before: int, after: int) -> float:
    return 100.0 * (before - after) / before if before else 0.0


def play(world: str, seed: int, arm: Arm, events: int) -> Stream:
    """One stream, to the last outcome. Blocks."""
    return asyncio.run(_play(STAGES[world], seed, arm, events))


async def _play(stage: Stage, seed: int, arm: Arm, events: int) -> Stream:
    model = ScriptedModel(RULES[stage.world])
    with tempfile.TemporaryDirectory(prefix="segue-reflex-") as name:
        folder = Path(name)
        async with on_loopback(model.app) as url:
            environment = {**os.environ, "OPENAI_BASE_URL": f"{url}/v1", "OPENAI_API_KEY": "scripted"}
            async with (
                open_company(stage.world, folder, seed=seed, environment=environment) as company,
                company.opened(_portfolio(stage.portfolio, folder, arm), memory=True, model="scripted") as segue,
            ):
                first = await _half(stage, company, model, 0, events // 2)
                second = await _half(stage, company, model, events // 2, events)
                checks, agreed = await _checks(segue)
    return Stream(seed=seed, arm=arm, halves=(first, second), checks=checks, agreed=agreed)


async def _half(stage: Stage, company: Company, model: ScriptedModel, start: int, stop: int) -> Half:
    calls, tokens = model.calls, model.tokens
    sent = await stage.happen(company, start, stop)
    earned = [stage.earned(one) for one in (await company.state())["affairs"] if one["id"] in sent]
    return Half(
        model_calls=model.calls - calls,
        tokens=model.tokens - tokens,
        reward=fmean(one for one in earned if one is not None),
    )


async def _checks(segue: Segue) -> tuple[int, int]:
    """Decisions that checked the reflex, and those that agreed."""
    found = await segue.memories.reflex(TENANT, None)
    return sum(one["decisions"]["checked"] for one in found), sum(one["decisions"]["agreed"] for one in found)


def _portfolio(own: Path, folder: Path, arm: Arm) -> Path:
    """The world's own, with a reflex for every event type it decides about, or without."""
    stated: dict[str, Any] = yaml.safe_load(own.read_text(encoding="utf-8"))
    for kind in stated["events"].values() if arm == "reflex" else ():
        kind["learning"] = {"reflex": dict(REFLEX)}
    path = folder / "portfolio.yaml"
    path.write_text(yaml.safe_dump(stated, sort_keys=False), encoding="utf-8")
    return path
