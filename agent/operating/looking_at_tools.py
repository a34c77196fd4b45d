"""The company's tools: what they are for, and whether they are well. Start with `tools`."""

from __future__ import annotations

from typing import Any

from agent.operating import asked
from agent.operating.types import Asker, Card, Found
from agent.operating.wording import first_line, lines, listed, number, plain, rows, said
from agent.portfolio.mistakes import suggest
from agent.service import Segue
from agent.store.figures import ToolCount
from agent.store.queries import Shown
from tools.errors import ToolError
from tools.types import JsonObject

TOLD = 12
ROWS = 20


async def tools(segue: Segue, asker: Asker, arguments: JsonObject) -> Found:
    """All, one, or those of a unit or a step; with how they did in the last week."""
    now = segue.desk.now()
    found = _wanted(segue, arguments)
    if not found:
        return Found(data=rows([]), words="The portfolio has no tools. Add a source of tools to it.")
    week = asked.window({}, now, asked.WEEK)
    counts = {one.tool: one for one in await segue.desk.tool_counts(asker.tenant, week, None)}
    paused = {one["name"]: one for one in await segue.pauses.list(asker.tenant) if one["scope"] == "tool"}
    told = [_line(one, counts.get(one["name"]), paused.get(one["name"])) for one in found[:TOLD]]
    if len(found) == 1:
        told += _details(found[0])
    left = len(found) - TOLD
    more = f"And {number(left, 'more tool')}; ask for one unit or step." if left > 0 else ""
    return Found(
        data=rows([_row(one, counts.get(one["name"]), paused.get(one["name"])) for one in found[:ROWS]], len(found)),
        words=lines(f"{number(len(found), 'tool')}:", told, more),
        cards=tuple(Card(kind="tool", id=one["name"], title=first_line(one["description"])) for one in found[:TOLD]),
        suggestions=("which tool fails most this week?", f"why was {found[0]['name']} called?"),
    )


def _wanted(segue: Segue, arguments: JsonObject) -> list[Shown]:
    found = segue.tools()
    name = asked.text(arguments, "tool")
    if name is not None:
        only = asked.base_of(asked.known_tool(segue, name))
        found = [one for one in found if one["name"] == only]
    for field in ("unit", "step"):
        given = asked.text(arguments, field)
        if given is None:
            continue
        kept = [one for one in found if str(one[field] or "").casefold() == given.casefold()]
        if not kept:
            known = {str(one[field]) for one in segue.tools() if one[field]}
            hint = suggest(plain(given), known, f"No tool has a {field}.")
            raise ToolError(f"no tool has the {field} {plain(given)!r}. {hint}")
        found = kept
    return sorted(found, key=lambda one: one["breaker"] is None)


def _health(one: Shown, pause: Shown | None) -> str:
    if pause is not None:
        return f"paused by {plain(pause['by'])}"
    breaker = one["breaker"]
    return (
        "well"
        if breaker is None
        else f"left alone after {breaker['failures']} failures in a row: {said(breaker['error'])}"
    )


def _line(one: Shown, count: ToolCount | None, pause: Shown | None) -> str:
    kind = "looks up" if one["effect"] == "read" else "acts"
    risk = ", needs an approval" if one["risk"] == "high" else ""
    where = "".join(f", {word} {plain(one[word])}" for word in ("step", "unit", "owner") if one[word])
    use = "not called in the last week"
    if count is not None:
        use = f"{number(count.calls, 'call')} in the last week, {count.bad} did not succeed"
    what = first_line(one["description"], 120)
    return f"  {plain(one['name'])} ({kind}{risk}{where}): {what} It is {_health(one, pause)}; {use}."


def _details(one: Shown) -> list[str]:
    parameters: dict[str, Any] = one["parameters"]
    required = set(parameters.get("required") or ())
    names = [f"{plain(name)}{'' if name in required else ' (optional)'}" for name in parameters.get("properties") or {}]
    events = [plain(name) for name in one["events"]]
    choice = [plain(name) for name in one["choice"]]
    return [
        f"  It takes {listed(names[:20]) or 'no arguments'}, within {one['timeout_s']:g} s.",
        f"  It may be called for {listed(events[:20]) or 'no event type'}.",
        f"  What is chosen in it: {listed(choice)}." if choice else "",
    ]


def _row(one: Shown, count: ToolCount | None, pause: Shown | None) -> JsonObject:
    kept = (
        "name",
        "description",
        "owner",
        "unit",
        "step",
        "effect",
        "risk",
        "idempotent",
        "timeout_s",
        "choice",
        "events",
    )
    used = None if count is None else {"calls": count.calls, "did_not_succeed": count.bad, "share_failed": count.share}
    return {**{name: one[name] for name in kept}, "health": _health(one, pause), "last_week": used}
