"""What requests may say: query strings and operators' bodies.

Unknown fields are refused, so that a typing mistake is no wider filter.
"""

# No postponed annotations here: pydantic reads them while the classes are made.

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, StringConstraints, model_validator

from agent.store.dead import LetterState
from agent.store.pauses import Scope
from agent.types import EffectState, RunStatus

MOST_ITEMS = 200


def _printable(value: str) -> str:
    if "\x00" in value:
        raise ValueError("contains a NUL character")
    return value


Filter = Annotated[str, StringConstraints(min_length=1, max_length=1024), AfterValidator(_printable)]
Cursor = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,128}$")]
Limit = Annotated[int, Field(ge=1, le=MOST_ITEMS)]
ToolName = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Reason = Annotated[str, StringConstraints(max_length=2_000)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PageQuery(_Request):
    """Which page of a list."""

    limit: Limit = 50
    cursor: Cursor | None = Field(None, description="`next` of the page before.")


class RunsQuery(PageQuery):
    """Which runs."""

    status: RunStatus | None = None
    type: Filter | None = Field(None, description="Event type.")
    subject: Filter | None = None
    source: Filter | None = None


class StreamQuery(_Request):
    """Where a stream goes on."""

    last_event_id: str | None = Field(None, description="For clients that cannot send the header Last-Event-ID.")


class ApprovalsQuery(PageQuery):
    """Which approvals."""

    state: Literal["pending", "approved", "rejected", "all"] = "pending"


class EffectsQuery(PageQuery):
    """Which effects."""

    state: EffectState | None = None


class OutcomesQuery(PageQuery):
    """Which outcomes."""

    state: Literal["new", "joined", "unmatched", "ungraded"] | None = None


class DeadLettersQuery(PageQuery):
    """Which dead letters."""

    state: LetterState | Literal["all"] = "open"


class SearchQuery(_Request):
    """What to look for in memory."""

    type: Filter = Field(description="Event type whose episodes are searched.")
    text: Annotated[str, StringConstraints(min_length=1, max_length=8_000), AfterValidator(_printable)]
    k: Annotated[int, Field(ge=1, le=100)] = 10


class ReflexQuery(_Request):
    """Of which event type; of all unless it is given."""

    type: Filter | None = None


class CallForm(_Request):
    """A call an operator asks for."""

    tool: ToolName
    arguments: dict[str, JsonValue] = {}


class AnswerForm(_Request):
    """An operator's one answer to an approval or a question."""

    answer: Literal["approve", "reject"]
    arguments: dict[str, JsonValue] | None = Field(None, description="Replace the arguments the approval shows.")
    tool: ToolName | None = Field(None, description="For a question: another tool than the first option's.")
    calls: list[CallForm] | None = Field(
        None, min_length=1, max_length=20, description="For a question: several calls, instead of tool and arguments."
    )
    reason: Reason | None = None

    @model_validator(mode="after")
    def _fits(self) -> "AnswerForm":
        if self.answer == "reject" and (self.arguments is not None or self.tool is not None or self.calls is not None):
            raise ValueError("a rejection has no arguments, tool or calls; it may have a reason")
        if self.calls is not None and (self.arguments is not None or self.tool is not None):
            raise ValueError("send either calls, or tool and arguments")
        return self


class SettleForm(_Request):
    """What became of an effect nobody was sure of."""

    state: Literal["done", "failed"]
    result: JsonValue = Field(None, description="What the tool would have answered; for `done` only.")
    reason: Reason | None = None

    @model_validator(mode="after")
    def _fits(self) -> "SettleForm":
        if self.state == "failed" and self.result is not None:
            raise ValueError("an effect that failed has no result")
        return self


class ResumeForm(_Request):
    """What is, or is to be, paused."""

    scope: Scope
    name: Filter | None = Field(None, description="Of the tool or event type; none for `all`.")

    @model_validator(mode="after")
    def _fits(self) -> "ResumeForm":
        if self.scope == "all" and self.name is not None:
            raise ValueError("everything has no name; pause a tool or an event by name, or all without one")
        if self.scope != "all" and self.name is None:
            raise ValueError(f"say in 'name' which {self.scope}")
        return self


class PauseForm(ResumeForm):
    """What is to be paused, and why."""

    reason: Reason | None = None


class DiscardForm(_Request):
    """Why a dead letter is given up."""

    reason: Reason | None = None
