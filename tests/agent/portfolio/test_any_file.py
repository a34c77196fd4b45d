"""Whatever a file holds, loading gives a portfolio or its mistakes, never another exception."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.portfolio.load import Mistake, PortfolioError, load_portfolio
from agent.portfolio.schemas import find_field
from tests.agent.portfolio.files import RIGHT

WORDS = st.sampled_from(
    [
        "segue",
        "goals",
        "name",
        "schema",
        "type",
        "object",
        "$ref",
        "#",
        "#/$defs/a",
        "$defs",
        "properties",
        "data.room",
        "inspect",
        "{data.x}",
        "${X}",
        "${",
        "results.read_room.x",
        "1",
        "30d",
        "data.x > 1.0",
        "",
        "\u0000",
        "a:b",
    ]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=8) | st.dates()
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(max_size=4) | st.integers(), inner, max_size=4)
    ),
    max_leaves=12,
)
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def load_anything(folder: Path, text: str) -> None:
    """Load, and when it is refused look at every mistake as text."""
    path = folder / "p.yaml"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    mistakes: tuple[Mistake, ...] = ()
    try:
        load_portfolio([path], {"X": "x"})
    except PortfolioError as error:
        mistakes = error.mistakes
    for mistake in mistakes:
        assert mistake.problem
        assert mistake.hint
        assert str(mistake).encode("utf-8")


def places_in(value: Any, at: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for key, item in items for place in places_in(item, (*at, key)))]


@QUICK
@given(content=ANYTHING)
def test_any_structure_gives_a_portfolio_or_its_mistakes(tmp_path: Path, content: object) -> None:
    load_anything(tmp_path, yaml.safe_dump(content, allow_unicode=True))


@QUICK
@given(place=st.sampled_from(places_in(RIGHT)[1:]), content=ANYTHING)
def test_any_value_in_any_place_gives_a_portfolio_or_its_mistakes(
    tmp_path: Path, place: tuple[str | int, ...], content: object
) -> None:
    changed: Any = copy.deepcopy(RIGHT)
    at = changed
    for key in place[:-1]:
        at = at[key]
    at[place[-1]] = content
    load_anything(tmp_path, yaml.safe_dump(changed, allow_unicode=True))


@QUICK
@given(text=st.text(max_size=60) | st.text(alphabet="{}[]:-&*!|>'\"#,? \nab1<", max_size=60))
def test_any_text_gives_a_portfolio_or_its_mistakes(tmp_path: Path, text: str) -> None:
    load_anything(tmp_path, text)


@pytest.mark.parametrize("suffix", [".json", ".yaml"])
def test_a_schema_file_that_is_broken_is_a_mistake(tmp_path: Path, suffix: str) -> None:
    for text in ("{", "[" * 5000, "[]", "", '{"a": .inf, "b": Infinity}', '{"type": 5}', "\ufeff"):
        (tmp_path / f"s{suffix}").write_text(text, encoding="utf-8")
        changed = copy.deepcopy(RIGHT)
        del changed["events"]["room.leak.reported"]["schema"]
        changed["events"]["room.leak.reported"]["schema_file"] = f"s{suffix}"
        (tmp_path / "p.yaml").write_text(json.dumps(changed), encoding="utf-8")
        with pytest.raises(PortfolioError) as caught:
            load_portfolio([tmp_path / "p.yaml"], {})
        assert "schema_file" in caught.value.mistakes[0].path


@pytest.mark.parametrize(
    ("schema", "field", "known"),
    [
        ({}, "a", "open"),
        ({"properties": {"a": {}}}, "a", "known"),
        ({"properties": {"a": {}}}, "b", frozenset({"a"})),
        ({"properties": {"a": {}}, "additionalProperties": True}, "b", "open"),
        ({"properties": {"a": {}}, "additionalProperties": {"type": "string"}}, "b", "open"),
        ({"properties": {"a": {"type": "string"}}}, "a.b", frozenset()),
        ({"properties": {"a": {"type": ["string", "null"]}}}, "a.b", "open"),
        ({"properties": {"a": {"items": {"properties": {"b": {}}}}}}, "a.0.c", frozenset({"b"})),
        ({"allOf": [{"properties": {"a": {}}}, {"properties": {"b": {}}}]}, "b", "known"),
        ({"allOf": [{"properties": {"a": {}}}, {"properties": {"b": {}}}]}, "c", frozenset({"a", "b"})),
        ({"$ref": "#/$defs/x", "$defs": {"x": {"properties": {"a": {}}}}}, "b", frozenset({"a"})),
        ({"$ref": "#"}, "b", "open"),
    ],
)
def test_a_schema_knows_the_fields_it_lists(schema: dict[str, Any], field: str, known: object) -> None:
    assert find_field(schema, field.split(".")) == known
