"""What a new look at the episodes does to the lessons there are: counted anew, ended with a reason, never undone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from memory.lesson_review import Review, resembles, review
from memory.types import Condition, Distilled, Episode, Lesson, Rule
from tests.memory.lesson_truths import BEGIN, SETTINGS, lived, told
from tests.memory.test_lessons import a_fails_large_orders, eu_wants_b


def lesson(found: Distilled, found_at: datetime, **changes: Any) -> Lesson:
    """The first version of a lesson."""
    made = Lesson(
        id="l-1",
        tenant="default",
        event_type="stock.low",
        version=1,
        state="active",
        words=None,
        found=found,
        origin="statistics",
        written_by="statistics",
        tokens=0,
        created_at=BEGIN,
        found_at=found_at,
    )
    return replace(made, **changes)


def looked(episodes: Sequence[Episode], known: Sequence[Lesson]) -> Review:
    return review(told(episodes), known, SETTINGS)


def first_of(episodes: Sequence[Episode], **changes: Any) -> Lesson:
    """The lesson that these episodes give."""
    (found,) = looked(episodes, ()).new
    return lesson(found, episodes[-1].closed_at, **changes)


def test_a_second_look_at_the_same_changes_nothing() -> None:
    episodes = lived(1, 300, eu_wants_b)
    known = first_of(episodes)
    assert looked(episodes, [known]) == Review(new=(), counted=(), ended=())


def test_more_runs_of_the_same_truth_make_a_new_version_and_no_new_lesson() -> None:
    episodes = lived(1, 300, eu_wants_b)
    known = first_of(episodes)
    found = looked([*episodes, *lived(1, 300, eu_wants_b, first=300)], [known])
    ((counted, now),) = found.counted
    assert (counted, found.new, found.ended) == (known, (), ())
    assert now.rule == known.found.rule
    assert now.support.total > 1.5 * known.found.support.total


def test_a_threshold_that_moves_is_still_the_same_lesson() -> None:
    episodes = lived(2, 300, a_fails_large_orders)
    known = first_of(episodes)
    (condition,) = known.found.rule.conditions
    assert isinstance(condition.value, float)
    moved = replace(condition, value=condition.value * 0.9)
    rule = replace(known.found.rule, conditions=(moved,))
    found = looked(episodes, [replace(known, found=replace(known.found, rule=rule))])
    assert (found.new, found.ended) == ((), ())


def test_a_rule_that_stops_holding_ends_with_its_reason_and_comes_back_from_new_runs_alone() -> None:
    episodes = lived(1, 300, eu_wants_b)
    known = first_of(episodes)
    episodes += lived(1, 200, lambda f, a: 0.1, first=300)
    found = looked(episodes, [known])
    (ended,) = found.ended
    assert (ended.lesson, found.new) == (known, ())
    assert ended.reason.startswith("it no longer holds: ")
    assert ended.broken_since is not None
    assert ended.broken_since > known.found_at
    gone = replace(known, state="retired", retired_by="statistics", broken_since=ended.broken_since)
    assert looked(episodes, [gone]).new == ()
    again = looked([*episodes, *lived(1, 400, eu_wants_b, first=500)], [gone])
    assert [one.rule for one in again.new] == [known.found.rule]


def test_a_rule_found_since_its_action_changed_is_counted_there_alone() -> None:
    def b_fails(_features: dict[str, Any], actions: Sequence[str]) -> float:
        return 0.05 if "order[supplier=b]" in actions else 0.9

    episodes = lived(1, 300, eu_wants_b)
    known = first_of(episodes)
    episodes += lived(1, 200, b_fails, first=300)
    (ended,) = looked(episodes, [known]).ended
    gone = replace(known, state="retired", retired_by="statistics", broken_since=ended.broken_since)
    (found,) = looked(episodes, [gone]).new
    assert (found.rule.advice, found.rule.conditions) == ("avoid", ())
    since = [one for one in episodes[300:] if one.actions[0].action == "order[supplier=b]"]
    assert found.support.total <= len(since)
    again = lesson(found, episodes[-1].closed_at, id="l-2")
    assert looked(episodes, [gone, again]) == Review(new=(), counted=(), ended=())
    ((_, now),) = looked([*episodes, *lived(1, 100, b_fails, first=500)], [gone, again]).counted
    assert found.support.total < now.support.total <= len(since) + 100
    assert now.support.good / now.support.total < 0.2


def test_what_an_operator_retired_does_not_come_again_nor_anything_narrower() -> None:
    episodes = lived(1, 300, eu_wants_b)
    gone = first_of(episodes, state="retired", retired_by="ann")
    assert looked(episodes, [gone]).new == ()
    broader = replace(gone.found, rule=replace(gone.found.rule, conditions=()))
    assert looked(episodes, [replace(gone, found=broader)]).new == ()
    assert looked(episodes, [replace(gone, retired_by="statistics")]).new != ()


def test_a_lesson_that_a_better_one_says_ends_but_not_an_operators() -> None:
    episodes = lived(1, 600, eu_wants_b)
    (better,) = looked(episodes, ()).new
    vague = replace(better, rule=replace(better.rule, conditions=()))
    known = lesson(vague, episodes[-1].closed_at)
    found = looked(episodes, [known])
    assert [one.reason[:25] for one in found.ended] == ["another says it better: w"]
    assert [one.rule for one in found.new] == [better.rule]
    assert looked(episodes, [replace(known, origin="operator", written_by="ann")]).ended == ()


def test_a_lesson_whose_counts_are_no_difference_any_more_ends() -> None:
    known = first_of(lived(1, 300, eu_wants_b))
    (ended,) = looked(lived(9, 300, lambda f, a: 0.6), [replace(known, found_at=BEGIN.replace(year=2030))]).ended
    assert ended.reason.startswith("it no longer stands out: ")
    assert ended.broken_since is None


def test_rules_are_alike_whatever_the_number_they_are_cut_at() -> None:
    over = Condition(what="at_least", feature="amount", value=100)
    eu = Condition(what="is", feature="region", value="eu")
    rule = Rule(kind="action", advice="do", actions=("a",), conditions=(over,))
    assert resembles(rule, replace(rule, conditions=(replace(over, value=120),)))
    assert not resembles(rule, replace(rule, conditions=(replace(over, what="below"),)))
    assert not resembles(rule, replace(rule, advice="avoid"))
    assert not resembles(replace(rule, conditions=(over, eu)), rule)
    assert resembles(replace(rule, conditions=(over, eu)), rule, narrower=True)
    order = replace(rule, kind="order", actions=("a", "b"))
    assert not resembles(order, replace(order, actions=("b", "a")))
