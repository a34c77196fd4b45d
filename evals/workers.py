"""Processes that measure in parallel and end with the one that asked them. Start with `open_workers`."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

from agent.heap import look_seldom


@contextmanager
def open_workers(most: int | None = None) -> Iterator[ProcessPoolExecutor]:
    """Two more than there are cores, since much of the work waits, or `most`.

    When the block fails, what has not begun is given up.
    """
    # Spawned, not forked: whoever measures has threads of its own.
    context = multiprocessing.get_context("spawn")
    cores = os.cpu_count() or 1
    # Read when a worker loads numpy: threads of several would wait for one another.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    count = cores + 2 if most is None else min(cores, most)
    with ProcessPoolExecutor(count, mp_context=context, initializer=_begin) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _begin() -> None:
    """End with the parent, who cannot see to it when it is killed; else a worker would wait for it for ever."""
    # Next is loaded what it is to do.
    look_seldom()
    threading.Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
