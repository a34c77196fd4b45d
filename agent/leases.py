"""Who handles which runs: this process's lease, and the runs of those whose lease has run out. Start with `Leases`.

In one process on SQLite the lock of the data directory says that nobody else is alive; there the lease is only a note.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection

from agent.store import queue, workers
from agent.store.database import Database
from agent.store.runs import Start, lost_owners, take_over
from agent.store.workers import Worker

LEASE_S = 12.0
"""A worker that has not renewed for so long is taken for dead; another takes its runs over within a sweep."""

RENEW_S = 2.0


class LostPlace(Exception):
    """The database was gone for a while, and another Segue works on it now, with an index of its own."""


class Leases:
    """Keeps this worker alive in the store's eyes and takes over from the dead."""

    def __init__(self, database: Database, worker: Worker, clock: Callable[[], datetime], *, shared: bool) -> None:
        self.worker = worker
        self._database = database
        self._clock = clock
        self._shared = shared

    async def renew(self) -> None:
        """Be alive for another `LEASE_S`. Raises `LostPlace`."""
        if not await self._database.still_holds():
            raise LostPlace("another Segue works on this database since it was away; stop one of the two")
        await self._database.write(lambda connection: workers.beat(connection, self.worker, LEASE_S, self._clock()))

    async def take_over(self) -> tuple[Start, ...]:
        """The runs of dead workers, which are this one's now, each in its next segment."""
        if not await self._database.read(
            lambda connection: lost_owners(connection, self._live(connection)), brief=True
        ):
            return ()

        def take(connection: Connection) -> tuple[Start, ...]:
            now = self._clock()
            if self._shared:
                workers.bury(connection, now)
            return take_over(connection, self.worker.id, self._live(connection), now)

        return await self._database.write(take)

    async def leave(self) -> None:
        """Hand over what is not finished, and be gone."""

        def leave(connection: Connection) -> None:
            queue.release(connection, self.worker.id, self._clock())
            workers.leave(connection, self.worker.id)

        await self._database.write(leave)

    def _live(self, connection: Connection) -> tuple[str, ...]:
        if not self._shared:
            return (self.worker.id,)
        # Its own lease may have run out while it slept; what nobody has taken over is still its own.
        return (self.worker.id, *(worker.id for worker in workers.live(connection, self._clock())))
