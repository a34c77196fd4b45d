"""JSON text from outside."""

from __future__ import annotations

import contextlib
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.strict_json import JsonTextError, check_storable, read_json

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(values)
def test_what_json_writes_is_read_back(value: object) -> None:
    assert read_json(json.dumps(value).encode(), depth=40) == value
    assert read_json(json.dumps(value, ensure_ascii=False).encode(), depth=40) == value


@given(st.binary(max_size=60) | st.text('{}[]",:\\u0dD8ea1.-', max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused_by_name(body: bytes) -> None:
    with contextlib.suppress(JsonTextError):
        read_json(body, depth=10)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"a": 1, "b": 2, "a": 1}', "'a' is there twice"),
        ('{"a": NaN}', "NaN"),
        ("[-Infinity]", "Infinity"),
        ("1e999", "too large"),
        ("9223372036854775808", "64 bits"),
        ("1" * 5000, "64 bits"),
        ("[" * 41 + "]" * 41, "deeper than 40"),
        ('{"a":' * 100_000, "deeper than 40"),
        ("", "not JSON"),
        ("{} {}", "not JSON"),
    ],
)
def test_what_two_readers_could_take_differently_is_refused(text: str, says: str) -> None:
    with pytest.raises(JsonTextError, match=says):
        read_json(text.encode(), depth=40)


def test_bytes_that_are_no_utf8_are_refused() -> None:
    with pytest.raises(JsonTextError, match="UTF-8"):
        read_json(b'{"a": "\xff"}', depth=40)


def test_brackets_in_strings_are_no_depth() -> None:
    value = ['[[[[{{{{\\"[[['] * 30
    assert read_json(json.dumps(value).encode(), depth=2) == value


@pytest.mark.parametrize(
    "body", [b'"\\"' * 300_000, b'"' + b"\\" * 1_000_001, b"[]," * 300_000, b"[" * 9 + b'"[' * 300_000]
)
def test_hostile_text_of_a_megabyte_takes_no_longer_than_honest_text(body: bytes) -> None:
    before = time.process_time()
    with pytest.raises(JsonTextError):
        read_json(b"[[[[" + body, depth=4)
    assert time.process_time() - before < 2


@pytest.mark.parametrize("value", ["\x00", {"a": ["\ud800"]}, {"\udfff": 1}, [{"a\x00": 1}]])
def test_text_that_no_database_can_hold_is_refused(value: object) -> None:
    with pytest.raises(JsonTextError):
        check_storable(value)
    check_storable({"fine": ["\N{GRINNING FACE}", "é", 1, None]})
