"""Where a Segue's data lie, and who else works on them. Start with `open_place`.

Three ways: SQLite and an index in the data directory; PostgreSQL and an index in the data directory, for one process;
PostgreSQL and a Chroma server, for any number of processes. Every mixture is refused.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from agent.algebra import one_algebra_thread
from agent.directory import DataDirectory, DataDirectoryBusy, HalfConfigured
from agent.store import episodes, workers
from agent.store.crowds import CrowdReader, TakesLong
from agent.store.database import Database
from agent.store.heard import KeptReader
from memory.chroma import IndexLocked, IndexUnavailable
from memory.embedding import Embedder
from memory.index import EpisodeIndex
from memory.recall import Memory
from memory.settings import Settings as MemorySettings
from memory.types import Episode

log = logging.getLogger(__name__)

FEW_EPISODES = 16
"""So many episodes are read whole in a moment."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """An open store, and the directory beside it."""

    database: Database
    directory: DataDirectory
    chroma_url: str | None

    @property
    def shared(self) -> bool:
        """Whether other processes work on the store too."""
        return self.chroma_url is not None

    @property
    def engine_url(self) -> str:
        """Where DBOS keeps its tables."""
        return self.directory.engine_url if self.database.dialect == "sqlite" else self.database.url

    @property
    def memory(self) -> str:
        """Where the index is."""
        return self.chroma_url or str(self.directory.index)


async def open_place(stack: AsyncExitStack, data: Path, database_url: str | None, chroma_url: str | None) -> Place:
    """Open the store as one of several, or as the only one. Raises `DataDirectoryBusy`, `SchemaError`, OSError."""
    if chroma_url is not None and database_url is None:
        raise HalfConfigured(
            "A Chroma server is named, and no PostgreSQL database. Set SEGUE_DATABASE_URL as well, so that several "
            "processes can share both, or leave SEGUE_CHROMA_URL out."
        )
    directory = DataDirectory.hold(data) if chroma_url is None else DataDirectory.share(data)
    stack.enter_context(directory)
    database = Database(database_url or directory.store_url)
    stack.push_async_callback(database.aclose)
    await database.open()
    if not await database.hold(shared=chroma_url is not None):
        raise _busy(chroma_url)
    return Place(database=database, directory=directory, chroma_url=chroma_url)


def _busy(chroma_url: str | None) -> DataDirectoryBusy:
    if chroma_url is None:
        return DataDirectoryBusy(
            "Another Segue works on this database. Stop it, talk to it over HTTP (--url), or give every process the "
            "same Chroma server (--chroma-url), so that they can work on it together."
        )
    return HalfConfigured(
        "Another Segue works on this database alone, with an index in its own folder. Restart it with the same "
        "Chroma server (--chroma-url), or stop it."
    )


async def open_memory(
    stack: AsyncExitStack,
    place: Place,
    embedder: Embedder,
    clock: Callable[[], datetime],
    *,
    discard: bool = False,
    settings: MemorySettings | None = None,
) -> Memory:
    """Memory over the place's index; from here on this process computes on one thread.

    Raises `IndexUnavailable`, `HalfConfigured`.
    """
    one_algebra_thread()
    index = await (_server(place, clock, discard=discard) if place.shared else _folder(place, discard=discard))
    stack.push_async_callback(index.aclose)
    formula = settings or MemorySettings()
    reader = KeptReader(CrowdReader(episodes.EpisodeReader(), formula))

    async def fetch(tenant: str, ids: Sequence[str]) -> tuple[Episode, ...]:
        await place.database.way.give()
        if reader.missing(tenant, ids) <= FEW_EPISODES:
            with suppress(TakesLong):
                return await place.database.read(
                    lambda connection: reader.fetch(connection, tenant, ids, at_once=True), brief=True
                )
        return await place.database.read(lambda connection: reader.fetch(connection, tenant, ids))

    return Memory(embedder=embedder, index=index, fetch=fetch, settings=formula, clock=clock)


async def _server(place: Place, clock: Callable[[], datetime], *, discard: bool) -> EpisodeIndex:
    others = await place.database.read(lambda connection: workers.live(connection, clock()))
    elsewhere = next((other for other in others if other.memory != place.memory), None)
    if elsewhere is not None:
        raise HalfConfigured(
            f"Process {elsewhere.process} on {elsewhere.host} works on this database with the index "
            f"{elsewhere.memory!r}, and this one is to use {place.memory!r}. Give all of them the same."
        )
    index = await EpisodeIndex.connect(place.memory)
    if discard:
        await index.clear()
    if discard or await index.is_empty():
        await place.database.write(episodes.forget_index, long=True)
    return index


async def _folder(place: Place, *, discard: bool) -> EpisodeIndex:
    folder = place.directory
    if discard or not folder.index_file.exists():
        # Before the index is made, so that a crash between the two forgets nothing.
        await place.database.write(episodes.forget_index, long=True)
    try:
        return await EpisodeIndex.open(folder.index, discard=discard)
    except IndexLocked:
        raise
    except IndexUnavailable as error:
        log.warning("the index in %s cannot be read and is made anew from the store: %s", folder.index, error)
        await place.database.write(episodes.forget_index, long=True)
        return await EpisodeIndex.open(folder.index, discard=True)
