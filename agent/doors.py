"""Who does something, and by which door they came in. Start with `doer`.

The door is bound at the edge (`through`), once for each request or act, and read where an act is written down: what
lies between is the same for all doors, and carries none of them along.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

Door: TypeAlias = Literal["api", "chat", "console", "segue"]
"""`api`: HTTP, and so every command; `segue`: nobody came in, Segue did it by itself."""

BY_ITSELF = "segue"
"""Who does what nobody asked for."""

_door: ContextVar[Door] = ContextVar("door", default="segue")


@dataclass(frozen=True, kw_only=True)
class Doer:
    """Who does something, where and when."""

    tenant: str
    name: str
    """Of the key."""
    door: Door
    at: datetime


@contextmanager
def through(door: Door) -> Iterator[None]:
    """What is done in the block, and in tasks begun in it, is done by this door."""
    before = _door.set(door)
    try:
        yield
    finally:
        _door.reset(before)


def doer(tenant: str, name: str, at: datetime) -> Doer:
    """By the door of this task; to be asked before a work is handed to the store, which runs it wherever it likes."""
    return Doer(tenant=tenant, name=name, door=_door.get(), at=at)
