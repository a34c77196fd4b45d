"""A guard on sockets, of its own beside vcrpy's: a replay that connects anywhere fails."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from evals.wire.scenes import Wire
from tests.agent.company import embedder


class NetworkUsed(OSError):
    """Something tried to reach the network in a test that has none; whoever did it sees a network that is down."""


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Refuses every connection and every look-up of a name; what was tried, which must be nothing at the end.

    A test that means to be refused clears the list.
    """
    tried: list[str] = []

    def refuse(*asked: Any, **_given: Any) -> NoReturn:
        what = repr([part for part in asked if not isinstance(part, socket.socket)])
        tried.append(what)
        raise NetworkUsed(what)

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    for name in ("getaddrinfo", "create_connection"):
        monkeypatch.setattr(socket, name, refuse)
    yield tried
    assert tried == []


@pytest.fixture
def wire(tmp_path: Path, no_network: list[str]) -> Wire:
    """Where a scene is replayed: an empty folder and no network."""
    return Wire(data=tmp_path, embedder=embedder())
