"""Where like texts are found again: vectors of episodes in Chroma. Start with `EpisodeIndex.open`.

One collection per tenant and event type holds ids and vectors, nothing else; what an episode was and how it turned out
stays in the store, so the index can be thrown away and built again. One process owns a folder at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import json
import math
import os
import shutil
import sqlite3
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar, cast
from urllib.parse import urlsplit

import chromadb
import numpy as np
from chromadb.api import ClientAPI
from chromadb.api.client import Client
from chromadb.api.collection_configuration import CreateCollectionConfiguration, CreateHNSWConfiguration
from chromadb.api.models.Collection import Collection
from chromadb.config import Settings as ChromaSettings
from chromadb.errors import ChromaError, NotFoundError
from numpy.typing import NDArray

_T = TypeVar("_T")

_LAYOUT = 1
"""Part of every collection's name; raised when what is stored changes, so that old vectors are never mixed with new."""
_DATABASE = "chroma.sqlite3"
_LOCK = "segue.lock"
_BATCH = 1000
_LOCKED_S = 0.5
_TIES = 16_384
"""Equally similar episodes among which the greatest ids are sought exactly."""
_MARK_DIMENSIONS = 16
_MARK_LENGTH = 0.1


class IndexUnavailable(Exception):
    """The index cannot be read or written; says which folder, why, and what would help."""


class IndexLocked(IndexUnavailable):
    """Another process owns the folder; the message says which."""


class _Probe:
    """Whether somebody else has locked Chroma's database: Chroma would wait for it with Python's interpreter lock."""

    def __init__(self, file: Path) -> None:
        self._connection = sqlite3.connect(file, timeout=_LOCKED_S, isolation_level=None, check_same_thread=False)

    def wait(self) -> None:
        """Wait a moment for the lock. Raises sqlite3.Error."""
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute("ROLLBACK")

    def close(self) -> None:
        """Close."""
        self._connection.close()


class EpisodeIndex:
    """Episode ids by the similarity of their texts. Every call waits for the calls before it."""

    def __init__(self, *, place: Path | str, lock: int | None, thread: ThreadPoolExecutor, client: ClientAPI) -> None:
        self._place = place
        """A folder of its own, or the address of a server it shares."""
        self._lock = lock
        self._thread = thread
        self._client = client
        self._file = self._identity()
        self._probe = _Probe(place / _DATABASE) if isinstance(place, Path) else None
        self._collections: dict[str, Collection] = {}
        self._sizes: dict[str, int] = {}
        self._closed = False

    @classmethod
    async def open(cls, path: Path, *, discard: bool = False) -> EpisodeIndex:
        """Own the index in `path`, creating it where there is none; `discard` removes a damaged one first.

        Raises `IndexLocked` when another process (or another index of this one) owns the folder, `IndexUnavailable`
        when Chroma cannot read its files.
        """
        lock = _take_lock(path)
        thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="episode-index")
        try:
            if discard:
                await asyncio.get_running_loop().run_in_executor(thread, _remove_files, path)
            client = await asyncio.get_running_loop().run_in_executor(thread, _connect, path)
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
            client = await asyncio.get_running_loop().run_in_executor(thread, _connect_to_server, address)
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

    async def query(
        self, tenant: str, event_type: str, vector: NDArray[np.float32], k: int
    ) -> tuple[tuple[str, float], ...]:
        """The k nearest ids with their cosine to the unit vector, nearest first.

        Of equally near ones the greatest id comes first: ids that grow with time make that the newest.
        """
        if k < 1:
            return ()
        return await self._run(lambda: self._query(_name(tenant, event_type), vector, k))

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
            await asyncio.get_running_loop().run_in_executor(self._thread, _disconnect, self._client)
            if self._probe is not None:
                self._probe.close()
        finally:
            self._collections.clear()
            self._thread.shutdown(wait=True)
            if self._lock is not None:
                os.close(self._lock)

    def _identity(self) -> tuple[int, int] | None:
        return _identity(self._place / _DATABASE) if isinstance(self._place, Path) else None

    async def _run(self, call: Callable[[], _T]) -> _T:
        """The one crossing from the event loop to Chroma, which blocks."""
        if self._closed:
            raise IndexUnavailable(f"The index in {self._place} is closed.")
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._guarded, call)

    def _guarded(self, call: Callable[[], _T]) -> _T:
        # Chroma goes on answering from its open files after the folder is gone, and what it then stores is lost.
        if self._identity() != self._file:
            raise IndexUnavailable(
                f"The index in {self._place} was deleted or replaced while open. Restart, then `segue memory rebuild`."
            )
        try:
            if self._probe is not None:
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
        ids = list(rows)
        for start in range(0, len(ids), _BATCH):
            part = ids[start : start + _BATCH]
            marked = np.stack([np.concatenate([rows[one], _mark(one)]) for one in part])
            collection.upsert(ids=part, embeddings=marked)

    def _query(self, name: str, vector: NDArray[np.float32], k: int) -> tuple[tuple[str, float], ...]:
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
            complete = wanted >= total or len(found) <= k or found[k - 1][1] - found[-1][1] > 1e-5
            if complete or wanted >= _TIES:
                return found[:k]
            wanted = min(total, 4 * wanted, max(_TIES, k))

    def _remove(self, name: str, ids: list[str]) -> None:
        collection = self._find(name)
        self._sizes.pop(name, None)
        if collection is not None:
            for start in range(0, len(ids), _BATCH):
                collection.delete(ids=ids[start : start + _BATCH])

    def _count(self, name: str) -> int:
        """Asked once after every write: with one owner nobody else changes it, and asking costs as much as a query."""
        if self._lock is None or name not in self._sizes:
            collection = self._find(name)
            self._sizes[name] = collection.count() if collection else 0
        return self._sizes[name]

    def _clear(self) -> None:
        self._collections.clear()
        self._sizes.clear()
        for collection in self._client.list_collections():
            self._client.delete_collection(collection.name)

    def _find(self, name: str) -> Collection | None:
        if name not in self._collections:
            try:
                self._collections[name] = self._client.get_collection(name, embedding_function=None)
            except NotFoundError:
                return None
        return self._collections[name]


def nearest(ids: Sequence[str], cosines: NDArray[np.float64], k: int) -> tuple[tuple[str, float], ...]:
    """The k greatest cosines with their ids, nearest first; of those equal to five digits the greatest id first."""
    by_id = sorted(range(len(ids)), key=ids.__getitem__, reverse=True)
    order = np.array(by_id, np.intp)[np.argsort(-np.round(cosines[by_id], 5), kind="stable")[: max(k, 0)]]
    return tuple(zip([ids[row] for row in order.tolist()], cosines[order].tolist(), strict=True))


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


def _take_lock(path: Path) -> int:
    """The descriptor that holds the folder's lock until it is closed; the file holds the owner's process id."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise IndexUnavailable(f"The index folder {path} cannot be used: {error}. Name one that can be written.") from (
            error
        )
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        owner = os.read(lock, 32).decode("ascii", "replace").strip() or "unknown"
        os.close(lock)
        raise IndexLocked(
            f"The index in {path} is in use by process {owner}. Stop it, or talk to it over HTTP (--url)."
        ) from error
    os.ftruncate(lock, 0)
    os.write(lock, f"{os.getpid()}\n".encode())
    return lock


def _connect(path: Path) -> ClientAPI:
    """A client on the folder, proved by a first read."""
    try:
        client = _client(path)
        client.list_collections()
    except Exception as error:
        # Chroma keeps a half-started system per path and hands it out next time; a second try makes it let go.
        with contextlib.suppress(ChromaError, AttributeError, ValueError, OSError):
            _disconnect(_client(path))
        raise IndexUnavailable(
            f"The index in {path} cannot be opened: {error}. `segue memory rebuild` makes it anew from the store."
        ) from error
    return client


def _connect_to_server(address: str) -> ClientAPI:
    url = urlsplit(address)
    tls = url.scheme == "https"
    if url.scheme not in ("http", "https") or not url.hostname:
        raise IndexUnavailable(f"{address!r} is no address of a Chroma server. Write it as in http://127.0.0.1:8000.")
    try:
        settings = ChromaSettings(anonymized_telemetry=False)
        port = url.port or (443 if tls else 8000)
        client = chromadb.HttpClient(host=url.hostname, port=port, ssl=tls, settings=settings)
        client.list_collections()
    except Exception as error:
        raise IndexUnavailable(
            f"The Chroma server {address} cannot be used: {error}. Start it (`chroma run`), or name another one."
        ) from error
    return client


def _client(path: Path) -> ClientAPI:
    return chromadb.PersistentClient(path=path, settings=ChromaSettings(anonymized_telemetry=False))


def _disconnect(client: ClientAPI) -> None:
    cast(Client, client).close()


def _identity(file: Path) -> tuple[int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _remove_files(path: Path) -> None:
    """Remove what Chroma writes, and only that: its database and its folders, which are named by UUIDs."""
    for entry in path.iterdir():
        if entry.is_dir() and _is_uuid(entry.name):
            shutil.rmtree(entry)
        elif entry.name.startswith(_DATABASE):
            entry.unlink()


def _is_uuid(name: str) -> bool:
    try:
        return str(uuid.UUID(name)) == name
    except ValueError:
        return False
