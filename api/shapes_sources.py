"""What answers about sources, and about an operator's outcome of a run, look like, for the OpenAPI document."""

# No postponed annotations here: pydantic reads them while the classes are made.

from typing import Literal

from pydantic import Field

from agent.store.source_lists import SourceState
from api.shape import Shape


class OutcomeAccepted(Shape):
    """What became of an operator's outcome of a run."""

    run: str
    outcome: str
    duplicate: bool = Field(description="It had been accepted before, as this outcome.")


class SourceChangeShown(Shape):
    """What an operator did with a source."""

    at: str
    state: Literal["revoked", "restored"]
    by: str
    reason: str | None


class SourceShown(Shape):
    """Where events and outcomes come from; `by`, `reason` and `since` are of its latest change."""

    source: str
    state: SourceState
    episodes: int
    outcomes: int
    by: str | None
    reason: str | None
    since: str | None
    history: list[SourceChangeShown]


class SourcePage(Shape):
    items: list[SourceShown]
    next: str | None = Field(description="Send it as `cursor` for the page after this one; null on the last.")


class SourceChanged(SourceShown):
    changed: bool = Field(description="False where it was so already.")
    index_left: int = Field(description="Episodes the index has still to follow with; what is revoked is unheard.")
