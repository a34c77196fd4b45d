"""Results of calls that are too large for a row: kept once per tenant and content, compressed. Start with `pack`.

In `effects.result` a large result leaves its excerpt (`excerpt_of`), and in `effects.large_result` its digest.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
import zlib
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import Connection, select

from agent.storable import clean, json_text
from agent.store.dialects import INSERT
from agent.store.tables import large_results
from tools.types import JsonObject, JsonValue

LARGE_BYTES = 16 * 1024
"""Bytes of JSON above which a result is kept apart."""
PREVIEW_CHARS = 2_000
KEPT_BYTES = 32 * 1024 * 1024
"""Bytes of JSON, all results together, that a process keeps read."""

Reader: TypeAlias = Callable[[Connection, str, Collection[str]], Mapping[str, JsonValue]]
"""Gives the whole results of a tenant by their digests."""


@dataclass(frozen=True, kw_only=True)
class Large:
    """A result that is kept apart."""

    digest: str
    """SHA-256 of its JSON text, in hex."""
    body: bytes
    bytes: int
    """Length of the JSON text, before it was compressed."""


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A result as the store takes it."""

    value: JsonValue
    """What stands in the effect's row: the result, or the excerpt of a large one."""
    large: Large | None = None

    @property
    def digest(self) -> str | None:
        """What the effect's row refers to."""
        return None if self.large is None else self.large.digest


async def pack(result: JsonValue) -> Stored:
    """Make a result ready to be stored, before the transaction: compressing takes its time, in a thread."""
    text = json_text(result)
    return Stored(value=result) if len(text) <= LARGE_BYTES else await asyncio.to_thread(_compress, text, result)


def _compress(text: str, result: JsonValue) -> Stored:
    raw = text.encode()
    large = Large(digest=hashlib.sha256(raw).hexdigest(), body=zlib.compress(raw, 1), bytes=len(raw))
    # From the value, not the text: that is ASCII, and half of an escape says nothing.
    preview = clean(json.dumps(result, ensure_ascii=False)[:PREVIEW_CHARS])
    excerpt: JsonObject = {"large": True, "bytes": large.bytes, "digest": large.digest, "preview": preview}
    return Stored(value=excerpt, large=large)


def excerpt_of(excerpt: JsonObject) -> str:
    """The excerpt as deciders see it where the whole result would be too much: a text, which has no fields."""
    return f"a large result of {excerpt['bytes']} bytes that begins: {excerpt['preview']}"


def put(connection: Connection, tenant: str, stored: Stored, now: datetime) -> None:
    """Keep the body of a large result, once; of a small one there is nothing to keep.

    One that is there is marked as stored now, so that no pruning that goes on beside takes it for unused.
    """
    if stored.large is None:
        return
    large = stored.large
    row = {"tenant": tenant, "digest": large.digest, "body": large.body, "bytes": large.bytes, "created_at": now}
    connection.execute(
        INSERT[connection.dialect.name](large_results)
        .values(**row)
        .on_conflict_do_update(index_elements=["tenant", "digest"], set_={"created_at": now})
    )


def read(connection: Connection, tenant: str, digests: Collection[str]) -> Mapping[str, JsonValue]:
    """Whole results by their digests. Raises LookupError for one that is not there."""
    return {digest: json.loads(raw) for digest, raw in _texts(connection, tenant, digests)}


def _texts(connection: Connection, tenant: str, digests: Collection[str]) -> Iterator[tuple[str, bytes]]:
    missing = set(digests)
    if missing:
        wanted = (large_results.c.tenant == tenant, large_results.c.digest.in_(list(missing)))
        for row in connection.execute(select(large_results.c.digest, large_results.c.body).where(*wanted)):
            missing.discard(row.digest)
            yield row.digest, zlib.decompress(row.body)
    if missing:
        raise LookupError(f"the store has lost the large result {min(missing)!r} of tenant {tenant!r}")


class NotKept(Exception):
    """A large result would have to be read from the store."""


class LargeResults:
    """Reads large results and keeps those used last: the decisions of one run mostly see the same ones."""

    def __init__(self, most_bytes: int = KEPT_BYTES) -> None:
        self._most_bytes = most_bytes
        self._kept: OrderedDict[tuple[str, str], tuple[JsonValue, int]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def read(self, connection: Connection, tenant: str, digests: Collection[str]) -> Mapping[str, JsonValue]:
        """As `read`. What is given back is shared: nobody changes it."""
        with self._lock:
            found = {digest: self._kept[tenant, digest][0] for digest in digests if (tenant, digest) in self._kept}
            for digest in found:
                self._kept.move_to_end((tenant, digest))
        for digest, raw in _texts(connection, tenant, [digest for digest in digests if digest not in found]):
            found[digest] = json.loads(raw)
            self._keep(tenant, digest, found[digest], len(raw))
        return found

    def kept(self, _connection: Connection, tenant: str, digests: Collection[str]) -> Mapping[str, JsonValue]:
        """As `read`, of what is kept. Raises `NotKept`: reading takes some 10 ms a megabyte."""
        with self._lock:
            if any((tenant, digest) not in self._kept for digest in digests):
                raise NotKept
            for digest in digests:
                self._kept.move_to_end((tenant, digest))
            return {digest: self._kept[tenant, digest][0] for digest in digests}

    def _keep(self, tenant: str, digest: str, value: JsonValue, size: int) -> None:
        with self._lock:
            if (tenant, digest) in self._kept:
                return
            self._kept[tenant, digest] = (value, size)
            self._bytes += size
            while self._bytes > self._most_bytes:
                _, (_, freed) = self._kept.popitem(last=False)
                self._bytes -= freed
