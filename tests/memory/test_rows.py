"""What was worked out for an episode once is what would be worked out anew."""

from __future__ import annotations

import random
from dataclasses import replace

from memory.rows import Rows
from memory.scoring import Neighbour, evidence
from memory.settings import Settings
from memory.telling import Tellings
from memory.types import Feature
from tests.memory.episodes import NOW, episode

SETTINGS = Settings()
GOALS = {"satisfaction": 1.0}


def near(dice: random.Random, number: int) -> Neighbour:
    """One of many kinds of episodes."""
    features: dict[str, Feature] = {"region": dice.choice(["eu", "us"]), "load": dice.random(), "vip": True}
    one = episode(
        f"e-{number:03}",
        dice.choice(["call", "pause"]),
        rewards={"satisfaction": dice.random()},
        features={name: features[name] for name in dice.sample(sorted(features), dice.randrange(4))},
        source=dice.choice(["/shop", "/desk", "/door"]),
        age_days=100 * dice.random(),
        trust=dice.random(),
    )
    return Neighbour(episode=one, similarity=0.4 + 0.6 * dice.random())


def test_evidence_from_kept_rows_is_that_from_new_ones_also_after_they_began_anew() -> None:
    dice, rows, tellings = random.Random(5), Rows(most=150), Tellings(SETTINGS)
    known = [near(dice, number) for number in range(120)]
    for _ in range(30):
        # A reward that changed makes another object of an episode.
        place = dice.randrange(len(known))
        told = replace(known[place].episode, rewards={"satisfaction": dice.random()})
        known[place] = replace(known[place], episode=told)
        some, features = dice.sample(known, 60), {"region": "eu", "load": dice.random(), "other": dice.random()}
        asked = {"features": features, "goals": GOALS, "now": NOW, "settings": SETTINGS}
        kept = evidence(some, **asked, tellings=tellings, rows=rows)  # type: ignore[arg-type]
        assert kept == evidence(some, **asked)  # type: ignore[arg-type]
    assert len(rows._told) <= 150


def test_a_value_of_a_feature_that_came_later_is_seen() -> None:
    rows, tellings = Rows(), Tellings(SETTINGS)
    for number in range(3):
        told = episode(f"e-{number}", "call", rewards={"satisfaction": 1.0}, features={"load": number})
        said = evidence(
            [Neighbour(episode=told, similarity=1.0)],
            features={"load": 2},
            goals=GOALS,
            now=NOW,
            settings=SETTINGS,
            tellings=tellings,
            rows=rows,
        )
        assert (said["call"].success == SETTINGS.weight) is (number == 2)
