"""What the company owns: value chains with who performs each step, tools and how they do. Start with `register`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nicegui import ui

from agent.operating.rested import Rested
from agent.operating.tool_use import WeekOfTools, week_of_tools
from agent.portfolio.model import Chain
from agent.store.queries import Shown
from api.console.frame import Console, Part, View, empty, heading, link, page, state
from api.console.gate import MOUNT
from api.console.parts import box, text
from api.console.plain import prose
from api.console.portfolio_words import (
    WEEK_DAYS,
    StepShown,
    by_unit,
    calls_by_day,
    health_of,
    kind_of,
    steps_of,
    use_of,
)
from api.console.system_words import tool_address
from api.console.trend import Chart
from api.terminal import line

ADD = f"{MOUNT}/portfolio/add"


def register(console: Console) -> None:
    """Make the page."""
    weeks: Rested[str, WeekOfTools] = Rested(lambda tenant: week_of_tools(console.segue, tenant))

    @ui.page("/portfolio")
    async def show() -> None:
        view = page(console, "/portfolio", "Portfolio")
        with box("main", "sg-page"):
            with box("div", "sg-row sg-head"):
                heading("Portfolio", level=1)
                link("Add tools by address", ADD).classes("sg-chip")
            chains, tools = Part(), Part()

        async def refresh() -> None:
            await _refresh(view, await weeks.of(view.tenant), chains, tools)

        view.follow(refresh)


async def _refresh(view: View, week: WeekOfTools, chains: Part, tools: Part) -> None:
    known = view.segue.tools()
    steps = [(chain, steps_of(chain, known, week)) for chain in view.segue.portfolio.chains]
    chains.show(steps, lambda: _chains(steps))
    paused = {one["name"]: one for one in await view.segue.pauses.list(view.tenant) if one["scope"] == "tool"}
    order = [step.name for chain in view.segue.portfolio.chains for step in chain.steps]
    minute = week.now.replace(second=0, microsecond=0) if paused or any(tool["breaker"] for tool in known) else None
    shown = (known, paused, week.counts, week.days, minute)
    tools.show(shown, lambda: _tools(known, paused, week, order))


def _chains(found: Sequence[tuple[Chain, Sequence[StepShown]]]) -> None:
    for chain, steps in found:
        with box("div", "sg-card"):
            heading(line(chain.name, 80))
            if chain.description:
                text("p", line(chain.description, 300), "sg-quiet")
            with box("ol", "sg-graph") as drawn:
                drawn.props["aria-label"] = f"Steps of {line(chain.name, 80)}, in their order"
                for step in steps:
                    with box("li", "sg-node" + (" sg-nobody" if step.nobody else "")):
                        _step(step)


def _step(step: StepShown) -> None:
    text("div", line(step.name, 60), "sg-strong")
    if step.description:
        text("div", line(step.description, 160), "sg-quiet sg-small")
    with box("div", "sg-performers"):
        for name in step.tools:
            link(line(name, 60), tool_address(name)).classes("sg-chip sg-small")
        if step.person:
            text("span", line(step.person, 120), "sg-chip sg-small sg-person")
        if step.nobody:
            state("waiting", "nobody performs it")
    text("div", step.use, "sg-quiet sg-small")
    for stop in step.stops:
        link(stop.says, stop.address).classes(f"sg-small sg-stop-{stop.state}")


def _tools(tools: Sequence[Shown], paused: Mapping[str, Shown], week: WeekOfTools, order: Sequence[str]) -> None:
    if not tools:
        with box("div", "sg-card"):
            empty(
                "No tool is registered. List some under 'sources' of the portfolio file, or see what a service offers."
            )
            link("Add tools by address", ADD)
        return
    for unit, steps in by_unit(tools, order):
        with box("div", "sg-card"):
            heading(line(unit, 80) or "Tools without a unit")
            for step, group in steps:
                text("h3", line(step, 80) or "No step")
                with box("ul", "sg-plainlist"):
                    for tool in group:
                        with box("li", "sg-item"):
                            _tool(tool, paused.get(tool["name"]), week)


def _tool(tool: Shown, pause: Shown | None, week: WeekOfTools) -> None:
    status, word, why = health_of(tool, pause, week.now)
    state(status, word)
    with box("div", "sg-grow"):
        link(line(tool["name"], 80), tool_address(tool["name"]))
        text("div", prose(tool["description"], 300), "sg-quiet sg-small")
        text("div", kind_of(tool), "sg-quiet sg-small")
        if why:
            text("div", why, "sg-small")
    with box("div", "sg-use"):
        text("div", use_of(week.counts.get(tool["name"])), "sg-small")
        Chart(calls_by_day(week.days.get(tool["name"], {}), week.now, WEEK_DAYS))
