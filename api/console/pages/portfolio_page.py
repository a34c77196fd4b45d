"""What the company owns: value chains with who performs each step, tools and how they do. Start with `register`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from nicegui import ui

from agent.portfolio.model import Chain
from agent.store.chat_queries import Window
from agent.store.figures import ToolCount
from agent.store.queries import Shown
from api.console.frame import Console, View, empty, heading, link, now, page, state
from api.console.gate import MOUNT
from api.console.words import number, share, span
from api.terminal import clean, line

WEEK = timedelta(days=7)


@dataclass(frozen=True, kw_only=True)
class StepShown:
    """A step of a chain, and how it went this week."""

    name: str
    description: str
    tools: tuple[str, ...]
    calls: int
    bad: int
    """Calls that failed, or of which nobody knows."""


def register(console: Console) -> None:
    """Make the page."""

    @ui.page("/portfolio")
    async def show() -> None:
        view = page(console, "/portfolio", "Portfolio")
        with ui.element("main").classes("sg-page"):
            heading("Portfolio", level=1)
            chains, tools = ui.element("section"), ui.element("section")
        view.follow(lambda: _refresh(view, chains, tools))


async def _refresh(view: View, chains: ui.element, tools: ui.element) -> None:
    counts = {one.tool: one for one in await view.segue.desk.tool_counts(view.tenant, _week(), None)}
    known = view.segue.tools()
    chains.clear()
    with chains:
        for chain in view.segue.portfolio.chains:
            _chain(chain, steps_of(chain, known, counts))
    tools.clear()
    with tools:
        _tools(known, counts)


def _week() -> Window:
    return Window(since=now() - WEEK)


def steps_of(chain: Chain, tools: Sequence[Shown], counts: Mapping[str, ToolCount]) -> list[StepShown]:
    """The chain's steps in order, with the tools that perform them."""
    found = []
    for step in chain.steps:
        own = tuple(tool["name"] for tool in tools if tool["step"] == step.name)
        known = [counts[name] for name in own if name in counts]
        found.append(
            StepShown(
                name=step.name,
                description=step.description,
                tools=own,
                calls=sum(one.calls for one in known),
                bad=sum(one.bad for one in known),
            )
        )
    return found


def _chain(chain: Chain, steps: Sequence[StepShown]) -> None:
    with ui.element("div").classes("sg-card"):
        heading(line(chain.name, 80))
        if chain.description:
            ui.label(line(chain.description, 300)).classes("sg-quiet")
        with ui.element("ol").classes("sg-chain"):
            for step in steps:
                with ui.element("li").classes("sg-step"):
                    _step(step)


def _step(step: StepShown) -> None:
    ui.label(line(step.name, 60)).classes("sg-strong")
    ui.label(line(step.description, 160)).classes("sg-quiet sg-small")
    if step.tools:
        ui.label(", ".join(line(name, 60) for name in step.tools)).classes("sg-small")
    else:
        state("waiting", "nobody performs it")
    if step.calls:
        stopped = f", {share(step.bad, step.calls)} did not succeed" if step.bad else ""
        ui.label(f"{number(step.calls)} calls this week{stopped}").classes("sg-quiet sg-small")


def _tools(tools: Sequence[Shown], counts: Mapping[str, ToolCount]) -> None:
    if not tools:
        with ui.element("div").classes("sg-card"):
            empty("No tool is registered. List some under 'sources' of the portfolio file.")
        return
    for unit in sorted({str(tool["unit"]) for tool in tools}):
        with ui.element("div").classes("sg-card"):
            heading(line(unit or "No unit", 80))
            with ui.element("div").classes("sg-list"):
                for tool in tools:
                    if tool["unit"] == unit:
                        _tool(tool, counts.get(tool["name"]))


def _tool(tool: Mapping[str, Any], count: ToolCount | None) -> None:
    with ui.element("div").classes("sg-item"):
        state("failed" if tool["breaker"] else "done", "left alone" if tool["breaker"] else "well")
        with ui.element("div").classes("sg-grow"):
            link(line(tool["name"], 80), f"{MOUNT}/runs?{urlencode({'tool': tool['name']})}")
            ui.label(clean(tool["description"])[:300]).classes("sg-quiet sg-small")
            ui.label(kind_of(tool)).classes("sg-quiet sg-small")
        ui.label(use_of(count)).classes("sg-small")


def kind_of(tool: Mapping[str, Any]) -> str:
    """What it is to the company, in one line."""
    parts = [
        "only reads" if tool["effect"] == "read" else f"changes something, {tool['risk']} risk",
        f"step {line(tool['step'], 60)}" if tool["step"] else "no step",
        f"owner {line(tool['owner'], 60)}" if tool["owner"] else "no owner",
        "may be repeated" if tool["idempotent"] else "",
        "waits for an approval" if tool["risk"] == "high" else "",
    ]
    return "; ".join(part for part in parts if part)


def use_of(count: ToolCount | None) -> str:
    """Calls of the week, how many succeeded, and how long they take."""
    if count is None or not count.calls:
        return "not called this week"
    ended = count.done + count.bad
    took = f", half of them within {span(count.seconds[len(count.seconds) // 2])}" if count.seconds else ""
    return f"{number(count.calls)} calls this week, {share(count.done, ended)} done{took}"
