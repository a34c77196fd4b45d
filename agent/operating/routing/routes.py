"""What becomes of a question: a call of one of the chat's tools, or words. Start with `Route`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from agent.deciders.planner_meaning import Similarities
from agent.operating.names import Names
from agent.operating.routing.conversation import Carried
from agent.operating.routing.mentions import Kind, Mentions
from agent.operating.types import Toolbox
from tools.types import JsonValue

NAMED: tuple[Kind, ...] = ("subject", "run", "tool", "type", "effect")


@dataclass(frozen=True, kw_only=True)
class Route:
    """A tool of the chat, its arguments, and why it."""

    tool: str
    arguments: Mapping[str, JsonValue]
    why: str


@dataclass(frozen=True, kw_only=True)
class Reply:
    """Words, where nothing is looked up."""

    text: str


Routed: TypeAlias = Route | Reply


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What questions of one operator are routed by."""

    similarities: Similarities
    names: Names
    toolbox: Toolbox
    """The tools the operator may use."""
    tenant: str
    now: datetime


@dataclass(frozen=True, kw_only=True)
class Read:
    """A question, read."""

    mentions: Mentions
    carried: Carried
    masked: str
    """In lower case, names and times replaced."""
    there: Mapping[str, str]
    """A subject, tools and a type there are, for examples where the question names none."""

    @property
    def named(self) -> dict[str, str]:
        """For examples."""
        found: dict[str, str | None] = {kind: self.mentions.first(kind) for kind in NAMED}
        said = {kind: value for kind, value in found.items() if value is not None}
        return {**self.there, **said, **({"risky": said["tool"]} if "tool" in said else {})}


def filled(**arguments: JsonValue) -> dict[str, JsonValue]:
    """Those that are known."""
    return {name: value for name, value in arguments.items() if value is not None}
