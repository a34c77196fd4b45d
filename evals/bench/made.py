"""A company's past made up for the benchmark of recall: episodes as Segue writes them. Start with `Made`.

Every number makes the same episode each time. Texts come from templates, several episodes share one, as in a company
whose events are written by machines; what tells such episodes apart are their features.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate

from memory.types import Episode, EpisodeAction, Feature

TENANT = "default"
KIND = "machine.alarm"
GOALS = {"uptime": 1.0, "cost": 0.5}
NOW = datetime(2026, 11, 1, tzinfo=UTC)
SPAN = timedelta(days=180)
"""How far the past goes back."""
GRADED = 0.8
"""Share of the episodes that an outcome came for."""
SUPPLIERS = ("north", "south", "east", "harbour", "alpine", "delta")
ACTIONS = tuple(f"order_part[supplier={name}]" for name in SUPPLIERS)
SOURCES = ("/plant/1", "/plant/2", "/plant/3", "/plant/4")
FAMILIES = ("pump", "press", "lathe", "oven", "packer", "mill", "crane", "filler")
REGIONS = ("inland", "coast", "hills", "border")
_PARTS = (
    *("main bearing", "shaft seal", "drive belt", "pressure valve", "cooling fan", "spindle motor", "heating coil"),
    *("feed roller", "torque sensor", "gear box", "oil filter", "brake pad", "control board", "conveyor chain"),
)
_SYMPTOMS = (
    *("runs hot", "vibrates at every start", "loses pressure", "makes a grinding noise", "stops without a warning"),
    *("draws too much current", "leaks oil", "drifts out of tolerance", "answers late to commands", "smells of smoke"),
)
_EFFECTS = (
    *("the line behind it waits", "two orders will be late", "the night shift has to slow down"),
    *("scrap has doubled since Monday", "nobody can say how long it will hold", "the spare machine is in use"),
)
_TEMPLATES = (
    "Machine {machine} in hall {hall}: the {part} {symptom} after {hours} hours of running, and {effect}.",
    "The predictor expects the {part} of machine {machine} to fail within {hours} hours; it {symptom} and {effect}.",
    "Operator of hall {hall} reports: machine {machine} {symptom}, probably the {part}, {hours} hours in; {effect}.",
)


class Made:
    """So many episodes with so many different texts, and situations that come after them."""

    def __init__(self, episodes: int, texts: int) -> None:
        self.count = episodes
        self.texts: Sequence[str] = tuple(_text(f"text {number}") for number in range(min(texts, episodes)))

    def episode(self, number: int) -> Episode:
        """One of them, with its rewards."""
        chance = random.Random(f"episode {number}")
        features, action = _features(chance), chance.choice(ACTIONS)
        name = f"01BENCH{number:019d}"
        by = "operator" if chance.random() < 0.05 else "planner"
        prior = 1 / len(ACTIONS)
        return Episode(
            id=name,
            tenant=TENANT,
            source=chance.choice(SOURCES),
            event_id=f"alarm-{number}",
            event_type=KIND,
            subject=f"machine-{number % 997}",
            text=self.texts[chance.randrange(len(self.texts))],
            features=features,
            actions=(EpisodeAction(action=action, tool="order_part", decided_by=by, propensity=prior, prior=prior),),
            decided_by="planner",
            closed_at=NOW - SPAN * (1 - number / self.count),
            rewards=_rewards(features, action, chance) if chance.random() < GRADED else {},
        )

    def situation(self, number: int) -> tuple[str, Mapping[str, Feature]]:
        """A text that nothing was made of yet, and its features."""
        return _text(f"situation {number}"), _features(random.Random(f"features {number}"))


class Repeated(Made):
    """The same as machines repeat it: a text comes again and again, and has its plant, family and region.

    How often a text comes goes by Zipf's law: the second half as often as the first, the third a third as often.
    """

    def __init__(self, episodes: int, texts: int) -> None:
        super().__init__(episodes, texts)
        self._ranks = list(accumulate(1 / rank for rank in range(1, len(self.texts) + 1)))

    def episode(self, number: int) -> Episode:
        """One of them, with its rewards."""
        chance = random.Random(f"repeated {number}")
        text = self._one(chance)
        own, features = random.Random(f"machine {text}"), self._known(text, chance)
        one, action = super().episode(number), chance.choice(ACTIONS)
        return replace(
            one,
            text=text,
            source=own.choice(SOURCES),
            features=features,
            actions=(replace(one.actions[0], action=action),),
            rewards=_rewards(features, action, chance) if one.rewards else {},
        )

    def situation(self, number: int) -> tuple[str, Mapping[str, Feature]]:
        """A text that came before, or every other time a new one."""
        chance = random.Random(f"again {number}")
        text = self._one(chance) if number % 2 else super().situation(number)[0]
        return text, self._known(text, chance)

    def _one(self, chance: random.Random) -> str:
        return chance.choices(self.texts, cum_weights=self._ranks)[0]

    def _known(self, text: str, chance: random.Random) -> Mapping[str, Feature]:
        own = _features(random.Random(f"features of {text}"))
        return {"family": own["family"], "region": own["region"], "urgent": chance.random() < 0.3}


def merit(features: Mapping[str, Feature], action: str) -> float:
    """What an action is worth there, without luck: 1 for the best."""
    best = (FAMILIES.index(str(features["family"])) + REGIONS.index(str(features["region"]))) % len(ACTIONS)
    return 1 - ((ACTIONS.index(action) - best) % len(ACTIONS)) / len(ACTIONS)


def _text(seed: str) -> str:
    """Some 30 tokens."""
    chance = random.Random(seed)
    return chance.choice(_TEMPLATES).format(
        machine=f"{chance.choice('ABCDEFGH')}-{chance.randrange(10, 1000)}",
        hall=chance.randrange(1, 30),
        hours=chance.randrange(1, 5000),
        part=chance.choice(_PARTS),
        symptom=chance.choice(_SYMPTOMS),
        effect=chance.choice(_EFFECTS),
    )


def _features(chance: random.Random) -> Mapping[str, Feature]:
    return {
        "family": chance.choice(FAMILIES),
        "region": chance.choice(REGIONS),
        "urgent": chance.random() < 0.3,
        "load": round(chance.uniform(0.2, 1.0), 2),
    }


def _rewards(features: Mapping[str, Feature], action: str, chance: random.Random) -> Mapping[str, float]:
    """For each family and region one supplier is best and the others are worse by turns; luck is as strong."""
    worth = merit(features, action)
    return {goal: min(1.0, max(0.0, worth + chance.gauss(0, 0.3))) for goal in GOALS}
