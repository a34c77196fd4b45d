"""The hidden preference, played in every arm on every seed, and its figures. Start with `PART`.

no_memory   the Planner without evidence: at chance, as nothing tells the tools apart
product     the Planner with memory, which now and then tries another action
unexplored  the same, which never does
oracle      knows which tool is right, and meets the same luck
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import fmean
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from evals.bench.marks import Mark, at_least
from evals.intervals import Spread
from evals.learning.parts import Asked, Compared, Curves, Figures, LearningError, Part, Progress, Section
from evals.learning.preference import RIGHT, Preference
from evals.learning.product import open_product
from evals.options import told_seeds
from evals.workers import open_workers
from memory.embedding import Embedder

Arm = Literal["no_memory", "unexplored", "product", "oracle"]
ARMS: tuple[Arm, ...] = ("no_memory", "unexplored", "product", "oracle")
NAME = "hidden"
LATE = 50
"""Last events of a stream that marks look at."""
PARTS = 8
"""Points of a learning curve."""
REACHED = 0.9
"""Share of the oracle's reward that the product must earn in the end."""


@dataclass(frozen=True, kw_only=True)
class Played:
    """One arm on one seed's stream."""

    arm: Arm
    seed: int
    rewards: NDArray[np.float64]
    regret: NDArray[np.float64]
    """Per event: by how much more often the right tool would have worked than the one taken."""
    chance: float
    """Mean reward of choosing at random."""


def play(asked: Asked, progress: Progress) -> Section:
    """Every arm on every seed, in processes of their own."""
    wanted = [(arm, seed) for seed in asked.seeds for arm in ARMS]
    done: list[Played] = []
    try:
        with open_workers(2) as pool:
            waiting = {pool.submit(play_arm, arm, seed, asked): arm for arm, seed in wanted}
            for future in as_completed(waiting):
                done.append(future.result())
                progress(len(done), len(wanted), f"hidden preference, {waiting[future]}")
    except BrokenProcessPool as error:
        raise LearningError("A process that played a stream was killed; nothing can be said.") from error
    return summed_up(done, asked)


PART = Part(name=NAME, play=play)


def play_arm(arm: Arm, seed: int, asked: Asked) -> Played:
    """One stream from its first event to its last. Blocks."""
    stream = Preference(seed, asked.events, asked.wrong)
    rewards = _oracle(stream) if arm == "oracle" else asyncio.run(_decided(arm, seed, stream, asked))
    taken = [tool for tool, _ in rewards]
    regret = [
        stream.expected(met.number, stream.right(met.number)) - stream.expected(met.number, tool)
        for met, tool in zip(stream.events, taken, strict=True)
    ]
    return Played(
        arm=arm,
        seed=seed,
        rewards=np.array([reward for _, reward in rewards]),
        regret=np.array(regret),
        chance=stream.chance,
    )


def _oracle(stream: Preference) -> list[tuple[str, float]]:
    right = [stream.right(met.number) for met in stream.events]
    return [(tool, stream.grade(number, tool)) for number, tool in enumerate(right)]


async def _decided(arm: Arm, seed: int, stream: Preference, asked: Asked) -> list[tuple[str, float]]:
    done: list[tuple[str, float]] = []
    explore = asked.explore if arm == "product" else 0.0
    with tempfile.TemporaryDirectory(prefix="segue-learning-") as folder:
        async with open_product(_embedder(asked.cache), Path(folder), stream.tools, explore, seed=seed) as product:
            for met in stream.events:
                for told in stream.told(met.number):
                    product.reward(told.number, told.reward)
                call = await product.decide(met, with_memory=arm != "no_memory")
                done.append((call.tool, stream.grade(met.number, call.tool)))
                await product.remember(met, call)
    return done


@cache
def _embedder(folder: Path) -> Embedder:
    """One for the process, so that the arms of a seed embed its texts once."""
    return Embedder.open(folder, cache_size=20_000)


def summed_up(played: Sequence[Played], asked: Asked) -> Section:
    """The figures of every arm, over seeds."""
    arms: Arms = {arm: sorted((one for one in played if one.arm == arm), key=lambda one: one.seed) for arm in ARMS}
    late = {arm: [float(one.rewards[-LATE:].mean()) for one in arms[arm]] for arm in ARMS}
    over_chance = Spread.of([mean - one.chance for one, mean in zip(arms["no_memory"], late["no_memory"], strict=True)])
    share = {arm: fmean(late[arm]) / fmean(late["oracle"]) if any(late["oracle"]) else 0.0 for arm in ARMS}
    spreads: dict[str, Spread] = {arm: Spread.of(late[arm]) for arm in ARMS}
    curves = {arm: _curve(arms[arm]) for arm in ARMS}
    found: dict[str, Any] = {
        "seeds": list(asked.seeds),
        "events": asked.events,
        "explore": asked.explore,
        "wrong": asked.wrong,
        "chance": round(fmean(one.chance for one in arms["oracle"]), 4),
        "no_memory_over_chance": over_chance.as_json(4),
        "arms": {arm: _arm_json(arms[arm], spreads[arm], share[arm], curves[arm]) for arm in ARMS},
    }
    return Section(
        name=NAME,
        found=found,
        figures=_tables(found),
        marks=_marks(share["product"], over_chance, asked),
        settings=_settings(asked, found["chance"]),
        compared=[Compared(title=f"reward in the last {LATE} events", measure="reward", rows=spreads, shown=".3f")],
        curves=[_curves(curves, asked.events)],
    )


Arms: TypeAlias = Mapping[Arm, Sequence[Played]]


def _curve(played: Sequence[Played]) -> Sequence[Spread]:
    """The reward in each part of the stream."""
    rewards = np.stack([one.rewards for one in played])
    return [Spread.of(part.mean(axis=1).tolist()) for part in np.array_split(rewards, PARTS, axis=1)]


def _curves(arms: Mapping[Arm, Sequence[Spread]], events: int) -> Curves:
    return Curves(
        title="reward as events go by",
        measure="reward",
        counted="events of the stream",
        events=events,
        judged_from=max(0, events - LATE),
        arms={str(arm): curve for arm, curve in arms.items()},
        most=1.0,
    )


def _settings(asked: Asked, chance: float) -> Mapping[str, str]:
    return {
        "seeds": told_seeds(asked.seeds),
        "events": f"{asked.events} a seed",
        "exploring": f"{asked.explore:.1%} of the choices of the arm product",
        "a wrong tool works": f"in {asked.wrong:.0%} of the cases, the right one in {RIGHT:.0%}",
        "chance": f"{chance:.3f}",
    }


def _arm_json(played: Sequence[Played], late: Spread, share: float, curve: Sequence[Spread]) -> dict[str, Any]:
    regret = np.stack([one.regret for one in played])
    return {
        "late": late.as_json(4),
        "share_of_oracle": round(share, 4),
        "regret": round(float(regret.sum(axis=1).mean()), 2),
        "curve": [round(part.mean, 4) for part in curve],
        "curve_spread": [part.as_json(4) for part in curve],
        "regret_curve": [round(float(end), 2) for end in _cumulative(regret)],
    }


def _cumulative(regret: NDArray[np.float64]) -> NDArray[np.float64]:
    """Regret summed up to the end of each part of the curve."""
    return np.cumsum([part.sum(axis=1).mean() for part in np.array_split(regret, PARTS, axis=1)])


def _marks(share: float, over_chance: Spread, asked: Asked) -> list[Mark]:
    reached = at_least(f"product: share of the oracle's reward in the last {LATE} events", REACHED, share)
    name, wanted = "no_memory less chance", "interval contains 0"
    if len(asked.seeds) < 2:
        return [reached, Mark(name=name, wanted=wanted, state="skipped", why="one seed has no interval")]
    state: Literal["passed", "failed"] = "passed" if over_chance.low <= 0 <= over_chance.high else "failed"
    return [reached, Mark(name=name, wanted=wanted, state=state, measured=over_chance.mean)]


def _tables(found: dict[str, Any]) -> Sequence[Figures]:
    rows = [
        (
            arm,
            _interval(one["late"]),
            f"{one['share_of_oracle']:.1%}",
            f"{one['regret']:.1f}",
            " ".join(f"{part:.2f}" for part in one["curve"]),
        )
        for arm, one in found["arms"].items()
    ]
    title = (
        f"Hidden preference: {len(found['seeds'])} seeds, {found['events']} events each, "
        f"exploring {found['explore']:.1%}, wrong tools work in {found['wrong']:.0%}; chance {found['chance']:.3f}"
    )
    columns = ("arm", f"reward, last {LATE} (95 %)", "of the oracle's", "regret", f"reward, in {PARTS} parts")
    return [Figures(title=title, columns=columns, rows=rows)]


def _interval(found: dict[str, Any]) -> str:
    if found["low"] is None:
        return f"{found['mean']:.3f}"
    return f"{found['mean']:.3f} ({found['low']:.3f} to {found['high']:.3f})"
