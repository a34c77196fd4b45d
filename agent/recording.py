"""How a run ends: closed with its episode, or tried again, or kept as a dead letter. Start with `Recording.record`."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from agent.actions import NOTHING
from agent.graph import FINISHED, End
from agent.portfolio.model import EventType, Portfolio
from agent.remember import Remembering
from agent.situation import Prepared, read_facts
from agent.store import dead, episodes, outcomes, queue, runs
from agent.store.closing import clear
from agent.store.database import Database
from agent.store.history import Compared, History, compared, history
from agent.store.runs import RunRow, Start
from agent.types import REFLEX, CallResult
from memory.types import Episode, EpisodeAction
from tools.types import Tool

HOPELESS = frozenset({"unknown_event_type"})
"""Codes of failures that another try does not mend."""


@dataclass(frozen=True, kw_only=True)
class Retrying:
    """When a run that failed for reasons of its own is tried again."""

    backoff_s: float = 1.0
    """Wait before the second try; four times as long before each further one, with jitter."""
    longest_s: float = 300.0

    def wait_s(self, failed: int, jitter: random.Random) -> float:
        """Seconds after the `failed`th try that failed, from 1."""
        return min(self.longest_s, self.backoff_s * 4.0 ** (failed - 1)) * jitter.uniform(0.8, 1.2)


class Recording:
    """Ends runs in the store and tells memory."""

    def __init__(
        self,
        database: Database,
        portfolio: Portfolio,
        remembering: Remembering,
        clock: Callable[[], datetime],
        tools: Mapping[str, Tool],
        *,
        decided_by: str,
        retrying: Retrying,
        jitter: random.Random,
    ) -> None:
        self._database = database
        self._portfolio = portfolio
        self._remembering = remembering
        self._clock = clock
        self._tools = tools
        self._decided_by = decided_by
        self._retrying = retrying
        self._jitter = jitter
        self._windows = {
            event: {
                name: kind.window_s
                for name, kind in portfolio.outcomes.items()
                if not kind.events or event in kind.events
            }
            for event in portfolio.events
        }
        """By event type the outcome types that are joined to its runs, with their windows in seconds."""

    async def record(self, start: Start, end: End, prepared: Prepared | None = None) -> None:
        """Close the run and write its episode in one commit, then give the episode to memory.

        A run that failed and has tries left is queued again instead. `prepared` is what the last decision was made
        from: nothing has happened since, if that one wanted nothing more. Raises `Superseded`.
        """
        known = prepared if end.code == FINISHED and prepared is not None and prepared.past.at_rest else None

        def close(connection: Connection) -> Episode | None:
            if end.status == "failed":
                queue.lock_queue(connection)
            if known is None:
                runs.hold(connection, start)
            row = known.run if known is not None else runs.load(connection, start.run)
            if end.status == "failed" and self._try_again(connection, row, end):
                return None
            # Read before the close, which turns down what no operator ever turned down.
            past = _past(connection, known) if known is not None else history(connection, row)
            return self._close(connection, start, row, end, past)

        episode = await self._database.write(close)
        if episode is not None:
            await self._remembering.remember(episode)

    def _try_again(self, connection: Connection, row: RunRow, end: End) -> bool:
        kind = self._portfolio.events.get(row.event.type)
        failed = row.attempts + 1
        most = kind.queueing.attempts if kind is not None else 1
        if end.code in HOPELESS or failed >= most or row.cancelled_by is not None:
            return False
        now = self._clock()
        due = now + timedelta(seconds=self._retrying.wait_s(failed, self._jitter))
        queue.requeue(connection, row.id, now, due_at=due)
        runs.count_attempt(connection, row.id)
        dead.note_attempt(connection, row.id, row.tenant, failed, end.code, end.detail, now)
        return True

    def _close(self, connection: Connection, start: Start, row: RunRow, end: End, past: History) -> Episode | None:
        now, results = self._clock(), past.results
        by = self._decided_by
        runs.close_mine(connection, start, status=end.status, code=end.code, detail=end.detail, now=now, by=by)
        clear(connection, row.id, now)
        if end.status == "failed":
            tried = dead.tried(row.attempts + 1, end.code, end.detail, now)
            dead.bury(connection, row.id, row.tenant, end.code, end.detail, [tried], now)
        kind = self._portfolio.events.get(row.event.type)
        nothing_decided = end.status == "cancelled" and past.decisions == 0
        if kind is None or nothing_decided:
            return None
        facts, drawn = read_facts(row.events, kind, results), past.compared.drawn
        deciders = {result.decided_by for result in results}
        decided_by = "operator" if "operator" in deciders else REFLEX if deciders == {REFLEX} else ""
        episode = Episode(
            id=row.id,
            tenant=row.tenant,
            source=row.event.source,
            event_id=row.event.id,
            event_type=row.event.type,
            subject=row.event.subject,
            text=facts.text,
            features=facts.features,
            actions=(*_actions(results), *self._nothing(kind, end, results)),
            declined=_declined(results),
            decided_by=decided_by or self._decided_by,
            closed_at=now,
            arm=drawn.arm if drawn else None,
            memory_share=drawn.memory_share if drawn else None,
            swayed=past.compared.swayed if drawn else None,
        )
        speaks = episodes.write(connection, episode)
        if self._windows[kind.name]:
            outcomes.wake_unmatched(connection, row.tenant, row.events[0], self._windows[kind.name])
        return episode if speaks else None

    def _nothing(self, kind: EventType, end: End, results: Sequence[CallResult]) -> tuple[EpisodeAction, ...]:
        """That nothing was called, where that is a choice: a playbook says by itself what is to be done when."""
        if kind.playbook is not None or end.status != "done" or any(self._acted(result) for result in results):
            return ()
        by = "operator" if any(result.state == "rejected" for result in results) else self._decided_by
        return (EpisodeAction(action=NOTHING.name, tool=NOTHING.name, decided_by=by, propensity=1.0),)

    def _acted(self, result: CallResult) -> bool:
        tool = self._tools.get(result.call.tool)
        reads = tool is not None and tool.governance.effect == "read"
        return not reads and result.state not in {"refused", "rejected"}


def _past(connection: Connection, known: Prepared) -> History:
    """What a decision was made from, with what that decision itself tells of the two arms."""
    told = compared(connection, known.run) if known.is_compared else Compared(drawn=known.drawn, swayed=None)
    return replace(known.past, compared=told)


def _actions(results: Sequence[CallResult]) -> tuple[EpisodeAction, ...]:
    """What was done, each action as it was first chosen and last verified; and what the tool itself turned down."""
    counted = [one for one in results if one.state == "done" or (one.state == "failed" and one.verified is not None)]
    turns = sorted({one.decision for one in counted})
    taken: dict[str, EpisodeAction] = {}
    for result in sorted(counted, key=lambda one: one.state != "done"):
        call, done = result.call, result.state == "done"
        known = taken.get(call.action)
        if known is None:
            known = EpisodeAction(
                action=call.action,
                tool=call.tool,
                decided_by=result.decided_by,
                propensity=call.propensity,
                prior=call.prior,
                done=done,
            )
        if done or not known.done:
            verified = known.verified if result.verified is None else result.verified
            later = len(turns) - 1 - turns.index(result.decision)
            known = replace(known, verified=verified, later=later)
        taken[call.action] = known
    return tuple(taken.values())


def _declined(results: Sequence[CallResult]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(result.call.action for result in results if result.state == "rejected"))
