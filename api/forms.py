"""What requests may say: query strings and operators' bodies.

Unknown fields are refused, so that a typing mistake is no wider filter.
"""

# No postponed annotations here: pydantic reads them while the classes are made.

from datetime import datetime
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    model_validator,
)

from agent.acts import Act, ThingKind
from agent.curves import By
from agent.doors import Door
from agent.store.activity import ActivityFilter
from agent.store.dead import LetterState
from agent.store.pauses import Scope
from agent.store.source_lists import SourceState
from agent.store.switches import SwitchState
from agent.thumbs import Thumb
from agent.types import EffectState, RunStatus
from api.moments import moment
from memory.valuing import PolicyName

MOST_ITEMS = 200
MOST_POINTS = 10_000


def _printable(value: str) -> str:
    if "\x00" in value:
        raise ValueError("contains a NUL character")
    return value


Filter = Annotated[str, StringConstraints(min_length=1, max_length=1024), AfterValidator(_printable)]
Cursor = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,128}$")]
Limit = Annotated[int, Field(ge=1, le=MOST_ITEMS)]
ToolName = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Reason = Annotated[str, StringConstraints(max_length=2_000)]
Since = Annotated[datetime, BeforeValidator(lambda given: moment(str(given)))]
Until = Annotated[datetime, BeforeValidator(lambda given: moment(str(given), until=True))]


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


class ActivityQuery(PageQuery):
    """Which acts, and in which form."""

    who: Filter | None = Field(None, description="Name of the key, `operator` without keys, or `segue`.")
    act: Act | None = None
    door: Door | None = Field(None, description="`segue`: by itself.")
    kind: ThingKind | None = Field(None, description="Of what it is about.")
    about: Filter | None = Field(None, description="Id or name of what it is about.")
    run: Filter | None = Field(None, description="All that was done about this run.")
    since: Since | None = Field(None, description="A day or a moment, in UTC unless it has a zone.")
    until: Until | None = Field(None, description="A day, to its end, or a moment.")
    q: Filter | None = Field(None, description="Part of a name: who did it, what it is about, its tool or subject.")
    format: Literal["json", "csv", "jsonl"] = Field("json", description="`csv` and `jsonl` are all lines, in no pages.")
    cursor: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,18}$")] | None = Field(
        None, description="`next` of the page before."
    )

    @model_validator(mode="after")
    def _fits(self) -> "ActivityQuery":
        if self.format != "json" and self.model_fields_set & {"limit", "cursor"}:
            raise ValueError(f"format={self.format} gives all lines; leave limit and cursor out, or ask for json")
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise ValueError("since is not before until")
        return self

    def wanted(self) -> ActivityFilter:
        """As the store is asked."""
        return ActivityFilter(
            who=self.who,
            act=self.act,
            door=self.door,
            kind=self.kind,
            about=self.about,
            run=self.run,
            since=self.since,
            until=self.until,
            words=self.q,
        )


class SearchQuery(_Request):
    """What to look for in memory."""

    type: Filter = Field(description="Event type whose episodes are searched.")
    text: Annotated[str, StringConstraints(min_length=1, max_length=8_000), AfterValidator(_printable)]
    k: Annotated[int, Field(ge=1, le=100)] = 10


class MapQuery(_Request):
    """Which episodes to lay out."""

    type: Filter = Field(description="Event type whose episodes are laid out.")
    limit: Annotated[int, Field(ge=1, le=MOST_POINTS, description="The newest so many.")] = 2_000


class ValueQuery(_Request):
    """Which way to choose is to be valued, and of which event type."""

    type: Filter = Field(description="Event type of the runs.")
    policy: PolicyName | None = Field(None, description="All of them unless given.")


class UpliftQuery(_Request):
    """Whose uplift."""

    type: Filter | None = Field(None, description="Event type; all without it.")


class CurveQuery(_Request):
    """Which learning curve."""

    type: Filter = Field(description="Event type of the runs.")
    goal: Filter | None = Field(None, description="One goal; all by their present weights without it.")
    by: By = Field("number", description="`number`: points of equally many graded runs; or by `day` or `week` (UTC).")


class ChangesQuery(_Request):
    """Whose changes."""

    type: Filter | None = Field(None, description="Event type; all without it.")


class LessonsQuery(PageQuery):
    """Which lessons."""

    type: Filter | None = Field(None, description="Event type.")
    state: Literal["standing", "active", "uncorroborated", "retired", "all"] = Field(
        "standing", description="`standing`: those not retired, shown to who decides or not."
    )


class DistilForm(_Request):
    """What is to be distilled now."""

    type: Filter | None = Field(None, description="Event type; none for all.")


class TidyForm(_Request):
    """What is to be tidied."""

    type: Filter | None = Field(None, description="Event type; none for all.")
    dry_run: bool = Field(False, description="Only say what would be done.")


class KeepForm(_Request):
    """A forgotten episode that is to speak again; nothing more is to be said."""


class EditLessonForm(_Request):
    """A lesson in an operator's words."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)] = Field(
        description="One line; the counts are added."
    )

    @model_validator(mode="after")
    def _is_one_line(self) -> "EditLessonForm":
        if not self.text.isprintable():
            raise ValueError("the text must be one line of printable characters")
        return self


class RetireForm(_Request):
    """Why a lesson is to be shown no more."""

    reason: Reason | None = None


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


class SwitchForm(_Request):
    """For which event type memory is switched off or on, and why."""

    type: Filter
    state: SwitchState
    reason: Reason | None = None


class DiscardForm(_Request):
    """Why a dead letter is given up."""

    reason: Reason | None = None


class OutcomeForm(_Request):
    """What became of a run: an outcome of a type of the portfolio, or an operator's thumb."""

    type: Filter | None = Field(None, description="Outcome type of the portfolio.")
    data: dict[str, JsonValue] | None = Field(None, description="Must fit the schema of the outcome type.")
    thumb: Thumb | None = Field(None, description="Instead of type and data: the run did well, or badly.")
    reason: Reason | None = Field(None, description="Of a thumb.")
    id: Filter | None = Field(None, description="Sent again with the same id, it is the same outcome.")

    @model_validator(mode="after")
    def _fits(self) -> "OutcomeForm":
        if (self.type is None) == (self.thumb is None):
            raise ValueError("send either type and data, or thumb")
        if self.thumb is not None and self.data is not None:
            raise ValueError("a thumb has no data; it may have a reason")
        if self.thumb is None and self.reason is not None:
            raise ValueError("only a thumb has a reason; an outcome has data")
        return self


class SourcesQuery(_Request):
    """Which sources."""

    limit: Limit = 50
    cursor: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,9}$")] | None = Field(
        None, description="`next` of the page before."
    )
    state: SourceState | None = None


class RevocationForm(_Request):
    """A source of events and outcomes that is trusted no more, or again."""

    source: Filter
    reason: Reason | None = None
