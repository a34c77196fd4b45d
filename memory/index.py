"""Where like texts are found again: vectors of episodes in Chroma. Start with `EpisodeIndex.open`.

One collection per tenant and event type holds ids and vectors, nothing else; what an episode was and how it turned out
stays in the store, so the index can be thrown away and built again. One process owns a folder at a time.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
import os
import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
from chromadb.api import ClientAPI
from chromadb.api.collection_configuration import CreateCollectionConfiguration, CreateHNSWConfiguration
from chromadb.api.models.Collection import Collection
from chromadb.errors import NotFoundError
from numpy.typing import NDArray

from memory.chroma import (
    DATABASE,
    IndexUnavailable,
    Probe,
    connect,
    connect_to_server,
    disconnect,
    identity,
    remove_files,
    take_lock,
)
from memory.minilm import DIMENSIONS
from memory.vectors import TIE, Found, Vectors, nearest

_T = TypeVar("_T")

_LAYOUT = 1
"""Part of every collection's name; raised when what is stored changes, so that old vectors are never mixed with new."""
_BATCH = 1000
EXACT = 20_000
"""Episodes of one kind up to which the only owner of an index searches all of them in memory (1.5 kB each)."""
_MIRRORED = 60_000
"""Episodes of all kinds that are held in memory for that."""
_PAGE = 2_000
_TIES = 16_384
"""Equally similar episodes among which the greatest ids are sought exactly."""
_MARK_DIMENSIONS = 16
_MARK_LENGTH = 0.1


class EpisodeIndex:
    """Episode ids by the similarity of their texts. Every call waits for the calls before it."""

    def __init__(self, *, place: Path | str, lock: int | None, thread: ThreadPoolExecutor, client: ClientAPI) -> None:
        self._place = place
        """A folder of its own, or the address of a server it shares."""
        self._lock = lock
        self._thread = thread
        self._client = client
        self._file = self._identity()
        self._probe = Probe(place / DATABASE) if isinstance(place, Path) else None
        self._collections: dict[str, Collection] = {}
        self._sizes: dict[str, int] = {}
        self._mirrors: OrderedDict[str, Vectors] = OrderedDict()
        self._closed = False

    @classmethod
    async def open(cls, path: Path, *, discard: bool = False) -> EpisodeIndex:
        """Own the index in `path`, creating it where there is none; `discard` removes a damaged one first.

        Raises `IndexLocked` when another process (or another index of this one) owns the folder, `IndexUnavailable`
        when Chroma cannot read its files.
        """
        lock = take_lock(path)
        thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="episode-index")
        try:
            if discard:
                await asyncio.get_running_loop().run_in_executor(thread, remove_files, path)
            client = await asyncio.get_running_loop().run_in_executor(thread, connect, path)
            return cls(place=path, lock=lock, thread=thread, client=client)
        except BaseException:
            thread.shutdown(wait=False)
            os.close(lock)
            raise

    @classmethod
    async def connect(cls, address: str) -> EpisodeIndex:
        """Share the index of the Chroma server at this address (http or https).

        Raises `IndexUnavailable` when there is none.
        """
        thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="episode-index")
        try:
            client = await asyncio.get_running_loop().run_in_executor(thread, connect_to_server, address)
        except BaseException:
            thread.shutdown(wait=False)
            raise
        return cls(place=address, lock=None, thread=thread, client=client)

    async def is_empty(self) -> bool:
        """Whether nothing was ever stored in it."""
        return await self._run(lambda: not self._client.list_collections())

    async def add(self, tenant: str, event_type: str, ids: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Store one unit vector per id; an id already there gets the new vector."""
        if vectors.ndim != 2 or len(vectors) != len(ids) or not np.isfinite(vectors).all():
            raise ValueError(
                f"vectors of shape {vectors.shape} for {len(ids)} ids. Give one row of finite numbers per id."
            )
        rows = dict(zip(ids, vectors, strict=True))
        if rows:
            await self._run(lambda: self._add(_name(tenant, event_type), rows))

    async def query(self, tenant: str, event_type: str, vector: NDArray[np.float32], k: int) -> Found:
        """The k nearest ids with their cosine to the unit vector, nearest first.

        Of equally near ones the greatest id comes first: ids that grow with time make that the newest. Exact up to
        `EXACT` episodes of the kind where nobody else writes to the index; beyond, and on a shared server, what
        Chroma's graph finds.
        """
        if k < 1:
            return ()
        name = _name(tenant, event_type)
        return await self._run(lambda: self._query(name, vector, k), kind=name)

    async def vectors(self, tenant: str, event_type: str, ids: Sequence[str]) -> Mapping[str, NDArray[np.float32]]:
        """The unit vectors of those that are stored."""
        if not ids:
            return {}
        name = _name(tenant, event_type)
        return await self._run(lambda: self._vectors(name, ids), kind=name)

    async def remove(self, tenant: str, event_type: str, ids: Sequence[str]) -> None:
        """Forget these ids; unknown ones are no error."""
        if ids:
            await self._run(lambda: self._remove(_name(tenant, event_type), list(ids)))

    async def count(self, tenant: str, event_type: str) -> int:
        """Number of episodes stored for the tenant and event type."""
        return await self._run(lambda: self._count(_name(tenant, event_type)))

    async def clear(self) -> None:
        """Forget everything, of every tenant. Disk space is only given back by `open(discard=True)`."""
        await self._run(self._clear)

    async def aclose(self) -> None:
        """Finish what was begun, close Chroma and give the folder back. Closing twice is no error."""
        if self._closed:
            return
        self._closed = True
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, disconnect, self._client)
            if self._probe is not None:
                self._probe.close()
        finally:
            self._collections.clear()
            self._mirrors.clear()
            self._thread.shutdown(wait=True)
            if self._lock is not None:
                os.close(self._lock)

    def _identity(self) -> tuple[int, int] | None:
        return identity(self._place / DATABASE) if isinstance(self._place, Path) else None

    async def _run(self, call: Callable[[], _T], *, kind: str | None = None) -> _T:
        """The one crossing from the event loop to Chroma, which blocks; a look at a `kind` may find it in memory."""
        if self._closed:
            raise IndexUnavailable(f"The index in {self._place} is closed.")
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._guarded, call, kind)

    def _guarded(self, call: Callable[[], _T], kind: str | None) -> _T:
        # Chroma goes on answering from its open files after the folder is gone, and what it then stores is lost.
        if self._identity() != self._file:
            raise IndexUnavailable(
                f"The index in {self._place} was deleted or replaced while open. Restart, then `segue memory rebuild`."
            )
        try:
            if self._probe is not None and kind not in self._mirrors:
                self._probe.wait()
            return call()
        except sqlite3.Error as error:
            raise IndexUnavailable(
                f"The index in {self._place} is held by another program ({error}). It is used again once that lets go."
            ) from error
        except Exception as error:
            raise IndexUnavailable(
                f"The index in {self._place} failed: {error}. If this lasts, `segue memory rebuild` makes it anew."
            ) from error

    def _add(self, name: str, rows: dict[str, NDArray[np.float32]]) -> None:
        collection = self._collections.get(name) or self._client.get_or_create_collection(
            name, embedding_function=None, configuration=_graph()
        )
        self._collections[name] = collection
        self._sizes.pop(name, None)
        # What fails half-way is read again from Chroma.
        mirror, ids = self._mirrors.pop(name, None), list(rows)
        for start in range(0, len(ids), _BATCH):
            part = ids[start : start + _BATCH]
            marked = np.stack([np.concatenate([rows[one], _mark(one)]) for one in part])
            collection.upsert(ids=part, embeddings=marked)
            if mirror is not None:
                mirror.put(part, marked[:, :DIMENSIONS])
        if mirror is not None:
            self._mirrors[name] = mirror

    def _query(self, name: str, vector: NDArray[np.float32], k: int) -> Found:
        mirror = self._mirror(name)
        if mirror is not None:
            return mirror.nearest(vector, k)
        collection = self._find(name)
        total = self._count(name)
        if collection is None or total == 0:
            return ()
        point = np.concatenate([vector, np.zeros(_MARK_DIMENSIONS, np.float32)])[np.newaxis]
        wanted = min(total, 2 * k)
        while True:
            answer = collection.query(query_embeddings=point, n_results=wanted, include=["distances"])
            cosines = _cosines(cast("list[list[float]]", answer["distances"])[0])
            found = nearest(answer["ids"][0], cosines, len(cosines))
            complete = wanted >= total or len(found) <= k or found[k - 1][1] - found[-1][1] > TIE
            if complete or wanted >= _TIES:
                return found[:k]
            wanted = min(total, 4 * wanted, max(_TIES, k))

    def _mirror(self, name: str) -> Vectors | None:
        """The kind's vectors in memory; None where there are too many, or others may write some."""
        if self._lock is None:
            return None
        if self._count(name) > EXACT:
            self._mirrors.pop(name, None)
            return None
        if name not in self._mirrors:
            mirror, collection = Vectors(), self._find(name)
            for start in range(0, self._count(name) if collection else 0, _PAGE):
                ids, vectors = _page(cast(Collection, collection), limit=_PAGE, offset=start)
                mirror.put(ids, vectors)
            self._mirrors[name] = mirror
        self._mirrors.move_to_end(name)
        while sum(map(len, self._mirrors.values())) > max(_MIRRORED, len(self._mirrors[name])):
            self._mirrors.popitem(last=False)
        return self._mirrors[name]

    def _vectors(self, name: str, ids: Sequence[str]) -> Mapping[str, NDArray[np.float32]]:
        mirror, collection = self._mirror(name), self._find(name)
        if mirror is not None:
            return mirror.of(ids)
        found: dict[str, NDArray[np.float32]] = {}
        for start in range(0, len(ids) if collection else 0, _BATCH):
            wanted = list(dict.fromkeys(ids[start : start + _BATCH]))
            found |= dict(zip(*_page(cast(Collection, collection), ids=wanted), strict=True))
        return found

    def _remove(self, name: str, ids: list[str]) -> None:
        collection = self._find(name)
        self._sizes.pop(name, None)
        mirror = self._mirrors.pop(name, None)
        if collection is not None:
            for start in range(0, len(ids), _BATCH):
                collection.delete(ids=ids[start : start + _BATCH])
        if mirror is not None:
            mirror.remove(ids)
            self._mirrors[name] = mirror

    def _count(self, name: str) -> int:
        """Asked once after every write: with one owner nobody else changes it, and asking costs as much as a query."""
        if name in self._mirrors:
            return len(self._mirrors[name])
        if self._lock is None or name not in self._sizes:
            collection = self._find(name)
            self._sizes[name] = collection.count() if collection else 0
        return self._sizes[name]

    def _clear(self) -> None:
        self._collections.clear()
        self._sizes.clear()
        self._mirrors.clear()
        for collection in self._client.list_collections():
            self._client.delete_collection(collection.name)

    def _find(self, name: str) -> Collection | None:
        if name not in self._collections:
            try:
                self._collections[name] = self._client.get_collection(name, embedding_function=None)
            except NotFoundError:
                return None
        return self._collections[name]


def _page(collection: Collection, **which: Any) -> tuple[list[str], NDArray[np.float32]]:
    """Ids and vectors as `EpisodeIndex.add` got them."""
    read = collection.get(include=["embeddings"], **which)
    marked = np.asarray(read["embeddings"], np.float32).reshape(len(read["ids"]), DIMENSIONS + _MARK_DIMENSIONS)
    return read["ids"], marked[:, :DIMENSIONS]


def _graph() -> CreateCollectionConfiguration:
    """Denser and searched wider than Chroma's default: recall looks at hundreds of neighbours, not at ten."""
    return CreateCollectionConfiguration(
        hnsw=CreateHNSWConfiguration(space="cosine", ef_construction=200, ef_search=256, max_neighbors=24)
    )


def _name(tenant: str, event_type: str) -> str:
    """A collection name Chroma accepts, different for every pair whatever characters the two hold."""
    pair = json.dumps([_LAYOUT, tenant, event_type]).encode("ascii")
    return f"e{hashlib.blake2b(pair, digest_size=24).hexdigest()}"


def _mark(episode_id: str) -> NDArray[np.float32]:
    """A short vector of its own for every id, in dimensions the queries leave at zero.

    Texts made from a template are often equal, and a graph of equal points falls apart: of 2,000 equal vectors Chroma
    found 138. The marks hold such points apart; every cosine shrinks by the same factor, which `_cosines` undoes.
    """
    seed = int.from_bytes(hashlib.blake2b(episode_id.encode("utf-8", "replace"), digest_size=8).digest(), "big")
    direction = np.random.default_rng(seed).normal(size=_MARK_DIMENSIONS)
    return (_MARK_LENGTH * direction / np.linalg.norm(direction)).astype(np.float32)


def _cosines(distances: Sequence[float]) -> NDArray[np.float64]:
    return np.clip((1.0 - np.array(distances, np.float64)) * math.sqrt(1.0 + _MARK_LENGTH**2), -1.0, 1.0)
