"""When an action has changed: how often that is said where it has not, how soon where it has, and on whose word."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest

from memory.drift import BEFORE, SURE, Change, changes, lasting
from memory.scoring import Neighbour, evidence
from memory.settings import Settings
from memory.types import Episode, Feature
from tests.memory.episodes import NOW, episode

SETTINGS = Settings()
GOALS = {"satisfaction": 1.0}
FLIPPED = 0.2


def told(
    number: int,
    reward: float,
    *,
    action: str = "call",
    source: str = "shop",
    features: Mapping[str, Feature] | None = None,
) -> Episode:
    """One an hour."""
    made = episode(
        f"e{number:05}", action, rewards={"satisfaction": reward}, source=source, features=features, age_days=0.0
    )
    return replace(made, closed_at=NOW + timedelta(hours=number))


def found(episodes: Sequence[Episode]) -> tuple[Change, ...]:
    return changes(episodes, GOALS, SETTINGS)


def drawn(seed: int, *parts: tuple[int, float], flipped: float = 0.0) -> list[Episode]:
    """Outcomes of 0 and 1: so many with that share of 1, one part after the other."""
    luck = random.Random(seed)
    shares = [share * (1 - flipped) + (1 - share) * flipped for count, share in parts for _ in range(count)]
    return [told(number, float(luck.random() < share)) for number, share in enumerate(shares)]


def delay(episodes: Sequence[Episode], since: int, way: int) -> int | None:
    """How many outcomes after the change it was found."""
    for one in found(episodes):
        number = round((one.found_at - NOW) / timedelta(hours=1)) + 1 - since
        if number > 0 and (one.found - one.expected) * way > 0:
            return number
    return None


@pytest.mark.parametrize("flipped", [0.0, FLIPPED])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_few_streams_of_200_outcomes_without_a_change_raise_a_false_alarm(share: float, flipped: float) -> None:
    alarms = sum(bool(found(drawn(seed, (200, share), flipped=flipped))) for seed in range(150))
    assert alarms <= 6


def test_in_the_long_run_a_false_alarm_is_raised_in_1_500_outcomes_at_most() -> None:
    assert sum(len(found(drawn(seed, (2_000, 0.5)))) for seed in range(6)) <= 8


@pytest.mark.parametrize(("was", "is_now"), [(0.9, 0.2), (0.2, 0.9)])
def test_a_great_change_is_found_within_15_outcomes_in_most_streams(was: float, is_now: float) -> None:
    delays = [delay(drawn(seed, (100, was), (40, is_now)), 100, 1 if is_now > was else -1) for seed in range(60)]
    assert sum(one is not None and one <= 15 for one in delays) >= 54
    assert sum(one is not None for one in delays) >= 59


def test_with_a_fifth_of_the_outcomes_flipped_it_takes_up_to_50() -> None:
    delays = [delay(drawn(seed, (100, 0.9), (60, 0.2), flipped=FLIPPED), 100, -1) for seed in range(60)]
    assert sum(one is not None and one <= 50 for one in delays) >= 52


def test_when_it_changed_is_told_nearly_right() -> None:
    off = []
    for seed in range(60):
        (last, *_) = reversed(found(drawn(seed, (100, 0.9), (40, 0.2))))
        off.append(abs((last.at - NOW) / timedelta(hours=1) - 100))
    assert np.median(off) <= 1
    assert sum(one <= 5 for one in off) >= 50


def test_a_second_change_is_found_too() -> None:
    both = [found(drawn(seed, (80, 0.9), (60, 0.1), (60, 0.9))) for seed in range(20)]
    assert sum([one.found > one.expected for one in of] == [False, True] for of in both) >= 18


def test_three_failures_are_no_change_and_eight_are_where_all_went_well() -> None:
    well = [told(number, 1.0) for number in range(30)]
    assert found([*well, *(told(30 + number, 0.0) for number in range(3))]) == ()
    (change,) = found([*well, *(told(30 + number, 0.0) for number in range(8))])
    assert (change.action, change.source, change.at) == ("call", "shop", NOW + timedelta(hours=30))
    assert (change.before, change.found) == (30, 0.0)
    assert change.since <= 8
    assert change.expected > 0.8
    assert change.log_odds >= SURE


def test_the_order_in_which_episodes_are_given_means_nothing() -> None:
    stream = drawn(3, (60, 0.9), (30, 0.1))
    assert found(stream) == found(random.Random(1).sample(stream, len(stream))) != ()


def test_nothing_is_said_of_few_outcomes() -> None:
    assert found([told(number, float(number >= BEFORE)) for number in range(BEFORE + 3)]) == ()
    assert found([]) == ()


def test_a_change_of_what_comes_is_no_change_of_how_it_turns_out() -> None:
    """A call works in the east, seldom in the west; at first both come, then the west alone."""

    def stream(seed: int, *, known: bool) -> list[Episode]:
        luck = random.Random(seed)
        regions = [luck.choice(("east", "west")) for _ in range(80)] + ["west"] * 60
        return [
            told(
                number,
                float(luck.random() < (0.9 if region == "east" else 0.15)),
                features={"region": region} if known else None,
            )
            for number, region in enumerate(regions)
        ]

    assert sum(bool(found(stream(seed, known=True))) for seed in range(40)) <= 3
    assert sum(bool(found(stream(seed, known=False))) for seed in range(40)) >= 30


def test_texts_tell_situations_apart_where_nothing_else_does() -> None:
    luck = random.Random(5)
    kinds = [luck.randrange(2) for _ in range(80)] + [1] * 60
    stream = [told(number, float(kind == 0)) for number, kind in enumerate(kinds)]
    vectors = {one.id: np.eye(2, dtype=np.float32)[kind] for one, kind in zip(stream, kinds, strict=True)}
    assert changes(stream, GOALS, SETTINGS, vectors) == ()
    assert found(stream) != ()


def test_only_the_action_concerned_has_changed() -> None:
    calls = drawn(1, (60, 0.9), (30, 0.1))
    others = [replace(told(number, 0.8, action="order[supplier=a]"), id=f"o{number}") for number in range(len(calls))]
    assert {one.action for one in found([*calls, *others])} == {"call"}


def test_rewards_between_0_and_1_count_as_far_as_they_go() -> None:
    assert found([told(number, 0.7) for number in range(40)] + [told(40 + number, 0.6) for number in range(40)]) == ()
    (change,) = found([told(number, 0.9) for number in range(40)] + [told(40 + number, 0.1) for number in range(40)])
    assert change.at == NOW + timedelta(hours=40)
    assert change.found == pytest.approx(0.1)


def mixed(seed: int, honest: float, liar: float, *, before: float = 0.9) -> list[Episode]:
    """A shop with 100 outcomes; then both send, and what they say differs."""
    luck = random.Random(seed)
    stream = [told(number, float(luck.random() < before)) for number in range(100)]
    for number in range(100, 220):
        source, share = ("liar", liar) if number % 2 else ("shop", honest)
        stream.append(told(number, float(luck.random() < share), source=source))
    return stream


def test_a_source_alone_cannot_declare_that_what_others_said_counts_less() -> None:
    of_others = 0
    for seed in range(20):
        stream = mixed(seed, honest=0.9, liar=0.0)
        said = found(stream)
        old = [one for one in stream if one.source == "shop" and lasting(said, one)]
        of_others += bool(old)
    assert of_others <= 1


def test_nor_by_praise_that_makes_the_truth_look_like_a_fall() -> None:
    """Two hundred successes are made up first, so that an honest half looks bad."""
    touched = 0
    for seed in range(20):
        luck = random.Random(seed)
        stream = [
            told(number, 1.0, source="liar") if number % 3 else told(number, float(luck.random() < 0.5))
            for number in range(150)
        ]
        stream += [told(150 + number, float(luck.random() < 0.5)) for number in range(40)]
        said = found(stream)
        touched += any(lasting(said, one) for one in stream if one.source == "shop")
    assert touched <= 1


def two_sources(seed: int, was: float, is_now: float) -> list[Episode]:
    """Every fourth outcome is the desk's; a third source, of which little is heard, falls silent before the change."""
    luck = random.Random(seed)
    names = ["kiosk" if number < 4 else "desk" if number % 4 == 0 else "shop" for number in range(200)]
    return [
        told(number, float(luck.random() < (was if number < 100 else is_now)), source=name)
        for number, name in enumerate(names)
    ]


def test_what_two_sources_bear_out_counts_for_all_and_once() -> None:
    for seed in range(10):
        stream = two_sources(seed, 0.9, 0.1)
        said = found(stream)
        assert any(one.source is None for one in said), seed
        kept = [(one.source, lasting(said, one).get("call", 1.0)) for one in stream[:90]]
        assert {name for name, factor in kept if factor == 0.5} == {"kiosk", "desk", "shop"}, seed
        assert {factor for _, factor in kept} <= {0.5, 0.25}
        assert np.mean([factor == 0.5 for _, factor in kept]) > 0.9, seed


def test_two_sources_without_a_change_raise_few_false_alarms() -> None:
    assert sum(bool(found(two_sources(seed, 0.8, 0.8))) for seed in range(60)) <= 5


def test_a_source_that_is_alone_speaks_of_its_own() -> None:
    stream = drawn(2, (60, 0.9), (30, 0.1))
    said = found(stream)
    assert [one.source for one in said] == ["shop"]
    another = replace(stream[0], id="x", source="desk")
    assert (lasting(said, stream[0]), lasting(said, another), lasting(said, stream[-1])) == ({"call": 0.5}, {}, {})


def test_each_later_change_halves_again() -> None:
    said = found(drawn(0, (80, 0.95), (60, 0.05), (60, 0.95)))
    assert [one.found > one.expected for one in said] == [False, True]
    stream = drawn(0, (80, 0.95), (60, 0.05), (60, 0.95))
    factors = [lasting(said, one).get("call", 1.0) for one in stream]
    assert set(factors) == {0.25, 0.5, 1.0}
    assert all(one <= other for one, other in pairwise(factors))


def _near(one: Episode, vector: bool) -> Neighbour:
    return Neighbour(episode=one, similarity=0.95, vector=np.eye(4, dtype=np.float32)[0] if vector else None)


@pytest.mark.parametrize("vector", [False, True])
def test_what_was_learned_before_a_change_counts_half_of_that_action_alone(vector: bool) -> None:
    said = episode("a", "call", "refund", rewards={"satisfaction": 0.8})
    whole = evidence([_near(said, vector)], features={}, goals=GOALS, now=NOW, settings=SETTINGS)
    half = evidence(
        [_near(replace(said, lasting={"call": 0.5}), vector)], features={}, goals=GOALS, now=NOW, settings=SETTINGS
    )
    assert half["call"].success == pytest.approx(whole["call"].success / 2)
    assert half["call"].failure == pytest.approx(whole["call"].failure / 2)
    assert half["call"].surprise == pytest.approx(whole["call"].surprise / 2)
    assert half["refund"] == whole["refund"]


def test_the_surprise_of_a_single_action_is_doubted_twice_as_much() -> None:
    """As if the noise of its outcome were twice as great: with K = 1 it is k / (1 + ridge * doubt)."""
    said = episode("a", "call", rewards={"satisfaction": 1.0})

    def surprise(lasting: Mapping[str, float]) -> float:
        near = replace(_near(replace(said, lasting=lasting), True), similarity=1.0)
        return evidence([near], features={}, goals=GOALS, now=NOW, settings=SETTINGS)["call"].surprise

    assert surprise({}) == pytest.approx(0.5 / (1 + SETTINGS.ridge))
    assert surprise({"call": 0.5}) == pytest.approx(0.5 / (1 + 2 * SETTINGS.ridge))
