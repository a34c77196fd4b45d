"""Tools of an HTTP service, read from its OpenAPI document. Start with `OpenApiSource`.

`document` fetches and keeps the document, `operations` reads it, `http` calls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urljoin

import httpx

from tools.document import DocumentCache, FetchLimits, Refused, Unavailable, Unreadable, fetch_document
from tools.errors import shorten, source_error
from tools.http import HttpCaller, open_client
from tools.operations import Operation, read_operations
from tools.selection import ToolSelection
from tools.types import Answer, Declined, Governance, JsonObject, JsonValue, Tool

_JSON_HINT = "Give the address of the OpenAPI document in JSON; a FastAPI service has it at /openapi.json."


class OpenApiSource:
    """A `ToolSource` over HTTP: OpenAPI 3.0 or 3.1 in JSON, arguments by path, query, header and JSON body."""

    def __init__(
        self,
        *,
        name: str,
        address: str,
        base_url: str | None = None,
        headers: Mapping[str, str] | None = None,
        tools: Mapping[str, ToolSelection] | None = None,
        defaults: Governance | None = None,
        cache_dir: Path | None = None,
        fetch: FetchLimits | None = None,
    ) -> None:
        """`address`: of the JSON document. `headers`: sent with every call (keys, tenants), never shown as arguments.

        `tools`: tool name -> selection; None takes every operation, under `defaults`. `base_url`: where to call when
        that is another origin than the document's. `cache_dir`: where the last good document is kept.
        """
        self.name = name
        self._address = address
        self._base_url = base_url
        self._headers = dict(headers or {})
        self._selections = tools
        self._defaults = defaults or Governance()
        self._cache = DocumentCache(cache_dir) if cache_dir is not None else None
        self._limits = fetch or FetchLimits()
        self._client = open_client()
        self._caller: HttpCaller | None = None
        self._operations: Mapping[str, Operation] = {}
        self._degraded: str | None = None

    @property
    def degraded(self) -> str | None:
        """Why the tools come from a kept document instead of the service; None when they are fresh."""
        return self._degraded

    async def tools(self) -> tuple[Tool, ...]:
        """Read the document and its tools. Raises one `SourceError` with every mistake."""
        address, base_url = self._checked_settings()
        document, fresh = await self._read(address, base_url)
        operations = read_operations(
            document,
            source=self.name,
            tools=self._selections,
            defaults=self._defaults,
            hidden_headers=frozenset(header.lower() for header in self._headers),
        )
        if fresh is not None and self._cache is not None:
            await self._keep(fresh)
        target = base_url or own_base(address, document)
        self._operations = {operation.tool.name: operation for operation in operations}
        self._caller = HttpCaller(self._client, target, self._headers)
        return tuple(operation.tool for operation in operations)

    async def call(self, tool: Tool, arguments: JsonObject, *, key: str) -> Answer:
        """Call once, within the tool's timeout; never raises for what the tool does or fails to do."""
        operation = self._operations.get(tool.name)
        if operation is None or self._caller is None:
            return Declined(error=f"source {self.name!r} has no tool {tool.name!r}", tells="nothing")
        return await self._caller.call(operation, arguments, key=key)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def _checked_settings(self) -> tuple[httpx.URL, httpx.URL | None]:
        mistakes: list[str] = []
        address = web_address(self._address, "the address of the document", mistakes)
        base_url = web_address(self._base_url, "base_url", mistakes) if self._base_url is not None else None
        for header, value in self._headers.items():
            if not (header + value).isascii() or not (header + value).isprintable() or value != value.strip():
                mistakes.append(f"header {header!r} must be printable ASCII, without spaces around its value")
        if address is None or mistakes:
            raise source_error(self.name, mistakes)
        return address, base_url

    async def _read(self, address: httpx.URL, base_url: httpx.URL | None) -> tuple[JsonValue, bytes | None]:
        """The document, and its bytes if they are fresh; else the kept one."""
        # Keys go to the service that is called, not to another place that only holds its document.
        headers = self._headers if base_url is None or _origin(base_url) == _origin(address) else {}
        self._degraded = None
        try:
            return await fetch_document(self._client, address, headers, self._limits)
        except Refused as error:
            raise source_error(self.name, [f"{self._address}: {error}"]) from error
        except Unavailable as error:
            reason = str(error)
            hint = _JSON_HINT if isinstance(error, Unreadable) else "Start the service."
        kept = None
        if self._cache is not None:
            kept = await asyncio.to_thread(self._cache.load, self.name, self._address, self._limits)
        if kept is None:
            message = f"{self._address} cannot be read ({reason}), and no earlier document is kept. {hint}"
            raise source_error(self.name, [message])
        self._degraded = f"{self.name}: document of {kept.saved_at:%Y-%m-%d %H:%M} UTC used ({reason})"
        return kept.document, None

    async def _keep(self, body: bytes) -> None:
        if self._cache is None:
            return
        try:
            await asyncio.to_thread(self._cache.save, self.name, self._address, body)
        except OSError as error:
            raise source_error(self.name, [f"the document cannot be kept: {error}"]) from error


def web_address(text: str, what: str, mistakes: list[str]) -> httpx.URL | None:
    """The address, if it is one that is asked; else None, and a mistake."""
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, TypeError) as error:
        mistakes.append(f"{what} {shorten(str(text), 200)!r} is no address: {error}")
        return None
    if url.scheme not in {"http", "https"} or not url.host or url.userinfo or url.fragment:
        mistakes.append(f"{what} {shorten(text, 200)!r} must be http(s)://host..., without user, password or fragment")
        return None
    if what == "base_url" and url.query:
        mistakes.append(f"{what} {shorten(text, 200)!r} must have no query")
        return None
    return url


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def own_base(address: httpx.URL, document: JsonValue) -> httpx.URL:
    """The first `servers` entry where it stays on the document's origin, else that origin."""
    own = address.copy_with(raw_path=b"/")
    servers = document.get("servers") if isinstance(document, Mapping) else None
    first = servers[0] if isinstance(servers, list) and servers else None
    entry = first.get("url") if isinstance(first, Mapping) else None
    if not isinstance(entry, str) or "{" in entry:
        return own
    try:
        url = httpx.URL(urljoin(str(address), entry))
    except (httpx.InvalidURL, ValueError):
        return own
    return url if _origin(url) == _origin(address) and not url.query and not url.userinfo else own
