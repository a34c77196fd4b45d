"""Arguments are checked before anything is sent, and what is wrong is said so that it can be mended."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.arguments import MAX_MESSAGE, MAX_MESSAGES, check_arguments, fill_defaults
from tools.types import Governance, Tool

CASE = Tool(
    name="open_case",
    description="",
    parameters={
        "type": "object",
        "properties": {
            "customer_id": {"type": "string", "description": "Whom it is about"},
            "team": {"type": "string", "enum": ["harbour", "meadow"], "default": "harbour"},
            "priority": {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}], "default": None},
            "due": {"type": "string", "format": "date-time"},
            "tags": {"type": "array", "items": {"type": "string", "maxLength": 3}, "uniqueItems": True},
            "postcode": {"type": "string", "pattern": "^[0-9]{4}$"},
        },
        "required": ["customer_id"],
        "additionalProperties": False,
    },
    returns=None,
    source="s",
    governance=Governance(),
)


@pytest.mark.parametrize(
    ("arguments", "messages"),
    [
        ({"customer_id": "c"}, ()),
        ({"customer_id": "c", "priority": None, "due": "2026-11-23T10:00:00Z", "tags": ["a", "b"]}, ()),
        ({}, ("arguments.customer_id is missing. Right: string (Whom it is about).",)),
        (
            {"customer_id": 7},
            ("arguments.customer_id: 7 is a number. Right: string (Whom it is about).",),
        ),
        (
            {"customer_id": "c", "team": "ocean"},
            ('arguments.team: "ocean" is not one of the values. Right: one of "harbour", "meadow".',),
        ),
        (
            {"customer_id": "c", "teem": "harbour"},
            ("arguments.teem is not known. Right: did you mean 'team'?.",),
        ),
        (
            {"customer_id": "c", "priority": 0},
            ("arguments.priority: 0 breaks minimum 1. Right: integer, minimum 1.",),
        ),
        (
            {"customer_id": "c", "due": "tomorrow"},
            ('arguments.due: "tomorrow" is no date-time. Right: string, format date-time.',),
        ),
        (
            {"customer_id": "c", "tags": ["a", "long"]},
            ('arguments.tags[1]: "long" breaks maxLength 3. Right: string, maxLength 3.',),
        ),
        (
            {"customer_id": "c", "tags": ["a", "a"]},
            ("arguments.tags: the list has the same value twice. Right: array.",),
        ),
        (
            {"customer_id": "c", "postcode": "12a4"},
            ('arguments.postcode: "12a4" breaks pattern ^[0-9]{4}$. Right: string, pattern ^[0-9]{4}$.',),
        ),
        ([], ("arguments: an array was given. Right: an object with the tool's arguments.",)),
    ],
)
def test_each_mistake_is_named_with_what_would_be_right(arguments: object, messages: tuple[str, ...]) -> None:
    assert check_arguments(CASE, arguments) == messages


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), {1, 2}, b"bytes", "\ud800", 10**400, object(), {1: 2}, "x" * 70_000]
)
def test_what_is_no_json_or_too_large_is_described(value: object) -> None:
    (message,) = check_arguments(CASE, {"customer_id": value})
    assert message.startswith("arguments: ")


def test_endless_nesting_is_described() -> None:
    loop: list[object] = []
    loop.append(loop)
    (message,) = check_arguments(CASE, {"customer_id": loop})
    assert "nested too deeply" in message


def test_messages_are_bounded_in_number_and_length() -> None:
    messages = check_arguments(CASE, {f"{'x' * 500}{n}": n for n in range(100)})
    assert len(messages) == MAX_MESSAGES
    assert max(map(len, messages)) <= MAX_MESSAGE


anything: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(sorted(CASE.parameters)), inner),
)


@settings(max_examples=60, deadline=None)
@given(arguments=st.dictionaries(st.sampled_from(["customer_id", "team", "priority", "due", "tags", "x"]), anything))
def test_whatever_a_model_writes_is_right_or_described(arguments: dict[str, Any]) -> None:
    messages = check_arguments(CASE, arguments)
    assert len(messages) <= MAX_MESSAGES
    if "customer_id" not in arguments:
        assert messages


def test_declared_defaults_fill_what_is_absent_only() -> None:
    assert fill_defaults(CASE, {"customer_id": "c"}) == {"customer_id": "c", "team": "harbour"}
    assert fill_defaults(CASE, {"team": "meadow"}) == {"team": "meadow"}
