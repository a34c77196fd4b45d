"""The portfolio, parsed: what the company wants, owns and allows. Made by `load.load_portfolio`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from agent.types import Purpose
from tools.types import Governance, JsonObject


@dataclass(frozen=True, kw_only=True)
class ToolEntry:
    """One tool as the portfolio lists it."""

    name: str
    operation: str | None
    """OpenAPI operation (`operationId` or `POST /path`) where it differs from the name."""
    description: str | None
    """Replaces the source's own description where given."""
    governance: Governance


@dataclass(frozen=True, kw_only=True)
class OpenApiEntry:
    """Tools of an HTTP service, read from its OpenAPI document."""

    name: str
    address: str
    base_url: str | None
    headers: Mapping[str, str]
    tools: tuple[ToolEntry, ...] | None
    """None: every operation, under `defaults`."""
    defaults: Governance


@dataclass(frozen=True, kw_only=True)
class PythonEntry:
    """Tools that are typed Python functions, `module:function`."""

    name: str
    functions: Mapping[str, ToolEntry]
    """`module:function` -> entry."""


@dataclass(frozen=True, kw_only=True)
class Step:
    name: str
    description: str


@dataclass(frozen=True, kw_only=True)
class Chain:
    """An ordered business process."""

    name: str
    description: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one run may use up before it is stopped."""

    decisions: int = 12
    calls: int = 40
    seconds: float = 600.0
    tokens: int = 200_000


@dataclass(frozen=True, kw_only=True)
class Debounce:
    """Events of one subject that come close together become one run."""

    quiet_s: float
    """The run starts when nothing of its subject and type came for so long ..."""
    longest_s: float
    """... or when the first of its events has waited so long."""


@dataclass(frozen=True, kw_only=True)
class Rate:
    """At most `starts` runs begin within `per_s` seconds; unused starts are saved up to that number."""

    starts: int
    per_s: float


@dataclass(frozen=True, kw_only=True)
class Queueing:
    """How runs of an event type wait for their turn."""

    priority: int = 0
    """Higher first, whatever else waits; -9 to 9."""
    delay_s: float = 0.0
    """A run takes its place in line only so long after its event was accepted."""
    ttl_s: float | None = None
    """A run that could not start within so long is stopped with the code `expired`."""
    debounce: Debounce | None = None
    concurrency: int | None = None
    """Runs of the type that may be running at once, over all workers."""
    rate: Rate | None = None
    attempts: int = 3
    """Tries of a run that fails for reasons of its own before it becomes a dead letter."""


@dataclass(frozen=True, kw_only=True)
class Reflex:
    """When a proven plan is used again without asking the chat model."""

    checked: float = 0.05
    """Share of such runs that still go to the model, as a check."""
    episodes: int = 5
    """Like runs that took the plan and have an outcome, at least."""
    lower: float = 0.7
    """Lower bound of their mean reward, at least."""
    margin: float = 0.1
    """By how much the plan's mean reward is above that of any other plan, at least."""


@dataclass(frozen=True, kw_only=True)
class Learning:
    """How an event type learns, beyond that its like episodes are evidence."""

    control: float = 0.0
    """Share of runs, by hash of the event's id, that decide without memory."""
    explore: float = 0.0
    """Share of decisions that try a permitted action of low risk other than the best."""
    reflex: Reflex | None = None
    """None: a chat model is always asked."""


@dataclass(frozen=True, kw_only=True)
class EventType:
    name: str
    description: str
    schema: JsonObject
    text: str
    """Template of what is embedded: `{data.question} ({data.topic})`."""
    features: Mapping[str, str]
    """Feature -> path: `data.segment`, `results.find_customer.segment`."""
    allow: frozenset[str]
    """Names of tools, steps already resolved to the tools that perform them."""
    bind: Mapping[str, str]
    """Argument -> path into the event: `subject`, `data.order_id`."""
    playbook: tuple[Purpose, ...] | None
    limits: Limits
    queueing: Queueing = field(default_factory=Queueing)
    learning: Learning = field(default_factory=Learning)


@dataclass(frozen=True, kw_only=True)
class OutcomeType:
    name: str
    description: str
    schema: JsonObject
    events: tuple[str, ...]
    """Event types whose runs it may be joined to; empty: all."""
    window_s: float
    """Seconds between a run's event and the outcome within which they belong together."""
    grade: Mapping[str, str]
    """Goal -> CEL expression giving a reward in [0, 1]."""


@dataclass(frozen=True, kw_only=True)
class Portfolio:
    goals: Mapping[str, float]
    sources: tuple[OpenApiEntry | PythonEntry, ...]
    chains: tuple[Chain, ...]
    events: Mapping[str, EventType]
    outcomes: Mapping[str, OutcomeType]
    files: tuple[str, ...] = field(default=())
