"""One Segue over many lives in this process, crashed in place and opened again. Start with `Lives`.

A crash is what `kill -9` leaves: the store and the engine's file as they were committed at that moment. Both are copied
while nothing else runs on the loop, everything that goes is cancelled, and the copies take the files' places; so
whatever the old life wrote while it was torn down never happened.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Coroutine
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any, TypeVar

from agent.service import Segue
from agent.types import Decider
from tests.agent.company import Company, Ledger, open_company

T = TypeVar("T")

FILES = ("segue.sqlite", "engine.sqlite")
"""Of the data directory: what a Segue on SQLite knows."""
PATIENCE_S = 60.0
EXAMPLES_PER_FOLDER = 100
"""What is stored grows with every example, and a crash copies all of it."""


class Hanging:
    """Calls that the tools have got and do not answer until they are let go; then their answer is lost."""

    def __init__(self) -> None:
        self._released: dict[str, asyncio.Event] = {}

    @property
    def keys(self) -> frozenset[str]:
        """Under which keys."""
        return frozenset(self._released)

    def let_go(self) -> None:
        """All that hang now."""
        for released in self._released.values():
            released.set()

    async def hang(self, key: str) -> None:
        """A fault of a tool."""
        self._released[key] = asyncio.Event()
        try:
            await self._released[key].wait()
        finally:
            del self._released[key]
        raise ConnectionResetError("the line went dead")


class Lives:
    """A data directory, and the Segue that is open on it now."""

    def __init__(self, folder: Path, decider: Decider, portfolio: str) -> None:
        self.hanging = Hanging()
        self._folder = folder
        self._decider = decider
        self._portfolio = portfolio
        self._loop = asyncio.new_event_loop()
        self._stack = AsyncExitStack()
        self._company: Company | None = None
        self._past: list[tuple[str, dict[str, Any], str]] = []
        self._examples = 0
        self.lived = 0
        self._fresh = folder.with_name(f"{folder.name}-fresh")
        self.open()
        self.close()
        shutil.copytree(folder, self._fresh)
        self.open()

    @property
    def segue(self) -> Segue:
        """The open one."""
        return self._now.segue

    @property
    def tools(self) -> Ledger:
        """The tools of this life, with their faults to come."""
        return self._now.ledger

    @property
    def deliveries(self) -> list[tuple[str, dict[str, Any], str]]:
        """What the tools got in all lives."""
        return [*self._past, *self.tools.deliveries]

    @property
    def _now(self) -> Company:
        if self._company is None:
            raise RuntimeError("no Segue is open")
        return self._company

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Let everything run until `work` is done."""
        return self._loop.run_until_complete(asyncio.wait_for(work, PATIENCE_S))

    def open(self) -> None:
        """Start a life on what the last one left."""
        self.lived += 1
        opening = open_company(self._folder, self._decider, self._portfolio)
        self._company = self.do(self._stack.enter_async_context(opening))

    def close(self) -> None:
        """End the life in good order."""
        tools = self.tools
        self.do(self._stack.aclose())
        self._past += tools.deliveries
        self._company = None

    def crash(self) -> None:
        """End the life as `kill -9` would."""
        data = self._folder / "data"
        left = {name: _committed(data / name) for name in FILES}
        self._past += self.tools.deliveries
        self.tools.deliveries.clear()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        lost = self.tools
        with suppress(asyncio.CancelledError):
            self.do(self._stack.aclose())
        self._company = None
        if lost.deliveries:
            raise RuntimeError(f"a call went out after the crash: {lost.deliveries}")
        for name, content in left.items():
            for file in data.glob(f"{name}*"):
                file.unlink()
            (data / name).write_bytes(content)

    def begin_example(self) -> None:
        """Take another folder now and then."""
        self._examples += 1
        if self._examples % EXAMPLES_PER_FOLDER == 0:
            self.renew()

    def renew(self) -> None:
        """Whatever has become of this folder, go on with a fresh one."""
        if self._company is not None:
            self.crash()
        shutil.rmtree(self._folder)
        shutil.copytree(self._fresh, self._folder)
        self.open()

    def end(self) -> None:
        """No more lives."""
        if self._company is not None:
            self.close()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()


def _committed(file: Path) -> bytes:
    """The database as it is committed at this moment."""
    source, copy = sqlite3.connect(file, timeout=30), sqlite3.connect(":memory:")
    try:
        source.backup(copy)
        return copy.serialize()
    finally:
        source.close()
        copy.close()
