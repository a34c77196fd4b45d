"""Who takes care of what waits for a person. Start with `Assigning.assign`.

An assignment is a note, not a lock: whoever may answer can, whoever has it. It ends with what it is about.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from sqlalchemy import Connection

from agent.acts import Thing, ThingKind
from agent.doors import doer
from agent.errors import Conflict, NotFound
from agent.roles import Scope
from agent.store import activity, assignments
from agent.store.assignments import Assigned, Ended, Kind
from agent.store.database import Database
from agent.store.queries import Shown, iso
from agent.store.waits import WaitKind

NEEDS: Mapping[WaitKind, Scope] = {
    "call": "approve",
    "question": "approve",
    "effect": "steer",
    "letter": "steer",
    "pause": "steer",
}
"""What whoever answers must have."""
KINDS: Mapping[WaitKind, Kind] = {"call": "approval", "question": "approval", "effect": "effect", "letter": "letter"}
"""What can be assigned, as assignments name it."""
ANSWERS: Mapping[Kind, Scope] = {"approval": "approve", "effect": "steer", "letter": "steer"}
"""What whoever is given it must have."""
THINGS: Mapping[Kind, ThingKind] = {"approval": "approval", "effect": "effect", "letter": "run"}
WORDS: Mapping[Kind, str] = {"approval": "approval", "effect": "effect", "letter": "dead letter"}


class Assigning:
    """The assignments of every tenant."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    async def assign(
        self, tenant: str, kind: Kind, item: str, *, to: str | None, held_by: str | None, by: str
    ) -> Assigned | None:
        """Give it to somebody, or (None) to nobody; who has it then. Whoever has it already keeps it.

        `held_by` has it, as far as the caller knows. Raises `NotFound`, and `Conflict` where somebody else has it by
        now, or where it waits no more.
        """
        now = self._clock()
        who = doer(tenant, by, now)
        what = f"{WORDS[kind]} {item[:80]!r}"

        def assign(connection: Connection) -> Assigned | None:
            try:
                standing = assignments.hold(connection, tenant, kind, item)
            except Ended as ended:
                raise Conflict(f"{what} is {ended} by now, so nobody has to take care of it") from None
            if standing is None:
                raise NotFound(f"there is no {what}")
            has = standing.assigned
            if to == (has and has.to):
                return has
            if held_by != (has and has.to):
                raise Conflict(_told(what, has))
            wanted = None if to is None else Assigned(to=to, by=by, since=now)
            assignments.assign(connection, tenant, kind, item, standing.run, wanted)
            thing = Thing(kind=THINGS[kind], id=item, run=standing.run)
            had = None if has is None else has.to
            activity.write(connection, who, "released" if to is None else "assigned", thing, to=to, had=had)
            return wanted

        return await self._database.write(assign)

    async def of(self, tenant: str, kind: Kind, item: str) -> Assigned | None:
        """Who has it; None where nobody does, or where it waits no more."""
        found = await self._database.read(
            lambda connection: assignments.of(connection, tenant, kind, [item]), brief=True
        )
        return found.get(item)


def _told(what: str, has: Assigned | None) -> str:
    if has is None:
        return f"nobody has {what} any more; ask again, and it can be taken"
    by = "" if has.by == has.to else f", given by {has.by!r}"
    return f"{has.to!r} has {what} since {iso(has.since)}{by}; it can be taken from them by their name"


def shown(assigned: Assigned | None) -> Shown | None:
    """As the API shows it."""
    if assigned is None:
        return None
    return {"to": assigned.to, "by": assigned.by, "since": iso(assigned.since)}
