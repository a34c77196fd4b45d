"""What a tool is, and the four ways a call to it can end. Start with `Tool`, then `Answer`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

JsonScalar: TypeAlias = str | int | float | bool | None
JsonValue: TypeAlias = "JsonScalar | Sequence[JsonValue] | Mapping[str, JsonValue]"
JsonObject: TypeAlias = Mapping[str, JsonValue]

ToolEffect: TypeAlias = Literal["read", "write"]
Risk: TypeAlias = Literal["low", "medium", "high"]


@dataclass(frozen=True, kw_only=True)
class Governance:
    """What the company says about a tool; the tool's own document never decides any of it."""

    owner: str = ""
    """Person or team that answers for the tool."""
    unit: str = ""
    """Business unit that runs it."""
    step: str | None = None
    """Step of a value chain the tool performs."""
    effect: ToolEffect = "write"
    risk: Risk = "low"
    """`high` waits for an operator's approval of the exact arguments."""
    idempotent: bool = False
    """The tool answers a repeated key without acting again, so a call in doubt may be repeated."""
    timeout_s: float = 30.0
    choice: tuple[str, ...] = ()
    """Arguments whose value makes an action of its own to be learned about."""
    verify: str | None = None
    """CEL over `arguments` and `result`: the reward of a call, in [0, 1], by what the tool itself said."""


@dataclass(frozen=True, kw_only=True)
class Tool:
    """A registered capability: what it takes, what it gives, and what the company says about it."""

    name: str
    description: str
    parameters: JsonObject
    """JSON Schema (2020-12) of the arguments: `type: object`, references resolved."""
    returns: JsonObject | None
    """JSON Schema of the result, where the source declares one."""
    source: str
    """Name of the source in the portfolio."""
    governance: Governance


@dataclass(frozen=True, kw_only=True)
class Answered:
    """The tool did what was asked and said so readably."""

    result: JsonValue


@dataclass(frozen=True, kw_only=True)
class Declined:
    """The tool certainly did nothing: it refused the call, or nothing was ever sent."""

    error: str
    retry_after_s: float | None = None
    """Seconds after which trying again makes sense (429), if the tool said so."""
    tells: Literal["well", "unwell", "nothing"] = "well"
    """Of the tool itself: well enough to refuse; it could not be reached, or a read broke; nothing was tried."""
    judged: bool = False
    """It looked at what was asked and said no: there is nothing of the kind, or it does not go with how things are."""


@dataclass(frozen=True, kw_only=True)
class Nonsense:
    """The tool claimed success, but its answer cannot be read or is not what it declares."""

    error: str


@dataclass(frozen=True, kw_only=True)
class InDoubt:
    """The request was sent and may have been acted on: timeout, cut connection, 5xx."""

    error: str
    retry_after_s: float | None = None
    """Seconds after which trying again makes sense (503), if the tool said so."""


Answer: TypeAlias = Answered | Declined | Nonsense | InDoubt


class ToolSource(Protocol):
    """Where tools come from. Opened once, lists its tools, calls them, closed once."""

    async def tools(self) -> tuple[Tool, ...]:
        """The tools of this source. Raises `SourceError` when it cannot be read."""

    async def call(self, tool: Tool, arguments: JsonObject, *, key: str) -> Answer:
        """Call once, within the tool's timeout; never raises for what the tool does or fails to do."""

    async def aclose(self) -> None:
        """Release connections."""


class SourceError(Exception):
    """A tool source cannot be read; says which, what is wrong, and what would be right."""
