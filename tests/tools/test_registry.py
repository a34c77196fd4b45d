"""All tools under unique names, whatever source they come from."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tools.service import Service
from tools.document import FetchLimits
from tools.openapi import OpenApiSource
from tools.python import PythonSource
from tools.registry import ToolRegistry
from tools.selection import ToolSelection
from tools.types import Answered, Declined, SourceError

ADD = ToolSelection(operation="tests.tools.functions:add")
QUICK = FetchLimits(attempts=1)


async def test_tools_of_several_sources_are_called_by_name(service: Service) -> None:
    http = OpenApiSource(name="http", address=f"{service.url}/openapi.json", tools={"put_list": ToolSelection()})
    registry = await ToolRegistry.open([http, PythonSource(name="own", functions={"add": ADD})])
    assert list(registry.tools) == ["put_list", "add"]
    assert registry.degraded == ()
    assert await registry.call("put_list", {"body": [1, 2]}, "k") == Answered(result=3)
    assert await registry.call("add", {"a": 1}, "k") == Answered(result=3)
    assert isinstance(await registry.call("remove", {}, "k"), Declined)
    await registry.aclose()


async def test_one_name_in_two_sources_is_an_error_that_names_both() -> None:
    sources = [PythonSource(name=name, functions={"add": ADD}) for name in ("left", "right")]
    with pytest.raises(SourceError, match="'add' is in source 'left' and in source 'right'"):
        await ToolRegistry.open(sources)


async def test_a_name_no_model_could_call_is_an_error() -> None:
    with pytest.raises(SourceError, match="1 to 64 letters"):
        await ToolRegistry.open([PythonSource(name="own", functions={"add numbers": ADD})])


async def test_the_mistakes_of_all_sources_are_reported_together(tmp_path: Path) -> None:
    broken = PythonSource(name="own", functions={"add": ToolSelection(operation="nowhere:add")})
    away = OpenApiSource(name="http", address="http://127.0.0.1:9/x", cache_dir=tmp_path, fetch=QUICK)
    with pytest.raises(SourceError) as caught:
        await ToolRegistry.open([broken, away])
    assert "'own'" in str(caught.value)
    assert "'http'" in str(caught.value)


async def test_a_source_that_works_from_its_kept_document_is_reported(service: Service, tmp_path: Path) -> None:
    address = f"{service.url}/openapi.json"
    tools = {"put_list": ToolSelection()}
    fresh = OpenApiSource(name="http", address=address, tools=tools, cache_dir=tmp_path)
    await (await ToolRegistry.open([fresh])).aclose()
    hurried = FetchLimits(timeout_s=0.0, attempts=1)
    kept = OpenApiSource(name="http", address=address, tools=tools, cache_dir=tmp_path, fetch=hurried)
    registry = await ToolRegistry.open([kept])
    assert len(registry.degraded) == 1
    assert await registry.call("put_list", {"body": [4]}, "k") == Answered(result=4)
    await registry.aclose()
