"""How full the queue is, and what of a batch it knows. Start with `count_queued`."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, bindparam, func, literal_column, select

from agent.store.prepared import Prepared
from agent.store.tables import inbox, runs

# Written out, as a partial index serves no bound value; never counts further than anybody asks.
_QUEUED = select(runs.c.seq).where(runs.c.status == literal_column("'queued'")).limit(bindparam("most")).subquery()
QUEUED = Prepared(select(func.count()).select_from(_QUEUED))


def count_queued(connection: Connection, most: int) -> int:
    """How many runs of all tenants are queued, up to `most`."""
    (number,) = QUEUED.on(connection, {"most": most}).one()
    return int(number)


def known(connection: Connection, tenant: str, names: Collection[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    """Which of these events, by source and id, were accepted before."""
    found: set[tuple[str, str]] = set()
    for source in sorted({source for source, _ in names}):
        ids = [id_ for other, id_ in names if other == source]
        query = select(inbox.c.id).where(inbox.c.tenant == tenant, inbox.c.source == source, inbox.c.id.in_(ids))
        found |= {(source, id_) for id_ in connection.execute(query).scalars()}
    return frozenset(found)
