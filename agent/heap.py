"""Memory of a process that lives long. Start with `few_arenas`, before any thread is there."""

from __future__ import annotations

import ctypes
import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager

ARENAS = 2

M_ARENA_MAX = -8
"""glibc's number for it (malloc.h)."""

YOUNG_OBJECTS = 10_000
"""So many new ones before garbage is looked for among them: Python's own 700 are made in a millisecond."""


def few_arenas() -> bool:
    """Let all threads share `ARENAS` heaps; False where the C library has none, or the environment says how many.

    Else glibc gives each thread a heap of its own, and what was freed in one is of no use to the others: 26 MB after
    5,000 runs.
    """
    if "MALLOC_ARENA_MAX" in os.environ:
        return False
    try:
        return bool(ctypes.CDLL(None).mallopt(M_ARENA_MAX, ARENAS))
    except (AttributeError, OSError, TypeError):
        return False


@contextmanager
def loading() -> Iterator[None]:
    """Look for no garbage while modules are loaded: there is hardly any, and the looks take a fifth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def keep_what_is_loaded() -> None:
    """Look no more for garbage in what the start has loaded: a look at all of it takes a fifth of a second."""
    gc.collect()
    gc.freeze()
    look_seldom()


def look_seldom() -> None:
    """Look for garbage among `YOUNG_OBJECTS` new ones, instead of among 700."""
    gc.set_threshold(YOUNG_OBJECTS, 10, 10)
