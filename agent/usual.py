"""Graded runs that show a decider what is usual where the portfolio gives no playbook. Start with `UsualRuns.of`."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

from agent.store.database import Database
from agent.store.past import GradedRun, graded_runs
from agent.types import PastRun
from memory.scoring import Settings, combined
from tools.types import Tool

MOST_RUNS = 200
"""Latest graded runs looked at."""
KEPT = 16
"""Runs going on whose predecessors are kept; they are large."""


class UsualRuns:
    """Reads the graded runs of an event type, once for each run that goes on, so that its decisions agree."""

    def __init__(self, database: Database, tools: Mapping[str, Tool], goals: Mapping[str, float]) -> None:
        self._database = database
        self._tools = tools
        self._goals = goals
        self._kept: OrderedDict[str, tuple[PastRun, ...]] = OrderedDict()

    async def of(self, run: str, tenant: str, event_type: str) -> tuple[PastRun, ...]:
        """The latest of them."""
        if run not in self._kept:
            found = await self._database.read(lambda connection: graded_runs(connection, tenant, event_type, MOST_RUNS))
            past = (self._past(one) for one in found)
            self._kept[run] = tuple(one for one in past if one is not None)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return self._kept[run]

    def _past(self, one: GradedRun) -> PastRun | None:
        """With its reward; a run without one speaks, more softly, where operators alone decided on its writes."""
        reward = combined(one.rewards, self._goals)
        if reward is not None:
            return PastRun(id=one.id, reward=reward, data=one.data, results=one.results)
        if one.rewards or any(
            self._writes(result.call.tool) and result.decided_by != "operator" for result in one.results
        ):
            return None
        trust = Settings.operator_trust
        return PastRun(id=one.id, reward=1.0, weight=trust, data=one.data, results=one.results)

    def _writes(self, name: str) -> bool:
        tool = self._tools.get(name)
        return tool is None or tool.governance.effect == "write"
