"""What a service offers by its OpenAPI document, registering and calling nothing. Start with `read_offer`."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from tools.document import FetchLimits, Refused, Unavailable, Unreadable, fetch_document
from tools.errors import shorten
from tools.http import open_client
from tools.openapi import own_base, web_address
from tools.operations import Route, describe, find_routes, read_operations, read_routes, short_name
from tools.schema import SchemaError, SchemaResolver
from tools.selection import ToolSelection
from tools.signature import read_signature
from tools.types import Governance, JsonObject, JsonValue, SourceError, ToolEffect

EXAMPLE = "http://127.0.0.1:8900/openapi.json"
LIMITS = FetchLimits(timeout_s=8.0, attempts=1)
MAX_NODES = 300_000
"""Nodes of all schemas of a document together: a few hundred rich operations."""
LONGEST_NAME = 200


class OfferError(Exception):
    """Nothing can be shown of an address; says what was asked, what is wrong and what would be right."""


@dataclass(frozen=True, kw_only=True)
class Offered:
    """One operation of the document."""

    method: str
    path: str
    name: str
    """What the document calls it, else its method and path; not yet fit for a tool."""
    written: str | None
    """How a portfolio names it; None where nothing names it alone."""
    description: str
    effect: ToolEffect
    """Guessed by the method: GET reads."""
    parameters: JsonObject | None
    """JSON Schema of the arguments; None where it cannot be called."""
    problem: str | None
    """Why it cannot be called."""

    @property
    def address(self) -> str:
        """`POST /cases`; each is there once."""
        return f"{self.method} {self.path}"


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A document and what it offers."""

    address: str
    title: str
    base: str
    """Where its operations would be called."""
    operations: tuple[Offered, ...]
    document: JsonObject
    routes: tuple[Route, ...]
    """The same as they stand in the document."""

    def finds(self, name: str, operation: Offered) -> bool:
        """Whether a portfolio that names it like this means that operation and no other."""
        found = find_routes(self.routes, name)
        return [route.address for route in found] == [operation.address]

    def mistakes(self, source: str, tools: Mapping[str, ToolSelection]) -> str | None:
        """Why a source with these tools could not be opened; None where it could."""
        try:
            read_operations(self.document, source=source, tools=tools, defaults=Governance())
        except SourceError as error:
            return str(error)
        return None


async def read_offer(address: str, headers: Mapping[str, str] | None = None, *, limits: FetchLimits = LIMITS) -> Offer:
    """Ask an address for its OpenAPI document and read it, once. Raises `OfferError`.

    Only http and https are asked, no redirect is followed, no cookie or proxy used, size and time are bounded, and
    link-local addresses, where clouds keep their secrets, are not asked.
    """
    shown = shorten(address, 200)
    mistakes: list[str] = []
    url = web_address(address.strip(), "the address", mistakes)
    if url is None:
        raise OfferError(f"{mistakes[0]}. Write it as in {EXAMPLE}.")
    await _check_host(url, limits.timeout_s)
    client = open_client()
    try:
        document, _ = await fetch_document(client, url, headers or {}, limits)
    except Unreadable as error:
        hint = "Give the address of the document in JSON; a FastAPI service has it at /openapi.json."
        raise OfferError(f"{shown} answers, but {error}. {hint}") from error
    except Refused as error:
        raise OfferError(f"{shown}: {error}") from error
    except Unavailable as error:
        raise OfferError(f"{shown} cannot be read: {error}. Is the service running, and the address right?") from error
    finally:
        await client.aclose()
    return await asyncio.to_thread(offer_of, str(url), document)


def offer_of(address: str, document: JsonValue) -> Offer:
    """What a document offers, in its order. Raises `OfferError` for what is no OpenAPI document."""
    if not isinstance(document, Mapping) or not str(document.get("openapi", "")).startswith("3."):
        raise OfferError(f"{shorten(address, 200)} is JSON, but no OpenAPI 3 document: it has no 'openapi: 3.x'.")
    try:
        routes = read_routes(document)
    except SchemaError as error:
        raise OfferError(f"{shorten(address, 200)}: the document cannot be used: {error}.") from error
    resolver = SchemaResolver(document, most=MAX_NODES)
    info = document.get("info")
    title = info.get("title") if isinstance(info, Mapping) else None
    ways = _Ways(routes)
    return Offer(
        address=address,
        title=shorten(title, LONGEST_NAME) if isinstance(title, str) else "",
        base=str(own_base(httpx.URL(address), document)),
        operations=tuple(_offered(route, ways, resolver) for route in routes),
        document=document,
        routes=tuple(routes),
    )


class _Ways:
    """How often each name occurs, so that a document of thousands is read once."""

    def __init__(self, routes: list[Route]) -> None:
        self._routes = routes
        self._of: dict[str, list[Route]] = {}
        for route in routes:
            for name in {route.operation_id, short_name(route), route.address} - {None}:
                self._of.setdefault(str(name), []).append(route)

    def written(self, route: Route) -> str | None:
        for name in (short_name(route), route.operation_id, route.address):
            fit = name is not None and name.isprintable() and name == name.strip() and len(name) <= LONGEST_NAME
            # Only names that several have can mean another one.
            if fit and name and find_routes(self._of[name], name) == [route]:
                return name
        return None


def _offered(route: Route, ways: _Ways, resolver: SchemaResolver) -> Offered:
    written, parameters, problem = ways.written(route), None, None
    try:
        parameters = read_signature(
            route.node, route.shared, path=route.path, resolver=resolver, hidden_headers=frozenset()
        ).parameters
    except SchemaError as error:
        problem = str(error)
    if written is None:
        parameters, problem = None, problem or "nothing in the document names it alone"
    return Offered(
        method=route.method,
        path=route.path,
        name=shorten(short_name(route) or route.address, LONGEST_NAME),
        written=written,
        description=describe(route),
        effect="read" if route.method == "GET" else "write",
        parameters=parameters,
        problem=problem,
    )


async def _check_host(url: httpx.URL, patience_s: float) -> None:
    """Raises `OfferError` for a host that is link-local, by itself or by what its name stands for at the moment."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(patience_s):
            found = await loop.getaddrinfo(url.host, url.port, type=socket.SOCK_STREAM)
    except TimeoutError as error:
        raise OfferError(f"the name of {shorten(url.host, 100)!r} is not found within {patience_s:g} s.") from error
    except (OSError, UnicodeError) as error:
        raise OfferError(f"there is no host {shorten(url.host, 100)!r}: {error}. Check the address.") from error
    for _, _, _, _, place in found:
        where = ipaddress.ip_address(str(place[0]).partition("%")[0])
        mapped = getattr(where, "ipv4_mapped", None) or where
        if mapped.is_link_local:
            raise OfferError(f"{shorten(url.host, 100)!r} is a link-local address, which is not asked.")
