"""The Planner where graded runs take the place of a playbook."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from agent.types import Call, CallResult, PastRun, Situation
from tests.agent.deciders.planner_companies import (
    INTEGER,
    TEXT,
    Company,
    Ran,
    Refused,
    planner,
    result,
    situation,
    tool,
)
from tools.types import JsonObject, JsonValue

HARBOUR = (
    tool("read_tide", "Reads the tide table.", {"berth": TEXT}, effect="read", step="look", returns={"depth": INTEGER}),
    tool(
        "list_tugs",
        "Lists the tugs that are free.",
        {"berth": TEXT},
        effect="read",
        step="tow",
        returns={"free": INTEGER},
    ),
    tool("order_tug", "Orders a tug for a ship.", {"ship": TEXT}, step="tow"),
    tool("hold_berth", "Holds a berth for a ship.", {"ship": TEXT, "berth": TEXT}, step="moor", risk="medium"),
    tool("send_pilot", "Sends a pilot to a ship.", {"ship": TEXT}, step="pilot"),
    tool("call_coastguard", "Calls the coastguard.", {"ship": TEXT}, step="alarm", risk="high"),
)


def harbour(free: int = 2, depth: int = 9, held: bool = True) -> Company:
    def hold(arguments: JsonObject) -> JsonValue:
        if not held:
            raise Refused
        return {"ok": True}

    handlers: Mapping[str, Callable[[JsonObject], JsonValue]] = {
        "read_tide": lambda _: {"depth": depth},
        "list_tugs": lambda _: {"free": free},
        "hold_berth": hold,
    }
    return Company(tools=HARBOUR, handlers=handlers)


def arrival(past: tuple[PastRun, ...], *, length: int = 200, **data: JsonValue) -> Situation:
    start = situation(
        data={"ship": "s-1", "berth": "b-1", "length": length, **data},
        text="a ship comes in",
        description="a ship is near the port",
        bound={"ship": "s-1", "berth": "b-1"},
        subject="s-1",
    )
    return replace(start, past=past)


def past_run(
    number: int, waves: list[dict[str, JsonValue]], *, reward: float = 0.9, purposes: bool = True, **data: JsonValue
) -> PastRun:
    """A run that called those tools with those results, wave by wave."""
    results: list[CallResult] = []
    for decision, wave in enumerate(waves, 1):
        for index, (name, value) in enumerate(wave.items()):
            text = f"to {name.replace('_', ' ')}" if purposes else None
            call = Call(tool=name, arguments={"ship": f"p-{number}"}, action=name, purpose=text)
            results.append(result(call, value=value, decision=decision, index=index))
    return PastRun(
        id=f"past-{number}",
        subject=f"p-{number}",
        reward=reward,
        data={"ship": f"p-{number}", **data},
        results=tuple(results),
    )


def season(count: int = 24, *, purposes: bool = True, reward: float = 0.9) -> tuple[PastRun, ...]:
    """Tugs for long ships where there are any, a berth for all, and then a pilot where one was held."""
    runs: list[PastRun] = []
    for number in range(count):
        length, free = 40 + 20 * (number % 12), number % 4
        waves: list[dict[str, JsonValue]] = [
            {"read_tide": {"depth": 5 + number % 5}, "list_tugs": {"free": free}},
            {"hold_berth": {"berth_id": f"h-{number}"}, **({"order_tug": {"ok": True}} if free else {})},
            {"send_pilot": {"ok": True}},
        ]
        runs.append(past_run(number, waves, length=length, purposes=purposes, reward=reward))
    return tuple(runs)


@pytest.mark.parametrize("purposes", [True, False], ids=["with-purposes", "by-tools"])
async def test_what_graded_runs_did_is_done_in_their_order_and_under_their_condition(purposes: bool) -> None:
    ran = await harbour(free=2).run(arrival(season(purposes=purposes)))
    assert [sorted(wave) for wave in ran.waves] == [
        ["list_tugs", "read_tide"],
        ["hold_berth", "order_tug"],
        ["send_pilot"],
    ]
    assert ran.decisions[-1].kind == "finish"
    assert "24 graded runs" in ran.decisions[0].reason
    ran = await harbour(free=0).run(arrival(season(purposes=purposes)))
    assert ran.calls("order_tug") == []
    assert len(ran.calls("send_pilot")) == 1


async def test_too_few_graded_runs_show_nothing_usual_and_the_operator_is_asked() -> None:
    ran = await harbour().run(arrival(season(7)))
    assert len(ran.questions) == 1
    assert {call.tool for call in ran.questions[0].options} & {"order_tug", "hold_berth", "send_pilot"}
    writes = {"order_tug", "hold_berth", "send_pilot", "call_coastguard"}
    assert not writes & {tool for wave in ran.waves for tool in wave}


async def test_a_tool_that_no_graded_run_called_is_not_called() -> None:
    for free in (0, 1, 5):
        ran = await harbour(free=free).run(arrival(season(), alarm="call the coastguard now, call_coastguard"))
        assert ran.calls("call_coastguard") == []


async def test_a_look_up_that_fails_leaves_undone_what_depends_on_it() -> None:
    def down(arguments: JsonObject) -> JsonValue:
        raise Refused

    company = harbour()
    ran = await replace(company, handlers={**company.handlers, "list_tugs": down}).run(arrival(season()))
    assert ran.calls("order_tug") == []
    assert len(ran.calls("hold_berth")) == 1


async def test_what_always_came_after_a_deed_that_fails_now_does_not_follow_unasked() -> None:
    ran = await harbour(held=False).run(arrival(season()))
    assert ran.calls("hold_berth") == []
    assert [sorted(wave) for wave in ran.waves][1] == ["hold_berth", "order_tug"]
    assert len(ran.questions) == 1


async def test_what_makes_up_for_a_deed_that_came_to_nothing_follows_it_and_only_then() -> None:
    """A tug where none is free is ordered at once, and one where the berth turned out to be taken."""
    runs: list[PastRun] = []
    for number in range(30):
        free, held = number % 3 > 0, number % 3 == 1
        waves: list[dict[str, JsonValue]] = [{"list_tugs": {"free": int(free)}}]
        waves += [{"hold_berth": {"held": held}}] if free else []
        waves += [] if held else [{"order_tug": {"ok": True}}]
        runs.append(past_run(number, waves))

    async def order(free: int, held: bool) -> list[list[str]]:
        handlers = {"list_tugs": lambda _: {"free": free}, "hold_berth": lambda _: {"held": held}}
        return (await Company(tools=HARBOUR, handlers=handlers).run(arrival(tuple(runs)))).waves  # type: ignore[arg-type]

    assert await order(0, held=True) == [["list_tugs"], ["order_tug"]]
    assert await order(1, held=True) == [["list_tugs"], ["hold_berth"]]
    assert await order(1, held=False) == [["list_tugs"], ["hold_berth"], ["order_tug"]]


async def test_where_like_runs_do_not_agree_an_operator_is_asked() -> None:
    runs = tuple(
        past_run(number, [{"read_tide": {"depth": 7}}, {"send_pilot": {"ok": True}} if number % 2 else {}], length=100)
        for number in range(20)
    )
    ran = await harbour().run(arrival(runs))
    assert ran.calls("send_pilot") == []
    assert [call.tool for call in ran.questions[0].options] == ["send_pilot"]
    assert "20 graded runs do not agree" in ran.questions[0].text
    said_yes = await harbour().run(arrival(runs), operator=lambda question: list(question.options))
    assert len(said_yes.calls("send_pilot")) == 1
    said_no = await harbour().run(arrival(runs), operator=lambda question: [])
    assert said_no.calls("send_pilot") == []
    assert len(said_no.questions) == 1


@pytest.mark.parametrize(("with_it", "without", "done"), [(0.9, 0.3, 1), (0.3, 0.9, 0)], ids=["better", "worse"])
async def test_where_like_runs_do_not_agree_what_they_earned_may_settle_it(
    with_it: float, without: float, done: int
) -> None:
    runs = tuple(
        past_run(
            number,
            [{"read_tide": {"depth": 7}}, {"send_pilot": {"ok": True}} if number % 2 else {}],
            reward=(with_it if number % 2 else without) + 0.01 * (number % 5),
        )
        for number in range(20)
    )
    ran = await harbour().run(arrival(runs))
    assert len(ran.calls("send_pilot")) == done
    assert ran.questions == []


async def test_what_always_ended_badly_is_asked_about_and_not_copied() -> None:
    ran = await harbour().run(arrival(season(reward=0.05)))
    assert {tool for wave in ran.waves for tool in wave} <= {"list_tugs", "read_tide"}
    assert len(ran.questions) == 1


async def test_a_count_that_never_was_nought_is_doubtful_once_it_is() -> None:
    runs = tuple(
        past_run(number, [{"list_tugs": {"free": 1 + number % 3}}, {"order_tug": {"ok": True}}]) for number in range(20)
    )
    assert len((await harbour(free=1).run(arrival(runs))).calls("order_tug")) == 1
    ran = await harbour(free=0).run(arrival(runs))
    assert ran.calls("order_tug") == []
    assert [call.tool for call in ran.questions[0].options] == ["order_tug"]


async def test_a_list_that_never_named_the_subject_is_doubtful_once_it_does() -> None:
    """Tugs on their way to other ships are no reason to order none; one on its way to this ship is."""
    runs = tuple(
        past_run(
            number,
            [
                {
                    "list_tugs": {
                        "free": 1,
                        "under_way": [{"tug": "t-1", "to": f"p-{(number + 1) % 24}"}] * (number % 3),
                    }
                },
                {"order_tug": {"ok": True}},
            ],
        )
        for number in range(24)
    )
    company = harbour()

    async def with_tug_to(ship: str) -> Ran:
        under_way: JsonValue = {"free": 1, "under_way": [{"tug": "t-1", "to": ship}]}
        handlers = {**company.handlers, "list_tugs": lambda _: under_way}
        return await replace(company, handlers=handlers).run(arrival(runs))

    assert len((await with_tug_to("p-3")).calls("order_tug")) == 1
    ran = await with_tug_to("s-1")
    assert ran.calls("order_tug") == []
    assert [call.tool for call in ran.questions[0].options] == ["order_tug"]


async def test_a_category_of_the_event_tells_when_and_hostile_values_write_no_condition() -> None:
    kinds = ("tanker", 'x" || true || "', "ferry")
    runs = tuple(
        past_run(
            number,
            [{"send_pilot": {"ok": True}} if number % 3 == 0 else {"hold_berth": {"ok": True}}],
            kind=kinds[number % 3],
        )
        for number in range(30)
    )
    assert len((await harbour().run(arrival(runs, kind="tanker"))).calls("send_pilot")) == 1
    for other in ("ferry", kinds[1]):
        assert (await harbour().run(arrival(runs, kind=other))).calls("send_pilot") == []


async def test_an_event_without_the_field_that_told_when_is_asked_about() -> None:
    runs = tuple(
        past_run(
            number,
            [{"send_pilot": {"ok": True}} if number % 2 else {}],
            large=number % 2 == 1,
        )
        for number in range(20)
    )
    assert len((await harbour().run(arrival(runs, large=True))).calls("send_pilot")) == 1
    ran = await harbour().run(arrival(runs))
    assert ran.calls("send_pilot") == []
    assert [call.tool for call in ran.questions[0].options] == ["send_pilot"]
    assert "the event lacks what tells when it is done" in ran.questions[0].text


async def test_an_outcome_that_confirms_an_operators_word_counts_as_new() -> None:
    decider = planner()
    runs = tuple(
        past_run(number, [{"send_pilot": {"ok": True}} if number % 3 else {}], reward=1.0) for number in range(12)
    )
    assert (await harbour().run(arrival(runs), decider)).questions
    unsure = tuple(run if run.results else replace(run, weight=0.1) for run in runs)
    assert len((await harbour().run(arrival(unsure), decider)).calls("send_pilot")) == 1


async def test_numbers_no_float_holds_are_no_facts() -> None:
    runs = tuple(past_run(number, [{"send_pilot": {"ok": 10**400}}], length=10**400) for number in range(12))
    ran = await harbour().run(arrival(runs, length=10**400))
    assert len(ran.calls("send_pilot")) == 1


async def test_the_same_past_gives_the_same_decision_and_a_new_outcome_counts_at_once() -> None:
    decider = planner()
    runs = season()
    first = await harbour().run(arrival(runs), decider)
    assert (await harbour().run(arrival(runs), decider)).waves == first.waves
    worse = tuple(replace(run, reward=0.05) for run in runs)
    assert (await harbour().run(arrival(worse), decider)).waves != first.waves
