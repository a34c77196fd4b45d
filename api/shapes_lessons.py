"""What lessons look like, for the OpenAPI document."""

# No postponed annotations here: pydantic reads them while the classes are made.

from typing import Literal

from pydantic import Field

from api.shape import Shape


class ConditionShown(Shape):
    """A feature's value, or (`like`) that the text is like that of an episode."""

    what: Literal["is", "at_least", "below", "like"]
    feature: str | None = None
    value: str | int | float | bool | None = None
    episode: str | None = Field(None, description="For `like`: the one in the midst of the cluster.")
    least: float | None = Field(None, description="For `like`: the cosine from which a text belongs to it.")
    words: list[str] | None = Field(None, description="For `like`: what its texts mostly say.")


class LessonSupport(Shape):
    """How many runs turned out well, of all: the rule's own, and what it is held against."""

    good: int
    total: int
    rest_good: int
    rest_total: int
    low: float = Field(description="Interval of good / total, corrected for all rules that were tried.")
    high: float
    p: float = Field(description="Fisher's exact test, two-sided.")


class CreditShown(Shape):
    """What became of the runs whose decisions were shown it, all its versions together."""

    shown: int
    helped: int = Field(description="Did as it says, and turned out well.")
    hurt: int = Field(description="Did as it says, and did not.")
    otherwise: int = Field(description="Did otherwise.")
    open: int = Field(description="No outcome is known yet.")


class LessonShown(Shape):
    """One version of a lesson."""

    id: str
    event_type: str
    version: int
    state: Literal["active", "uncorroborated", "retired"] = Field(
        description="`uncorroborated`: not shown to who decides, as it leans on one source of several."
    )
    text: str
    words: str | None = Field(description="The text without its counts; null where nobody worded it.")
    kind: Literal["action", "order"]
    advice: Literal["do", "avoid"]
    against: Literal["others", "elsewhere", "reversed"]
    actions: list[str]
    conditions: list[ConditionShown]
    support: LessonSupport
    episodes: list[str] = Field(description="Of its own runs, the latest first, at most 50.")
    sources: dict[str, int] = Field(description="Event sources of its own runs, with how many of each.")
    subjects: int
    origin: Literal["statistics", "model", "operator"]
    written_by: str
    tokens: int = Field(description="What a model's wording used.")
    credit: CreditShown
    created_at: str
    retired_at: str | None
    retired_by: str | None
    reason: str | None = Field(description="Why it was retired, or is not shown.")
    replaces: str | None = Field(description="The version before.")


class LessonPage(Shape):
    items: list[LessonShown]
    next: str | None = Field(description="Send it as `cursor` for the page after this one; null on the last.")


class DistilledShown(Shape):
    """What a distillation did to an event type."""

    type: str
    added: int = Field(description="New lessons, and new versions of known ones.")
    retired: int
    episodes: int = Field(description="Graded episodes that were looked at.")


class DistilledKinds(Shape):
    items: list[DistilledShown]
