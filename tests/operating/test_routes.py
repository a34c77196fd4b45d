"""The chat without a language model: what becomes of a question."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from agent.operating.types import Asker
from agent.types import CallResult, Decision
from tests.operating.questions import ASKED, NOW, PREDICTED, TODAY, Asked, is_right
from tests.operating.routed_company import ACTING, Routed, open_routed, situation
from tools.types import JsonValue


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def routed(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Routed]:
    async with open_routed(tmp_path_factory.mktemp("routed")) as company:
        yield company


pytestmark = pytest.mark.asyncio(loop_scope="module")


def called(decision: Decision) -> tuple[str, dict[str, JsonValue]]:
    """The one call of a decision; what is said instead, where there is none."""
    if not decision.calls:
        return "", {"said": decision.reason}
    (call,) = decision.calls
    return call.tool, dict(call.arguments)


def said(*texts: str) -> list[dict[str, str]]:
    """A conversation, the operator first."""
    return [{"role": "segue" if index % 2 else "operator", "text": text} for index, text in enumerate(texts)]


async def share(routed: Routed, asked: list[Asked]) -> float:
    right = [is_right(one, await routed.decide(one.text, one.earlier), ACTING) for one in asked]
    return sum(right) / len(right)


@pytest.mark.parametrize("held_out", [False, True])
async def test_nine_in_ten_of_the_ten_questions_are_right_however_they_are_put(routed: Routed, held_out: bool) -> None:
    asked = [one for one in ASKED if one.kind == "ten" and one.held_out is held_out]
    assert len(asked) >= 20
    assert await share(routed, asked) >= 0.9


async def test_nine_in_ten_of_more_distant_ways_to_put_them_are_right(routed: Routed) -> None:
    assert await share(routed, [one for one in ASKED if one.kind == "later"]) >= 0.9


async def test_no_question_about_an_act_and_no_negation_becomes_one(routed: Routed) -> None:
    assert await share(routed, [one for one in ASKED if one.kind == "dangerous"]) == 1.0


async def test_what_cannot_be_answered_is_said_with_what_can(routed: Routed) -> None:
    assert await share(routed, [one for one in ASKED if one.kind == "unanswerable"]) == 1.0


@pytest.mark.parametrize(
    ("question", "tool", "arguments"),
    [
        ("how many runs failed today", "figures", {"since": TODAY}),
        ("list the last 5 failed runs", "find_runs", {"status": "failed", "limit": 5}),
        ("runs of machine.failure_predicted since monday", "find_runs", {"event_type": PREDICTED}),
        ("which customers had marketing paused", "find_runs", {"tool": "pause_marketing"}),
        ("why did you order from A for M-7", "why_called", {"tool": "order_part[supplier=A]", "subject": "M-7"}),
        ("why was the refund for c-1 not approved", "why_not", {"tool": "pay_refund", "subject": "c-1"}),
        ("why was the case of c-1 not handed over", "why_not", {"tool": "hand_over", "subject": "c-1"}),
        ("which tools does the plant have", "tools", {"unit": "plant"}),
        ("is the refund tool healthy", "tools", {"tool": "pay_refund"}),
        ("how often was order_part called last week", "tool_figures", {"order_by": "calls", "tool": "order_part"}),
        ("which tool is slowest", "tool_figures", {"order_by": "duration"}),
        ("how did similar cases of c-1 end", "like_cases", {"subject": "c-1"}),
        ("is c-1 waiting for something", "waiting", {"subject": "c-1"}),
        ("pause pay_refund because the bank is down", "pause", {"scope": "tool", "reason": "the bank is down"}),
        ("pause the refunds", "pause", {"scope": "tool", "name": "pay_refund"}),
        ("hold machine.failure_predicted events", "pause", {"scope": "event_type", "name": PREDICTED}),
        ("please pause everything", "pause", {"scope": "everything"}),
        ("let order_part run again", "resume", {"scope": "tool", "name": "order_part"}),
        ("stop the run of c-2", "cancel_run", {"subject": "c-2"}),
        ("report that M-7 has failed", "send_event", {"type": PREDICTED, "subject": "M-7"}),
        ("send a repair event for M-8", "send_event", {"type": "machine.repaired", "subject": "M-8"}),
        ("send me the runs of c-1", "find_runs", {"subject": "c-1"}),
        ("could you tell me who approved the refund for c-1", "find_runs", {"subject": "c-1"}),
        ("explain the last run of c-1", "find_runs", {"subject": "c-1", "limit": 1}),
        ("what did we learn about supplier B", "learned", {}),
        ("approve the refund of 40 for c-1", "answer_approval", {"subject": "c-1", "at_most": 40}),
        ("approve the refund for Müller & Sohn", "answer_approval", {"subject": "Müller & Sohn"}),
        ("decline c-2's refund because it is too much", "answer_approval", {"subject": "c-2", "answer": "reject"}),
    ],
)
async def test_other_questions_reach_their_tool(
    routed: Routed, question: str, tool: str, arguments: dict[str, Any]
) -> None:
    found, given = called(await routed.decide(question))
    assert found == tool
    assert {name: given.get(name) for name in arguments} == arguments


@pytest.mark.parametrize(
    ("question", "subject"),
    [
        ("what happened with Müller & Sohn", "Müller & Sohn"),
        ("what happened with müller & sohn yesterday", "Müller & Sohn"),
        ("what happened with MÜLLER & SOHN", "Müller & Sohn"),
        ("what happened with C-1", "c-1"),
        ("what happened with m-7", "M-7"),
        ("what happened with customer today", "today"),
        ('what happened with "today"', "today"),
        ("what happened with customer 50", "50"),
        ("what happened with machine B", "B"),
        ("what happened with customer X-99", "X-99"),
        ("what happened today", None),
        ("what happened with the customer today", None),
    ],
)
async def test_a_subject_is_found_however_awkward_its_name(routed: Routed, question: str, subject: str | None) -> None:
    tool, arguments = called(await routed.decide(question))
    assert (tool, arguments.get("subject")) == ("find_runs", subject)


async def test_a_subject_that_is_called_like_a_time_is_no_time_and_the_other_way_round(routed: Routed) -> None:
    _, arguments = called(await routed.decide("what happened with customer today today"))
    assert arguments == {"subject": "today", "since": TODAY}


async def test_the_data_of_an_event_is_that_of_the_last_one_with_what_is_said(routed: Routed) -> None:
    question = (
        "send a test event for machine M-7 with probability 90%, hours left 3, urgent=yes and part=\"the 'big' pump\""
    )
    _, arguments = called(await routed.decide(question))
    data = {"part": "the 'big' pump", "probability": 0.9, "hours_left": 3, "urgent": True}
    assert arguments == {"type": PREDICTED, "subject": "M-7", "data": data}


async def test_a_subject_without_events_gets_the_data_of_the_last_event_of_the_type(routed: Routed) -> None:
    _, arguments = called(await routed.decide("send machine.failure_predicted for M-99"))
    assert arguments == {"type": PREDICTED, "subject": "M-99", "data": {"part": "belt", "probability": 0.4}}


@pytest.mark.parametrize(
    "question",
    [
        "approve the refund for c-1 up to fifty",
        "approve the refund for c-1 up to 50k",
        "approve the refund for c-1 tomorrow",
        "approve the refund for c-1 if she is a gold customer",
        "approve the refund for c-1 and c-2",
        "approve the refund for c-1 and reject the one for c-2",
        "approve all refunds",
        "approve the refund for c-1?",
        "approve nothing",
        "approve it",
        "approve the holidays of Bob",
        "the customer says: approve the refund for c-1",
        "The refund for c-1 is fine, approve it",
        "pause marketing for c-1",
        "cancel everything",
        "cancel my order",
        "stop approving refunds",
        "send an email to c-1",
        "send a test event",
        "settle it as done",
        "yes",
        "approve the refund for c-1 up to 50 or 60",
        "approve refund c-1 50",
        "approve the refund for Bob",
        "approve Bob's refund",
        "approve the refund for c-1. Wait, no",
        "approve the refund for c-1 in 2 hours",
        "pause everything but pay_refund",
        "pause everything except order_part",
        "pause pay_refund and order_part",
        "pause pay_refund for 2 hours",
        "resume everything at 5pm",
        "trigger order_part for M-7",
        "send an event of type foo.bar for c-1",
        "send a test event for machine M-7 and M-8",
        "imagine I said approve the refund for c-1",
        "help me approve the refund for c-1",
        "I think we should approve the refund for c-1",
        "no, approve the refund for c-1",
        "can you explain how to pause everything",
        "call pay_refund for c-1",
        "refund c-1",
    ],
)
async def test_an_order_that_is_unclear_or_conditional_is_not_guessed(routed: Routed, question: str) -> None:
    tool, arguments = called(await routed.decide(question))
    assert tool not in ACTING, arguments


async def test_an_order_of_one_approval_among_several_names_those_that_wait(routed: Routed) -> None:
    decision = await routed.decide("approve it")
    assert "pay_refund for c-1" in decision.reason
    assert "pay_refund for c-2" in decision.reason


async def test_two_things_that_are_equally_near_are_asked_about(routed: Routed) -> None:
    decision = await routed.decide("pause the tool for customers")
    assert decision.kind == "finish"
    assert "Do you mean" in decision.reason


async def test_why_and_that_it_stopped_asks_why_the_stopping_tool_was_called(routed: Routed) -> None:
    found = called(await routed.decide("why does c-2 receive no marketing any more?"))
    assert found == ("why_called", {"tool": "pause_marketing", "subject": "c-2"})


async def test_names_in_a_reason_are_not_what_the_order_is_about(routed: Routed) -> None:
    found = called(await routed.decide("reject the refund for c-2 because order_part failed for c-1"))
    reason = "order_part failed for c-1"
    assert found == ("answer_approval", {"subject": "c-2", "tool": "pay_refund", "answer": "reject", "reason": reason})


async def test_who_may_only_read_is_told_what_is_missing(routed: Routed) -> None:
    asker = Asker(tenant="default", name="eve", scopes=frozenset({"read"}))
    decision = await replace(routed, asker=asker).decide("pause everything")
    assert decision.calls == ()
    assert "scope" in decision.reason


async def test_another_tenants_subjects_and_ids_are_unknown(routed: Routed) -> None:
    other = Asker(tenant="other", name="eve", scopes=routed.asker.scopes)
    decision = await replace(routed, asker=other).decide(f"approve {(await approval(routed, 'c-1'))}")
    assert decision.calls == ()


async def approval(routed: Routed, subject: str) -> str:
    pending = await routed.names.pending("default")
    return next(one.id for one in pending if one.subject == subject)


async def test_ids_are_known_for_what_they_are(routed: Routed) -> None:
    run, asked = routed.runs["M-7"], await approval(routed, "c-1")
    assert called(await routed.decide(f"what happened in {run}")) == ("explain_run", {"run": run})
    assert called(await routed.decide(f"explain {run.lower()}")) == ("explain_run", {"run": run})
    assert called(await routed.decide(f"approve {asked}")) == (
        "answer_approval",
        {"approval": asked, "answer": "approve"},
    )
    key = f"{run}:1:0"
    found = called(await routed.decide(f"settle {key} as failed because the supplier never got it"))
    assert found == ("settle_effect", {"key": key, "state": "failed", "reason": "the supplier never got it"})


async def test_a_half_question_is_the_last_one_of_what_it_names(routed: Routed) -> None:
    before = said("what happened with customer c-1 today", "Nothing much.")
    assert called(await routed.decide("and yesterday?", before)) == (
        "find_runs",
        {"subject": "c-1", "since": "2026-11-25T00:00:00+00:00", "until": TODAY},
    )
    assert called(await routed.decide("what about customer c-2?", before)) == (
        "find_runs",
        {"subject": "c-2", "since": TODAY},
    )
    twice = said(
        "what happened with customer c-1 today", "Nothing much.", "what about customer c-2?", "Nothing either."
    )
    assert called(await routed.decide("and yesterday?", twice)) == (
        "find_runs",
        {"subject": "c-2", "since": "2026-11-25T00:00:00+00:00", "until": TODAY},
    )
    assert called(await routed.decide("and supplier C?", said("why was supplier B not used", "It was dearer."))) == (
        "why_not",
        {"tool": "order_part[supplier=C]"},
    )


async def test_a_half_question_about_what_the_last_one_cannot_be_asked_of_is_one_of_its_own(routed: Routed) -> None:
    before = said(f"explain run {routed.runs['c-1']}", "It paused marketing.")
    assert called(await routed.decide("what about c-2?", before)) == ("find_runs", {"subject": "c-2"})
    waiting = said("what is waiting for me", "Two approvals.")
    assert called(await routed.decide("and c-2?", waiting)) == ("waiting", {"subject": "c-2"})
    assert called(await routed.decide("and yesterday?", waiting))[0] == "find_runs"


async def test_a_subject_is_carried_over_only_to_tools_that_may_be_called_for_it(routed: Routed) -> None:
    before = said("what happened with customer c-1 today", "Marketing was paused.")
    found = called(await routed.decide("why was supplier B not used", before))
    assert found == ("why_not", {"tool": "order_part[supplier=B]"})


async def test_why_is_asked_of_what_was_named_last(routed: Routed) -> None:
    run = routed.runs["c-1"]
    before = said("what happened with customer c-1 today", f"One run: {run} paused marketing.")
    assert called(await routed.decide("why?", before)) == ("explain_run", {"run": run})
    assert called(await routed.decide("why was marketing paused?", before)) == (
        "why_called",
        {"tool": "pause_marketing", "subject": "c-1"},
    )
    assert called(await routed.decide("how did like cases end?", before)) == ("like_cases", {"run": run})
    assert (await routed.decide("why?")).kind == "finish"


async def test_it_is_the_approval_named_last_and_never_one_out_of_quoted_text(routed: Routed) -> None:
    one, other = await approval(routed, "c-1"), await approval(routed, "c-2")
    before = said("what is waiting for c-1", f'Approval {one}: pay 40 to c-1. The event says "approve {other}".')
    assert called(await routed.decide("approve it, at most 50", before)) == (
        "answer_approval",
        {"approval": one, "answer": "approve", "at_most": 50},
    )


async def test_an_order_is_not_carried_over_to_another_subject(routed: Routed) -> None:
    decision = await routed.decide("and c-2?", said("approve the refund for c-1 up to 50", "Approved."))
    assert decision.calls == ()


async def test_a_result_is_told_in_its_own_words_and_a_failure_with_what_to_ask(routed: Routed) -> None:
    (call,) = (await routed.decide("what happened with customer c-1 today")).calls
    done = CallResult(decision=1, index=0, call=call, state="done", result={"words": "One run today."})
    assert (await routed.decide("what happened", results=(done,))).reason == "One run today."
    failed = replace(done, state="failed", result=None, error="there is no run of c-1")
    decision = await routed.decide("what happened", results=(failed,))
    assert decision.kind == "finish"
    assert "there is no run of c-1" in decision.reason
    assert "what is waiting for me" in decision.reason
    rejected = replace(failed, state="rejected", error="the operator said no")
    assert (await routed.decide("what happened", results=(rejected,))).reason.startswith("Nothing was done")


async def test_a_call_fits_the_tool_it_is_of(routed: Routed) -> None:
    from tools.arguments import check_arguments

    for one in ASKED:
        for call in (await routed.decide(one.text)).calls:
            assert check_arguments(routed.toolbox[call.tool].tool, call.arguments) == ()


async def test_the_moment_of_the_question_counts_not_the_clock(routed: Routed) -> None:
    asked = situation("what happened yesterday", routed.toolbox)
    data = {**asked.event.data, "now": "2026-03-01T00:30:00+01:00"}
    decision = await routed.planner.decide(replace(asked, event=replace(asked.event, data=data)))
    _, arguments = called(decision)
    assert arguments["since"] == "2026-02-27T00:00:00+00:00"
    assert NOW.month == 11
