"""What a world has to say for itself; everything else is the kit's. Start with `Rules`."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any, Protocol

from fastapi import APIRouter

from evals.worlds.kit.timeline import Due


class Rules(Protocol):
    """The simulated company: its tables, its tools, what happens in it, and which events it produces."""

    title: str
    description: str
    schema: str
    """`CREATE TABLE IF NOT EXISTS ...` of the world's own tables."""
    event_types: tuple[str, ...]
    reads: frozenset[str]
    """Tools that change nothing."""
    ignore_key: frozenset[str]
    """Write tools that act on every delivery, whatever its idempotency key."""

    def found(self, db: sqlite3.Connection, *, seed: int) -> None:
        """Fill the empty tables for hour 0."""

    def arrange(self, db: sqlite3.Connection, given: Mapping[str, Any]) -> None:
        """Put what a case is about into the founded world. Raises `ProblemError` for what cannot be put there."""

    def add_tools(self, router: APIRouter, db: sqlite3.Connection) -> None:
        """Add one operation per tool; a handler runs inside the delivery's transaction on `db`."""

    def make_event(self, db: sqlite3.Connection, *, type_: str, seed: int, number: int) -> Mapping[str, Any]:
        """Event `number` of a type and seed; whatever it refers to exists afterwards."""

    def happen(self, db: sqlite3.Connection, due: Due) -> None:
        """Let something scheduled happen."""

    def state(self, db: sqlite3.Connection) -> Mapping[str, Any]:
        """The world's part of `/_world/state`."""

    def add_routes(self, router: APIRouter, db: sqlite3.Connection) -> None:
        """Add `/_world` routes of its own, if any; they only read."""

    def warm_up(self) -> None:
        """Load what is slow to load; called once in a thread after start."""
