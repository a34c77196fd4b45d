"""HTTP/1.1 over kept connections with next to no work of its own, so that who measures is not what is measured.

Start with `Wire`. It talks to servers on loopback that are known to answer properly, and to no others.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from evals.bench.errors import BenchError

KEPT_S = 1.0
"""How long a connection may be idle: servers end it after some seconds, at worst just as a request is sent."""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What a server answered."""

    status: int
    body: bytes

    def json(self) -> Any:
        """Its body, parsed."""
        return json.loads(self.body)


class Wire:
    """Connections to one server; as many as there are requests at once."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._idle: list[_Connection] = []
        self._open: set[_Connection] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for connection in self._open:
            connection.close()

    async def post(self, path: str, body: Any, *, content_type: str = "application/json") -> Reply:
        """Send JSON. Raises `BenchError` when the connection breaks."""
        return await self._request("POST", path, json.dumps(body).encode(), content_type)

    async def get(self, path: str) -> Reply:
        """Ask for something."""
        return await self._request("GET", path, b"", "application/json")

    async def _request(self, method: str, path: str, body: bytes, content_type: str) -> Reply:
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n"
            f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        connection = await self._take()
        try:
            reply = await connection.exchange(head.encode() + body)
        except (OSError, EOFError, ValueError) as error:
            connection.close()
            self._open.discard(connection)
            raise BenchError(f"{method} {path} at port {self._port}: {type(error).__name__}: {error}") from error
        self._idle.append(connection)
        return reply

    async def _take(self) -> _Connection:
        while self._idle:
            kept = self._idle.pop()
            if kept.fresh:
                return kept
            kept.close()
            self._open.discard(kept)
        return await self._connect()

    async def _connect(self) -> _Connection:
        reader, writer = await asyncio.open_connection(self._host, self._port)
        connection = _Connection(reader, writer)
        self._open.add(connection)
        return connection


class _Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

        self._used_at = 0.0

    @property
    def fresh(self) -> bool:
        return time.monotonic() - self._used_at < KEPT_S and not self._reader.at_eof()

    def close(self) -> None:
        self._writer.close()

    async def exchange(self, request: bytes) -> Reply:
        reply = await self._exchange(request)
        self._used_at = time.monotonic()
        return reply

    async def _exchange(self, request: bytes) -> Reply:
        self._writer.write(request)
        lines = (await self._reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
        status = int(lines[0].split()[1])
        headers = _headers(lines[1:])
        if headers.get(b"transfer-encoding") == b"chunked":
            return Reply(status=status, body=await self._chunks())
        return Reply(status=status, body=await self._reader.readexactly(int(headers.get(b"content-length", b"0"))))

    async def _chunks(self) -> bytes:
        parts: list[bytes] = []
        while True:
            size = int((await self._reader.readuntil(b"\r\n")).split(b";")[0], 16)
            parts.append((await self._reader.readexactly(size + 2))[:-2])
            if not size:
                return b"".join(parts)


def _headers(lines: list[bytes]) -> Mapping[bytes, bytes]:
    pairs = (line.partition(b":") for line in lines if line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}
