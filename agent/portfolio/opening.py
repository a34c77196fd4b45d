"""From the sources a portfolio lists to sources that can be asked. Start with `tool_sources`."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from agent.portfolio.model import OpenApiEntry, Portfolio, PythonEntry, ToolEntry
from tools.document import FetchLimits
from tools.openapi import OpenApiSource
from tools.python import PythonSource
from tools.selection import ToolSelection


def tool_sources(portfolio: Portfolio, *, documents: Path) -> list[OpenApiSource | PythonSource]:
    """A source for each entry, in their order; `documents` is where the last good OpenAPI documents are kept."""
    return [tool_source(entry, documents=documents) for entry in portfolio.sources]


def tool_source(
    entry: OpenApiEntry | PythonEntry, *, documents: Path | None, fetch: FetchLimits | None = None
) -> OpenApiSource | PythonSource:
    """The source an entry speaks of; nothing is asked or imported yet. Without `documents` none are kept or used."""
    match entry:
        case OpenApiEntry():
            return OpenApiSource(
                name=entry.name,
                address=entry.address,
                base_url=entry.base_url,
                headers=entry.headers,
                tools=None if entry.tools is None else {tool.name: _selection(tool) for tool in entry.tools},
                defaults=entry.defaults,
                cache_dir=documents,
                fetch=fetch,
            )
        case PythonEntry():
            return PythonSource(
                name=entry.name,
                functions={
                    tool.name: ToolSelection(
                        operation=function, description=tool.description, governance=tool.governance
                    )
                    for function, tool in entry.functions.items()
                },
            )


def find_modules_beside(portfolio: Iterable[Path]) -> None:
    """Let Python find modules beside these files: behind all others, so that they shadow nothing."""
    folders = dict.fromkeys(str(path.resolve().parent) for path in portfolio)
    sys.path += [folder for folder in folders if folder not in sys.path]


def _selection(tool: ToolEntry) -> ToolSelection:
    return ToolSelection(operation=tool.operation, description=tool.description, governance=tool.governance)
