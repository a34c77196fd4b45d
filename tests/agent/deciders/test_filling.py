"""Filling of arguments: from where, in which order, and never wrongly. Real embeddings where meaning is the claim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.deciders.filling import Filled, Filler
from agent.deciders.planner_meaning import Meanings
from agent.deciders.planner_settings import PlannerSettings
from agent.types import Call, CallResult
from tests.agent.deciders.planner_companies import INTEGER, NUMBER, TEXT, result, similarities, situation, tool
from tools.arguments import check_arguments
from tools.schema import SchemaError, SchemaResolver
from tools.types import Governance, JsonObject, JsonValue, Tool, ToolEffect


async def fill(
    parameters: Mapping[str, JsonObject],
    data: JsonObject,
    *,
    required: Sequence[str] | None = None,
    bound: Mapping[str, JsonValue] | None = None,
    results: Sequence[CallResult] = (),
    tools: Sequence[Tool] = (),
    text: str = "",
    purpose: str | None = None,
    chosen: Mapping[str, JsonValue] | None = None,
    effect: ToolEffect = "write",
) -> Filled:
    """Fill one invented tool."""
    one = tool("do_it", "Does it.", parameters, required=required, effect=effect)
    start = situation(data=data, tools=[one, *tools], bound=bound, results=results, text=text)
    filler = Filler(start, Meanings(similarities), PlannerSettings())
    filled = await filler.fill(one, purpose=purpose, chosen=chosen or {})
    assert not filled.complete or check_arguments(one, filled.arguments) == ()
    return filled


def gave(value: JsonValue, name: str = "look", decision: int = 1) -> CallResult:
    return result(Call(tool=name, arguments={}, action=name), value=value, decision=decision)


@pytest.mark.parametrize(
    ("name", "schema", "data", "value"),
    [
        ("machine", TEXT, {"machine": "m-1"}, "m-1"),
        ("machine_id", TEXT, {"machineId": "m-1"}, "m-1"),
        ("MachineID", TEXT, {"machine_id": "m-1"}, "m-1"),
        ("pallet_no", TEXT, {"pallet": {"no": "7"}}, "7"),
        ("palletNo", TEXT, {"load": {"pallet": {"no": "7"}}}, "7"),
        ("weight", NUMBER, {"load": {"weight": 12.5}}, 12.5),
        ("weight", NUMBER, {"weight": "12.5"}, 12.5),
        ("pieces", INTEGER, {"pieces": 3.0}, 3),
        ("pieces", INTEGER, {"piece": "3"}, 3),
        ("urgent", {"type": "boolean"}, {"urgent": "Yes"}, True),
        ("pallet", TEXT, {"pallet": 17}, "17"),
        ("day", {"type": "string", "format": "date"}, {"day": "2026-03-04T10:00:00Z"}, "2026-03-04"),
        ("size", {"type": "string", "enum": ["LARGE", "SMALL"]}, {"size": "large"}, "LARGE"),
        ("mode", {"type": "string", "enum": ["by_air", "by_sea"]}, {"mode": "By air"}, "by_air"),
        ("note", {"anyOf": [TEXT, {"type": "null"}]}, {"note": "x"}, "x"),
        ("parts", {"type": "array", "items": TEXT}, {"part": "b-1"}, ["b-1"]),
        ("parts", {"type": "array", "items": TEXT}, {"parts": ["b-1", "b-2"]}, ["b-1", "b-2"]),
        ("part_ids", {"type": "array", "items": TEXT}, {"lines": [{"part_id": "a"}, {"part_id": "b"}]}, ["a", "b"]),
        ("planned_width", NUMBER, {"width": 4}, 4),
        ("width", NUMBER, {"planned_width": 4}, 4),
        ("pallet_id", TEXT, {"pallet": "p-4"}, "p-4"),
        ("part_id", TEXT, {"lines": [{"part_id": "a"}]}, "a"),
        ("part_id", TEXT, {"lines": [{"part_id": "a"}, {"part_id": "a"}]}, "a"),
    ],
)
async def test_a_value_is_found_by_its_name_and_made_to_fit(
    name: str, schema: JsonObject, data: JsonObject, value: JsonValue
) -> None:
    filled = await fill({name: schema}, data)
    assert filled.complete
    assert filled.arguments == {name: value}


@pytest.mark.parametrize(
    ("name", "schema", "data"),
    [
        ("part_id", TEXT, {"lines": [{"part_id": "a"}, {"part_id": "b"}]}),
        ("machine", TEXT, {"left": {"machine": "m-1"}, "right": {"machine": "m-2"}}),
        ("weight", NUMBER, {"weight": "heavy"}),
        ("weight", {"type": "number", "maximum": 10}, {"weight": 11}),
        ("pieces", INTEGER, {"pieces": 2.5}),
        ("pieces", INTEGER, {"pieces": True}),
        ("pieces", INTEGER, {"pieces": "007"}),
        ("mail", {"type": "string", "format": "email"}, {"mail": "nobody"}),
        ("code", {"type": "string", "pattern": "^[A-Z]{3}$"}, {"code": "abc"}),
        ("min_width", NUMBER, {"width": 4}),
        ("pallet_name", TEXT, {"pallet": "p-4"}),
        ("pallet_id", TEXT, {"id": "e-1"}),
        ("pallet", TEXT, {"pallet": ""}),
        ("pallet", TEXT, {"pallet": None}),
        ("pallet", TEXT, {"story": "the pallet is p-4, take pallet p-5"}),
    ],
)
async def test_what_is_in_doubt_or_does_not_fit_is_missing(name: str, schema: JsonObject, data: JsonObject) -> None:
    filled = await fill({name: schema}, data)
    assert filled.missing == (name,)
    assert filled.arguments == {}


async def test_bound_values_come_first_and_data_cannot_move_them() -> None:
    filled = await fill({"patient": TEXT, "patientId": TEXT}, {"patient": "p-2"}, bound={"patient": "p-1"})
    assert filled.arguments["patient"] == "p-1"
    filled = await fill({"patientId": TEXT}, {"patientId": "p-2"}, bound={"patient_id": "p-1"})
    assert filled.arguments == {"patientId": "p-1"}


@pytest.mark.parametrize("name", ["patient", "patientId", "patient_ref", "admitted_patient_id"])
async def test_a_bound_value_reaches_arguments_that_are_named_otherwise(name: str) -> None:
    schema: JsonObject = {"type": "string", "description": "the patient it is about"}
    data: JsonObject = {"stay": {"patient_id": "p-9"}, "note": "x"}
    filled = await fill({name: schema}, data, bound={"patient_id": "p-1"})
    assert filled.arguments == {name: "p-1"}


async def test_a_bound_value_is_not_taken_for_something_else() -> None:
    schema: JsonObject = {"type": "string", "description": "the doctor to call"}
    assert (await fill({"doctor": schema}, {"note": "x"}, bound={"patient": "p-1"})).missing == ("doctor",)


async def test_an_object_that_carries_another_bound_value_is_not_passed_on() -> None:
    inner: JsonObject = {"type": "object", "properties": {"patient": TEXT, "ward": TEXT}, "required": ["ward"]}
    data: JsonObject = {"stay": {"patient": "p-2", "ward": "3b"}}
    filled = await fill({"stay": inner}, data, bound={"patient": "p-1"})
    assert "p-2" not in str(filled.arguments)


async def test_a_bound_value_the_event_lacks_bars_the_call() -> None:
    filled = await fill({"patient": TEXT}, {"patient": "p-2"}, bound={"patient": None})
    assert filled.barred == ("patient",)
    assert not filled.complete
    assert filled.arguments == {}


async def test_the_event_comes_before_results_and_newer_results_before_older_ones() -> None:
    older, newer = gave({"ward": "1a", "bed": "1"}), gave({"ward": "2b", "bed": "2"}, decision=2)
    filled = await fill({"ward": TEXT, "bed": TEXT}, {"ward": "9z"}, results=[older, newer])
    assert filled.arguments == {"ward": "9z", "bed": "2"}


async def test_the_element_of_a_list_that_the_event_names_is_the_one_meant() -> None:
    lines: JsonValue = [{"pallet_id": "p-1", "dock": "A"}, {"pallet_id": "p-2", "dock": "B"}]
    filled = await fill({"dock": TEXT}, {"pallet_id": "p-2"}, results=[gave({"pallets": lines})])
    assert filled.arguments == {"dock": "B"}


async def test_a_results_bare_id_belongs_to_what_its_tool_is_about() -> None:
    filled = await fill({"booking_id": TEXT}, {}, results=[gave({"id": "bk-1"}, name="create_booking")])
    assert filled.arguments == {"booking_id": "bk-1"}


async def test_optional_arguments_are_filled_by_name_only() -> None:
    parameters: dict[str, JsonObject] = {"reason": TEXT, "planned_width": NUMBER, "hours": INTEGER, "mail": TEXT}
    filled = await fill(parameters, {"width": 4, "hours": 3}, required=[], text="because", purpose="do it")
    assert filled.arguments == {"hours": 3}


async def test_an_optional_value_that_does_not_fit_is_left_out() -> None:
    filled = await fill({"a": TEXT, "hours": {"type": "integer", "maximum": 5}}, {"a": "x", "hours": 9}, required=["a"])
    assert filled.arguments == {"a": "x"}


async def test_explanations_are_made_of_the_purpose_and_the_situation() -> None:
    filled = await fill(
        {"reason": TEXT, "summary": {"type": "string", "maxLength": 10}},
        {},
        purpose="calm down",
        text="a long story here",
    )
    assert filled.arguments == {"reason": "calm down", "summary": "a long sto"}


async def test_a_field_is_found_by_what_the_argument_is_described_as() -> None:
    schema: JsonObject = {"type": "number", "description": "delay of the delivery in hours"}
    filled = await fill({"hours_late": schema}, {"delay_hours": 7, "distance_km": 120, "carrier": "x"})
    assert filled.arguments == {"hours_late": 7}
    client: JsonObject = {"type": "string", "description": "identifier of the customer"}
    filled = await fill({"client_ref": client}, {"customer_id": "c-1", "topic": "billing", "channel": "web"})
    assert filled.arguments == {"client_ref": "c-1"}


@pytest.mark.parametrize(
    ("name", "description", "data"),
    [
        ("order_id", "the order to refund", {"complaint_id": "k-1", "topic": "billing"}),
        ("case_id", "the case it belongs to", {"conversation_id": "c-1", "customer_id": "x"}),
        ("supplier_code", "code of the supplier", {"part_number": "b-1", "machine_id": "m"}),
        ("bed", "bed to assign", {"ward": "3b", "patient": "p-1"}),
        ("phone", "number to call", {"email": "a@b.example", "name": "Kim"}),
    ],
)
async def test_another_things_identifier_is_never_taken(name: str, description: str, data: JsonObject) -> None:
    filled = await fill({name: {"type": "string", "description": description}}, data)
    assert filled.missing == (name,)


async def test_required_choices_come_from_a_field_then_the_default_then_clear_meaning() -> None:
    urgency: JsonObject = {"type": "string", "enum": ["low", "high"]}
    assert (await fill({"priority": urgency}, {"urgency": "HIGH"})).arguments == {"priority": "high"}
    default: JsonObject = {**urgency, "default": "low"}
    assert (await fill({"priority": default}, {})).arguments == {"priority": "low"}
    ward: JsonObject = {"type": "string", "enum": ["cardiology", "orthopaedics"]}
    filled = await fill({"ward": ward}, {}, text="patient with a heart attack and chest pain")
    assert filled.arguments == {"ward": "cardiology"}
    assert (await fill({"ward": ward}, {}, text="the weather is fine")).missing == ("ward",)


async def test_objects_and_lists_of_objects_are_put_together_from_their_parts() -> None:
    item: JsonObject = {
        "type": "object",
        "properties": {"part_no": TEXT, "pieces": INTEGER},
        "required": ["part_no", "pieces"],
        "additionalProperties": False,
    }
    filled = await fill({"item": item}, {"part_no": "b-1", "pieces": 2})
    assert filled.arguments == {"item": {"part_no": "b-1", "pieces": 2}}
    filled = await fill({"items": {"type": "array", "items": item}}, {"part_no": "b-1", "pieces": 2})
    assert filled.arguments == {"items": [{"part_no": "b-1", "pieces": 2}]}
    data: JsonObject = {"items": [{"partNo": "b-1", "pieces": "2", "shelf": 3}, {"partNo": "c-1", "pieces": 1}]}
    filled = await fill({"items": {"type": "array", "items": item}}, data)
    assert filled.arguments == {"items": [{"part_no": "b-1", "pieces": 2}, {"part_no": "c-1", "pieces": 1}]}


async def test_what_only_an_empty_list_could_give_is_named_as_such() -> None:
    filled = await fill({"part_no": TEXT}, {}, results=[gave({"part_nos": []})])
    assert filled.emptied == ("part_no",)
    giver = tool(
        "look",
        "Looks.",
        {},
        effect="read",
        returns={"lacking": {"type": "array", "items": {"type": "object", "properties": {"part_no": TEXT}}}},
    )
    filled = await fill({"part_no": TEXT}, {}, results=[gave({"lacking": []})], tools=[giver])
    assert filled.emptied == ("part_no",)
    filled = await fill({"doctor": TEXT}, {}, results=[gave({"lacking": []})], tools=[giver])
    assert filled.missing == ("doctor",)
    assert filled.emptied == ()


NAMES = st.sampled_from(["id", "part", "partId", "parts", "reason", "a_b", "größe", "", "x.y", "date", "order"])
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=12),
    st.sampled_from(["2026-01-01", "yes", "12.5", "a@b.example", "low", "\ud800", "9" * 400]),
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=12
)
DATA = st.dictionaries(NAMES, VALUES, max_size=6)


def _schemas(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    objects = st.builds(
        lambda declared, needed, closed: {
            "type": "object",
            "properties": declared,
            "required": needed,
            **({"additionalProperties": False} if closed else {}),
        },
        st.dictionaries(NAMES, inner, max_size=4),
        st.lists(NAMES, max_size=3),
        st.booleans(),
    )
    arrays = st.builds(
        lambda items, least: {"type": "array", "items": items, "minItems": least}, inner, st.integers(0, 3)
    )
    several = st.builds(lambda branches: {"anyOf": branches}, st.lists(inner, min_size=1, max_size=3))
    return objects | arrays | several


LEAVES: st.SearchStrategy[Any] = st.one_of(
    st.just({}),
    st.sampled_from(["string", "integer", "number", "boolean", "null", "array", "object"]).map(
        lambda kind: {"type": kind}
    ),
    st.lists(st.sampled_from(["string", "integer", "null"]), min_size=1, max_size=3, unique=True).map(
        lambda kind: {"type": kind}
    ),
    st.lists(SCALARS, min_size=1, max_size=3).map(lambda listed: {"enum": listed}),
    SCALARS.map(lambda value: {"const": value}),
    st.builds(lambda form: {"type": "string", "format": form}, st.sampled_from(["date", "date-time", "email", "uuid"])),
    st.builds(lambda low, high: {"type": "number", "minimum": low, "maximum": high}, st.integers(), st.integers()),
    st.builds(lambda low: {"type": "string", "minLength": low, "maxLength": 5}, st.integers(0, 9)),
    st.builds(lambda value: {"type": "string", "default": value}, SCALARS),
    st.just({"type": "string", "pattern": "^[a-z]+$"}),
)
SCHEMAS: st.SearchStrategy[Any] = st.recursive(LEAVES, _schemas, max_leaves=8)


async def _flat(text: str, things: Mapping[str, str]) -> Mapping[str, float]:
    """Cosines of no meaning: the claim is about any."""
    return {name: (len(thing) % 7) / 7 for name, thing in things.items()}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    parameters=st.dictionaries(NAMES, SCHEMAS, max_size=5),
    needed=st.lists(NAMES, max_size=4),
    data=DATA,
    value=VALUES,
    bound=st.dictionaries(NAMES, SCALARS, max_size=2),
    chosen=st.dictionaries(NAMES, SCALARS, max_size=2),
)
async def test_filling_never_raises_and_what_it_calls_complete_passes_the_check(
    parameters: Any, needed: Any, data: Any, value: Any, bound: Any, chosen: Any
) -> None:
    try:
        schema = SchemaResolver({}).resolve({"type": "object", "properties": parameters, "required": needed})
    except SchemaError:
        return
    one = Tool(
        name="do_it", description="Does it.", parameters=schema, returns=None, source="s", governance=Governance()
    )
    start = situation(data=data, tools=[one], bound=bound, results=[gave(value)], text="a story")
    filler = Filler(start, Meanings(_flat), PlannerSettings())
    filled = await filler.fill(one, purpose="do it", chosen=chosen)
    if filled.complete:
        assert check_arguments(one, filled.arguments) == ()
    for name, tied in bound.items():
        if name in filled.arguments:
            assert filled.arguments[name] == tied
