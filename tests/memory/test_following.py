"""How soon a choice follows an action that has changed, with what a change leaves of old evidence and without."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from memory.drift import Change, changes, lasting
from memory.scoring import Neighbour, evidence, scores
from memory.settings import Settings
from memory.types import Episode, EpisodeAction, Feature
from tests.memory.episodes import NOW, episode

SETTINGS = Settings()
GOALS = {"arrived": 1.0}
RIVALS = ("order[supplier=a]", "order[supplier=b]")
VECTOR: NDArray[np.float32] = np.eye(4, dtype=np.float32)[0]
POOL = SETTINGS.pool
OFTEN, SELDOM = 0.9, 0.1
BEFORE, AFTER = 100, 50


class Supply:
    """Orders with two suppliers. The first delivers, and has all orders, until it has changed; then the second does."""

    def __init__(self, seed: int, *, halved: bool) -> None:
        self._luck = random.Random(seed)
        self._halved = halved
        self._known: list[Episode] = []
        self._changes: tuple[Change, ...] = ()

    def order(self, number: int) -> bool:
        """Whether the one that delivers by now was chosen."""
        features: dict[str, Feature] = {"channel": self._luck.choice(("mail", "web", "phone"))}
        chosen = self._choose(number, features) if number >= BEFORE else RIVALS[0]
        right = RIVALS[number >= BEFORE]
        arrived = float(self._luck.random() < (OFTEN if chosen == right else SELDOM))
        action = EpisodeAction(action=chosen, tool="order", decided_by="planner", propensity=1.0, prior=0.5)
        made = replace(
            episode(f"{number:04}", rewards={"arrived": arrived}, features=features),
            actions=(action,),
            closed_at=NOW + timedelta(hours=number),
        )
        self._known.append(made)
        if self._halved and number >= BEFORE:
            self._changes = changes(self._known, GOALS, SETTINGS)
        return chosen == right

    def _choose(self, number: int, features: dict[str, Feature]) -> str:
        near = [
            Neighbour(episode=replace(one, lasting=lasting(self._changes, one)), similarity=0.9, vector=VECTOR)
            for one in self._known[-POOL:]
        ]
        now = NOW + timedelta(hours=number)
        said = evidence(near, features=features, goals=GOALS, now=now, settings=SETTINGS)
        reached = scores(dict.fromkeys(RIVALS, 0.5), said, SETTINGS)
        return max(RIVALS, key=lambda name: reached[name])


def wrong_after_the_change(seed: int, *, halved: bool) -> int:
    """Orders with the supplier that no longer delivers."""
    supply = Supply(seed, halved=halved)
    right = [supply.order(number) for number in range(BEFORE + AFTER)]
    return right[BEFORE:].count(False)


def test_a_choice_follows_a_change_sooner() -> None:
    without, halved = ([wrong_after_the_change(seed, halved=halves) for seed in range(2)] for halves in (False, True))
    assert all(fewer < more for fewer, more in zip(halved, without, strict=True)), (halved, without)
    assert sum(halved) <= 0.85 * sum(without), (halved, without)
