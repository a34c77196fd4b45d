"""What operators do with dead letters: look, replay, discard. Start with `DeadLetters`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection

from agent.acts import of_run
from agent.doors import doer
from agent.errors import Conflict, NotFound
from agent.store import activity, dead
from agent.store.database import Database
from agent.store.dead import LetterState
from agent.store.queries import Page, Shown


class DeadLetters:
    """The runs that failed for reasons of their own."""

    def __init__(self, database: Database, clock: Callable[[], datetime], wake: Callable[[], None]) -> None:
        """`wake` is called when a run was put back into the queue."""
        self._database = database
        self._clock = clock
        self._wake = wake

    async def list(self, tenant: str, state: LetterState | None, cursor: str | None, limit: int) -> Page:
        """Letters of a state (None: of any), newest run first."""
        return await self._database.read(lambda connection: dead.list_letters(connection, tenant, state, cursor, limit))

    async def show(self, tenant: str, run: str) -> Shown:
        """A letter with its history and its run. Raises `NotFound`."""
        return _found(await self._database.read(lambda connection: dead.show_letter(connection, tenant, run)), run)

    async def replay(self, tenant: str, run: str, *, by: str) -> Shown:
        """Handle the run again; one that was replayed, or is being tried again anyway, stays as it is.

        Raises `NotFound`, and `Conflict` for a letter that was discarded.
        """
        now = self._clock()
        done_by = doer(tenant, by, now)

        def work(connection: Connection) -> Shown:
            was = dead.replay(connection, tenant, run, by, now)
            if was == "discarded":
                raise Conflict(f"the dead letter of run {run!r} was discarded; it is not replayed any more")
            if was == "open":
                activity.write(connection, done_by, "replayed", of_run(run))
            return _found(dead.find_letter(connection, tenant, run), run)

        shown = await self._database.write(work)
        self._wake()
        return shown

    async def discard(self, tenant: str, run: str, *, by: str, reason: str | None) -> Shown:
        """Give the letter up; again changes nothing. Raises `NotFound`, and `Conflict` for one that is not open."""
        now = self._clock()
        done_by = doer(tenant, by, now)

        def work(connection: Connection) -> Shown:
            state = dead.discard(connection, tenant, run, by, reason, now)
            if state in ("retrying", "replayed"):
                raise Conflict(f"the dead letter of run {run!r} is {state}; only an open one can be discarded")
            if state == "open":
                activity.write(connection, done_by, "discarded", of_run(run), reason=reason)
            return _found(dead.find_letter(connection, tenant, run), run)

        return await self._database.write(work)


def _found(shown: Shown | None, run: str) -> Shown:
    if shown is None:
        raise NotFound(f"there is no dead letter of run {run!r}")
    return shown
