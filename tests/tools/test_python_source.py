"""Typed functions as tools: their schema, and what each way of ending means."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.tools import functions
from tools.arguments import check_arguments
from tools.python import PythonSource
from tools.selection import ToolSelection
from tools.types import (
    Answer,
    Answered,
    Declined,
    Governance,
    InDoubt,
    JsonObject,
    Nonsense,
    SourceError,
    Tool,
    ToolEffect,
)


def selected(name: str, *, effect: ToolEffect = "write", timeout_s: float = 5.0) -> ToolSelection:
    return ToolSelection(
        operation=f"tests.tools.functions:{name}", governance=Governance(effect=effect, timeout_s=timeout_s)
    )


async def call(name: str, arguments: JsonObject, *, effect: ToolEffect = "write", timeout_s: float = 5.0) -> Answer:
    source = PythonSource(name="own", functions={name: selected(name, effect=effect, timeout_s=timeout_s)})
    (tool,) = await source.tools()
    try:
        return await source.call(tool, arguments, key="run:1:0")
    finally:
        await source.aclose()


@pytest.fixture
def gate() -> Iterator[None]:
    functions.GATE.clear()
    yield
    functions.GATE.set()


@pytest.fixture
async def book() -> AsyncIterator[Tool]:
    source = PythonSource(name="own", functions={"book": selected("book")})
    yield (await source.tools())[0]
    await source.aclose()


def test_a_functions_types_and_docstring_are_the_tools_schema(book: Tool) -> None:
    assert book.description == "Book a call with a customer, at a day and hour."
    assert book.parameters == {
        "type": "object",
        "properties": {
            "customer_id": {"type": "string", "minLength": 1, "description": "Who is called"},
            "slot": {
                "type": "object",
                "properties": {
                    "day": {"type": "string", "enum": ["monday", "tuesday"]},
                    "hour": {"type": "integer", "minimum": 0, "maximum": 23},
                },
                "required": ["day", "hour"],
                "description": "When to call, in local time.",
            },
            "channel": {"type": "string", "enum": ["phone", "video"], "default": "phone"},
            "note": {
                "anyOf": [{"type": "string"}, {"type": "null"}],
                "default": None,
                "description": "What it is about.",
            },
        },
        "required": ["customer_id", "slot"],
        "additionalProperties": False,
    }
    assert book.returns is not None
    assert book.returns["required"] == ["customer_id", "at"]
    assert check_arguments(book, {"customer_id": "c", "slot": {"day": "monday", "hour": 9}}) == ()


async def test_a_function_gets_typed_arguments_and_the_key() -> None:
    functions.BOOKED.clear()
    answer = await call("book", {"customer_id": "c", "slot": {"day": "tuesday", "hour": 9}})
    assert answer == Answered(result={"customer_id": "c", "at": "2026-11-23T09:00:00Z"})
    assert functions.BOOKED == [("c", "run:1:0")]


async def test_an_async_function_and_field_defaults_work() -> None:
    assert await call("add", {"a": 1}) == Answered(result=3)
    assert await call("add", {"a": 1, "b": 5}) == Answered(result=6)


async def test_a_refusal_of_the_function_is_told_to_the_decider() -> None:
    answer = await call("book", {"customer_id": "unknown", "slot": {"day": "monday", "hour": 1}})
    assert answer == Declined(error="there is no customer 'unknown'", judged=True)


@pytest.mark.parametrize("arguments", [{}, {"a": "x"}, {"a": 1, "b": 0}, {"a": 1, "c": 2}, {"a": None}])
async def test_arguments_that_do_not_fit_never_reach_the_function(arguments: JsonObject) -> None:
    assert isinstance(await call("add", arguments), Declined)


@pytest.mark.parametrize("name", ["fail", "fail_async"])
@pytest.mark.parametrize("how", ["jump", "exit", "stop"])
async def test_an_unexpected_exception_leaves_a_write_in_doubt_and_fails_a_read(name: str, how: str) -> None:
    assert isinstance(await call(name, {"how": how}), InDoubt)
    assert isinstance(await call(name, {"how": how}, effect="read"), Declined)


@pytest.mark.parametrize("kind", ["type", "object", "nan", "large", "none"])
async def test_a_result_that_is_not_what_is_declared_is_nonsense(kind: str) -> None:
    assert isinstance(await call("lie", {"kind": kind}), Nonsense)


@pytest.mark.usefixtures("gate")
async def test_a_function_that_does_not_end_in_time_leaves_the_effect_in_doubt() -> None:
    assert isinstance(await call("hang", {}, timeout_s=0.05), InDoubt)


@pytest.mark.usefixtures("gate")
async def test_a_call_that_never_got_a_thread_did_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.python.MAX_THREADS", 1)
    source = PythonSource(name="own", functions={"hang": selected("hang", timeout_s=0.05)})
    (tool,) = await source.tools()
    answers = await asyncio.gather(*(source.call(tool, {}, key=f"k{n}") for n in range(2)))
    assert [type(answer) for answer in answers] == [InDoubt, Declined]
    await source.aclose()


async def test_everything_wrong_with_the_functions_is_reported_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("untyped", "undocumented", "open_ended", "unknown_type", "wrong_key", "absent", "NOT_A_FUNCTION")
    broken = ToolSelection(operation="tests.tools.broken_module:f")
    choosy = ToolSelection(operation="tests.tools.functions:add", governance=Governance(choice=("c",)))
    nowhere = ToolSelection(operation="os.system('ls')")
    away = ToolSelection(operation="tests.tools.not_there:f")
    (tmp_path / "needy_tools.py").write_text("import not_installed_anywhere\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    needy = ToolSelection(operation="needy_tools:f")
    chosen = {name: selected(name) for name in names}
    chosen |= {"broken": broken, "choosy": choosy, "nowhere": nowhere, "away": away, "needy": needy}
    source = PythonSource(name="own", functions=chosen)
    with pytest.raises(SourceError) as caught:
        await source.tools()
    text = str(caught.value)
    for expected in (
        "no type annotation for a, the result",
        "no docstring",
        "values: arguments must be named",
        "the type of 'lock' cannot be read",
        "must be annotated 'str'",
        "has no 'absent'",
        "is int, not a function",
        "cannot be imported: RuntimeError: no database here",
        "'choice' names c, which is no argument. Use one of: a, b.",
        "Write 'module:function'",
        "there is no module 'tests.tools.not_there'. Put it beside the portfolio file",
        "module 'needy_tools' cannot be imported: it needs 'not_installed_anywhere'",
    ):
        assert expected in text
