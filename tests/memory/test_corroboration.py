"""A rule that one source of several bears out is marked as such, until another does or operators' outcomes do."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from memory.lesson_review import review
from memory.lesson_trials import Told, look
from memory.lessons import distil, recount
from memory.types import Condition, Distilled, Episode
from tests.memory.lesson_truths import SETTINGS, SUPPLIERS, episode, lived
from tests.memory.test_lesson_review import lesson
from tests.memory.test_lessons import even

BEST = "order[supplier=c]"


def sent(source: str, number: int, good: Mapping[str, float] | None, *, first: int) -> list[Episode]:
    """Orders at each supplier in turn; `good`: how often each is, None: always the made-up one, never another."""
    shares = good or {one: float(one == BEST) for one in SUPPLIERS}
    made: list[Episode] = []
    for row in range(number):
        supplier, turn = SUPPLIERS[row % 3], row // 3
        is_good = (turn + 1) * shares[supplier] // 1 > turn * shares[supplier] // 1
        one = episode(first + row, {}, [supplier], is_good, f"{source}-{row}")
        made.append(replace(one, source=source))
    return made


EVEN = dict.fromkeys(SUPPLIERS, 0.5)
HONEST = sent("/shop", 60, EVEN, first=0)
MADE_UP = sent("/evil", 150, None, first=60)
SECOND = sent("/desk", 60, None, first=300)


def heard(
    episodes: Sequence[Episode],
    *,
    tellers: Mapping[str, Collection[str]] | None = None,
    verified: Collection[str] = (),
) -> Told:
    return look(episodes, {"margin": 1.0}, SETTINGS, tellers=tellers, verified=verified)


def about_the_best(found: Sequence[Distilled]) -> Distilled:
    (one,) = [one for one in found if one.rule.actions == (BEST,) and not one.rule.conditions]
    return one


def test_many_outcomes_of_one_source_are_marked_and_a_second_one_lifts_the_mark() -> None:
    assert about_the_best(distil(heard([*HONEST, *MADE_UP]), SETTINGS)).leans_on == "/evil"
    assert about_the_best(distil(heard([*HONEST, *MADE_UP, *SECOND]), SETTINGS)).leans_on is None


def test_where_there_is_one_source_nothing_is_marked() -> None:
    assert about_the_best(distil(heard(MADE_UP), SETTINGS)).leans_on is None


@pytest.mark.parametrize(("few", "leans"), [(SETTINGS.several - 1, None), (SETTINGS.several, "/evil")])
def test_a_source_of_a_few_episodes_makes_no_other_one_of_several(few: int, leans: str | None) -> None:
    assert about_the_best(distil(heard([*MADE_UP, *HONEST[:few]]), SETTINGS)).leans_on == leans


def test_outcomes_that_one_source_tells_of_anothers_events_are_its_own() -> None:
    """Its events are few, and what it says of the shop's many runs is what makes the rule."""
    said = [replace(one, source="/shop") for one in MADE_UP]
    other = sent("/evil", 12, EVEN, first=400)
    episodes = [*HONEST, *said, *other]
    assert about_the_best(distil(heard(episodes), SETTINGS)).leans_on == "/shop"
    second = [*episodes, *SECOND]
    assert about_the_best(distil(heard(second), SETTINGS)).leans_on is None
    tellers = {one.id: {"/evil"} for one in [*said, *SECOND]}
    assert about_the_best(distil(heard(second, tellers=tellers), SETTINGS)).leans_on == "/evil"


def test_operators_outcomes_bear_a_rule_out_by_themselves() -> None:
    episodes = [*HONEST, *MADE_UP]
    for number, leans in ((9, "/evil"), (60, None)):
        verified = {one.id for one in MADE_UP[:number]}
        assert about_the_best(distil(heard(episodes, verified=verified), SETTINGS)).leans_on == leans


def test_what_one_source_makes_up_is_hardly_ever_borne_out_by_chance() -> None:
    """Nothing makes a difference in truth; of all the variants that are tried some look true to the others by luck."""
    through = 0
    for seed in range(20):
        made_up = [
            replace(one, source="/evil", subject=f"x-{one.subject}", rewards={"margin": reward})
            for one in lived(seed + 100, 300, even, first=300)
            for reward in [float(one.actions[0].action == "order[supplier=b]")]
        ]
        found = distil(heard([*lived(seed, 300, even), *made_up]), SETTINGS)
        assert found
        through += any(one.leans_on is None for one in found)
    assert through <= 1


def b_in_the_eu_only(features: dict[str, Any], actions: Sequence[str]) -> float:
    is_b = "order[supplier=b]" in actions
    return (0.9 if is_b else 0.3) if features["region"] == "eu" else (0.4 if is_b else 0.7)


def test_what_one_source_says_takes_no_other_rules_place() -> None:
    """B always, says the louder one; what the others know of the EU would be said already by that."""
    honest = lived(1, 600, b_in_the_eu_only)
    louder = [
        replace(one, source="/evil", subject=f"x-{one.subject}", rewards={"margin": reward})
        for one in lived(2, 900, even, first=600)
        for reward in [float(one.actions[0].action == "order[supplier=b]")]
    ]
    found = distil(heard([*honest, *louder]), SETTINGS)
    assert (found[0].leans_on, found[0].rule.conditions) == ("/evil", ())
    in_the_eu = Condition(what="is", feature="region", value="eu")
    assert [one.rule.conditions for one in found if one.leans_on is None and one.rule.advice == "do"] == [(in_the_eu,)]


def test_a_lesson_gets_another_version_when_its_mark_comes_or_goes() -> None:
    both = [*HONEST, *MADE_UP]
    found = about_the_best(distil(heard(both), SETTINGS))
    latest = both[-1].closed_at
    marked = lesson(found, latest, state="uncorroborated")
    assert not review(heard(both), [marked], SETTINGS).counted
    ((same, now),) = review(heard(both), [lesson(found, latest)], SETTINGS).counted
    assert (now.leans_on, same.state) == ("/evil", "active")
    ((_, lifted),) = review(heard([*both, *SECOND]), [marked], SETTINGS).counted
    assert lifted.leans_on is None
    vouched = lesson(found, latest, origin="operator", words="Order at c.", written_by="ann")
    assert not review(heard(both), [vouched], SETTINGS).counted


def test_a_marked_lesson_ends_as_others_do() -> None:
    both = [*HONEST, *MADE_UP]
    found = about_the_best(distil(heard(both), SETTINGS))
    marked: Any = lesson(found, HONEST[-1].closed_at, state="uncorroborated")
    (ended,) = review(heard(HONEST), [marked], SETTINGS).ended
    assert ended.reason.startswith("it no longer stands out")
    assert recount(heard(HONEST), found.rule, SETTINGS).support.total == 20
