"""Paths and templates: refused when they are written wrong, harmless whatever the values are."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.paths import MAX_FILLED, MISSING, DataPath, PathError, Template, fill, read
from tools.types import JsonValue

CONTEXT: dict[str, JsonValue] = {
    "subject": "room-7",
    "data": {
        "room": "7",
        "none": None,
        "items": [{"name": "tap"}, {"name": "pipe"}],
        "7": "by name",
        "half": 0.5,
        "whole": 3.0,
        "yes": True,
    },
    "results": {"read-room": {"floor": 2}},
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("subject", "room-7"),
        ("data.items.1.name", "pipe"),
        ("data.7", "by name"),
        ("data.none", None),
        ("results.read-room.floor", 2),
        ("data.items.2.name", MISSING),
        ("data.items.-1.name", MISSING),
        ("data.items.²", MISSING),
        ("data.items." + "9" * 300, MISSING),
        ("data.absent.more", MISSING),
        ("data.none.more", MISSING),
        ("subject.0", MISSING),
    ],
)
def test_a_path_leads_to_its_value_or_to_nothing(path: str, value: object) -> None:
    assert read(DataPath.parse(path), CONTEXT) == value
    assert read(path, CONTEXT) == value


@pytest.mark.parametrize(
    "path", ["", ".", "data.", ".data", "data..x", "data.a b", "data[0]", "a" * 501, ".".join("a" * 21)]
)
def test_a_path_written_wrong_is_refused(path: str) -> None:
    with pytest.raises(PathError):
        DataPath.parse(path)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{data.room}: {data.items.0.name}", "7: tap"),
        ("{{{data.room}}} {{x}}", "{7} {x}"),
        ("  a \n\t {data.absent}  {data.none} b ", "a b"),
        ("{data.half} {data.whole} {data.yes}", "0.5 3 true"),
        ("{data.items}", "name: tap, name: pipe"),
        ("{ subject }", "room-7"),
        ("plain", "plain"),
        ("", ""),
    ],
)
def test_a_template_is_filled_plainly(template: str, text: str) -> None:
    assert fill(Template.parse(template), CONTEXT) == text
    assert fill(template, CONTEXT) == text


@pytest.mark.parametrize("template", ["{", "}", "{data.room", "data.room}", "{}", "{data..x}", "{a{b}}", "x" * 4001])
def test_a_template_written_wrong_is_refused(template: str) -> None:
    with pytest.raises(PathError):
        Template.parse(template)


def test_a_template_knows_its_paths() -> None:
    paths = Template.parse("{data.room}{{data.no}} {subject}").paths
    assert [str(path) for path in paths] == ["data.room", "subject"]


def test_what_is_filled_in_is_bounded_and_clean() -> None:
    assert len(fill("{data.a} {data.b}", {"data": {"a": "x" * 10**6, "b": ["y" * 100] * 10_000}})) == MAX_FILLED
    assert fill("{data.a}", {"data": {"a": "a\x00\x1b[31m\ud800b"}}) == "a [31m?b"
    assert fill("{data.a}", {"data": {"a": 10**5000}}) == "(a very large number)"
    deep: Any = "x"
    for _ in range(5_000):
        deep = [deep]
    assert fill("{data.a}", {"data": {"a": deep}}) == "..."


def test_a_value_that_looks_like_a_template_stays_text() -> None:
    assert fill("{data.a}", {"data": {"a": "{subject} {{"}, "subject": "secret"}) == "{subject} {{"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None)
@given(value=VALUES, path=st.text(max_size=12), template=st.text(alphabet="{}ab. 0", max_size=12))
def test_no_value_breaks_reading_and_filling(value: Any, path: str, template: str) -> None:
    for source in (path, template):
        try:
            read(source, {"a": value})
            text = fill(source, {"a": value, "data": value})
        except PathError:
            continue
        assert text == " ".join(text.split())
        assert text.encode("utf-8").decode("utf-8") == text
    assert len(fill("{a}", {"a": value})) <= MAX_FILLED
