"""How the company's tools do: of all in a week, of one day by day. Start with `week_of_tools` and `tool_story`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from agent.errors import NotFound
from agent.operating.desk import LATEST_DECISIONS
from agent.operating.why_not import COUNTED, Why, by_run
from agent.service import Segue
from agent.store.chat_queries import ToolSearch, Window
from agent.store.figures import ToolCount
from agent.store.queries import Shown
from agent.store.tool_use import DayOfTool, Stops

WEEK = timedelta(days=7)
DAYS = 14
FAILURES = 10


@dataclass(frozen=True, kw_only=True)
class WeekOfTools:
    """What tools did in the last seven days."""

    counts: Mapping[str, ToolCount]
    """By tool."""
    stops: Mapping[str, Stops]
    """By tool."""
    runs: Mapping[str, int]
    """By step."""
    now: datetime
    days: Mapping[str, Mapping[str, DayOfTool]]
    """By tool, and by day."""


async def week_of_tools(segue: Segue, tenant: str) -> WeekOfTools:
    """Of all tools."""
    desk = segue.desk
    window = Window(since=desk.now() - WEEK)
    steps = {str(tool["name"]): str(tool["step"]) for tool in segue.tools() if tool["step"]}
    return WeekOfTools(
        counts={one.tool: one for one in await desk.tool_counts(tenant, window, None)},
        stops=await desk.stops(tenant, desk.now() - WEEK),
        runs=await desk.runs_by_step(tenant, window, steps),
        now=desk.now(),
        days=await desk.days_of_tools(tenant, None, window),
    )


@dataclass(frozen=True, kw_only=True)
class ToolStory:
    """One tool, and what it did."""

    tool: Shown
    now: datetime
    count: ToolCount | None
    """Of the last seven days; None where it was not called."""
    days: Mapping[str, DayOfTool]
    """Of the last fourteen, by day."""
    failures: tuple[Shown, ...]
    runs: int
    """Runs of the latest decisions."""
    used: int
    """Of these, how many called it."""
    why_not: tuple[tuple[Why, int, str], ...]
    """Why the others did not, most frequent first, each with how many runs and the latest of them."""


def day_by_day(days: Mapping[str, DayOfTool], now: datetime, number: int) -> list[tuple[datetime, DayOfTool]]:
    """The last so many days of UTC, oldest first; the last one is today."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    begins = [midnight - timedelta(days=back) for back in reversed(range(number))]
    return [(at, days.get(f"{at:%Y-%m-%d}", DayOfTool())) for at in begins]


async def tool_story(segue: Segue, tenant: str, name: str) -> ToolStory:
    """Of one tool. Raises `NotFound`."""
    tool = next((one for one in segue.tools() if one["name"] == name), None)
    if tool is None:
        raise NotFound(f"there is no tool {name!r}")
    desk = segue.desk
    now = desk.now()
    long = Window(since=now - timedelta(days=DAYS))
    counts = await desk.tool_counts(tenant, Window(since=now - WEEK), name)
    made = await desk.decisions(tenant, ToolSearch(tool=""), LATEST_DECISIONS)
    told = by_run(segue, ToolSearch(tool=name), made, set())
    others = [one for one in told if one.why != "used"]
    latest = {one.why: one.decision["run"] for one in reversed(others)}
    counted = Counter(one.why for one in others).most_common(len(COUNTED))
    return ToolStory(
        tool=tool,
        now=now,
        count=counts[0] if counts else None,
        days=(await desk.days_of_tools(tenant, name, long)).get(name, {}),
        failures=tuple(await desk.failures_of_tool(tenant, name, long, FAILURES)),
        runs=len(told),
        used=len(told) - len(others),
        why_not=tuple((why, number, latest[why]) for why, number in counted),
    )
