"""CEL expressions: checked when loaded, bounded when evaluated, honest about what is missing."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.expressions import Expression, ExpressionError, MissingField
from tools.types import JsonValue

VARIABLES = frozenset({"data", "subject", "results"})
CONTEXT: dict[str, JsonValue] = {
    "subject": "room-7",
    "data": {
        "whole": 80,
        "part": 80.5,
        "yes": True,
        "name": "Ada",
        "none": None,
        "at": "2026-01-02T03:04:05Z",
        "items": [{"n": 1}, {"n": 2}],
    },
}


def value_of(source: str, context: dict[str, Any] | None = None) -> JsonValue:
    return Expression.parse(source, VARIABLES).evaluate(CONTEXT if context is None else context)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("data.whole / 100.0", 0.8),
        ("data.part / 100.0", 0.805),
        ("data.whole > 79 && data.part >= 80", True),
        ("data.none == null", True),
        ("has(data.absent)", False),
        ("has(data.name) ? data.name : 'x'", "Ada"),
        ("data.absent == 1 || data.yes", True),
        ("data.items.exists(item, item.n == 2)", True),
        ("data.items.filter(item, item.n > 1).map(item, item.n)", [2.0]),
        ("size(data.items) + 1", 3),
        ("data.items[0].n", 1),
        ("timestamp(data.at) > timestamp('2025-12-31T00:00:00Z')", True),
        ("timestamp(data.at)", "2026-01-02T03:04:05+00:00"),
        ("duration('90m')", 5400.0),
        ("data['name'].startsWith('A') // a comment", True),
        ("data.name.matches('^[A-Z][a-z]+$')", True),
        ("type(data.whole) == double", True),
        ("{'a': data.yes}", {"a": True}),
        ("subject", "room-7"),
    ],
)
def test_an_expression_has_the_value_the_documents_say(source: str, value: JsonValue) -> None:
    assert value_of(source) == value


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("", "not CEL"),
        ("data.", "not CEL: 1:"),
        ("a" * 2001, "more than 2000"),
        ("datta.name", "there is no variable 'datta'. Variables here: data, results, subject"),
        ("data.items.map(x, y)", "there is no variable 'y'"),
        ("data.items.all(x, x.n > 0) && x", "there is no variable 'x'"),
        ("data.items.map(data, data)", "'data' is a variable already"),
        ("lower(data.name)", "there is no function lower()"),
        ("data.name.lowerAscii() == 'a'", "there is no function lowerAscii()"),
        ("math.greatest(1, 2)", "there is no function greatest()"),
        ("data.items.all(x)", "there is no function all()"),
        ("data.whole / 100", "write 100.0, not 100"),
        ("100 - data.whole", "write 100.0, not 100"),
        ("data.name.matches(data.name)", "in quotes"),
        ("data.name.matches('a' + 'b' + data.name)", "in quotes"),
        ("data.name.matches('a' + 'b')", "in quotes"),
        ("data.name.matches('(')", "no regular expression"),
        ("data.name.matches('" + "a" * 400 + "')", "more than 300"),
        ("[1]" + ".map(x, x)" * 9, "more than 8"),
        ("'\ud800'", "not CEL"),
        ("(" * 500 + "1" + ")" * 500, "not CEL"),
    ],
)
def test_a_wrong_expression_is_refused_when_it_is_parsed(source: str, problem: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        Expression.parse(source, VARIABLES)
    assert problem in str(caught.value)
    assert caught.value.source == source


@pytest.mark.parametrize(
    "source",
    ["data.absent", "data.absent.more", "data['absent']", "data.items[7]", "has(data.absent.more)", "results.a"],
)
def test_what_is_absent_is_a_missing_field(source: str) -> None:
    with pytest.raises(MissingField):
        value_of(source)


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("data.none.more", "types do not fit"),
        ("data.name + 1.0", "types do not fit"),
        ("data.name < 1", "types do not fit"),
        ("!data.whole", "types do not fit"),
        ("1 / 0", "division by zero"),
        ("1.0 / 0.0", "is no number"),
        ("size(data.yes)", "size cannot be used with these arguments"),
        ("timestamp(data.name)", "timestamp"),
        ("9223372036854775807 + 1", "overflow"),
        ("b'abc'", "bytes"),
        ("{1: 2}", "dict"),
    ],
)
def test_what_cannot_be_evaluated_says_why(source: str, problem: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        value_of(source)
    assert not isinstance(caught.value, MissingField)
    assert problem in caught.value.problem


def test_a_condition_is_true_or_false_and_nothing_else() -> None:
    assert Expression.parse("data.yes", VARIABLES).truth(CONTEXT) is True
    with pytest.raises(ExpressionError, match="true or false"):
        Expression.parse("data.whole", VARIABLES).truth(CONTEXT)


@pytest.mark.parametrize(("source", "reward"), [("1", 1.0), ("0.25", 0.25), ("data.yes", 1.0), ("!data.yes", 0.0)])
def test_a_grade_is_a_number_from_0_to_1(source: str, reward: float) -> None:
    assert Expression.parse(source, VARIABLES).reward(CONTEXT) == reward


@pytest.mark.parametrize("source", ["1.01", "-1", "'1'", "null", "data.whole", "0.0 / 0.0"])
def test_anything_else_is_no_grade(source: str) -> None:
    with pytest.raises(ExpressionError):
        Expression.parse(source, VARIABLES).reward(CONTEXT)


def test_the_fields_an_expression_reads_are_known() -> None:
    source = "data.a.b > 1.0 && has(results['read-room'].x) && data.list.exists(d, d.y) && subject.contains(\"data.q\")"
    assert Expression.parse(source, VARIABLES).paths == {
        ("data", "a", "b"),
        ("results", "read-room", "x"),
        ("data", "list"),
        ("subject",),
    }


DEEP: Any = "x"
for _ in range(100_000):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    "data",
    [{"l": DEEP}, {"l": 10**400}, {"l": ["x"] * 60_000}, {"l": "x" * 3_000_000}, {"l": {"a": {1, 2}}}],
    ids=["deep", "huge number", "long", "long text", "not JSON"],
)
def test_values_that_would_break_the_library_are_refused(data: Any) -> None:
    with pytest.raises(ExpressionError):
        value_of("size(data.l) > 0", {"data": data})


def test_broken_unicode_and_endless_numbers_are_values_like_others() -> None:
    assert value_of("data.a == 'b'", {"data": {"a": "\ud800"}}) is False
    with pytest.raises(ExpressionError):
        value_of("data.a > 1.0", {"data": {"a": float("nan")}})


@pytest.mark.parametrize(
    ("source", "size"),
    [
        ("data.l.all(a, data.l.all(b, data.l.all(c, true)))", 300),
        ("data.l.map(x, x)", 20_000),
        ("data.l.filter(x, data.l.exists(y, y == x)).size() > 0", 2_000),
        ("['aaaaaaaa']" + ".map(x, x + x + x + x + x + x + x + x)" * 8, 1),
        ("[1]" + ".map(x, [x, x, x, x, x, x, x, x, x, x])" * 8, 1),
        ("data.l.map(x, data).map(y, data.l.map(z, y)).map(z, data.l.map(w, z)).size()", 60),
        ("data.s.matches('((a{50}){50}){3}b')", 1),
        ("data.l.exists(x, data.s.matches('(a{100}){30}b'))", 500),
    ],
)
def test_work_that_would_take_long_is_refused_at_once(source: str, size: int) -> None:
    context = {"data": {"l": list(range(size)), "s": "a" * 100_000}}
    started = time.perf_counter()
    with pytest.raises(ExpressionError, match="take too long"):
        value_of(source, context)
    assert time.perf_counter() - started < 1.0


PIECES = [*".[]()10+-*/%!?:,{}", "data", "data.a", "a", "x", "map", "size", "has", "in", "null", "true", "1.5", "'x'"]
PIECES += [
    "&&",
    "||",
    "==",
    "matches",
    ".exists(x,",
    ".map(x,",
    ".matches(",
    "int(",
    "duration(",
    "timestamp(",
    "r'\\'",
]


@settings(max_examples=150, deadline=None)
@given(
    source=st.text(max_size=30)
    | st.lists(
        st.sampled_from(PIECES),
        max_size=12,
    ).map("".join),
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
        max_leaves=6,
    ),
)
def test_no_text_and_no_value_raises_anything_else(source: str, value: Any) -> None:
    with contextlib.suppress(ExpressionError):
        Expression.parse(source, VARIABLES).evaluate({"data": {"a": value}, "subject": "s", "results": {}})
