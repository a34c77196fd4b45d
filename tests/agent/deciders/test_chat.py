"""What the chat decider makes of a model's answers, over real HTTP against the scripted model."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from agent.deciders.chat import ChatDecider
from agent.types import Call, DeciderError, Decision, Purpose, Situation
from tests.agent.deciders.chat_situations import result, seen, situation, tool
from tests.scripted_model import Reply, ScriptedModel, Step, calls, empty, message, text
from tools.types import JsonObject


async def decide(steps: Sequence[Step], given: Situation | None = None) -> Decision:
    """One decision by a model that answers by script."""
    with ScriptedModel(steps) as model:
        decider = ChatDecider(model="scripted-1", base_url=model.base_url, max_retries=0)
        try:
            return await decider.decide(given or situation())
        finally:
            await decider.aclose()
            assert model.left == 0


async def failed(steps: Sequence[Step], given: Situation | None = None) -> DeciderError:
    """The error the decision ended with."""
    with pytest.raises(DeciderError) as raised:
        await decide(steps, given)
    return raised.value


async def test_function_calls_become_calls_with_their_action_and_the_purpose_their_step_serves() -> None:
    playbook = (Purpose(text="order what lacks", step="order"), Purpose(text="look first", step="look"))
    made: JsonObject = {"order_id": "o-7", "supplier": "north", "amount": 2}
    decision = await decide(
        [calls(("order_parts", made), ("look_up_order", {"order_id": "o-7"}), text="Parts lack.", tokens=321)],
        situation(playbook=playbook),
    )
    assert decision.kind == "act"
    assert decision.reason == "Parts lack."
    assert decision.decided_by == "scripted-1"
    assert decision.tokens == 321
    assert decision.calls == (
        Call(tool="order_parts", arguments=made, action="order_parts[supplier=north]", purpose="order what lacks"),
        Call(tool="look_up_order", arguments={"order_id": "o-7"}, action="look_up_order", purpose="look first"),
    )


async def test_a_bound_choice_counts_in_the_action_though_the_model_never_sees_it() -> None:
    decision = await decide(
        [calls(("order_parts", {"order_id": "o-7", "amount": 1}))], situation(bound={"supplier": "south"})
    )
    assert decision.calls[0].arguments == {"order_id": "o-7", "amount": 1}
    assert decision.calls[0].action == "order_parts[supplier=south]"


async def test_a_call_of_a_tool_nobody_offered_is_passed_on_for_policy_to_refuse() -> None:
    decision = await decide([calls(("wire_money", {"amount": 9}))])
    assert decision.calls == (Call(tool="wire_money", arguments={"amount": 9}, action="wire_money"),)
    (strange,) = [candidate for candidate in decision.candidates if candidate.tool == "wire_money"]
    assert not strange.permitted
    assert not strange.chosen
    assert strange.why_not is not None


@pytest.mark.parametrize(
    "arguments",
    ["{not json", "[1, 2]", '"o-7"', "3", "false", '{"a": NaN}', "[" * 5000, '{"a":' * 40 + "1" + "}" * 40],
)
async def test_arguments_that_are_no_json_object_are_refused_with_a_clear_error(arguments: str) -> None:
    decision = await decide([calls(("look_up_order", arguments), ("tell_customer", {"note": "late"}))])
    assert [call.tool for call in decision.calls] == ["tell_customer"]
    (refused,) = decision.refused
    assert (refused.decision, refused.index, refused.state) == (1, 1, "refused")
    assert refused.call == Call(tool="look_up_order", arguments={}, action="look_up_order")
    assert refused.error is not None
    assert "arguments" in refused.error
    assert len(refused.error) < 500


async def test_an_answer_of_unreadable_calls_only_goes_on_without_calls() -> None:
    decision = await decide([calls(("look_up_order", "oops"))])
    assert (decision.kind, decision.calls, len(decision.refused)) == ("act", (), 1)


@pytest.mark.parametrize("arguments", ["", "null", "  "])
async def test_a_function_without_parameters_may_be_called_without_arguments(arguments: str) -> None:
    decision = await decide([calls(("look_up_order", arguments))])
    assert decision.calls[0].arguments == {}


async def test_a_server_that_sends_arguments_as_an_object_is_understood() -> None:
    told = {"content": "", "tool_calls": [{"function": {"name": "look_up_order", "arguments": {"order_id": "o-7"}}}]}
    decision = await decide([message(told)])
    assert decision.calls[0].arguments == {"order_id": "o-7"}


async def test_a_text_without_calls_finishes_with_the_text_as_reason() -> None:
    decision = await decide([text("<think>long thoughts</think>\nNothing is\n to be done.")])
    assert (decision.kind, decision.reason, decision.calls) == ("finish", "Nothing is  to be done.", ())


async def test_a_very_long_text_is_bounded() -> None:
    decision = await decide([text("word " * 100_000)])
    assert len(decision.reason) <= 2000


async def test_a_question_asks_the_operator_and_names_what_is_missing() -> None:
    asked = {"question": "Which supplier?", "tool": "order_parts", "arguments": {"amount": 2}}
    decision = await decide([calls(("ask_operator", asked))], situation(bound={"order_id": "o-7"}))
    assert decision.kind == "ask"
    assert decision.question is not None
    assert decision.question.text == "Which supplier?"
    assert decision.question.options == (Call(tool="order_parts", arguments={"amount": 2}, action="order_parts"),)
    assert decision.question.missing == ("supplier",)


async def test_a_question_about_a_tool_that_is_not_permitted_offers_no_option() -> None:
    decision = await decide([calls(("ask_operator", {"question": "Pay?", "tool": "wire_money"}))])
    assert decision.question is not None
    assert decision.question.options == ()


async def test_a_question_beside_calls_is_dropped_and_the_reason_says_so() -> None:
    decision = await decide([calls(("ask_operator", {"question": "Sure?"}), ("look_up_order", {"order_id": "o-7"}))])
    assert (decision.kind, decision.question) == ("act", None)
    assert "question to the operator was dropped" in decision.reason


async def test_a_question_without_words_is_refused() -> None:
    decision = await decide([calls(("ask_operator", {"tool": "order_parts"}))])
    assert (decision.kind, decision.question) == ("act", None)
    assert "question" in str(decision.refused[0].error)


async def test_a_company_tool_named_like_the_question_keeps_its_name() -> None:
    own = tool("ask_operator", {"note": {"type": "string"}})
    decision = await decide([calls(("ask_operator", {"note": "x"}))], situation(tools=(own,)))
    assert [call.tool for call in decision.calls] == ["ask_operator"]
    asked = await decide([calls(("ask_operator_2", {"question": "Really?"}))], situation(tools=(own,)))
    assert asked.kind == "ask"


async def test_an_empty_answer_is_asked_once_more_and_both_are_paid_for() -> None:
    with ScriptedModel([empty(), text("Nothing to do.")]) as model:
        decider = ChatDecider(model="scripted-1", base_url=model.base_url)
        decision = await decider.decide(situation())
        await decider.aclose()
    assert (decision.kind, decision.tokens) == ("finish", 200)
    assert "empty" in model.requests[1].messages[-1]["content"]


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ([empty(), empty()], "model_empty_answer"),
        ([text("   "), text("<think></think>")], "model_empty_answer"),
        ([text("I was going to", finish="length")], "model_cut_off"),
        ([text("", finish="content_filter")], "model_refused"),
        ([message({"role": "assistant", "content": None, "refusal": "I will not."})], "model_refused"),
    ],
)
async def test_an_answer_that_decides_nothing_ends_by_name(steps: list[Step], code: str) -> None:
    assert (await failed(steps)).code == code


async def test_a_call_cut_off_at_the_token_limit_is_not_made() -> None:
    half = {"content": None, "tool_calls": [{"function": {"name": "tell_customer", "arguments": "{}"}}]}
    assert (await failed([message(half, finish="length")])).code == "model_cut_off"


@pytest.mark.parametrize(
    "usage",
    [None, {"total_tokens": 0}, {"prompt_tokens": "many"}, {"total_tokens": -5}, {"total_tokens": 10**30}, "none"],
)
async def test_a_server_that_reports_no_usable_usage_is_charged_by_length(usage: object) -> None:
    body = json.loads(text("Nothing to do.", tokens=None).body) | {"usage": usage}
    decision = await decide([Reply(body=json.dumps(body).encode())])
    assert 100 < decision.tokens < 5000


async def test_candidates_are_every_permitted_action_with_its_evidence() -> None:
    evidence = {
        "order_parts[supplier=north]": seen("order_parts[supplier=north]", 4.0, 0.0),
        "order_parts[supplier=south]": seen("order_parts[supplier=south]", 0.0, 3.0),
        "wire_money": seen("wire_money", 9.0, 0.0),
    }
    made = {"order_id": "o-7", "supplier": "south", "amount": 2}
    decision = await decide([calls(("order_parts", made))], situation(evidence=evidence))
    by_action = {candidate.action: candidate for candidate in decision.candidates}
    assert by_action.keys() == {
        "order_parts[supplier=north]",
        "order_parts[supplier=south]",
        "look_up_order",
        "tell_customer",
    }
    south, north = by_action["order_parts[supplier=south]"], by_action["order_parts[supplier=north]"]
    assert (south.chosen, south.why_not, south.prior, south.score) == (True, None, 1.0, 0.25)
    assert (north.chosen, north.why_not, north.prior, north.score) == (False, "not chosen by the model", 0.0, 0.8)
    assert (north.success, north.failure, north.episodes) == (4.0, 0.0, ("ep-1", "ep-2"))
    assert all(candidate.permitted for candidate in decision.candidates)


async def test_a_scripted_run_answers_by_what_the_tools_said() -> None:
    given = situation(results=(result(1, 0, "look_up_order", "done", value={"supplier": "east"}),))
    decision = await decide(
        [lambda request: calls(("order_parts", {"supplier": request.answers[0]["result"]["supplier"]}))], given
    )
    assert decision.calls[0].arguments == {"supplier": "east"}
