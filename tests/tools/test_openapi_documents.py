"""What an OpenAPI document says about tools, and what happens when it is wrong, hostile or away."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tools.conftest import RawService
from tests.tools.service import Service
from tools.arguments import check_arguments
from tools.document import FetchLimits
from tools.openapi import OpenApiSource
from tools.operations import read_operations
from tools.selection import ToolSelection
from tools.types import Answered, Governance, JsonObject, JsonValue, SourceError, Tool

QUICK = FetchLimits(timeout_s=1.0, attempts=2, pause_s=0.0)
CASES = {"open_case": ToolSelection()}


def read(document: JsonValue, *names: str, **selections: ToolSelection) -> dict[str, Tool]:
    chosen = {name: ToolSelection() for name in names} | selections
    operations = read_operations(document, source="s", tools=chosen, defaults=Governance())
    return {operation.tool.name: operation.tool for operation in operations}


def mistakes_of(document: JsonValue, *names: str, **selections: ToolSelection) -> str:
    with pytest.raises(SourceError) as caught:
        read(document, *names, **selections)
    return str(caught.value)


def document_of(operation: Mapping[str, Any], path: str = "/x", **more: Any) -> dict[str, Any]:
    return {"openapi": "3.1.0", "paths": {path: {"post": {"operationId": "x", **operation}}}, **more}


def body_of(schema: JsonValue) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def test_parameters_and_body_become_one_closed_arguments_object(service: Service) -> None:
    tool = read(service.app.openapi(), "open_case")["open_case"]
    assert tool.parameters == {
        "type": "object",
        "properties": {
            "customer_id": {"type": "string", "minLength": 1, "description": "Whom the case is about"},
            "question": {"type": "string"},
            "team": {"type": "string", "enum": ["harbour", "meadow"], "default": "harbour"},
            "priority": {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 5}, {"type": "null"}]},
        },
        "required": ["customer_id", "question"],
        "additionalProperties": False,
    }
    assert tool.description == "Open Case\nGive a customer's question to a team."
    assert isinstance(tool.returns, dict)
    assert tool.returns["required"] == ["case_id", "team"]


def test_the_portfolios_description_and_governance_win(service: Service) -> None:
    governance = Governance(owner="care", risk="high", choice=("team",))
    selection = ToolSelection(operation="POST /desk/cases", description="Mine", governance=governance)
    tool = read(service.app.openapi(), hand_over=selection)["hand_over"]
    assert (tool.name, tool.description, tool.governance) == ("hand_over", "Mine", governance)


@pytest.mark.parametrize("operation", [None, "read_item_items__item_id__get", "GET /items/{item_id}", "read_item"])
def test_an_operation_is_found_by_id_by_address_and_by_function_name(service: Service, operation: str | None) -> None:
    tool = read(service.app.openapi(), read_item=ToolSelection(operation=operation))["read_item"]
    assert "item_id" in json.dumps(tool.parameters)


def test_every_mistake_is_reported_at_once_with_near_matches(service: Service) -> None:
    text = mistakes_of(
        service.app.openapi(),
        "open_cases",
        "erase",
        count_tree=ToolSelection(governance=Governance(choice=("height",))),
    )
    assert "'open_cases'" in text
    assert "Near matches: open_case" in text
    assert "'erase' is ambiguous: GET /items/{item_id}/erase, POST /items/{item_id}/erase" in text
    assert "'choice' names 'height', which is no argument. Use one of: value, children." in text


def test_all_operations_are_tools_when_none_is_selected(service: Service) -> None:
    operations = read_operations(
        service.app.openapi(), source="s", tools=None, defaults=Governance(effect="read", owner="desk")
    )
    names = [operation.tool.name for operation in operations]
    assert {"open_case", "babble", "read_item"} <= set(names)
    # Two methods share one function: its name alone would not tell which is meant.
    assert {name for name in names if name.startswith("erase")} == {
        "erase_items__item_id__erase_get",
        "erase_items__item_id__erase_post",
    }
    assert {operation.tool.governance.owner for operation in operations} == {"desk"}


def test_an_operation_that_cannot_be_called_is_to_be_left_out_by_listing_the_others() -> None:
    page: dict[str, Any] = {"get": {"operationId": "home", "responses": {"200": {"content": {"text/html": {}}}}}}
    with pytest.raises(SourceError, match="list the operations you want under 'tools'"):
        read_operations({"openapi": "3.1.0", "paths": {"/": page}}, source="s", tools=None, defaults=Governance())


def test_headers_of_the_source_and_of_the_call_are_no_arguments(service: Service) -> None:
    operations = read_operations(
        service.app.openapi(),
        source="s",
        tools={"open_case": ToolSelection(), "read_item": ToolSelection()},
        defaults=Governance(),
        hidden_headers=frozenset({"x-trace"}),
    )
    arguments = [set(operation.signature.parameters["properties"]) for operation in operations]  # type: ignore[arg-type]
    assert arguments == [{"customer_id", "question", "team", "priority"}, {"item_id", "tag", "deep"}]


def test_a_recursive_schema_is_cut_and_still_permits_what_it_permitted(service: Service) -> None:
    tool = read(service.app.openapi(), "count_tree")["count_tree"]
    assert check_arguments(tool, {"value": 1, "children": [{"value": 2, "children": [{"value": 3}]}]}) == ()
    assert check_arguments(tool, {"value": 1, "children": [{"value": "two", "children": []}]}) == ()
    assert check_arguments(tool, {"value": "one"}) != ()


def test_a_cut_branch_does_not_make_exactly_one_impossible() -> None:
    nested: JsonValue = {"oneOf": [{"$ref": "#/components/schemas/Leaf"}, {"$ref": "#/components/schemas/Any"}]}
    schemas: JsonObject = {"Leaf": {"type": "string"}, "Any": {"type": "object", "properties": {"inner": nested}}}
    tool = read(document_of(body_of({"$ref": "#/components/schemas/Any"}), components={"schemas": schemas}), "x")["x"]
    assert check_arguments(tool, {"inner": "leaf"}) == ()


def test_the_dialect_of_openapi_3_0_is_understood() -> None:
    schema: JsonObject = {
        "type": "object",
        "properties": {
            "a": {"type": "integer", "minimum": 3, "exclusiveMinimum": True},
            "b": {"type": "string", "nullable": True, "description": "B"},
            "c": {"allOf": [{"$ref": "#/components/schemas/C"}], "default": "x"},
            "d": {"readOnly": True, "type": "string"},
        },
    }
    document = document_of(body_of(schema), components={"schemas": {"C": {"type": "string"}}})
    tool = read({**document, "openapi": "3.0.3"}, "x")["x"]
    assert check_arguments(tool, {"a": 4, "b": None, "c": "y"}) == ()
    assert len(check_arguments(tool, {"a": 3, "b": 1, "c": 2, "d": "no"})) == 4


@pytest.mark.parametrize(
    ("operation", "path", "expected"),
    [
        (
            {"parameters": [{"name": "a", "in": "query", "schema": {}}], **body_of({"properties": {"a": {}}})},
            "/x",
            "'a' (query parameter and body field)",
        ),
        (
            {
                "parameters": [
                    {"name": "a", "in": "query", "schema": {}},
                    {"name": "a", "in": "header", "schema": {}},
                ]
            },
            "/x",
            "'a' (query parameter and header parameter)",
        ),
        ({}, "/x/{id}", "the path names ['id'], its path parameters are []"),
        ({}, "/../admin", "no path that can be called"),
        ({}, "//other.example/x", "no path that can be called"),
        ({}, "/x?admin=1", "no path that can be called"),
        (body_of({"$ref": "https://evil.example/schema.json"}), "/x", "leaves the document"),
        (body_of({"$ref": "#/components/schemas/Absent"}), "/x", "points at nothing"),
        (body_of({"type": "strnig"}), "/x", "'type' must be one or several of array"),
        ({"requestBody": {"content": {"multipart/form-data": {}}}}, "/x", "only application/json can be sent"),
        ({"responses": {"200": {"content": {"text/csv": {}}}}}, "/x", "only application/json can be read"),
        ({"parameters": [{"name": "a", "in": "query", "style": "deepObject", "schema": {}}]}, "/x", "'deepObject'"),
        ({"parameters": [{"name": "a\r\n", "in": "header", "schema": {}}]}, "/x", "no name of a header"),
    ],
)
def test_what_cannot_be_called_faithfully_is_refused(operation: dict[str, Any], path: str, expected: str) -> None:
    assert expected in mistakes_of(document_of(operation, path), "x")


def test_references_that_multiply_are_stopped() -> None:
    schemas: dict[str, JsonValue] = {
        f"S{n}": {"properties": {side: {"$ref": f"#/components/schemas/S{n + 1}"} for side in "abcdefgh"}}
        for n in range(12)
    }
    document = document_of(body_of({"$ref": "#/components/schemas/S0"}), components={"schemas": {**schemas, "S12": {}}})
    assert "larger than 20000 nodes" in mistakes_of(document, "x")


def test_an_expression_that_could_stall_is_not_run() -> None:
    schema: JsonObject = {
        "type": "object",
        "properties": {
            "slow": {"type": "string", "pattern": "^(a+)+$"},
            "strange": {"type": "string", "pattern": "(?=.*a)b"},
            "fine": {"type": "string", "pattern": "^[A-Z]{2}[0-9]+$"},
        },
        "patternProperties": {"^(x+)+$": {"type": "integer"}},
        "additionalProperties": False,
    }
    tool = read(document_of(body_of({"type": "array", "items": schema})), "x")["x"]
    assert check_arguments(tool, {"body": [{"slow": "a" * 5_000, "strange": "anything", "xx" * 50 + "y": 1}]}) == ()
    assert len(check_arguments(tool, {"body": [{"slow": "a" * 5_000 + "b", "fine": "a1"}]})) == 2


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["$ref", "type", "properties", "items", "anyOf", "name", "in", "schema", "200", "x"]),
            inner,
            max_size=4,
        )
        | st.builds(lambda: {"$ref": "#/components/schemas/Node"})
    ),
    max_leaves=6,
)


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_a_damaged_document_gives_tools_or_a_source_error(running_service: Service, data: st.DataObject) -> None:
    document = copy.deepcopy(running_service.app.openapi())
    for _ in range(data.draw(st.integers(1, 3))):
        spot: Any = document
        while True:
            keys = list(spot) if isinstance(spot, dict) else list(range(len(spot)))
            if not keys:
                break
            key = data.draw(st.sampled_from(keys))
            if isinstance(spot[key], dict | list) and data.draw(st.integers(0, 9)) < 9:
                spot = spot[key]
                continue
            spot[key] = data.draw(json_values)
            break
    try:
        operations = read_operations(document, source="s", tools=None, defaults=Governance())
    except SourceError:
        return
    for operation in operations:
        check_arguments(operation.tool, {"value": 1, "item_id": "x", "body": [1]})


@given(document=json_values)
@settings(deadline=None)
def test_any_json_at_all_gives_a_source_error(document: JsonValue) -> None:
    assert "OpenAPI" in mistakes_of(document, "x")


@pytest.mark.parametrize(
    ("servers", "expected"),
    [
        (None, "/desk/cases"),
        ([{"url": "/"}], "/desk/cases"),
        ([{"url": "/v2/"}], "/v2/desk/cases"),
        ([{"url": "https://thief.invalid/v2"}], "/desk/cases"),
        ([{"url": "//thief.invalid/v2"}], "/desk/cases"),
        ([{"url": "/{region}"}], "/desk/cases"),
        ([{"url": 7}], "/desk/cases"),
        ("nonsense", "/desk/cases"),
    ],
)
async def test_calls_stay_on_the_documents_origin(
    raw_service: RawService, service: Service, servers: JsonValue, expected: str
) -> None:
    document = {**service.app.openapi(), "servers": servers}
    requests: list[bytes] = []
    body = json.dumps(document).encode()
    async with raw_service(
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body), seen=requests
    ) as url:
        source = OpenApiSource(name="s", address=f"{url}/docs/openapi.json", tools=CASES, fetch=QUICK)
        (tool,) = await source.tools()
        await source.call(tool, {"customer_id": "c", "question": "q"}, key="k")
        await source.aclose()
    assert requests[-1].split()[1].decode() == expected


async def test_base_url_names_another_origin_and_keys_go_only_there(raw_service: RawService, service: Service) -> None:
    requests: list[bytes] = []
    body = json.dumps(service.app.openapi()).encode()
    async with raw_service(
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body), seen=requests
    ) as url:
        source = OpenApiSource(
            name="s", address=f"{url}/openapi.json", base_url=service.url, headers={"X-Api-Key": "secret"}, tools=CASES
        )
        (tool,) = await source.tools()
        answer = await source.call(tool, {"customer_id": "c", "question": "q"}, key="k")
        await source.aclose()
    assert isinstance(answer, Answered)
    assert service.seen[-1]["headers"]["x-api-key"] == "secret"
    assert b"secret" not in requests[0]


@pytest.mark.parametrize("damage", ["away", "down", "garbage"])
async def test_the_last_good_document_serves_while_the_service_is_down(
    service: Service, raw_service: RawService, tmp_path: Path, damage: str
) -> None:
    answers = {
        "away": b"",
        "down": b"HTTP/1.1 503 Down\r\nContent-Length: 0\r\n\r\n",
        "garbage": b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>",
    }
    body = json.dumps(service.app.openapi()).encode()
    script = [b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body), answers[damage]]
    async with raw_service(script) as url:
        first = OpenApiSource(name="s", address=f"{url}/openapi.json", tools=CASES, cache_dir=tmp_path, fetch=QUICK)
        fresh = await first.tools()
        second = OpenApiSource(name="s", address=f"{url}/openapi.json", tools=CASES, cache_dir=tmp_path, fetch=QUICK)
        kept = await second.tools()
        await first.aclose()
        await second.aclose()
    assert kept == fresh
    assert first.degraded is None
    assert second.degraded is not None
    assert second.degraded.startswith("s: document of ")
    assert [file.rpartition(".")[2] for file in os.listdir(tmp_path)] == ["json"]


async def test_a_service_that_recovers_within_the_attempts_is_fresh(service: Service, raw_service: RawService) -> None:
    body = json.dumps(service.app.openapi()).encode()
    script = [b"", b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)]
    async with raw_service(script) as url:
        source = OpenApiSource(name="s", address=url, tools=CASES, fetch=QUICK)
        assert len(await source.tools()) == 1
        assert source.degraded is None
        await source.aclose()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"", "no earlier document is kept. Start the service."),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", "FastAPI service has it at /openapi.json"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", "OpenAPI 3"),
        (b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", "HTTP 404 instead of a document"),
        (b"HTTP/1.1 302 Go\r\nLocation: http://x/\r\nContent-Length: 0\r\n\r\n", "redirects, which is not followed"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 5_000_000, "larger than 4194304 bytes"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 200 + b"]" * 200, "nested too deeply"),
    ],
)
async def test_a_document_that_cannot_be_had_is_a_source_error(
    raw_service: RawService, tmp_path: Path, answer: bytes, expected: str
) -> None:
    async with raw_service(answer) as url:
        source = OpenApiSource(name="s", address=url, tools=CASES, cache_dir=tmp_path, fetch=QUICK)
        with pytest.raises(SourceError, match=expected):
            await source.tools()
        await source.aclose()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "settings_",
    [
        {"address": "ftp://host/openapi.json"},
        {"address": "openapi.json"},
        {"address": "http://user:pass@host/openapi.json"},
        {"address": "http://host:port/"},
        {"address": "http://host/", "base_url": "http://host/?x=1"},
        {"address": "http://host/", "headers": {"X-Key": "a\r\nX-Admin: yes"}},
    ],
)
async def test_settings_that_make_no_sense_are_source_errors(settings_: dict[str, Any]) -> None:
    source = OpenApiSource(name="s", tools=CASES, fetch=QUICK, **settings_)
    with pytest.raises(SourceError):
        await source.tools()
    await source.aclose()
