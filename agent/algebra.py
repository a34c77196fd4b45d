"""Threads of the linear algebra in a process that recalls. Start with `one_algebra_thread`."""

from __future__ import annotations

import os

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

SETTINGS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def one_algebra_thread() -> bool:
    """Let numpy multiply and solve on the thread that asks; False where the environment says how many it may use.

    What recall computes takes less than a millisecond. Shared among threads it waits for the slowest, which on a busy
    machine has no core: solving 165 equations took 260 ms at the 99th percentile instead of 6.
    """
    if any(name in os.environ for name in SETTINGS):
        return False
    threadpool_limits(1, user_api="blas")
    return True
