"""The arms of a learning claim, each over one seed's stream: predict, then learn. Start with `play`.

cosine        the tool whose description is nearest: a fixed plain prior
no_memory     the product's own prior
placebo       the product, told rewards of other events
cache         the tool of the likest event that went well, if it is like enough
successes     the product, told of nothing that went wrong
product       the product
ceiling       the plain formula, told the right tool after every event
own_ceiling   the product, told the right tool after every event
amnesia       the product, which loses its memory at the start of the last quarter and writes no more
controlled    the product, with a control arm that switches memory off when it does harm
placebo_controlled   the placebo with that control arm, which goes by what was really earned
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from agent.deciders.expecting import Expectations
from agent.deciders.planner_settings import PlannerSettings
from evals.stream.figures import Played, last_quarter_begins
from evals.stream.grader import Asked, Grader, Stress
from evals.stream.labelled import Labelled
from evals.stream.product import Decided, Product, open_product
from evals.stream.reference import Reference
from memory.embedding import Embedder
from memory.types import Arm
from memory.uplift import Tally, verdict

MAIN = (
    *("cosine", "no_memory", "placebo", "cache", "successes", "product"),
    *("ceiling", "own_ceiling", "amnesia", "controlled", "placebo_controlled"),
)
CONTROL = 0.2
"""Share of the events in the control arm."""
STRESSED = ("no_memory", "product")


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What arms are played on."""

    labelled: Labelled
    events: int
    embedder: Embedder
    folder: Path
    """Where indexes are made, one an arm."""
    settings: PlannerSettings
    expectations: Expectations


async def play(arm: str, seed: int, stress: Stress | None, stage: Stage) -> Played:
    """One arm over one stream."""
    grader = Grader(stage.labelled, seed, stage.events, stress)
    name = f"{arm}+{stress}" if stress else arm
    async with open_product(
        stage.embedder, stage.folder / f"{seed}-{name}", stage.labelled.tools, stage.settings, stage.expectations
    ) as product:
        playing = _ARMS[arm](product, grader, stage, seed)
        right, took = [], []
        for asked in grader.events:
            decided = await playing.decide(asked)
            right.append(grader.grade(asked.number, decided.tool))
            await playing.learn(asked, decided)
            if decided.recall_ms is not None:
                took.append(decided.recall_ms)
    return Played(
        arm=name,
        seed=seed,
        right=np.array(right, np.bool_),
        recall_ms=np.array(took, np.float64),
        switched_off_at=playing.switched_off_at,
    )


class _Arm:
    """Learns nothing."""

    def __init__(self, product: Product, grader: Grader, stage: Stage, seed: int) -> None:
        self.product, self.grader, self.stage = product, grader, stage
        self.luck = np.random.default_rng([seed, 2])
        self.switched_off_at: int | None = None

    async def decide(self, asked: Asked) -> Decided:
        return await self.product.decide(asked, with_memory=False)

    async def learn(self, asked: Asked, decided: Decided) -> None:
        self.grader.told(asked.number)


class _Cosine(_Arm):
    async def decide(self, asked: Asked) -> Decided:
        return Decided(tool=await self.product.meant(asked), prior=0.0)


class _Product(_Arm):
    async def decide(self, asked: Asked) -> Decided:
        return await self.product.decide(asked, with_memory=True)

    async def learn(self, asked: Asked, decided: Decided) -> None:
        await self.product.remember(asked, decided)
        for told in self.grader.told(asked.number):
            self.hear(told.number, told.reward)

    def hear(self, number: int, reward: float) -> None:
        self.product.reward(number, reward)


class _Placebo(_Product):
    """Hears of each event what another one earned: a reward drawn from all so far."""

    def __init__(self, product: Product, grader: Grader, stage: Stage, seed: int) -> None:
        super().__init__(product, grader, stage, seed)
        self._rewards: list[float] = []

    def hear(self, number: int, reward: float) -> None:
        self._rewards.append(reward)
        super().hear(number, self._rewards[int(self.luck.integers(len(self._rewards)))])


class _Controlled(_Product):
    """A share of events decides without memory; what both arms earn is compared as `agent.uplifts` does it."""

    def __init__(self, product: Product, grader: Grader, stage: Stage, seed: int) -> None:
        super().__init__(product, grader, stage, seed)
        self._tally = Tally()
        self._drawn: dict[int, tuple[Arm, bool]] = {}

    async def decide(self, asked: Asked) -> Decided:
        informed = await self.product.decide(asked, with_memory=True)
        bare = await self.product.decide(asked, with_memory=False)
        rare = bool(self.luck.random() < CONTROL)
        arm: Arm = "memory" if rare == (self.switched_off_at is not None) else "control"
        self._drawn[asked.number] = arm, informed.tool != bare.tool
        return informed if arm == "memory" else replace(bare, recall_ms=informed.recall_ms)

    def hear(self, number: int, reward: float) -> None:
        self.watch(number, reward)
        super().hear(number, reward)

    def watch(self, number: int, reward: float) -> None:
        if self.switched_off_at is not None:
            return
        arm, swayed = self._drawn[number]
        self._tally = self._tally.add(arm, reward, swayed)
        if verdict(self._tally) == "harm":
            self.switched_off_at = number


class _PlaceboControlled(_Controlled):
    def __init__(self, product: Product, grader: Grader, stage: Stage, seed: int) -> None:
        super().__init__(product, grader, stage, seed)
        self._rewards: list[float] = []

    def hear(self, number: int, reward: float) -> None:
        self.watch(number, reward)
        self._rewards.append(reward)
        self.product.reward(number, self._rewards[int(self.luck.integers(len(self._rewards)))])


class _Successes(_Product):
    def hear(self, number: int, reward: float) -> None:
        if reward > 0.5:
            super().hear(number, reward)


class _Cache(_Product):
    async def decide(self, asked: Asked) -> Decided:
        found = await self.product.nearest_success(asked)
        if found is not None:
            return Decided(tool=found, prior=0.0)
        return await self.product.decide(asked, with_memory=False)


class _OwnCeiling(_Product):
    async def learn(self, asked: Asked, decided: Decided) -> None:
        self.grader.told(asked.number)
        truth = self.grader.truth(asked.number)
        await self.product.remember(asked, Decided(tool=truth, prior=await self.product.prior_of(asked, truth)))
        self.product.reward(asked.number, 1.0)


class _Amnesia(_Product):
    async def decide(self, asked: Asked) -> Decided:
        if asked.number == last_quarter_begins(self.stage.events):
            await self.product.forget()
        return await super().decide(asked)

    async def learn(self, asked: Asked, decided: Decided) -> None:
        if asked.number < last_quarter_begins(self.stage.events):
            await super().learn(asked, decided)


class _Ceiling(_Arm):
    def __init__(self, product: Product, grader: Grader, stage: Stage, seed: int) -> None:
        super().__init__(product, grader, stage, seed)
        self._names = list(stage.labelled.tools)
        described = stage.embedder.embed(list(stage.labelled.tools.values()))
        if "" in stage.labelled.right:
            self._names.append("")
            described = np.vstack([described, np.zeros_like(described[:1])])
        self._reference = Reference(described, stage.events)

    async def decide(self, asked: Asked) -> Decided:
        (vector,) = self.stage.embedder.embed([asked.text])
        return Decided(tool=self._names[self._reference.decide(vector)], prior=0.0)

    async def learn(self, asked: Asked, decided: Decided) -> None:
        (vector,) = self.stage.embedder.embed([asked.text])
        self._reference.learn(vector, self._names.index(self.grader.truth(asked.number)))


_ARMS: Mapping[str, type[_Arm]] = {
    "cosine": _Cosine,
    "no_memory": _Arm,
    "placebo": _Placebo,
    "cache": _Cache,
    "successes": _Successes,
    "product": _Product,
    "ceiling": _Ceiling,
    "own_ceiling": _OwnCeiling,
    "amnesia": _Amnesia,
    "controlled": _Controlled,
    "placebo_controlled": _PlaceboControlled,
}
