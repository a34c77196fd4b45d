"""A crowd says what its episodes say one by one, to rounding."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import hypothesis
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.crowds import place, shares, spoken
from memory.scoring import Neighbour, evidence, scores
from memory.settings import Settings
from memory.types import ActionEvidence, Episode, Feature
from tests.memory.episodes import NOW, episode

ROOMY = Settings(k=1000)
GOALS = {"satisfaction": 2.0, "cost": 1.0}
HERE: Mapping[str, Feature] = {"tier": "gold", "amount": 40}
ACTIONS = ("pause", "call", "refund")
PRIORS = {"pause": 0.5, "call": 0.3, "refund": 0.2}
quick = hypothesis.settings(max_examples=40, deadline=None)
parts = st.floats(0, 1)


@st.composite
def pasts(draw: st.DrawFn) -> list[tuple[Episode, float]]:
    """Episodes of a few kinds that each happened several times, with the angle of their text to the one at hand."""
    found: list[tuple[Episode, float]] = []
    for number in range(draw(st.integers(1, 4))):
        angle, kind = draw(st.floats(0, 1.1)), draw(_kinds(number))
        for times in range(draw(st.integers(1, 6))):
            one = replace(
                kind,
                id=f"e{number}-{times}",
                closed_at=NOW - (NOW - kind.closed_at) * draw(parts),
                rewards=draw(st.dictionaries(st.sampled_from(["satisfaction", "cost", "*"]), parts)),
                actions=tuple(replace(taken, prior=draw(st.none() | parts)) for taken in kind.actions),
                lasting=draw(st.dictionaries(st.sampled_from(ACTIONS), st.sampled_from([0.5, 0.25]), max_size=2)),
            )
            found.append((one, angle))
    return found


@st.composite
def _kinds(draw: st.DrawFn, number: int) -> Episode:
    return episode(
        "kind",
        *draw(st.lists(st.sampled_from(ACTIONS), max_size=2, unique=True)),
        text=f"text {number}",
        features={"tier": draw(st.sampled_from(["gold", "basic"])), "amount": 20},
        source=draw(st.sampled_from(["chatbot", "desk"])),
        decided_by=draw(st.sampled_from(["planner", "operator"])),
        declined=draw(st.lists(st.sampled_from(["refund", "block"]), max_size=1)),
        age_days=draw(st.floats(0, 300)),
        trust=draw(st.floats(0.1, 1)),
    )


def _near(one: Episode, angle: float) -> Neighbour:
    vector = np.zeros(384, np.float32)
    vector[:2] = math.cos(angle), math.sin(angle)
    return Neighbour(episode=one, similarity=math.cos(angle), vector=vector)


def _said(near: Sequence[Neighbour], settings: Settings = ROOMY) -> Mapping[str, ActionEvidence]:
    return evidence(near, features=HERE, goals=GOALS, now=NOW, settings=settings)


def _crowded(past: Sequence[tuple[Episode, float]]) -> list[Neighbour]:
    kinds: dict[str, list[tuple[Episode, float]]] = {}
    for one, angle in past:
        kinds.setdefault(place(one), []).append((one, angle))
    return [_near(one, own[0][1]) for own in kinds.values() for one in spoken([member for member, _ in own], ROOMY)]


@quick
@given(pasts())
def test_scores_are_those_of_a_memory_that_keeps_each_episode(past: list[tuple[Episode, float]]) -> None:
    apart, together = _said([_near(*one) for one in past]), _said(_crowded(past))
    assert together.keys() == apart.keys()
    for action, said in apart.items():
        assert together[action].success == pytest.approx(said.success, abs=1e-9)
        assert together[action].failure == pytest.approx(said.failure, abs=1e-9)
        assert together[action].surprise == pytest.approx(said.surprise, abs=1e-9)
        assert sorted(together[action].episodes) == sorted(said.episodes)
    assert scores(PRIORS, together, ROOMY) == pytest.approx(scores(PRIORS, apart, ROOMY), abs=1e-9)


@quick
@given(pasts(), st.integers(1, 12))
def test_where_few_may_speak_they_are_the_same_few(past: list[tuple[Episode, float]], k: int) -> None:
    few = replace(ROOMY, k=k)
    apart, together = _said([_near(*one) for one in past], few), _said(_crowded(past), few)
    for action, said in apart.items():
        assert together[action].success == pytest.approx(said.success, abs=1e-9)
        assert together[action].failure == pytest.approx(said.failure, abs=1e-9)


def test_a_pool_reaches_as_far_as_if_each_episode_had_been_kept() -> None:
    many = [episode(f"m{number}", "call", rewards={"cost": 1.0}) for number in range(6)]
    (crowd,) = spoken([*many, episode("m-silent", "call")], Settings())
    near = {crowd.id: 0.9, "silent": 0.95, "tied": 0.9, "far": 0.5}
    assert shares(near, [crowd], 100) == dict.fromkeys(near, 1.0)
    assert shares(near, [crowd], 9) == {"silent": 1.0, crowd.id: 1.0, "tied": 1.0}
    assert shares(near, [crowd], 5) == {"silent": 1.0, crowd.id: 0.5, "tied": 0.5}


def test_episodes_that_differ_in_what_matters_have_places_of_their_own() -> None:
    base = episode("e1", "call", "pause", features={"amount": 1})
    others = [
        replace(base, source="desk"),
        replace(base, text="Another text."),
        replace(base, features={"amount": 2}),
        replace(base, features={"amount": 1.0}),
        replace(base, features={"amount": True}),
        replace(base, declined=("refund",)),
        replace(base, trust=0.5),
        episode("e1", "call", features={"amount": 1}),
        episode("e1", "call", "pause", features={"amount": 1}, decided_by="operator"),
    ]
    assert len({place(one) for one in (base, *others)}) == 1 + len(others)
    same = episode("e9", "pause", "call", features={"amount": 1}, age_days=9, rewards={"cost": 1.0})
    assert place(same) == place(base)


def test_what_nobody_graded_or_judged_says_nothing() -> None:
    assert spoken([episode("e1", "call"), episode("e2", "call")], Settings()) == ()
    (said,) = spoken([episode("e1", "call"), episode("e2", "call", rewards={"cost": 0.5})], Settings())
    assert said.together is not None
    assert ([one.id for one in said.together.named], said.together.of) == (["e2"], 2)
