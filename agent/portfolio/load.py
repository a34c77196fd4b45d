"""From portfolio files to the `Portfolio`. Start with `load_portfolio`; `complete` follows when the sources are read.

The steps are a module each: `reading` (strict YAML, variables), `entries` with `form` (the form of each entry),
`sources` and `events` (what the entries say, with `names`, `schemas`), and here their order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from agent.portfolio.entries import Entries, Entry, clash, merge, read_entries
from agent.portfolio.events import Known, build_event, build_outcome
from agent.portfolio.form import EventForm, OutcomeForm
from agent.portfolio.mistakes import Mistake, MistakeList, Place, PortfolioError, suggest
from agent.portfolio.model import EventType, OutcomeType, Portfolio
from agent.portfolio.names import Names, Wish, resolve
from agent.portfolio.reading import read_document
from agent.portfolio.sources import Sources, build_chains, build_sources, listed_tools
from tools.types import Tool

__all__ = ["LoadedPortfolio", "Mistake", "PortfolioError", "complete", "load_portfolio"]

MAX_FILES = 200


@dataclass(frozen=True, kw_only=True)
class LoadedPortfolio(Portfolio):
    """A portfolio that still knows how its files put it, so that it can be completed with the tools of its sources."""

    wishes: Mapping[str, Wish] = field(default_factory=dict)
    """Event type -> what it asks of the tools."""
    places: Mapping[str, Place] = field(default_factory=dict)
    """Listed tool -> where it is written."""


def load_portfolio(paths: Sequence[Path], environment: Mapping[str, str]) -> LoadedPortfolio:
    """Read and merge portfolio files and check them, all that can be checked without asking the sources.

    `environment` is what `${NAME}` is filled from. Raises `PortfolioError` with every mistake. Where a source lists no
    tools, `allow` holds only what is known yet: `complete` gives the rest.
    """
    mistakes = MistakeList()
    entries = Entries()
    if not 0 < len(paths) <= MAX_FILES:
        place = Place(file="(no file)")
        mistakes.add(place, f"{len(paths)} portfolio files are given", f"Give 1 to {MAX_FILES} files.")
    for path in paths[:MAX_FILES]:
        document = read_document(path, environment, mistakes)
        if document is None:
            entries.broken |= {"goals", "chains", "sources", "events", "outcomes"}
        else:
            read_entries(document, entries, mistakes)
    portfolio = _build(entries, tuple(str(path) for path in paths), mistakes)
    mistakes.raise_if_any()
    return portfolio


def complete(portfolio: LoadedPortfolio, tools: Mapping[str, Tool]) -> LoadedPortfolio:
    """The portfolio with every step of `allow` resolved to the tools there really are, by name; may be repeated.

    Raises `PortfolioError` where a tool, an argument or a step the portfolio speaks of does not exist.
    """
    mistakes = MistakeList()
    steps = frozenset(step.name for chain in portfolio.chains for step in chain.steps)
    performed = {name: tool.governance.step for name, tool in tools.items()}
    names = Names(tools=performed, steps=steps, all_tools=True, all_steps=True)
    _check_listed(portfolio, tools, mistakes)
    for name in sorted(set(tools) & steps - portfolio.places.keys()):
        place = Place(file=portfolio.files[0] if portfolio.files else "")
        problem = f"{name!r} is both a step and a tool of the source {tools[name].source!r}"
        mistakes.add(place, problem, "Rename the step.")
    events = {}
    for name, event in portfolio.events.items():
        wish = portfolio.wishes[name]
        allowed = resolve(wish, names, mistakes)
        _check_bound(wish, allowed, tools, mistakes)
        events[name] = replace(event, allow=allowed)
    mistakes.raise_if_any()
    return replace(portfolio, events=events)


def _build(entries: Entries, files: tuple[str, ...], mistakes: MistakeList) -> LoadedPortfolio:
    goals = merge(entries.goals, "goal", mistakes)
    chains, steps = build_chains(merge(entries.chains, "chain", mistakes).values(), mistakes)
    all_steps = "chains" not in entries.broken
    sources = build_sources(merge(entries.sources, "source", mistakes).values(), steps, all_steps, mistakes)
    events = merge(entries.events, "event type", mistakes)
    outcomes = merge(entries.outcomes, "outcome type", mistakes)
    known = Known(
        names=_names(sources, steps, entries),
        goals=frozenset(goals),
        all_goals="goals" not in entries.broken,
        events=frozenset(events),
        all_events="events" not in entries.broken,
    )
    made, wishes = _events(events, known, mistakes)
    return LoadedPortfolio(
        goals={name: entry.form.weight for name, entry in goals.items()},
        sources=sources.sources,
        chains=chains,
        events=made,
        outcomes=_outcomes(outcomes, events, known, mistakes),
        files=files,
        wishes=wishes,
        places=sources.places,
    )


def _names(sources: Sources, steps: frozenset[str], entries: Entries) -> Names:
    return Names(
        tools=sources.steps(),
        steps=steps,
        all_tools=sources.listed and "sources" not in entries.broken,
        all_steps="chains" not in entries.broken,
    )


def _events(
    entries: Mapping[str, Entry[EventForm]], known: Known, mistakes: MistakeList
) -> tuple[dict[str, EventType], dict[str, Wish]]:
    events, wishes = {}, {}
    for name, entry in entries.items():
        events[name], wishes[name] = build_event(entry, known, mistakes)
    return events, wishes


def _outcomes(
    entries: Mapping[str, Entry[OutcomeForm]],
    events: Mapping[str, Entry[EventForm]],
    known: Known,
    mistakes: MistakeList,
) -> dict[str, OutcomeType]:
    outcomes = {}
    for name, entry in entries.items():
        if name in events:
            clash("outcome type", name, entry.place, events[name].place, mistakes)
        outcomes[name] = build_outcome(entry, known, mistakes)
    return outcomes


def _check_listed(portfolio: LoadedPortfolio, tools: Mapping[str, Tool], mistakes: MistakeList) -> None:
    """Every listed tool exists in its source and has the arguments marked `choice`."""
    for source in portfolio.sources:
        own = [name for name, tool in tools.items() if tool.source == source.name]
        for entry in listed_tools(source):
            place = portfolio.places[entry.name]
            if entry.name not in own:
                problem = f"the source {source.name!r} has no tool {entry.name!r}"
                mistakes.add(place, problem, suggest(entry.name, own, "Look at what the source offers."))
                continue
            arguments = _arguments(tools[entry.name])
            for index, argument in enumerate(entry.governance.choice):
                if argument not in arguments:
                    hint = suggest(argument, arguments, "Remove it: the tool takes no arguments.")
                    mistakes.add(place.at("choice", index), f"{entry.name!r} has no argument {argument!r}", hint)


def _check_bound(wish: Wish, allowed: frozenset[str], tools: Mapping[str, Tool], mistakes: MistakeList) -> None:
    """Every bound argument is one of at least one allowed tool; otherwise it would bind nothing."""
    arguments = {argument for name in allowed for argument in _arguments(tools[name])}
    for argument in wish.bound if allowed else ():
        if argument not in arguments:
            hint = suggest(argument, arguments, "Remove it: the allowed tools take no arguments.")
            mistakes.add(wish.place.at("bind", argument), f"no allowed tool has an argument {argument!r}", hint)


def _arguments(tool: Tool) -> tuple[str, ...]:
    properties = tool.parameters.get("properties")
    return tuple(properties) if isinstance(properties, Mapping) else ()
