"""Exploration by the Planner: what is tried, how often, and what is on record of it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest

from agent.canonical import like
from agent.types import Decision, Purpose, Situation
from tests.agent.deciders.planner_companies import TEXT, evidence, planner, result, situation, tool
from tools.types import Risk, Tool

ASK_BACK = Purpose(text="send the parcel again", step="send")
ROUTES = ("north", "south", "west")
RATE = 0.3


def routes(*risks: Risk) -> tuple[Tool, ...]:
    given = risks or ("low", "low", "low")
    return tuple(
        tool(f"send_{name}", "Sends a parcel again.", {"parcel": TEXT}, step="send", risk=risk)
        for name, risk in zip(ROUTES, given, strict=True)
    )


def lost(tools: Sequence[Tool] | None = None, run: str = "run-1", rate: float = RATE, **more: object) -> Situation:
    start = situation(
        data={"parcel": "p-1"},
        text="a parcel is lost",
        tools=routes() if tools is None else tools,
        playbook=[ASK_BACK],
    )
    return replace(start, run=run, explore=rate, **more)  # type: ignore[arg-type]


async def played(start: Situation, runs: int = 300) -> list[Decision]:
    decider = planner()
    return [await decider.decide(replace(start, run=f"run-{number}")) for number in range(runs)]


def taken(decisions: Sequence[Decision]) -> Counter[str]:
    return Counter(call.action for decision in decisions for call in decision.calls)


def chances(decision: Decision) -> dict[str, float]:
    return {one.action: one.propensity for one in decision.candidates if one.propensity is not None}


KNOWN = {**evidence("send_north", 8, 2), **evidence("send_south", 0, 10)}


async def test_each_action_is_taken_as_often_as_is_put_on_record() -> None:
    decisions = await played(lost(evidence=KNOWN), runs=1_000)
    (said,) = {tuple(sorted(chances(one).items())) for one in decisions}
    stated = dict(said)
    assert math.fsum(stated.values()) == pytest.approx(1.0)
    assert stated["send_north"] == pytest.approx(1.0 - RATE)
    often = taken(decisions)
    for action, chance in stated.items():
        assert abs(often[action] - 1_000 * chance) < 4 * math.sqrt(1_000 * chance * (1 - chance)) + 1
    for decision in decisions:
        (call,) = decision.calls
        assert call.propensity == stated[call.action]


async def test_what_is_unknown_is_tried_more_than_what_failed() -> None:
    decision = await planner().decide(lost(evidence=KNOWN))
    assert chances(decision)["send_west"] > 3 * chances(decision)["send_south"] > 0


async def test_a_decision_that_is_made_again_comes_out_the_same() -> None:
    first = [one.calls for one in await played(lost(), runs=40)]
    assert first == [one.calls for one in await played(lost(), runs=40)]
    assert len({calls[0].action for calls in first}) > 1


async def test_the_reason_says_that_it_is_an_exploration_and_what_is_usual() -> None:
    tried = next(one for one in await played(lost(evidence=KNOWN)) if one.calls[0].action != "send_north")
    assert "an exploration, as in 30.0% of such decisions" in tried.reason
    assert "while send north has 0." in tried.reason
    (usual,) = (one for one in tried.candidates if one.action == "send_north")
    assert usual.why_not == "another action is tried, to learn what it is worth"


async def test_nothing_is_explored_unless_the_portfolio_says_so() -> None:
    decisions = await played(lost(rate=0.0, evidence=KNOWN), runs=60)
    assert taken(decisions).keys() == {"send_north"}
    assert chances(decisions[0]) == {"send_north": 1.0, "send_south": 0.0, "send_west": 0.0}
    assert decisions[0].calls[0].propensity == 1.0


@pytest.mark.parametrize("risk", ["medium", "high"])
async def test_only_what_has_low_risk_is_tried(risk: Risk) -> None:
    decisions = await played(lost(routes("low", "low", risk), evidence=KNOWN))
    assert taken(decisions).keys() == {"send_north", "send_south"}
    assert chances(decisions[0]).keys() == {"send_north", "send_south"}


async def test_nothing_is_tried_in_place_of_what_is_risky() -> None:
    decisions = await played(lost(routes("high", "low", "low"), evidence=KNOWN), runs=60)
    assert taken(decisions).keys() == {"send_north"}
    assert chances(decisions[0]) == {"send_north": 1.0}


@pytest.mark.parametrize("state", ["failed", "refused"])
async def test_after_a_failure_nothing_is_explored_in_the_run(state: str) -> None:
    decision = await planner().decide(lost(evidence=KNOWN))
    failed = result(decision.calls[0], state=state)  # type: ignore[arg-type]
    after = await played(lost(evidence=KNOWN, decision=2, results=(failed,)), runs=60)
    assert len(taken(after)) == 1
    assert decision.calls[0].action not in taken(after)


async def test_what_an_operator_turned_down_is_not_tried_for_another_purpose_either() -> None:
    other = Purpose(text="replace the parcel", step="send")
    before = await planner().decide(lost(rate=0.0, evidence=evidence("send_south", 9, 1)))
    assert before.calls[0].action == "send_south"
    no = result(replace(before.calls[0], purpose=other.text), state="rejected", by="operator")
    decisions = await played(lost(evidence=evidence("send_north", 9, 1), decision=2, results=(no,)))
    assert taken(decisions).keys() == {"send_north", "send_west"}


async def test_what_policy_would_refuse_is_not_tried() -> None:
    doubt = {like("send_west", {"parcel": "p-1"}, "subject-1"): "an effect is in doubt"}
    decisions = await played(lost(evidence=KNOWN, blocked=doubt))
    assert taken(decisions).keys() == {"send_north", "send_south"}
    assert "send_west" not in chances(decisions[0])


async def test_what_cannot_be_filled_in_is_not_tried() -> None:
    more = tool("send_west", "Sends a parcel again.", {"parcel": TEXT, "hub_number": TEXT}, step="send")
    decisions = await played(lost([*routes()[:2], more], evidence=KNOWN))
    assert taken(decisions).keys() == {"send_north", "send_south"}


async def test_a_tool_that_means_something_else_is_not_tried() -> None:
    far = tool("file_tax", "Files the yearly tax return of the company.", {"parcel": TEXT}, step="send")
    decisions = await played(lost([*routes()[:2], far], evidence=KNOWN))
    assert taken(decisions).keys() == {"send_north", "send_south"}


async def test_the_ways_to_use_one_tool_are_tried() -> None:
    carrier = {"type": "string", "enum": list(ROUTES)}
    only = tool("send", "Sends a parcel again.", {"parcel": TEXT, "carrier": carrier}, step="send", choice=("carrier",))
    bad = {**evidence("send[carrier=north]", 0, 9), **evidence("send[carrier=west]", 1, 9)}
    decisions = await played(lost([only], evidence={**evidence("send[carrier=south]", 9, 1), **bad}))
    assert taken(decisions).keys() == {f"send[carrier={name}]" for name in ROUTES}
    assert chances(decisions[0])["send[carrier=south]"] == pytest.approx(1.0 - RATE)


async def test_without_a_playbook_the_ways_to_do_what_the_event_plainly_means_are_tried() -> None:
    carrier = {"type": "string", "enum": list(ROUTES)}
    only = tool(
        "send_parcel_again", "Sends a lost parcel again.", {"parcel": TEXT, "carrier": carrier}, choice=("carrier",)
    )
    far = tool("file_tax", "Files the yearly tax return.", {"parcel": TEXT})
    start = replace(lost([only, far]), playbook=None, event_description="Send the lost parcel again.")
    decisions = await played(start)
    assert len(taken(decisions)) == 3
    assert all(math.fsum(chances(one).values()) == pytest.approx(1.0) for one in decisions)


async def test_reads_are_not_explored() -> None:
    looks = [
        tool(f"look_{name}", "Looks where a parcel is.", {"parcel": TEXT}, step="look", effect="read")
        for name in ROUTES
    ]
    start = replace(lost(looks), playbook=(Purpose(text="look where the parcel is", step="look"),))
    assert len(taken(await played(start, runs=60))) == 1
