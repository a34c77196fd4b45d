"""All tools of a company under unique names. Start with `ToolRegistry.open`."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Protocol, runtime_checkable

from tools.errors import shorten
from tools.types import Answer, Declined, JsonObject, SourceError, Tool, ToolSource

TOOL_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


@runtime_checkable
class MayBeDegraded(Protocol):
    """A source that can work from what it knew earlier."""

    @property
    def degraded(self) -> str | None:
        """Why it does so at present; None when it does not."""


class ToolRegistry:
    """The tools of several sources, and the way to call them. Made by `open`, ended by `aclose`."""

    def __init__(self, sources: Sequence[ToolSource], tools: Mapping[str, tuple[Tool, ToolSource]]) -> None:
        self._sources = tuple(sources)
        self._homes = dict(tools)
        self._tools = MappingProxyType({name: tool for name, (tool, _) in tools.items()})

    @classmethod
    async def open(cls, sources: Sequence[ToolSource]) -> ToolRegistry:
        """Read all sources at once. Raises one `SourceError` with the mistakes of all, after closing them."""
        try:
            tools = await _read(sources)
        except BaseException:
            await asyncio.gather(*(source.aclose() for source in sources))
            raise
        return cls(sources, tools)

    @property
    def tools(self) -> Mapping[str, Tool]:
        """Name -> tool, in the order of the sources."""
        return self._tools

    @property
    def degraded(self) -> tuple[str, ...]:
        """A line per source that works from what it knew earlier."""
        found = (source.degraded for source in self._sources if isinstance(source, MayBeDegraded))
        return tuple(reason for reason in found if reason is not None)

    async def call(self, name: str, arguments: JsonObject, key: str) -> Answer:
        """Call a tool once under its idempotency key. Never raises for what the tool does or fails to do."""
        if name not in self._homes:
            return Declined(error=f"there is no tool {shorten(name, 80)!r}", tells="nothing")
        tool, source = self._homes[name]
        return await source.call(tool, arguments, key=key)

    async def aclose(self) -> None:
        """Close every source."""
        await asyncio.gather(*(source.aclose() for source in self._sources))


async def _read(sources: Sequence[ToolSource]) -> dict[str, tuple[Tool, ToolSource]]:
    lists = await asyncio.gather(*(source.tools() for source in sources), return_exceptions=True)
    mistakes: list[str] = []
    tools: dict[str, tuple[Tool, ToolSource]] = {}
    for source, found in zip(sources, lists, strict=True):
        if isinstance(found, SourceError):
            mistakes.append(str(found))
            continue
        if isinstance(found, BaseException):
            raise found
        for tool in found:
            if not TOOL_NAME.fullmatch(tool.name):
                mistakes.append(
                    f"tool {shorten(tool.name, 100)!r} of source {tool.source!r}: a name has 1 to 64 letters, digits, "
                    "'_' or '-'. List it under 'tools' with a fitting name and its 'operation'."
                )
            elif tool.name in tools:
                first = tools[tool.name][0].source
                mistakes.append(
                    f"tool {tool.name!r} is in source {first!r} and in source {tool.source!r}. Rename one of them."
                )
            else:
                tools[tool.name] = (tool, source)
    if mistakes:
        raise SourceError("\n".join(mistakes))
    return tools
