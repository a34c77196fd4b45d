"""Whether the tools can be had: services answer with their document, Python functions can be imported.

No tool is called. Importing a Python module runs what stands in it, as `segue serve` does.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from agent.directory import documents_in
from agent.portfolio.load import LoadedPortfolio, PortfolioError, complete, load_portfolio
from agent.portfolio.model import OpenApiEntry, PythonEntry
from agent.portfolio.opening import find_modules_beside, tool_source
from api.doctor.finding import Finding, Setup, failed, ok, warning
from api.doctor.limits import Overrun, within
from tools.document import FetchLimits
from tools.registry import ToolRegistry
from tools.types import Answer, Declined, JsonObject, SourceError, Tool

LIMIT_S = 15.0
"""For all sources, which are read at the same time."""
FETCH = FetchLimits(timeout_s=5.0, attempts=2)


def look_at_tools(setup: Setup) -> Iterator[Finding]:
    """Each source, then what the portfolio says of the tools they really have."""
    try:
        portfolio = load_portfolio(setup.portfolio, setup.environment)
    except PortfolioError:
        yield warning("not looked at: the portfolio cannot be used", "Correct the configuration first.")
        return
    find_modules_beside(setup.portfolio)
    with TemporaryDirectory(prefix="segue-doctor-", ignore_cleanup_errors=True) as scratch:
        documents = Path(scratch) / "documents"
        _copy_documents(setup.data, documents)
        results = within(LIMIT_S, [partial(_read, entry, documents) for entry in portfolio.sources])
    known: list[_Known] = []
    for entry, result in zip(portfolio.sources, results, strict=True):
        if isinstance(result, BaseException):
            yield _trouble(entry, result, setup)
            continue
        known.append(_Known(result.tools))
        if result.degraded:
            yield warning(f"{result.degraded}; segue serve would start with it", "Start the service.")
        else:
            yield ok(f"{entry.name}: {_where(entry)}, tools {len(result.tools)}")
    if len(known) == len(portfolio.sources):
        yield from _fit(portfolio, known)


@dataclass(frozen=True, kw_only=True)
class _Found:
    tools: tuple[Tool, ...]
    degraded: str | None
    """Why they come from an earlier document."""


class _Known:
    """A source whose tools were read already."""

    def __init__(self, tools: tuple[Tool, ...]) -> None:
        self._tools = tools

    async def tools(self) -> tuple[Tool, ...]:
        """As they were read."""
        return self._tools

    async def call(self, tool: Tool, arguments: JsonObject, *, key: str) -> Answer:
        """Never."""
        return Declined(error="no tool is called")

    async def aclose(self) -> None:
        """Nothing is open."""


def _read(entry: OpenApiEntry | PythonEntry, documents: Path) -> _Found:
    async def read() -> _Found:
        source = tool_source(entry, documents=documents, fetch=FETCH)
        try:
            return _Found(tools=await source.tools(), degraded=source.degraded)
        finally:
            await source.aclose()

    return asyncio.run(read())


def _copy_documents(data: Path, copy: Path) -> None:
    """What segue serve would fall back on; the data directory itself is only looked at."""
    with suppress(OSError):
        shutil.copytree(documents_in(data), copy)


def _where(entry: OpenApiEntry | PythonEntry) -> str:
    if isinstance(entry, OpenApiEntry):
        return f"{entry.address} answers"
    return "Python functions can be imported"


def _trouble(entry: OpenApiEntry | PythonEntry, error: BaseException, setup: Setup) -> Finding:
    reason = f"no end within {LIMIT_S:g} s" if isinstance(error, Overrun) else _reason(entry.name, error)
    if isinstance(entry, PythonEntry):
        found, mend = _advice(reason, "Correct the module, or what the portfolio says under 'python'.")
        mend = _shadowed(entry, setup.portfolio) or mend
    else:
        found, mend = _advice(reason, "Start the service, or correct the source in the portfolio.")
    return failed(f"{entry.name}: {found}", mend)


def _reason(name: str, error: BaseException) -> str:
    """Without the heading that names the source again."""
    if not isinstance(error, SourceError):
        return f"{type(error).__name__}: {error}"
    lines = [line.strip().removeprefix("- ") for line in str(error).splitlines() if line.strip()]
    heading = f"tool source {name!r} cannot be used:"
    return "\n".join(line for line in lines if line != heading)


def _advice(reason: str, otherwise: str) -> tuple[str, str]:
    """What is wrong and what would be right, where the reason is one line that ends with it."""
    found, stop, advice = reason.rpartition(". ")
    return (found, advice) if stop and reason.endswith(".") and "\n" not in reason else (reason, otherwise)


def _shadowed(entry: PythonEntry, portfolio: tuple[Path, ...]) -> str:
    """What to do where a module beside the portfolio is hidden by one of the same name; empty where none is."""
    for function in entry.functions:
        name = function.partition(":")[0].partition(".")[0]
        beside = [path.resolve().parent / f"{name}.py" for path in portfolio]
        spec = find_spec(name)
        origin = Path(spec.origin).resolve() if spec is not None and spec.origin else None
        for file in beside:
            if spec is not None and file.is_file() and file != origin:
                return f"Rename {file.name}: Python finds another module {name!r} first."
    return ""


def _fit(portfolio: LoadedPortfolio, known: list[_Known]) -> Iterator[Finding]:
    try:
        tools: Mapping[str, Tool] = asyncio.run(ToolRegistry.open(known)).tools
        whole = complete(portfolio, tools)
    except SourceError as error:
        yield failed(str(error), "Give each tool a name of its own under 'tools' of its source.")
    except PortfolioError as error:
        for mistake in error.mistakes:
            yield failed(f"{mistake.file}: {mistake.path}: {mistake.problem}", mistake.hint)
    else:
        unused = sorted(tools.keys() - {name for event in whole.events.values() for name in event.allow})
        if unused:
            yield warning(f"no event type allows {', '.join(unused)}", "Name the tool or its step under 'allow'.")
