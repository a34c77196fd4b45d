"""The operations of an OpenAPI document as tools. Start with `read_operations`; `signature` reads one operation.

Names are found by `operationId`, by `METHOD /path`, or by the function name FastAPI puts before path and method; that
function name is also what a tool is called where all operations are taken.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tools.errors import shorten, source_error
from tools.schema import SchemaError, SchemaResolver
from tools.selection import ToolSelection
from tools.signature import Signature, read_signature
from tools.types import Governance, JsonObject, JsonValue, Tool

METHODS = ("get", "put", "post", "delete", "patch")
MAX_OPERATIONS = 2_000
MAX_DESCRIPTION = 4_000


@dataclass(frozen=True, kw_only=True)
class Operation:
    """A tool and how its call becomes an HTTP request."""

    tool: Tool
    method: str
    path: str
    """Template that follows the base URL: `/customers/{customer_id}`."""
    signature: Signature


@dataclass(frozen=True, kw_only=True)
class Route:
    """An operation where it stands in the document, not yet read."""

    method: str
    path: str
    operation_id: str | None
    node: JsonObject
    shared: JsonValue
    """Parameters written beside the methods, valid for all of them."""

    @property
    def address(self) -> str:
        """`POST /cases`."""
        return f"{self.method} {self.path}"


def read_operations(
    document: JsonValue,
    *,
    source: str,
    tools: Mapping[str, ToolSelection] | None,
    defaults: Governance,
    hidden_headers: frozenset[str] = frozenset(),
) -> tuple[Operation, ...]:
    """The selected operations, or all under `defaults`. Raises one `SourceError` with every mistake.

    `hidden_headers` (lower case) are sent by the source itself and are no arguments.
    """
    if not isinstance(document, Mapping) or not str(document.get("openapi", "")).startswith("3."):
        raise source_error(source, ["the document is no OpenAPI 3 document: it has no 'openapi: 3.x'"])
    try:
        routes = read_routes(document)
    except SchemaError as error:
        raise source_error(source, [str(error)]) from error
    resolver = SchemaResolver(document)
    mistakes: list[str] = []
    operations: list[Operation] = []
    chosen = _everything(routes, defaults, mistakes) if tools is None else _selected(routes, tools, mistakes)
    for name, (route, selection) in chosen.items():
        try:
            signature = read_signature(
                route.node, route.shared, path=route.path, resolver=resolver, hidden_headers=hidden_headers
            )
        except SchemaError as error:
            hint = "" if tools is not None else ". Leave it out: list the operations you want under 'tools'"
            mistakes.append(f"tool {name!r} ({route.address}): {error}{hint}")
            continue
        mistakes += _choice_mistakes(name, selection.governance, signature)
        tool = _tool(name, route, selection, signature, source)
        operations.append(Operation(tool=tool, method=route.method, path=route.path, signature=signature))
    if mistakes:
        raise source_error(source, mistakes)
    return tuple(operations)


def read_routes(document: JsonObject) -> list[Route]:
    """Every operation where it stands. Raises `SchemaError`."""
    paths = document.get("paths", {})
    if not isinstance(paths, Mapping):
        raise SchemaError("'paths' must map paths to operations")
    routes = []
    for path, item in paths.items():
        if not isinstance(item, Mapping):
            raise SchemaError(f"path {shorten(path, 100)!r} must be an object")
        for method in METHODS:
            node = item.get(method)
            if isinstance(node, Mapping):
                identifier = node.get("operationId")
                routes.append(
                    Route(
                        method=method.upper(),
                        path=path,
                        operation_id=identifier if isinstance(identifier, str) else None,
                        node=node,
                        shared=item.get("parameters", []),
                    )
                )
    if len(routes) > MAX_OPERATIONS:
        raise SchemaError(f"{len(routes)} operations; at most {MAX_OPERATIONS} are read")
    return routes


def _everything(
    routes: list[Route], defaults: Governance, mistakes: list[str]
) -> dict[str, tuple[Route, ToolSelection]]:
    chosen: dict[str, tuple[Route, ToolSelection]] = {}
    short = Counter(short_name(route) for route in routes)
    short.update({route.operation_id for route in routes if route.operation_id != short_name(route)})
    for route in routes:
        name = short_name(route)
        if short[name] > 1:
            name = route.operation_id
        if name is None:
            mistakes.append(
                f"{route.address} has no operationId. List it under 'tools' with a name and its 'operation'."
            )
        elif name in chosen:
            mistakes.append(f"operationId {name!r} stands at {chosen[name][0].address} and at {route.address}")
        else:
            chosen[name] = (route, ToolSelection(governance=defaults))
    return chosen


def _selected(
    routes: list[Route], tools: Mapping[str, ToolSelection], mistakes: list[str]
) -> dict[str, tuple[Route, ToolSelection]]:
    chosen: dict[str, tuple[Route, ToolSelection]] = {}
    for name, selection in tools.items():
        wanted = selection.operation or name
        found = find_routes(routes, wanted)
        if len(found) == 1:
            chosen[name] = (found[0], selection)
        elif found:
            places = ", ".join(route.address for route in found)
            mistakes.append(
                f"tool {name!r}: {wanted!r} is ambiguous: {places}. Write the 'operation' as 'METHOD /path'."
            )
        else:
            mistakes.append(f"tool {name!r}: the document has no operation {wanted!r}. {_near(routes, wanted)}")
    return chosen


def find_routes(routes: Sequence[Route], wanted: str) -> list[Route]:
    """By operationId, else by method and path, else by the function's name in an operationId FastAPI made."""
    by_id = [route for route in routes if route.operation_id == wanted]
    if by_id:
        return by_id
    method, _, path = wanted.partition(" ")
    if path:
        return [route for route in routes if route.method == method.upper() and route.path == path.strip()]
    return [route for route in routes if route.operation_id == wanted + _fastapi_suffix(route)]


def _fastapi_suffix(route: Route) -> str:
    return f"{re.sub(r'[^0-9A-Za-z_]', '_', route.path)}_{route.method.lower()}"


def short_name(route: Route) -> str | None:
    """The operationId, without the path and method that FastAPI appends where the service names none itself."""
    identifier = route.operation_id
    return None if identifier is None else identifier.removesuffix(_fastapi_suffix(route)) or identifier


def _near(routes: list[Route], wanted: str) -> str:
    names = [route.operation_id for route in routes if route.operation_id] + [route.address for route in routes]
    near = difflib.get_close_matches(wanted[:100], [name[:200] for name in names], n=5, cutoff=0.4)
    if near:
        return f"Near matches: {', '.join(near)}."
    return f"It has: {', '.join(shorten(name, 80) for name in names[:10])}." if names else "It has no operations."


def _choice_mistakes(name: str, governance: Governance, signature: Signature) -> list[str]:
    known = signature.parameters["properties"]
    names = list(known) if isinstance(known, Mapping) else []
    return [
        f"tool {name!r}: 'choice' names {choice!r}, which is no argument. Use one of: {', '.join(names) or 'none'}."
        for choice in governance.choice
        if choice not in names
    ]


def _tool(name: str, route: Route, selection: ToolSelection, signature: Signature, source: str) -> Tool:
    return Tool(
        name=name,
        description=selection.description or describe(route),
        parameters=signature.parameters,
        returns=signature.returns,
        source=source,
        governance=selection.governance,
    )


def describe(route: Route) -> str:
    """What the document says of it, else where it stands."""
    summary, text = (str(route.node.get(key) or "").strip() for key in ("summary", "description"))
    if text.startswith(summary):
        summary = ""
    joined = "\n".join(part for part in (summary, text) if part)
    lines = [shorten(line, MAX_DESCRIPTION) for line in joined[:MAX_DESCRIPTION].splitlines()]
    return "\n".join(lines).strip() or route.address
