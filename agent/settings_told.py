"""What a portfolio asks for, and how two of them differ, in words. Start with `content`, then `differences`.

Nothing of a source's address or headers is in it: they may hold secrets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from agent.canonical import digest
from agent.portfolio.model import Portfolio
from agent.store.queries import Shown
from tools.types import JsonObject, JsonValue

PORTFOLIO = "portfolio"
SECTIONS: Mapping[str, str] = {
    "goals": "goal",
    "tools": "tool",
    "events": "event type",
    "outcomes": "outcome type",
    "chains": "value chain",
}
"""In the order they are told."""
LEFT_OUT = frozenset({"name", "breaker", "events"})
"""Of a tool: what says nothing of itself, or is told with the event types."""
SHORT = 40
"""Characters of a value that is told; of others only that they changed."""


def content(portfolio: Portfolio, tools: Sequence[Shown], decided_by: str) -> JsonObject:
    """Each entry of each section as its fields: short values as they are, others by a digest; and who decides."""
    return {
        "decided_by": decided_by,
        "goals": {name: {"weight": weight} for name, weight in portfolio.goals.items()},
        "tools": {str(one["name"]): _entry({k: v for k, v in one.items() if k not in LEFT_OUT}) for one in tools},
        "events": {name: _entry(kind) for name, kind in portfolio.events.items()},
        "outcomes": {name: _entry(kind) for name, kind in portfolio.outcomes.items()},
        "chains": {chain.name: _entry(chain) for chain in portfolio.chains},
    }


def summary(there: JsonObject) -> str:
    """How much of everything there is."""
    parts = [_number(len(_section(there, name)), word) for name, word in SECTIONS.items()]
    return f"{', '.join(parts)}, decided by {there.get('decided_by')}"


def differences(before: JsonObject, after: JsonObject) -> list[str]:
    """One sentence for each entry that was added, removed or changed."""
    told: list[str] = []
    if before.get("decided_by") != after.get("decided_by"):
        told.append(f"decided by {after.get('decided_by')}, before by {before.get('decided_by')}")
    for section, word in SECTIONS.items():
        old, new = _section(before, section), _section(after, section)
        told += [f"{word} {name} added" for name in sorted(new.keys() - old.keys())]
        told += [f"{word} {name} removed" for name in sorted(old.keys() - new.keys())]
        for name in sorted(name for name in new.keys() & old.keys() if new[name] != old[name]):
            told.append(f"{word} {name}: {', '.join(_changed(old[name], new[name]))}")
    return told


def _section(there: JsonObject, name: str) -> Mapping[str, Any]:
    found = there.get(name)
    return found if isinstance(found, Mapping) else {}


def _changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """`weight 2, before 1`; `schema changed`."""
    told = []
    for name in sorted(new.keys() | old.keys()):
        was, now = old.get(name), new.get(name)
        if was == now:
            continue
        short = not any(isinstance(one, Mapping) for one in (was, now))
        told.append(f"{name} {_said(now)}, before {_said(was)}" if short else f"{name} changed")
    return told


def _said(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _entry(value: object) -> JsonObject:
    found = _plain(value)
    return {name: _short(one) for name, one in found.items()} if isinstance(found, Mapping) else {}


def _short(value: JsonValue) -> JsonValue:
    if value is None or isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= SHORT):
        return value
    return {"sha256": digest(value)[:16]}


def _plain(value: object) -> Any:
    """As JSON, in an order of its own, so that the same portfolio is always the same."""
    if is_dataclass(value):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, frozenset | set):
        return sorted(map(str, value))
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def _number(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"
