"""What Segue does for those who stand outside: accept events, show runs, take operators' answers. Start with `Segue`.

HTTP, the operators' chat and the command line all go through here; nothing here knows which of them asks.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection

from agent.accepting import Accepting
from agent.actions import action_name
from agent.activity import Activity
from agent.acts import of_run
from agent.assigning import Assigning
from agent.breaker import GuardedTools
from agent.dead_letters import DeadLetters
from agent.dispatcher import Dispatcher
from agent.doors import Doer, doer
from agent.drifting import Drifting
from agent.errors import Conflict, NotFound, Refused
from agent.events import RawEvent
from agent.housekeeping import Housekeeping
from agent.judging import Judging
from agent.lessons import Lessons
from agent.memories import Memories
from agent.noting import note_answer, note_settled
from agent.operating.desk import Desk
from agent.operating.names import Names
from agent.pausing import Pauses
from agent.policy import Limits, check
from agent.portfolio.model import Portfolio
from agent.portfolio.shown import shown_types
from agent.remember import Remembering
from agent.revoking import Sources
from agent.seen import Seen
from agent.settings_told import content
from agent.situation import bound_values
from agent.storable import NotStorable, check_json
from agent.store import activity, approvals, ledger, progress, queries, runs
from agent.store.approvals import AlreadyAnswered, Answer, Approval
from agent.store.cancelling import Cancelled, cancel
from agent.store.database import Database
from agent.store.decisions import Verdict
from agent.store.history import history
from agent.store.inbox import Accepted
from agent.store.large import pack
from agent.store.ledger import SettlementError
from agent.store.progress import Progress
from agent.store.queries import Page, RunFilter, Shown
from agent.store.runs import OPEN
from agent.store.whole_run import show_run
from agent.switching import Switches
from agent.types import Call
from agent.uplifts import Uplifts
from agent.watching import Watching
from tools.types import JsonObject, JsonValue


@dataclass(frozen=True, kw_only=True)
class GivenCall:
    """A call an operator names in an answer to a question."""

    tool: str
    arguments: JsonObject


@dataclass(frozen=True, kw_only=True)
class GivenAnswer:
    """An operator's answer as it came in."""

    approved: bool
    arguments: JsonObject | None = None
    """Replace the arguments the approval shows."""
    tool: str | None = None
    """For a question: another tool than the first option's."""
    calls: tuple[GivenCall, ...] = ()
    """For a question: several calls at once, instead of `tool` and `arguments`."""
    reason: str | None = None
    by: str = "operator"


class Segue:
    """The open system."""

    def __init__(
        self,
        *,
        database: Database,
        portfolio: Portfolio,
        registry: GuardedTools,
        memories: Memories,
        switches: Switches,
        uplifts: Uplifts,
        judging: Judging,
        sources: Sources,
        drifting: Drifting,
        lessons: Lessons,
        housekeeping: Housekeeping,
        dispatcher: Dispatcher,
        remembering: Remembering,
        pauses: Pauses,
        dead: DeadLetters,
        accepting: Accepting,
        watching: Watching,
        clock: Callable[[], datetime],
        decided_by: str,
        uses_memory: bool,
    ) -> None:
        self.portfolio = portfolio
        self.decided_by = decided_by
        self.uses_memory = uses_memory
        """Whether decisions see evidence at all; `switches` say for which event types they do not."""
        self.memories = memories
        self.switches = switches
        self.uplifts = uplifts
        self.judging = judging
        self.sources = sources
        self.drifting = drifting
        self.lessons = lessons
        self.housekeeping = housekeeping
        self.pauses = pauses
        self.dead = dead
        self.desk = Desk(database, portfolio, clock)
        self.activity = Activity(database, clock)
        self.assigning = Assigning(database, clock)
        self.names = Names(database, portfolio, lambda: registry.tools)
        self._database = database
        self._registry = registry
        self._dispatcher = dispatcher
        self._remembering = remembering
        self._clock = clock
        self._accepting = accepting
        self.watching = watching
        """Who follows runs; `watching.begin` before `news` is asked for again and again."""

    def after_commit(self, tell: Callable[[], None]) -> None:
        """Call it whenever this process has committed something; it must take next to no time."""
        self._database.after_commit(tell)

    async def note_start(self, tenants: Collection[str]) -> None:
        """Tell each of the tenants, in its activity, what is otherwise in the portfolio than at the last start."""
        await self.activity.started(tenants, content(self.portfolio, self.tools(), self.decided_by))

    # --- events

    async def accept(self, tenant: str, batch: Sequence[RawEvent], *, by: str | None = None) -> tuple[Accepted, ...]:
        """Store a batch in one commit, all or nothing, and start its runs. Raises `BatchError`, `Overloaded`.

        `by` is who sends it by hand, which is an act; None: a system does.
        """
        return await self._accepting.accept(tenant, batch, None if by is None else doer(tenant, by, self._clock()))

    def event_types(self) -> list[Shown]:
        """Event and outcome types with their schemas."""
        return shown_types(self.portfolio)

    # --- what is there

    async def runs(self, tenant: str, wanted: RunFilter, cursor: str | None, limit: int) -> Page:
        """Runs, newest first."""
        return await self._database.read(
            lambda connection: queries.list_runs(connection, tenant, wanted, cursor, limit)
        )

    async def run(self, tenant: str, run: str) -> Shown:
        """One run, whole. Raises `NotFound`."""
        return _found(await self._database.read(lambda connection: show_run(connection, tenant, run)), "run", run)

    async def news(self, tenant: str, run: str, seen: Seen) -> Progress:
        """What has happened to a run since it was seen like this. Raises `NotFound`."""
        found = await self._database.read(lambda connection: progress.news(connection, tenant, run, seen))
        if found is None:
            raise NotFound(f"there is no run {run!r}")
        return found

    async def approvals(self, tenant: str, state: str | None, cursor: str | None, limit: int) -> Page:
        """Approvals and questions, newest first."""
        return await self._database.read(
            lambda connection: queries.list_approvals(connection, tenant, state, cursor, limit)
        )

    async def approval(self, tenant: str, approval: str) -> Shown:
        """One approval. Raises `NotFound`."""
        shown = await self._database.read(lambda connection: queries.show_approval(connection, tenant, approval))
        return _found(shown, "approval", approval)

    async def effects(self, tenant: str, state: str | None, cursor: str | None, limit: int) -> Page:
        """Effects, newest first."""
        return await self._database.read(
            lambda connection: queries.list_effects(connection, tenant, state, cursor, limit)
        )

    async def effect_result(self, tenant: str, key: str) -> JsonValue:
        """The result of an effect, whole however large. Raises `NotFound`, and `Conflict` unless it is done."""
        found = await self._database.read(lambda connection: queries.effect_result(connection, tenant, key))
        if found is None:
            raise NotFound(f"there is no effect {key!r}")
        if found.state != "done":
            raise Conflict(f"effect {key!r} is {found.state}; only an effect that is done has a result")
        return found.result

    async def counts(self, tenant: str) -> Shown:
        """How much there is of everything."""
        return await self._database.read(lambda connection: queries.counts(connection, tenant))

    def tools(self) -> list[Shown]:
        """Registered tools with their schemas, their governance, and what keeps them from being called."""
        resting = self._registry.resting
        return [
            {
                "name": tool.name,
                "description": tool.description,
                "source": tool.source,
                "owner": tool.governance.owner,
                "unit": tool.governance.unit,
                "step": tool.governance.step,
                "effect": tool.governance.effect,
                "risk": tool.governance.risk,
                "idempotent": tool.governance.idempotent,
                "timeout_s": tool.governance.timeout_s,
                "choice": list(tool.governance.choice),
                "parameters": tool.parameters,
                "events": sorted(kind.name for kind in self.portfolio.events.values() if tool.name in kind.allow),
                "breaker": resting[tool.name].shown() if tool.name in resting else None,
            }
            for _, tool in sorted(self._registry.tools.items())
        ]

    async def health(self) -> Mapping[str, str]:
        """What is wrong at the moment, by part; empty when all is well."""
        problems: dict[str, str] = {}
        if self._dispatcher.failure is not None:
            problems["dispatcher"] = self._dispatcher.failure
        if self._remembering.failure is not None:
            problems["memory"] = self._remembering.failure
        for number, reason in enumerate(self._registry.degraded):
            problems[f"tools.{number}"] = reason
        for name, state in self._registry.resting.items():
            problems[f"tools.{name}"] = str(state)
        pauses = await self.pauses.number()
        if pauses:
            problems["pauses"] = f"{pauses} stand, and what they hold waits (see 'segue pauses')"
        problems |= await self.switches.problems()
        await self._database.read(lambda connection: connection.exec_driver_sql("SELECT 1"))
        problems |= await self._accepting.problems()
        return problems

    # --- operators

    async def answer(self, tenant: str, approval_id: str, given: GivenAnswer) -> Shown:
        """Take an operator's one answer. Raises `NotFound`, `Conflict` for a second one, `Refused` by policy."""
        done_by = doer(tenant, given.by, self._clock())
        refused = await self._database.write(lambda connection: self._answer(connection, done_by, approval_id, given))
        if refused is not None:
            raise Refused(refused)
        self._dispatcher.wake()
        self.watching.changed()
        return await self.approval(tenant, approval_id)

    def _answer(self, connection: Connection, done_by: Doer, approval_id: str, given: GivenAnswer) -> str | None:
        """Why policy refuses the answer, which is then stored and told to the decider; None if it was taken."""
        approval = approvals.hold(connection, done_by.tenant, approval_id)
        if approval is None:
            raise NotFound(f"there is no approval {approval_id!r}")
        if approval.state != "pending":
            raise Conflict(f"approval {approval_id!r} was already answered: {approval.state}")
        verdicts: tuple[Verdict, ...] = ()
        if given.approved:
            verdicts = check(self._calls(approval, given), self._limits(connection, approval), by=given.by)
        for verdict in verdicts:
            if verdict.verdict == "refused":
                approvals.add_calls(connection, approval, [verdict])
                return f"call of {verdict.call.tool!r} is refused: {verdict.why}"
        answer = Answer(
            approval=approval,
            approved=given.approved,
            calls=tuple(verdict.call for verdict in verdicts),
            declined=() if given.approved else self._offered(approval),
            reason=given.reason,
            by=given.by,
        )
        try:
            approvals.answer(connection, answer, done_by.at)
        except AlreadyAnswered as error:
            raise Conflict(str(error)) from error
        note_answer(connection, done_by, answer)
        return None

    def _limits(self, connection: Connection, approval: Approval) -> Limits:
        run = runs.load(connection, approval.run)
        kind = self.portfolio.events.get(run.event.type)
        if kind is None:
            raise Refused(f"the portfolio has no event type {run.event.type!r} any more")
        past = history(connection, run)
        return Limits(
            tools=self._registry.tools,
            allowed=kind.allow,
            bound=bound_values(run.event, kind),
            subject=run.event.subject,
            event_type=run.event.type,
            in_doubt=past.in_doubt,
            already=past.already,
            calls_left=max(1, kind.limits.calls - past.calls),
        )

    def _calls(self, approval: Approval, given: GivenAnswer) -> tuple[Call, ...]:
        if approval.kind == "call":
            if given.calls or given.tool not in (None, approval.tool):
                raise Refused("this approval is for one call; only its arguments can be edited")
        elif given.calls:
            purposes = {call.tool: call.purpose for call in reversed(self._offered(approval))}
            return tuple(self._call(one.tool, one.arguments, purposes.get(one.tool)) for one in given.calls)
        tool = given.tool or approval.tool
        if tool is None:
            raise Refused("the question names no tool; say which in 'tool', with its 'arguments'")
        same = next((call for call in self._offered(approval) if call.tool == tool), None)
        arguments = given.arguments if given.arguments is not None else (same.arguments if same else {})
        return (self._call(tool, arguments, same.purpose if same else None),)

    def _call(self, tool: str, arguments: JsonObject, purpose: str | None) -> Call:
        try:
            check_json(arguments, "arguments")
        except NotStorable as error:
            raise Refused(str(error)) from None
        known = self._registry.tools.get(tool)
        action = tool if known is None else action_name(known, arguments)
        return Call(tool=tool, arguments=arguments, action=action, purpose=purpose)

    def _offered(self, approval: Approval) -> tuple[Call, ...]:
        if approval.kind == "call":
            if approval.tool is None or approval.arguments is None:
                return ()
            return (self._call(approval.tool, approval.arguments, None),)
        options: Any = (approval.question or {}).get("options", [])
        return tuple(self._call(one["tool"], one["arguments"], one.get("purpose")) for one in options)

    async def cancel(self, tenant: str, run: str, *, by: str) -> Shown:
        """Begin no effect of a run any more; again changes nothing. Raises `NotFound`, `Conflict` for an ended one."""
        done_by = doer(tenant, by, self._clock())

        def work(connection: Connection) -> Cancelled | None:
            done = cancel(connection, tenant, run, by, done_by.at)
            if done is not None and done.changed:
                activity.write(connection, done_by, "cancelled", of_run(run), before=done.was)
            return done

        done = await self._database.write(work)
        self._dispatcher.wake()
        shown = await self.run(tenant, run)
        if done is not None and done.was not in OPEN and shown["status"] != "cancelled":
            raise Conflict(f"run {run!r} has already ended: {shown['status']}")
        return shown

    async def settle(
        self,
        tenant: str,
        key: str,
        *,
        state: Literal["done", "failed"],
        result: JsonValue,
        reason: str | None,
        by: str,
    ) -> Shown:
        """An operator says what became of an unknown effect. Raises `NotFound`, `Conflict`, `Refused`."""
        done_by = doer(tenant, by, self._clock())
        try:
            check_json(result, "result")
        except NotStorable as error:
            raise Refused(str(error)) from None
        stored = await pack(result)

        def work(connection: Connection) -> Shown:
            given: Any = {"state": state, "result": stored, "reason": reason, "by": by, "now": done_by.at}
            note_settled(connection, done_by, ledger.settle_effect(connection, tenant, key, **given), reason)
            return _found(queries.show_effect(connection, tenant, key), "effect", key)

        try:
            shown = await self._database.write(work)
        except SettlementError as error:
            if error.kind == "missing":
                raise NotFound(str(error)) from error
            raise Conflict(str(error)) from error
        self._dispatcher.wake()
        self.watching.changed()
        return shown


def _found(shown: Shown | None, what: str, name: str) -> Shown:
    if shown is None:
        raise NotFound(f"there is no {what} {name!r}")
    return shown
