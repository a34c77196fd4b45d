"""A Segue without anything behind it, for what the real one cannot be brought to do on demand: fail.

It keeps what it was asked. A test holds its methods against the real ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, cast

import httpx
from fastapi import FastAPI

from agent.events import RawEvent
from agent.service import GivenAnswer, Segue
from agent.store.inbox import Accepted
from agent.store.queries import Page, RunFilter, Shown
from api.app import build_app
from api.bodies import Limits
from api.keyfile import Key
from tools.types import JsonValue


@dataclass
class StandIn:
    """Answers with nothing, or fails as it was told to."""

    asked: list[tuple[object, ...]] = field(default_factory=list)
    broken: dict[str, Exception] = field(default_factory=dict)
    unwell: dict[str, str] = field(default_factory=dict)
    found: Shown = field(default_factory=dict)

    def _ask(self, name: str, *given: object) -> None:
        self.asked.append((name, *given))
        if name in self.broken:
            raise self.broken[name]

    async def accept(self, tenant: str, batch: Sequence[RawEvent], *, by: str | None = None) -> tuple[Accepted, ...]:
        """A run for each."""
        self._ask("accept", tenant, *batch)
        return tuple(Accepted(source=raw.source, id=raw.id, run="r-1", outcome=None, duplicate=False) for raw in batch)

    async def runs(self, tenant: str, wanted: RunFilter, cursor: str | None, limit: int) -> Page:
        """None."""
        self._ask("runs", tenant, wanted, cursor, limit)
        return Page(items=[], next=None)

    async def run(self, tenant: str, run: str) -> Shown:
        """Whatever was found."""
        self._ask("run", tenant, run)
        return self.found

    async def health(self) -> Mapping[str, str]:
        """As it was told."""
        self._ask("health")
        return self.unwell

    async def answer(self, tenant: str, approval_id: str, given: GivenAnswer) -> Shown:
        """Whatever was found."""
        self._ask("answer", tenant, approval_id, given)
        return self.found

    async def settle(
        self,
        tenant: str,
        key: str,
        *,
        state: Literal["done", "failed"],
        result: JsonValue,
        reason: str | None,
        by: str,
    ) -> Shown:
        """Whatever was found."""
        self._ask("settle", tenant, key, state, result, reason, by)
        return self.found


def app_over(stand_in: StandIn, *, keys: tuple[Key, ...] | None = None, limits: Limits | None = None) -> FastAPI:
    """The app over it."""
    return build_app(cast("Segue", stand_in), keys=keys, limits=limits)


def client_for(app: FastAPI, url: str = "http://127.0.0.1:8800") -> httpx.AsyncClient:
    """A client that asks the app without a socket between."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=url)
