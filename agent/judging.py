"""What operators say of a run: an outcome of a type of the portfolio, or a thumb. Start with `Judging.outcome`.

It goes by the inbox like every outcome, and is joined, graded and superseded as they are; only its run is given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from agent.accepting import BatchError
from agent.acts import of_run
from agent.canonical import digest
from agent.doors import doer
from agent.errors import Conflict, NotFound
from agent.events import OWN, EventError, RawEvent, parse_event
from agent.ids import new_id
from agent.portfolio.mistakes import suggest
from agent.portfolio.model import OutcomeType
from agent.store import activity, judgements
from agent.store.database import Database
from agent.store.inbox import Accepted, EventConflict, Incoming
from agent.store.judgements import Judged
from agent.store.queries import Shown
from agent.thumbs import THUMB, THUMB_SCHEMA, Thumb
from tools.types import JsonObject

OPERATORS = f"{OWN}operator:"
"""How the sources of what operators say begin; no event from outside may have such a source."""


@dataclass(frozen=True, kw_only=True)
class GivenOutcome:
    """An outcome as an operator sent it."""

    type: str
    data: JsonObject
    id: str | None
    """Makes sending it again the same outcome; None: what was said last is not said twice."""
    by: str


def thumb(which: Thumb, reason: str | None, *, id: str | None, by: str) -> GivenOutcome:
    """An operator's judgement of a run as a whole."""
    data: JsonObject = {"thumb": which} if reason is None else {"thumb": which, "reason": reason}
    return GivenOutcome(type=THUMB, data=data, id=id, by=by)


class Judging:
    """Takes what operators say."""

    def __init__(
        self,
        database: Database,
        outcomes: Mapping[str, OutcomeType],
        clock: Callable[[], datetime],
        came: Callable[[], None],
    ) -> None:
        """`outcomes` are the portfolio's types; `came` is called when one waits to be joined."""
        self._database = database
        self._outcomes = outcomes
        self._clock = clock
        self._came = came

    async def outcome(self, tenant: str, run: str, given: GivenOutcome) -> Shown:
        """Store an outcome of exactly this run, whatever its subject and window; it supersedes those before.

        Raises `NotFound`, `Conflict` for a run that decided nothing, `BatchError` for bad data or a known id with
        another content.
        """
        found = await self._database.read(lambda connection: judgements.find(connection, tenant, run), brief=True)
        if found is None:
            raise NotFound(f"there is no run {run!r}")
        if not found.decided:
            raise Conflict(f"run {run!r} has decided nothing, so there is nothing an outcome could be of")
        incoming = self._incoming(run, found, given)
        done_by = doer(tenant, given.by, self._clock())

        def take(connection: Connection) -> Accepted:
            accepted = judgements.take(connection, tenant, incoming, named=given.id is not None)
            if not accepted.duplicate:
                activity.write(connection, done_by, "judged", of_run(run), outcome=accepted.outcome, **_said(given))
            return accepted

        try:
            accepted = await self._database.write(take, urgent=True)
        except EventConflict as error:
            raise BatchError("conflict", {0: str(error)}) from error
        self._came()
        return {"run": run, "outcome": accepted.outcome, "duplicate": accepted.duplicate}

    def _incoming(self, run: str, found: Judged, given: GivenOutcome) -> Incoming:
        new = new_id()
        raw = RawEvent(
            source=f"{OPERATORS}{given.by}",
            id=given.id or new,
            type=given.type,
            subject=found.subject,
            time=None,
            data=given.data,
        )
        try:
            event, body_hash = parse_event(raw, {given.type: self._schema(found, given)}, self._clock())
        except EventError as error:
            raise BatchError("invalid", {0: str(error)}) from error
        return Incoming(event=event, body_hash=digest([body_hash, run]), kind="outcome", new_id=new, of_run=run)

    def _schema(self, found: Judged, given: GivenOutcome) -> JsonObject:
        if given.type == THUMB:
            return THUMB_SCHEMA
        kind = self._outcomes.get(given.type)
        if kind is None:
            hint = suggest(given.type, self._outcomes, "The portfolio has no outcome types.")
            raise EventError(f"there is no outcome type {given.type!r}. {hint}")
        if kind.events and found.event_type not in kind.events:
            raise EventError(
                f"outcomes of type {given.type!r} are of {', '.join(map(repr, kind.events))}, and the run is of "
                f"{found.event_type!r}. Send an outcome of another type, or a thumb."
            )
        return kind.schema


def _said(given: GivenOutcome) -> JsonObject:
    """What a line of activity tells of it: of an outcome its type, not its data."""
    if given.type == THUMB:
        return {"thumb": given.data.get("thumb"), "reason": given.data.get("reason")}
    return {"type": given.type}
