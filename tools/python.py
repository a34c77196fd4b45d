"""Tools that are typed Python functions of the company. Start with `PythonSource`; `functions` reads one function.

What an end of a function means: `ToolError` is a refusal, so nothing was done. Any other exception, or no end in time,
leaves a write in doubt, since the function may have failed after its effect; a read that fails did nothing.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from tools.errors import ToolError, shorten, source_error
from tools.functions import FunctionMistake, FunctionTool, read_function
from tools.selection import ToolSelection
from tools.types import Answer, Declined, InDoubt, JsonObject, Tool

MAX_THREADS = 32

_log = logging.getLogger(__name__)


class PythonSource:
    """A `ToolSource` of functions in this process. Sync functions run in threads, async ones on the loop."""

    def __init__(self, *, name: str, functions: Mapping[str, ToolSelection]) -> None:
        """`functions`: tool name -> selection, whose `operation` is `module:function`."""
        self.name = name
        self._selections = functions
        self._functions: Mapping[str, FunctionTool] = {}
        self._threads = asyncio.Semaphore(MAX_THREADS)
        self._running: set[asyncio.Future[Any]] = set()

    @property
    def degraded(self) -> str | None:
        """Functions are there or not; None."""
        return None

    async def tools(self) -> tuple[Tool, ...]:
        """Import and read the functions. Raises one `SourceError` with every mistake."""
        found: dict[str, FunctionTool] = {}
        mistakes: list[str] = []
        for name, selection in self._selections.items():
            try:
                found[name] = read_function(name, selection, source=self.name)
            except FunctionMistake as error:
                mistakes.append(f"tool {name!r} ({selection.operation}): {error}")
        if mistakes:
            raise source_error(self.name, mistakes)
        self._functions = found
        return tuple(function.tool for function in found.values())

    async def call(self, tool: Tool, arguments: JsonObject, *, key: str) -> Answer:
        """Call once, within the tool's timeout; never raises for what the function does or fails to do."""
        function = self._functions.get(tool.name)
        if function is None:
            return Declined(error=f"source {self.name!r} has no tool {tool.name!r}", tells="nothing")
        try:
            given = function.read_arguments(arguments, key)
        except ToolError as error:
            return Declined(error=shorten(str(error), 2_000), tells="nothing")
        deadline = asyncio.get_running_loop().time() + function.tool.governance.timeout_s
        if function.is_async:
            return await self._finish(function, asyncio.ensure_future(_on_the_loop(function, given)), deadline)
        try:
            async with asyncio.timeout_at(deadline):
                await self._threads.acquire()
        except TimeoutError:
            return Declined(error=f"{tool.name} was not started: all {MAX_THREADS} threads are busy", tells="nothing")
        return await self._finish(function, self._in_thread(lambda: function.function(**given)), deadline)

    async def aclose(self) -> None:
        """Cancel what still runs on the loop; threads cannot be stopped, but do not keep the process alive."""
        for future in self._running:
            future.cancel()

    async def _finish(self, function: FunctionTool, future: asyncio.Future[Any], deadline: float) -> Answer:
        self._running.add(future)
        future.add_done_callback(self._running.discard)
        left_s = deadline - asyncio.get_running_loop().time()
        try:
            done, _ = await asyncio.wait({future}, timeout=max(left_s, 0.0))
        except asyncio.CancelledError:
            future.cancel()
            raise
        if not done:
            future.cancel()
            return InDoubt(error=f"{function.tool.name} did not end within {function.tool.governance.timeout_s:g} s")
        return _answer(function, future)

    def _in_thread(self, work: Callable[[], Any]) -> asyncio.Future[Any]:
        """Run in a daemon thread: one that hangs must not keep the process from ending, as a pool's would."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        context = contextvars.copy_context()

        def settle(result: Any, error: BaseException | None) -> None:
            self._threads.release()
            if future.done():
                return
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)

        def run() -> None:
            result: Any = None
            failure: BaseException | None = None
            try:
                result = context.run(work)
            except BaseException as error:  # noqa: BLE001 - the function is not ours; `_answer` judges what it raised
                failure = _carried(error)
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(settle, result, failure)

        threading.Thread(target=run, daemon=True, name=f"segue-tool-{self.name}").start()
        return future


async def _on_the_loop(function: FunctionTool, given: Mapping[str, Any]) -> Any:
    try:
        return await function.function(**given)
    except SystemExit as error:
        raise _carried(error) from error


def _carried(error: BaseException) -> Exception:
    """Exceptions that a future refuses to carry (StopIteration), or that would end the loop (SystemExit), wrapped."""
    if isinstance(error, Exception) and not isinstance(error, StopIteration):
        return error
    wrapped = RuntimeError(f"{type(error).__name__}: {error}")
    wrapped.__cause__ = error
    return wrapped


def _answer(function: FunctionTool, future: asyncio.Future[Any]) -> Answer:
    if future.cancelled():
        error: BaseException | None = asyncio.CancelledError("cancelled")
    else:
        error = future.exception()
    if error is None:
        return function.write_result(future.result())
    if isinstance(error, ToolError):
        return Declined(error=shorten(str(error), 2_000) or "refused", judged=True)
    name = function.tool.name
    _log.error("tool %s failed", name, exc_info=error)
    text = f"{name} failed: {type(error).__name__}: {shorten(str(error), 1_000)}".rstrip(": ")
    is_read = function.tool.governance.effect == "read"
    return Declined(error=text, tells="unwell") if is_read else InDoubt(error=text)
