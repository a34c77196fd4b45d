"""Forms made from a tool's schema: what is not touched stays, what is typed is read strictly, any schema will do."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.console.schema_form import ABSENT, MOST_CHOICES, MOST_FIELDS, WHOLE, Field, by_field, filled, form_of
from tools.arguments import check_parameters

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "customer": {"type": "string"},
        "amount": {"type": "number", "minimum": 0, "description": "in euros"},
        "days": {"type": "integer", "default": 7},
        "note": {"type": "string", "maxLength": 50},
        "urgent": {"type": "boolean"},
        "channel": {"enum": ["mail", "phone"]},
        "until": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
        "address": {"type": "object", "properties": {"street": {"type": "string"}}},
        "tags": {"type": "array", "items": {"type": "string"}},
        "anything": {},
    },
    "required": ["customer", "amount", "address"],
    "additionalProperties": False,
}
FULL: dict[str, Any] = {
    "customer": "c-1",
    "amount": 12.0,
    "days": 3,
    "note": "two\nlines ",
    "urgent": False,
    "channel": "mail",
    "until": None,
    "address": {"street": "Elm \u202e1", "deep": [1, None, {"x": True}]},
    "tags": [],
    "anything": 1e22,
}

SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=200)
VALUES = st.recursive(
    SCALARS | TEXTS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=8
)
SCHEMAS = st.recursive(
    SCALARS | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "enum", "const", "anyOf", "oneOf", "properties", "required", "default", "minimum"])
            | st.sampled_from(["description", "format", "maxLength", "items", "$ref", "additionalProperties", "allOf"]),
            inner | st.sampled_from(["string", "integer", "number", "boolean", "object", "array", "null"]),
            max_size=5,
        )
    ),
    max_leaves=20,
)


def one(name: str, arguments: dict[str, Any] = FULL, bound: tuple[str, ...] = ()) -> Field:
    """The field of that name."""
    return next(found for found in form_of(SCHEMA, arguments, bound).fields if found.name == name)


def typed(arguments: Any = FULL, **texts: str) -> dict[str, Any]:
    """The arguments after these fields were typed in."""
    found = filled(form_of(SCHEMA, arguments, ()), texts)
    assert found.mistakes == {}
    return dict(found.arguments)


def mistake(name: str, text: str) -> str:
    """What is said of it."""
    return " ".join(filled(form_of(SCHEMA, FULL, ()), {name: text}).mistakes[name])


def test_every_kind_of_argument_gets_a_field_that_suits_it() -> None:
    kinds = {found.name: found.kind for found in form_of(SCHEMA, FULL, ()).fields}
    assert kinds == {
        "customer": "text",
        "amount": "number",
        "days": "integer",
        "note": "lines",
        "urgent": "choice",
        "channel": "choice",
        "until": "text",
        "address": "json",
        "tags": "json",
        "anything": "json",
    }
    assert one("amount").hint == "in euros Right: at least 0."
    assert one("days").hint == "Left out, it is 7."
    assert [choice.label for choice in one("urgent").choices] == ["left out", "yes", "no"]


def test_what_is_not_touched_stays_exactly_as_it_was() -> None:
    untouched = typed()
    assert untouched == FULL
    assert [type(value) for value in untouched.values()] == [type(value) for value in FULL.values()]
    assert typed({}) == {}
    assert typed({"note": "", "until": None}) == {"note": "", "until": None}


def test_what_is_sent_back_as_it_was_shown_changes_nothing() -> None:
    form = form_of(SCHEMA, FULL, ())
    assert filled(form, {found.name: found.typed.replace("\n", "\r\n") for found in form.fields}).arguments == FULL


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("customer", "c-2", "c-2"),
        ("amount", "4", 4),
        ("amount", " 4.50 ", 4.5),
        ("amount", "-1e3", -1000.0),
        ("days", "14", 14),
        ("days", "2.0", 2),
        ("days", "1e2", 100),
        ("note", "one\r\ntwo", "one\ntwo"),
        ("note", " ", " "),
        ("urgent", "0", True),
        ("urgent", "1", False),
        ("channel", "1", "phone"),
        ("until", "2026-12-01", "2026-12-01"),
        ("address", '{"street": "Oak"}', {"street": "Oak"}),
        ("tags", '["a", "b"]', ["a", "b"]),
        ("anything", "null", None),
        ("anything", '"text"', "text"),
    ],
)
def test_what_is_typed_is_read_as_what_the_schema_asks_for(name: str, text: str, value: object) -> None:
    read = typed(**{name: text})
    assert read == {**FULL, name: value}
    assert type(read[name]) is type(value)


@pytest.mark.parametrize("name", ["days", "note", "urgent", "channel", "tags", "anything"])
def test_an_argument_that_may_be_left_out_is_left_out_when_emptied(name: str) -> None:
    assert typed(**{name: ""}) == {key: value for key, value in FULL.items() if key != name}


def test_a_needed_argument_that_is_emptied_is_told_to_be_missing_or_empty() -> None:
    assert typed(customer="")["customer"] == ""
    emptied = typed(amount="", address=" ")
    form = form_of(SCHEMA, FULL, ())
    assert by_field(form, check_parameters(SCHEMA, emptied)) == {
        "amount": ("It is missing. Right: number, minimum 0 (in euros).",),
        "address": ("It is missing. Right: object.",),
    }


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("amount", "lots", "lots is no number. Right: a number such as 12.5, with a point."),
        ("amount", "12,50", "with a point"),
        ("amount", "1e999", "too large"),
        ("amount", "NaN", "no number"),
        ("amount", "0x10", "no number"),
        ("amount", "9" * 5_000, "no number"),
        ("days", "12345678901234567890", "too large"),
        ("channel", "7", "not in the list"),
        ("address", "{", "not JSON"),
        ("address", '{"a": 1, "a": 2}', "twice"),
        ("address", "[" * 5_000, "nested deeper than 20 levels"),
        ("address", '"' + "x" * 70_000 + '"', "bytes of JSON. Right: at most 65536."),
        ("anything", "Infinity", "no JSON number"),
        ("customer", "a\x00b", "NUL"),
        ("customer", "a\ud800b", "surrogate"),
    ],
)
def test_what_cannot_be_read_is_told_at_its_field(name: str, text: str, says: str) -> None:
    assert says in mistake(name, text)


def test_what_the_schema_forbids_is_told_at_its_field() -> None:
    form = form_of(SCHEMA, FULL, ())
    wrong = {**FULL, "amount": -1, "channel": "fax", "until": "soon", "address": {"street": 5}, "extra": 1}
    found = by_field(form_of(SCHEMA, wrong, ()), check_parameters(SCHEMA, wrong))
    assert set(found) == {"amount", "channel", "until", "address", "extra"}
    assert found["amount"] == ("-1 breaks minimum 0. Right: number, minimum 0 (in euros).",)
    assert found["address"] == (".street: 5 is a number. Right: string.",)
    assert by_field(form, ["arguments: 70000 bytes of JSON."]) == {WHOLE: ("arguments: 70000 bytes of JSON.",)}


def test_bound_arguments_are_no_fields_and_come_back_as_they_were() -> None:
    form = form_of(SCHEMA, FULL, {"customer"})
    assert "customer" not in [found.name for found in form.fields]
    assert form.kept == {"customer": "c-1"}
    assert filled(form, {"customer": "c-2", "amount": "1"}).arguments == {**FULL, "amount": 1}


def test_a_bound_argument_cannot_be_given_through_the_whole_as_json() -> None:
    form = form_of({"type": "object"}, {"customer": "c-1", "amount": 2}, {"customer"})
    (whole,) = form.fields
    assert (whole.name, whole.kind) == (WHOLE, "json")
    assert filled(form, {WHOLE: '{"amount": 3}'}).arguments == {"amount": 3, "customer": "c-1"}
    assert "bound" in str(filled(form, {WHOLE: '{"customer": "c-2"}'}).mistakes[WHOLE])
    assert "no JSON object" in str(filled(form, {WHOLE: "[1]"}).mistakes[WHOLE])
    assert filled(form, {WHOLE: ""}).arguments == {"customer": "c-1"}


def test_text_that_does_not_read_as_what_it_is_is_edited_as_escaped_json() -> None:
    field = one("note", {"note": "pay \u202e001 now"})
    assert (field.kind, field.typed) == ("json", '"pay \\u202e001 now"')
    assert typed({"note": "pay \u202e001 now"}, note='"pay 100"') == {"note": "pay 100"}


def test_a_value_that_is_not_in_the_list_stays_until_another_is_chosen() -> None:
    field = one("channel", {"channel": "fax"})
    assert field.typed == "given"
    assert [choice.label for choice in field.choices] == ["left out", "mail", "phone", "fax (not in the list)"]
    assert typed({"channel": "fax"}) == {"channel": "fax"}
    assert typed({"channel": "fax"}, channel="0") == {"channel": "mail"}
    assert one("urgent", {"urgent": 1}).choices[-1].label == "1 (not in the list)"


def test_an_argument_beyond_the_schema_is_shown_too() -> None:
    assert one("extra", {"extra": {"a": 1}}).kind == "json"
    assert one("extra", {"extra": {"a": 1}}).given == {"a": 1}


def deep(levels: int) -> dict[str, Any]:
    """A schema in a schema in a schema."""
    made: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        made = {"type": "object", "properties": {"next": made}, "anyOf": [made]}
    return made


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"enum": [f"v{index}" for index in range(100_000)]}, "json"),
        ({"type": "string", "enum": [f"v{index}" for index in range(MOST_CHOICES + 1)]}, "text"),
        ({"enum": ["x" * 100_000]}, "json"),
        ({"enum": []}, "json"),
        ({"enum": [{"a": 1}, 2]}, "json"),
        ({"$ref": "#/properties/strange"}, "json"),
        ({"type": ["string", "integer"]}, "json"),
        ({"type": ["null", "integer"]}, "integer"),
        ({"type": {"a": 1}}, "json"),
        ({"type": "gibberish"}, "json"),
        ({"anyOf": "x"}, "json"),
        ({"anyOf": [1, None]}, "json"),
        ({"const": 5}, "choice"),
        (deep(900), "json"),
        (True, "json"),
        ("nonsense", "json"),
        ({"type": "string", "description": "d" * 1_000_000, "default": ["x"], "minLength": "y"}, "text"),
    ],
)
def test_a_hostile_schema_still_gives_a_form(schema: Any, kind: str) -> None:
    parameters: Any = {"type": "object", "properties": {"strange": schema}}
    (field,) = form_of(parameters, {}, ()).fields
    assert field.kind == kind
    assert len(field.hint) < 1_000
    assert filled(form_of(parameters, {}, ()), {}).arguments == {}
    assert filled(form_of(parameters, {"strange": ["kept"]}, ()), {}).arguments == {"strange": ["kept"]}


def test_very_many_arguments_are_asked_for_as_one_object() -> None:
    parameters: Any = {
        "type": "object",
        "properties": {f"a{index}": {"type": "string"} for index in range(MOST_FIELDS + 1)},
    }
    (field,) = form_of(parameters, {"a1": "x"}, ()).fields
    assert (field.name, field.label, field.typed) == (WHOLE, "Arguments", '{\n  "a1": "x"\n}')
    nameless: Any = {"type": "object", "properties": {"": {"type": "string"}}}
    assert [found.kind for found in form_of(nameless, {"": "x"}, ()).fields] == ["json"]


@given(schema=SCHEMAS, arguments=st.dictionaries(TEXTS, VALUES, max_size=4))
def test_no_schema_and_no_arguments_break_the_form_or_change_unseen(schema: Any, arguments: dict[str, Any]) -> None:
    properties = dict.fromkeys(list(arguments)[:2], schema)
    both: list[Any] = [{"type": "object", "properties": properties}, schema if isinstance(schema, dict) else {}]
    for parameters in both:
        form = form_of(parameters, arguments, ())
        untouched = filled(form, {})
        assert untouched.arguments == arguments
        again = filled(form, {found.name: found.typed for found in form.fields})
        assert (again.arguments, again.mistakes) == (arguments, {})
        assert all(found.given is ABSENT or found.name in {*arguments, WHOLE} for found in form.fields)
