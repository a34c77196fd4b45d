"""Sources as operators see them, with how much came from each. Start with `list_sources`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from sqlalchemy import Connection, Subquery, func, literal, not_, select, union_all

from agent.store.queries import Page, Shown, iso
from agent.store.sources import silenced
from agent.store.tables import episodes, lessons, outcomes, turns
from agent.store.tables import revoked_sources as revoked

SourceState: TypeAlias = Literal["trusted", "revoked"]

MOST_HINTED = 2_000
"""Sources among which the nearest to an unknown one is sought."""

NEVER: Shown = {"state": "trusted", "by": None, "reason": None, "since": None, "history": []}
"""What is told of a source that was never revoked."""


def names(connection: Connection, tenant: str) -> tuple[str, ...]:
    """Some of the sources there are, for a hint."""
    heard = _heard(tenant)
    return tuple(connection.execute(select(heard.c.source).distinct().limit(MOST_HINTED)).scalars())


def list_sources(
    connection: Connection, tenant: str, state: SourceState | None, cursor: str | None, limit: int
) -> Page:
    """Sources in order of name, with how much came from each; the cursor counts those before the page."""
    start = int(cursor or 0)
    heard = _heard(tenant)
    query = (
        select(
            heard.c.source, func.sum(heard.c.episodes).label("episodes"), func.sum(heard.c.outcomes).label("outcomes")
        )
        .group_by(heard.c.source)
        .order_by(heard.c.source)
        .offset(start)
        .limit(limit + 1)
    )
    if state is not None:
        now = silenced(literal(tenant), heard.c.source)
        query = query.where(now if state == "revoked" else not_(now))
    rows = connection.execute(query).all()
    known = _changed(connection, tenant, [row.source for row in rows])
    items = [
        {"source": row.source, "episodes": int(row.episodes), "outcomes": int(row.outcomes)}
        | known.get(row.source, NEVER)
        for row in rows
    ]
    return Page(items=items[:limit], next=str(start + limit) if len(items) > limit else None)


def show_source(connection: Connection, tenant: str, source: str) -> Shown:
    """One source, with how much came from it."""
    counted = {
        name: connection.execute(
            select(func.count()).where(table.c.tenant == tenant, table.c.source == source)
        ).scalar_one()
        for name, table in (("episodes", episodes), ("outcomes", outcomes))
    }
    return {"source": source, **counted, **_changed(connection, tenant, [source]).get(source, NEVER)}


def touched(connection: Connection, tenant: str, source: str) -> Shown:
    """`episodes` by event type, `outcomes`, and of the standing `lessons` how many rest on it in part, or alone,
    and of the latter those that are `worded` by an operator, who vouches for them.
    """
    by_type = (
        select(episodes.c.event_type, func.count())
        .where(episodes.c.tenant == tenant, episodes.c.source == source)
        .group_by(episodes.c.event_type)
        .order_by(episodes.c.event_type)
    )
    sent = select(func.count()).where(outcomes.c.tenant == tenant, outcomes.c.source == source)
    standing = select(lessons.c.sources, lessons.c.origin).where(
        lessons.c.tenant == tenant, lessons.c.state != "retired"
    )
    rest = [
        (len(row.sources) > 1, row.origin == "operator")
        for row in connection.execute(standing)
        if source in row.sources
    ]
    return {
        "source": source,
        "episodes": {row[0]: row[1] for row in connection.execute(by_type)},
        "outcomes": connection.execute(sent).scalar_one(),
        "lessons": {
            "in_part": sum(others for others, _ in rest),
            "alone": sum(not others and not worded for others, worded in rest),
            "worded": sum(not others and worded for others, worded in rest),
        },
    }


def _changed(connection: Connection, tenant: str, sources: Sequence[str]) -> dict[str, Shown]:
    rows = connection.execute(select(revoked).where(revoked.c.tenant == tenant, revoked.c.source.in_(list(sources))))
    return {
        row.source: {
            "state": "revoked" if row.revoked else "trusted",
            "by": row.by,
            "reason": row.reason,
            "since": iso(row.since),
            "history": row.history,
        }
        for row in rows
    }


def _heard(tenant: str) -> Subquery:
    """Source, episodes, outcomes: several rows for a source."""
    nothing = literal(0)
    return union_all(
        select(episodes.c.source, func.count().label("episodes"), nothing.label("outcomes"))
        .where(episodes.c.tenant == tenant)
        .group_by(episodes.c.source),
        select(outcomes.c.source, nothing, func.count()).where(outcomes.c.tenant == tenant).group_by(outcomes.c.source),
        select(turns.c.source, nothing, nothing).where(turns.c.tenant == tenant, turns.c.source != "").distinct(),
        select(revoked.c.source, nothing, nothing).where(revoked.c.tenant == tenant),
    ).subquery()
