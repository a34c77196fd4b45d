"""Arguments are bound anew the way they were bound every time, or not at all."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias

import pytest

from agent.deciders.rebinding import Precedent, Unbound, rebind, sources_now, sources_then
from agent.types import Call, CallResult, PastRun, Situation
from tests.agent.deciders.chat_situations import event, result, situation, tool
from tools.types import JsonObject, JsonValue

TEXT: JsonObject = {"type": "string"}
SHIP = tool(
    "ship",
    {
        "order": TEXT,
        "to": TEXT,
        "days": {"type": "integer"},
        "reason": TEXT,
        "words": TEXT,
        "box": {"type": "object"},
        "items": {"type": "array", "items": TEXT},
    },
    ("order",),
)

Pairs: TypeAlias = list[tuple[JsonObject, JsonObject]]


def now(data: JsonObject, *results: CallResult, bound: dict[str, JsonValue] | None = None) -> Situation:
    return replace(situation(tools=(SHIP,), results=results, bound=bound), event=event(data))


def rebound(case: Situation, past: Pairs, found: list[JsonValue] | None = None) -> JsonObject:
    """Pairs of the event's data and the arguments that followed from it; `found` is what was looked up before."""
    precedents: list[Precedent] = []
    for number, (data, arguments) in enumerate(past):
        call = Call(tool="ship", arguments=arguments, action="ship")
        looked = [] if found is None else [result(1, 0, "look", "done", value=found[number])]
        own = CallResult(decision=2, index=0, call=call, state="done", result={"order": "later"})
        run = PastRun(id=f"p-{number}", reward=1.0, subject=f"s-{number}", data=data, results=(*looked, own))
        precedents.append(Precedent(call=call, sources=sources_then(run, 2, case)))
    return rebind(SHIP, precedents, sources_now(case), case)


def test_a_value_follows_the_field_it_always_came_from() -> None:
    past: Pairs = [
        ({"id": f"o-{n}", "address": {"city": f"city {n}"}}, {"order": f"o-{n}", "to": f"city {n}"}) for n in range(4)
    ]
    case = now({"id": "o-9", "address": {"city": "Ulm"}})
    assert rebound(case, past) == {"order": "o-9", "to": "Ulm"}


def test_a_value_follows_the_result_it_came_from_and_not_a_later_one() -> None:
    past: Pairs = [({"n": n}, {"order": f"found {n}"}) for n in range(3)]
    case = now({"n": 9}, result(1, 0, "look", "done", value={"order": "found 9"}))
    assert rebound(case, past, [{"order": f"found {n}"} for n in range(3)]) == {"order": "found 9"}


def test_what_was_always_the_same_stays_so() -> None:
    past: Pairs = [({"id": f"o-{n}"}, {"order": f"o-{n}", "days": 3}) for n in range(3)]
    assert rebound(now({"id": "o-9"}), past) == {"order": "o-9", "days": 3}


def test_a_constant_that_was_also_a_field_is_unclear_once_the_field_differs() -> None:
    past: Pairs = [({"id": f"o-{n}", "wait": 3}, {"order": f"o-{n}", "days": 3}) for n in range(3)]
    assert rebound(now({"id": "o-9", "wait": 3}), past)["days"] == 3
    with pytest.raises(Unbound, match="'days' of 'ship' came from no one field"):
        rebound(now({"id": "o-9", "wait": 5}), past)


def test_two_fields_that_were_one_and_now_differ_are_unclear() -> None:
    past: Pairs = [({"id": f"o-{n}", "ref": f"o-{n}"}, {"order": f"o-{n}"}) for n in range(3)]
    with pytest.raises(Unbound, match="'order'"):
        rebound(now({"id": "o-9", "ref": "o-8"}), past)


def test_a_value_from_nowhere_is_not_made_up() -> None:
    past: Pairs = [({"id": f"o-{n}"}, {"order": f"o-{n}", "words": f"Dear customer {n * 7}"}) for n in range(3)]
    with pytest.raises(Unbound, match="'words'"):
        rebound(now({"id": "o-9"}), past)


def test_a_value_of_one_single_run_is_no_pattern() -> None:
    one: Pairs = [({"id": "o-1"}, {"order": "o-1", "days": 2})]
    two: Pairs = [*one, ({"id": "o-2"}, {"order": "o-2", "days": 2})]
    assert rebound(now({"id": "o-9"}), two) == {"order": "o-9", "days": 2}
    with pytest.raises(Unbound, match="'order'"):
        rebound(now({"id": "o-9"}), one)


def test_an_argument_that_was_sometimes_given_is_the_models() -> None:
    past: Pairs = [({"id": f"o-{n}"}, {"order": f"o-{n}", **({"days": 3} if n else {})}) for n in range(3)]
    with pytest.raises(Unbound, match="'days' of 'ship' was not always given"):
        rebound(now({"id": "o-9"}), past)


def test_a_reason_that_need_not_be_given_is_left_out() -> None:
    past: Pairs = [({"id": f"o-{n}"}, {"order": f"o-{n}", "reason": f"because of {n}"}) for n in range(3)]
    assert rebound(now({"id": "o-9"}), past) == {"order": "o-9"}


def test_lists_and_parts_of_objects_follow_too() -> None:
    past: Pairs = [
        (
            {"id": f"o-{n}", "wide": n + 10, "goods": [f"a{n}", f"b{n}"]},
            {"order": f"o-{n}", "box": {"width": n + 10, "kind": "card"}, "items": [f"a{n}", f"b{n}"]},
        )
        for n in range(3)
    ]
    case = now({"id": "o-9", "wide": 70, "goods": ["x"]})
    assert rebound(case, past) == {"order": "o-9", "box": {"width": 70, "kind": "card"}, "items": ["x"]}


def test_what_the_portfolio_ties_down_is_the_events_own() -> None:
    past: Pairs = [({"id": f"o-{n}"}, {"order": f"o-{n}"}) for n in range(3)]
    assert rebound(now({"id": "o-9"}, bound={"order": "o-9"}), past) == {"order": "o-9"}


def test_arguments_the_tool_would_not_take_are_not_sent() -> None:
    past: Pairs = [({"id": f"o-{n}"}, {"order": f"o-{n}"}) for n in range(3)]
    with pytest.raises(Unbound, match="would not take"):
        rebound(now({"id": 9}), past)
