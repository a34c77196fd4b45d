"""How tools did in a time: calls, failures with their shares, durations, the last error. Start with `tool_figures`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from agent.operating import asked
from agent.operating.charts import chart
from agent.operating.types import Asker, Card, Found
from agent.operating.wording import lines, number, plain, rows, said, seconds, share, span
from agent.service import Segue
from agent.store.figures import ToolCount
from tools.types import JsonObject

TOLD = 8
ROWS = 20
Z = 1.96
"""Of a 95 % interval."""


async def tool_figures(segue: Segue, asker: Asker, arguments: JsonObject) -> Found:
    """Tools in an order: most failures first unless something else is asked for; the last week unless a time is."""
    now = segue.desk.now()
    order = asked.one_of(arguments, "order_by", ORDERS, "failures")
    window = asked.window(arguments, now, asked.WEEK)
    given = asked.text(arguments, "tool")
    tool = None if given is None else asked.base_of(asked.known_tool(segue, given))
    found = sorted(await segue.desk.tool_counts(asker.tenant, window, tool), key=ORDERS[order], reverse=True)
    when = span(window.since, window.until, now)
    if not found:
        what = "No tool" if tool is None else plain(tool)
        words = f"{what} was {'' if tool is None else 'not '}called {when}. Ask for a longer time."
        return Found(data=rows([]), words=words, suggestions=("show the tools", "what happened this week?"))
    told = [_line(one) for one in found[:TOLD]]
    left = len(found) - TOLD
    more = f"And {number(left, 'more tool')}." if left > 0 else ""
    return Found(
        data=rows([_row(one) for one in found[:ROWS]], len(found), order_by=order, since=_iso(window.since)),
        words=lines(_head(order, found, when), told, more),
        cards=(*_chart(order, found), *(Card(kind="tool", id=one.tool, title=_calls(one)) for one in found[:TOLD])),
        suggestions=_suggestions(found[0]),
    )


def lowest_share(one: ToolCount) -> float:
    """The lower end of Wilson's 95 % interval of the share that failed: one of one says less than 30 of 40."""
    ended, share_bad = one.done + one.bad, one.share
    if not ended:
        return 0.0
    spread = Z * math.sqrt(share_bad * (1 - share_bad) / ended + Z * Z / (4 * ended * ended))
    return max(0.0, (share_bad + Z * Z / (2 * ended) - spread) / (1 + Z * Z / ended))


def _typical(one: ToolCount) -> float:
    return quantile(one.seconds, 0.5)


def quantile(ordered: Sequence[float], part: float) -> float:
    """The nearest rank; 0 where there is nothing."""
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)] if ordered else 0.0


ORDERS: Mapping[str, Callable[[ToolCount], tuple[float, float]]] = {
    "failures": lambda one: (lowest_share(one), one.bad),
    "calls": lambda one: (one.calls, one.bad),
    "duration": lambda one: (_typical(one), one.calls),
}


def _head(order: str, found: Sequence[ToolCount], when: str) -> str:
    first = found[0]
    if order == "calls":
        return f"{plain(first.tool)} is called most {when}:"
    if order == "duration":
        timed = first.seconds
        if not timed:
            return f"No call is done {when}, so none has a duration:"
        return f"{plain(first.tool)} takes longest {when}, typically {seconds(_typical(first))}:"
    if not any(one.bad for one in found):
        return f"No tool failed {when}:"
    if len(found) == 1:
        return f"{plain(first.tool)} failed in {share(first.bad, first.done + first.bad, 'calls')} {when}:"
    head = f"{plain(first.tool)} fails most {when}: {share(first.bad, first.done + first.bad, 'calls')}."
    by_number = max(found, key=lambda one: one.bad)
    if by_number.bad > first.bad:
        bad = share(by_number.bad, by_number.done + by_number.bad, "calls")
        head += f" By number it is {plain(by_number.tool)}: {bad}."
    return f"{head} Shares of few calls count less in this order."


def _chart(order: str, found: Sequence[ToolCount]) -> tuple[Card, ...]:
    if order == "calls":
        return chart("calls", "Calls", [(one.tool, one.calls, number(one.calls, "call")) for one in found])
    if order == "duration":
        timed = [(one.tool, _typical(one), seconds(_typical(one))) for one in found if one.seconds]
        return chart("duration", "Half of the calls take at most so long", timed)
    bad = [(one.tool, one.share, share(one.bad, one.done + one.bad)) for one in found]
    return chart("failures", "Share of calls that did not succeed", bad, full=1.0)


def _calls(one: ToolCount) -> str:
    return f"{number(one.calls, 'call')}, {share(one.bad, one.done + one.bad)} failed"


def _line(one: ToolCount) -> str:
    states = [f"{count} {state}" for state, count in (("failed", one.failed), ("unknown", one.unknown)) if count]
    bad = f" ({', '.join(states)})" if states else ""
    going = f", {one.claimed} going on" if one.claimed else ""
    took = ""
    if one.seconds:
        half, most = seconds(quantile(one.seconds, 0.5)), seconds(quantile(one.seconds, 0.95))
        took = f"; half within {half}, 95 % within {most}"
    error = f"; last error {said(one.error)} in run {one.error_run}" if one.error else ""
    bad_share = f"{share(one.bad, one.done + one.bad)} did not succeed{bad}"
    return f"  {plain(one.tool)}: {number(one.calls, 'call')}, {one.done} done, {bad_share}{going}{took}{error}."


def _row(one: ToolCount) -> JsonObject:
    return {
        "tool": one.tool,
        "calls": one.calls,
        "done": one.done,
        "failed": one.failed,
        "unknown": one.unknown,
        "going_on": one.claimed,
        "share_failed": one.share,
        "median_s": quantile(one.seconds, 0.5) if one.seconds else None,
        "p95_s": quantile(one.seconds, 0.95) if one.seconds else None,
        "timed": len(one.seconds),
        "last_error": one.error,
        "last_error_run": one.error_run,
    }


def _suggestions(first: ToolCount) -> tuple[str, ...]:
    ask = [f"show {plain(first.tool)}", f"which runs called {plain(first.tool)}?"]
    return (f"explain run {first.error_run}", *ask) if first.error_run else tuple(ask)


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
