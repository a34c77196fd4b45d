"""Runs newest first without sorting them, however many there are. Start with `newest_first`.

The order is that in which their events were accepted (`runs.seq`): every index that a list goes by ends with it. What
no index answers is looked for among a bounded number of runs for each page.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Select, func, select

from agent.store.halving import SLACK, last_before
from agent.store.tables import runs

Q = TypeVar("Q", bound=Select[Any])


def newest_first(query: Q, tenant: str, *, by_subject: bool) -> Q:
    """The tenant's among the runs of `query`, in order; `by_subject`: of one subject alone."""
    mine = runs.c.tenant == tenant if by_subject else of(tenant)
    return query.where(mine).order_by(runs.c.seq.desc())


def of(tenant: str) -> ColumnElement[bool]:
    """The tenant's, where positions are the way to find them: by the index that begins with the tenant SQLite would
    go through, and sort, all of its runs.
    """
    mine: ColumnElement[bool] = runs.c.tenant.concat("") == tenant
    return mine


def newest(connection: Connection) -> int:
    """Position of the newest run of all tenants; 0 where there is none."""
    return connection.execute(select(func.max(runs.c.seq))).scalar_one_or_none() or 0


def before(connection: Connection, cursor: str) -> int:
    """Last position of the page that goes on at a cursor: a position, or the id of the last run of the page before.

    An id that is no run's any more, or was none ever, is a place in the order of ids.
    """
    if cursor.isascii() and cursor.isdigit() and len(cursor) <= LONGEST_POSITION:
        return int(cursor)
    known: int | None = connection.execute(select(runs.c.seq).where(runs.c.id == cursor)).scalar_one_or_none()
    if known is not None:
        return known - 1
    older = select(runs.c.seq).where(runs.c.id < cursor).order_by(runs.c.id.desc()).limit(1)
    found: int | None = connection.execute(older).scalar_one_or_none()
    return found or 0


LONGEST_POSITION = 18
"""Digits; ids of runs are longer."""


def within(connection: Connection, since: datetime | None, until: datetime | None) -> tuple[int, int]:
    """Positions between which all runs that began from a moment on and before another are: after the first, up to the
    second. Some others are, too.
    """
    newest_run = newest(connection)
    low = 0 if since is None else last_before(connection, runs.c.seq, runs.c.created_at, since - SLACK, newest_run)
    if until is None:
        return low, newest_run
    return low, last_before(connection, runs.c.seq, runs.c.created_at, until + SLACK, newest_run)
