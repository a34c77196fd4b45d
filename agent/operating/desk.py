"""What the operators' tools read of the store, beyond what the API shows. Start with `Desk.runs`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from agent.errors import NotFound
from agent.operating.cases import Case, as_case, reward_of
from agent.operating.run_lists import RunLists
from agent.operating.trends import Trends
from agent.operating.wording import plain
from agent.portfolio.model import Portfolio
from agent.store import (
    assignments,
    chat_queries,
    dead,
    episodes,
    figures,
    pauses,
    queries,
    sources,
    system,
    tool_use,
    waits,
    workers,
)
from agent.store.chat_queries import RunSearch, Some, ToolSearch, Window
from agent.store.database import Database
from agent.store.figures import Counts, LessonNews, ToolCount
from agent.store.pauses import Scope
from agent.store.queries import Shown
from agent.store.standing import Standing, standing
from agent.store.waits import Head, WaitKind, Whose

LATEST_DECISIONS = 500
LONGEST_SUBJECT = 1_024
"""Characters."""


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """What waits for an operator, each oldest first."""

    approvals: Some
    effects: Some
    letters: Some
    pauses: tuple[pauses.Pause, ...]
    holders: Mapping[str, str]
    """Who takes care of which: by id of the approval, key of the effect, run of the letter."""

    @property
    def total(self) -> int:
        """Of all that somebody must answer; a pause is no question."""
        return self.approvals.total + self.effects.total + self.letters.total


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What outcomes said of the runs they were joined to in a time."""

    rewards: Mapping[str, float]
    """By run; of those that have one by now."""
    unmatched: int

    @property
    def mean(self) -> float | None:
        """None where there is none."""
        return sum(self.rewards.values()) / len(self.rewards) if self.rewards else None


class Desk:
    """An operator's view of one open system."""

    def __init__(self, database: Database, portfolio: Portfolio, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._goals = portfolio.goals
        self.lists = RunLists(database)
        self.trends = Trends(database, portfolio.goals, clock)
        self.now = clock

    async def runs(self, tenant: str, wanted: RunSearch, limit: int) -> Some:
        """Whole runs, newest first."""
        return await self._database.read(lambda found: chat_queries.find_runs(found, tenant, wanted, limit))

    async def subject(self, tenant: str, given: str) -> str | None:
        """The subject of some run that is written like this; else the only late one that is shown like this, but for
        letters' case; None where there is none.
        """

        def look(connection: Connection) -> str | None:
            if chat_queries.has_subject(connection, tenant, given):
                return given
            meant = plain(given, LONGEST_SUBJECT).casefold()
            known = chat_queries.subjects(connection, tenant)
            same = [one for one in known if plain(one, LONGEST_SUBJECT).casefold() == meant]
            return same[0] if len(same) == 1 else None

        return await self._database.read(look)

    async def subjects(self, tenant: str) -> list[str]:
        """Of the latest runs."""
        return await self._database.read(lambda found: chat_queries.subjects(found, tenant))

    async def calls(self, tenant: str, wanted: ToolSearch, limit: int) -> Some:
        """Calls of a tool that decisions asked for, newest first."""
        return await self._database.read(lambda found: chat_queries.find_calls(found, tenant, wanted, limit))

    async def decisions(self, tenant: str, wanted: ToolSearch, limit: int) -> list[Shown]:
        """Decisions with what they weighed, newest first, whether or not the tool was among it."""
        return await self._database.read(lambda found: chat_queries.latest_decisions(found, tenant, wanted, limit))

    async def actions(self, tenant: str) -> list[str]:
        """What the latest decisions weighed."""
        found = await self.decisions(tenant, ToolSearch(tool=""), LATEST_DECISIONS)
        return sorted({str(one["action"]) for decision in found for one in decision["candidates"]})

    async def evidence(self, run: str) -> list[Shown]:
        """What memory told each decision of a run; whose run it is, is known to the caller."""
        return await self._database.read(lambda found: chat_queries.evidence_of(found, run))

    async def cases(self, tenant: str, names: Sequence[str]) -> dict[str, Case]:
        """Episodes by id, with how they ended as far as is known by now."""

        def look(connection: Connection) -> dict[str, Case]:
            found = episodes.fetch(connection, tenant, names)
            silent = sources.revoked_among(connection, tenant, {one.source for one in found})
            return {one.id: as_case(one, self._goals, revoked=one.source in silent) for one in found}

        return await self._database.read(look)

    async def rewards(self, runs: Sequence[str]) -> Mapping[str, float]:
        """Of those of the runs that have one by now."""
        found = await self._database.read(lambda connection: episodes.rewards_of(connection, runs))
        return self._combined(found)

    def _combined(self, found: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
        told = {run: reward_of(rewards, self._goals) for run, rewards in found.items()}
        return {run: reward for run, reward in told.items() if reward is not None}

    async def waiting(self, tenant: str, subject: str | None, limit: int) -> Waiting:
        """What waits for an operator, about one subject or any."""

        def look(connection: Connection) -> Waiting:
            asked = chat_queries.pending(connection, tenant, subject, limit)
            unknown = chat_queries.unknown_effects(connection, tenant, subject, limit)
            letters = chat_queries.open_letters(connection, tenant, subject, limit)
            held = {
                **assignments.of(connection, tenant, "approval", [one["id"] for one in asked.items]),
                **assignments.of(connection, tenant, "effect", [one["key"] for one in unknown.items]),
                **assignments.of(connection, tenant, "letter", [one["run"] for one in letters.items]),
            }
            return Waiting(
                approvals=asked,
                effects=unknown,
                letters=letters,
                pauses=pauses.listed(connection, tenant),
                holders={name: one.to for name, one in held.items()},
            )

        return await self._database.read(look)

    async def heads(
        self, tenant: str, kinds: Collection[WaitKind], limit: int, whose: Whose | None = None
    ) -> list[Head]:
        """The oldest that waits for a person, of these kinds and of whom it is asked for, a line of each."""
        return await self._database.read(lambda connection: waits.heads(connection, tenant, kinds, limit, whose))

    async def assigned_numbers(self, tenant: str) -> Mapping[tuple[str, str], int]:
        """How many things everybody takes care of, by kind and name."""
        return await self._database.read(lambda connection: assignments.numbers(connection, tenant))

    async def wait_numbers(self, tenant: str) -> Mapping[WaitKind, int]:
        """How many of each kind wait for a person."""
        return await self._database.read(lambda connection: waits.numbers(connection, tenant))

    async def pending(self, tenant: str, subject: str | None, tool: str | None, limit: int) -> Some:
        """Approvals that nobody has answered, oldest first."""
        return await self._database.read(lambda found: chat_queries.pending(found, tenant, subject, limit, tool))

    async def effect(self, tenant: str, key: str) -> Shown:
        """One effect. Raises `NotFound`."""
        found = await self._database.read(lambda connection: queries.show_effect(connection, tenant, key), brief=True)
        if found is None:
            raise NotFound(f"there is no effect {key[:80]!r}")
        return found

    async def letter(self, tenant: str, run: str) -> Shown:
        """A dead letter as lists show it. Raises `NotFound`."""
        found = await self._database.read(lambda connection: dead.find_letter(connection, tenant, run))
        if found is None:
            raise NotFound(f"there is no dead letter of run {run[:80]!r}")
        return found

    async def standing(self, tenant: str, wanted: Mapping[str, Collection[str]]) -> Standing:
        """How a few runs, approvals and effects stand: `run`, `approval`, `effect` -> ids."""
        return await self._database.read(lambda found: standing(found, tenant, wanted), brief=True)

    async def pause(self, tenant: str, scope: Scope, name: str) -> tuple[pauses.Pause | None, int]:
        """A pause, if it stands, and how many runs it holds."""

        def look(connection: Connection) -> tuple[pauses.Pause | None, int]:
            held = chat_queries.held_back(connection, tenant, scope, name)
            return pauses.find(connection, tenant, scope, name), held

        return await self._database.read(look)

    async def tool_counts(self, tenant: str, window: Window, tool: str | None) -> list[ToolCount]:
        """How the effects of each tool ended that began in that time."""
        return await self._database.read(lambda found: figures.of_tools(found, tenant, window, tool))

    async def workers(self) -> tuple[workers.Seen, ...]:
        """The processes that handle runs, of all tenants."""
        return await self._database.read(lambda connection: workers.seen(connection, self.now()))

    async def open_runs(self, tenant: str) -> Mapping[str, int]:
        """How many runs have not ended, by status."""
        return await self._database.read(lambda connection: system.open_runs(connection, tenant))

    async def model_seen(self, tenant: str) -> system.ModelSeen:
        """When a chat model answered and failed last."""
        return await self._database.read(lambda connection: system.model_seen(connection, tenant))

    async def memory_seen(self, tenant: str) -> system.MemorySeen:
        """How much is remembered, and how far the index is behind."""
        return await self._database.read(lambda connection: system.memory_seen(connection, tenant))

    async def stops(self, tenant: str, since: datetime) -> Mapping[str, tool_use.Stops]:
        """Where runs that began since then stopped or wait, by tool."""
        return await self._database.read(lambda connection: tool_use.stops(connection, tenant, since))

    async def runs_by_step(self, tenant: str, window: Window, steps: Mapping[str, str]) -> Mapping[str, int]:
        """How many runs called a tool of each step; `steps`: tool -> step."""
        return await self._database.read(lambda connection: tool_use.runs_by_step(connection, tenant, window, steps))

    async def days_of_tools(
        self, tenant: str, tool: str | None, window: Window
    ) -> Mapping[str, Mapping[str, tool_use.DayOfTool]]:
        """How the calls of each tool, or of one, ended by day."""
        return await self._database.read(lambda connection: tool_use.days(connection, tenant, tool, window))

    async def failures_of_tool(self, tenant: str, tool: str, window: Window, limit: int) -> list[Shown]:
        """Its newest calls that did not succeed."""
        return await self._database.read(lambda found: tool_use.failures(found, tenant, tool, window, limit))

    async def counts(self, tenant: str, window: Window) -> Counts:
        """What became of the runs that began in that time."""
        return await self._database.read(lambda connection: figures.counts(connection, tenant, window))

    async def judged(self, tenant: str, window: Window) -> Judged:
        """What the outcomes of that time said."""

        def look(connection: Connection) -> Judged:
            names = figures.judged_runs(connection, tenant, window)
            return Judged(
                rewards=self._combined(episodes.rewards_of(connection, names)),
                unmatched=figures.unmatched(connection, tenant, window),
            )

        return await self._database.read(look)

    async def lesson_news(self, tenant: str, window: Window) -> tuple[LessonNews, int]:
        """What became of lessons in that time, and how many episodes it added."""
        return await self._database.read(
            lambda connection: (
                figures.lesson_news(connection, tenant, window),
                figures.new_episodes(connection, tenant, window),
            )
        )
