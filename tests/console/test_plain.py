"""What values of events, arguments and results are in words."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.console.plain import prose, said

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "-"),
        (True, "yes"),
        (60.0, "60.0"),
        ("two\nlines", "two lines"),
        ({}, "none"),
        ([], "none"),
        (["welcome", "offer"], "welcome, offer"),
        ({"days": 3, "mails": ["welcome", "offer"], "note": None}, "days: 3; mails: welcome, offer; note: -"),
        ({"orders": [{"id": "R-1", "paid": False}, {"id": "R-2"}]}, "orders: (id: R-1; paid: no), (id: R-2)"),
        ([[1, 2], [3]], "(1, 2), (3)"),
        ({"rows": [[1, 2], [3]]}, "rows: (1, 2), (3)"),
        ([[[[[[1]]]]]], "((((…))))"),
        ({"a": [{"a": [{"a": [{"a": 1}]}]}]}, "a: (a: (a: …))"),
        ({"a": {"b": {"c": {"d": {"e": {"f": 1}}}}}}, "a: (b: (c: (d: (e: …))))"),
    ],
)
def test_a_value_is_read_as_words(value: object, words: str) -> None:
    assert said(value) == words


def test_of_many_parts_the_first_are_told_and_the_rest_counted() -> None:
    assert said(list(range(1_000)), 4_000).endswith("48, 49, and 950 more")
    assert said({f"field-{number}": number for number in range(60)}, 4_000).endswith("field-49: 49; and 10 more")


@given(value=JSON, most=st.integers(min_value=1, max_value=400))
def test_any_value_is_one_line_of_bounded_length_and_no_json(value: object, most: int) -> None:
    words = said(value, most)
    assert len(words) <= most
    assert len(words.splitlines()) <= 1
    if isinstance(value, dict | list):
        assert words != json.dumps(value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Refund money\n\nPays back at most the price. ", "Refund money. Pays back at most the price."),
        ("Look it up!\nNow", "Look it up! Now."),
        ("  \n ", ""),
    ],
)
def test_a_title_and_what_follows_it_are_sentences(text: str, words: str) -> None:
    assert prose(text, 100) == words
    assert len(prose(text, 5)) <= 5
