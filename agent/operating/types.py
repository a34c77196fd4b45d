"""The words of the operators' chat. Start with `OperatorTool` and `ChatEvent`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

from agent.roles import Scope
from agent.service import Segue
from tools.types import JsonObject, Tool


@dataclass(frozen=True, kw_only=True)
class Asker:
    """Who asks."""

    tenant: str
    name: str
    """Written beside whatever is done for them."""
    scopes: frozenset[Scope]
    """As of their key, see `agent.roles`."""


@dataclass(frozen=True, kw_only=True)
class Said:
    """One message of the conversation before."""

    role: Literal["operator", "segue"]
    text: str


@dataclass(frozen=True, kw_only=True)
class Card:
    """Something an answer is about, for a client to show beside its words."""

    kind: Literal["run", "approval", "effect", "tool", "lesson", "event", "chart"]
    id: str
    """Of the run, approval or effect; a tool's name; an event's type; what a chart is of."""
    title: str
    detail: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Found:
    """What an operators' tool found or did."""

    data: JsonObject
    """For a chat model that puts it into words, and for whoever wants it as JSON."""
    words: str
    """The same in plain words with ids of runs, as the Planner answers."""
    cards: tuple[Card, ...] = ()
    suggestions: tuple[str, ...] = ()
    """Questions that follow from it."""


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """What exactly would be done, once the operator has confirmed it."""

    tool: str
    arguments: JsonObject
    """Complete: nothing is looked up or filled in any more when it is carried out."""
    title: str
    """`Approve: pay 40 to c-1`."""
    consequence: str
    """What happens on yes, in one sentence."""
    cards: tuple[Card, ...] = ()


Reads: TypeAlias = Callable[[Segue, Asker, JsonObject], Awaitable[Found]]
"""Looks something up. Raises `ToolError` saying what is wrong with the arguments and what would be right."""
Proposes: TypeAlias = Callable[[Segue, Asker, JsonObject], Awaitable[Proposal]]
"""Completes the arguments of an act, which is not carried out. Raises `ToolError`."""


@dataclass(frozen=True, kw_only=True)
class OperatorTool:
    """Something the chat can do for an operator; never a company's tool."""

    tool: Tool
    """Its name, description and arguments, as deciders see them."""
    scope: Scope
    phrases: tuple[str, ...]
    """Questions it answers, for who must route without a language model."""
    reads: Reads | None = None
    proposes: Proposes | None = None
    """Of a tool that acts: what it would do."""
    does: Reads | None = None
    """Of a tool that acts: does it, with the arguments of a confirmed proposal."""


@dataclass(frozen=True, kw_only=True)
class Confirmation:
    """A proposal that waits for the operator's yes or no: an approval of exactly these arguments."""

    id: str
    proposal: Proposal
    digest: str
    """Of tool and arguments; what is carried out has the same."""
    expires_at: datetime


Step: TypeAlias = Literal["decide", "act"]


@dataclass(frozen=True, kw_only=True)
class Began:
    """A step begins; steps do not overlap."""

    step: Step


@dataclass(frozen=True, kw_only=True)
class Ended:
    """The step that began last is over."""

    step: Step


@dataclass(frozen=True, kw_only=True)
class Thought:
    """A decision was made: which tools, or none, and why."""

    reason: str
    decided_by: str


@dataclass(frozen=True, kw_only=True)
class Called:
    """An operators' tool begins."""

    id: str
    tool: str
    arguments: JsonObject


@dataclass(frozen=True, kw_only=True)
class Returned:
    """An operators' tool has ended."""

    id: str
    state: Literal["done", "failed", "refused", "rejected"]
    found: Found | None = None
    error: str | None = None


@dataclass(frozen=True, kw_only=True)
class Wrote:
    """Words of the answer."""

    text: str


@dataclass(frozen=True, kw_only=True)
class Asks:
    """Something is to be confirmed."""

    confirmation: Confirmation
    call: str
    """The `Called` it belongs to."""


@dataclass(frozen=True, kw_only=True)
class Over:
    """The answer is complete."""

    state: Literal["done", "waiting", "failed"]
    """`waiting`: for the confirmations that were asked for."""
    code: str
    detail: str
    suggestions: tuple[str, ...] = ()


ChatEvent: TypeAlias = Began | Ended | Thought | Called | Returned | Wrote | Asks | Over

Toolbox: TypeAlias = Mapping[str, OperatorTool]
