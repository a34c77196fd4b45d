"""Which names of tools and steps an event type may use. Start with `resolve`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agent.portfolio.mistakes import MistakeList, Place, suggest


@dataclass(frozen=True, kw_only=True)
class Names:
    """The tools and steps known so far."""

    tools: Mapping[str, str | None]
    """Tool -> the step it performs."""
    steps: frozenset[str]
    all_tools: bool
    """False while some source has not been read: a tool that is missing here may still exist."""
    all_steps: bool
    """False where a chain could not be read."""

    def performers(self, step: str) -> frozenset[str]:
        return frozenset(tool for tool, performed in self.tools.items() if performed == step)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What an event type asks of the tools, as it is written: checked again when the sources have been read."""

    place: Place
    allow: tuple[str, ...]
    """Names of tools and of steps."""
    bound: tuple[str, ...]
    """Arguments that are bound."""
    purposes: tuple[str, ...]
    """Step of each purpose of the playbook."""
    mentions: tuple[tuple[Place, str], ...]
    """Tools whose results features and conditions read."""


def resolve(wish: Wish, names: Names, mistakes: MistakeList) -> frozenset[str]:
    """The tools that are allowed, with each step replaced by the tools that perform it."""
    allowed: set[str] = set()
    for index, name in enumerate(wish.allow):
        place = wish.place.at("allow", index)
        performers = names.performers(name)
        if name in names.tools and name in names.steps:
            mistakes.add(place, f"{name!r} is both a tool and a step", "Rename one of them.")
        elif name in names.tools:
            allowed.add(name)
        elif name in names.steps:
            allowed |= performers
            if not performers and names.all_tools:
                mistakes.add(place, f"no tool performs the step {name!r}", f"Give a tool 'step: {name}'.")
        elif names.all_tools and names.all_steps:
            hint = suggest(name, {*names.tools, *names.steps}, "There are no tools and steps yet.")
            mistakes.add(place, f"there is no tool or step {name!r}", hint)
    _check_purposes(wish, names, frozenset(allowed), mistakes)
    for place, tool in wish.mentions:
        if tool not in names.tools and names.all_tools:
            mistakes.add(place, f"there is no tool {tool!r}", suggest(tool, names.tools, "There are no tools yet."))
    return frozenset(allowed)


def _check_purposes(wish: Wish, names: Names, allowed: frozenset[str], mistakes: MistakeList) -> None:
    for index, step in enumerate(wish.purposes):
        place = wish.place.at("playbook", index, "step")
        if step not in names.steps:
            if names.all_steps:
                hint = suggest(step, names.steps, "Write a chain with this step.")
                mistakes.add(place, f"there is no step {step!r}", hint)
        elif names.all_tools and not names.performers(step) & allowed:
            performers = sorted(names.performers(step))
            hint = f"Allow {' or '.join(performers)}." if performers else f"Give a tool 'step: {step}' and allow it."
            mistakes.add(place, f"no allowed tool performs the step {step!r}", hint)
