"""Who may do what: API keys, scopes, tenants. Start with `Access.caller`; routes say `Reader`, `Steerer` and so on."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, cast

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes

from agent.assigning import ANSWERS
from agent.errors import Refused
from agent.roles import SCOPES, Role, Scope, lacks, role_of
from agent.service import Segue
from agent.store.assignments import Kind
from api.bodies import Limits
from api.keyfile import DEFAULT_TENANT, Key, key_hash
from api.problems import Forbidden, Unauthorized

NAMED = 12
"""Names that an error tells."""
BEARER = HTTPBearer(auto_error=False, description="An API key of `segue keys new`.")
HEADER = APIKeyHeader(name="X-API-Key", auto_error=False, description="The same key, for senders without Bearer.")


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who asks."""

    name: str
    """Name of the key; written beside every answer the caller gives."""
    tenant: str
    scopes: frozenset[Scope]

    @property
    def role(self) -> Role | None:
        """The role that permits exactly what the key does; None where no role does."""
        return role_of(self.scopes)

    def require(self, scope: Scope) -> None:
        """Raises `Forbidden` without the scope."""
        if scope not in self.scopes:
            raise Forbidden(f"the key {self.name!r} lacks {lacks(scope, self.scopes)}")


ANYONE = Caller(name="operator", tenant=DEFAULT_TENANT, scopes=frozenset(SCOPES))
"""Whoever asks where no keys are in use."""


class Access:
    """The known keys; without any, everybody may do everything (on loopback only, see `api.server`)."""

    def __init__(self, keys: Sequence[Key] | None) -> None:
        self._keys = None if keys is None else tuple(keys)

    @property
    def open_to_all(self) -> bool:
        """Whether no keys are in use."""
        return self._keys is None

    @property
    def tenants(self) -> frozenset[str]:
        """Whoever has a key, or the one there is without keys."""
        return frozenset(key.tenant for key in self._keys or ()) or frozenset({DEFAULT_TENANT})

    def caller(self, presented: Sequence[str]) -> Caller:
        """Who presents these keys. Raises `Unauthorized`."""
        if self._keys is None:
            return ANYONE
        if not presented:
            raise Unauthorized("send an API key as 'Authorization: Bearer KEY' or 'X-API-Key: KEY'")
        found = [self._find(key) for key in presented]
        first = found[0]
        if first is None or any(other is not first for other in found):
            raise Unauthorized("the API key is not known")
        return Caller(name=first.name, tenant=first.tenant, scopes=first.scopes)

    def people(self, tenant: str, scope: Scope) -> tuple[str, ...] | None:
        """Names of the tenant's keys that have the scope; None where no keys are in use, so that any name will do."""
        if self._keys is None:
            return None
        return tuple(sorted(key.name for key in self._keys if key.tenant == tenant and scope in key.scopes))

    def check_answers(self, tenant: str, kind: Kind, name: str) -> None:
        """Raises `Refused` for somebody who has no key that may answer things of this kind."""
        scope = ANSWERS[kind]
        people = self.people(tenant, scope)
        if people is not None and name not in people:
            right = f"Right: {', '.join(people[:NAMED])}." if people else "Nobody has such a key."
            raise Refused(f"{name!r} has no key with the scope {scope!r}, which whoever answers this needs. {right}")

    def _find(self, presented: str) -> Key | None:
        """Compares with every key, so that the time taken says nothing."""
        digest = key_hash(presented)
        found: Key | None = None
        for key in self._keys or ():
            if hmac.compare_digest(key.sha256, digest):
                found = key
        return found


async def presented_keys(
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)],
    header: Annotated[str | None, Depends(HEADER)],
) -> list[str]:
    """Every key the request carries."""
    return [key for key in (bearer.credentials if bearer else None, header) if key is not None]


async def authorize(
    scopes: SecurityScopes, request: Request, presented: Annotated[list[str], Depends(presented_keys)]
) -> Caller:
    """The caller, who has the scopes the route asks for. Raises `Unauthorized`, `Forbidden`."""
    return _permitted(request, presented, cast("Sequence[Scope]", scopes.scopes))


async def authorized(request: Request, scope: Scope) -> Caller:
    """What `authorize` says, for a route that asks for itself and says so with `needs`."""
    return _permitted(request, await presented_keys(await BEARER(request), await HEADER(request)), [scope])


def needs(scope: Scope) -> dict[str, Any]:
    """What the OpenAPI document says of a route that asks for itself."""
    return {"security": [{"HTTPBearer": [scope]}, {"APIKeyHeader": [scope]}]}


def _permitted(request: Request, presented: Sequence[str], scopes: Sequence[Scope]) -> Caller:
    access = cast("Access", request.app.state.access)
    caller = access.caller(presented)
    for scope in scopes:
        caller.require(scope)
    return caller


async def _segue(request: Request) -> Segue:
    return cast("Segue", request.app.state.segue)


async def _limits(request: Request) -> Limits:
    return cast("Limits", request.app.state.limits)


Reader = Annotated[Caller, Security(authorize, scopes=["read"])]
Steerer = Annotated[Caller, Security(authorize, scopes=["steer"])]
Approver = Annotated[Caller, Security(authorize, scopes=["approve"])]
Governor = Annotated[Caller, Security(authorize, scopes=["govern"])]
Presented = Annotated[list[str], Depends(presented_keys)]
Opened = Annotated[Segue, Depends(_segue)]
Bounds = Annotated[Limits, Depends(_limits)]
