"""The state of tools, workers, model and memory in words, each with where one does something about it. See `told`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from urllib.parse import quote, urlencode

from agent.operating.system import System
from api.console.gate import MOUNT
from api.console.words import ago, moment_of, number
from api.terminal import line

Part = Literal["Tools", "Workers", "Decisions", "Memory"]
PARTS: tuple[Part, ...] = ("Tools", "Workers", "Decisions", "Memory")
MOST = 6
"""Lines of a part."""
PORTFOLIO = f"{MOUNT}/portfolio"


@dataclass(frozen=True, kw_only=True)
class Told:
    """One thing that is well, or not."""

    part: Part
    state: str
    """As `theme.STATES` colours it."""
    word: str
    says: str
    more: str = ""
    address: str | None = None
    """A page of the console where one does something about it."""


def told(system: System) -> list[Told]:
    """What is not well first in each part; a part has at least one line."""
    return [*_tools(system), *_workers(system), *_decisions(system), *_memory(system)]


def tool_address(name: str) -> str:
    """The page of a tool."""
    return f"{PORTFOLIO}/tools/{quote(name, safe='')}"


def _tools(system: System) -> Iterator[Told]:
    found = [*_pauses(system), *_breakers(system)]
    for name, why in system.problems.items():
        part, _, number_ = name.partition(".")
        if part == "tools" and number_.isdigit():
            says = f"A source works from an earlier document: {line(why, 240)}"
            found.append(Told(part="Tools", state="waiting", word="old", says=says, address=PORTFOLIO))
    yield from found[:MOST]
    if len(found) > MOST:
        yield Told(part="Tools", state="failed", word="more", says=f"And {len(found) - MOST} more.", address=PORTFOLIO)
    count = len(system.tools)
    if not found and count:
        says = f"{number(count)} {'tool is' if count == 1 else 'tools are'} called as usual."
        yield Told(part="Tools", state="done", word="well", says=says, address=PORTFOLIO)
    if not found and not count:
        says = "No tool is registered. Look at what a service offers."
        yield Told(part="Tools", state="", word="none", says=says, address=f"{PORTFOLIO}/add")


def _pauses(system: System) -> Iterator[Told]:
    for one in system.pauses:
        name = line(one["name"] or "", 80)
        what = {"all": "Everything", "tool": name, "event": f"Event type {name}"}[one["scope"]]
        held = one["scope"] if one["scope"] == "all" else f"{one['scope']}:{one['name']}"
        tool = one["scope"] == "tool"
        address = tool_address(one["name"]) if tool else f"{MOUNT}/inbox?{urlencode({'pause': held})}"
        yield Told(
            part="Tools", state="paused", word="paused", says=what, more=by_whom(one, system.now), address=address
        )


def by_whom(one: dict[str, Any], now: datetime) -> str:
    """Of a pause or a switch: who, when and why."""
    reason = f": {line(one['reason'], 160)}" if one["reason"] else ""
    return f"by {line(one['by'], 60)}, {ago(moment_of(one['since']), now)}{reason}"


def _breakers(system: System) -> Iterator[Told]:
    for tool in system.tools:
        if tool["breaker"] is not None:
            address = tool_address(tool["name"])
            says, more = line(tool["name"], 80), breaker_in_words(tool["breaker"], system.now)
            yield Told(part="Tools", state="failed", word="left alone", says=says, more=more, address=address)


def breaker_in_words(breaker: dict[str, Any], now: datetime) -> str:
    """Why a tool is left alone, and until when."""
    again = "it is being tried again"
    if breaker["state"] == "open":
        again = f"it is tried again {ago(moment_of(breaker['tried_again_at']), now)}"
    return f"the last {number(breaker['failures'])} calls failed ({line(breaker['error'], 160)}); {again}"


def _workers(system: System) -> Iterator[Told]:
    failure = system.problems.get("dispatcher")
    if failure:
        yield Told(part="Workers", state="failed", word="failing", says=line(failure, 240))
    for one in system.workers[:MOST]:
        who = f"{line(one.worker.kind, 20)} on {line(one.worker.host, 60)}, process {one.worker.process}"
        runs = f"{number(one.running)} {'run' if one.running == 1 else 'runs'} at work"
        since = f"started {ago(one.started_at, system.now)}"
        if one.live:
            yield Told(part="Workers", state="done", word="alive", says=who, more=f"{runs}; {since}")
        else:
            gone = f"not heard of since {ago(one.lease_until, system.now)}; others take its runs over"
            yield Told(part="Workers", state="failed", word="gone", says=who, more=gone)
    if len(system.workers) > MOST:
        yield Told(part="Workers", state="", word="more", says=f"And {number(len(system.workers) - MOST)} more.")
    if not system.workers:
        yield Told(part="Workers", state="failed", word="none", says="No process handles runs. Start segue serve.")


def _decisions(system: System) -> Iterator[Told]:
    if system.model is None:
        says = "The Planner decides; no chat model is asked."
        yield Told(part="Decisions", state="done", word="built in", says=says)
        return
    seen, name = system.model, line(system.decided_by, 80)
    answered = (
        "has not answered lately" if seen.answered_at is None else f"answered {ago(seen.answered_at, system.now)}"
    )
    failed = seen.failed_at is not None and (seen.answered_at is None or seen.failed_at > seen.answered_at)
    if failed and seen.failed_at is not None and seen.failed_run is not None:
        more = f"failed {ago(seen.failed_at, system.now)}: {line(seen.says or '', 160)}; {answered}"
        address = f"{MOUNT}/runs/{quote(seen.failed_run, safe='')}"
        yield Told(part="Decisions", state="failed", word="failing", says=name, more=more, address=address)
        return
    state, word = ("done", "well") if seen.answered_at is not None else ("", "not asked")
    yield Told(part="Decisions", state=state, word=word, says=name, more=answered)


def _memory(system: System) -> Iterator[Told]:
    address, seen = f"{MOUNT}/memory", system.memory
    if "memory" in system.problems:
        says = line(system.problems["memory"], 240)
        yield Told(part="Memory", state="failed", word="failing", says=says, address=address)
    for one in system.off[:MOST]:
        says = f"Not used for {line(one['type'], 80)}"
        yield Told(part="Memory", state="paused", word="off", says=says, more=by_whom(one, system.now), address=address)
    count = f"{number(seen.episodes)} {'episode' if seen.episodes == 1 else 'episodes'}"
    waits = f", of which {number(seen.waiting)} wait to be indexed" if seen.waiting else ""
    where = dict.fromkeys(line(one.worker.memory, 120) for one in system.workers if one.live)
    more = f"index in {', '.join(where)}" if where else ""
    if not system.uses_memory:
        says = f"Decisions see no evidence (--no-memory); {count}{waits}."
        yield Told(part="Memory", state="paused", word="off", says=says, more=more, address=address)
    elif "memory" not in system.problems:
        yield Told(part="Memory", state="done", word="on", says=f"{count}{waits}.", more=more, address=address)
