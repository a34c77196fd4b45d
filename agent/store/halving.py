"""From a moment to a position in rows that were numbered as they came, without an index on moments."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Column, Connection, select

SLACK = timedelta(minutes=1)
"""By how much moments may be out of the order of their positions: clocks differ."""


def last_before(
    connection: Connection, position: Column[int], at: Column[datetime], moment: datetime, newest: int
) -> int:
    """The last position whose row is of before the moment, 0 if none is; found by halving up to `newest`."""
    low, high = 0, newest
    while low < high:
        middle = (low + high + 1) // 2
        query = select(position, at).where(position <= middle).order_by(position.desc()).limit(1)
        row = connection.execute(query).one_or_none()
        if row is None or row[1] < moment:
            low = middle
        else:
            high = row[0] - 1
    return low
