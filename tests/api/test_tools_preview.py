"""`segue tools preview`, against a real service."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from agent.portfolio.load import load_portfolio
from api.arguments import kind_of, rows_of
from api.cli import build_cli
from tests.tools.conftest import running_service, service
from tests.tools.service import Service

__all__ = ["running_service", "service"]


def preview(*words: str, **environment: str) -> Result:
    """Run the command in this process."""
    environment = {"SEGUE_PORTFOLIO": "", **environment}
    return CliRunner().invoke(build_cli(), ["tools", "preview", *words], env=environment)


def test_what_a_service_offers_is_shown_and_nothing_of_it_is_called(service: Service) -> None:
    shown = preview(f"{service.url}/openapi.json")
    assert shown.exit_code == 0, shown.output
    (line,) = [one for one in shown.stdout.splitlines() if one.startswith("POST /desk/cases")]
    assert line.split()[2:8] == ["open_case", "write", "customer_id,", "question,", "[team],", "[priority]"]
    assert service.seen == []


def test_its_json_names_every_operation_with_its_schema(service: Service) -> None:
    told = json.loads(preview(f"{service.url}/openapi.json", "--json").stdout)
    case = next(one for one in told["items"] if one["operation"] == "POST /desk/cases")
    assert (case["tool"], case["effect"], case["risk"], case["problem"]) == ("open_case", "write", "medium", None)
    assert case["parameters"]["required"] == ["customer_id", "question"]


def test_its_yaml_is_a_portfolio_that_loads(service: Service, tmp_path: Path) -> None:
    file = tmp_path / "new.yaml"
    file.write_text(preview(f"{service.url}/openapi.json", "--yaml", "--name", "office").stdout)
    (source,) = load_portfolio([file], {}).sources
    assert source.name == "office"
    used = preview(f"{service.url}/openapi.json", "--portfolio", str(file))
    assert "the name is in use by a tool; " in used.stdout
    refused = preview(f"{service.url}/openapi.json", "--portfolio", str(file), "--yaml")
    assert refused.exit_code == 1
    assert "is also in" in refused.stderr


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("file:///etc/passwd",), 1, "must be http(s)://host"),
        (("http://127.0.0.1:1/openapi.json",), 1, "cannot be read"),
        (("http://127.0.0.1:1/", "--header", "nothing"), 2, "is no 'NAME: VALUE'"),
        (("http://127.0.0.1:1/", "--json", "--yaml"), 2, "give either"),
    ],
)
def test_what_cannot_be_shown_says_why(words: tuple[str, ...], code: int, says: str) -> None:
    result = preview(*words)
    assert result.exit_code == code
    assert says in " ".join(result.stderr.replace("\u2502", " ").split())


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ({"type": "string", "maxLength": 20}, "text, up to 20 characters"),
        ({"type": "string", "format": "date"}, "text (date)"),
        ({"type": "integer", "minimum": 1, "maximum": 5}, "whole number, at least 1, at most 5"),
        ({"type": "array", "items": {"type": "number"}}, "list of number"),
        ({"enum": ["a", "b", 3]}, "one of: a, b, 3"),
        ({"const": {"a": 1}}, 'exactly {"a": 1}'),
        ({"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}, "text or nothing"),
        ({"type": "boolean", "default": False}, "yes or no, false if left out"),
        ({"type": "object", "properties": {"x": {}, "y": {}}}, "object with x, y"),
        ({"type": ["string", "null"]}, "text or nothing"),
        ({}, "anything"),
        (True, "anything"),
        ({"type": "array", "items": {"anyOf": [{"type": "array", "items": {}}]}}, "list of list of anything"),
    ],
)
def test_what_a_value_must_be_is_said_in_words(schema: object, says: str) -> None:
    assert kind_of(schema) == says


def test_hostile_schemas_are_short_text() -> None:
    hostile = "\x1b[31m<b>" + "x" * 10_000
    schema = {"properties": {hostile: {"enum": [hostile] * 500, "description": hostile}}, "required": [hostile]}
    (row,) = rows_of(schema)
    assert row.needed
    assert "\x1b" not in row.name + row.kind + row.about
    assert max(map(len, (row.name, row.kind, row.about))) <= 700
