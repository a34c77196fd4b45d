"""Graded runs that show a decider what is usual where the portfolio gives no playbook. Start with `UsualRuns.of`."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

from agent.store import past
from agent.store.database import Database
from agent.store.past import LivedRun
from agent.types import PastRun
from memory.rewards import judged
from memory.settings import Settings
from tools.types import Tool

MOST_RUNS = 200
"""Latest graded runs looked at."""
KEPT = 256
"""Runs going on whose predecessors are kept."""
LIVED = 1_000
"""Closed runs kept in memory; what they met and did never changes, what they earned does. Not those that failed."""


class UsualRuns:
    """Reads the graded runs of an event type, once for each run that goes on, so that its decisions agree."""

    def __init__(self, database: Database, tools: Mapping[str, Tool], goals: Mapping[str, float]) -> None:
        self._database = database
        self._tools = tools
        self._goals = goals
        self._kept: OrderedDict[str, tuple[int, tuple[PastRun, ...]]] = OrderedDict()
        self._lived: OrderedDict[str, LivedRun] = OrderedDict()

    async def of(self, run: str, tenant: str, event_type: str, *, revision: int = 0) -> tuple[PastRun, ...]:
        """The latest of them; read anew under another `revision` of which sources are revoked."""
        if run not in self._kept or self._kept[run][0] != revision:
            rewards = await self._database.read(
                lambda connection: past.graded(connection, tenant, event_type, MOST_RUNS)
            )
            lived = await self._look_up(list(rewards))
            found = (self._past(one, earned, lived[one]) for one, earned in rewards.items() if one in lived)
            self._kept[run] = revision, tuple(one for one in found if one is not None)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return self._kept[run][1]

    async def _look_up(self, ids: list[str]) -> Mapping[str, LivedRun]:
        unknown = [one for one in ids if one not in self._lived]
        found = {one: self._lived[one] for one in ids if one in self._lived}
        if unknown:
            found |= await self._database.read(lambda connection: past.lived(connection, unknown))
        for one in found:
            if not found[one].settled:
                continue
            self._lived[one] = found[one]
            self._lived.move_to_end(one)
        while len(self._lived) > LIVED:
            self._lived.popitem(last=False)
        return found

    def _past(self, run: str, rewards: Mapping[str, float], lived: LivedRun) -> PastRun | None:
        """With its reward; a run without one speaks, more softly, where operators alone decided on its writes."""
        said = judged(rewards, self._goals, Settings.operator_trust)
        if said is None:
            theirs = all(one.decided_by == "operator" for one in lived.results if self._writes(one.call.tool))
            if rewards or not theirs:
                return None
            said = 1.0, Settings.operator_trust
        reward, weight = said
        return PastRun(
            id=run,
            subject=lived.subject,
            reward=reward,
            weight=weight,
            data=lived.data,
            results=lived.results,
            features=lived.features,
            turns=lived.turns,
        )

    def _writes(self, name: str) -> bool:
        tool = self._tools.get(name)
        return tool is None or tool.governance.effect == "write"
