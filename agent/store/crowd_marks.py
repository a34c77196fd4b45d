"""Marks crowds whose episodes have other rewards than before: what they say is to be worked out anew.

In the commit of the change itself, so that nobody hears what was true before.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, null, select, update

from agent.store.tables import crowds, episodes, outcomes


def graded(connection: Connection, run: str) -> None:
    """An outcome was joined to the run.

    Its episode is held, so that a crowd that is about to take it in waits, and then sees the outcome.
    """
    crowd = connection.execute(select(episodes.c.crowd).where(episodes.c.id == run).with_for_update()).scalar()
    if crowd is not None:
        changed(connection, [crowd])


def regraded(connection: Connection, tenant: str, source: str) -> None:
    """Outcomes of a source are heard no more, or again."""
    told = (
        select(episodes.c.crowd)
        .join(outcomes, outcomes.c.run == episodes.c.id)
        .where(outcomes.c.tenant == tenant, outcomes.c.source == source, episodes.c.crowd.is_not(None))
    )
    connection.execute(update(crowds).where(crowds.c.voice.in_(told)).values(**_STALE))


def drifted(connection: Connection, tenant: str, event_type: str) -> None:
    """Actions of an event type turn out otherwise than was known."""
    own = (crowds.c.tenant == tenant, crowds.c.event_type == event_type)
    connection.execute(update(crowds).where(*own).values(**_STALE))


def changed(connection: Connection, voices: Collection[str]) -> None:
    """What these crowds say is no longer so."""
    connection.execute(update(crowds).where(crowds.c.voice.in_(list(voices))).values(**_STALE))


_STALE = {"told": null(), "changes": crowds.c.changes + 1}
