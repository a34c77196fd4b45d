"""What counts as proven, and what does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from agent.actions import fingerprint
from agent.deciders.novelty import strange
from agent.deciders.reflex import is_checked
from agent.deciders.reflex_plans import Proof, Unproven, propose, wilson
from agent.portfolio.model import Reflex
from agent.types import Call, CallResult, PastRun, PastTurn, Situation
from memory.settings import Settings
from tests.agent.deciders.chat_situations import LOOK, ORDER, TELL, event, result, situation, tool
from tools.types import JsonObject, JsonValue

REFLEX = Reflex(checked=0.0, episodes=5, lower=0.6, margin=0.1)
SCHEMAS = {one.name: fingerprint(one) for one in (LOOK, ORDER, TELL)}


def past_run(
    number: int,
    *waves: dict[str, JsonValue],
    reward: float = 0.95,
    kind: str = "usual",
    schemas: dict[str, str] | None = None,
    tokens: int = 100,
    **data: JsonValue,
) -> PastRun:
    """A run that made those calls with those results, decision by decision, and then ended."""
    results: list[CallResult] = []
    for decision, wave in enumerate(waves, 1):
        for index, (action, value) in enumerate(wave.items()):
            call = Call(tool=action.partition("[")[0], arguments={}, action=action)
            results.append(CallResult(decision=decision, index=index, call=call, state="done", result=value))
    known = SCHEMAS if schemas is None else schemas
    turns = [PastTurn(number=one, kind="act", tokens=tokens, schemas=known) for one in range(1, len(waves) + 1)]
    ended = PastTurn(number=len(waves) + 1, kind="finish", tokens=tokens, schemas={})
    return PastRun(
        id=f"past-{number}",
        reward=reward,
        subject=f"o-{number}",
        data={"days": 3, **data},
        results=tuple(results),
        features={"kind": kind},
        turns=(*turns, ended),
    )


def late(past: list[PastRun], *results: CallResult, kind: str = "usual", **changes: Any) -> Situation:
    """An order is late, as in those runs."""
    start = situation(results=results, data={"days": 3})
    near = {run.id: 0.8 for run in past}
    return replace(start, past=tuple(past), features={"kind": kind}, near=near, **changes)


def proposed(case: Situation, reflex: Reflex = REFLEX) -> Proof:
    return propose(case, reflex, Settings())


def looked(parts: int) -> CallResult:
    return result(1, 0, "look_up_order", "done", value={"parts_missing": parts})


def test_the_lower_end_is_wilsons() -> None:
    # Wilson (1927) with z = 1.6449: 5 of 5 gives n / (n + z^2); 0.5 of 20 by hand.
    assert wilson(1.0, 5.0) == pytest.approx(5.0 / (5.0 + 1.6449**2))
    assert wilson(0.5, 20.0) == pytest.approx(0.3274, abs=1e-3)
    assert wilson(0.0, 3.0) == 0.0


def test_what_all_like_runs_did_is_proposed_with_its_counts() -> None:
    past = [past_run(number, {"look_up_order": {}}, tokens=60 + number) for number in range(6)]
    proof = proposed(late(past))
    assert (proof.wave, proof.count, proof.rival) == (frozenset({"look_up_order"}), 6.0, None)
    assert proof.mean == pytest.approx(0.95)
    assert proof.spared == 62


def test_a_run_that_was_over_here_is_a_plan_too() -> None:
    past = [past_run(number, {"look_up_order": {"parts_missing": 2}}) for number in range(6)]
    assert proposed(late(past, looked(2))).wave == frozenset()


def test_what_comes_next_follows_what_was_found() -> None:
    order: dict[str, JsonValue] = {"order_parts": {}}
    past = [
        past_run(number, {"look_up_order": {"parts_missing": number % 2}}, *([order] * (number % 2)))
        for number in range(24)
    ]
    assert proposed(late(past, looked(1))).wave == frozenset({"order_parts"})
    ended = proposed(late(past, looked(0)))
    assert ended.wave == frozenset()
    # Those that found something else are no rivals.
    assert ended.rival is None


def test_a_choice_follows_the_field_that_tells_it() -> None:
    choices = (("a", "north"), ("b", "south")) * 12
    past = [past_run(n, {f"order_parts[supplier={it}]": {}}, region=at) for n, (it, at) in enumerate(choices)]
    case = late(past)
    north = replace(case, event=event({"days": 3, "region": "north"}))
    assert proposed(north).wave == frozenset({"order_parts[supplier=a]"})
    with pytest.raises(Unproven, match=r"new|agree"):
        proposed(replace(case, event=event({"days": 3, "region": "west"})), replace(REFLEX, episodes=2))


def test_where_like_runs_disagree_without_a_reason_the_model_is_asked() -> None:
    past = [past_run(n, {"look_up_order" if n % 2 else "tell_customer": {}}) for n in range(24)]
    with pytest.raises(Unproven, match="do not agree"):
        proposed(late(past))


def test_another_plan_that_earned_about_as_much_leaves_the_choice_to_the_model() -> None:
    past = [past_run(n, {"look_up_order": {}}, reward=0.9) for n in range(20)]
    past += [past_run(20 + n, {"tell_customer": {}}, reward=0.85) for n in range(3)]
    with pytest.raises(Unproven, match=r"earned 0\.90, another 0\.85; it must be better by 0\.1"):
        proposed(late(past))
    worse = past[:20] + [replace(run, reward=0.5) for run in past[20:]]
    assert proposed(late(worse)).rival == pytest.approx(0.5)


def test_a_lower_bound_that_is_too_low_leaves_it_to_the_model() -> None:
    past = [past_run(n, {"look_up_order": {}}, reward=0.7) for n in range(8)]
    with pytest.raises(Unproven, match=r"at least 0\.4\d; 0\.6 needed"):
        proposed(late(past))


def test_unlike_runs_count_little() -> None:
    past = [past_run(n, {"look_up_order": {}}, kind="other") for n in range(20)]
    # 20 runs of another kind count 0.15 each.
    with pytest.raises(Unproven, match=r"3\.0 by likeness"):
        proposed(late(past))


def test_without_features_the_text_must_be_the_same() -> None:
    past = [replace(past_run(n, {"look_up_order": {}}), features={}) for n in range(8)]
    case = replace(late(past), features={})
    with pytest.raises(Unproven, match="by likeness"):
        proposed(case)
    assert proposed(replace(case, near={run.id: 1.0 for run in past})).count == 8.0


def test_a_text_like_none_before_is_the_models() -> None:
    past = [past_run(n, {"look_up_order": {}}) for n in range(8)]
    with pytest.raises(Unproven, match="about anything like this"):
        proposed(replace(late(past), near={}))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda run: replace(run, weight=0.5),
        lambda run: replace(run, turns=()),
        lambda run: replace(run, results=tuple(replace(one, state="failed") for one in run.results)),
        lambda run: replace(run, results=tuple(replace(one, decided_by="operator") for one in run.results)),
        lambda run: replace(run, turns=tuple(replace(turn, schemas={"look_up_order": "old"}) for turn in run.turns)),
        lambda run: replace(run, turns=tuple(replace(turn, schemas={}) for turn in run.turns)),
        lambda run: replace(run, turns=(run.turns[0], replace(run.turns[0], number=2, kind="ask"), run.turns[1])),
    ],
    ids=["no outcome", "not followed", "failed", "operator", "schema changed", "schema unknown", "asked"],
)
def test_runs_that_cannot_be_followed_prove_nothing(spoil: Any) -> None:
    past = [past_run(n, {"look_up_order": {}}) for n in range(8)]
    assert proposed(late(past)).count == 8.0
    with pytest.raises(Unproven, match="0 graded runs"):
        proposed(late([spoil(run) for run in past]))


@pytest.mark.parametrize(
    ("surprise", "says"),
    [
        (result(1, 0, "look_up_order", "failed", error="no"), "was not done: failed"),
        (result(1, 0, "look_up_order", "refused", error="no"), "was not done: refused"),
        (result(1, 0, "look_up_order", "done", value={}, decided_by="operator"), "operator had a say"),
        (result(2, 0, "look_up_order", "done", value={}), "made no calls"),
    ],
)
def test_a_surprise_in_the_run_gives_way_to_the_model(surprise: CallResult, says: str) -> None:
    past = [past_run(n, {"look_up_order": {}}) for n in range(8)]
    with pytest.raises(Unproven, match=says):
        proposed(late(past, surprise))


def test_several_events_at_once_are_the_models() -> None:
    past = [past_run(n, {"look_up_order": {}}) for n in range(8)]
    with pytest.raises(Unproven, match="several events"):
        proposed(late(past, events=(event(), event())))


def test_a_plan_longer_than_the_budget_is_not_begun() -> None:
    past = [past_run(n, {"look_up_order": {}, "tell_customer": {}}) for n in range(8)]
    case = late(past)
    with pytest.raises(Unproven, match="more calls"):
        proposed(replace(case, budget=replace(case.budget, calls=1)))


def test_a_tool_that_takes_or_gives_something_else_has_another_fingerprint() -> None:
    same = tool("look_up_order", {"order_id": {"type": "string"}}, ("order_id",), effect="write", risk="high")
    assert fingerprint(same) == fingerprint(LOOK)
    assert fingerprint(replace(LOOK, returns={"type": "object"})) != fingerprint(LOOK)
    more: JsonObject = {**LOOK.parameters, "required": []}
    assert fingerprint(replace(LOOK, parameters=more)) != fingerprint(LOOK)


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({("data", "n"): 5.0}, None),
        ({("data", "n"): 0.0}, "data.n was never 0.0"),
        ({("data", "n"): 400.0}, "data.n was never 400.0"),
        ({}, "data.n is missing"),
        ({("data", "n"): 5.0, ("results", "look", "parts", "#"): 1.0}, "the length of results.look.parts was never"),
        ({("data", "n"): 5.0, ("data", "at"): "east"}, "data.at was never 'east'"),
        ({("data", "n"): 5.0, ("data", "name"): "anybody"}, None),
        ({("data", "n"): 5.0, ("data", "paid"): False}, "data.paid was never False"),
    ],
)
def test_what_no_past_run_showed_is_noticed(facts: Any, says: str | None) -> None:
    seen: list[Any] = [{("data", "n"): 1.0 + number} for number in range(8)]
    for number, one in enumerate(seen[:-1]):
        one |= {("data", "at"): "north", ("data", "name"): f"name {number}", ("data", "paid"): True}
    found = strange(facts, seen)
    assert found is None if says is None else found is not None and found.startswith(says)


def test_the_share_that_is_checked_is_of_whole_events() -> None:
    events = [replace(event(), id=f"e-{number}") for number in range(2_000)]
    checked = [one.id for one in events if is_checked(one, 0.05)]
    assert 60 <= len(checked) <= 140
    assert checked == [one.id for one in events if is_checked(one, 0.05)]
    assert not any(is_checked(one, 0.0) for one in events)
    assert all(is_checked(one, 1.0) for one in events)
