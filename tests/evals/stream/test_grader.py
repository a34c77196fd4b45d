"""What an arm gets to know, and when."""

from __future__ import annotations

from collections import Counter

from evals.stream.grader import ATTACKER, Grader, Stress
from evals.stream.labelled import Labelled

EVENTS = 2_000
NAMES = [f"tool{number}" for number in range(20)]
LABELLED = Labelled(
    tools={name: f"It is {name}." for name in NAMES},
    texts=[f"text {number}" for number in range(EVENTS)],
    right=[NAMES[number % 20] for number in range(EVENTS)],
)


def _rewards(stress: Stress | None) -> tuple[Grader, dict[int, tuple[int, float]]]:
    """Of an arm that is always right: event -> when its outcome came, and what it said."""
    grader = Grader(LABELLED, 0, EVENTS, stress)
    came: dict[int, tuple[int, float]] = {}
    for asked in grader.events:
        assert grader.grade(asked.number, grader.truth(asked.number))
        came |= {told.number: (asked.number, told.reward) for told in grader.told(asked.number)}
    return grader, came


def test_without_stress_every_outcome_comes_at_once_and_is_true() -> None:
    _, came = _rewards(None)
    assert came == {number: (number, 1.0) for number in range(EVENTS)}


def test_noise_turns_a_fifth_of_the_outcomes_round() -> None:
    _, came = _rewards("noise")
    assert 0.17 < sum(reward == 0.0 for _, reward in came.values()) / EVENTS < 0.23


def test_poison_comes_from_an_attackers_source_and_only_from_there() -> None:
    grader, came = _rewards("poison")
    sources = {asked.number: asked.source for asked in grader.events}
    assert {number for number, (_, reward) in came.items() if reward == 0.0} == {
        number for number, source in sources.items() if source == ATTACKER
    }
    assert 0.03 < Counter(sources.values())[ATTACKER] / EVENTS < 0.07


def test_delayed_outcomes_come_fifty_events_later_on_average_and_a_fifth_never() -> None:
    _, came = _rewards("delay")
    early = {number: at - number for number, (at, _) in came.items() if number < EVENTS - 600}
    assert 0.76 < len(early) / (EVENTS - 600) < 0.84
    assert 44 < sum(early.values()) / len(early) < 56
    assert min(early.values()) >= 1


def test_drift_changes_three_tenths_of_the_tools_half_way_and_each_into_another() -> None:
    grader, plain = Grader(LABELLED, 0, EVENTS, "drift"), Grader(LABELLED, 0, EVENTS, None)
    half = EVENTS // 2
    assert all(grader.truth(number) == plain.truth(number) for number in range(half))
    meant = {plain.truth(number): grader.truth(number) for number in range(half, EVENTS)}
    assert sum(was != now for was, now in meant.items()) == 6
    assert len(set(meant.values())) == len(meant)


def test_every_arm_meets_the_same_stream() -> None:
    one, other = (Grader(LABELLED, 7, EVENTS, "poison") for _ in range(2))
    assert one.events == other.events
    assert [asked.text for asked in one.events] == [asked.text for asked in Grader(LABELLED, 7, EVENTS, None).events]
