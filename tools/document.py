"""Reading a source's OpenAPI document: bounded, retried, and kept for the day the service is down.

`fetch_document` gets it over HTTP, `DocumentCache` keeps the last good one on disk.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx

from tools.errors import shorten
from tools.jsontext import JsonError, read_json
from tools.types import JsonValue

UNAVAILABLE_STATUSES = frozenset({408, 425, 429})


@dataclass(frozen=True, kw_only=True)
class FetchLimits:
    """How hard a document is tried for, and how large it may be."""

    timeout_s: float = 10.0
    """Per attempt, all in."""
    attempts: int = 3
    pause_s: float = 0.2
    """Before the second attempt; doubled before each further one."""
    max_bytes: int = 4 * 1024 * 1024
    max_depth: int = 64


class Unavailable(Exception):
    """The service cannot give its document at the moment."""


class Unreadable(Unavailable):
    """What the service gives is no JSON: an error page that passes, or the address of something else."""


class Refused(Exception):
    """The service answers, but not with a document: a mistake in address, key or service."""


@dataclass(frozen=True, kw_only=True)
class CachedDocument:
    """The last good document, and when it was read."""

    document: JsonValue
    saved_at: datetime


async def fetch_document(
    client: httpx.AsyncClient, address: httpx.URL, headers: Mapping[str, str], limits: FetchLimits
) -> tuple[JsonValue, bytes]:
    """The document, parsed and as it came. Raises `Unavailable` after the last attempt, `Refused` at once."""
    last = Unavailable("it was not tried")
    for attempt in range(limits.attempts):
        if attempt:
            await asyncio.sleep(limits.pause_s * 2 ** (attempt - 1))
        try:
            body = await _fetch(client, address, headers, limits)
            document = await asyncio.to_thread(read_json, body, max_depth=limits.max_depth)
        except Unavailable as error:
            last = Unavailable(shorten(str(error), 300))
        except JsonError as error:
            last = Unreadable(shorten(f"the document cannot be used: {error}", 300))
        else:
            return document, body
    raise last


async def _fetch(
    client: httpx.AsyncClient, address: httpx.URL, headers: Mapping[str, str], limits: FetchLimits
) -> bytes:
    request = client.build_request(
        "GET", address, headers={**headers, "Accept": "application/json", "Accept-Encoding": "identity"}
    )
    try:
        async with asyncio.timeout(limits.timeout_s):
            response = await client.send(request, stream=True)
            try:
                _check_status(response)
                body, whole = await read_bounded(response.aiter_raw(), limits.max_bytes)
            finally:
                await response.aclose()
    except TimeoutError as error:
        raise Unavailable(f"no document within {limits.timeout_s:g} s") from error
    except (httpx.HTTPError, OSError) as error:
        raise Unavailable(f"{type(error).__name__}: {error}") from error
    if not whole:
        raise Refused(f"the document is larger than {limits.max_bytes} bytes")
    return body


def _check_status(response: httpx.Response) -> None:
    status = response.status_code
    if status >= 500 or status in UNAVAILABLE_STATUSES:
        raise Unavailable(f"HTTP {status}")
    if 300 <= status < 400:
        raise Refused(f"HTTP {status}: it redirects, which is not followed. Use the address it redirects to.")
    if status != 200:
        raise Refused(f"HTTP {status} instead of a document. Check the address and the headers.")


async def read_bounded(chunks: AsyncIterator[bytes], limit: int) -> tuple[bytes, bool]:
    """What comes up to `limit` bytes, and whether that was all; stops reading beyond."""
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > limit:
            return bytes(body[:limit]), False
    return bytes(body), True


class DocumentCache:
    """The last good document of each source, one file each in a directory of ours."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def save(self, source: str, address: str, body: bytes) -> None:
        """Replace the kept document in one move: a reader sees the old one or the new one, never half of one."""
        self._directory.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=self._directory, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(self._file(source, address))
        except BaseException:
            with suppress(OSError):
                Path(temporary).unlink()
            raise

    def load(self, source: str, address: str, limits: FetchLimits) -> CachedDocument | None:
        """The kept document, or None where there is none or it cannot be read."""
        file = self._file(source, address)
        try:
            saved_at = datetime.fromtimestamp(file.stat().st_mtime, UTC)
            document = read_json(file.read_bytes(), max_depth=limits.max_depth)
        except (OSError, JsonError):
            return None
        return CachedDocument(document=document, saved_at=saved_at)

    def _file(self, source: str, address: str) -> Path:
        digest = hashlib.sha256(f"{source}\n{address}".encode()).hexdigest()[:16]
        return self._directory / f"{re.sub(r'[^A-Za-z0-9_-]', '_', source)[:60]}-{digest}.json"
