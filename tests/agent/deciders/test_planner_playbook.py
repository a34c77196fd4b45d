"""The Planner with a playbook, over invented companies of several kinds and real embeddings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.store.history import NONSENSE
from agent.types import Call, CallResult, Purpose, Situation
from tests.agent.deciders.planner_companies import (
    INTEGER,
    NUMBER,
    TEXT,
    Company,
    Died,
    Refused,
    evidence,
    planner,
    result,
    situation,
    tool,
)
from tools.types import JsonObject, JsonValue, Tool

SHOP = (
    tool(
        "get_shopper",
        "Gives name, segment and past orders of a shopper.",
        {"shopper_id": TEXT},
        effect="read",
        step="know",
        returns={"name": TEXT, "segment": TEXT},
    ),
    tool(
        "running_promotions",
        "Lists the promotions a shopper receives now.",
        {"shopper_id": TEXT},
        effect="read",
        step="calm",
        returns={"promotions": {"type": "array", "items": {"type": "object", "properties": {"promotion_id": TEXT}}}},
    ),
    tool(
        "silence_promotions",
        "Stops all promotions and marketing messages to one shopper for a while.",
        {"shopper_id": TEXT, "reason": TEXT, "hours": INTEGER},
        required=["shopper_id"],
        step="calm",
    ),
    tool(
        "open_ticket",
        "Opens a ticket, so that a person of the service desk looks after the shopper.",
        {"shopper_id": TEXT, "question": TEXT, "desk": {"type": "string", "enum": ["north", "south"]}},
        step="person",
        choice=("desk",),
        returns={"ticket_id": TEXT},
    ),
    tool(
        "schedule_call",
        "Books a phone call of an employee with the shopper.",
        {"shopper_id": TEXT, "question": TEXT},
        step="person",
    ),
    tool(
        "pay_back",
        "Pays money back to the shopper for an order.",
        {"shopper_id": TEXT, "order_id": TEXT, "amount": NUMBER},
        step="repair",
        risk="high",
    ),
)
KNOW = Purpose(text="know who the customer is", step="know")
CALM = Purpose(
    text="stop marketing to the customer",
    step="calm",
    when="steps.calm.promotions.exists(p, p.running)",
)
PERSON = Purpose(text="hand the customer over to a person", step="person")
PAY = Purpose(text="pay the money back", step="repair")


def shop(*, promotions: JsonValue, **handlers: object) -> Company:
    def get_shopper(arguments: JsonObject) -> JsonValue:
        return {"name": "Kim", "segment": "private"}

    def running_promotions(arguments: JsonObject) -> JsonValue:
        return {"promotions": promotions}

    made = {"get_shopper": get_shopper, "running_promotions": running_promotions, **handlers}
    return Company(tools=SHOP, handlers=made)  # type: ignore[arg-type]


def angry(*purposes: Purpose, **more: object) -> Situation:
    start = situation(
        data={"question": "Where is my parcel?", "channel": "web"},
        text="the customer is angry: where is my parcel",
        description="a conversation with the chatbot ended without an answer",
        bound={"shopper_id": "s-7"},
        subject="s-7",
        playbook=purposes,
    )
    return replace(start, **more)  # type: ignore[arg-type]


async def test_reads_go_first_in_one_wave_and_writes_follow_in_one_wave() -> None:
    ran = await shop(promotions=[{"running": True}]).run(angry(KNOW, CALM, PERSON))
    assert [sorted(wave) for wave in ran.waves] == [
        ["get_shopper", "running_promotions"],
        ["open_ticket", "silence_promotions"],
    ]
    assert ran.decisions[-1].kind == "finish"
    assert ran.calls("silence_promotions")[0].arguments == {"shopper_id": "s-7"}
    assert ran.calls("open_ticket")[0].arguments["question"] == "Where is my parcel?"


async def test_nothing_is_stopped_where_nothing_runs_and_the_reason_says_so() -> None:
    ran = await shop(promotions=[{"running": False}]).run(angry(KNOW, CALM, PERSON))
    assert ran.calls("silence_promotions") == []
    assert "condition does not hold" in ran.decisions[-1].reason


async def test_a_condition_that_nothing_can_tell_any_more_is_skipped_after_everything_else() -> None:
    strange = Purpose(text="stop marketing to the customer", step="calm", when="results.nobody.knows == 'x'")
    ran = await shop(promotions=[]).run(angry(strange, PERSON))
    assert ran.calls("silence_promotions") == []
    assert ran.calls("open_ticket")
    assert "could not be told" in ran.decisions[-1].reason


async def test_a_condition_may_wait_for_what_an_earlier_write_gives() -> None:
    later = Purpose(text="pay the money back", step="repair", when="steps.person.ticket_id != ''")
    company = shop(promotions=[], open_ticket=lambda arguments: {"ticket_id": "t-1"})
    start = angry(later, PERSON)
    start = replace(start, event=replace(start.event, data={**start.event.data, "order_id": "o-1", "amount": 5}))
    ran = await company.run(start)
    assert ran.waves == [["open_ticket"], ["pay_back"]]


async def test_the_read_a_condition_names_is_consulted_though_no_purpose_asks_for_it() -> None:
    business = Purpose(
        text="call the customer by phone", step="person", when="results.get_shopper.segment == 'private'"
    )
    ran = await shop(promotions=[]).run(angry(business))
    assert ran.waves == [["get_shopper"], ["schedule_call"]] or ran.waves == [["get_shopper"], ["open_ticket"]]


async def test_no_call_is_made_twice_and_every_decision_shows_what_was_weighed() -> None:
    ran = await shop(promotions=[{"running": True}]).run(angry(KNOW, CALM, PERSON, KNOW))
    made = [(one.call.tool, str(one.call.arguments)) for one in ran.results]
    assert len(made) == len(set(made))
    for decision in ran.decisions:
        chosen = {candidate.action for candidate in decision.candidates if candidate.chosen}
        assert chosen == {call.action for call in decision.calls}
        assert all(candidate.why_not for candidate in decision.candidates if not candidate.chosen)
        assert all(0 <= candidate.score <= 1 and 0 <= candidate.prior <= 1 for candidate in decision.candidates)
        of_the_steps = {tool.name for tool in SHOP if tool.governance.step in {KNOW.step, CALM.step, PERSON.step}}
        assert of_the_steps <= {candidate.tool for candidate in decision.candidates}


async def test_evidence_about_a_choice_overrules_the_order_of_declaration() -> None:
    known = {
        **evidence("open_ticket[desk=north]", 1.0, 20.0),
        **evidence("open_ticket[desk=south]", 20.0, 1.0),
    }
    ran = await shop(promotions=[]).run(angry(PERSON, evidence=known))
    assert ran.calls("open_ticket")[0].action == "open_ticket[desk=south]"


async def test_evidence_about_another_tool_of_the_step_overrules_meaning() -> None:
    known = {
        **evidence("open_ticket[desk=north]", 1.0, 20.0),
        **evidence("open_ticket[desk=south]", 1.0, 20.0),
        **evidence("schedule_call", 20.0, 1.0),
    }
    ran = await shop(promotions=[]).run(angry(PERSON, evidence=known))
    assert ran.waves == [["schedule_call"]]


async def test_a_tool_that_means_the_purpose_as_well_is_tried_once_the_first_has_disappointed() -> None:
    first = await shop(promotions=[]).run(angry(PERSON))
    assert first.results[-1].call.tool == "open_ticket"
    known = {**evidence("open_ticket[desk=north]", 2.0, 6.0), **evidence("open_ticket[desk=south]", 2.0, 6.0)}
    ran = await shop(promotions=[]).run(angry(PERSON, evidence=known))
    assert ran.waves == [["schedule_call"]]


async def test_a_far_tool_is_not_tried_for_the_disappointment_of_a_near_one() -> None:
    known = evidence("send_apology", 1.0, 20.0)
    tools = [
        tool("send_apology", "Sends a written apology to the customer.", {}, step="repair"),
        tool("stop_line", "Stops a production line.", {}, step="repair"),
    ]
    purpose = Purpose(text="apologise to the customer", step="repair")
    ran = await Company(tools=tools).run(situation(data={}, playbook=[purpose], evidence=known))
    assert ran.waves == [["send_apology"]]


async def test_evidence_adds_what_serves_no_purpose() -> None:
    known = evidence("silence_promotions", 12.0, 1.0)
    ran = await shop(promotions=[]).run(angry(PERSON, evidence=known))
    assert sorted(ran.waves[-1]) == ["open_ticket", "silence_promotions"]


async def test_an_empty_playbook_does_nothing_without_strong_evidence() -> None:
    ran = await shop(promotions=[]).run(angry(evidence=evidence("silence_promotions", 1.0, 0.1, episodes=1)))
    assert ran.waves == []
    assert ran.decisions[-1].kind == "finish"


def refuse(arguments: JsonObject) -> JsonValue:
    raise Refused


def die(arguments: JsonObject) -> JsonValue:
    raise Died


async def test_after_a_failure_another_tool_that_means_the_same_is_tried() -> None:
    ran = await shop(promotions=[], open_ticket=refuse).run(angry(PERSON))
    assert ran.waves == [["open_ticket"], ["schedule_call"]]


async def test_where_no_other_tool_means_it_the_operator_is_asked_once_for_the_same_call() -> None:
    ran = await shop(promotions=[{"running": True}], silence_promotions=refuse).run(
        angry(CALM, PERSON), operator=lambda question: [question.options[0]]
    )
    assert len(ran.questions) == 1
    assert ran.questions[0].options[0].tool == "silence_promotions"
    assert ran.questions[0].options[0].purpose == CALM.text
    assert ran.calls("open_ticket")


async def test_a_purpose_that_provides_for_a_failure_takes_over_and_nobody_is_asked() -> None:
    instead = replace(PERSON, when="has(failed.silence_promotions)")
    ran = await shop(promotions=[{"running": True}], silence_promotions=refuse).run(angry(CALM, instead))
    assert ran.waves[1:] == [["silence_promotions"], ["open_ticket"]]
    assert ran.questions == []
    assert ran.decisions[-1].kind == "finish"
    without = await shop(promotions=[{"running": True}]).run(angry(CALM, instead))
    assert without.calls("open_ticket") == []


async def test_an_operators_no_closes_the_purpose() -> None:
    ran = await shop(promotions=[{"running": True}], silence_promotions=refuse).run(
        angry(CALM), operator=lambda question: []
    )
    assert len(ran.questions) == 1
    assert ran.decisions[-1].kind == "finish"
    assert "said no" in ran.decisions[-1].reason


async def test_an_effect_in_doubt_is_left_alone() -> None:
    ran = await shop(promotions=[{"running": True}], silence_promotions=die).run(angry(CALM))
    assert ran.waves[-1] == ["silence_promotions"]
    assert ran.questions == []
    assert "in doubt" in ran.decisions[-1].reason


async def test_a_failed_look_up_is_no_reason_to_leave_the_rest() -> None:
    ran = await shop(promotions=[{"running": True}], get_shopper=refuse).run(
        angry(KNOW, CALM, PERSON), operator=lambda question: []
    )
    assert ran.calls("silence_promotions")
    assert ran.calls("open_ticket")


async def test_a_required_argument_nobody_knows_is_asked_for_by_name() -> None:
    start = angry(Purpose(text="pay the money back", step="repair"))
    start = replace(start, event=replace(start.event, data={"question": "I want my 50 euros", "order_id": "o-3"}))
    ran = await shop(promotions=[]).run(start)
    assert ran.questions[0].missing == ("amount",)
    assert ran.questions[0].options[0].arguments == {"shopper_id": "s-7", "order_id": "o-3"}


async def test_an_argument_tied_to_a_field_the_event_lacks_is_not_even_asked_for() -> None:
    start = angry(Purpose(text="pay the money back", step="repair"), bound={"shopper_id": "s-7", "order_id": None})
    ran = await shop(promotions=[]).run(start)
    assert ran.waves == []
    assert ran.questions == []
    assert "order_id" in ran.decisions[-1].reason


async def test_the_budget_of_calls_is_kept() -> None:
    start = angry(KNOW, CALM, PERSON)
    decision = await planner().decide(
        replace(start, tools=SHOP, budget=replace(start.budget, calls=1)),
    )
    assert len(decision.calls) == 1


FACTORY = (
    tool(
        "part_stock",
        "Tells how many pieces of a spare part are on the shelf and which parts lack.",
        {"machine": TEXT},
        effect="read",
        step="parts",
        returns={"lacking": {"type": "array", "items": {"type": "object", "properties": {"part_no": TEXT}}}},
    ),
    tool(
        "buy_part",
        "Orders a spare part from a supplier.",
        {"part_no": TEXT, "pieces": INTEGER, "supplier": {"type": "string", "enum": ["ferro", "altis"]}},
        required=["part_no", "supplier"],
        step="parts",
        choice=("supplier",),
        returns={"order_no": TEXT, "expected_delivery": {"type": "string", "format": "date"}},
    ),
    tool(
        "line_plan",
        "Shows the production schedule of a line for the next days.",
        {"line": TEXT},
        effect="read",
        step="plan",
        returns={"jobs": {"type": "array"}},
    ),
    tool(
        "shift_job",
        "Moves the production jobs of a machine to another slot or line.",
        {"machine": TEXT},
        step="plan",
    ),
    tool(
        "announce_delay",
        "Tells the supply-chain system that deliveries will be late.",
        {"machine": TEXT, "order_no": TEXT},
        step="tell",
    ),
)
BREAKDOWN = (
    Purpose(text="check the stock of spare parts", step="parts"),
    Purpose(text="order the missing parts", step="parts"),
    Purpose(text="reschedule the work away from the machine", step="plan"),
    Purpose(text="tell supply chain about the delay", step="tell"),
)


def factory(lacking: list[JsonObject]) -> Company:
    return Company(
        tools=FACTORY,
        handlers={
            "part_stock": lambda arguments: {"lacking": lacking},
            "line_plan": lambda arguments: {"jobs": [{"job": "j-1"}]},
            "buy_part": lambda arguments: {"order_no": "po-9", "expected_delivery": "2026-03-09"},
        },
    )


def breakdown() -> Situation:
    return situation(
        data={"machine": "press-3", "line": "A", "failure_probability": 0.83},
        text="press-3 will probably fail: bearing temperature",
        description="a machine will probably fail soon",
        bound={"machine": "press-3"},
        playbook=BREAKDOWN,
    )


async def test_a_write_waits_for_what_an_earlier_writes_result_gives() -> None:
    ran = await factory([{"part_no": "b-12"}]).run(breakdown())
    assert [sorted(wave) for wave in ran.waves] == [
        ["line_plan", "part_stock"],
        ["buy_part", "shift_job"],
        ["announce_delay"],
    ]
    assert ran.calls("buy_part")[0].arguments["part_no"] == "b-12"
    assert ran.calls("announce_delay")[0].arguments["order_no"] == "po-9"


async def test_an_empty_list_leaves_nothing_to_act_on() -> None:
    ran = await factory([]).run(breakdown(), operator=lambda question: [])
    assert ran.calls("buy_part") == []
    assert all(question.options[0].tool != "buy_part" for question in ran.questions)
    assert any("nothing there to act on" in decision.reason for decision in ran.decisions)


async def test_several_parts_that_lack_are_a_question_and_not_a_guess() -> None:
    ran = await factory([{"part_no": "b-12"}, {"part_no": "c-4"}]).run(breakdown())
    assert ran.questions[0].missing == ("part_no",)
    assert ran.questions[0].options[0].tool == "buy_part"


LOGISTICS = (
    tool(
        "track_shipment",
        "Gives position and expected arrival of a shipment.",
        {"shipment": TEXT},
        effect="read",
        step="s",
    ),
    tool("rebook_carrier", "Books another carrier for a shipment.", {"shipment": TEXT}, step="s"),
    tool("announce_delay", "Tells the receiver that a shipment will come later.", {"shipment": TEXT}, step="s"),
)
HOSPITAL = (
    tool("find_free_bed", "Lists free beds of a ward.", {"ward": TEXT}, effect="read", step="s"),
    tool("assign_bed", "Assigns a bed to a patient.", {"patient": TEXT, "ward": TEXT}, step="s"),
    tool("release_bed", "Frees the bed of a patient who leaves.", {"patient": TEXT}, step="s"),
)
STOCK = (
    tool("check_stock", "Tells how many of a spare part are on the shelf.", {"part": TEXT}, effect="read", step="s"),
    tool("order_part", "Orders a spare part from a supplier.", {"part": TEXT}, step="s"),
)
OFFERS = (
    tool(
        "list_offers",
        "Lists the marketing offers a shopper currently receives.",
        {"shopper": TEXT},
        effect="read",
        step="s",
    ),
    tool("mute_offers", "Stops all running marketing messages to one shopper.", {"shopper": TEXT}, step="s"),
)
PLAN = (
    tool("get_schedule", "Shows the production schedule of a line.", {"line": TEXT}, effect="read", step="s"),
    tool("move_job", "Moves a production job to another time slot or line.", {"line": TEXT}, step="s"),
)
ARTICLES = (
    tool("search_articles", "Searches the knowledge base for articles.", {"question": TEXT}, effect="read", step="s"),
    tool("add_article", "Adds a question and its answer to the knowledge base.", {"question": TEXT}, step="s"),
)


@pytest.mark.parametrize(
    ("tools", "purpose", "serves"),
    [
        (STOCK, "check the stock", "check_stock"),
        (STOCK, "order the missing parts", "order_part"),
        (STOCK, "find out whether the spare part is available", "check_stock"),
        (OFFERS, "see which campaigns run", "list_offers"),
        (OFFERS, "stop marketing to the customer", "mute_offers"),
        (LOGISTICS, "find out where the shipment is", "track_shipment"),
        (LOGISTICS, "find another carrier", "rebook_carrier"),
        (LOGISTICS, "inform those who wait for the goods", "announce_delay"),
        (HOSPITAL, "see which beds are free", "find_free_bed"),
        (HOSPITAL, "give the patient a bed", "assign_bed"),
        (HOSPITAL, "free the bed after discharge", "release_bed"),
        (PLAN, "consult the production planner", "get_schedule"),
        (PLAN, "look at the production plan", "get_schedule"),
        (PLAN, "reschedule the work away from the machine", "move_job"),
        (ARTICLES, "look whether the question is already answered", "search_articles"),
        (ARTICLES, "teach the chatbot the answer", "add_article"),
    ],
)
async def test_the_meaning_of_a_purpose_tells_looking_from_doing(
    tools: tuple[Tool, ...], purpose: str, serves: str
) -> None:
    data = {"part": "p", "shopper": "s", "shipment": "x", "ward": "w", "patient": "a", "line": "l", "question": "q?"}
    ran = await Company(tools=tools).run(situation(data=data, playbook=[Purpose(text=purpose, step="s")]))
    last = ran.results[-1].call
    assert last.tool == serves
    reads = {one.name for one in tools if one.governance.effect == "read"}
    assert {one.call.tool for one in ran.results} <= {serves} | reads


async def test_two_purposes_of_one_step_each_get_their_own_tool() -> None:
    purposes = [
        Purpose(text="find another carrier", step="s"),
        Purpose(text="tell the receiver about the delay", step="s"),
    ]
    known = {**evidence("announce_delay", 20.0, 1.0), **evidence("rebook_carrier", 8.0, 8.0)}
    ran = await Company(tools=LOGISTICS).run(
        situation(data={"shipment": "x-1"}, playbook=purposes, evidence=known),
    )
    assert ran.waves == [["track_shipment"], ["rebook_carrier", "announce_delay"]]


async def test_a_purpose_already_rejected_is_not_taken_up_again() -> None:
    call = Call(
        tool="rebook_carrier", arguments={"shipment": "x-1"}, action="rebook_carrier", purpose="find another carrier"
    )
    start = situation(
        data={"shipment": "x-1"},
        tools=LOGISTICS,
        playbook=[Purpose(text="find another carrier", step="s")],
        results=[result(call, state="rejected", by="planner")],
    )
    decision = await planner().decide(start)
    assert decision.kind == "finish"


def failed_call(name: str, purpose: Purpose, *, error: str, **arguments: JsonValue) -> CallResult:
    call = Call(tool=name, arguments=arguments, action=name, purpose=purpose.text)
    return replace(result(call, state="failed"), error=error)


async def test_a_failed_look_up_that_nothing_waits_for_disturbs_no_operator() -> None:
    ran = await shop(promotions=[{"running": True}], get_shopper=refuse).run(angry(KNOW, CALM, PERSON))
    assert ran.questions == []
    assert ran.decisions[-1].kind == "finish"
    assert "get shopper failed" in ran.decisions[-1].reason


async def test_a_failed_look_up_that_a_condition_waits_for_is_told_to_the_operator() -> None:
    see = Purpose(text="see which promotions the customer receives", step="calm")
    ran = await shop(promotions=[], running_promotions=refuse).run(
        angry(KNOW, see, CALM, PERSON), operator=lambda question: []
    )
    assert [question.options[0].tool for question in ran.questions] == ["running_promotions"]
    assert ran.calls("open_ticket")
    assert ran.calls("silence_promotions") == []


async def test_a_write_that_may_have_acted_is_not_offered_as_if_it_could_be_repeated() -> None:
    doubtful = failed_call(
        "pay_back",
        PAY,
        error=f"{NONSENSE}: not readable as JSON",
        shopper_id="s-7",
        order_id="o-3",
        amount=5,
    )
    start = angry(PAY, results=(doubtful,), tools=SHOP)
    start = replace(start, event=replace(start.event, data={"order_id": "o-3", "amount": 5}))
    asked = (await planner().decide(start)).question
    assert asked is not None
    assert "tried again" not in asked.text
    assert "may have been done" in asked.text
    plain = replace(doubtful, error="HTTP 422: no such order.")
    asked = (await planner().decide(replace(start, results=(plain,)))).question
    assert asked is not None
    assert "Shall it be tried again?" in asked.text


async def test_purposes_are_quoted_alike_and_sentences_end_once() -> None:
    purpose = Purpose(text="pay the customer's money back", step="repair")
    failed = failed_call(
        "pay_back", purpose, error="HTTP 422: above the limit.", shopper_id="s-7", order_id="o-3", amount=5
    )
    start = angry(KNOW, purpose, CALM, PERSON, results=(failed,), tools=SHOP)
    start = replace(start, event=replace(start.event, data={"order_id": "o-3", "amount": 5, "question": "q"}))
    reasons: list[str] = []
    company = shop(promotions=[{"running": True}])
    ran = await company.run(start, operator=lambda question: [])
    reasons += [decision.reason for decision in ran.decisions]
    reasons += [question.text for question in ran.questions]
    assert ran.questions
    assert "“pay the customer's money back”" in reasons[0]
    for reason in reasons:
        assert ".." not in reason
        assert "'pay" not in reason
        assert '"pay' not in reason


async def test_a_value_the_tool_does_not_take_is_not_called_absent() -> None:
    tools = [
        tool("pay_back", "Pays money back.", {"amount": {"type": "number", "maximum": 100}}, step="repair"),
    ]
    start = situation(data={"amount": 5_000}, playbook=[PAY])
    question = (await Company(tools=tools).run(start)).questions[0]
    assert question.missing == ("amount",)
    assert "does not take what was found for amount" in question.text
    question = (await Company(tools=tools).run(replace(start, event=replace(start.event, data={})))).questions[0]
    assert "neither the event nor an earlier result gives" in question.text


async def test_a_condition_on_what_is_not_looked_up_yet_is_not_called_false() -> None:
    ran = await shop(promotions=[{"running": True}]).run(angry(CALM, PERSON))
    assert "does not hold" not in ran.decisions[0].reason
    assert ran.calls("silence_promotions")
