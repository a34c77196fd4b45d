"""Episodes of a shop whose truth is known: what each action earns under which features. Start with `lived`."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from memory.lesson_settings import LessonSettings
from memory.lesson_trials import Told, look
from memory.types import Episode, EpisodeAction

Truth: TypeAlias = Callable[[dict[str, Any], Sequence[str]], float]
"""Features and actions in their order -> the probability that the run turns out well."""

SETTINGS = LessonSettings()
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
SUPPLIERS = ("order[supplier=a]", "order[supplier=b]", "order[supplier=c]")


def lived(seed: int, number: int, truth: Truth, *, first: int = 0, subjects: int = 30) -> list[Episode]:
    """Graded episodes, an hour apart: a supplier by chance, then an apology and a refund in either order."""
    chance = random.Random(f"{seed}:{first}")
    return [_one(chance, first + row, truth, subjects) for row in range(number)]


def told(episodes: Sequence[Episode]) -> Told:
    """As rules are counted on them."""
    return look(episodes, {"margin": 1.0}, SETTINGS)


def _one(chance: random.Random, row: int, truth: Truth, subjects: int) -> Episode:
    features: dict[str, Any] = {
        "region": chance.choice(["eu", "us", "asia"]),
        "tier": chance.choice(["gold", "silver"]),
        "amount": round(chance.uniform(1, 500), 1),
        "vip": chance.random() < 0.3,
    }
    polite = ["apologise", "refund"] if chance.random() < 0.5 else ["refund", "apologise"]
    actions = [chance.choice(SUPPLIERS), *polite]
    return episode(
        row, features, actions, chance.random() < truth(features, actions), f"c-{chance.randrange(subjects)}"
    )


def episode(
    row: int, features: dict[str, Any], actions: Sequence[str], good: bool, subject: str, text: str = ""
) -> Episode:
    """The graded episode of an hour."""
    return Episode(
        id=f"e-{row:06}",
        tenant="default",
        source="/shop",
        event_id=str(row),
        event_type="stock.low",
        subject=subject,
        text=text,
        features=features,
        actions=tuple(
            EpisodeAction(action=one, tool=one.split("[")[0], decided_by="planner", propensity=1.0) for one in actions
        ),
        decided_by="planner",
        closed_at=BEGIN + timedelta(hours=row),
        rewards={"margin": float(good)},
    )
