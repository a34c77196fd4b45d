"""What answers look like, for the OpenAPI document.

Routes answer with the store's own rows; tests hold the two against each other.
"""

# No postponed annotations here: pydantic reads them while the classes are made.

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from agent.store.pauses import Scope
from agent.types import EffectState, RunStatus
from api.shape import Page, Shape
from memory.types import Arm
from tools.types import Risk, ToolEffect

ApprovalState = Literal["pending", "approved", "rejected"]
JsonDocument = dict[str, Any]


class Accepted(Shape):
    """What became of one event: it has a run, or (an outcome type) an outcome."""

    source: str
    id: str
    run: str | None = None
    outcome: str | None = None
    duplicate: bool = Field(
        description="The event had been accepted before; the run or outcome is the one it got then."
    )


class AcceptedEvents(Shape):
    accepted: list[Accepted]


class DebounceShown(Shape):
    quiet_s: float
    longest_s: float


class RateShown(Shape):
    starts: int
    per_s: float


class QueueShown(Shape):
    """How runs of an event type wait for their turn; null: no such rule."""

    priority: int
    delay_s: float
    ttl_s: float | None
    debounce: DebounceShown | None
    concurrency: int | None
    rate: RateShown | None
    attempts: int


class EventTypeShown(Shape):
    type: str
    kind: Literal["event", "outcome"]
    description: str
    json_schema: JsonDocument = Field(alias="schema")
    allow: list[str] | None = Field(None, description="Tools a run for such an event may call (kind `event`).")
    bind: dict[str, str] | None = Field(None, description="Argument: path of the event field it must equal.")
    queue: QueueShown | None = Field(None, description="How its runs wait for their turn (kind `event`).")
    goals: list[str] | None = Field(None, description="Goals it is graded for (kind `outcome`).")


class EventTypes(Shape):
    items: list[EventTypeShown]


class EventShown(Shape):
    source: str
    id: str
    type: str
    subject: str
    time: str
    data: JsonDocument


class EndShown(Shape):
    code: str
    detail: str | None


class RunRow(Shape):
    """A run as lists show it."""

    id: str
    status: RunStatus
    event: EventShown
    decided_by: str
    end: EndShown | None
    events: int
    """How many events the run handles: more than one where a debounce gathered them."""
    attempts: int
    """Tries that failed before this one."""
    due_at: str | None
    held: str | None
    """What holds it: `all`, `event:TYPE`, `tool:NAME`."""
    cancelled_by: str | None
    created_at: str
    closed_at: str | None


class SupportShown(Shape):
    success: float
    failure: float


class CandidateShown(Shape):
    """An action that was weighed, and why it was or was not chosen."""

    action: str
    tool: str
    purpose: str | None
    permitted: bool
    prior: float
    evidence: SupportShown
    episodes: list[str]
    score: float
    chosen: bool
    why_not: str | None
    propensity: float | None = Field(
        None,
        description="Probability with which it was taken for the purpose; null where it could not be taken, or nothing "
        "was drawn.",
    )


class CallShown(Shape):
    """A call that was asked for, and what policy said."""

    index: int
    tool: str
    arguments: JsonDocument
    action: str
    purpose: str | None
    propensity: float = Field(description="Probability with which it was taken among its rivals.")
    decided_by: str
    verdict: Literal["permitted", "approval", "refused", "rejected"]
    why: str | None


class DecisionShown(Shape):
    number: int
    kind: Literal["act", "ask", "finish"]
    reason: str
    decided_by: str
    tokens: int
    candidates: list[CandidateShown]
    calls: list[CallShown]
    lessons: list[str] = Field(description="Ids of the lessons the decider was shown.")
    degraded: str | None = Field(description="Why memory could not be asked, if it could not.")
    arm: Arm | None = Field(description="`control`: it was made without memory. Null: no arm was drawn.")
    swayed: bool | None = Field(
        description="Whether the other arm would have decided otherwise; null where that was not looked at."
    )
    decided_at: str


class SettledShown(Shape):
    by: str
    reason: str | None


class EffectShown(Shape):
    """One tool call in the ledger."""

    key: str
    run: str
    tool: str
    subject: str
    arguments: JsonDocument
    state: EffectState
    attempts: int
    started_at: str
    ended_at: str | None
    result: Any = Field(
        None,
        description="Present if `done`. Of more than 16 KiB only an excerpt: `{large: true, bytes, digest, preview}`; "
        "`/v1/effects/{key}/result` has the whole.",
    )
    error: str | None = None
    verified: float | None = Field(None, description="Present if the tool's own answer says what the call was worth.")
    settled: SettledShown | None = Field(None, description="Present if an operator said what became of it.")


class OptionShown(Shape):
    model_config = ConfigDict(extra="allow")

    tool: str
    arguments: JsonDocument


class ApprovalShown(Shape):
    """A call or a question that waits for an operator, or has been answered."""

    id: str
    run: str
    decision: int
    kind: Literal["call", "question"]
    state: ApprovalState
    tool: str | None
    arguments: JsonDocument | None
    arguments_hash: str | None
    created_at: str
    answered_at: str | None
    answered_by: str | None
    reason: str | None
    question: str | None = None
    options: list[OptionShown] | None = None
    missing: list[str] | None = None


class EvidenceShown(Shape):
    """What memory said about one action."""

    action: str
    success: float
    failure: float
    surprise: float = Field(0.0, description="How much better than expected it did; below 0: worse.")
    episodes: list[str]


class OutcomeShown(Shape):
    id: str
    type: str
    subject: str
    source: str
    event_id: str
    time: str
    data: JsonDocument
    state: Literal["new", "joined", "unmatched", "ungraded"]
    run: str | None
    rewards: dict[str, float] = Field(description="By goal; `*` is a thumb's, of each goal no outcome has graded.")
    detail: str | None
    revoked: bool = Field(description="Its source is revoked: its rewards are not heard.")


class GatheredShown(Shape):
    """One of several events that one run handles."""

    source: str
    id: str
    time: str
    data: dict[str, Any]


class RunShown(RunRow):
    """A run with everything that is known of it."""

    arm: Arm | None = Field(
        description="`control`: it decides without memory. Null: it has decided nothing yet, or no arm was drawn."
    )
    swayed: bool | None = Field(description="Whether memory changes what is decided in it; null where nobody can say.")
    gathered: list[GatheredShown] = Field(description="All its events, where a debounce has gathered several.")
    decisions: list[DecisionShown]
    effects: list[EffectShown]
    approvals: list[ApprovalShown]
    evidence: list[EvidenceShown]
    outcomes: list[OutcomeShown]
    stored_bytes: int = Field(
        description="What the database keeps of its decisions, calls, effects and approvals, and of its large results."
    )


class BreakerShown(Shape):
    """A tool that keeps failing and is left alone for a while, as the process that answers knows it."""

    state: Literal["open", "half_open"] = Field(description="`half_open`: one call tries the tool, now or next.")
    failures: int
    error: str
    tried_again_at: str


class ToolShown(Shape):
    name: str
    description: str
    source: str
    owner: str
    unit: str
    step: str | None
    effect: ToolEffect
    risk: Risk
    idempotent: bool
    timeout_s: float
    choice: list[str]
    parameters: JsonDocument
    events: list[str] = Field(description="Event types whose runs may call it.")
    breaker: BreakerShown | None = Field(description="Null while it is called as usual.")


class Tools(Shape):
    items: list[ToolShown]


class RunPage(Page):
    items: list[RunRow]


class ApprovalPage(Page):
    items: list[ApprovalShown]


class EffectPage(Page):
    items: list[EffectShown]


class OutcomePage(Page):
    items: list[OutcomeShown]


class PauseShown(Shape):
    """Something that is paused."""

    scope: Scope
    name: str | None = Field(description="Of the tool or event type; null for `all`.")
    by: str
    reason: str | None
    since: str


class Pauses(Shape):
    items: list[PauseShown]


class Resumed(Shape):
    scope: Scope
    name: str | None
    resumed: bool = Field(description="False where nothing was paused.")
    released: int = Field(description="Queued runs that had waited for the end of the pause.")


class Health(Shape):
    status: Literal["ready", "degraded"]
    problems: dict[str, str] = Field(
        description="Parts that are not well, and why; only with a key where keys are in use."
    )


class Alive(Shape):
    status: Literal["live"]


class ProblemError(BaseModel):
    """One of several mistakes: of an event of a batch (`index`) or of a field (`field`)."""

    index: int | None = None
    field: str | None = None
    detail: str


class Problem(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[ProblemError] | None = None
    problems: dict[str, str] | None = Field(None, description="Parts that are not well (503 of /health/ready).")
