"""Builds the Situation a decision sees: the event, what the run knows so far, what memory says.

Start with `Situations`."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from agent.advice import Advice, Asked, Given
from agent.arms import Drawn, draw, without_memory
from agent.paths import Missing, fill, read
from agent.policy import Limits, refusal
from agent.portfolio.model import EventType, Portfolio
from agent.store.database import Database
from agent.store.history import History, history, no_history
from agent.store.large import LargeResults, NotKept
from agent.store.large import Reader as LargeReader
from agent.store.runs import RunRow, load
from agent.store.sources import revision
from agent.store.tidy import elsewhere
from agent.types import Budget, Call, CallResult, Event, PastRun, Situation
from agent.usual import UsualRuns
from memory.recall import Memory, MemoryUnavailable
from memory.types import ActionEvidence, Feature
from tools.types import JsonValue, Tool

log = logging.getLogger(__name__)

TEXTS = 20
"""Events of a batch whose texts are embedded, the latest."""

FEW_CALLS = 16
"""A run with no more calls before its last decision is read in a moment."""

RECALLED_RUNS = 256
"""Runs whose last recall is kept: the decisions of one run mostly see the same facts."""

LOOK_AGAIN = timedelta(minutes=1)
"""For so long the decisions of a run see the same like episodes, while what is compared of them may change."""


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A situation with what policy needs to check the decision made in it."""

    run: RunRow
    situation: Situation
    limits: Limits
    degraded: str | None
    """Why memory could not be asked; None when it could, or was not meant to be."""
    past: History
    drawn: Drawn | None
    """None: Segue was started without memory, or the run's decisions are older than arms."""
    other: Situation | None
    """What the other arm would see; None where it is not to be compared."""

    @property
    def is_compared(self) -> bool:
        """Whether runs of its event type are in both arms."""
        return self.drawn is not None and 0.0 < self.drawn.memory_share < 1.0


@dataclass(frozen=True, kw_only=True)
class _Recalled:
    """What memory said to a run's last decision."""

    facts: Facts
    near: Mapping[str, float]
    looked_at: datetime
    """When like episodes were looked for."""
    revision: int
    """Of which sources were revoked then."""
    evidence: Mapping[str, ActionEvidence]


@dataclass(frozen=True, kw_only=True)
class _Told:
    """What memory says to a decision."""

    evidence: Mapping[str, ActionEvidence]
    past: tuple[PastRun, ...]
    degraded: str | None


NOTHING = _Told(evidence={}, past=(), degraded=None)
"""What is known to a decision without memory."""


class UnknownEventType(Exception):
    """The portfolio no longer has the event's type."""


class Situations:
    """Builds situations from the store, the portfolio and memory."""

    def __init__(
        self,
        database: Database,
        portfolio: Portfolio,
        tools: Mapping[str, Tool],
        memory: Memory | None,
        clock: Callable[[], datetime],
        advice: Advice | None = None,
    ) -> None:
        """`advice` for a decider that reads what is shown to it."""
        self._database = database
        self._portfolio = portfolio
        self._tools = tools
        self._memory = memory
        self._clock = clock
        self._advice = advice
        self._recalled: OrderedDict[str, _Recalled] = OrderedDict()
        self._large = LargeResults()
        self._usual = UsualRuns(database, tools, portfolio.goals)

    async def prepare(self, run_id: str, *, fresh: bool = False, before: Prepared | None = None) -> Prepared:
        """The situation of the run's next decision; the first one of a `fresh` run, or the one after `before`.

        Raises `UnknownEventType`.
        """
        run, past, revised = await self._load(run_id, fresh, before)
        kind = self._kind(run)
        facts = read_facts(run.events, kind, past.results)
        drawn = past.compared.drawn if past.used or self._memory is None else _draw(run, kind)
        compares = _may_compare(kind, drawn, past)
        has_memory = drawn is None or drawn.arm == "memory"
        told = await self._told(run, kind, facts, revised) if has_memory or compares else NOTHING
        situation = await self._situation(run, kind, past, facts, told)
        bare = situation if has_memory and not compares else without_memory(situation)
        return Prepared(
            run=run,
            situation=situation if has_memory else bare,
            limits=self._limits(run, kind, past, situation.budget.calls),
            degraded=told.degraded if has_memory else None,
            past=past,
            drawn=drawn,
            other=(bare if has_memory else situation) if compares and told.degraded is None else None,
        )

    async def _situation(self, run: RunRow, kind: EventType, past: History, facts: Facts, told: _Told) -> Situation:
        given = await self._advise(run, kind, facts, told.evidence)
        return Situation(
            run=run.id,
            decision=past.decisions + 1,
            event=run.event,
            events=run.events,
            event_description=kind.description,
            text=facts.text,
            features=facts.features,
            goals=self._portfolio.goals,
            tools=tuple(tool for name, tool in sorted(self._tools.items()) if name in kind.allow),
            bound=bound_values(run.event, kind),
            playbook=kind.playbook,
            evidence=told.evidence,
            results=past.results,
            budget=self._budget(run, kind, past),
            past=told.past,
            near=await self._near(run, kind, told),
            cases=given.cases,
            lessons=given.lessons,
            # Without memory nothing is learned by it, and what is known to be bad would be tried too.
            explore=kind.learning.explore if self._memory is not None and told.degraded is None else 0.0,
            blocked={**past.already, **past.in_doubt},
        )

    async def _near(self, run: RunRow, kind: EventType, told: _Told) -> Mapping[str, float]:
        """Like episodes; where a reflex looks for past runs among them, those too that another speaks for."""
        if not told.evidence or run.id not in self._recalled:
            return {}
        near = self._recalled[run.id].near
        unseen = [one.id for one in told.past if one.id not in near]
        if kind.learning.reflex is None or not unseen:
            return near
        away = await self._database.read(lambda connection: elsewhere(connection, run.tenant, unseen), brief=True)
        return {**near, **{name: near[one.voice] for name, one in away.items() if one.voice and one.voice in near}}

    def _kind(self, run: RunRow) -> EventType:
        kind = self._portfolio.events.get(run.event.type)
        if kind is None:
            raise UnknownEventType(
                f"the portfolio has no event type {run.event.type!r} any more, so nothing can be decided"
            )
        return kind

    async def _load(self, run_id: str, fresh: bool, before: Prepared | None) -> tuple[RunRow, History, int]:
        """The run, what happened in it, and the revision of which sources are revoked."""

        def look(connection: Connection, large: LargeReader) -> tuple[RunRow, History, int]:
            run = load(connection, run_id) if before is None else before.run
            past = no_history(connection, run) if fresh else history(connection, run, large)
            return run, past, 0 if self._memory is None else revision(connection, run.tenant)

        if fresh or (before is not None and before.past.calls <= FEW_CALLS):
            with suppress(NotKept):
                return await self._database.read(lambda connection: look(connection, self._large.kept), brief=True)
        return await self._database.read(lambda connection: look(connection, self._large.read))

    def refusal(self, run: RunRow, past: History, call: Call, *, approved: bool) -> str | None:
        """Why a call that was permitted earlier would not be made without more ado now; None if it would."""
        kind = self._portfolio.events.get(run.event.type)
        if kind is None:
            return f"the portfolio has no event type {run.event.type!r} any more"
        why = refusal(call, self._limits(run, kind, past, calls_left=1))
        if why is None and not approved and self._tools[call.tool].governance.risk == "high":
            why = f"tool {call.tool!r} has become one that needs an operator's approval"
        return why

    def _limits(self, run: RunRow, kind: EventType, past: History, calls_left: int) -> Limits:
        return Limits(
            tools=self._tools,
            allowed=kind.allow,
            bound=bound_values(run.event, kind),
            subject=run.event.subject,
            event_type=run.event.type,
            in_doubt=past.in_doubt,
            already=past.already,
            calls_left=calls_left,
        )

    async def _told(self, run: RunRow, kind: EventType, facts: Facts, revised: int) -> _Told:
        evidence, degraded = await self._recall(run, kind, facts, revised)
        past = await self._past(run, kind, revised)
        return _Told(evidence=evidence, past=past, degraded=degraded)

    async def _recall(
        self, run: RunRow, kind: EventType, facts: Facts, revised: int
    ) -> tuple[Mapping[str, ActionEvidence], str | None]:
        if self._memory is None:
            return {}, None
        known, now = self._recalled.get(run.id), self._clock()
        if known is not None and known.revision != revised:
            known = None
        if known is not None and known.facts == facts:
            return known.evidence, None
        kinds = {"tenant": run.tenant, "event_type": kind.name}
        try:
            if known is not None and known.facts.text == facts.text and now - known.looked_at < LOOK_AGAIN:
                near, looked_at = known.near, known.looked_at
            else:
                near, looked_at = await self._memory.near(**kinds, text=facts.text), now
            evidence = await self._memory.weigh(near, **kinds, features=facts.features, goals=self._portfolio.goals)
        except MemoryUnavailable as error:
            log.warning("run %s goes on without memory: %s", run.id, error)
            return {}, str(error)
        self._recalled[run.id] = _Recalled(
            facts=facts, near=near, looked_at=looked_at, revision=revised, evidence=evidence
        )
        if len(self._recalled) > RECALLED_RUNS:
            self._recalled.popitem(last=False)
        return evidence, None

    async def _past(self, run: RunRow, kind: EventType, revised: int) -> tuple[PastRun, ...]:
        """Graded runs, where they take the place of a playbook, or of a chat model."""
        if self._memory is None or (kind.playbook is not None and kind.learning.reflex is None):
            return ()
        return await self._usual.of(run.id, run.tenant, kind.name, revision=revised)

    async def _advise(
        self, run: RunRow, kind: EventType, facts: Facts, evidence: Mapping[str, ActionEvidence]
    ) -> Given:
        if self._advice is None:
            return Given()
        asked = Asked(
            run=run.id,
            tenant=run.tenant,
            event_type=kind.name,
            text=facts.text,
            features=facts.features,
            evidence=evidence,
            tools=kind.allow,
        )
        return await self._advice.of(asked)

    def _budget(self, run: RunRow, kind: EventType, past: History) -> Budget:
        spent = run.spent_s
        if run.segment_started_at is not None:
            spent += max(0.0, (self._clock() - run.segment_started_at).total_seconds())
        return Budget(
            decisions=kind.limits.decisions - past.used,
            calls=kind.limits.calls - past.calls,
            seconds=kind.limits.seconds - spent,
            tokens=kind.limits.tokens - past.tokens,
        )


def _draw(run: RunRow, kind: EventType) -> Drawn:
    return draw(kind.learning.control, run.tenant, run.event, memory_off=run.memory_off)


def _may_compare(kind: EventType, drawn: Drawn | None, past: History) -> bool:
    """Up to the first decision that memory sways, or may have: from there on the arms live through different things."""
    return kind.learning.control > 0 and drawn is not None and past.compared.swayed is False


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is embedded and compared of an event and the results so far."""

    text: str
    features: Mapping[str, Feature]


def read_facts(events: Sequence[Event], kind: EventType, results: tuple[CallResult, ...]) -> Facts:
    """Fill the event type's `text` and read its `features`; what is not there yet is left out.

    Of a batch the text of each event counts, a line each and the same text once; features are the last event's.
    """
    context = path_context(events[-1], results)
    features: dict[str, Feature] = {}
    for name, path in kind.features.items():
        value = read(path, context)
        if isinstance(value, str):
            features[name] = value[:200]
        elif isinstance(value, bool | int | float):
            features[name] = value
    texts = dict.fromkeys(fill(kind.text, path_context(event, results)) for event in events[-TEXTS:])
    return Facts(text="\n".join(texts), features=features)


def bound_values(event: Event, kind: EventType) -> Mapping[str, JsonValue]:
    """The only value each bound argument may have. A field the event lacks binds to null, which no tool takes."""
    context = path_context(event, ())
    bound: dict[str, JsonValue] = {}
    for name, path in kind.bind.items():
        value = read(path, context)
        bound[name] = None if isinstance(value, Missing) else value
    return bound


def path_context(event: Event, results: tuple[CallResult, ...]) -> Mapping[str, JsonValue]:
    """What paths in the portfolio may point into."""
    done: dict[str, JsonValue] = {result.call.tool: result.result for result in results if result.state == "done"}
    return {
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "subject": event.subject,
        "data": event.data,
        "results": done,
    }
