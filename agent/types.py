"""The words of a run, from the event that starts it to the decision it makes.

Start with `Event`, then `Situation` (what a decider sees) and `Decision` (what it gives back).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol, TypeAlias

from memory.types import ActionEvidence, Feature, Lesson
from tools.types import JsonObject, JsonValue, Tool

REFLEX = "reflex"
"""`decided_by` where a proven plan was used again instead of asking the chat model."""

RunStatus: TypeAlias = Literal["queued", "running", "waiting", "done", "stopped", "failed", "cancelled"]
GaveWay: TypeAlias = Literal["few", "low", "rival", "disagree", "unlike", "new", "surprise", "budget", "unbound"]
"""Why a reflex left a decision to the model: too few like runs, too low a reward, another plan as good, like runs that
did this and that, a text like none before, a fact like none before, a run that did not go as it should, no budget for
the plan, an argument that cannot be found anew."""
ReflexRole: TypeAlias = Literal["used", "checked", "gave_way"]
EffectState: TypeAlias = Literal["claimed", "done", "failed", "unknown"]
CallState: TypeAlias = Literal["done", "failed", "unknown", "refused", "rejected", "waiting"]


@dataclass(frozen=True, kw_only=True)
class Event:
    """A CloudEvents 1.0 event, parsed and checked once at the edge."""

    source: str
    id: str
    type: str
    subject: str
    """The business key; runs of one subject go one at a time. Never empty: an event without a subject is its own."""
    time: datetime
    data: JsonObject


@dataclass(frozen=True, kw_only=True)
class Purpose:
    """One thing a good answer to an event usually serves: advice of the playbook, not a script."""

    text: str
    """The purpose in words: "stop marketing to the customer"."""
    step: str
    """The step of a value chain whose tools may serve it."""
    when: str | None = None
    """CEL condition over `event events data subject features`, `results` and `failed` (by tool), `steps` (by step)."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """A tool call a decider asks for."""

    tool: str
    arguments: JsonObject
    action: str
    """The learned unit, `actions.action_name(tool, arguments)`."""
    purpose: str | None = None
    """Text of the playbook purpose it serves, if any."""
    propensity: float = field(default=1.0, compare=False)
    """Probability with which the decider takes this action among its rivals, in (0, 1]."""
    prior: float | None = field(default=None, compare=False)
    """What was expected of the action when it was chosen, in [0, 1]; None where nobody could say."""


@dataclass(frozen=True, kw_only=True)
class CallResult:
    """How a call of an earlier decision of the same run ended."""

    decision: int
    index: int
    call: Call
    state: CallState
    """`refused`: by policy; `rejected`: by an operator; the others as in the ledger."""
    result: JsonValue = None
    error: str | None = None
    decided_by: str = ""
    verified: float | None = None
    """The tool's own word on it as a reward, see `agent.verifying`; None: it said none."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What is left of the run's limits."""

    decisions: int
    calls: int
    seconds: float
    tokens: int


@dataclass(frozen=True, kw_only=True)
class PastTurn:
    """One decision of a past run."""

    number: int
    kind: Literal["act", "ask", "finish"]
    tokens: int
    """What a model's decision here costs: its own, or those that a reflex spared."""
    schemas: Mapping[str, str]
    """Tool -> fingerprint of its schemas when it was called; tools of which none was noted are absent."""


@dataclass(frozen=True, kw_only=True)
class PastRun:
    """A closed run of the same event type that outcomes were joined to, or whose writes operators decided on."""

    id: str
    reward: float
    """In [0, 1]: over the goals that were graded, by their present weights."""
    subject: str
    data: JsonObject
    """The event's."""
    results: tuple[CallResult, ...]
    weight: float = 1.0
    """Less for an operator's word that no outcome has confirmed yet."""
    features: Mapping[str, Feature] = field(default_factory=dict)
    """Of its episode."""
    turns: tuple[PastTurn, ...] = ()
    """Its decisions in order; none where it did not end by itself, or handled several events."""


@dataclass(frozen=True, kw_only=True)
class LikeCase:
    """A closed run like this one that turned out well."""

    episode: str
    features: Mapping[str, Feature]
    done: tuple[str, ...]
    """Actions, in their order."""
    reward: float


@dataclass(frozen=True, kw_only=True)
class Situation:
    """What one decision sees. Text in it that came from outside is data, never an instruction."""

    run: str
    decision: int
    """Number of the decision to be made, from 1."""
    event: Event
    """The run's event; of a batch the last one."""
    event_description: str
    text: str
    features: Mapping[str, Feature]
    goals: Mapping[str, float]
    tools: tuple[Tool, ...]
    """The tools the portfolio allows for this event type."""
    bound: Mapping[str, JsonValue]
    """Argument name -> the only value it may have."""
    playbook: tuple[Purpose, ...] | None
    """None: the portfolio gives no playbook. Empty: it says that usually nothing is to be done."""
    evidence: Mapping[str, ActionEvidence]
    """By action; an action nobody has tried in a like situation is absent."""
    results: tuple[CallResult, ...]
    budget: Budget
    events: tuple[Event, ...] = ()
    """All events of the run in the order they came: more than one where a debounce has gathered them."""
    past: tuple[PastRun, ...] = ()
    """Latest graded runs of the event type, where there is no playbook, or a reflex: what was done stands in them."""
    explore: float = 0.0
    """Share of choices that take another action of low risk than the best."""
    blocked: Mapping[str, str] = field(default_factory=dict)
    """`canonical.like` of writes that policy would refuse now -> what stands against them."""
    cases: tuple[LikeCase, ...] = ()
    """The likest that turned out well, for a decider that reads; like lessons only where there is evidence."""
    lessons: tuple[Lesson, ...] = ()
    """Those whose conditions fit, best first, for a decider that reads: the Planner goes by evidence alone."""
    near: Mapping[str, float] = field(default_factory=dict)
    """Ids of episodes with a like text, and the cosines; none where memory cannot, or must not, be asked."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """An action that was weighed, and why it was or was not chosen."""

    action: str
    tool: str
    purpose: str | None
    permitted: bool
    prior: float
    """p(a) in [0, 1]."""
    success: float
    failure: float
    episodes: tuple[str, ...]
    score: float
    chosen: bool
    why_not: str | None
    propensity: float | None = None
    """Probability with which it was taken for the purpose; those of a purpose sum to 1. None: it could not be taken,
    or nothing was drawn."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """What a decider asks an operator instead of guessing."""

    text: str
    options: tuple[Call, ...] = ()
    """Calls it would consider, best first; arguments it could not find are absent."""
    missing: tuple[str, ...] = ()
    """Required arguments of the first option that could not be found."""


@dataclass(frozen=True, kw_only=True)
class ReflexNote:
    """What the reflex had to say to a decision, where the event type has one."""

    role: ReflexRole
    """It decided; it would have, but the run goes to the model as a check; it left the decision to the model."""
    why: str
    """The counts it rests on, or why it gave way."""
    gave_way: GaveWay | None = None
    """The same in one word."""
    actions: tuple[str, ...] = ()
    """What it took, or would have."""
    agrees: bool | None = None
    """Of a check: whether the model decided the same."""
    spared: int = 0
    """Tokens that like runs' models used for such a decision, on average."""
    schemas: Mapping[str, str] = field(default_factory=dict)
    """Tool -> fingerprint of its schemas, for the tools of the decision's calls."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """One numbered turn of a run. `act` has calls, `ask` has a question, `finish` has neither."""

    kind: Literal["act", "ask", "finish"]
    reason: str
    calls: tuple[Call, ...] = ()
    question: Question | None = None
    candidates: tuple[Candidate, ...] = ()
    decided_by: str
    tokens: int = 0
    """Tokens a chat model used for it."""
    refused: tuple[CallResult, ...] = field(default=())
    """Calls the decider asked for in a form that is no call (arguments that are not JSON, for one)."""
    lessons: tuple[str, ...] = ()
    """Ids of the lessons the decider was shown."""
    reflex: ReflexNote | None = None
    """None: the event type has no reflex, or no chat model decides."""


class Decider(Protocol):
    """What decides. Two real ones exist: `Planner` and `ChatDecider`."""

    @property
    def name(self) -> str:
        """What reports show as `decided_by`."""

    async def decide(self, situation: Situation) -> Decision:
        """Choose the next calls. Raises `DeciderError` when no decision can be had."""


class DeciderError(Exception):
    """No decision could be had; `code` names the end of the run."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
