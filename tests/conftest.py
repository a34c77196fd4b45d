"""A process that runs tests lives as long as a server, and keeps what it loaded as one does (`agent.heap`)."""

from __future__ import annotations

import gc

from agent import durable
from agent.heap import keep_what_is_loaded

# While tests are collected all of Segue is loaded, as in `agent.heap.loading`.
gc.disable()

# Tests close hundreds of engines, each of which waits for this long.
durable.LISTENS_EVERY_S = 0.02


def pytest_collection_finish() -> None:
    """Look for garbage from now on, and only in what tests make."""
    gc.enable()
    keep_what_is_loaded()
