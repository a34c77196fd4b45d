"""Arms over a small stream: real embeddings, real Chroma, the product's own choice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agent.deciders.expecting import Expectations
from agent.deciders.planner_settings import PlannerSettings
from evals.stream.arms import MAIN, Stage, play
from evals.stream.figures import Played
from evals.stream.grader import Stress
from evals.stream.labelled import Labelled
from memory.embedding import Embedder
from tests.memory.conftest import embedder, embedder_dir  # noqa: F401

EVENTS = 96
ABOUT = {
    "north": ["invoice", "bill", "payment", "refund", "price"],
    "south": ["parcel", "delivery", "courier", "shipment", "address"],
    "east": ["password", "login", "account", "email", "profile"],
}
SAID = ("Where is my {}?", "I have a question about the {}.", "The {} is wrong.", "Please help me with my {}!")
ASKED = [
    (f"{said.format(word)} Case {number}.", desk)
    for number in range(3)
    for desk, words in ABOUT.items()
    for word in words
    for said in SAID
]
LABELLED = Labelled(
    tools={name: f"The {name} desk of customer service answers whoever writes to it." for name in ABOUT},
    texts=[text for text, _ in ASKED],
    right=[desk for _, desk in ASKED],
)


@pytest.fixture
def stage(tmp_path: Path, embedder: Embedder) -> Stage:  # noqa: F811
    return Stage(
        labelled=LABELLED,
        events=EVENTS,
        embedder=embedder,
        folder=tmp_path,
        settings=PlannerSettings(),
        expectations=Expectations(0.008),
    )


def _last_half(played: Played) -> float:
    return float(played.right[EVENTS // 2 :].mean())


async def test_what_no_description_tells_is_learned_from_outcomes(stage: Stage) -> None:
    plain, without, product = [await play(arm, 0, None, stage) for arm in ("cosine", "no_memory", "product")]
    assert max(_last_half(plain), _last_half(without)) < 0.6
    assert _last_half(product) > 0.85
    assert len(product.recall_ms) == EVENTS
    assert len(without.recall_ms) == 0


async def test_rewards_of_other_events_teach_nothing(stage: Stage) -> None:
    assert _last_half(await play("placebo", 0, None, stage)) < 0.7


async def test_who_loses_memory_decides_as_if_there_never_was_any(stage: Stage) -> None:
    lost, without, product = [await play(arm, 0, None, stage) for arm in ("amnesia", "no_memory", "product")]
    wiped = 3 * EVENTS // 4
    assert np.array_equal(lost.right[:wiped], product.right[:wiped])
    assert np.array_equal(lost.right[wiped:], without.right[wiped:])


async def test_ceilings_are_told_what_others_must_find_out(stage: Stage) -> None:
    told, own, product = [await play(arm, 0, None, stage) for arm in ("ceiling", "own_ceiling", "product")]
    assert min(told.right.mean(), own.right.mean()) >= product.right.mean() - 0.02


@pytest.mark.parametrize("arm", MAIN)
async def test_the_same_seed_is_played_alike_again(arm: str, stage: Stage, tmp_path: Path) -> None:
    again = Stage(
        labelled=LABELLED,
        events=32,
        embedder=stage.embedder,
        folder=tmp_path / "again",
        settings=PlannerSettings(),
        expectations=Expectations(0.008),
    )
    first = replace(again, folder=tmp_path / "first", expectations=Expectations(0.008))
    one, other = await play(arm, 5, None, first), await play(arm, 5, None, again)
    assert np.array_equal(one.right, other.right)


@pytest.mark.parametrize("stress", ["noise", "delay"])
async def test_under_stress_something_is_learned_still(stress: Stress, stage: Stage) -> None:
    stressed, without = await play("product", 1, stress, stage), await play("no_memory", 1, stress, stage)
    assert stressed.arm == f"product+{stress}"
    assert _last_half(stressed) > _last_half(without) + 0.1
